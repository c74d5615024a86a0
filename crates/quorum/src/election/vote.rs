//! Votes, and who supports which.

use std::collections::{BTreeMap, BTreeSet};

use proto::Sid;

use super::notification::{Notification, PeerState, Proposal};
use crate::verifier::Quorums;

/// A vote that was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// For whom.
    pub proposal: Proposal,
    /// The round in which it was given.
    pub round: i64,
    /// What its giver was doing.
    pub state: PeerState,
    /// The form of the message that brought it.
    pub(super) version: i32,
}

impl Vote {
    /// A vote given in an election.
    pub fn looking(proposal: Proposal, round: i64) -> Self {
        Vote {
            proposal,
            round,
            state: PeerState::Looking,
            version: 0,
        }
    }

    /// Whether both elect the same leader.
    ///
    /// In an election all must agree. From servers that have ended theirs, zxid and round may differ, for each tells what
    /// it saw then (ZOOKEEPER-1805); and the epoch between forms of which the older tells another one (ZOOKEEPER-1732).
    /// Apache: `Vote.equals`.
    fn agrees_with(&self, other: &Vote) -> bool {
        let (mine, theirs) = (self.proposal, other.proposal);
        if self.state == PeerState::Looking || other.state == PeerState::Looking {
            return mine == theirs && self.round == other.round;
        }
        let comparable = (self.version > 0) == (other.version > 0);
        mine.leader == theirs.leader && (!comparable || mine.epoch == theirs.epoch)
    }
}

impl From<&Notification> for Vote {
    fn from(notification: &Notification) -> Self {
        Vote {
            proposal: notification.proposal,
            round: notification.round,
            state: notification.state,
            version: notification.version,
        }
    }
}

/// The last vote of each server that was heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Votes(BTreeMap<Sid, Vote>);

impl Votes {
    pub fn put(&mut self, from: Sid, vote: Vote) {
        self.0.insert(from, vote);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn remove(&mut self, sid: Sid) {
        self.0.remove(&sid);
    }

    /// Whether its last vote is one of a server that looks.
    pub fn looks(&self, sid: Sid) -> bool {
        self.state_of(sid) == Some(PeerState::Looking)
    }

    fn state_of(&self, sid: Sid) -> Option<PeerState> {
        self.0.get(&sid).map(|vote| vote.state)
    }

    pub fn says_it_leads(&self, sid: Sid) -> bool {
        self.state_of(sid) == Some(PeerState::Leading)
    }

    /// Those who agree with this vote.
    pub fn supporters(&self, vote: &Vote) -> BTreeSet<Sid> {
        let supporters = self.0.iter().filter(|(_, other)| vote.agrees_with(other));
        supporters.map(|(sid, _)| *sid).collect()
    }

    /// Whether they are enough.
    pub fn elect(&self, vote: &Vote, quorums: &Quorums) -> bool {
        quorums.are_quorums(&self.supporters(vote))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::{Epoch, Zxid};

    fn vote(state: PeerState, version: i32, epoch: i64, zxid: i64, round: i64) -> Vote {
        let proposal = Proposal {
            epoch: Epoch(epoch),
            zxid: Zxid(zxid),
            leader: Sid(1),
        };
        Vote {
            proposal,
            round,
            state,
            version,
        }
    }

    #[test]
    fn votes_in_an_election_agree_on_everything() {
        let base = vote(PeerState::Looking, 2, 1, 7, 3);
        assert!(base.agrees_with(&vote(PeerState::Following, 2, 1, 7, 3)));
        assert!(!base.agrees_with(&vote(PeerState::Looking, 2, 2, 7, 3)));
        assert!(!base.agrees_with(&vote(PeerState::Looking, 2, 1, 8, 3)));
        assert!(!base.agrees_with(&vote(PeerState::Looking, 2, 1, 7, 4)));
    }

    #[test]
    fn votes_after_an_election_agree_on_leader_and_epoch() {
        let base = vote(PeerState::Leading, 2, 1, 7, 3);
        assert!(base.agrees_with(&vote(PeerState::Following, 2, 1, 8, 4)));
        assert!(!base.agrees_with(&vote(PeerState::Following, 2, 2, 7, 3)));
        assert!(
            base.agrees_with(&vote(PeerState::Following, 0, 2, 7, 3)),
            "an old form's epoch"
        );
    }
}
