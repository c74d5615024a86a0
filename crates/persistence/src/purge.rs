//! Removing old files (`PurgeTxnLog.java`).

use std::path::PathBuf;

use proto::Zxid;

use crate::error::if_there;
use crate::names::parse_any_snapshot_name;
use crate::{Dir, IoError, find_snapshots, is_plausible_snapshot, parse_log_name};

/// Fewer snapshots are never kept.
pub const MIN_SNAPSHOTS_KEPT: usize = 3;

/// Removes all snapshots but the `keep` newest that look whole, and the logs that none of those
/// needs: older than the newest log that begins at or before the oldest one kept. Returns what was
/// removed. Nothing happens when no snapshot looks whole.
///
/// Needs no fsync: the files that come back when the power fails are as useless as before.
pub fn purge<D: Dir>(snap_dir: &D, log_dir: &D, keep: usize) -> Result<Vec<PathBuf>, IoError> {
    let Some(oldest_kept) = oldest_kept(snap_dir, keep.max(MIN_SNAPSHOTS_KEPT))? else {
        return Ok(Vec::new());
    };
    let mut removed = remove_matching(snap_dir, |name| {
        parse_any_snapshot_name(name).is_some_and(|zxid| zxid < oldest_kept)
    })?;
    let oldest_log = oldest_log_needed(log_dir, oldest_kept)?;
    removed.extend(remove_matching(log_dir, |name| {
        parse_log_name(name).is_some_and(|first| Some(first) < oldest_log)
    })?);
    Ok(removed)
}

fn oldest_kept<D: Dir>(dir: &D, keep: usize) -> Result<Option<Zxid>, IoError> {
    let mut kept = Vec::new();
    for (zxid, name) in find_snapshots(dir)? {
        if kept.len() < keep && is_plausible_snapshot(dir, &name)? {
            kept.push(zxid);
        }
    }
    Ok(kept.last().copied())
}

/// The newest log that begins at or before the snapshot (`FileTxnLog.getLogFiles`).
fn oldest_log_needed<D: Dir>(dir: &D, snapshot: Zxid) -> Result<Option<Zxid>, IoError> {
    let names = dir.list().map_err(IoError::dir("list", dir))?;
    let logs = names.iter().filter_map(|name| parse_log_name(name));
    Ok(logs.filter(|first| *first <= snapshot).max())
}

fn remove_matching<D: Dir>(
    dir: &D,
    matches: impl Fn(&str) -> bool,
) -> Result<Vec<PathBuf>, IoError> {
    let mut removed = Vec::new();
    for name in dir.list().map_err(IoError::dir("list", dir))? {
        if matches(&name) {
            let was_there =
                if_there(dir.remove(&name)).map_err(IoError::on("remove", dir, &name))?;
            if was_there.is_some() {
                removed.push(dir.path().join(name));
            }
        }
    }
    Ok(removed)
}
