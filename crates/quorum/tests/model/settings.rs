//! How a member of a test's ensemble is configured.

use bytes::Bytes;
use proto::Sid;
use quorum::packet::LearnerKind;
use quorum::verifier::{QuorumVerifier, Quorums};
use quorum::{CommittedLogLimits, Settings};

/// Server `sid` where the servers 1 to `voters` vote, and others observe.
pub fn settings(sid: i64, voters: i64) -> Settings {
    Settings {
        me: Sid(sid),
        kind: match sid <= voters {
            true => LearnerKind::Follower,
            false => LearnerKind::Observer,
        },
        quorums: Quorums::of(QuorumVerifier::majority((1..=voters).map(Sid))),
        config: Bytes::from_static(b"version=0"),
        config_version: 0,
        tick_time_ms: 2000,
        init_limit: 10,
        sync_limit: 5,
        committed_log: CommittedLogLimits::default(),
        force_snapshot: false,
        resends: Default::default(),
        waits: Default::default(),
    }
}
