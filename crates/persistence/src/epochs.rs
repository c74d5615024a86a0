//! The files `acceptedEpoch` and `currentEpoch` beside the snapshots (`QuorumPeer.loadDataBase`,
//! `QuorumPeer.writeLongToFile`).
//!
//! Owns their bytes (a decimal number, no newline), that each is replaced as a whole, and what is
//! refused at start. Must not know when an epoch rises: that is the quorum's.
//!
//! currentEpoch must never be older than the epoch of the last txn, or neither this server nor
//! Apache's starts from the directory. So a learner raises it before it logs the first txn of a
//! newer epoch, when all in front of that txn is durable: from then on its history is one that a
//! follower of that epoch may have. An installed snapshot brings its epoch with it.

use std::io;
use std::path::PathBuf;

use proto::{Epoch, Zxid};

use crate::error::if_there;
use crate::snapshot::TEMPORARY;
use crate::{Dir, File, IoError, SyncPoint};

const ACCEPTED: &str = "acceptedEpoch";
const CURRENT: &str = "currentEpoch";
/// No number is longer, line end included; of a longer file, so much is shown.
const MAX_FILE_BYTES: usize = 32;
/// Of a server whose empty directory is not to be trusted: the epoch half of the zxid −1.
const NO_EPOCH: Epoch = Epoch(-1);
/// The highest that the high half of a zxid holds.
const MAX_EPOCH: Epoch = Epoch(i32::MAX as i64);

/// What a server has promised and what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    /// The newest epoch whose leader it has accepted; it accepts no older one.
    pub accepted: Epoch,
    /// The epoch of its history: the last one whose NEWLEADER it has acknowledged.
    pub current: Epoch,
}

/// Why there are no epochs to start with.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The first line is not a number from −1 to 2^31 − 1.
    #[error(
        "{} holds {found:?}, which is no epoch. Restore it from a backup; or, if this server has \
         peers, move both version-2 directories away and start it empty, so that it takes their \
         state", file.display()
    )]
    NotAnEpoch {
        /// The file.
        file: PathBuf,
        /// What stands in it, at most 32 bytes of it.
        found: String,
    },
    /// A history that is newer than the epoch that it should be of: files of different times.
    #[error(
        "the current epoch in {}, {current}, is older than the last zxid, {last_zxid}. The files \
         do not belong together: restore the data directories from one backup; or, if this server \
         has peers, move both version-2 directories away and start it empty, so that it takes \
         their state", file.display(), current = current.0
    )]
    CurrentBehindLog {
        /// The file.
        file: PathBuf,
        /// The epoch in it.
        current: Epoch,
        /// The last txn of snapshot and log.
        last_zxid: Zxid,
    },
    /// A history of an epoch that was never accepted: files of different times.
    #[error(
        "the accepted epoch in {}, {accepted}, is less than the current epoch, {current}. The \
         files do not belong together: restore the data directories from one backup; or, if this \
         server has peers, move both version-2 directories away and start it empty, so that it \
         takes their state", file.display(), accepted = accepted.0, current = current.0
    )]
    AcceptedBehindCurrent {
        /// The file with the accepted epoch.
        file: PathBuf,
        /// The epoch in it.
        accepted: Epoch,
        /// The current epoch.
        current: Epoch,
    },
}

/// Reads both files as a server starts, after recovery has found `last_zxid`, and puts right what
/// can be: a file that is missing is written with the epoch of that zxid, and a newer
/// `currentEpoch.tmp` that did not get its name any more gets it. What is returned is durable, as
/// recovery has made the names that it found.
///
/// # Errors
/// See [`EpochError`]; no number that was found is changed then.
pub fn read_epochs<D: Dir>(snap_dir: &D, last_zxid: Zxid) -> Result<Epochs, EpochError> {
    let mut current = read_or_write(snap_dir, CURRENT, last_zxid.epoch())?;
    if last_zxid.epoch() > current {
        current = take_temporary(snap_dir, current, last_zxid)?;
    }
    let accepted = read_or_write(snap_dir, ACCEPTED, last_zxid.epoch())?;
    if accepted < current {
        return Err(EpochError::AcceptedBehindCurrent {
            file: snap_dir.path().join(ACCEPTED),
            accepted,
            current,
        });
    }
    Ok(Epochs { accepted, current })
}

/// Replaces acceptedEpoch, durably. A crash leaves the old one or the new one.
pub fn write_accepted_epoch<D: Dir>(snap_dir: &D, epoch: Epoch) -> Result<(), IoError> {
    write(snap_dir, ACCEPTED, epoch)
}

