//! A txn log and a snapshot of any bytes, the latter in a file or from a leader.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};

use database::TreeReceiver;
use persistence::{
    Compression, DEFAULT_MAX_FIELD_BYTES, LogReader, Notice, Received, Recovered, RecoveryError,
    RecoveryOptions, Restore, SnapshotDigest, SnapshotReader, SnapshotSeals, SnapshotWriter,
    recover, snapshot_name, truncate,
};
use proto::records::{Acl, StatPersisted};
use proto::txn::TxnRecord;
use proto::{SessionId, Zxid};

use crate::server::tree_options;
use crate::{SimDir, SimDisk};

/// Keeps the zxids of the txns that it is given, and a sum over all else.
#[derive(Default)]
pub struct Gathered {
    zxids: Vec<Zxid>,
    sum: DefaultHasher,
}

impl Restore for Gathered {
    type Error = Infallible;

    fn session(&mut self, id: SessionId, timeout_ms: i32) {
        (id, timeout_ms).hash(&mut self.sum);
    }

    fn acl(&mut self, id: i64, acl: Vec<Acl<'static>>) {
        (id, format!("{acl:?}")).hash(&mut self.sum);
    }

    fn node(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        acl_id: i64,
        stat: &StatPersisted,
    ) -> Result<(), Infallible> {
        (path, data, acl_id, format!("{stat:?}")).hash(&mut self.sum);
        Ok(())
    }

    fn loaded(&mut self, _: Zxid, _: Option<SnapshotDigest>) -> Result<(), Infallible> {
        Ok(())
    }

    fn txn(&mut self, record: &TxnRecord<'_>) -> Result<(), Infallible> {
        self.zxids.push(record.header.zxid);
        Ok(())
    }
}

/// Takes `bytes` for the only log behind an empty snapshot.0. Whatever they are, recovery
/// returns; what it puts right stays right; and each record can be truncated to.
pub fn txn_log(bytes: &[u8]) -> Result<Vec<Zxid>, RecoveryError> {
    let disk = SimDisk::new();
    let dir = disk.dir("version-2");
    empty_snapshot(&dir);
    dir.put("log.1", bytes.to_vec());
    let first = recover_from(&dir)?;
    let second = recover_from(&dir)?;
    assert_eq!(first.state.zxids, second.state.zxids);
    let cut = |notice: &Notice| matches!(notice, Notice::CutTail(_));
    assert!(!second.notices.iter().any(cut), "{:?}", second.notices);
    check_truncation(&dir);
    Ok(first.state.zxids)
}

fn recover_from(dir: &SimDir) -> Result<Recovered<Gathered>, RecoveryError> {
    recover(dir, dir, &RecoveryOptions::default(), Gathered::default)
}

fn empty_snapshot(dir: &SimDir) {
    let none = std::iter::empty();
    let writer = SnapshotWriter::begin(dir.clone(), Zxid::ZERO, Compression::None, &[], none);
    let written = writer.and_then(|writer| writer.finish(&SnapshotSeals::default()));
    written.expect("this disk does not fail");
}

/// Behind a truncation to a record that is there, it is the last one that is found from there on.
fn check_truncation(dir: &SimDir) {
    let limit = DEFAULT_MAX_FIELD_BYTES;
    let read_last = |from| {
        let mut reader = LogReader::open(dir.clone(), from, limit)?;
        let mut last = None;
        while let Some(record) = reader.next_record()? {
            last = Some(record);
        }
        Ok::<_, persistence::LogError>(last)
    };
    let Ok(Some(last)) = read_last(Zxid::ZERO) else {
        return;
    };
    if let Ok(zxid) = truncate(dir, last.zxid, limit) {
        let found = read_last(last.zxid)
            .expect("was read before")
            .expect("is kept");
        assert_eq!(found.zxid, zxid);
    }
}

/// Takes `bytes` for a snapshot. Whatever they are, reading returns: a sum over what it holds, or
/// none if it is refused.
pub fn snapshot(bytes: &[u8], compression: Compression) -> Option<u64> {
    let disk = SimDisk::new();
    let dir = disk.dir("version-2");
    let name = snapshot_name(Zxid(1), compression);
    dir.put(&name, bytes.to_vec());
    let mut state = Gathered::default();
    SnapshotReader::open(&dir, &name, DEFAULT_MAX_FIELD_BYTES)
        .and_then(|reader| reader.read(&mut state))
        .ok()?;
    Some(state.sum.finish())
}

/// The same for a fuzzer that knows bytes alone: the first one picks the compression.
pub fn any_snapshot(bytes: &[u8]) {
    let forms = [Compression::None, Compression::Gzip, Compression::Snappy];
    if let Some((first, rest)) = bytes.split_first() {
        snapshot(rest, forms[usize::from(*first) % forms.len()]);
    }
}

/// Takes `bytes` for what a leader sends behind SNAP, in pieces of `piece` bytes. Whatever they
/// are, receiving returns, and the same in one piece: how many bytes the tree took and its digest,
/// or none if it is refused or not whole.
pub fn transfer(bytes: &[u8], piece: usize) -> Option<(usize, i64)> {
    let in_pieces = receive(bytes.chunks(piece.max(1)));
    let at_once = receive(std::iter::once(bytes));
    assert_eq!(in_pieces, at_once);
    at_once
}

fn receive<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Option<(usize, i64)> {
    let mut receiver = TreeReceiver::new(tree_options(), DEFAULT_MAX_FIELD_BYTES);
    let mut taken = 0;
    for piece in pieces {
        match receiver.receive(piece).ok()? {
            Received::More => taken += piece.len(),
            Received::End { used } => {
                let tree = receiver.into_tree(Zxid(1)).ok()?;
                return Some((taken + used, tree.digest()));
            }
        }
    }
    assert!(
        receiver.into_tree(Zxid(1)).is_err(),
        "a tree before its end"
    );
    None
}

/// The same for a fuzzer that knows bytes alone: the first one is the size of the pieces.
pub fn any_transfer(bytes: &[u8]) {
    if let Some((first, rest)) = bytes.split_first() {
        transfer(rest, (*first).into());
    }
}
