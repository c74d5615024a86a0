//! Txn log, snapshots, recovery and purge, in Apache's files.
//!
//! Owns the bytes of `version-2`: which file holds what, in which order things reach the disk,
//! and what a damaged file means. All of it runs over the small [`Dir`] trait, so that tests can
//! pull the plug between any two steps. Must not know the tree: a snapshot is read into, and a
//! txn replayed on, whatever implements [`Restore`].
//!
//! ```text
//! log.<hex zxid of the first txn>          snapshot.<hex zxid>[.gz|.snappy]
//!  0  "ZKLG", int 2, long 0                 0  "ZKSN", int 2, long -1
//! 16  long Adler-32 of the bytes           16  int count, (long session, int timeout)*
//! 24  int length                               int count, (long id, vector<ACL>)*
//! 28  bytes: TxnHeader, txn, [TxnDigest]       (ustring path, buffer data, long acl, StatPersisted)*
//!     0x42                                     ustring "/"
//!     next record ...                          long Adler-32 of all before, ustring "/"
//!     zeros up to the padded size              [long zxid, int 2, long digest, seal] [long zxid, seal]
//! ```

mod data_dirs;
mod dir;
mod epochs;
mod error;
mod log_range;
mod log_reader;
mod names;
mod notice;
mod padding;
mod purge;
mod read_only_dir;
mod real_dir;
mod recent;
mod recovery;
mod resync;
mod scan;
mod snapshot;
mod truncate;
mod txn_log;

pub use data_dirs::{DataDirError, DataDirs, DataDirsOptions, DataDirsSeen};
pub use dir::{Dir, File, SyncPoint};
pub use epochs::{EpochError, Epochs, read_epochs, write_accepted_epoch, write_current_epoch};
pub use error::{DamageKind, IoError, LogError, RecoveryError, SnapshotError};
pub use log_range::{LogRange, LogRangeOptions, log_range_limit, read_log_range};
pub use log_reader::{LogReader, LogRecord, TornTail};
pub use names::{log_name, parse_log_name, parse_snapshot_name, snapshot_name};
pub use notice::Notice;
pub use purge::{MIN_SNAPSHOTS_KEPT, purge};
pub use read_only_dir::ReadOnlyDir;
pub use real_dir::{RealDir, RealFile};
pub use recent::RecentLimit;
pub use recovery::{Recovered, RecoveryOptions, Restore, Start, recover};
pub use resync::{ResyncError, Rewound, install, rewind};
pub use snapshot::{
    Compression, Received, SnapshotDigest, SnapshotReader, SnapshotReceiver, SnapshotSeals,
    SnapshotSender, SnapshotWriter, TransferError, UnnamedSnapshot, find_snapshots,
    is_plausible_snapshot,
};
pub use truncate::truncate;
pub use txn_log::{Committed, TxnLog, TxnLogOptions};

/// Longest record, path or data that is read: `jute.maxbuffer` plus
/// `zookeeper.jute.maxbuffer.extrasize`, by default 2 x 1,048,575 bytes.
pub const DEFAULT_MAX_FIELD_BYTES: u32 = 2 * 0xf_ffff;
