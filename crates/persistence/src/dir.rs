//! The disk as this crate sees it: one flat directory of files, and nothing durable until said.
//!
//! Owns the two traits and the list of all places that make something durable. Must not know
//! which file means what.

use std::io;
use std::path::Path;

/// A place in the code that makes something durable. Each one is needed: a simulated disk that
/// ignores one of them loses something that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SyncPoint {
    /// The records of a batch, before it is acknowledged.
    LogRecords,
    /// The name of a new log file, before its first batch is acknowledged.
    NewLogFile,
    /// The removal of one log file by a truncation, before an older one is removed or cut.
    RemovedLog,
    /// The new end of the log file that a truncation cut.
    TruncatedLog,
    /// A snapshot's bytes, before it gets its name.
    SnapshotFile,
    /// A snapshot's name, before anything that it replaces may be removed.
    NewSnapshot,
    /// Records that a dead process wrote and recovery found, before they are served.
    ReplayedLog,
    /// Names of log files that a dead process made, as [`SyncPoint::ReplayedLog`].
    ReplayedLogNames,
    /// The name of the snapshot that a dead process made and recovery loaded; and of the epoch files
    /// that it made, which are read next.
    LoadedSnapshotName,
    /// The names of snapshots that a learner set aside, before their txns are cut off the log, and
    /// before what took their place is served.
    SetAsideSnapshot,
    /// The number in an epoch file, before it takes the old one's place.
    EpochFile,
    /// The name of a new epoch file, before what it promises is sent.
    EpochName,
}

impl SyncPoint {
    /// The places that a server on its own comes by.
    pub const STANDALONE: [SyncPoint; 9] = [
        SyncPoint::LogRecords,
        SyncPoint::NewLogFile,
        SyncPoint::RemovedLog,
        SyncPoint::TruncatedLog,
        SyncPoint::SnapshotFile,
        SyncPoint::NewSnapshot,
        SyncPoint::ReplayedLog,
        SyncPoint::ReplayedLogNames,
        SyncPoint::LoadedSnapshotName,
    ];

    /// The places that only a member of an ensemble comes by.
    pub const ENSEMBLE: [SyncPoint; 3] = [
        SyncPoint::SetAsideSnapshot,
        SyncPoint::EpochFile,
        SyncPoint::EpochName,
    ];
}

/// An open file.
pub trait File: 'static {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// True when the file holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Reads some bytes from `offset`; 0 at and past the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`; the file grows when need be.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file, or fills it up with zeros.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// fdatasync: when it returns, content and length are durable; the file's name is not.
    fn sync_data(&self, point: SyncPoint) -> io::Result<()>;
}

/// One flat directory, a `version-2`. A clone is another handle of the same directory.
pub trait Dir: Clone {
    /// A file of this directory.
    type File: File;

    /// For messages only.
    fn path(&self) -> &Path;

    /// The names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens an existing file to read and write.
    fn open(&self, name: &str) -> io::Result<Self::File>;

    /// Makes a file, or empties the one that is there.
    fn create(&self, name: &str) -> io::Result<Self::File>;

    /// Gives a file another name; a file that had it is gone.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// fsync of the directory: when it returns, names made, changed and removed are durable.
    fn sync(&self, point: SyncPoint) -> io::Result<()>;
}
