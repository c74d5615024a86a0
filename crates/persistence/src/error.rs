//! Errors of the files: what, where, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use proto::Zxid;
use proto::txn::TxnError;

use crate::Dir;

/// A system call on a file or directory that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct IoError {
    /// What was tried, as a verb.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl IoError {
    pub(crate) fn at(action: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> IoError {
        move |source| IoError {
            action,
            path,
            source,
        }
    }

    pub(crate) fn on<D: Dir>(
        action: &'static str,
        dir: &D,
        name: &str,
    ) -> impl FnOnce(io::Error) -> IoError {
        IoError::at(action, dir.path().join(name))
    }

    pub(crate) fn dir<D: Dir>(action: &'static str, dir: &D) -> impl FnOnce(io::Error) -> IoError {
        IoError::at(action, Path::to_path_buf(dir.path()))
    }
}

/// What came of something that was done to a file, if it was there. Others than this server may remove what is of no use any
/// more: a purge by Apache's scripts, for one.
pub(crate) fn if_there<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why bytes of a log are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamageKind {
    /// The first 16 bytes are not a log's header.
    #[error("no log header")]
    Header,
    /// The file ends inside the record.
    #[error("the record is cut")]
    Cut,
    /// A length below 1 or above the limit.
    #[error("unreasonable record length {0}")]
    Length(i32),
    /// The byte 0x42 is not where the record ends.
    #[error("the record has no end mark")]
    EndMark,
    /// The bytes do not have the checksum that stands before them.
    #[error("the checksum is wrong")]
    Checksum,
    /// Zeros, as after the last record, or what is left of a record there.
    #[error("the log ends here")]
    Padding,
}

/// A txn log that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Bytes that are no record stand before records: something that was acknowledged is gone.
    #[error(
        "{} is damaged at offset {offset}: {kind}, and a valid record stands behind it at {} \
         offset {valid_offset}. Nothing was changed. Restore the data directories from a backup; \
         or, if this server has peers, move both version-2 directories away and start it empty, \
         so that it takes their state",
        file.display(), valid_file.display()
    )]
    Damaged {
        /// The damaged file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// What is wrong there.
        kind: DamageKind,
        /// The file that holds the next valid record.
        valid_file: PathBuf,
        /// Where that record begins.
        valid_offset: u64,
    },
    /// A sound record that is longer than this server reads.
    #[error(
        "{} has a record of {length} bytes at offset {offset}, more than the limit of {limit}. \
         Start with a jute.maxbuffer of at least {length}",
        file.display()
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// Where the record begins.
        offset: u64,
        /// Its length in bytes.
        length: u32,
        /// `jute.maxbuffer` plus the extra size.
        limit: u32,
    },
    /// A record with the right checksum that is not a txn.
    #[error(
        "{} has a record at offset {offset} that this version cannot read: {source}",
        file.display()
    )]
    NotATxn {
        /// The file.
        file: PathBuf,
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        source: TxnError,
    },
    /// Nothing at or behind the target of a truncation.
    #[error(
        "cannot truncate the log in {} to {zxid}: it has no record at or after it",
        dir.display()
    )]
    NothingToTruncate {
        /// The log directory.
        dir: PathBuf,
        /// The target.
        zxid: Zxid,
    },
    /// A new log file would overwrite one that holds records: a bug, or a directory that
    /// somebody else writes to.
    #[error("{} holds records already; the log would overwrite them", file.display())]
    WouldOverwrite {
        /// The file.
        file: PathBuf,
    },
    /// An earlier write or fsync failed. What is on disk is unknown, so nothing is acknowledged
    /// any more; a second fsync might report success for bytes that are lost.
    #[error("the txn log in {} is closed: an earlier write or fsync failed", dir.display())]
    Closed {
        /// The log directory.
        dir: PathBuf,
    },
}

/// A snapshot that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A system call failed.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The bytes are not a whole snapshot. Offsets count uncompressed bytes.
    #[error("{} is no valid snapshot: {what} at offset {offset}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where, in the uncompressed stream.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A path or data that is longer than this server reads.
    #[error(
        "{} has a field of {length} bytes at offset {offset}, more than the limit of {limit}. \
         Start with a jute.maxbuffer of at least {length}",
        file.display()
    )]
    TooLong {
        /// The file.
        file: PathBuf,
        /// Where, in the uncompressed stream.
        offset: u64,
        /// The field's length.
        length: i32,
        /// `jute.maxbuffer` plus the extra size.
        limit: u32,
    },
    /// The tree did not take what the snapshot holds.
    #[error("{} cannot be loaded: {source} (before offset {offset})", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// Where, in the uncompressed stream.
        offset: u64,
        /// What the tree said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why there is no state.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// A file or directory could not be read or put right.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No snapshot loads.
    #[error(
        "none of the snapshots in {} loads; the newest: {newest}. Restore the data directories \
         from a backup; or, if this server has peers, move both version-2 directories away and \
         start it empty, so that it takes their state",
        dir.display()
    )]
    NoValidSnapshot {
        /// The snapshot directory.
        dir: PathBuf,
        /// What is wrong with the newest one.
        newest: String,
    },
    /// There are logs, but no snapshot.
    #[error(
        "no snapshot in {}, but there are log entries in {}. Put the snapshots back; or, to \
         upgrade from a ZooKeeper 3.4 that never took one, start once with \
         zookeeper.snapshot.trust.empty=true",
        snap_dir.display(), log_dir.display()
    )]
    LogWithoutSnapshot {
        /// The snapshot directory.
        snap_dir: PathBuf,
        /// The log directory.
        log_dir: PathBuf,
    },
    /// The newest snapshot does not load, and the log does not reach back to the older one.
    #[error(
        "{reason}. The next older snapshot is of {last}, and the log goes on only with {next} in \
         {}: txns are missing. Restore the data directories from a backup; or, if this server \
         has peers, move both version-2 directories away and start it empty",
        file.display()
    )]
    MissingLog {
        /// What is wrong with the newer snapshots.
        reason: String,
        /// The last zxid before the gap.
        last: Zxid,
        /// The first one behind it.
        next: Zxid,
        /// The file that holds it.
        file: PathBuf,
    },
    /// The newest snapshot does not load, and the log does not hold its last txn: it came from a
    /// leader, or the log is gone.
    #[error(
        "{reason}. The next older snapshot is of {loaded}, and the log in {} does not hold \
         {missing}, the last txn of a newer one: txns are missing. Restore the data directories \
         from a backup; or, if this server has peers, move both version-2 directories away and \
         start it empty",
        dir.display()
    )]
    LogBehindSnapshot {
        /// What is wrong with the newer snapshots.
        reason: String,
        /// The snapshot that does load.
        loaded: Zxid,
        /// The last txn of one that does not.
        missing: Zxid,
        /// The log directory.
        dir: PathBuf,
    },
    /// The state did not take a txn.
    #[error("cannot replay {zxid} in {} at offset {offset}: {source}", file.display())]
    Replay {
        /// The txn.
        zxid: Zxid,
        /// The file.
        file: PathBuf,
        /// Where its record begins.
        offset: u64,
        /// What the state said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
