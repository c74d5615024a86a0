//! How the servers of a seed are configured.

use bytes::Bytes;
use persistence::TxnLogOptions;
use proto::Sid;
use quorum::packet::LearnerKind;
use quorum::verifier::{QuorumVerifier, Quorums};
use quorum::{CommittedLogLimits, Settings};
use rand::Rng;
use rand::rngs::SmallRng;

use crate::server::Layout;

/// `tickTime`.
pub const TICK_MS: u64 = 100;

const LAYOUTS: [Layout; 2] = [
    Layout {
        snapshots: "data",
        logs: "data",
    },
    Layout {
        snapshots: "data",
        logs: "log",
    },
];

/// What is the same for every process of a server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The peer's.
    pub peer: Settings,
    /// Where its files are.
    pub layout: Layout,
    /// How its log is written.
    pub log: TxnLogOptions,
    /// Most bytes of the log on disk that it sends rather than a snapshot.
    pub log_range_bytes: u64,
}

/// Of a server where the servers 1 to `voters` vote, and others observe.
pub fn settings(sid: Sid, voters: i64, random: &mut SmallRng) -> ServerSettings {
    let log_range_bytes = match random.random_range(0..3) {
        0 => 2_000,
        _ => u64::MAX,
    };
    ServerSettings {
        peer: peer_settings(sid, voters, random),
        layout: LAYOUTS[random.random_range(0..LAYOUTS.len())],
        log: TxnLogOptions {
            pre_alloc_bytes: 4096,
            size_limit_bytes: Some(6_000),
            force_sync: true,
        },
        log_range_bytes,
    }
}

fn peer_settings(sid: Sid, voters: i64, random: &mut SmallRng) -> Settings {
    Settings {
        me: sid,
        kind: match sid.0 <= voters {
            true => LearnerKind::Follower,
            false => LearnerKind::Observer,
        },
        quorums: Quorums::of(QuorumVerifier::majority((1..=voters).map(Sid))),
        config: Bytes::from_static(b"version=0"),
        config_version: 0,
        tick_time_ms: TICK_MS,
        init_limit: 10,
        sync_limit: 5,
        committed_log: CommittedLogLimits {
            txns: random.random_range(1..30),
            bytes: 1 << 20,
        },
        force_snapshot: random.random_range(0..12) == 0,
        resends: Default::default(),
        waits: Default::default(),
    }
}
