//! Cutting the end of the log (`FileTxnLog.truncate`).
//!
//! The files go newest first, each durably before the next: whenever the power fails, what is left
//! is the log up to some record at or behind the target.

use proto::Zxid;

use crate::txn_log::HEADER_BYTES;
use crate::{Dir, File, IoError, LogError, LogReader, LogRecord, SyncPoint, parse_log_name};

/// Cuts the log behind the first record whose zxid is at least `zxid`, removes the later files,
/// and returns that record's zxid: the last one that is left. It is above `zxid` when the log has
/// no such record, as in Apache.
///
/// # Errors
/// [`LogError::NothingToTruncate`] when every record is below `zxid`; damage before it; I/O.
pub fn truncate<D: Dir>(dir: &D, zxid: Zxid, max_record_bytes: u32) -> Result<Zxid, LogError> {
    let mut reader = LogReader::open(dir.clone(), zxid, max_record_bytes)?;
    let Some(last) = reader.next_record()? else {
        return Err(LogError::NothingToTruncate {
            dir: dir.path().to_owned(),
            zxid,
        });
    };
    remove_later_files(dir, &last.file)?;
    cut_file(dir, &last.file, last.end())?;
    Ok(last.zxid)
}

/// Cuts the log in front of the first record above `zxid`, whether or not it has one of `zxid`.
///
/// # Errors
/// Damage before that record; I/O.
pub(crate) fn cut_behind<D: Dir>(
    dir: &D,
    zxid: Zxid,
    max_record_bytes: u32,
) -> Result<(), LogError> {
    let mut reader = LogReader::open(dir.clone(), zxid.next(), max_record_bytes)?;
    let Some(LogRecord { file, offset, .. }) = reader.next_record()? else {
        return Ok(());
    };
    remove_later_files(dir, &file)?;
    match offset {
        HEADER_BYTES => remove(dir, &file),
        _ => cut_file(dir, &file, offset),
    }
}

fn remove_later_files<D: Dir>(dir: &D, kept: &str) -> Result<(), LogError> {
    let kept = parse_log_name(kept);
    let mut later: Vec<_> = dir
        .list()
        .map_err(IoError::dir("list", dir))?
        .into_iter()
        .filter_map(|name| Some((parse_log_name(&name)?, name)))
        .filter(|(first, _)| Some(*first) > kept)
        .collect();
    later.sort();
    for (_, name) in later.iter().rev() {
        remove(dir, name)?;
    }
    Ok(())
}

fn remove<D: Dir>(dir: &D, name: &str) -> Result<(), LogError> {
    dir.remove(name).map_err(IoError::on("remove", dir, name))?;
    dir.sync(SyncPoint::RemovedLog)
        .map_err(IoError::dir("fsync", dir))?;
    Ok(())
}

fn cut_file<D: Dir>(dir: &D, name: &str, length: u64) -> Result<(), LogError> {
    let file = dir.open(name).map_err(IoError::on("open", dir, name))?;
    file.set_len(length)
        .and_then(|()| file.sync_data(SyncPoint::TruncatedLog))
        .map_err(IoError::on("truncate", dir, name))?;
    Ok(())
}
