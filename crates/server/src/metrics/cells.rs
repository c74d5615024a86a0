//! Counters and summaries that many threads add to: relaxed atomics in shards, summed up by who reads them.
//!
//! Knows no metric's name. Adding takes no lock and, but for a thread's first value of a summary, no memory.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use histogram::{AtomicHistogram, Histogram};

/// Threads beyond so many share a shard with others.
const SHARDS: usize = 8;

/// The shard of the calling thread.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static SHARD: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    SHARD.with(|shard| {
        if shard.get() == usize::MAX {
            shard.set(NEXT.fetch_add(1, Relaxed) % SHARDS);
        }
        shard.get()
    })
}

/// Two cache lines: what one thread writes does not hold up its neighbour's.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Padded<T>(T);

/// Only ever grows, but for a reset.
#[derive(Debug, Default)]
pub struct Counter([Padded<AtomicU64>; SHARDS]);

impl Counter {
    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0[shard()].0.fetch_add(more, Relaxed);
    }

    /// What was added in all.
    pub fn get(&self) -> u64 {
        self.0.iter().map(|part| part.0.load(Relaxed)).sum()
    }

    /// Begins anew.
    pub fn reset(&self) {
        self.set(0);
    }

    /// Makes it what was counted elsewhere.
    pub fn set(&self, count: u64) {
        for (index, part) in self.0.iter().enumerate() {
            part.0.store(if index == 0 { count } else { 0 }, Relaxed);
        }
    }
}

/// How much is told of a summary (Apache: `MetricsContext.DetailLevel`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Its median.
    Basic,
    /// Its tail too.
    Advanced,
}

impl Detail {
    /// Values are kept to within one part in two to this power, and exactly below twice that.
    fn grouping_power(self) -> u8 {
        match self {
            Detail::Basic => 3,
            Detail::Advanced => 5,
        }
    }
}

/// Quantiles take larger values for 2^32 − 1, which are seven weeks in ms.
const VALUE_BITS: u8 = 32;

/// Values of one thing that is measured.
#[derive(Debug)]
pub struct Summary {
    detail: Detail,
    shards: [OnceLock<Box<Part>>; SHARDS],
}

/// What the threads of one shard have added.
#[derive(Debug)]
struct Part {
    sum: AtomicU64,
    least: AtomicU64,
    most: AtomicU64,
    values: AtomicHistogram,
}

impl Part {
    fn new(detail: Detail) -> Box<Part> {
        let values = AtomicHistogram::new(detail.grouping_power(), VALUE_BITS);
        Box::new(Part {
            sum: AtomicU64::new(0),
            least: AtomicU64::new(u64::MAX),
            most: AtomicU64::new(0),
            values: values.expect("both powers are in the crate's bounds"),
        })
    }

    fn add(&self, value: u64, times: u64) {
        let sum = value.wrapping_mul(times);
        self.sum.fetch_add(sum, Relaxed);
        if value < self.least.load(Relaxed) {
            self.least.fetch_min(value, Relaxed);
        }
        if value > self.most.load(Relaxed) {
            self.most.fetch_max(value, Relaxed);
        }
        // Bounded above, so it is in range.
        let _ = self.values.add(value.min((1 << VALUE_BITS) - 1), times);
    }

    fn reset(&self) {
        self.sum.store(0, Relaxed);
        self.least.store(u64::MAX, Relaxed);
        self.most.store(0, Relaxed);
        drop(self.values.drain());
    }
}

/// All that a summary holds at one moment.
#[derive(Clone, Debug)]
pub struct Totals {
    /// How many values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// The least; 0 without any.
    pub least: u64,
    /// The greatest; 0 without any.
    pub most: u64,
    /// All of them; none without any.
    pub values: Option<Histogram>,
}

impl Summary {
    /// Without a value.
    pub fn new(detail: Detail) -> Self {
        Summary {
            detail,
            shards: Default::default(),
        }
    }

    /// How much is told of it.
    pub fn detail(&self) -> Detail {
        self.detail
    }

    /// Adds a value.
    pub fn add(&self, value: u64) {
        self.add_many(value, 1);
    }

    /// Adds a value so many times.
    pub fn add_many(&self, value: u64, times: u64) {
        let part = self.shards[shard()].get_or_init(|| Part::new(self.detail));
        part.add(value, times);
    }

    /// Adds a duration in ms; clocks that went back count as none.
    pub fn add_ms(&self, ms: i64) {
        self.add(ms.max(0).unsigned_abs());
    }

    /// Adds how long something took that Apache needs milliseconds for, in ms. One that is begun counts: a probe that looks for an
    /// average above 0 is told that there was one.
    pub fn add_begun_ms(&self, took: Duration) {
        self.add(u64::try_from(took.as_micros().div_ceil(1000)).unwrap_or(u64::MAX));
    }

