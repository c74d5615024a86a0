//! Rules that the other side of a link can break. Its fault: the link is dropped, and nothing else.

use proto::{Epoch, Sid, Zxid};

/// Which rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The role or the phase does not allow it.
    #[error("{packet} came {when}")]
    OutOfOrder {
        /// What came.
        packet: &'static str,
        /// In which phase.
        when: &'static str,
    },
    /// An epoch below one that was accepted: that leader is deposed.
    #[error("epoch {offered} is offered, {accepted} is accepted here", offered = .offered.0, accepted = .accepted.0)]
    OldEpoch {
        /// By the leader.
        offered: Epoch,
        /// Here.
        accepted: Epoch,
    },
    /// NEWLEADER of another epoch than LEADERINFO.
    #[error("NEWLEADER of epoch {got}, not {expected}", got = .got.0, expected = .expected.0)]
    OtherEpoch {
        /// In NEWLEADER.
        got: Epoch,
        /// In LEADERINFO.
        expected: Epoch,
    },
    /// A learner says that it has accepted an epoch behind which there is none.
    #[error("epoch {} is accepted there, and none can follow it", .0.0)]
    LastEpoch(Epoch),
    /// A learner has a newer history than its leader: the leader must not lead it.
    #[error("learner {sid} has zxid {last_logged} of epoch {epoch}, newer than this leader's", sid = .sid.0, epoch = .epoch.0)]
    AheadOfLeader {
        /// The learner.
        sid: Sid,
        /// Of its history.
        epoch: Epoch,
        /// Of its log.
        last_logged: Zxid,
    },
    /// A learner has a newer configuration than its leader.
    #[error("learner {sid} has configuration {theirs:#x}, this leader {ours:#x}", sid = .sid.0)]
    NewerConfig {
        /// The learner.
        sid: Sid,
        /// Its version.
        theirs: i64,
        /// The leader's.
        ours: i64,
    },
    /// A cut to a txn that this server has never had: the leader goes by another log.
    #[error("TRUNC to {to}, which is not in the log; it ends at {last} now")]
    Cut {
        /// Where the leader would have it end.
        to: Zxid,
        /// Where it ends.
        last: Zxid,
    },
    /// A log that cannot be cut, and a leader that sends no snapshot: keeping the log could bring back what was never committed.
    #[error("{0} came, where the log is of no use and only SNAP helps")]
    NoSnapshot(&'static str),
    /// A proposal that does not follow the one before it (ZOOKEEPER-4925).
    #[error("proposal {got} behind {last}: txns between them are missing")]
    Gap {
        /// The proposal.
        got: Zxid,
        /// The last one before it.
        last: Zxid,
    },
    /// A commit of a txn that is not the next to be committed.
    #[error("commit of {got}, where {expected:?} is next")]
    Commit {
        /// What is committed.
        got: Zxid,
        /// The oldest one that waits.
        expected: Option<Zxid>,
    },
    /// An acknowledgement of what was not sent.
    #[error("an ACK of {got}, behind the last proposal {last}")]
    Ack {
        /// What is acknowledged.
        got: Zxid,
        /// The last that was proposed.
        last: Zxid,
    },
    /// The wrong one where NEWLEADER's is due.
    #[error("an ACK of {0} where NEWLEADER's is due")]
    NewLeaderAck(Zxid),
    /// Nothing was heard for too long.
    #[error("silent for {0} ms")]
    Silent(u64),
    /// A proposal was not acknowledged for too long.
    #[error("did not acknowledge {zxid} for {waited_ms} ms")]
    SlowAck {
        /// The oldest.
        zxid: Zxid,
        /// Since it was proposed.
        waited_ms: u64,
    },
    /// The same server has come on a newer link.
    #[error("learner {} has come on another link", .0.0)]
    Replaced(Sid),
    /// This server leads nobody.
    #[error("a learner came, but this server does not lead")]
    NotLeading,
}
