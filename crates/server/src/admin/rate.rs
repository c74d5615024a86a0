//! How often something is done (`RateLimiter`).

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Lets one through in each interval; intervals are counted from the first call behind the end of the last one.
#[derive(Debug)]
pub(super) struct Rate {
    interval: Duration,
    current: Mutex<Interval>,
}

#[derive(Debug)]
struct Interval {
    began: Instant,
    is_used: bool,
}

impl Rate {
    pub fn new(interval: Duration) -> Self {
        Rate {
            interval,
            current: Mutex::new(Interval {
                began: Instant::now(),
                is_used: false,
            }),
        }
    }

    /// Whether it may be done now; it counts as done then.
    pub fn allows(&self) -> bool {
        let now = Instant::now();
        let mut current = self.current.lock();
        if now.duration_since(current.began) > self.interval || self.interval.is_zero() {
            *current = Interval {
                began: now,
                is_used: false,
            };
        }
        !std::mem::replace(&mut current.is_used, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_is_let_through_in_each_interval() {
        let rate = Rate::new(Duration::from_millis(300));
        assert!(rate.allows() && !rate.allows());
        tokio::time::advance(Duration::from_millis(300)).await;
        assert!(!rate.allows(), "the interval is not over");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(rate.allows() && !rate.allows());
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_of_0_holds_nobody_back() {
        let rate = Rate::new(Duration::ZERO);
        assert!(rate.allows() && rate.allows());
    }
}
