//! Parts of the log for a learner that has fallen behind, and when it gets a snapshot instead.

mod common;

use std::fs;

use common::*;
use persistence::*;
use proto::Zxid;

const EPOCH_2: i64 = 2 << 32;

/// Logs 3..=5, 6..=9, 10..=12, and 1..=3 of epoch 2.
fn history() -> (tempfile::TempDir, RealDir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let mut log = small_log(&dir);
    for batch in [3..=5, 6..=9, 10..=12, EPOCH_2 + 1..=EPOCH_2 + 3] {
        append_all(&mut log, batch);
        log.roll().unwrap();
    }
    (temp, dir)
}

fn options(after: i64) -> LogRangeOptions {
    LogRangeOptions {
        after: Zxid(after),
        up_to: Zxid(i64::MAX),
        max_bytes: u64::MAX,
        max_record_bytes: DEFAULT_MAX_FIELD_BYTES,
    }
}

/// The base, and what follows it.
fn read(dir: &RealDir, options: LogRangeOptions) -> Option<(i64, Vec<i64>)> {
    let range = read_log_range(dir, dir, &options).unwrap()?;
    for (zxid, record) in &range.records {
        assert_eq!(*record, set_data(zxid.0, &[zxid.0 as u8; 100]));
    }
    let zxids = range.records.iter().map(|(zxid, _)| zxid.0).collect();
    Some((range.base.0, zxids))
}

#[test]
fn what_follows_a_txn_is_read_over_files_and_epochs() {
    let (_temp, dir) = history();
    let all: Vec<_> = (3..=12).chain(EPOCH_2 + 1..=EPOCH_2 + 3).collect();
    for (index, after) in all.iter().enumerate() {
        let later = all[index + 1..].to_vec();
        assert_eq!(read(&dir, options(*after)), Some((*after, later)));
    }
}

#[test]
fn a_txn_that_is_not_in_the_log_has_the_greatest_one_before_it_for_its_base() {
    let (_temp, dir) = history();
    let epoch_2 = vec![EPOCH_2 + 1, EPOCH_2 + 2, EPOCH_2 + 3];
    for after in [13, 1 << 32, (1 << 32) + 7, EPOCH_2] {
        assert_eq!(read(&dir, options(after)), Some((12, epoch_2.clone())));
    }
    assert_eq!(
        read(&dir, options(EPOCH_2 + 9)),
        Some((EPOCH_2 + 3, vec![]))
    );
}

#[test]
fn what_is_not_committed_is_not_read() {
    let (temp, dir) = history();
    let up_to = |after, up_to| LogRangeOptions {
        up_to: Zxid(up_to),
        ..options(after)
    };
    assert_eq!(read(&dir, up_to(4, 7)), Some((4, vec![5, 6, 7])));
    // Nor is what is wrong behind it.
    fs::remove_file(temp.path().join("log.a")).unwrap();
    assert_eq!(read(&dir, up_to(4, 9)), Some((4, vec![5, 6, 7, 8, 9])));
    assert_eq!(read(&dir, up_to(4, 7)), Some((4, vec![5, 6, 7])));
}

#[test]
fn a_log_that_begins_later_is_none() {
    let (_temp, dir) = history();
    for after in [0, 1, 2] {
        assert_eq!(read(&dir, options(after)), None);
    }
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(read(&common::dir(empty.path()), options(0)), None);
}

#[test]
fn a_log_with_a_gap_or_a_repetition_is_none() {
    let (temp, dir) = history();
    fs::remove_file(temp.path().join("log.6")).unwrap();
    assert_eq!(read(&dir, options(4)), None);
    assert_eq!(read(&dir, options(7)), None);
    assert!(read(&dir, options(10)).is_some());
    let (_temp, dir) = history();
    append_all(&mut small_log(&dir), [EPOCH_2 + 4, EPOCH_2 + 4]);
    assert_eq!(read(&dir, options(4)), None);
}

