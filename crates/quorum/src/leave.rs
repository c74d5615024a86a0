//! Why a member leaves its role, and looks for a leader again.

use crate::violation::Violation;

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Leave {
    /// The leader could not be reached.
    #[error("the leader could not be reached")]
    Unreachable,
    /// The link to the leader is gone.
    #[error("the link to the leader is closed")]
    LinkDown,
    /// The leader broke a rule, or was silent.
    #[error("the leader broke a rule: {0}")]
    Leader(Violation),
    /// The log cannot be cut as the leader asked; the next one is asked for a snapshot.
    #[error("the log cannot be cut where the leader asks; a snapshot is needed")]
    CannotTruncate,
    /// A leader found no quorum within initLimit.
    #[error("no quorum of followers in sync within initLimit")]
    NotEstablished,
    /// A voter that elected a leader looks again before there is an epoch.
    #[error("a voter has changed its mind (leader.maxTimeToWaitForEpoch)")]
    VoterLooks,
    /// A leader lost its quorum.
    #[error("no quorum of followers within syncLimit")]
    NoQuorum,
    /// The epoch's zxids are used up.
    #[error("the zxids of the epoch are used up; an election begins the next one")]
    RollOver,
}
