//! The txn log: what is written comes back, and what is no record is cut or refused.

mod common;

use std::fs;

use common::*;
use persistence::*;
use proto::Zxid;

const LIMIT: u32 = DEFAULT_MAX_FIELD_BYTES;

fn read_from(dir: &RealDir, from: i64) -> Vec<Zxid> {
    let mut reader = LogReader::open(dir.clone(), Zxid(from), LIMIT).unwrap();
    let mut found = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        found.push(record.zxid);
    }
    found
}

/// Files log.1 (1..=5), log.6 (6..=9), log.a (10..=12), and a snapshot.0.
fn three_files() -> (tempfile::TempDir, RealDir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    small_snapshot(&dir, 0);
    let mut log = small_log(&dir);
    for batch in [1..=5, 6..=9, 10..=12] {
        append_all(&mut log, batch);
        log.roll().unwrap();
    }
    (temp, dir)
}

#[test]
fn records_come_back_from_any_zxid() {
    let (_temp, dir) = three_files();
    for from in 1..=13 {
        assert_eq!(read_from(&dir, from), zxids(from..=12), "from {from}");
    }
}

#[test]
fn a_file_is_padded_and_its_size_counted() {
    let temp = tempfile::tempdir().unwrap();
    let mut log = small_log(&dir(temp.path()));
    append_all(&mut log, 1..=1);
    let size = fs::metadata(temp.path().join("log.1")).unwrap().len();
    assert_eq!(size, 16 + 8192);
    assert_eq!(log.size_since_roll(), size);
    log.roll().unwrap();
    assert_eq!(log.size_since_roll(), 0);
}

#[test]
fn a_file_above_the_size_limit_is_followed_by_a_new_one() {
    let temp = tempfile::tempdir().unwrap();
    let options = TxnLogOptions {
        pre_alloc_bytes: 0,
        size_limit_bytes: Some(300),
        force_sync: true,
    };
    let mut log = TxnLog::new(dir(temp.path()), options);
    for zxid in 1..=5 {
        append_all(&mut log, [zxid]);
    }
    for name in ["log.1", "log.3", "log.5"] {
        assert!(temp.path().join(name).exists(), "{name}");
    }
    assert!(log.size_since_roll() > 600);
}

#[test]
fn a_batch_may_span_two_files() {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let mut log = small_log(&dir);
    log.append(Zxid(1), &set_data(1, b"a")).unwrap();
    log.roll().unwrap();
    append_all(&mut log, [2]);
    assert_eq!(read_from(&dir, 0), zxids([1, 2]));
    assert!(temp.path().join("log.2").exists());
}

#[test]
fn truncation_cuts_behind_the_target_and_removes_later_files() {
    for target in 1..=12 {
        let (_temp, dir) = three_files();
        assert_eq!(truncate(&dir, Zxid(target), LIMIT).unwrap(), Zxid(target));
        assert_eq!(read_from(&dir, 0), zxids(1..=target), "to {target}");
    }
    let (_temp, dir) = three_files();
    let error = truncate(&dir, Zxid(13), LIMIT).unwrap_err();
    assert!(matches!(error, LogError::NothingToTruncate { .. }));
}

#[test]
fn a_log_goes_on_after_a_truncation() {
    let (_temp, dir) = three_files();
    let mut log = small_log(&dir);
    append_all(&mut log, 13..=14);
    log.truncate(Zxid(7), LIMIT).unwrap();
    append_all(&mut log, 8..=9);
    assert_eq!(recover_all(&dir).unwrap().state.txns, zxids(1..=9));
}

#[test]
fn a_file_with_records_is_never_overwritten() {
    let (_temp, dir) = three_files();
    let mut log = small_log(&dir);
    log.append(Zxid(6), &set_data(6, b"")).unwrap();
    let error = log.commit().unwrap_err();
    assert!(matches!(error, LogError::WouldOverwrite { .. }), "{error}");
    assert!(matches!(log.commit(), Err(LogError::Closed { .. })));
}

#[test]
fn a_torn_last_record_is_cut() {
    let (temp, dir) = three_files();
    let [.., last, end] = record_offsets(&dir, 10)[..] else {
        panic!()
    };
    for keep in last + 1..end {
        let (temp, dir) = (temp.path().join("log.a"), dir.clone());
        edit(&temp, |bytes| bytes[keep as usize..].fill(0));
        let recovered = recover_all(&dir).unwrap();
        assert_eq!(recovered.state.txns, zxids(1..=11));
        // The first bytes of a checksum are zeros: nothing to see.
        let torn = recovered
            .notices
            .iter()
            .any(|notice| matches!(notice, Notice::CutTail(tail) if tail.offset == last));
        assert!(torn || keep <= last + 4, "kept {keep}");
        let length = fs::metadata(&temp).unwrap().len();
        assert!(!torn || length == last);
        fs::remove_file(&temp).unwrap();
        append_all(&mut small_log(&dir), 10..=12);
    }
}

