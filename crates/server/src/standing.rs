//! What the server is in its ensemble at the moment, for those who ask: four-letter words, and later the admin server.
//!
//! Owns no decision: the replica says what changes. Must not know the quorum's core beyond its names.

use proto::{Epoch, Sid};
use quorum::LearnerCounts;
use quorum::election::PeerState;

/// Whether clients are served, and as what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// On its own, it always serves.
    Standalone,
    /// It looks for a leader, or is not in sync yet.
    NotServing {
        /// What it is doing.
        state: PeerState,
    },
    /// It serves, in an ensemble.
    Serving {
        /// What it is.
        state: PeerState,
        /// The leader's epoch.
        epoch: Epoch,
    },
}

/// Bytes of proposals; −1 before the first (Apache: `BufferStats`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProposalSizes {
    /// Of the newest.
    pub last: i64,
    /// The least.
    pub least: i64,
    /// The greatest.
    pub most: i64,
}

const NO_PROPOSAL: ProposalSizes = ProposalSizes {
    last: -1,
    least: -1,
    most: -1,
};

/// What the server is at the moment.
#[derive(Clone, Debug)]
pub struct Standing {
    state: State,
    leader: Option<Sid>,
    role_since_ms: i64,
    serving_since_ms: i64,
    learners: LearnerCounts,
    proposals: ProposalSizes,
}

impl Standing {
    /// A server that has begun at `now_ms`: on its own, or a member that looks for a leader.
    pub fn new(is_member: bool, now_ms: i64) -> Self {
        let looking = PeerState::Looking;
        Standing {
            state: match is_member {
                true => State::NotServing { state: looking },
                false => State::Standalone,
            },
            leader: None,
            role_since_ms: now_ms,
            serving_since_ms: now_ms,
            learners: LearnerCounts::default(),
            proposals: NO_PROPOSAL,
        }
    }

    /// A new role begins, which does not serve yet. Times are monotonic ms.
    pub fn becomes(&mut self, state: PeerState, now_ms: i64) {
        *self = Standing {
            state: State::NotServing { state },
            leader: None,
            role_since_ms: now_ms,
            serving_since_ms: now_ms,
            learners: LearnerCounts::default(),
            proposals: NO_PROPOSAL,
        };
    }

    /// Who was elected.
    pub fn follows(&mut self, leader: Sid) {
        self.leader = Some(leader);
    }

    /// Clients are served from now on.
    pub fn serves(&mut self, state: PeerState, epoch: Epoch, now_ms: i64) {
        self.state = State::Serving { state, epoch };
        self.serving_since_ms = now_ms;
    }

    /// Clients are served no more; the role goes on, or ends a little later.
    pub fn stops_serving(&mut self) {
        if let State::Serving { state, .. } = self.state {
            self.state = State::NotServing { state };
        }
    }

    /// What the leader counts now.
    pub fn count(&mut self, learners: LearnerCounts) {
        self.learners = learners;
    }

    /// The leader has proposed a record of so many bytes.
    pub fn proposed(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let sizes = &mut self.proposals;
        sizes.last = bytes;
        sizes.most = sizes.most.max(bytes);
        if sizes.least < 0 || bytes < sizes.least {
            sizes.least = bytes;
        }
    }

    /// srst: the sizes begin anew.
    pub fn forget_proposals(&mut self) {
        self.proposals = NO_PROPOSAL;
    }

    /// Whether clients are served, and as what.
    pub fn state(&self) -> State {
        self.state
    }

    /// Who leads, where one was elected.
    pub fn leader(&self) -> Option<Sid> {
        self.leader
    }

    /// When the present role began; monotonic ms.
    pub fn role_since_ms(&self) -> i64 {
        self.role_since_ms
    }

    /// When it began to serve, or else its role did; monotonic ms.
    pub fn serving_since_ms(&self) -> i64 {
        self.serving_since_ms
    }

    /// What a leader counted last; all 0 elsewhere.
    pub fn learners(&self) -> LearnerCounts {
        self.learners
    }

    /// The sizes of this leader's proposals.
    pub fn proposals(&self) -> ProposalSizes {
        self.proposals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_begins_without_serving_and_without_the_counts_of_the_last() {
        let mut standing = Standing::new(true, 1);
        let state = PeerState::Looking;
        assert_eq!(standing.state(), State::NotServing { state });
        standing.becomes(PeerState::Leading, 5);
        standing.follows(Sid(2));
        standing.serves(PeerState::Leading, Epoch(1), 7);
        standing.count(LearnerCounts {
            all: 3,
            ..LearnerCounts::default()
        });
        standing.proposed(9);
        let times = (standing.role_since_ms(), standing.serving_since_ms());
        assert_eq!((times, standing.leader()), ((5, 7), Some(Sid(2))));
        standing.becomes(PeerState::Looking, 11);
        assert_eq!(standing.state(), State::NotServing { state });
        assert_eq!(standing.learners(), LearnerCounts::default());
        assert_eq!(standing.proposals(), NO_PROPOSAL);
        assert_eq!((standing.leader(), standing.role_since_ms()), (None, 11));
    }

    #[test]
    fn who_stops_serving_is_still_what_it_was() {
        let mut standing = Standing::new(true, 0);
        standing.serves(PeerState::Observing, Epoch(4), 1);
        standing.stops_serving();
        let state = PeerState::Observing;
        assert_eq!(standing.state(), State::NotServing { state });
        let mut alone = Standing::new(false, 0);
        alone.stops_serving();
        assert_eq!(alone.state(), State::Standalone);
    }

    #[test]
    fn sizes_of_proposals_begin_unset() {
        let mut standing = Standing::new(true, 0);
        for bytes in [106, 48, 86] {
            standing.proposed(bytes);
        }
        let (last, least, most) = (86, 48, 106);
        assert_eq!(standing.proposals(), ProposalSizes { last, least, most });
        standing.forget_proposals();
        assert_eq!(standing.proposals(), NO_PROPOSAL);
    }
}
