//! One election, as the server that looks sees it.

use std::collections::BTreeSet;

use proto::Sid;

use super::NO_VOTE;
use super::notification::Proposal;
use super::vote::{Vote, Votes};
use crate::verifier::Quorums;

/// How long a better vote is waited for when enough agree. Apache: `finalizeWait`.
const FINAL_WAIT_MS: u64 = 200;

/// The waits before votes are sent again, while nothing is heard; each is twice as long as the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resends {
    /// The first. Apache: `zookeeper.fastleader.minNotificationInterval`.
    pub first_ms: u64,
    /// The longest. Apache: `zookeeper.fastleader.maxNotificationInterval`.
    pub longest_ms: u64,
}

impl Default for Resends {
    fn default() -> Self {
        Resends {
            first_ms: 200,
            longest_ms: 60_000,
        }
    }
}

#[derive(Debug)]
pub(super) struct Looking {
    /// What this server brings itself.
    own: Proposal,
    /// The best that it has heard of in this round.
    proposal: Proposal,
    /// Of this round.
    votes: Votes,
    /// Of servers that have a leader, of any round.
    established: Votes,
    /// Servers that do not run.
    refused: BTreeSet<Sid>,
    resend_ms: u64,
    longest_resend_ms: u64,
    resend_at: u64,
    /// Set while enough agree with the proposal.
    over_at: Option<u64>,
    /// Set until votes are sent again, where the leader that there is was left for breaking a rule.
    is_wary: bool,
}

impl Looking {
    pub fn new(now_ms: u64, own: Proposal, resends: Resends) -> Self {
        Looking {
            own,
            proposal: own,
            votes: Votes::default(),
            established: Votes::default(),
            refused: BTreeSet::new(),
            resend_ms: resends.first_ms,
            longest_resend_ms: resends.longest_ms,
            resend_at: now_ms + resends.first_ms,
            over_at: None,
            is_wary: false,
        }
    }

    /// Joins no leader before votes are sent again.
    pub fn be_wary(&mut self) {
        self.is_wary = true;
    }

    pub fn proposal(&self) -> Proposal {
        self.proposal
    }

    /// Whether this server's data may be counted on.
    pub fn may_vote(&self) -> bool {
        self.own.zxid != NO_VOTE
    }

    /// Those whose vote of this round is this one.
    pub fn supporters(&self, vote: &Vote) -> BTreeSet<Sid> {
        self.votes.supporters(vote)
    }

    pub fn deadline(&self) -> u64 {
        self.over_at
            .map_or(self.resend_at, |over| over.min(self.resend_at))
    }

    pub fn refused(&mut self, sid: Sid) {
        self.refused.insert(sid);
    }

    /// A round begins: votes of earlier ones do not count.
    pub fn start_over(&mut self) {
        self.votes.clear();
        self.over_at = None;
        self.proposal = self.own;
    }

    /// Takes the proposal if it is better than the present one; says whether it was.
    pub fn adopt_better(&mut self, heard: Proposal, quorums: &Quorums) -> bool {
        let better = heard > self.proposal && quorums.can_lead(heard.leader);
        if better {
            self.proposal = heard;
            self.over_at = None;
        }
        better
    }

    pub fn count(&mut self, from: Sid, vote: Vote) {
        self.refused.remove(&from);
        self.votes.put(from, vote);
    }

    /// Sets or clears the end of the wait for a better vote.
    pub fn wait_for_better(&mut self, now_ms: u64, round: i64, quorums: &Quorums) {
        let agreed = self
            .votes
            .elect(&Vote::looking(self.proposal, round), quorums);
        self.over_at = match agreed {
            true => self.over_at.or(Some(now_ms + FINAL_WAIT_MS)),
            false => None,
        };
    }

    /// Whether enough agree and the wait is over, or nobody is left whose vote could be better: all look, too. Where one has a
    /// leader, a vote from before that may have come from another one, and its present one is on its way.
    pub fn is_over(&self, now_ms: u64, quorums: &Quorums) -> bool {
        let told = |sid: &Sid| self.votes.looks(*sid) || self.refused.contains(sid);
        let all_told = || quorums.voters().iter().all(told);
        self.over_at
            .is_some_and(|over_at| now_ms >= over_at || all_told())
    }

    /// Takes the vote of a server that has a leader; says whether this server joins it.
    pub fn established(
        &mut self,
        from: Sid,
        vote: Vote,
        round: i64,
        me: Sid,
        quorums: &Quorums,
    ) -> bool {
        self.refused.remove(&from);
        if self.is_wary {
            return false;
        }
        self.votes.remove(from); // of an election that is over for it
        if vote.round == round {
            self.votes.put(from, vote);
            if joins(&self.votes, &vote, round, me, quorums) {
                return true;
            }
        }
        self.established.put(from, vote);
        joins(&self.established, &vote, round, me, quorums)
    }

    /// Whether it is time to send votes again.
    pub fn resend(&mut self, now_ms: u64) -> bool {
        if now_ms < self.resend_at {
            return false;
        }
        self.is_wary = false;
        self.resend_ms = (self.resend_ms * 2).min(self.longest_resend_ms);
        self.resend_at = now_ms + self.resend_ms;
        true
    }
}

/// Enough follow the leader, and it says itself that it leads: else one that has died would be elected over and over.
/// Apache: `FastLeaderElection.checkLeader`.
fn joins(votes: &Votes, vote: &Vote, round: i64, me: Sid, quorums: &Quorums) -> bool {
    let leader = vote.proposal.leader;
    let leads = match leader == me {
        true => vote.round == round,
        false => votes.says_it_leads(leader),
    };
    leads && votes.elect(vote, quorums)
}
