//! A state that keeps all it is given, and the files to give it.
#![allow(dead_code)] // Each test file uses its own part.

use std::fs;
use std::path::Path;

use persistence::*;
use proto::records::{Acl, SetDataTxn, StatPersisted, TxnHeader};
use proto::txn::{TxnBody, TxnRecord, owned};
use proto::{OpCode, SessionId, Zxid};

/// Everything that recovery hands out, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Everything {
    pub sessions: Vec<(SessionId, i32)>,
    pub acls: Vec<(i64, Vec<Acl<'static>>)>,
    pub nodes: Vec<(String, Option<Vec<u8>>, i64, StatPersisted)>,
    pub loaded: Option<(Zxid, Option<SnapshotDigest>)>,
    pub txns: Vec<Zxid>,
    pub records: Vec<Vec<u8>>,
}

#[derive(Debug, thiserror::Error)]
#[error("parent of {0} is missing")]
pub struct NoParent(pub String);

impl Restore for Everything {
    type Error = NoParent;

    fn session(&mut self, id: SessionId, timeout_ms: i32) {
        self.sessions.push((id, timeout_ms));
    }

    fn acl(&mut self, id: i64, acl: Vec<Acl<'static>>) {
        self.acls.push((id, acl));
    }

    fn node(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        acl_id: i64,
        stat: &StatPersisted,
    ) -> Result<(), NoParent> {
        if let Some((parent, _)) = path.rsplit_once('/')
            && !self.nodes.iter().any(|node| node.0 == parent)
        {
            return Err(NoParent(path.to_owned()));
        }
        let data = data.map(<[u8]>::to_vec);
        self.nodes
            .push((path.to_owned(), data, acl_id, stat.clone()));
        Ok(())
    }

    fn loaded(&mut self, zxid: Zxid, digest: Option<SnapshotDigest>) -> Result<(), NoParent> {
        self.loaded = Some((zxid, digest));
        Ok(())
    }

    fn txn(&mut self, record: &TxnRecord<'_>) -> Result<(), NoParent> {
        self.txns.push(record.header.zxid);
        self.records.push(record.to_bytes().to_vec());
        Ok(())
    }
}

pub fn set_data(zxid: i64, data: &[u8]) -> Vec<u8> {
    TxnRecord {
        header: TxnHeader {
            client_id: SessionId(1),
            cxid: 2,
            zxid: Zxid(zxid),
            time: 3,
            r#type: OpCode::SET_DATA,
        },
        body: TxnBody::SetData(SetDataTxn {
            path: owned("/a"),
            data: Some(data),
            version: 1,
        }),
        digest: None,
    }
    .to_bytes()
    .to_vec()
}

pub fn dir(path: &Path) -> RealDir {
    RealDir::open(path).unwrap()
}

pub fn small_log(dir: &RealDir) -> TxnLog<RealDir> {
    let options = TxnLogOptions {
        pre_alloc_bytes: 8192,
        ..TxnLogOptions::default()
    };
    TxnLog::new(dir.clone(), options)
}

pub fn append_all(log: &mut TxnLog<RealDir>, zxids: impl IntoIterator<Item = i64>) {
    for zxid in zxids {
        log.append(Zxid(zxid), &set_data(zxid, &[zxid as u8; 100]))
            .unwrap();
    }
    log.commit().unwrap();
}

/// A snapshot of a root node alone.
pub fn small_snapshot(dir: &RealDir, zxid: i64) {
    let writer = SnapshotWriter::begin(
        dir.clone(),
        Zxid(zxid),
        Compression::None,
        &[],
        std::iter::empty(),
    );
    let mut writer = writer.unwrap();
    writer
        .node("", Some(b""), -1, &StatPersisted::default())
        .unwrap();
    writer.finish(&SnapshotSeals::default()).unwrap();
}

pub fn zxids(range: impl IntoIterator<Item = i64>) -> Vec<Zxid> {
    range.into_iter().map(Zxid).collect()
}

/// Recovers with snapshots and logs in one directory.
pub fn recover_all(dir: &RealDir) -> Result<Recovered<Everything>, RecoveryError> {
    recover(dir, dir, &RecoveryOptions::default(), Everything::default)
}

/// Changes a file as `edit` says.
pub fn edit(path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    edit(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Where the records of a log begin, and where the last one ends.
pub fn record_offsets(dir: &RealDir, from: i64) -> Vec<u64> {
    let mut reader = LogReader::open(dir.clone(), Zxid(from), DEFAULT_MAX_FIELD_BYTES).unwrap();
    let mut offsets = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        if offsets.is_empty() {
            offsets.push(record.offset);
        }
        offsets.push(record.end());
    }
    offsets
}

/// Snapshots 0, 5, 9 and 12; logs 1..=5, 6..=9, 10..=12, 13..=14.
pub fn history() -> (tempfile::TempDir, RealDir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = dir(temp.path());
    let mut log = small_log(&dir);
    for (snapshot, batch) in [(0, 1..=5), (5, 6..=9), (9, 10..=12), (12, 13..=14)] {
        small_snapshot(&dir, snapshot);
        append_all(&mut log, batch);
        log.roll().unwrap();
    }
    (temp, dir)
}

pub fn files(dir: &RealDir) -> Vec<String> {
    let mut names = dir.list().unwrap();
    names.sort();
    names
}
