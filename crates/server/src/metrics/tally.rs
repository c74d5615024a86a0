//! What one thread has counted of requests and not yet told the others.
//!
//! A request costs a microsecond where many come together, and each atomic a part of that. Most of a batch have the same latency and the
//! same first name, so a run of equal values is counted here and told at once, when the batch is through: before its
//! replies leave, so that nobody sees an answer that is not counted.

use std::sync::Arc;

use datatree::Change;

use super::ServerMetrics;
use super::cells::Summary;
use super::labelled::{Named, SummarySet};
use super::namespaces::{STAT_BYTES, top_namespace};
use crate::shared::Shared;

/// A value that came so many times in a row.
#[derive(Debug, Default)]
pub struct Run {
    value: u64,
    count: u64,
}

impl Run {
    /// Adds a value, and gives those before back where it is another one.
    fn push(&mut self, value: u64) -> Option<(u64, u64)> {
        let before = if value == self.value {
            None
        } else {
            self.take()
        };
        self.value = value;
        self.count += 1;
        before
    }

    /// The value, and how often it came.
    fn take(&mut self) -> Option<(u64, u64)> {
        let count = std::mem::take(&mut self.count);
        (count > 0).then_some((self.value, count))
    }

    /// Adds a value; those before are told where it is another one.
    pub fn add(&mut self, value: u64, summary: &Summary) {
        if let Some((value, count)) = self.push(value) {
            summary.add_many(value, count);
        }
    }

    /// Adds a duration in ms; clocks that went back count as none.
    pub fn add_ms(&mut self, ms: i64, summary: &Summary) {
        self.add(ms.max(0).unsigned_abs(), summary);
    }

    /// Tells it.
    pub fn flush(&mut self, summary: &Summary) {
        if let Some((value, count)) = self.take() {
            summary.add_many(value, count);
        }
    }
}

/// As [`Run`], of one key of a set.
#[derive(Debug, Default)]
struct NamedRun {
    named: Option<Arc<Named>>,
    run: Run,
}

impl NamedRun {
    fn add(&mut self, key: &str, value: u64, set: &SummarySet) {
        if self.named.as_ref().is_none_or(|named| *named.key != *key) {
            self.turn_to(set.named(key));
        }
        if let Some(named) = &self.named {
            self.run.add(value, &named.summary);
        }
    }

    /// Keys past the set's bound have one summary: from one to the next, the run goes on.
    fn turn_to(&mut self, named: Arc<Named>) {
        let before = self.named.as_ref();
        if before.is_none_or(|before| !Arc::ptr_eq(before, &named)) {
            self.flush();
            self.named = Some(named);
        }
    }

    fn flush(&mut self) {
        if let Some(named) = &self.named {
            self.run.flush(&named.summary);
        }
    }
}

/// Of one thread, or of one connection's task.
#[derive(Debug, Default)]
pub struct Tally {
    latencies: Run,
    reads: Run,
    updates: Run,
    response_bytes: u64,
    read: NamedRun,
    written: NamedRun,
    commitproc: Run,
    final_proc: Run,
}

impl Tally {
    /// A request was answered, so long after it came.
    pub fn answered(&mut self, server: &Shared, is_update: bool, latency_ms: i64) {
        let metrics = &server.metrics;
        let ms = latency_ms.max(0).unsigned_abs();
        if let Some((ms, count)) = self.latencies.push(ms) {
            server.stats.latency_ms.add(ms as i64, count as i64);
        }
        match is_update {
            true => self.updates.add_ms(latency_ms, &metrics.updatelatency),
            false => self.reads.add_ms(latency_ms, &metrics.readlatency),
        }
    }

    /// A reply was queued.
    pub fn replied(&mut self, bytes: usize) {
        self.response_bytes += bytes as u64;
    }

    /// A znode was read, with so many bytes of data or of children's names (`DataTree.updateReadStat`).
    pub fn has_read(&mut self, metrics: &ServerMetrics, path: &str, bytes: usize) {
        if let Some(namespace) = top_namespace(path) {
            let bytes = (path.len() + bytes + STAT_BYTES) as u64;
            self.read.add(namespace, bytes, &metrics.read_per_namespace);
        }
    }