    /// What it holds now. What is being added meanwhile may be in one part of it and not yet in another.
    pub fn totals(&self) -> Totals {
        let parts = || self.shards.iter().filter_map(OnceLock::get);
        let values = parts()
            .map(|part| part.values.load())
            .reduce(|one, other| together(&one, &other));
        let count = values.as_ref().map_or(0, count);
        Totals {
            count,
            sum: parts().map(|part| part.sum.load(Relaxed)).sum(),
            least: match count {
                0 => 0,
                _ => parts()
                    .map(|part| part.least.load(Relaxed))
                    .min()
                    .unwrap_or(0),
            },
            most: parts()
                .map(|part| part.most.load(Relaxed))
                .max()
                .unwrap_or(0),
            values: values.filter(|_| count > 0),
        }
    }

    /// Begins anew.
    pub fn reset(&self) {
        self.shards
            .iter()
            .filter_map(OnceLock::get)
            .for_each(|part| part.reset());
    }
}

fn together(one: &Histogram, other: &Histogram) -> Histogram {
    one.wrapping_add(other)
        .expect("both have one configuration")
}

fn count(values: &Histogram) -> u64 {
    values.as_slice().iter().sum()
}

/// The value below which this share of the values is, or is equal to it; none without values.
pub fn quantile(values: &Histogram, share: f64) -> Option<u64> {
    let bucket = values.quantile_bucket(share).ok().flatten()?;
    Some(bucket.end())
}

/// The values that came between two moments; `before` none is the beginning.
pub fn since(now: &Histogram, before: Option<&Histogram>) -> Histogram {
    match before {
        Some(before) => now
            .wrapping_sub(before)
            .expect("both have one configuration"),
        None => now.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_add_is_summed_up() {
        let (counter, summary) = (Counter::default(), Summary::new(Detail::Advanced));
        std::thread::scope(|scope| {
            for _ in 0..2 * SHARDS {
                scope.spawn(|| {
                    (1..=100).for_each(|value| summary.add(value));
                    counter.add(3);
                });
            }
        });
        assert_eq!(counter.get(), 6 * SHARDS as u64);
        let totals = summary.totals();
        let (count, sum) = (200 * SHARDS as u64, 2 * 5050 * SHARDS as u64);
        assert_eq!(
            (totals.count, totals.sum, totals.least, totals.most),
            (count, sum, 1, 100)
        );
        assert_eq!(quantile(&totals.values.unwrap(), 0.5), Some(50));
    }

    #[test]
    fn nothing_has_no_quantile() {
        let summary = Summary::new(Detail::Basic);
        let totals = summary.totals();
        assert_eq!((totals.count, totals.least, totals.most), (0, 0, 0));
        assert!(totals.values.is_none());
    }

    #[test]
    fn what_is_reset_is_as_in_the_beginning() {
        let (counter, summary) = (Counter::default(), Summary::new(Detail::Basic));
        counter.add(1);
        summary.add(7);
        counter.reset();
        summary.reset();
        assert_eq!(counter.get(), 0);
        assert!(summary.totals().values.is_none());
        summary.add(9);
        let totals = summary.totals();
        assert_eq!(
            (totals.count, totals.sum, totals.least, totals.most),
            (1, 9, 9, 9)
        );
    }

    #[test]
    fn a_value_past_the_last_bucket_counts_and_keeps_its_sum() {
        let summary = Summary::new(Detail::Basic);
        summary.add(1 << 40);
        summary.add_ms(-5);
        let totals = summary.totals();
        assert_eq!(
            (totals.count, totals.sum, totals.most),
            (2, 1 << 40, 1 << 40)
        );
    }

    #[test]
    fn a_millisecond_that_is_begun_counts() {
        let summary = Summary::new(Detail::Basic);
        for micros in [0, 1, 1000, 1001] {
            summary.add_begun_ms(Duration::from_micros(micros));
        }
        let totals = summary.totals();
        assert_eq!((totals.count, totals.sum, totals.least), (4, 4, 0));
    }

    #[test]
    fn the_values_between_two_moments_are_those_that_came_between() {
        let summary = Summary::new(Detail::Advanced);
        (0..100).for_each(|_| summary.add(1));
        let before = summary.totals().values.unwrap();
        (0..10).for_each(|_| summary.add(40));
        let now = summary.totals().values.unwrap();
        assert_eq!(quantile(&now, 0.5), Some(1));
        assert_eq!(quantile(&since(&now, Some(&before)), 0.5), Some(40));
        assert_eq!(quantile(&since(&now, Some(&now)), 0.5), None);
    }
}
