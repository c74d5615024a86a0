//! Prints a snapshot (`SnapshotFormatter.java`).

use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proto::records::StatPersisted;

use crate::snapshot::{Snapshot, Znode};
use crate::{Console, FINISHED, INVALID, ToolError, dates};

const USAGE: &str = "\
USAGE: SnapshotFormatter [-d|-json] snapshot_file
       -d dump the data for each znode
       -json dump znode info in json format";
/// The first inode of the JSON, less one.
const FIRST_INODE: u64 = 1000;

pub fn run(args: &[String], console: &mut Console<'_>) -> Result<u8, ToolError> {
    let options = args
        .iter()
        .take_while(|arg| *arg == "-d" || *arg == "-json");
    let count = options.count();
    let [file] = &args[count..] else {
        writeln!(console.err, "{USAGE}")?;
        return Ok(INVALID);
    };
    let has = |option: &str| args[..count].iter().any(|arg| arg == option);
    let file = Path::new(file);
    check_file(file)?;
    if has("-d") && has("-json") {
        let message = "Cannot specify both data dump (-d) and json mode (-json) in same call";
        return Err(ToolError::invalid(message));
    }
    let snapshot = Snapshot::read(file, console.max_field_bytes, has("-d"))?;
    match has("-json") {
        true => print_json(&snapshot.znodes, console)?,
        false => print(&snapshot, file, has("-d"), console)?,
    }
    Ok(FINISHED)
}

/// `ZKUtil.validateFileInput`.
fn check_file(file: &Path) -> Result<(), ToolError> {
    let name = crate::absolute(file);
    let name = name.display();
    let message = if !file.exists() {
        format!("File '{name}' does not exist.")
    } else if file.is_dir() {
        format!("'{name}' is a directory. it must be a file.")
    } else if std::fs::File::open(file).is_err() {
        format!("Read permission is denied on the file '{name}'")
    } else {
        return Ok(());
    };
    Err(ToolError::invalid(message))
}

fn print(
    snapshot: &Snapshot,
    file: &Path,
    with_data: bool,
    console: &mut Console<'_>,
) -> Result<(), ToolError> {
    let out = &mut *console.out;
    // The root is there twice in Apache's table, as / and by an empty name.
    let count = snapshot.znodes.len() + 1;
    writeln!(out, "ZNode Details (count={count}):")?;
    for znode in &snapshot.znodes {
        writeln!(out, "----\n{}", znode.name())?;
        print_stat(&znode.stat, out)?;
        match with_data {
            true => writeln!(out, "  data = {}", BASE64_STANDARD.encode(&znode.data))?,
            false => writeln!(out, "  dataLength = {}", znode.data_length)?,
        }
    }
    writeln!(out, "----\nSession Details (sid, timeout, ephemeralCount):")?;
    let owned = by_owner(&snapshot.znodes);
    for (id, timeout) in &snapshot.sessions {
        let count = owned.get(&id.0).unwrap_or(&0);
        writeln!(out, "{}, {timeout}, {count}", hex(id.0))?;
    }
    writeln!(out, "----\nLast zxid: 0x{:x}", last_zxid(snapshot, file))?;
    Ok(())
}

/// How many znodes each owner has.
fn by_owner(znodes: &[Znode]) -> HashMap<i64, usize> {
    let mut counts = HashMap::new();
    for znode in znodes {
        *counts.entry(znode.stat.ephemeral_owner).or_default() += 1;
    }
    counts
}

fn print_stat(stat: &StatPersisted, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    writeln!(out, "  cZxid = {}", hex(stat.czxid.0))?;
    writeln!(out, "  ctime = {}", dates::full(stat.ctime))?;
    writeln!(out, "  mZxid = {}", hex(stat.mzxid.0))?;
    writeln!(out, "  mtime = {}", dates::full(stat.mtime))?;
    writeln!(out, "  pZxid = {}", hex(stat.pzxid.0))?;
    writeln!(out, "  cversion = {}", stat.cversion)?;
    writeln!(out, "  dataVersion = {}", stat.version)?;
    writeln!(out, "  aclVersion = {}", stat.aversion)?;
    writeln!(out, "  ephemeralOwner = {}", hex(stat.ephemeral_owner))
}

/// Java's `%#016x`: 16 characters with the 0x.
fn hex(value: i64) -> String {
    format!("{value:#016x}")
}

/// Of the file's name or of a znode, whichever is the latest. As Apache, a name is split at its dots.
fn last_zxid(snapshot: &Snapshot, file: &Path) -> i64 {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut parts = name.split('.');
    let is_named = parts.next() == Some("snapshot");
    let named = parts
        .next()
        .filter(|_| is_named)
        .and_then(|hex| i64::from_str_radix(hex, 16).ok());
    let stats = snapshot.znodes.iter().map(|znode| &znode.stat);
    let latest = stats.map(|stat| stat.mzxid.0.max(stat.pzxid.0)).max();
    named.max(latest).unwrap_or(-1)
}

/// In the format of ncdu, a list of a directory and what is in it.
fn print_json(znodes: &[Znode], console: &mut Console<'_>) -> Result<(), ToolError> {
    let out = &mut *console.out;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now_ms = now.unwrap_or_default().as_millis();
    write!(
        out,
        r#"[1,0,{{"progname":"SnapshotFormatter.java","progver":"0.01","timestamp":{now_ms}}}"#
    )?;
    // Depths of the lists that are open.
    let mut open: Vec<usize> = Vec::new();
    for (inode, znode) in (FIRST_INODE + 1..).zip(znodes) {
        let depth = znode.depth();
        while open.last().is_some_and(|last| *last >= depth) {
            open.pop();
            write!(out, "]")?;
        }
        write!(out, ",")?;
        if znode.children > 0 {
            open.push(depth);
            write!(out, "[")?;
        }
        let name = znode.path.rsplit('/').next().unwrap_or_default();
        let name = serde_json::Value::from(if znode.path.is_empty() { "/" } else { name });
        let size = znode.data_length;
        write!(
            out,
            r#"{{"name":{name},"asize":{size},"dsize":{size},"dev":0,"ino":{inode}}}"#
        )?;
    }
    write!(out, "{}]", "]".repeat(open.len()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_width_of_javas_format() {
        assert_eq!(hex(0), "0x00000000000000");
        assert_eq!(hex(0x1_0000_0001), "0x00000100000001");
        assert_eq!(hex(-1), "0xffffffffffffffff");
    }
}
