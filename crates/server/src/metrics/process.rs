//! What the system says of the process, under the names of Java's client for Prometheus (simpleclient_hotspot).
//!
//! Dashboards ask for the names of a JVM. Those that mean something without one say what is so here: the heap is the memory of the
//! process' own, threads are threads. Those that do not are 0: no class is loaded, no garbage collected, no thread deadlocked
//! that anybody would know of.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::samples::{Sample, Samples, sample};
use crate::guards::memory_of_process;

/// Open descriptors, and how many there may be.
pub fn descriptors() -> (i64, i64) {
    let open = fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as i64);
    let limit = getrlimit(Resource::Nofile).current;
    (open, limit.map_or(-1, |limit| limit as i64))
}

/// All of them.
pub fn samples() -> Vec<Samples> {
    let mut all = of_process();
    all.extend(of_memory());
    all.extend(of_threads());
    all.extend(without_meaning());
    all
}

fn family(name: &str, kind: &'static str, about: &str, samples: Vec<Sample>) -> Samples {
    Samples {
        name: name.to_owned(),
        kind,
        about: about.to_owned(),
        samples,
    }
}

/// Fields of /proc/self/stat behind the name in brackets; the first is the third of proc(5).
fn stat_fields() -> Vec<u64> {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    behind
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect()
}

/// A number of kB in /proc/self/status or /proc/meminfo, in bytes.
fn kilobytes(text: &str, key: &str) -> u64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

fn of_process() -> Vec<Samples> {
    /// Of `stat_fields`.
    const USER: usize = 11;
    const SYSTEM: usize = 12;
    const STARTED: usize = 19;
    const VIRTUAL: usize = 20;
    let fields = stat_fields();
    let field = |index: usize| fields.get(index).copied().unwrap_or(0) as f64;
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let (open, most) = descriptors();
    [
        (
            "process_cpu_seconds_total",
            "counter",
            "s of CPU, user and system",
            (field(USER) + field(SYSTEM)) / ticks,
        ),
        (
            "process_start_time_seconds",
            "gauge",
            "when the process began, in s of Unix' epoch",
            boot_time() + field(STARTED) / ticks,
        ),
        ("process_open_fds", "gauge", "open descriptors", open as f64),
        (
            "process_max_fds",
            "gauge",
            "descriptors that may be open",
            most as f64,
        ),
        (
            "process_virtual_memory_bytes",
            "gauge",
            "bytes of address space",
            field(VIRTUAL),
        ),
        (
            "process_resident_memory_bytes",
            "gauge",
            "bytes in memory",
            kilobytes(&status, "VmRSS") as f64,
        ),
    ]
    .map(|(name, kind, about, value)| Samples::single(name, kind, about, value))
    .into()
}

fn boot_time() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("btime "));
    line.and_then(|seconds| seconds.trim().parse().ok())
        .unwrap_or(0.0)
}

/// Heap is memory of the process' own; the rest are pages of files, of the binary above all.
fn of_memory() -> Vec<Samples> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let own = kilobytes(&status, "RssAnon") as f64;
    let files = (kilobytes(&status, "RssFile") + kilobytes(&status, "RssShmem")) as f64;
    let areas = |heap, rest| {
        vec![
            sample("", &[("area", "heap")], heap),
            sample("", &[("area", "nonheap")], rest),
        ]
    };
    let pools = |heap, rest| {
        vec![
            sample("", &[("pool", "anonymous")], heap),
            sample("", &[("pool", "files")], rest),
        ]
    };
    let limit = memory_of_process().0 as f64;
    let gauge = |name: &str, about: &str, samples| family(name, "gauge", about, samples);
    vec![
        gauge(
            "jvm_memory_bytes_used",
            "heap: bytes of the process' own in memory; nonheap: of files",
            areas(own, files),
        ),
        gauge("jvm_memory_bytes_committed", "as used", areas(own, files)),
        gauge(
            "jvm_memory_bytes_max",
            "bytes that the process may have, by its control group or the machine",
            areas(limit, -1.0),
        ),
        gauge(
            "jvm_memory_bytes_init",
            "0: nothing is taken in advance",
            areas(0.0, 0.0),
        ),
        gauge(
            "jvm_memory_pool_bytes_used",
            "bytes in memory: anonymous ones, and pages of files",
            pools(own, files),
        ),
        gauge(
            "jvm_memory_pool_bytes_committed",
            "as used",
            pools(own, files),
        ),
        gauge(
            "jvm_memory_pool_bytes_max",
            "bytes that the process may have",
            pools(limit, -1.0),
        ),
        gauge(
            "jvm_memory_pool_bytes_init",
            "0: nothing is taken in advance",
            pools(0.0, 0.0),
        ),
    ]
}

