//! Owns the settings that hold back connections and requests.

use super::error::ConfigError;
use super::reader::Reader;

/// The token bucket for new connections (`connection_throttle_*`; Apache: `BlueThrottle`).
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionThrottle {
    /// Tokens in a full bucket; 0: connections are not held back. With weights, the configured number times the weight
    /// of a new session.
    pub tokens: u32,
    /// ms between refills, at least 1.
    pub fill_time_ms: u32,
    /// Tokens per refill; with weights, multiplied as `tokens` is.
    pub fill_count: u32,
    /// ms between changes of the drop probability; `None`: no connection is dropped by chance.
    pub freeze_time_ms: Option<u32>,
    /// Step by which the drop probability grows.
    pub drop_increase: f64,
    /// Step by which the drop probability falls.
    pub drop_decrease: f64,
    /// Share of tokens left, below which the drop probability grows.
    pub decrease_ratio: f64,
    /// What a connection costs; `None`: one token each.
    pub weights: Option<ConnectionWeights>,
}

/// Tokens that a connection costs, by what it asks for. Each is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionWeights {
    /// A new session.
    pub global_session: u32,
    /// A new local session.
    pub local_session: u32,
    /// A session that reconnects.
    pub renew_session: u32,
}

impl ConnectionThrottle {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<ConnectionThrottle, ConfigError> {
        let weights = ConnectionWeights::read(reader);
        let enabled = reader.flag("zookeeper.connection_throttle_weight_enabled", false);
        let factor = if enabled { weights.global_session } else { 1 };
        let freeze_time = reader.integer("zookeeper.connection_throttle_freeze_time", -1);
        Ok(ConnectionThrottle {
            tokens: reader
                .at_least("zookeeper.connection_throttle_tokens", 0, 0)
                .saturating_mul(factor),
            fill_time_ms: reader.at_least("zookeeper.connection_throttle_fill_time", 1, 1),
            fill_count: reader
                .at_least("zookeeper.connection_throttle_fill_count", 0, 1)
                .saturating_mul(factor),
            freeze_time_ms: u32::try_from(freeze_time).ok(),
            drop_increase: reader.double("zookeeper.connection_throttle_drop_increase", 0.02)?,
            drop_decrease: reader.double("zookeeper.connection_throttle_drop_decrease", 0.002)?,
            decrease_ratio: reader.double("zookeeper.connection_throttle_decrease_ratio", 0.0)?,
            weights: enabled.then_some(weights),
        })
    }
}

impl ConnectionWeights {
    /// As `BlueThrottle` corrects them: what is not positive gets its default, and neither of the dearer two is
    /// cheaper than a local session was configured to be.
    fn read(reader: &mut Reader<'_>) -> ConnectionWeights {
        let global = reader.integer("zookeeper.connection_throttle_global_session_weight", 3);
        let local = reader.integer("zookeeper.connection_throttle_local_session_weight", 1);
        let renew = reader.integer("zookeeper.connection_throttle_renew_session_weight", 2);
        let weight = |configured: i32, default: u32, least: i32| match configured {
            ..=0 => default,
            configured => configured.max(least).unsigned_abs(),
        };
        ConnectionWeights {
            global_session: weight(global, 3, local),
            local_session: weight(local, 1, 1),
            renew_session: weight(renew, 2, local),
        }
    }
}

/// The limit on requests in progress (`request_throttle_*`; Apache: `RequestThrottler`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestThrottle {
    /// Requests in progress above which the pipeline stalls; 0: no limit.
    pub max_requests: u32,
    /// Drop stale requests before they are processed.
    pub drop_stale: bool,
    /// A request is stale when its connection is closed.
    pub stale_connection_check: bool,
    /// A request is stale when it is older than its session timeout.
    pub stale_latency_check: bool,
}

impl RequestThrottle {
    pub(super) fn read(reader: &mut Reader<'_>) -> RequestThrottle {
        RequestThrottle {
            max_requests: reader.at_least("zookeeper.request_throttle_max_requests", 0, 0),
            drop_stale: reader.flag("zookeeper.request_throttle_drop_stale", true),
            stale_connection_check: reader.flag("zookeeper.request_stale_connection_check", true),
            stale_latency_check: reader.flag("zookeeper.request_stale_latency_check", false),
        }
    }
}

/// The limit on the bytes of large requests in progress (`largeRequest*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LargeRequests {
    /// Bytes of all large requests in progress; a request beyond them closes its connection.
    pub max_bytes: u32,
    /// Bytes above which a request is large; `None`: no request is.
    pub threshold: Option<u32>,
}

impl LargeRequests {
    const MAX_BYTES: i32 = 100 * 1024 * 1024;

    /// As `ZooKeeperServer.setLargeRequestMaxBytes` and `setLargeRequestThreshold`: what is not positive has its default.
    pub(super) fn read(reader: &mut Reader<'_>) -> LargeRequests {
        let max_bytes = reader.integer("zookeeper.largeRequestMaxBytes", Self::MAX_BYTES);
        let threshold = reader.integer("zookeeper.largeRequestThreshold", -1);
        LargeRequests {
            max_bytes: if max_bytes > 0 {
                max_bytes
            } else {
                Self::MAX_BYTES
            }
            .unsigned_abs(),
            threshold: u32::try_from(threshold)
                .ok()
                .filter(|threshold| *threshold > 0),
        }
    }
}