#[test]
fn garbage_behind_the_last_record_is_cut() {
    let (temp, dir) = three_files();
    let end = *record_offsets(&dir, 10).last().unwrap();
    edit(&temp.path().join("log.a"), |bytes| {
        bytes[end as usize..end as usize + 700].fill(0xa5);
    });
    assert_eq!(recover_all(&dir).unwrap().state.txns, zxids(1..=12));
}

#[test]
fn damage_before_a_valid_record_is_refused_with_file_and_offset() {
    type Edit = fn(&mut [u8]);
    let damages: [(&str, Edit); 4] = [
        ("zeros", |record| record.fill(0)),
        ("one bit", |record| record[40] ^= 1),
        ("negative length", |record| record[8..12].fill(0xff)),
        ("no end mark", |record| *record.last_mut().unwrap() = 0),
    ];
    for (what, damage) in damages {
        let (temp, dir) = three_files();
        let offsets = record_offsets(&dir, 10);
        edit(&temp.path().join("log.a"), |bytes| {
            damage(&mut bytes[offsets[0] as usize..offsets[1] as usize]);
        });
        let before = fs::read(temp.path().join("log.a")).unwrap();
        match recover_all(&dir) {
            Err(RecoveryError::Log(LogError::Damaged {
                file,
                offset,
                valid_offset,
                ..
            })) => {
                assert!(file.ends_with("log.a"));
                assert_eq!((offset, valid_offset), (offsets[0], offsets[1]), "{what}");
            }
            other => panic!("{what}: {other:?}"),
        }
        assert_eq!(fs::read(temp.path().join("log.a")).unwrap(), before);
    }
}

#[test]
fn a_torn_tail_is_left_when_the_next_file_goes_on_from_it() {
    let (temp, dir) = three_files();
    let end = *record_offsets(&dir, 10).last().unwrap();
    edit(&temp.path().join("log.a"), |bytes| {
        bytes.truncate(end as usize);
        bytes.extend([0, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0, 99, 1, 2, 3]);
    });
    append_all(&mut small_log(&dir), 13..=13);
    let recovered = recover_all(&dir).unwrap();
    assert_eq!(recovered.state.txns, zxids(1..=13));
    assert!(matches!(
        &recovered.notices[..],
        [Notice::LeftTail(tail)] if tail.offset == end && &*tail.file == "log.a"
    ));
}

#[test]
fn a_torn_tail_before_a_gap_is_refused() {
    let (temp, dir) = three_files();
    let last = record_offsets(&dir, 6)[3];
    edit(&temp.path().join("log.6"), |bytes| {
        bytes[last as usize + 20] ^= 1;
    });
    let error = recover_all(&dir).unwrap_err();
    assert!(
        matches!(
            &error,
            RecoveryError::Log(LogError::Damaged { file, offset, valid_file, .. })
                if file.ends_with("log.6") && *offset == last && valid_file.ends_with("log.a")
        ),
        "{error}"
    );
}

#[test]
fn a_last_file_without_a_whole_header_is_removed() {
    for length in [0, 1, 15] {
        let (temp, dir) = three_files();
        let path = temp.path().join("log.d");
        fs::write(&path, &b"ZKLG\0\0\0\x02\0\0\0\0\0\0\0"[..length]).unwrap();
        assert_eq!(recover_all(&dir).unwrap().state.txns, zxids(1..=12));
        assert!(!path.exists(), "{length} bytes");
    }
}

#[test]
fn a_wrong_magic_before_records_is_refused() {
    let (temp, dir) = three_files();
    edit(&temp.path().join("log.a"), |bytes| bytes[0] = b'X');
    assert!(matches!(
        recover_all(&dir),
        Err(RecoveryError::Log(LogError::Damaged {
            offset: 0,
            kind: DamageKind::Header,
            ..
        }))
    ));
}

#[test]
fn a_sound_record_above_the_limit_is_refused_and_not_cut() {
    let (temp, dir) = three_files();
    let mut log = small_log(&dir);
    log.append(Zxid(13), &set_data(13, &[7; 5000])).unwrap();
    log.commit().unwrap();
    let options = RecoveryOptions {
        max_field_bytes: 4000,
        ..RecoveryOptions::default()
    };
    let before = fs::metadata(temp.path().join("log.d")).unwrap().len();
    let error = recover(&dir, &dir, &options, Everything::default).unwrap_err();
    assert!(
        matches!(
            error,
            RecoveryError::Log(LogError::TooLong { length, limit: 4000, .. }) if length > 5000
        ),
        "{error}"
    );
    assert_eq!(
        fs::metadata(temp.path().join("log.d")).unwrap().len(),
        before
    );
}
