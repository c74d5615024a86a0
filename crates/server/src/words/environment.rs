//! envi (`Environment.list`): the machine and the user, in the place of a Java virtual machine's properties.

use std::fmt::Write;
use std::path::Path;

use nix::unistd::{Uid, User};
use rustix::system::{sysinfo, uname};

use super::version;

/// Apache's text for what is not known.
const NOT_KNOWN: &str = "<NA>";

/// The answer to envi.
pub(super) fn text() -> String {
    let mut text = "Environment:\n".to_owned();
    for (key, value) in values() {
        let _ = writeln!(text, "{key}={value}");
    }
    text
}

/// Apache's keys in its order. Those of its virtual machine have no value.
pub(crate) fn values() -> Vec<(&'static str, String)> {
    let system = uname();
    let user = user();
    let user_home = user.as_ref().map(|user| shown(&user.dir));
    let [free, most, total] = memory_mib().map(|mib| format!("{mib}MB"));
    let not_known = || NOT_KNOWN.to_owned();
    vec![
        ("zookeeper.version", version()),
        // As the machine names itself: to ask a name server could take long.
        (
            "host.name",
            system.nodename().to_string_lossy().into_owned(),
        ),
        ("java.version", not_known()),
        ("java.vendor", not_known()),
        ("java.home", not_known()),
        ("java.class.path", not_known()),
        ("java.library.path", not_known()),
        ("java.io.tmpdir", shown(&std::env::temp_dir())),
        ("java.compiler", not_known()),
        ("os.name", system.sysname().to_string_lossy().into_owned()),
        ("os.arch", java_arch(std::env::consts::ARCH).to_owned()),
        (
            "os.version",
            system.release().to_string_lossy().into_owned(),
        ),
        ("user.name", user_name()),
        ("user.home", user_home.unwrap_or_else(not_known)),
        (
            "user.dir",
            std::env::current_dir().map_or_else(|_| not_known(), |dir| shown(&dir)),
        ),
        ("os.memory.free", free),
        ("os.memory.max", most),
        ("os.memory.total", total),
    ]
}

fn user() -> Option<User> {
    User::from_uid(Uid::current()).ok().flatten()
}

/// Who runs the server.
pub(crate) fn user_name() -> String {
    user().map_or_else(|| NOT_KNOWN.to_owned(), |user| user.name)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// As Java names it.
pub(super) fn java_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        other => other,
    }
}

/// The lines of memory, whose difference of total and free is what the server uses, as in Apache: total is what it holds of
/// the machine's memory, and nothing of that is free. The most that it could hold is all that the machine has.
fn memory_mib() -> [u64; 3] {
    let system = sysinfo();
    let machine_bytes = system.totalram * u64::from(system.mem_unit);
    [0, machine_bytes >> 20, resident_mib()]
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.map_or(0, |kib: u64| kib >> 10)
}
