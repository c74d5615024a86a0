//! A short seeded run of the fuzz targets, on sound files with damage; and a bound on memory.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Change, damage, txn};
use persistence::*;
use proto::Zxid;
use proto::records::{Acl, Id, StatPersisted};
use proto::txn::owned;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sim::SimDisk;
use sim::fuzz;

const ROUNDS: u64 = 3_000;
const RECORDS: i64 = 30;

/// The largest piece of memory that one reading may ask for. The worst is an ACL list: its bytes
/// are limited as those of a field, and take up to five times as much in memory.
const MAX_ALLOCATION: usize = 8 * DEFAULT_MAX_FIELD_BYTES as usize;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, with the largest request of each thread.
struct Watched;

// It hands every call on to the system's allocator unchanged.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

fn note(size: usize) {
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

fn within_the_bound<T>(work: impl FnOnce() -> T) -> T {
    LARGEST.set(0);
    let done = work();
    let largest = LARGEST.get();
    assert!(
        largest <= MAX_ALLOCATION,
        "allocated {largest} bytes at once"
    );
    done
}

/// A log of 30 records, and where each begins; the end last.
fn sound_log() -> (Vec<u8>, Vec<u64>) {
    let disk = SimDisk::new();
    let dir = disk.dir("log");
    let options = TxnLogOptions {
        pre_alloc_bytes: 4096,
        ..TxnLogOptions::default()
    };
    let mut log = TxnLog::new(dir.clone(), options);
    for zxid in 1..=RECORDS {
        let data = vec![zxid as u8; zxid as usize * 7 % 300];
        log.append(Zxid(zxid), &txn(Zxid(zxid), Change::Create, "/a", &data))
            .unwrap();
    }
    log.commit().unwrap();
    let mut reader = LogReader::open(dir.clone(), Zxid(1), DEFAULT_MAX_FIELD_BYTES).unwrap();
    let mut offsets = vec![16];
    while let Some(record) = reader.next_record().unwrap() {
        offsets.push(record.end());
    }
    (dir.get("log.1").unwrap(), offsets)
}

fn sound_snapshot(compression: Compression) -> Vec<u8> {
    let disk = SimDisk::new();
    let acl = [Acl {
        perms: 31,
        id: Id {
            scheme: owned("world"),
            id: owned("anyone"),
        },
    }];
    let acls = [(1, &acl[..])].into_iter();
    let sessions = [(proto::SessionId(1), 2)];
    let dir = disk.dir("data");
    let mut writer =
        SnapshotWriter::begin(dir.clone(), Zxid(1), compression, &sessions, acls).unwrap();
    for n in 0..40 {
        let path = if n == 0 {
            String::new()
        } else {
            format!("/{n}")
        };
        let data = vec![n as u8; n * n];
        let stat = StatPersisted::default();
        writer.node(&path, Some(&data), 1, &stat).unwrap();
    }
    let seals = SnapshotSeals {
        digest: Some(SnapshotDigest {
            zxid: Zxid(1),
            version: 2,
            digest: 3,
        }),
        last_zxid: Some(Zxid(1)),
    };
    writer.finish(&seals).unwrap();
    dir.get(&snapshot_name(Zxid(1), compression)).unwrap()
}

#[test]
fn a_log_with_any_damage_is_read_to_a_prefix_or_refused() {
    let (sound, offsets) = sound_log();
    let mut random = SmallRng::seed_from_u64(1);
    let all: Vec<_> = (1..=RECORDS).map(Zxid).collect();
    assert_eq!(fuzz::txn_log(&sound).unwrap(), all);
    let mut refused = 0;
    for round in 0..ROUNDS {
        let mut bytes = sound.clone();
        for _ in 0..=round % 3 {
            let range = 0..bytes.len();
            if !range.is_empty() {
                damage(&mut bytes, range, &mut random);
            }
        }
        match within_the_bound(|| fuzz::txn_log(&bytes)) {
            Ok(found) => {
                assert!(all.starts_with(&found), "round {round}: {found:?}");
                let intact = |index: usize| {
                    let record = offsets[index] as usize..offsets[index + 1] as usize;
                    bytes.get(record.clone()) == Some(&sound[record])
                };
                let lost = (found.len()..all.len())
                    .filter(|index| intact(*index))
                    .count();
                assert_eq!(lost, 0, "round {round}: sound records were cut");
            }
            Err(RecoveryError::Log(_)) => refused += 1,
            Err(other) => panic!("round {round}: {other}"),
        }
    }
    assert!(
        (ROUNDS / 10..ROUNDS).contains(&refused),
        "refused {refused}"
    );
}

#[test]
fn a_snapshot_with_any_damage_is_refused_or_the_same() {
    let mut random = SmallRng::seed_from_u64(2);
    for compression in [Compression::None, Compression::Gzip, Compression::Snappy] {
        let sound = sound_snapshot(compression);
        let contents = fuzz::snapshot(&sound, compression);
        assert!(contents.is_some());
        let mut refused = 0;
        for round in 0..ROUNDS {
            let mut bytes = sound.clone();
            let range = 0..bytes.len();
            damage(&mut bytes, range, &mut random);
            let read = within_the_bound(|| fuzz::snapshot(&bytes, compression));
            assert!(
                read.is_none() || read == contents,
                "{compression:?} round {round}"
            );
            refused += u64::from(read.is_none());
        }
        // Zeros over zeros change nothing, nor do versions and times in the headers.
        assert!(refused > ROUNDS / 2, "{compression:?}: refused {refused}");
    }
}

#[test]
fn bytes_from_nowhere_are_refused_within_the_bound() {
    let mut random = SmallRng::seed_from_u64(3);
    for round in 0..ROUNDS {
        let mut bytes = vec![0; random.random_range(0..2_000)];
        random.fill(&mut bytes[..]);
        let _ = within_the_bound(|| fuzz::txn_log(&bytes));
        within_the_bound(|| fuzz::any_snapshot(&bytes));
        // Past the magics, and with lengths that are small or huge.
        let mut log = b"ZKLG\0\0\0\x02\0\0\0\0\0\0\0\0".to_vec();
        let mut snapshot = b"\0ZKSN\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff".to_vec();
        for chunk in bytes.chunks_mut(4) {
            chunk[0] = if round % 2 == 0 { 0 } else { chunk[0] };
        }
        log.extend(&bytes);
        snapshot.extend(&bytes);
        let _ = within_the_bound(|| fuzz::txn_log(&log));
        within_the_bound(|| fuzz::any_snapshot(&snapshot));
    }
}

#[test]
fn a_small_file_that_unpacks_to_much_stays_within_the_bound() {
    use std::io::Write;
    let mut plain = b"ZKSN\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\x01".to_vec();
    plain.extend([0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff]);
    // An ACL list of nearly 2^31 entries, all zeros.
    plain.resize(64 << 20, 0);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&plain).unwrap();
    let packed = packer.finish().unwrap();
    assert!(packed.len() < 1 << 20);
    drop(plain);
    let read = within_the_bound(|| fuzz::snapshot(&packed, Compression::Gzip));
    assert_eq!(read, None);
}
