//! What a learner's files go through when its leader says TRUNC or SNAP (`Learner.syncWithLeader`).
//!
//! Owns the order of the steps: whenever the power fails, what recovery finds is a state of the old
//! history or the new state, never the new one with old txns behind it, and doing it again
//! completes it. Must not know why a leader wants it, nor the tree.
//!
//! No [`crate::TxnLog`] may be open on the log directory meanwhile, no other snapshot be written, and
//! no purge be under way, which may remove the snapshot that is gone back to: make a new log afterwards, and drop a snapshot of the old state before.
//!
//! Apache truncates the log and leaves newer snapshots where they are, which the next start then
//! loads; after SNAP it leaves the old log where it is, which the next start then replays.

use std::convert::Infallible;

use proto::records::{Acl, StatPersisted};
use proto::txn::TxnRecord;
use proto::{SessionId, Zxid};

use crate::epochs::{finish_current_epoch, prepare_current_epoch};
use crate::error::if_there;
use crate::log_reader::follows;
use crate::names::set_aside_name;
use crate::truncate::cut_behind;
use crate::{
    Dir, EpochError, IoError, LogError, LogReader, Restore, SnapshotDigest, SnapshotError,
    SnapshotReader, SyncPoint, UnnamedSnapshot, find_snapshots,
};

/// Why the files could not be brought to another state.
#[derive(Debug, thiserror::Error)]
pub enum ResyncError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The log cannot be read or cut.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The epoch of a snapshot cannot be kept with it.
    #[error(transparent)]
    Epoch(#[from] EpochError),
}

/// Whether a learner can go back in its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewound {
    /// The files hold the state of exactly that zxid: recover it.
    Reached,
    /// They do not, and nothing was changed: no whole snapshot is old enough, or the log behind it
    /// lacks that zxid, a txn, or what a newer snapshot brought. The learner has to start over
    /// from zxid 0, for which its leader sends a snapshot.
    OutOfReach,
}

/// Takes the files back to `zxid`, for TRUNC: snapshots newer than it are set aside, durably, and
/// then the log is cut behind it. What is set aside gets the name `truncated.snapshot.<hex>`, and
/// goes with a purge.
///
/// A crash leaves the old state or an older one of the same history, down to `zxid`.
pub fn rewind<D: Dir>(
    snap_dir: &D,
    log_dir: &D,
    zxid: Zxid,
    max_field_bytes: u32,
) -> Result<Rewound, ResyncError> {
    if !reaches_back(snap_dir, log_dir, zxid, max_field_bytes)? {
        return Ok(Rewound::OutOfReach);
    }
    set_aside(snap_dir, |snapshot| snapshot > zxid)?;
    cut_behind(log_dir, zxid, max_field_bytes)?;
    Ok(Rewound::Reached)
}

/// Puts a leader's snapshot in the place of all that the files hold, for SNAP. Returns its bytes
/// on disk.
///
/// What the log has behind it goes first, then it gets its name, then all other snapshots are set
/// aside as by [`rewind`]: newer ones would be loaded in its place, and older ones may be of a
/// history that is not the leader's. A crash leaves the old state, or an older one of the same
/// history that still has all that the snapshot has of it, or the new state. The log up to the
/// snapshot stays; nothing needs it, and no DIFF is made of it (see [`crate::read_log_range`]).
/// currentEpoch is raised to the snapshot's epoch where it is older.
pub fn install<D: Dir>(
    snapshot: UnnamedSnapshot<D>,
    log_dir: &D,
    max_field_bytes: u32,
) -> Result<u64, ResyncError> {
    let (snap_dir, zxid) = (snapshot.dir().clone(), snapshot.zxid());
    cut_behind(log_dir, zxid, max_field_bytes)?;
    let raises_epoch = prepare_current_epoch(&snap_dir, zxid.epoch())?;
    let bytes = snapshot.name()?;
    set_aside(&snap_dir, |snapshot| snapshot != zxid)?;
    if raises_epoch {
        finish_current_epoch(&snap_dir)?;
    }
    Ok(bytes)
}

/// Sets aside the snapshots that `which` picks, oldest first, each durably before the next: until
/// the newest one goes, recovery takes that.
fn set_aside<D: Dir>(dir: &D, which: impl Fn(Zxid) -> bool) -> Result<(), IoError> {
    let mut snapshots = find_snapshots(dir)?;
    snapshots.reverse();
    for (_, name) in snapshots.into_iter().filter(|(zxid, _)| which(*zxid)) {
        if_there(dir.rename(&name, &set_aside_name(&name)))
            .map_err(IoError::on("rename", dir, &name))?;
        dir.sync(SyncPoint::SetAsideSnapshot)
            .map_err(IoError::dir("fsync", dir))?;
    }
    Ok(())
}

/// Whether a snapshot and the log behind it make the state of `zxid`. All of the log is looked at:
/// until it is cut, recovery would replay it on that snapshot. A newer snapshot whose last txn it
/// does not hold came from a leader: then what is behind it does not go on from what is before.
fn reaches_back<D: Dir>(
    snap_dir: &D,
    log_dir: &D,
    zxid: Zxid,
    max_field_bytes: u32,
) -> Result<bool, ResyncError> {
    let Some(mut last) = newest_whole(snap_dir, zxid, max_field_bytes)? else {
        return Ok(false);
    };
    let mut sought: Vec<_> = find_snapshots(snap_dir)?
        .into_iter()
        .map(|(newer, _)| newer)
        .filter(|newer| *newer > last)
        .collect();
    let mut is_reached = last == zxid;
    let mut reader = LogReader::open(log_dir.clone(), last.next(), max_field_bytes)?;
    while let Some(record) = reader.next_record()? {
        // Apache logs a request that it cannot parse under the zxid before it.
        if record.zxid != last && !follows(last, record.zxid) {
            return Ok(false);
        }
        last = record.zxid;
        sought.retain(|sought| *sought != last);
        // The beginning of an epoch is no txn: all that the epoch's first one stands on is in front of it.
        is_reached |= last == zxid || (zxid.is_beginning() && last == zxid.next());
    }
    Ok(is_reached && sought.is_empty())
}

/// The newest snapshot up to `limit` that can be read to its end.
fn newest_whole<D: Dir>(
    dir: &D,
    limit: Zxid,
    max_field_bytes: u32,
) -> Result<Option<Zxid>, IoError> {
    for (zxid, name) in find_snapshots(dir)? {
        if zxid > limit {
            continue;
        }
        let read = SnapshotReader::open(dir, &name, max_field_bytes)
            .and_then(|reader| reader.read(&mut Nothing));
        match read {
            Ok(_) => return Ok(Some(zxid)),
            Err(SnapshotError::Io(error)) => return Err(error),
            Err(_) => {}
        }
    }
    Ok(None)
}

/// Takes all and keeps none.
struct Nothing;

impl Restore for Nothing {
    type Error = Infallible;

    fn session(&mut self, _: SessionId, _: i32) {}

    fn acl(&mut self, _: i64, _: Vec<Acl<'static>>) {}

    fn node(
        &mut self,
        _: &str,
        _: Option<&[u8]>,
        _: i64,
        _: &StatPersisted,
    ) -> Result<(), Infallible> {
        Ok(())
    }

    fn loaded(&mut self, _: Zxid, _: Option<SnapshotDigest>) -> Result<(), Infallible> {
        Ok(())
    }

    fn txn(&mut self, _: &TxnRecord<'_>) -> Result<(), Infallible> {
        Ok(())
    }
}