/// Java's names for what threads do, and /proc's.
const STATES: [(&str, &[char]); 6] = [
    ("NEW", &[]),
    ("RUNNABLE", &['R']),
    ("BLOCKED", &['D']),
    ("WAITING", &['S']),
    ("TIMED_WAITING", &[]),
    ("TERMINATED", &['Z', 'X']),
];

fn of_threads() -> Vec<Samples> {
    let states = thread_states();
    let count = states.len() as f64;
    let in_state = |(name, letters): (&str, &[char])| {
        let threads = states
            .iter()
            .filter(|state| letters.contains(state))
            .count();
        sample("", &[("state", name)], threads as f64)
    };
    let mut all: Vec<_> = [
        ("jvm_threads_current", "gauge", "threads", count),
        (
            "jvm_threads_daemon",
            "gauge",
            "0: no thread outlives the server",
            0.0,
        ),
        (
            "jvm_threads_peak",
            "gauge",
            "threads now: there is no memory of more",
            count,
        ),
        (
            "jvm_threads_started_total",
            "counter",
            "threads now: there is no memory of more",
            count,
        ),
        (
            "jvm_threads_deadlocked",
            "gauge",
            "0: nobody looks for deadlocks",
            0.0,
        ),
        (
            "jvm_threads_deadlocked_monitor",
            "gauge",
            "0: nobody looks for deadlocks",
            0.0,
        ),
    ]
    .map(|(name, kind, about, value)| Samples::single(name, kind, about, value))
    .into();
    all.push(family(
        "jvm_threads_state",
        "gauge",
        "threads by what they do",
        STATES.map(in_state).into(),
    ));
    all
}

/// One letter for each thread.
fn thread_states() -> Vec<char> {
    let tasks = fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let state = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("stat")).ok()?;
        text.rsplit_once(") ")?.1.chars().next()
    };
    tasks.filter_map(state).collect()
}

/// What there is in a JVM only.
fn without_meaning() -> Vec<Samples> {
    let version = env!("CARGO_PKG_VERSION");
    let about = [
        ("runtime", "ironkeeper"),
        ("vendor", "ironkeeper"),
        ("version", version),
    ];
    let buffers = || {
        vec![
            sample("", &[("pool", "direct")], 0.0),
            sample("", &[("pool", "mapped")], 0.0),
        ]
    };
    let zero = |name: &str, kind| Samples::single(name, kind, "0: there is no JVM", 0.0);
    let none = [("gc", "none")];
    let collections = vec![sample("_count", &none, 0.0), sample("_sum", &none, 0.0)];
    vec![
        family(
            "jvm_buffer_pool_used_bytes",
            "gauge",
            "0: there is no JVM",
            buffers(),
        ),
        family(
            "jvm_buffer_pool_capacity_bytes",
            "gauge",
            "0: there is no JVM",
            buffers(),
        ),
        family(
            "jvm_buffer_pool_used_buffers",
            "gauge",
            "0: there is no JVM",
            buffers(),
        ),
        family(
            "jvm_gc_collection_seconds",
            "summary",
            "0: there is no garbage collector",
            collections,
        ),
        family(
            "jvm_memory_pool_allocated_bytes_total",
            "counter",
            "0: there is no JVM",
            vec![sample("", &[("pool", "anonymous")], 0.0)],
        ),
        zero("jvm_classes_loaded", "gauge"),
        zero("jvm_classes_loaded_total", "counter"),
        zero("jvm_classes_unloaded_total", "counter"),
        family(
            "jvm_info",
            "gauge",
            "1: what runs instead of a JVM",
            vec![sample("", &about, 1.0)],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(all: &[Samples], name: &str) -> f64 {
        let family = all.iter().find(|family| family.name == name).unwrap();
        family.samples[0].value
    }

    #[test]
    fn the_process_is_as_the_system_says() {
        let all = samples();
        assert!(value(&all, "jvm_threads_current") >= 1.0);
        assert!(value(&all, "process_open_fds") >= 3.0);
        let used = value(&all, "jvm_memory_bytes_used");
        assert!(
            used > 0.0 && used < value(&all, "jvm_memory_bytes_max"),
            "{used}"
        );
        let resident = value(&all, "process_resident_memory_bytes");
        assert!(resident >= used && resident < value(&all, "process_virtual_memory_bytes"));
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        let age = now - value(&all, "process_start_time_seconds");
        assert!((-2.0..86_400.0).contains(&age), "{age}");
    }

    #[test]
    fn every_thread_is_in_one_state() {
        let all = of_threads();
        let states = all
            .iter()
            .find(|family| family.name == "jvm_threads_state")
            .unwrap();
        let sum: f64 = states.samples.iter().map(|sample| sample.value).sum();
        // Other tests begin and end threads meanwhile, and one may be in a state of the kernel's only.
        assert!(sum >= 1.0);
    }
}
