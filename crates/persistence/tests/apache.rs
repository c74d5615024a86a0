//! Files that Apache wrote: read, and written again byte for byte.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::*;
use persistence::*;
use proto::records::{SetDataTxn, TxnHeader};
use proto::txn::{TxnBody, TxnRecord, owned};
use proto::{OpCode, SessionId, Zxid};
use sha1::{Digest, Sha1};

const LIMIT: u32 = DEFAULT_MAX_FIELD_BYTES;

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../compat-tests/golden")
        .join(path)
}

/// A copy of a golden directory, for recovery puts things right in place.
fn copy(path: &str) -> (tempfile::TempDir, RealDir) {
    let temp = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(golden(path)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), temp.path().join(entry.file_name())).unwrap();
    }
    let dir = dir(temp.path());
    (temp, dir)
}

/// The txn that `WriteLogs.request` makes.
fn written_by_apache(zxid: i64, size: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..size).map(|i| (zxid as usize * 31 + i) as u8).collect();
    TxnRecord {
        header: TxnHeader {
            client_id: SessionId(7),
            cxid: zxid as i32,
            zxid: Zxid(zxid),
            time: 1000 + zxid,
            r#type: OpCode::SET_DATA,
        },
        body: TxnBody::SetData(SetDataTxn {
            path: owned("/a"),
            data: Some(&data),
            version: zxid as i32,
        }),
        digest: None,
    }
    .to_bytes()
    .to_vec()
}

/// Writes the batches of a capture, and compares sizes on the way and files at the end.
fn replay_capture(capture: &str, pre_alloc_bytes: u64, size_limit_bytes: Option<u64>) {
    let temp = tempfile::tempdir().unwrap();
    let options = TxnLogOptions {
        pre_alloc_bytes,
        size_limit_bytes,
        force_sync: false,
    };
    let mut log = TxnLog::new(dir(temp.path()), options);
    let (mut zxid, mut rolled_size, mut files) = (0, 0, 0);
    for line in capture.lines() {
        let columns: Vec<_> = line.split('\t').collect();
        if columns[0] == "file" {
            files += 1;
            let bytes = fs::read(temp.path().join(columns[1])).unwrap();
            assert_eq!(
                bytes.len().to_string(),
                columns[2],
                "size of {}",
                columns[1]
            );
            assert_eq!(
                format!("{:x}", Sha1::digest(&bytes)),
                columns[3],
                "{}",
                columns[1]
            );
            continue;
        }
        for size in columns[1].split(',') {
            zxid += 1;
            let record = written_by_apache(zxid, size.parse().unwrap());
            log.append(Zxid(zxid), &record).unwrap();
        }
        log.commit().unwrap();
        let size = rolled_size + log.size_since_roll();
        assert_eq!(size.to_string(), columns[2], "after {zxid}");
        if columns[0] == "roll" {
            rolled_size = size;
            log.roll().unwrap();
        }
    }
    assert_eq!(dir(temp.path()).list().unwrap().len(), files);
}

#[test]
fn log_files_are_apaches_byte_for_byte_padding_included() {
    replay_capture(
        include_str!("../testdata/log_pad8192_limit.tsv"),
        8192,
        None,
    );
    replay_capture(
        include_str!("../testdata/log_pad65536_limit.tsv"),
        65536,
        None,
    );
    replay_capture(include_str!("../testdata/log_pad0_limit.tsv"), 0, None);
    replay_capture(
        include_str!("../testdata/log_pad16384_limit40000.tsv"),
        16384,
        Some(40000),
    );
    replay_capture(
        include_str!("../testdata/log_pad67108864_limit.tsv"),
        64 << 20,
        None,
    );
}

#[test]
fn apaches_records_are_found_where_they_stand() {
    let mut reader =
        LogReader::open(dir(&golden("apache-3.9.5/version-2")), Zxid(0), LIMIT).unwrap();
    let listed = fs::read_to_string(golden("apache-3.9.5/txns.tsv")).unwrap();
    for line in listed.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<_> = line.split('\t').collect();
        let record = reader.next_record().unwrap().unwrap();
        let hex: String = record
            .bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            [&*record.file, &record.offset.to_string(), &hex],
            [columns[0], columns[1], columns[3]]
        );
        let txn = TxnRecord::decode(&record.bytes).unwrap();
        assert_eq!(txn.to_bytes(), record.bytes, "written again");
    }
    assert!(reader.next_record().unwrap().is_none());
    assert_eq!(reader.torn_tails(), []);
}

#[test]
fn apaches_directories_are_recovered() {
    for (path, digest) in [
        ("apache-3.9.5", true),
        ("apache-3.9.5-no-digest", false),
        ("apache-3.8.6", true),
    ] {
        let (_temp, dir) = copy(&format!("{path}/version-2"));
        let recovered = recover_all(&dir).unwrap();
        assert_eq!(recovered.start, Start::Snapshot(Zxid(0x40)), "{path}");
        assert_eq!(recovered.last_zxid, Zxid(0x4d), "{path}");
        assert_eq!(recovered.state.txns, zxids(0x41..=0x4d), "{path}");
        assert_eq!(recovered.notices, [], "{path}");
        let (_, found) = recovered.state.loaded.unwrap();
        assert_eq!(
            found.map(|digest| digest.zxid),
            digest.then_some(Zxid(0x40))
        );
    }
}

