//! Snapshots: what is written comes back in each form, and damage is told.

mod common;

use std::fs;

use common::*;
use persistence::*;
use proto::records::{Acl, Id, StatPersisted};
use proto::txn::owned;
use proto::{SessionId, Zxid};

const LIMIT: u32 = DEFAULT_MAX_FIELD_BYTES;
const ALL: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Snappy];

const DIGEST: SnapshotDigest = SnapshotDigest {
    zxid: Zxid(0x77),
    version: 2,
    digest: -3,
};

fn acl() -> Acl<'static> {
    Acl {
        perms: 31,
        id: Id {
            scheme: owned("digest"),
            id: owned("bob:x"),
        },
    }
}

fn stat(n: i64) -> StatPersisted {
    StatPersisted {
        czxid: Zxid(n),
        ephemeral_owner: -n,
        ..StatPersisted::default()
    }
}

/// 300 nodes, some of them empty, null or 100 KB.
fn nodes() -> Vec<(String, Option<Vec<u8>>, i64, StatPersisted)> {
    let data = |n: usize| match n % 100 {
        0 => None,
        1 => Some(vec![]),
        2 => Some((0..100_000).map(|byte| (byte * n) as u8).collect()),
        _ => Some(vec![n as u8; n]),
    };
    (0..300)
        .map(|n| {
            let path = if n == 0 {
                String::new()
            } else {
                format!("/n{n}é")
            };
            (path, data(n), n as i64 % 3 - 1, stat(n as i64))
        })
        .collect()
}

fn contents() -> Everything {
    Everything {
        sessions: vec![(SessionId(-5), 30_000), (SessionId(9), 4_000)],
        acls: vec![(1, vec![acl(), acl()]), (2, vec![])],
        nodes: nodes(),
        ..Everything::default()
    }
}

fn write(dir: &RealDir, zxid: i64, compression: Compression, seals: &SnapshotSeals) -> String {
    let all = contents();
    let acls = all.acls.iter().map(|(id, list)| (*id, &list[..]));
    let mut writer =
        SnapshotWriter::begin(dir.clone(), Zxid(zxid), compression, &all.sessions, acls).unwrap();
    for (path, data, acl_id, stat) in &all.nodes {
        writer.node(path, data.as_deref(), *acl_id, stat).unwrap();
    }
    let name = snapshot_name(Zxid(zxid), compression);
    let length = writer.finish(seals).unwrap();
    assert_eq!(fs::metadata(dir.path().join(&name)).unwrap().len(), length);
    name
}

fn read(dir: &RealDir, name: &str) -> Result<(Everything, SnapshotSeals), SnapshotError> {
    let mut all = Everything::default();
    let seals = SnapshotReader::open(dir, name, LIMIT)?.read(&mut all)?;
    Ok((all, seals))
}

#[test]
fn a_snapshot_comes_back_in_every_form_with_every_seal() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    for compression in ALL {
        for digest in [None, Some(DIGEST)] {
            for last_zxid in [None, Some(Zxid(0x78))] {
                let seals = SnapshotSeals { digest, last_zxid };
                let name = write(&dir, 0x77, compression, &seals);
                assert!(is_plausible_snapshot(&dir, &name).unwrap());
                assert_eq!(read(&dir, &name).unwrap(), (contents(), seals), "{name}");
            }
        }
    }
}

#[test]
fn a_snapshot_that_is_dropped_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    for compression in ALL {
        let none = std::iter::empty();
        let writer = SnapshotWriter::begin(dir.clone(), Zxid(1), compression, &[], none).unwrap();
        assert_eq!(dir.list().unwrap().len(), 1);
        drop(writer);
        assert_eq!(dir.list().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn a_cut_anywhere_is_found() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    for compression in ALL {
        let seals = SnapshotSeals::default();
        let name = write(&dir, 1, compression, &seals);
        let whole = fs::read(temp.path().join(&name)).unwrap();
        let lengths = (0..whole.len()).step_by(997).chain([whole.len() - 1]);
        for length in lengths {
            fs::write(temp.path().join(&name), &whole[..length]).unwrap();
            assert!(read(&dir, &name).is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn one_wrong_bit_anywhere_is_found_in_a_plain_snapshot() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let seals = SnapshotSeals {
        digest: Some(DIGEST),
        last_zxid: Some(Zxid(5)),
    };
    let name = write(&dir, 1, Compression::None, &seals);
    let whole = fs::read(temp.path().join(&name)).unwrap();
    let near_the_end = whole.len() - 100..whole.len();
    for position in (0..whole.len()).step_by(1009).chain(near_the_end) {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x10;
        fs::write(temp.path().join(&name), bytes).unwrap();
        let outcome = read(&dir, &name);
        assert!(outcome.is_err(), "bit at {position} of {}", whole.len());
    }
}

#[test]
fn a_child_before_its_parent_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let none = std::iter::empty();
    let mut writer =
        SnapshotWriter::begin(dir.clone(), Zxid(1), Compression::None, &[], none).unwrap();
    writer.node("", None, -1, &stat(0)).unwrap();
    writer.node("/a/b", None, -1, &stat(1)).unwrap();
    writer.finish(&SnapshotSeals::default()).unwrap();
    let error = read(&dir, "snapshot.1").unwrap_err();
    assert!(
        error.to_string().contains("parent of /a/b is missing"),
        "{error}"
    );
}

#[test]
fn a_digest_of_version_1_is_hexadecimal_text() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let name = write(&dir, 1, Compression::None, &SnapshotSeals::default());
    edit(&temp.path().join(&name), |bytes| {
        bytes.extend(5i64.to_be_bytes());
        bytes.extend(1i32.to_be_bytes());
        bytes.extend(b"\0\0\0\x02ff");
        let sum = simd_adler32::adler32(&&bytes[..]);
        bytes.extend(i64::from(sum).to_be_bytes());
        bytes.extend(b"\0\0\0\x01/");
    });
    let digest = SnapshotDigest {
        zxid: Zxid(5),
        version: 1,
        digest: 0xff,
    };
    assert_eq!(read(&dir, &name).unwrap().1.digest, Some(digest));
}

#[test]
fn data_above_the_limit_names_the_setting() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let name = write(&dir, 1, Compression::Gzip, &SnapshotSeals::default());
    let mut all = Everything::default();
    let reader = SnapshotReader::open(&dir, &name, 99_999).unwrap();
    let error = reader.read(&mut all).unwrap_err();
    assert!(matches!(
        error,
        SnapshotError::TooLong {
            length: 100_000,
            ..
        }
    ));
    assert!(error.to_string().contains("jute.maxbuffer"));
}

#[test]
fn a_stream_tells_by_its_first_bytes_how_it_is_compressed() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    for compression in ALL {
        let seals = SnapshotSeals::default();
        let name = write(&dir, 1, compression, &seals);
        let bytes = std::io::Cursor::new(fs::read(temp.path().join(&name)).unwrap());
        let mut all = Everything::default();
        let reader = SnapshotReader::of_stream(bytes, "a body", LIMIT).unwrap();
        assert_eq!(reader.read(&mut all).unwrap(), seals);
        assert_eq!(all, contents(), "{compression:?}");
    }
    let reader = SnapshotReader::of_stream(&b"ZKSN"[..], "a body", LIMIT).unwrap();
    let refused = reader.read(&mut Everything::default()).unwrap_err();
    assert!(refused.to_string().starts_with("a body "), "{refused}");
}
