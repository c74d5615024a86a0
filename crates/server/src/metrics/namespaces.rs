//! Reads and writes by the first name of their paths (`DataTree.updateReadStat`, `updateWriteStat`).

use datatree::Change;

use super::ServerMetrics;

/// Bytes that Apache reckons for the stat of a read znode (`DataTree.STAT_OVERHEAD_BYTES`).
const STAT_BYTES: usize = 68;

/// The first name of a path; none for the root (`PathUtils.getTopNamespace`).
pub fn top_namespace(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?.split('/').next()?;
    (!name.is_empty()).then_some(name)
}

impl ServerMetrics {
    /// A znode was read, with so many bytes of data or of children's names.
    pub fn count_read(&self, path: &str, bytes: usize) {
        if let Some(namespace) = top_namespace(path) {
            let bytes = path.len() + bytes + STAT_BYTES;
            self.read_per_namespace.add(namespace, bytes as u64);
        }
    }

    /// A znode was changed.
    pub fn count_change(&self, change: &Change<'_>) {
        let (path, bytes) = match *change {
            Change::Created { path, bytes, .. } | Change::DataChanged { path, bytes, .. } => {
                (path, bytes)
            }
            Change::Deleted { path, .. } => (path, 0),
        };
        if let Some(namespace) = top_namespace(path) {
            let bytes = path.len() + bytes;
            self.write_per_namespace.add(namespace, bytes as u64);
        }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_of_a_path_is_its_namespace() {
        for (path, namespace) in [
            ("/", None),
            ("", None),
            ("/a", Some("a")),
            ("/a/b/c", Some("a")),
            ("/é/b", Some("é")),
        ] {
            assert_eq!(top_namespace(path), namespace, "{path}");
        }
    }

    #[test]
    fn a_read_counts_its_path_and_the_stat() {
        let metrics = ServerMetrics::default();
        metrics.count_read("/a/b", 10);
        metrics.count_read("/", 10);
        let all = metrics.read_per_namespace.all();
        assert_eq!(all.len(), 1);
        assert_eq!((&*all[0].0, all[0].1.totals().sum), ("a", 4 + 10 + 68));
    }
}
