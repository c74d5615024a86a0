//! TRUNC and SNAP: which files are left, and what they make.

mod common;

use std::path::Path;
use std::{fs, io};

use common::*;
use persistence::*;
use proto::{Epoch, Zxid};

const LIMIT: u32 = DEFAULT_MAX_FIELD_BYTES;

fn unnamed(dir: &RealDir, zxid: i64) -> UnnamedSnapshot<RealDir> {
    let none = std::iter::empty();
    let form = Compression::None;
    let writer = SnapshotWriter::begin(dir.clone(), Zxid(zxid), form, &[], none).unwrap();
    writer.finish_unnamed(&SnapshotSeals::default()).unwrap()
}

#[test]
fn the_files_go_back_to_any_txn_that_they_hold() {
    for zxid in 0..=14 {
        let (_temp, dir) = history();
        let rewound = rewind(&dir, &dir, Zxid(zxid), LIMIT).unwrap();
        assert_eq!(rewound, Rewound::Reached, "{zxid}");
        let recovered = recover_all(&dir).unwrap();
        assert_eq!(recovered.last_zxid, Zxid(zxid));
        assert_eq!(recovered.notices, []);
        let Start::Snapshot(loaded) = recovered.start else {
            panic!("{:?}", recovered.start);
        };
        assert_eq!(recovered.state.txns, zxids(loaded.0 + 1..=zxid));
        assert_eq!(
            rewind(&dir, &dir, Zxid(zxid), LIMIT).unwrap(),
            Rewound::Reached
        );
    }
}

/// A deposed leader that has proposed something in its epoch, and a follower of it, may have to go back to its beginning.
#[test]
fn the_files_go_back_to_the_beginning_of_an_epoch_that_they_hold_a_txn_of() {
    let (_temp, dir) = history();
    let beginning = 1 << 32;
    append_all(&mut small_log(&dir), [beginning + 1, beginning + 2]);
    let rewound = rewind(&dir, &dir, Zxid(beginning), LIMIT).unwrap();
    assert_eq!(rewound, Rewound::Reached);
    assert_eq!(recover_all(&dir).unwrap().last_zxid, Zxid(14));
}

#[test]
fn newer_snapshots_are_set_aside_under_a_name_that_nobody_loads() {
    let (_temp, dir) = history();
    rewind(&dir, &dir, Zxid(7), LIMIT).unwrap();
    let left = [
        "log.1",
        "log.6",
        "snapshot.0",
        "snapshot.5",
        "truncated.snapshot.9",
        "truncated.snapshot.c",
    ];
    assert_eq!(files(&dir), left);
    let found: Vec<_> = find_snapshots(&dir).unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn what_the_files_do_not_hold_is_out_of_reach_and_changes_nothing() {
    let out_of_reach = |dir: &RealDir, zxid| {
        let before = files(dir);
        let rewound = rewind(dir, dir, Zxid(zxid), LIMIT).unwrap();
        assert_eq!(rewound, Rewound::OutOfReach, "{zxid}");
        assert_eq!(files(dir), before);
    };
    // Behind the end, and another branch.
    let (_temp, dir) = history();
    out_of_reach(&dir, 15);
    out_of_reach(&dir, 1 << 32);
    // No snapshot is old enough.
    let (temp, dir) = history();
    for name in ["snapshot.0", "snapshot.5"] {
        fs::remove_file(temp.path().join(name)).unwrap();
    }
    out_of_reach(&dir, 8);
    // The one that is does not load.
    let (temp, dir) = history();
    edit(&temp.path().join("snapshot.0"), |bytes| bytes[0] = 0);
    out_of_reach(&dir, 4);
    // A log is missing.
    let (temp, dir) = history();
    fs::remove_file(temp.path().join("log.6")).unwrap();
    out_of_reach(&dir, 5);
    out_of_reach(&dir, 7);
    // Recovery would join what is in front of a leader's snapshot with what is behind it.
    let (_temp, dir) = history();
    let new_epoch = 1 << 32;
    small_snapshot(&dir, new_epoch);
    append_all(&mut small_log(&dir), [new_epoch + 1]);
    out_of_reach(&dir, 13);
}

#[test]
fn a_leaders_snapshot_takes_the_place_of_everything() {
    for zxid in [3, 9, 13, 14, 15, 1 << 32] {
        let (_temp, dir) = history();
        install(unnamed(&dir, zxid), &dir, LIMIT).unwrap();
        let recovered = recover_all(&dir).unwrap();
        assert_eq!(recovered.start, Start::Snapshot(Zxid(zxid)));
        assert_eq!(
            (recovered.last_zxid, recovered.txns_replayed),
            (Zxid(zxid), 0)
        );
        assert_eq!(recovered.notices, []);
        assert_eq!(find_snapshots(&dir).unwrap().len(), 1);
        // The log goes on.
        append_all(&mut small_log(&dir), [zxid + 1, zxid + 2]);
        let recovered = recover_all(&dir).unwrap();
        assert_eq!(recovered.state.txns, zxids(zxid + 1..=zxid + 2));
        assert_eq!(recovered.notices, []);
    }
}

#[test]
fn a_leaders_snapshot_brings_its_epoch() {
    let (_temp, dir) = history();
    let zxid = Zxid(3 << 32 | 7);
    write_accepted_epoch(&dir, Epoch(5)).unwrap();
    write_current_epoch(&dir, Epoch(0)).unwrap();
    install(unnamed(&dir, zxid.0), &dir, LIMIT).unwrap();
    let epochs = read_epochs(&dir, zxid).unwrap();
    assert_eq!((epochs.accepted, epochs.current), (Epoch(5), Epoch(3)));
    // One that is newer stays.
    install(unnamed(&dir, 2 << 32), &dir, LIMIT).unwrap();
    let epochs = read_epochs(&dir, Zxid(2 << 32)).unwrap();
    assert_eq!(epochs.current, Epoch(3));
    assert!(!files(&dir).iter().any(|name| name.ends_with(".tmp")));
}

#[test]
fn a_snapshot_without_a_name_leaves_nothing_behind() {
    let (_temp, dir) = history();
    let before = files(&dir);
    drop(unnamed(&dir, 20));
    assert_eq!(files(&dir), before);
}

/// A directory in whose lists stands a snapshot that somebody has just removed, a purge of Apache's scripts for one.
#[derive(Clone)]
struct JustPurged(RealDir);

impl Dir for JustPurged {
    type File = <RealDir as Dir>::File;

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = self.0.list()?;
        names.push("snapshot.1".to_owned());
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<Self::File> {
        self.0.open(name)
    }

    fn create(&self, name: &str) -> io::Result<Self::File> {
        self.0.create(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync(&self, point: SyncPoint) -> io::Result<()> {
        self.0.sync(point)
    }
}

#[test]
fn a_snapshot_that_somebody_removes_meanwhile_is_not_missed() {
    let (_temp, dir) = history();
    let none = std::iter::empty();
    let purged = JustPurged(dir.clone());
    let writer =
        SnapshotWriter::begin(purged.clone(), Zxid(20), Compression::None, &[], none).unwrap();
    let snapshot = writer.finish_unnamed(&SnapshotSeals::default()).unwrap();
    install(snapshot, &purged, LIMIT).unwrap();
    assert_eq!(recover_all(&dir).unwrap().last_zxid, Zxid(20));
    purge(&purged, &purged, 3).unwrap();
    assert_eq!(recover_all(&dir).unwrap().last_zxid, Zxid(20));
}
