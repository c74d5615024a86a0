//! Latencies, in buckets that are never wider than a 64th of what they hold.

use std::time::Duration;

const SUB_BITS: u32 = 6;
const SUBS: usize = 1 << SUB_BITS;
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUBS;

/// A histogram of durations.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    most: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram {
            counts: vec![0; BUCKETS],
            total: 0,
            most: 0,
        }
    }
}

/// The bucket of a number of nanoseconds: the power of two, and the six bits below its first.
fn bucket(nanos: u64) -> usize {
    let power = (u64::BITS - nanos.leading_zeros()).saturating_sub(SUB_BITS + 1);
    power as usize * SUBS + (nanos >> power) as usize
}

/// The largest number in a bucket.
fn upper_end(bucket: usize) -> u64 {
    let power = (bucket / SUBS).saturating_sub(1);
    let step = (bucket - power * SUBS) as u128;
    (((step + 1) << power) - 1).min(u128::from(u64::MAX)) as u64
}

impl Histogram {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
        self.most = self.most.max(nanos);
    }

    /// Adds all of another one.
    pub fn merge(&mut self, other: &Histogram) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.most = self.most.max(other.most);
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The longest.
    pub fn most(&self) -> Duration {
        Duration::from_nanos(self.most)
    }

    /// The least value that at most a share of `1 - share` exceeds; zero without any.
    pub fn quantile(&self, share: f64) -> Duration {
        let rank = (self.total as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        let nanos = found.map_or(0, |bucket| upper_end(bucket).min(self.most));
        Duration::from_nanos(nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_falls_into_it() {
        for shift in 0..64 {
            for nanos in [1 << shift, (1u64 << shift) | 1, u64::MAX >> shift] {
                let end = upper_end(bucket(nanos));
                assert!(
                    end >= nanos && end - nanos <= nanos / 64 + 1,
                    "{nanos}: {end}"
                );
            }
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_near_those_of_the_values() {
        let mut halves = [Histogram::default(), Histogram::default()];
        for micros in 1..=1000 {
            halves[micros as usize % 2].add(Duration::from_micros(micros));
        }
        let [mut all, other] = halves;
        all.merge(&other);
        assert_eq!((all.total(), all.most()), (1000, Duration::from_millis(1)));
        for (share, micros) in [(0.5, 500), (0.99, 990), (1.0, 1000)] {
            let found = all.quantile(share).as_nanos() as f64 / 1000.0;
            assert!(
                (found / f64::from(micros) - 1.0).abs() < 0.02,
                "{share}: {found}"
            );
        }
    }

    #[test]
    fn nothing_has_quantiles_of_zero() {
        assert_eq!(Histogram::default().quantile(0.5), Duration::ZERO);
    }
}