/// Apache logs it under the zxid before it.
#[test]
fn a_request_that_apache_could_not_parse_is_nothing_to_say() {
    let (_temp, dir) = copy("cases/version-2");
    let recovered = recover_all(&dir).unwrap();
    let zxids = &recovered.state.txns;
    assert!(zxids.windows(2).any(|pair| pair[0] == pair[1]));
    assert_eq!(recovered.notices, []);
}

#[test]
fn apaches_snapshot_is_the_same_in_every_form() {
    let dir = dir(&golden("apache-3.9.5/later"));
    let read = |name: &str| {
        let mut all = Everything::default();
        let reader = SnapshotReader::open(&dir, name, LIMIT).unwrap();
        let seals = reader.read(&mut all).unwrap();
        (all, seals)
    };
    let plain = read("snapshot.4d");
    assert!(plain.0.nodes.len() > 10 && plain.0.sessions.len() == 2);
    assert_eq!(plain.1.last_zxid, Some(Zxid(0x4d)));
    for name in ["snapshot.4d.gz", "snapshot.4d.snappy"] {
        assert!(is_plausible_snapshot(&dir, name).unwrap());
        assert_eq!(read(name), plain, "{name}");
    }
}

/// Reads a snapshot of Apache's and writes its contents again in the same order.
fn rewrite(from: &RealDir, name: &str, to: &RealDir) {
    let mut all = Everything::default();
    let reader = SnapshotReader::open(from, name, LIMIT).unwrap();
    let seals = reader.read(&mut all).unwrap();
    let (zxid, compression) = parse_snapshot_name(name).unwrap();
    let acls = all.acls.iter().map(|(id, list)| (*id, &list[..]));
    let mut writer =
        SnapshotWriter::begin(to.clone(), zxid, compression, &all.sessions, acls).unwrap();
    for (path, data, acl_id, stat) in &all.nodes {
        writer.node(path, data.as_deref(), *acl_id, stat).unwrap();
    }
    writer.finish(&seals).unwrap();
}

#[test]
fn apaches_snapshots_are_written_again_byte_for_byte() {
    for (path, name) in [
        ("apache-3.9.5/version-2", "snapshot.0"),
        ("apache-3.9.5/version-2", "snapshot.40"),
        ("apache-3.9.5/later", "snapshot.4d"),
        ("apache-3.9.5/later", "snapshot.4d.snappy"),
        ("apache-3.9.5-no-digest/version-2", "snapshot.40"),
        ("apache-3.8.6/version-2", "snapshot.40"),
    ] {
        let temp = tempfile::tempdir().unwrap();
        let path = golden(path);
        rewrite(&dir(&path), name, &dir(temp.path()));
        let [ours, apaches] = [temp.path(), &path].map(|path| fs::read(path.join(name)).unwrap());
        // Two snappy encoders need not agree: what is inside does, as it was just read back.
        if name.ends_with(".snappy") {
            rewrite(&dir(temp.path()), name, &dir(temp.path()));
            assert_eq!(fs::read(temp.path().join(name)).unwrap(), ours);
        } else {
            assert!(ours == apaches, "{} {name}", path.display());
        }
    }
}

/// The body of a plain snapshot, without header and seals, and the signature.
fn as_a_leader_sends_it(path: &Path) -> Vec<u8> {
    const HEADER_BYTES: usize = 16;
    const END: [u8; 5] = [0, 0, 0, 1, b'/'];
    let file = fs::read(path).unwrap();
    let is_end = |bytes: &[u8]| bytes == END;
    let end = file.windows(END.len()).position(is_end).unwrap();
    let mut stream = file[HEADER_BYTES..end + END.len()].to_vec();
    stream.extend(b"\0\0\0\x0aBenWasHere");
    stream
}

#[test]
fn what_apaches_leader_sends_is_received_and_sent_again_byte_for_byte() {
    for (path, name) in [
        ("apache-3.9.5/version-2", "snapshot.0"),
        ("apache-3.9.5/later", "snapshot.4d"),
        ("apache-3.9.5-no-digest/version-2", "snapshot.40"),
        ("apache-3.8.6/version-2", "snapshot.40"),
    ] {
        let stream = as_a_leader_sends_it(&golden(path).join(name));
        let (mut all, mut receiver) = (Everything::default(), SnapshotReceiver::new(LIMIT));
        let received = receiver.receive(&stream, &mut all).unwrap();
        let used = stream.len();
        assert_eq!(received, Received::End { used }, "{path} {name}");
        let mut from_file = Everything::default();
        let reader = SnapshotReader::open(&dir(&golden(path)), name, LIMIT).unwrap();
        reader.read(&mut from_file).unwrap();
        assert_eq!(all, from_file, "{path} {name}");
        let acls = all.acls.iter().map(|(id, list)| (*id, &list[..]));
        let mut sender = SnapshotSender::begin(&all.sessions, acls);
        for (path, data, acl_id, stat) in &all.nodes {
            sender.node(path, data.as_deref(), *acl_id, stat);
        }
        assert!([sender.take(), sender.finish()].concat() == stream);
    }
}
