//! Quotas: which paths have one, and the text that counts their use.
//!
//! A quota on /a is the znode /zookeeper/quota/a/zookeeper_limits; its use stands beside it in
//! zookeeper_stats, changed in place outside any txn (`Quotas`, `StatsTrack`, `PathTrie`).

use std::collections::{BTreeMap, HashSet};

/// Where all quotas are.
pub const QUOTA_ROOT: &str = "/zookeeper/quota";
/// The name of the znode that holds the limits.
pub const LIMIT_NODE: &str = "zookeeper_limits";
/// The name of the znode that holds the use.
pub const STAT_NODE: &str = "zookeeper_stats";

/// The path of the limits of a quota on `path`.
pub fn limit_path(path: &str) -> String {
    format!("{QUOTA_ROOT}{path}/{LIMIT_NODE}")
}

/// The path of the use of a quota on `path`.
pub fn stat_path(path: &str) -> String {
    format!("{QUOTA_ROOT}{path}/{STAT_NODE}")
}

/// The path that a parent of quota znodes speaks of: empty for the root.
pub fn trimmed_quota_path(parent: &str) -> Option<&str> {
    parent.strip_prefix(QUOTA_ROOT)
}

/// The text of a limits or use znode: `count=N,bytes=N`, then hard limits behind `=;`. What is
/// not set reads as −1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaStats {
    values: BTreeMap<String, i64>,
}

impl QuotaStats {
    /// Znodes below and with the path.
    pub const COUNT: &'static str = "count";
    /// Bytes of their data.
    pub const BYTES: &'static str = "bytes";
    /// Hard limit of the count.
    pub const COUNT_HARD_LIMIT: &'static str = "countHardLimit";
    /// Hard limit of the bytes.
    pub const BYTE_HARD_LIMIT: &'static str = "byteHardLimit";

    /// Reads the text; none if it is no quota, where Apache throws (and its server ends).
    pub fn parse(data: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(data).ok()?;
        let mut values = BTreeMap::new();
        // Java's split("[,;]") and split("=") drop trailing empty parts; "bytes=5=" is ["bytes", "5"].
        for pair in text.split([',', ';']).filter(|pair| !pair.is_empty()) {
            let mut parts = pair.split('=');
            let key = parts.next()?;
            let value = parts.next()?;
            values.insert(
                key.to_owned(),
                if value.is_empty() {
                    -1
                } else {
                    value.parse().ok()?
                },
            );
        }
        Some(QuotaStats { values })
    }

    /// The value under `key`, −1 if unset.
    pub fn get(&self, key: &str) -> i64 {
        self.values.get(key).copied().unwrap_or(-1)
    }

    /// Sets the value under `key`.
    pub fn set(&mut self, key: &str, value: i64) {
        self.values.insert(key.to_owned(), value);
    }

    /// The text, count and bytes first, the rest sorted (`StatsTrack.toString`).
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "count={},bytes={}",
            self.get(Self::COUNT),
            self.get(Self::BYTES)
        );
        let rest = self
            .values
            .iter()
            .filter(|(key, _)| ![Self::COUNT, Self::BYTES].contains(&key.as_str()));
        for (index, (key, value)) in rest.enumerate() {
            let lead = if index == 0 { "=;" } else { ";" };
            text += &format!("{lead}{key}={value}");
        }
        text
    }
}

/// The paths that have a quota.
#[derive(Debug, Default)]
pub(crate) struct QuotaPaths {
    paths: HashSet<String>,
}

impl QuotaPaths {
    /// The root's own quota (an empty path) is refused by Apache's trie; it counts nothing here.
    pub fn add(&mut self, path: &str) {
        if !path.is_empty() {
            self.paths.insert(path.to_owned());
        }
    }

    pub fn remove(&mut self, path: &str) {
        self.paths.remove(path);
    }

    /// The longest path with a quota that is `path` or above it (`PathTrie.findMaxPrefix`).
    pub fn longest_prefix(&self, path: &str) -> Option<&str> {
        if self.paths.is_empty() {
            return None;
        }
        let mut prefix = path;
        while !prefix.is_empty() {
            if let Some(found) = self.paths.get(prefix) {
                return Some(found);
            }
            prefix = &prefix[..prefix.rfind('/')?];
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_comes_back_in_apaches_order() {
        for text in [
            "count=1,bytes=2",
            "count=-1,bytes=5=;byteHardLimit=9;countHardLimit=3",
        ] {
            assert_eq!(QuotaStats::parse(text.as_bytes()).unwrap().to_text(), text);
        }
        assert_eq!(
            QuotaStats::parse(b"").unwrap().to_text(),
            "count=-1,bytes=-1"
        );
    }

    #[test]
    fn text_that_is_no_quota_is_none() {
        for text in ["hello", "count=x", "count"] {
            assert_eq!(QuotaStats::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_longest_path_with_a_quota_counts() {
        let mut paths = QuotaPaths::default();
        paths.add("/a");
        paths.add("/a/b/c");
        paths.add("");
        assert_eq!(paths.longest_prefix("/a/b"), Some("/a"));
        assert_eq!(paths.longest_prefix("/a/b/c/d"), Some("/a/b/c"));
        assert_eq!(paths.longest_prefix("/ab"), None);
        paths.remove("/a");
        assert_eq!(paths.longest_prefix("/a/b"), None);
    }
}
