//! dirs and hash (`DirsCommand`, `DigestCommand`): how large the files are, and how the tree was at some zxids.

use std::fmt::Write;

use crate::shared::Shared;

/// The answer to dirs.
pub(super) fn sizes(server: &Shared) -> String {
    let [data, log] = (server.sizes)();
    format!("datadir_size: {data}\nlogdir_size: {log}\n")
}

/// The answer to hash.
pub(super) fn digests(server: &Shared) -> String {
    let digests: Vec<_> = server.tree.read().digest_log().collect();
    let mut text = String::new();
    for entry in digests {
        let _ = writeln!(text, "{:x}: {}", entry.zxid.0, entry.digest);
    }
    text
}