/// It came from a leader: txns 10 to 12 may be a tail that the leader never had.
#[test]
fn a_log_that_lacks_the_last_txn_of_a_snapshot_on_the_way_is_none() {
    let (_temp, dir) = history();
    small_snapshot(&dir, 3);
    small_snapshot(&dir, 9);
    assert!(read(&dir, options(4)).is_some());
    small_snapshot(&dir, EPOCH_2);
    for after in [4, 12, 13] {
        assert_eq!(read(&dir, options(after)), None);
    }
    let epoch_2 = vec![EPOCH_2 + 2, EPOCH_2 + 3];
    assert_eq!(
        read(&dir, options(EPOCH_2 + 1)),
        Some((EPOCH_2 + 1, epoch_2))
    );
    let up_to_9 = LogRangeOptions {
        up_to: Zxid(9),
        ..options(7)
    };
    assert_eq!(read(&dir, up_to_9), Some((7, vec![8, 9])));
}

/// It may have come from a leader, though the log has its txn: another one did in front of it, which was set aside for it.
#[test]
fn a_log_in_front_of_the_oldest_snapshot_is_none() {
    let (_temp, dir) = history();
    small_snapshot(&dir, EPOCH_2 + 2);
    small_snapshot(&dir, EPOCH_2 + 3);
    for after in [4, 12, EPOCH_2 + 1] {
        assert_eq!(read(&dir, options(after)), None);
    }
    assert_eq!(
        read(&dir, options(EPOCH_2 + 2)),
        Some((EPOCH_2 + 2, vec![EPOCH_2 + 3]))
    );
}

#[test]
fn a_log_that_is_damaged_on_the_way_is_none() {
    let (temp, dir) = history();
    let offset = record_offsets(&dir, 7)[0] as usize;
    edit(&temp.path().join("log.6"), |bytes| bytes[offset + 50] ^= 1);
    assert_eq!(read(&dir, options(4)), None);
    assert!(read(&dir, options(10)).is_some());
}

#[test]
fn more_than_the_limit_is_none() {
    let (_temp, dir) = history();
    let record = set_data(1, &[0; 100]).len() as u64;
    let limited = |max_bytes| LogRangeOptions {
        max_bytes,
        up_to: Zxid(9),
        ..options(5)
    };
    assert_eq!(read(&dir, limited(4 * record)), Some((5, vec![6, 7, 8, 9])));
    assert_eq!(read(&dir, limited(4 * record - 1)), None);
}

#[test]
fn a_file_that_a_crash_left_without_a_record_is_passed_over() {
    let (temp, dir) = history();
    let header = fs::read(temp.path().join("log.3")).unwrap()[..16].to_vec();
    fs::write(temp.path().join("log.d"), header).unwrap();
    let epoch_2 = vec![EPOCH_2 + 1, EPOCH_2 + 2, EPOCH_2 + 3];
    assert_eq!(read(&dir, options(13)), Some((12, epoch_2)));
}

#[test]
fn the_limit_is_a_part_of_the_newest_snapshots_size() {
    let (temp, dir) = history();
    assert_eq!(log_range_limit(&dir, 0.33).unwrap(), Some(u64::MAX));
    small_snapshot(&dir, 4);
    fs::write(temp.path().join("snapshot.9"), b"not whole").unwrap();
    let size = fs::metadata(temp.path().join("snapshot.4")).unwrap().len();
    assert!(size > 100);
    let expected = (size as f64 * 0.33) as u64;
    assert_eq!(log_range_limit(&dir, 0.33).unwrap(), Some(expected));
    assert_eq!(log_range_limit(&dir, 1.0).unwrap(), Some(size));
    assert_eq!(log_range_limit(&dir, 0.0).unwrap(), Some(u64::MAX));
    assert_eq!(log_range_limit(&dir, -1.0).unwrap(), None);
}
