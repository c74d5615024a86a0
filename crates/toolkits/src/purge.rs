//! Removes old snapshots and the logs that only they need (`PurgeTxnLog.java`); the rule is that of autopurge.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use persistence::{MIN_SNAPSHOTS_KEPT, RealDir, purge};

use crate::{Console, FINISHED, ToolError, UNEXPECTED, dates};

const USAGE: &str = "\
Usage:
PurgeTxnLog dataLogDir [snapDir] -n count
\tdataLogDir -- directory of the transaction logs
\tsnapDir -- directory of the snapshots, if it is another one
\tcount -- how many snapshots are kept, with the logs behind them; at least 3";
/// Where the files are, below a data directory.
const VERSION: &str = "version-2";

pub fn run(args: &[String], console: &mut Console<'_>) -> Result<u8, ToolError> {
    match arguments(args) {
        Ok((logs, snapshots, keep)) => {
            let [logs, snapshots] = [logs, snapshots].map(|directory| directory.join(VERSION));
            remove(&logs, &snapshots, keep, console)?;
            Ok(FINISHED)
        }
        Err(complaint) => {
            write!(console.err, "{complaint}")?;
            writeln!(console.out, "{USAGE}")?;
            Ok(UNEXPECTED)
        }
    }
}

/// Directories of logs and snapshots, and how many are kept; or the line that stands in front of the usage.
fn arguments(args: &[String]) -> Result<(&Path, &Path, usize), String> {
    let (directories, option, count) = match args {
        [directories @ .., option, count] if matches!(directories.len(), 1 | 2) => {
            (directories, option, count)
        }
        _ => return Err(String::new()),
    };
    let missing = directories.iter().find(|name| !Path::new(name).exists());
    if let Some(name) = missing {
        let name = crate::absolute(Path::new(name));
        return Err(format!("Path '{}' does not exist. \n", name.display()));
    }
    let keep: i32 = count
        .parse()
        .map_err(|_| format!("'{count}' can not be parsed to integer.\n"))?;
    let keep = usize::try_from(keep).ok();
    let keep = keep
        .filter(|keep| *keep >= MIN_SNAPSHOTS_KEPT)
        .ok_or("count should be greater than or equal to 3\n")?;
    if option != "-n" {
        return Err(String::new());
    }
    let snapshots = &directories[directories.len() - 1];
    Ok((Path::new(&directories[0]), Path::new(snapshots), keep))
}

fn remove(
    logs: &Path,
    snapshots: &Path,
    keep: usize,
    console: &mut Console<'_>,
) -> Result<(), ToolError> {
    let open = |path: &Path| {
        RealDir::open(path)
            .map_err(|error| ToolError::failed(format!("{}: {error}", path.display())))
    };
    let changed: BTreeMap<PathBuf, i64> = changed(logs).chain(changed(snapshots)).collect();
    let removed = purge(&open(snapshots)?, &open(logs)?, keep).map_err(ToolError::failed)?;
    for file in removed {
        let at = changed.get(&file).copied().unwrap_or_default();
        writeln!(
            console.out,
            "Removing file: {}\t{}",
            dates::medium(at),
            file.display()
        )?;
    }
    Ok(())
}

/// When each file of a directory was changed last, in ms since 1970.
fn changed(directory: &Path) -> impl Iterator<Item = (PathBuf, i64)> + use<> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let at = entry.metadata().ok()?.modified().ok()?;
        let since = at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Some((entry.path(), i64::try_from(since.as_millis()).ok()?))
    })
}
