//! Txns from the log's files for a learner that has fallen behind the committed log in memory
//! (`ZKDatabase.getProposalsFromTxnLog`).
//!
//! Owns what makes them fit for a DIFF. Must not know when a leader prefers a snapshot.

use bytes::Bytes;
use proto::Zxid;

use crate::log_reader::follows;
use crate::{
    Dir, File, IoError, LogError, LogReader, LogRecord, find_snapshots, is_plausible_snapshot,
    parse_log_name,
};

/// A part of the log in which nothing is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRange {
    /// The greatest zxid of the log up to the one that was asked for. If it is less, that one is
    /// not in the log, and who has it must go back to this one.
    pub base: Zxid,
    /// What follows the base: zxids, and header, txn and digest as they were logged.
    pub records: Vec<(Zxid, Bytes)>,
}

impl LogRange {
    /// Given the snapshots that are there, newest first.
    fn is_one_history(&self, snapshots: &[Zxid], up_to: Zxid) -> bool {
        let is_in_log = |zxid: &Zxid| {
            let records = &self.records;
            *zxid == self.base
                || records
                    .binary_search_by_key(zxid, |(zxid, _)| *zxid)
                    .is_ok()
        };
        let on_the_way = |zxid: &&Zxid| self.base <= **zxid && **zxid <= up_to;
        let begins_behind_oldest = snapshots.last().is_none_or(|oldest| *oldest <= self.base);
        begins_behind_oldest && snapshots.iter().filter(on_the_way).all(is_in_log)
    }
}

/// Which part of the log.
#[derive(Clone, Copy, Debug)]
pub struct LogRangeOptions {
    /// The last txn that the learner has.
    pub after: Zxid,
    /// The last txn that is wanted; it must be committed, for the log may be being written.
    pub up_to: Zxid,
    /// Most bytes of records; see [`log_range_limit`].
    pub max_bytes: u64,
    /// Longest record; see [`crate::DEFAULT_MAX_FIELD_BYTES`].
    pub max_record_bytes: u32,
}

/// Reads what follows a txn. None, for which a leader sends a snapshot, where the log does not
/// reach back so far, lacks a txn on the way, repeats one, is damaged, or holds more than the limit;
/// and where it is not sure that all of it is one history. A snapshot that came from a leader leaves
/// in front of it in the log what may be a tail that the leader never had. Such a one either has a
/// zxid that the log lacks, or was the oldest once, when all others were set aside for it.
///
/// # Errors
/// A system call failed; a purge may have removed a file meanwhile. A snapshot will do here too.
pub fn read_log_range<D: Dir>(
    snap_dir: &D,
    log_dir: &D,
    options: &LogRangeOptions,
) -> Result<Option<LogRange>, IoError> {
    let range = read_range(log_dir, options)?;
    let snapshots = find_snapshots(snap_dir)?;
    let zxids: Vec<_> = snapshots.into_iter().map(|(zxid, _)| zxid).collect();
    Ok(range.filter(|range| range.is_one_history(&zxids, options.up_to)))
}

fn read_range<D: Dir>(log_dir: &D, options: &LogRangeOptions) -> Result<Option<LogRange>, IoError> {
    let names = log_dir.list().map_err(IoError::dir("list", log_dir))?;
    let mut files: Vec<_> = names
        .iter()
        .filter_map(|name| parse_log_name(name))
        .collect();
    files.sort_unstable();
    // Nearly always the first one does. One that a crash left without a record does not.
    for first in files
        .into_iter()
        .rev()
        .filter(|first| *first <= options.after)
    {
        match read_from(log_dir, first, options) {
            Ok(Found::NoBase) => {}
            Ok(Found::Range(range)) => return Ok(Some(range)),
            Ok(Found::Unfit) => return Ok(None),
            Err(LogError::Io(error)) => return Err(error),
            Err(_) => return Ok(None),
        }
    }
    Ok(None)
}

enum Found {
    /// No record up to the one asked for.
    NoBase,
    Range(LogRange),
    Unfit,
}

fn read_from<D: Dir>(
    dir: &D,
    first_file: Zxid,
    options: &LogRangeOptions,
) -> Result<Found, LogError> {
    let mut reader = LogReader::open_at(dir.clone(), first_file, options.max_record_bytes)?;
    let (mut base, mut last) = (None, None);
    let mut records = Vec::new();
    let mut bytes_left = options.max_bytes;
    while let Some(LogRecord { zxid, bytes, .. }) = reader.next_record()? {
        if zxid > options.up_to {
            break;
        }
        if zxid <= options.after {
            base = base.max(Some(zxid));
        } else {
            let Some(previous) = last else {
                return Ok(Found::NoBase);
            };
            let left = bytes_left.checked_sub(bytes.len() as u64);
            let Some(left) = left.filter(|_| follows(previous, zxid)) else {
                return Ok(Found::Unfit);
            };
            bytes_left = left;
            records.push((zxid, bytes));
        }
        last = Some(zxid);
    }
    Ok(match base {
        Some(base) => Found::Range(LogRange { base, records }),
        None => Found::NoBase,
    })
}

/// How many bytes of records a leader sends rather than a snapshot: so much of the newest snapshot's
/// size on disk (`ZKDatabase.calculateTxnLogSizeLimit`, `zookeeper.snapshotSizeFactor`, by default
/// 0.33). None with a negative factor: always a snapshot. No bound where the product is 0. Apache
/// compares the size of whole files, padding included.
pub fn log_range_limit<D: Dir>(snap_dir: &D, factor: f64) -> Result<Option<u64>, IoError> {
    if factor < 0.0 {
        return Ok(None);
    }
    let mut size = 0;
    for (_, name) in find_snapshots(snap_dir)? {
        if is_plausible_snapshot(snap_dir, &name)? {
            let length = snap_dir.open(&name).and_then(|file| file.len());
            size = length.map_err(IoError::on("read", snap_dir, &name))?;
            break;
        }
    }
    match (size as f64 * factor) as u64 {
        0 => Ok(Some(u64::MAX)),
        limit => Ok(Some(limit)),
    }
}
