//! What recovery found worth saying.

use std::fmt;
use std::sync::Arc;

use proto::Zxid;

use crate::TornTail;

/// Something that an operator should read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A snapshot that was passed over for an older one.
    SkippedSnapshot {
        /// Its file name.
        file: String,
        /// Why.
        reason: String,
    },
    /// A torn end of the log was cut off the file; below offset 16 the file was removed.
    CutTail(TornTail),
    /// A torn end of a file, left as it is; the next file goes on without a gap.
    LeftTail(TornTail),
    /// A txn below one before it; replayed, as Apache does.
    OutOfOrder {
        /// The file.
        file: Arc<str>,
        /// Where its record begins.
        offset: u64,
        /// Its zxid.
        zxid: Zxid,
        /// The highest zxid before it.
        last: Zxid,
    },
    /// Zxids that no file holds. A server uses up a zxid here and there without a txn.
    Gap {
        /// The first file behind the gap.
        file: Arc<str>,
        /// The last zxid before it.
        last: Zxid,
        /// The first one behind it.
        next: Zxid,
    },
    /// A snapshot that a dead process had not finished was removed.
    RemovedTemporary {
        /// Its file name.
        file: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::SkippedSnapshot { file, reason } => {
                write!(f, "passed over {file}: {reason}")
            }
            Notice::CutTail(TornTail {
                file, offset, kind, ..
            }) => write!(
                f,
                "cut the torn end of {file} at offset {offset} ({kind}): it was never acknowledged"
            ),
            Notice::LeftTail(TornTail {
                file, offset, kind, ..
            }) => write!(
                f,
                "{file} has a torn end at offset {offset} ({kind}); the next file goes on from it"
            ),
            Notice::OutOfOrder {
                file,
                offset,
                zxid,
                last,
            } => write!(
                f,
                "{file} has zxid {zxid} at offset {offset}, behind {last}; replayed all the same"
            ),
            Notice::Gap { file, last, next } => write!(
                f,
                "no log holds the zxids between {last} and {next}, where {file} begins"
            ),
            Notice::RemovedTemporary { file } => {
                write!(f, "removed {file}, a snapshot that was not finished")
            }
        }
    }
}