/// Replaces currentEpoch, durably. A crash leaves the old one or the new one.
pub fn write_current_epoch<D: Dir>(snap_dir: &D, epoch: Epoch) -> Result<(), IoError> {
    write(snap_dir, CURRENT, epoch)
}

/// Before a snapshot of a newer epoch gets its name: lays the epoch ready, durably, so that a
/// start takes it if it finds the snapshot, and only then. False when currentEpoch is not older.
pub(crate) fn prepare_current_epoch<D: Dir>(dir: &D, epoch: Epoch) -> Result<bool, EpochError> {
    if read(dir, CURRENT)?.is_none_or(|current| current >= epoch) {
        return Ok(false);
    }
    write_temporary(dir, CURRENT, epoch)?;
    sync_names(dir)?;
    Ok(true)
}

/// Behind [`prepare_current_epoch`], when the snapshot has its name.
pub(crate) fn finish_current_epoch<D: Dir>(dir: &D) -> Result<(), IoError> {
    take_name(dir, CURRENT)
}

fn read_or_write<D: Dir>(dir: &D, name: &str, missing: Epoch) -> Result<Epoch, EpochError> {
    if let Some(epoch) = read(dir, name)? {
        return Ok(epoch);
    }
    write(dir, name, missing)?;
    Ok(missing)
}

/// None when there is no such file.
fn read<D: Dir>(dir: &D, name: &str) -> Result<Option<Epoch>, EpochError> {
    let mut bytes = [0; MAX_FILE_BYTES];
    let read = dir.open(name).and_then(|file| fill(&file, &mut bytes));
    let Some(count) = if_there(read).map_err(IoError::on("read", dir, name))? else {
        return Ok(None);
    };
    let not_an_epoch = || EpochError::NotAnEpoch {
        file: dir.path().join(name),
        found: String::from_utf8_lossy(&bytes[..count]).into_owned(),
    };
    parse(&bytes[..count]).map(Some).ok_or_else(not_an_epoch)
}

fn fill<F: File>(file: &F, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// The first line, as `Long.parseLong` reads it.
fn parse(bytes: &[u8]) -> Option<Epoch> {
    let line = bytes.split(|byte| b"\r\n".contains(byte)).next()?;
    let epoch = Epoch(std::str::from_utf8(line).ok()?.parse().ok()?);
    (NO_EPOCH..=MAX_EPOCH).contains(&epoch).then_some(epoch)
}

/// currentEpoch is behind the log: its successor may wait for its name.
fn take_temporary<D: Dir>(dir: &D, current: Epoch, last: Zxid) -> Result<Epoch, EpochError> {
    let temporary = temporary(CURRENT);
    let waiting = read(dir, &temporary)?;
    let Some(epoch) = waiting.filter(|epoch| *epoch >= last.epoch()) else {
        return Err(EpochError::CurrentBehindLog {
            file: dir.path().join(CURRENT),
            current: waiting.unwrap_or(current),
            last_zxid: last,
        });
    };
    dir.open(&temporary)
        .and_then(|file| file.sync_data(SyncPoint::EpochFile))
        .map_err(IoError::on("fsync", dir, &temporary))?;
    take_name(dir, CURRENT)?;
    Ok(epoch)
}

fn write<D: Dir>(dir: &D, name: &str, epoch: Epoch) -> Result<(), IoError> {
    write_temporary(dir, name, epoch)?;
    take_name(dir, name)
}

fn write_temporary<D: Dir>(dir: &D, name: &str, epoch: Epoch) -> Result<(), IoError> {
    let temporary = temporary(name);
    dir.create(&temporary)
        .and_then(|file| {
            file.write_at(epoch.0.to_string().as_bytes(), 0)?;
            file.sync_data(SyncPoint::EpochFile)
        })
        .map_err(IoError::on("write", dir, &temporary))
}

fn take_name<D: Dir>(dir: &D, name: &str) -> Result<(), IoError> {
    let temporary = temporary(name);
    dir.rename(&temporary, name)
        .map_err(IoError::on("rename", dir, &temporary))?;
    sync_names(dir)
}

fn sync_names<D: Dir>(dir: &D) -> Result<(), IoError> {
    dir.sync(SyncPoint::EpochName)
        .map_err(IoError::dir("fsync", dir))
}

fn temporary(name: &str) -> String {
    name.to_owned() + TEMPORARY
}
