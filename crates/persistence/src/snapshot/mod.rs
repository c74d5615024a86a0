//! Snapshots (`FileSnap.java`, `SnapStream.java`).
//!
//! Owns the sections of a snapshot, its seals and its compression, and its way over a link. Must not know the tree: nodes
//! are pushed in and handed out one by one.

mod body;
mod compression;
mod reader;
mod stream;
mod transfer;
mod writer;

use std::io;

use proto::Zxid;

pub use compression::Compression;
pub use reader::SnapshotReader;
pub use transfer::{Received, SnapshotReceiver, SnapshotSender, TransferError};
pub use writer::{SnapshotWriter, UnnamedSnapshot};

use crate::error::if_there;
use crate::log_reader::At;
use crate::{Dir, File, IoError, parse_snapshot_name};

/// "ZKSN".
const SNAPSHOT_MAGIC: i32 = 0x5a4b_534e;
/// Behind a snapshot's file name while it is written, as Apache's `AtomicFileOutputStream`.
pub(crate) const TEMPORARY: &str = ".tmp";

/// The tree's digest at some zxid; all zeros but the version when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotDigest {
    /// When the tree had this digest. In a fuzzy snapshot it comes only after some replay.
    pub zxid: Zxid,
    /// How it was reckoned; 2 is today's.
    pub version: i32,
    /// The digest.
    pub digest: i64,
}

/// The optional ends of a snapshot. Apache expects of each that it is there exactly when its own
/// flag is on; this reader finds out which ones are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotSeals {
    /// With `zookeeper.digest.enabled`.
    pub digest: Option<SnapshotDigest>,
    /// With `zookeeper.serializeLastProcessedZxid.enabled`.
    pub last_zxid: Option<Zxid>,
}

/// All snapshots of a directory, newest first.
pub fn find_snapshots<D: Dir>(dir: &D) -> Result<Vec<(Zxid, String)>, IoError> {
    let names = dir.list().map_err(IoError::dir("list", dir))?;
    let mut found: Vec<_> = names
        .into_iter()
        .filter_map(|name| Some((parse_snapshot_name(&name)?.0, name)))
        .collect();
    found.sort();
    found.reverse();
    Ok(found)
}

/// The quick look that Apache takes before it counts a file as a snapshot
/// (`SnapStream.isValidSnapshot`): a plain one ends as one should, others have the right magic.
pub fn is_plausible_snapshot<D: Dir>(dir: &D, name: &str) -> Result<bool, IoError> {
    let Some((_, compression)) = parse_snapshot_name(name) else {
        return Ok(false);
    };
    let looked = dir.open(name).and_then(|file| match compression {
        Compression::None => ends_with_seal(&file),
        other => starts_with(file, other.magic()),
    });
    let looked = if_there(looked).map_err(IoError::on("read", dir, name))?;
    Ok(looked.unwrap_or(false))
}

fn ends_with_seal<F: File>(file: &F) -> io::Result<bool> {
    let length = file.len()?;
    if length < 10 {
        return Ok(false);
    }
    let mut end = [0; 5];
    let count = file.read_at(&mut end, length - 5)?;
    Ok(count == 5 && end == [0, 0, 0, 1, b'/'])
}

fn starts_with<F: File>(file: F, magic: &[u8]) -> io::Result<bool> {
    let mut start = Vec::new();
    let source = At { file, offset: 0 };
    io::Read::read_to_end(&mut io::Read::take(source, magic.len() as u64), &mut start)?;
    Ok(start == magic)
}