    /// A znode was changed (`DataTree.updateWriteStat`).
    pub fn has_changed(&mut self, metrics: &ServerMetrics, change: &Change<'_>) {
        let (path, bytes) = match *change {
            Change::Created { path, bytes, .. } | Change::DataChanged { path, bytes, .. } => {
                (path, bytes)
            }
            Change::Deleted { path, .. } => (path, 0),
        };
        if let Some(namespace) = top_namespace(path) {
            let bytes = (path.len() + bytes) as u64;
            self.written
                .add(namespace, bytes, &metrics.write_per_namespace);
        }
    }

    /// A read of a member's client waited, and was executed (`CommitProcessor`).
    pub fn executed(&mut self, metrics: &ServerMetrics, waited_ms: i64, took_ms: i64) {
        self.commitproc
            .add_ms(waited_ms, &metrics.read_commitproc_time_ms);
        self.final_proc
            .add_ms(took_ms, &metrics.read_final_proc_time_ms);
    }

    /// Tells all of it.
    pub fn flush(&mut self, server: &Shared) {
        let metrics = &server.metrics;
        if let Some((ms, count)) = self.latencies.take() {
            server.stats.latency_ms.add(ms as i64, count as i64);
        }
        self.reads.flush(&metrics.readlatency);
        self.updates.flush(&metrics.updatelatency);
        self.read.flush();
        self.written.flush();
        self.commitproc.flush(&metrics.read_commitproc_time_ms);
        self.final_proc.flush(&metrics.read_final_proc_time_ms);
        if self.response_bytes > 0 {
            let bytes = std::mem::take(&mut self.response_bytes);
            metrics.response_bytes.add(bytes);
        }
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::super::labelled::OTHERS;
    use super::*;
    use crate::limits;

    fn of(metrics: &ServerMetrics) -> Vec<(String, u64, u64)> {
        let all = metrics.read_per_namespace.all().into_iter();
        let told = all.map(|named| (named.key.to_string(), named.summary.totals()));
        told.map(|(key, totals)| (key, totals.count, totals.sum))
            .collect()
    }

    #[test]
    fn a_read_counts_its_path_and_the_stat() {
        let (metrics, mut tally) = (ServerMetrics::default(), Tally::default());
        for path in ["/a/b", "/a/c", "/a/long", "/b", "/a/b", "/"] {
            tally.has_read(&metrics, path, 10);
        }
        tally.read.flush();
        tally.read.flush();
        let a = ("a".to_owned(), 4, 4 * 78 + 4 + 4 + 7 + 4);
        assert_eq!(of(&metrics), [a, ("b".to_owned(), 1, 78 + 2)]);
    }

    #[test]
    fn names_past_the_bound_are_counted_together() {
        let (metrics, mut tally) = (ServerMetrics::default(), Tally::default());
        for name in 0..limits::MAX_METRIC_KEYS + 3 {
            tally.has_read(&metrics, &format!("/{name}"), 0);
        }
        tally.read.flush();
        let others = of(&metrics).into_iter().find(|(key, ..)| key == OTHERS);
        assert_eq!(others.unwrap().1, 3);
    }

    #[test]
    fn names_past_the_bound_are_one_run() {
        let (metrics, mut tally) = (ServerMetrics::default(), Tally::default());
        for name in 0..limits::MAX_METRIC_KEYS {
            metrics.read_per_namespace.add(&name.to_string(), 1);
        }
        for path in ["/more", "/more", "/else", "/more"] {
            tally.has_read(&metrics, path, 0);
        }
        assert_eq!(tally.read.run.count, 4);
        tally.has_read(&metrics, "/0", 0);
        assert_eq!(tally.read.run.count, 1);
    }

    #[test]
    fn a_run_is_told_when_another_value_comes_and_at_the_end() {
        let (metrics, mut run) = (ServerMetrics::default(), Run::default());
        for ms in [0, 0, 5, 5, 5, 0] {
            run.add_ms(ms, &metrics.readlatency);
        }
        assert_eq!(metrics.readlatency.totals().count, 5);
        run.flush(&metrics.readlatency);
        run.flush(&metrics.readlatency);
        let totals = metrics.readlatency.totals();
        assert_eq!((totals.count, totals.sum, totals.most), (6, 15, 5));
    }
}
