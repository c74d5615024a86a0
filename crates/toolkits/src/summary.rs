//! How many znodes are below each one, and how many bytes (`SnapshotRecursiveSummary.java`).

use std::path::Path;

use crate::snapshot::{Snapshot, totals};
use crate::{Console, FINISHED, INVALID, ToolError};

const USAGE: &str = "\
USAGE:

SnapshotRecursiveSummary  <snapshot_file>  <starting_node>  <max_depth>

snapshot_file:    a file of a data directory
starting_node:    the path of the znode to begin at
max_depth:        how many levels below it are printed, 0 for all; each is counted with all that is below";

pub fn run(args: &[String], console: &mut Console<'_>) -> Result<u8, ToolError> {
    let depth = args.get(2).and_then(|depth| depth.parse::<i32>().ok());
    let ([file, start, _], Some(depth)) = (args, depth) else {
        writeln!(console.err, "{USAGE}")?;
        return Ok(INVALID);
    };
    let snapshot = Snapshot::read(Path::new(file), console.max_field_bytes, false)?;
    let from = if start == "/" { "" } else { start };
    let at = snapshot
        .find(from)
        .ok_or_else(|| ToolError::failed(format!("{file} has no znode {start}")))?;
    let rest = &snapshot.znodes[at..];
    let count = rest
        .iter()
        .take_while(|znode| znode.is_within(from))
        .count();
    let (znodes, base) = (&rest[..count], rest[0].depth());
    for (znode, total) in znodes.iter().zip(totals(znodes)) {
        let level = znode.depth() - base;
        let is_shown = depth == 0 || i64::try_from(level).is_ok_and(|level| level <= depth.into());
        if total.below == 0 || !is_shown {
            continue;
        }
        let name = if level == 0 { start } else { znode.name() };
        let tab = "--".repeat(level);
        writeln!(console.out, "{tab} {name}")?;
        writeln!(console.out, "{tab}   children: {}", total.below)?;
        writeln!(console.out, "{tab}   data: {}", total.bytes)?;
    }
    writeln!(console.out)?;
    Ok(FINISHED)
}
