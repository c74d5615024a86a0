//! Owns what a server knows of the ensemble that it is a member of.
//!
//! Must not know how the lines of a file become servers (`members`), nor the connections between them.

use proto::Sid;
use quorum::packet::LearnerKind;
use quorum::verifier::{QuorumVerifier, Quorums};
use quorum::{CommittedLogLimits, Settings};

use super::members::ServerLine;
use super::peers::PeerSettings;

/// A server's place in its ensemble, and how the members deal with each other.
#[derive(Debug, Clone)]
pub struct Ensemble {
    /// The own number, from `dataDir/myid`.
    pub me: Sid,
    /// An observer where the own server line says so.
    pub kind: LearnerKind,
    /// All servers, in the order of their numbers. The own one is among them.
    pub servers: Vec<ServerLine>,
    /// When enough voters agree.
    pub verifier: QuorumVerifier,
    /// The configuration as `/zookeeper/config` holds it, and NEWLEADER and notifications carry it (Apache:
    /// `QuorumMaj.toString`, `QuorumHierarchical.toString`).
    pub text: String,
    /// The configuration's version.
    pub version: i64,
    /// Ticks that a learner has to connect and synchronise; at least 1.
    pub init_limit_ticks: u32,
    /// Ticks that a learner may lag behind; at least 1.
    pub sync_limit_ticks: u32,
    /// The connections.
    pub peers: PeerSettings,
    /// What is kept in memory for learners that lag.
    pub committed_log: CommittedLogLimits,
    /// A learner gets txns of the log on disk where they are smaller than this share of the newest snapshot; negative: never.
    /// Default 0.33.
    pub snapshot_size_factor: f64,
    /// A leader sends a snapshot to each learner; default false.
    pub force_snapshot_sync: bool,
    /// A leader serves clients; default true.
    pub leader_serves: bool,
}

impl Ensemble {
    /// What the quorum's core has to know.
    pub fn settings(&self, tick_time_ms: u32) -> Settings {
        Settings {
            me: self.me,
            kind: self.kind,
            quorums: Quorums::of(self.verifier.clone()),
            config: self.text.clone().into(),
            config_version: self.version,
            tick_time_ms: tick_time_ms.into(),
            init_limit: self.init_limit_ticks.into(),
            sync_limit: self.sync_limit_ticks.into(),
            committed_log: self.committed_log,
            force_snapshot: self.force_snapshot_sync,
        }
    }

    /// The server line of this number.
    pub fn line_of(&self, sid: Sid) -> Option<&ServerLine> {
        self.servers.iter().find(|line| line.sid == sid.0)
    }
}
