//! What holds clients back when the operator asked for it: connection tokens, large requests,
//! requests that waited too long. All of it is off by default.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::clock;
use crate::config::{Config, ConnectionThrottle, LargeRequests};

/// The token bucket of new connections (`BlueThrottle`).
#[derive(Debug)]
struct Tokens {
    settings: ConnectionThrottle,
    left: u32,
    filled_ms: i64,
    drop_probability: f64,
    adjusted_ms: i64,
    dice: SmallRng,
}

impl Tokens {
    fn new(settings: ConnectionThrottle, now_ms: i64, seed: u64) -> Self {
        Tokens {
            left: settings.tokens,
            settings,
            filled_ms: now_ms,
            drop_probability: 0.0,
            adjusted_ms: now_ms,
            dice: SmallRng::seed_from_u64(seed),
        }
    }

    fn take(&mut self, need: u32, now_ms: i64) -> bool {
        if self.settings.tokens == 0 {
            return true;
        }
        self.fill(now_ms);
        self.adjust(now_ms);
        let dropped = self.settings.freeze_time_ms.is_some()
            && self.drop_probability > 0.0
            && self.dice.random::<f64>() < self.drop_probability;
        if dropped || self.left < need {
            return false;
        }
        self.left -= need;
        true
    }

    fn fill(&mut self, now_ms: i64) {
        let fills = (now_ms - self.filled_ms) / i64::from(self.settings.fill_time_ms);
        if fills > 0 {
            let more = u64::from(self.settings.fill_count).saturating_mul(fills.unsigned_abs());
            let full = u64::from(self.settings.tokens);
            self.left = u32::try_from(full.min(u64::from(self.left) + more)).unwrap_or(u32::MAX);
            self.filled_ms = now_ms;
        }
    }

    /// An empty bucket makes drops likelier, one above the ratio rarer.
    fn adjust(&mut self, now_ms: i64) {
        let Some(freeze_ms) = self.settings.freeze_time_ms else {
            return;
        };
        if now_ms <= self.adjusted_ms + i64::from(freeze_ms) {
            return;
        }
        self.adjusted_ms = now_ms;
        let share = f64::from(self.left) / f64::from(self.settings.tokens);
        if self.left == 0 {
            self.drop_probability = (self.drop_probability + self.settings.drop_increase).min(1.0);
        } else if share > self.settings.decrease_ratio {
            self.drop_probability = (self.drop_probability - self.settings.drop_decrease).max(0.0);
        }
    }
}

/// The session that a connection asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Its own once more.
    Again,
    /// A new one, which all servers will know.
    Global,
    /// A new one, known to this server only.
    Local,
}

/// All of a server's.
#[derive(Debug)]
pub struct Throttles {
    tokens: Option<Mutex<Tokens>>,
    large: LargeRequests,
    large_bytes: AtomicI64,
    longest_wait_ms: i64,
}

impl Throttles {
    /// As configured. `seed` is for the drops by chance.
    pub fn new(config: &Config, now_ms: i64, seed: u64) -> Self {
        let settings = config.connection_throttle.clone();
        let limited = settings.tokens > 0;
        Throttles {
            tokens: limited.then(|| Mutex::new(Tokens::new(settings, now_ms, seed))),
            large: config.large_requests,
            large_bytes: AtomicI64::new(0),
            longest_wait_ms: config.throttled_op_wait_time_ms.into(),
        }
    }

    /// May a connection ask for this session?
    pub fn admit_connection(&self, wanted: Wanted, now_ms: i64) -> bool {
        let Some(tokens) = &self.tokens else {
            return true;
        };
        let mut tokens = tokens.lock();
        let need = match tokens.settings.weights {
            None => 1,
            Some(weights) => match wanted {
                Wanted::Again => weights.renew_session,
                Wanted::Global => weights.global_session,
                Wanted::Local => weights.local_session,
            },
        };
        tokens.take(need, now_ms)
    }

    /// Tokens that are missing in the bucket (`BlueThrottle.getDeficit`).
    pub fn token_deficit(&self) -> u32 {
        let missing = |tokens: &Mutex<Tokens>| {
            let tokens = tokens.lock();
            tokens.settings.tokens - tokens.left
        };
        self.tokens.as_ref().map_or(0, missing)
    }

    /// Chance of a new connection to be dropped.
    pub fn drop_probability(&self) -> f64 {
        self.tokens
            .as_ref()
            .map_or(0.0, |tokens| tokens.lock().drop_probability)
    }

    fn is_large(&self, bytes: usize) -> bool {
        self.large
            .threshold
            .is_some_and(|threshold| bytes > threshold as usize)
    }

    /// Is there room for a request of this size? Each one let in must be released.
    pub fn admit_large(&self, bytes: usize) -> bool {
        if !self.is_large(bytes) {
            return true;
        }
        let held = self.large_bytes.fetch_add(bytes as i64, Relaxed) + bytes as i64;
        let fits = held <= i64::from(self.large.max_bytes);
        if !fits {
            self.release_large(bytes);
        }
        fits
    }

    /// A request has its reply.
    pub fn release_large(&self, bytes: usize) {
        if self.is_large(bytes) {
            self.large_bytes.fetch_sub(bytes as i64, Relaxed);
        }
    }

    /// Has a request waited longer than `throttled_op_wait_time`?
    pub fn waited_too_long(&self, received_ms: i64) -> bool {
        self.longest_wait_ms > 0 && clock::monotonic_ms() - received_ms > self.longest_wait_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> ConnectionThrottle {
        ConnectionThrottle {
            tokens: 2,
            fill_time_ms: 10,
            fill_count: 1,
            freeze_time_ms: None,
            drop_increase: 0.5,
            drop_decrease: 0.5,
            decrease_ratio: 0.0,
            weights: None,
        }
    }

    #[test]
    fn tokens_run_out_and_come_back_with_time() {
        let mut tokens = Tokens::new(settings(), 0, 1);
        assert!(tokens.take(1, 0) && tokens.take(1, 0) && !tokens.take(1, 9));
        assert!(tokens.take(1, 10) && !tokens.take(1, 10));
        assert!(
            tokens.take(2, 1000) && !tokens.take(1, 1000),
            "the bucket is never fuller than full"
        );
    }

    #[test]
    fn an_empty_bucket_raises_the_chance_of_a_drop() {
        let mut tokens = Tokens::new(
            ConnectionThrottle {
                freeze_time_ms: Some(0),
                ..settings()
            },
            0,
            1,
        );
        assert!(tokens.take(2, 0));
        assert!(!tokens.take(1, 1));
        assert_eq!(tokens.drop_probability, 0.5);
    }
}
