//! Which files make a state, what is refused, and what a purge leaves.

mod common;

use std::fs;

use common::*;
use persistence::*;
use proto::Zxid;

#[test]
fn the_newest_snapshot_and_the_log_behind_it_make_the_state() {
    let (_temp, dir) = history();
    let recovered = recover_all(&dir).unwrap();
    assert_eq!(recovered.start, Start::Snapshot(Zxid(12)));
    assert_eq!(recovered.state.txns, zxids(13..=14));
    assert_eq!(
        (recovered.last_zxid, recovered.txns_replayed),
        (Zxid(14), 2)
    );
    assert_eq!(recovered.notices, []);
}

#[test]
fn a_snapshot_that_does_not_load_leaves_nothing_in_the_state() {
    let (temp, dir) = history();
    // Its node is read before its seal is found wrong.
    edit(&temp.path().join("snapshot.c"), |bytes| {
        let seal = bytes.len() - 10;
        bytes[seal] ^= 1;
    });
    let recovered = recover_all(&dir).unwrap();
    assert_eq!(recovered.start, Start::Snapshot(Zxid(9)));
    assert_eq!(recovered.state.nodes.len(), 1);
    assert_eq!(recovered.state.txns, zxids(10..=14));
    assert!(matches!(
        &recovered.notices[..],
        [Notice::SkippedSnapshot { file, reason }]
            if file == "snapshot.c" && reason.contains("checksum")
    ));
}

#[test]
fn a_snapshot_cut_short_is_passed_over() {
    let (temp, dir) = history();
    edit(&temp.path().join("snapshot.c"), |bytes| bytes.truncate(40));
    let recovered = recover_all(&dir).unwrap();
    assert_eq!(recovered.start, Start::Snapshot(Zxid(9)));
}

#[test]
fn no_snapshot_that_loads_is_an_error() {
    let (temp, dir) = history();
    for name in ["snapshot.0", "snapshot.5", "snapshot.9", "snapshot.c"] {
        edit(&temp.path().join(name), |bytes| bytes[0] = 0);
    }
    let error = recover_all(&dir).unwrap_err();
    assert!(matches!(error, RecoveryError::NoValidSnapshot { .. }));
    assert!(error.to_string().contains("snapshot.c"), "{error}");
}

