//! How much memory the server may have, and has.

use std::path::{Path, PathBuf};

use rustix::system::sysinfo;

/// Bytes of resident memory above which writes are refused.
#[derive(Debug)]
pub(super) struct Limit {
    /// 0: there is none.
    bytes: u64,
    /// Where it comes from, for the operator.
    source: String,
}

impl Limit {
    /// The one that was set, in MiB; else nine tenths of what the cgroup allows, or of the machine's memory: the rest is for what the
    /// kernel counts beside, and for what is on its way.
    pub fn find(set_mib: Option<u64>) -> Self {
        if let Some(mib) = set_mib {
            return Limit {
                bytes: mib.saturating_mul(1 << 20),
                source: "ironkeeper.memory.limitMiB".to_owned(),
            };
        }
        let (most, whose) = of_process();
        Limit {
            bytes: most / 10 * 9,
            source: format!("nine tenths of the {whose}'s {} MiB", most >> 20),
        }
    }

    /// 0: there is none.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Is there too little now? That changes back a sixteenth below the limit, and is told.
    pub fn look(&self, was_full: bool) -> bool {
        let resident = resident_bytes();
        let is_full = self.is_full(resident, was_full);
        let [resident, limit] = [resident, self.bytes].map(|bytes| bytes >> 20);
        let source = &self.source;
        match (was_full, is_full) {
            (false, true) => tracing::error!(
                "writes are refused: the server holds {resident} MiB of memory, more than {limit} ({source}). Give it more, or \
                 delete znodes and start it anew; reads and deletes go on"
            ),
            (true, false) => tracing::warn!(
                "writes are taken again: the server holds {resident} MiB of memory, of {limit} ({source})"
            ),
            _ => {}
        }
        is_full
    }

    fn is_full(&self, resident: u64, was_full: bool) -> bool {
        let mark = match was_full {
            true => self.bytes - self.bytes / 16,
            false => self.bytes,
        };
        self.bytes > 0 && resident > mark
    }
}

/// Bytes that the process may have, and whose they are: its cgroup's, or the machine's.
pub fn of_process() -> (u64, &'static str) {
    let system = sysinfo();
    let machine = system.totalram * u64::from(system.mem_unit);
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    match cgroup_limit(Path::new("/sys/fs/cgroup"), &groups) {
        Some(bytes) if bytes < machine => (bytes, "cgroup"),
        _ => (machine, "machine"),
    }
}

/// What the kernel would count against a limit, without the files that it can drop; 0 where it does not tell.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0u64) * rustix::param::page_size() as u64
}

/// The least limit of the process's cgroup and those above it, by /proc/self/cgroup. `root` is where cgroups are mounted. In a
/// container its own may be mounted there, whatever the path says.
fn cgroup_limit(root: &Path, groups: &str) -> Option<u64> {
    let mut least = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(kinds), Some(path)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let (mount, file) = match kinds {
            "" => (root.to_owned(), "memory.max"),
            kinds if kinds.split(',').any(|kind| kind == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let limits = upwards(&mount, path).filter_map(|directory| limit_in(&directory.join(file)));
        least = least.into_iter().chain(limits).min();
    }
    least
}

/// From the process's own directory to the mount.
fn upwards<'a>(mount: &'a Path, path: &str) -> impl Iterator<Item = PathBuf> + 'a {
    let own = mount.join(path.trim_start_matches('/'));
    let own: Vec<PathBuf> = own.ancestors().map(Path::to_owned).collect();
    own.into_iter()
        .take_while(move |directory| directory.starts_with(mount))
}

/// None for `max`, and for the huge number that is v1's word for it.
fn limit_in(file: &Path) -> Option<u64> {
    const NO_LIMIT: u64 = 1 << 60;
    let text = std::fs::read_to_string(file).ok()?;
    text.trim().parse().ok().filter(|bytes| *bytes < NO_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounted(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            std::fs::write(path, text).expect("a file");
        }
        root
    }

    #[test]
    fn version_2_has_the_least_limit_on_the_way_up() {
        let root = mounted(&[
            ("a/memory.max", "2000\n"),
            ("a/b/memory.max", "max\n"),
            ("a/b/c/memory.max", "3000\n"),
        ]);
        assert_eq!(cgroup_limit(root.path(), "0::/a/b/c\n"), Some(2000));
        assert_eq!(cgroup_limit(root.path(), "0::/x\n"), None);
    }

    #[test]
    fn version_1_has_a_file_of_another_name_and_a_word_for_none() {
        let root = mounted(&[
            ("memory/docker/memory.limit_in_bytes", "5000\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ]);
        let groups = "5:cpu,cpuacct:/docker\n4:memory:/docker\n0::/\n";
        assert_eq!(cgroup_limit(root.path(), groups), Some(5000));
        assert_eq!(cgroup_limit(root.path(), "4:memory:/\n"), None);
    }

    #[test]
    fn a_container_that_does_not_see_its_path_has_the_limit_of_what_is_mounted() {
        let root = mounted(&[("memory.max", "7000")]);
        let groups = "0::/kubepods/pod1/container\n";
        assert_eq!(cgroup_limit(root.path(), groups), Some(7000));
    }

    #[test]
    fn memory_is_short_above_the_limit_and_enough_a_sixteenth_below_it() {
        let limit = Limit {
            bytes: 1600,
            source: String::new(),
        };
        assert!(!limit.is_full(1600, false) && limit.is_full(1601, false));
        assert!(limit.is_full(1501, true) && !limit.is_full(1500, true));
        let none = Limit {
            bytes: 0,
            source: String::new(),
        };
        assert!(!none.is_full(u64::MAX, false));
    }

    #[test]
    fn the_server_knows_what_it_holds() {
        assert!(resident_bytes() > 1 << 20, "{}", resident_bytes());
    }
}
