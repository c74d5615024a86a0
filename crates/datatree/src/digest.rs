//! The tree's digest: a sum over all znodes that equal trees have in common.
//!
//! Version 2 of `DigestCalculator`: CRC-32 of path, data and stat for each znode, added up with
//! wrap-around (`AdHash`). Znodes below /zookeeper/ count as 0, because quota usage changes
//! outside txns.

use std::collections::VecDeque;

use proto::Zxid;
use proto::records::StatPersisted;

/// `DigestCalculator.DIGEST_VERSION`.
pub const DIGEST_VERSION: i32 = 2;

/// The part of a znode's digest that its path and data make; the stat is added last, so it can
/// change without the data at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest(Option<u32>);

impl ContentDigest {
    /// Of a znode that counts as 0 whatever it holds.
    pub const NONE: ContentDigest = ContentDigest(None);

    /// Of a path and data. The root's path counts as empty.
    pub fn new(path: &str, data: Option<&[u8]>) -> Self {
        if path.starts_with("/zookeeper/") {
            return Self::NONE;
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(if path == "/" { b"" } else { path.as_bytes() });
        crc.update(data.unwrap_or_default());
        ContentDigest(Some(crc.finalize()))
    }

    /// The znode's share of the tree's digest.
    pub fn with_stat(self, stat: &StatPersisted) -> u32 {
        let Some(content) = self.0 else { return 0 };
        let mut crc = crc32fast::Hasher::new_with_initial(content);
        crc.update(&stat_bytes(stat));
        crc.finalize()
    }
}

/// One znode's share of the digest.
pub fn node_digest(path: &str, data: Option<&[u8]>, stat: &StatPersisted) -> u32 {
    ContentDigest::new(path, data).with_stat(stat)
}

fn stat_bytes(stat: &StatPersisted) -> [u8; 60] {
    let longs = [
        stat.czxid.0,
        stat.mzxid.0,
        stat.pzxid.0,
        stat.ctime,
        stat.mtime,
    ];
    let ints = [stat.version, stat.cversion, stat.aversion];
    let mut bytes = [0; 60];
    for (chunk, long) in bytes.chunks_exact_mut(8).zip(longs) {
        chunk.copy_from_slice(&long.to_be_bytes());
    }
    for (chunk, int) in bytes[40..52].chunks_exact_mut(4).zip(ints) {
        chunk.copy_from_slice(&int.to_be_bytes());
    }
    bytes[52..].copy_from_slice(&stat.ephemeral_owner.to_be_bytes());
    bytes
}

/// The digest after one txn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestLogEntry {
    /// The txn.
    pub zxid: Zxid,
    /// The tree's digest after it.
    pub digest: i64,
}

/// Digests at each zxid divisible by 128, for comparison between servers (`DataTree.digestLog`).
#[derive(Debug, Default)]
pub(crate) struct DigestLog {
    entries: VecDeque<DigestLogEntry>,
}

impl DigestLog {
    /// `DataTree.DIGEST_LOG_INTERVAL`.
    const INTERVAL: i64 = 128;
    /// `DataTree.DIGEST_LOG_LIMIT`.
    const LIMIT: usize = 1024;

    pub fn record(&mut self, zxid: Zxid, digest: i64) {
        if zxid.0 % Self::INTERVAL != 0 {
            return;
        }
        if self.entries.len() == Self::LIMIT {
            self.entries.pop_front();
        }
        self.entries.push_back(DigestLogEntry { zxid, digest });
    }

    pub fn entries(&self) -> impl Iterator<Item = DigestLogEntry> + '_ {
        self.entries.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_zookeeper_counts_as_nothing() {
        let stat = StatPersisted::default();
        assert_eq!(node_digest("/zookeeper/quota", Some(b""), &stat), 0);
        assert_ne!(node_digest("/zookeeper", Some(b""), &stat), 0);
        assert_eq!(
            node_digest("/", None, &stat),
            node_digest("", Some(b""), &stat)
        );
    }

    #[test]
    fn the_log_keeps_the_newest_thousand_of_each_128th() {
        let mut log = DigestLog::default();
        for zxid in 1..=128 * 1030 {
            log.record(Zxid(zxid), zxid);
        }
        let zxids: Vec<_> = log.entries().map(|entry| entry.zxid.0).collect();
        assert_eq!(
            (zxids.len(), zxids[0], zxids[1023]),
            (1024, 128 * 7, 128 * 1030)
        );
    }
}