#[test]
fn an_older_snapshot_whose_log_was_purged_is_refused() {
    let (temp, dir) = history();
    edit(&temp.path().join("snapshot.c"), |bytes| bytes[0] = 0);
    fs::remove_file(temp.path().join("log.a")).unwrap();
    let error = recover_all(&dir).unwrap_err();
    assert!(
        matches!(
            error,
            RecoveryError::MissingLog {
                last: Zxid(9),
                next: Zxid(13),
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn an_older_snapshot_whose_log_lacks_what_a_newer_one_brought_is_refused() {
    let new_epoch = 1 << 32;
    for (snapshot, logged) in [(20, new_epoch + 1), (new_epoch, new_epoch + 1), (20, 14)] {
        let (temp, dir) = history();
        small_snapshot(&dir, snapshot);
        if logged > 14 {
            append_all(&mut small_log(&dir), [logged]);
        }
        assert_eq!(
            recover_all(&dir).unwrap().last_zxid,
            Zxid(logged.max(snapshot))
        );
        let name = format!("snapshot.{snapshot:x}");
        edit(&temp.path().join(&name), |bytes| bytes[0] = 0);
        let error = recover_all(&dir).unwrap_err();
        assert!(
            matches!(
                error,
                RecoveryError::LogBehindSnapshot { loaded: Zxid(12), missing, .. }
                    if missing == Zxid(snapshot)
            ),
            "{error}"
        );
    }
}

#[test]
fn a_missing_log_behind_the_newest_snapshot_is_said() {
    let (temp, dir) = history();
    fs::remove_file(temp.path().join("snapshot.c")).unwrap();
    fs::remove_file(temp.path().join("log.a")).unwrap();
    let recovered = recover_all(&dir).unwrap();
    assert_eq!(recovered.state.txns, zxids(13..=14));
    assert!(matches!(
        recovered.notices[..],
        [Notice::Gap {
            last: Zxid(9),
            next: Zxid(13),
            ..
        }]
    ));
}

#[test]
fn an_empty_directory_is_a_new_database_if_it_is_trusted() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let recovered = recover_all(&dir).unwrap();
    assert_eq!(
        (recovered.start, recovered.last_zxid),
        (Start::Empty, Zxid(0))
    );
    let options = RecoveryOptions {
        trust_empty_db: false,
        ..RecoveryOptions::default()
    };
    let recovered = recover(&dir, &dir, &options, Everything::default).unwrap();
    let expected = (Start::EmptyNotTrusted, Zxid(-1));
    assert_eq!((recovered.start, recovered.last_zxid), expected);
}

#[test]
fn logs_without_a_snapshot_are_replayed_only_when_trusted() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    append_all(&mut small_log(&dir), 1..=3);
    let error = recover_all(&dir).unwrap_err();
    assert!(matches!(error, RecoveryError::LogWithoutSnapshot { .. }));
    let options = RecoveryOptions {
        trust_empty_snapshot: true,
        ..RecoveryOptions::default()
    };
    let recovered = recover(&dir, &dir, &options, Everything::default).unwrap();
    assert_eq!(recovered.start, Start::LogOnly);
    assert_eq!(recovered.state.txns, zxids(1..=3));
}

#[test]
fn a_broken_snapshot_alone_is_a_first_start_only_at_zxid_0() {
    for (name, fresh) in [("snapshot.0", true), ("snapshot.5", false)] {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join(name), b"ZKSN").unwrap();
        let outcome = recover_all(&dir(temp.path()));
        assert_eq!(outcome.is_ok(), fresh, "{name}");
    }
}

#[test]
fn an_unfinished_snapshot_is_removed() {
    let (temp, dir) = history();
    fs::write(temp.path().join("snapshot.e.gz.tmp"), b"half").unwrap();
    let recovered = recover_all(&dir).unwrap();
    assert_eq!(recovered.last_zxid, Zxid(14));
    assert!(!temp.path().join("snapshot.e.gz.tmp").exists());
}

#[test]
fn a_txn_out_of_order_is_replayed_and_said() {
    let (_temp, dir) = history();
    append_all(&mut small_log(&dir), [15, 14, 16]);
    let recovered = recover_all(&dir).unwrap();
    assert_eq!(recovered.state.txns, zxids([13, 14, 15, 14, 16]));
    assert_eq!(recovered.last_zxid, Zxid(16));
    assert!(matches!(
        recovered.notices[..],
        [Notice::OutOfOrder {
            zxid: Zxid(14),
            last: Zxid(15),
            ..
        }]
    ));
}

#[test]
fn a_record_that_is_no_txn_is_refused() {
    let (_temp, dir) = history();
    let mut log = small_log(&dir);
    let mut record = set_data(15, b"");
    record[28..32].copy_from_slice(&77i32.to_be_bytes());
    log.append(Zxid(15), &record).unwrap();
    log.commit().unwrap();
    let error = recover_all(&dir).unwrap_err();
    assert!(
        error.to_string().contains("unsupported txn type 77"),
        "{error}"
    );
}

#[test]
fn a_purge_keeps_three_snapshots_and_the_logs_that_they_need() {
    let (temp, dir) = history();
    for name in [
        "myid",
        "log.1.bak",
        "currentEpoch",
        "snapshot.3.tmp",
        "truncated.snapshot.4",
    ] {
        fs::write(temp.path().join(name), b"1").unwrap();
    }
    let removed = purge(&dir, &dir, 1).unwrap();
    assert_eq!(removed.len(), 3, "{removed:?}");
    let kept = [
        "currentEpoch",
        "log.1",
        "log.1.bak",
        "log.6",
        "log.a",
        "log.d",
        "myid",
        "snapshot.5",
        "snapshot.9",
        "snapshot.c",
    ];
    assert_eq!(files(&dir), kept);
    small_snapshot(&dir, 14);
    purge(&dir, &dir, 3).unwrap();
    let kept = [
        "currentEpoch",
        "log.1.bak",
        "log.6",
        "log.a",
        "log.d",
        "myid",
        "snapshot.9",
        "snapshot.c",
        "snapshot.e",
    ];
    assert_eq!(files(&dir), kept);
    assert_eq!(recover_all(&dir).unwrap().last_zxid, Zxid(14));
}

/// What is handed out of the 14 txns behind snapshot.0, and of those that `later` adds.
fn recent(limit: RecentLimit, later: &[i64]) -> Vec<Zxid> {
    let (temp, dir) = history();
    for name in ["snapshot.5", "snapshot.9", "snapshot.c"] {
        fs::remove_file(temp.path().join(name)).unwrap();
    }
    append_all(&mut small_log(&dir), later.iter().copied());
    let options = RecoveryOptions {
        recent: limit,
        ..RecoveryOptions::default()
    };
    let recovered = recover(&dir, &dir, &options, Everything::default).unwrap();
    let logged = recovered.state.records;
    for (_, record) in &recovered.recent {
        assert!(logged.iter().any(|logged| logged == record));
    }
    recovered.recent.into_iter().map(|(zxid, _)| zxid).collect()
}

#[test]
fn the_last_txns_are_handed_out_as_far_as_both_limits_go() {
    let limit = |records, bytes| RecentLimit { records, bytes };
    let record = set_data(1, &[1; 100]).len();
    let all = limit(usize::MAX, usize::MAX);
    assert_eq!(recent(RecentLimit::default(), &[]), []);
    assert_eq!(recent(limit(5, usize::MAX), &[]), zxids(10..=14));
    assert_eq!(recent(limit(5, 3 * record), &[]), zxids(12..=14));
    assert_eq!(recent(limit(5, record - 1), &[]), []);
    assert_eq!(recent(limit(0, usize::MAX), &[]), []);
    assert_eq!(recent(all, &[]), zxids(1..=14));
    // A new epoch follows; what was there before is left out; a gap begins anew.
    let new_epoch = 1 << 32;
    assert_eq!(
        recent(all, &[15, new_epoch + 1]),
        zxids((1..=15).chain([new_epoch + 1]))
    );
    assert_eq!(recent(all, &[14, 15]), zxids(1..=15));
    assert_eq!(recent(all, &[17, 18]), zxids(17..=18));
}
