//! Snapshots that Apache wrote, read and written again.
//!
//! The files are described in `compat-tests/golden/README.md`.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::*;
use persistence::*;
use proto::Zxid;

fn golden(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../compat-tests/golden")
        .join(part)
}

fn read(dir: &RealDir, name: &str) -> (Everything, SnapshotSeals) {
    let mut held = Everything::default();
    let reader = SnapshotReader::open(dir, name, DEFAULT_MAX_FIELD_BYTES).unwrap();
    let seals = reader.read(&mut held).unwrap();
    (held, seals)
}

/// Writes the snapshot as Apache would have, and returns its bytes.
fn write(zxid: Zxid, held: &Everything, seals: &SnapshotSeals) -> Vec<u8> {
    let home = tempfile::tempdir().unwrap();
    let acls = held.acls.iter().map(|(id, acl)| (*id, acl.as_slice()));
    let mut writer = SnapshotWriter::begin(
        dir(home.path()),
        zxid,
        Compression::None,
        &held.sessions,
        acls,
    )
    .unwrap();
    for (path, data, acl_id, stat) in &held.nodes {
        writer.node(path, data.as_deref(), *acl_id, stat).unwrap();
    }
    writer.finish(seals).unwrap();
    fs::read(home.path().join(snapshot_name(zxid, Compression::None))).unwrap()
}

#[test]
fn every_plain_snapshot_of_apache_is_written_again_as_it_was() {
    let dirs = [
        "apache-3.9.5/version-2",
        "apache-3.9.5/later",
        "apache-3.9.5-no-digest/version-2",
        "apache-3.9.5-no-digest/later",
        "apache-3.8.6/version-2",
        "apache-3.8.6/later",
    ];
    let mut count = 0;
    for path in dirs.map(golden) {
        let found = find_snapshots(&dir(&path)).unwrap();
        for (zxid, name) in &found {
            if parse_snapshot_name(name).unwrap().1 != Compression::None {
                continue;
            }
            let (held, seals) = read(&dir(&path), name);
            let original = fs::read(path.join(name)).unwrap();
            assert_eq!(write(*zxid, &held, &seals), original, "{path:?} {name}");
            count += 1;
        }
    }
    assert_eq!(count, 9);
}

#[test]
fn compressed_snapshots_of_apache_hold_what_the_plain_one_holds() {
    let dir = dir(&golden("apache-3.9.5/later"));
    let found = find_snapshots(&dir).unwrap();
    let contents: Vec<_> = found.iter().map(|(_, name)| read(&dir, name)).collect();
    assert_eq!(contents.len(), 3);
    assert!(contents.iter().all(|content| *content == contents[0]));
}
