//! By what reads, writes and quotas are told apart: the first name of a path.

/// Bytes that Apache reckons for the stat of a read znode (`DataTree.STAT_OVERHEAD_BYTES`).
pub const STAT_BYTES: usize = 68;

/// The first name of a path; none for the root (`PathUtils.getTopNamespace`).
pub fn top_namespace(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?.split('/').next()?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
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
}
