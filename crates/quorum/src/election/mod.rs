//! Fast leader election: servers tell each other whom they would have, until enough of them agree.
//!
//! Owns the rounds, the votes and when an election has ended. Must not know connections: a message to a server that is not
//! there is the driver's to keep (the newest only) and to bring when the server comes. Apache: `FastLeaderElection`.

mod looking;
mod notification;
mod vote;

use std::collections::BTreeSet;

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};

use crate::verifier::Quorums;
use looking::Looking;
pub use looking::Resends;

pub use notification::{BadNotification, Notification, PeerState, Proposal};
pub use vote::Vote;

/// The last logged zxid of a server whose data must not be counted on: it hears of no vote and its own is not heard.
pub const NO_VOTE: Zxid = Zxid(-1);
/// What an observer proposes: nobody, with the lowest numbers.
const NOBODY: Proposal = Proposal {
    epoch: Epoch(i64::MIN),
    zxid: Zxid(i64::MIN),
    leader: Sid(i64::MIN),
};

/// What happens to an election. Times are milliseconds of any clock that does not go back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A new election: with the server's last logged txn and its current epoch.
    Look(Zxid, Epoch),
    /// A message came.
    Heard(Sid, Notification),
    /// A server refused the connection: it does not run. Holds until it is heard.
    Refused(Sid),
    /// The deadline is reached.
    Timeout,
}

/// What an election wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send it to this server, in place of what has not left yet.
    Send(Sid, Notification),
    /// The election has ended: this is the leader, and this what the server becomes.
    Elected(Sid, PeerState),
}

/// One server's part in elections, from its start to its end.
#[derive(Debug)]
pub struct Election {
    me: Sid,
    quorums: Quorums,
    /// The text of the configuration, as it is sent.
    config: Bytes,
    resends: Resends,
    /// `logicalclock` in Apache.
    round: i64,
    state: PeerState,
    /// What servers hear that look while this one does not.
    current: Vote,
    looking: Option<Looking>,
    /// Who agreed when the last election ended.
    elected_by: BTreeSet<Sid>,
}

impl Election {
    /// A server that has not looked yet.
    pub fn new(me: Sid, quorums: Quorums, config: Bytes) -> Self {
        Election {
            me,
            quorums,
            config,
            resends: Resends::default(),
            round: 0,
            state: PeerState::Looking,
            current: Vote::looking(NOBODY, 0),
            looking: None,
            elected_by: BTreeSet::new(),
        }
    }

    /// The same with other waits.
    pub fn with_resends(self, resends: Resends) -> Self {
        Election { resends, ..self }
    }

    /// Whether this server agreed when the last election ended.
    pub fn is_elected_by(&self, sid: Sid) -> bool {
        self.elected_by.contains(&sid)
    }

    /// What the server is doing.
    pub fn state(&self) -> PeerState {
        self.state
    }

    /// The leader's new epoch is known: servers that look hear of it. Apache: `QuorumPeer.updateElectionVote`.
    pub fn set_epoch(&mut self, epoch: Epoch) {
        self.current.proposal.epoch = epoch;
    }

    /// The leader that was left broke a rule: where it still leads, it is not joined before votes are sent again, the first wait after
    /// the look began. It would break the rule again, and each time at once.
    pub fn be_wary(&mut self) {
        if let Some(looking) = &mut self.looking {
            looking.be_wary();
        }
    }

    /// When [`Input::Timeout`] is due.
    pub fn deadline(&self) -> Option<u64> {
        self.looking.as_ref().map(Looking::deadline)
    }

    /// Takes one input; what is to be done goes to `outputs`.
    pub fn handle(&mut self, now_ms: u64, input: Input, outputs: &mut Vec<Output>) {
        match input {
            Input::Look(last_logged, epoch) => self.look(now_ms, last_logged, epoch, outputs),
            Input::Heard(from, notification) => self.heard(now_ms, from, &notification, outputs),
            Input::Refused(sid) => {
                if let Some(looking) = &mut self.looking {
                    looking.refused(sid);
                }
            }
            Input::Timeout => self.timeout(now_ms, outputs),
        }
        self.finish(now_ms, outputs);
    }

    fn look(&mut self, now_ms: u64, zxid: Zxid, epoch: Epoch, outputs: &mut Vec<Output>) {
        let own = match self.quorums.is_voter(self.me) {
            true => Proposal {
                epoch,
                zxid,
                leader: self.me,
            },
            false => NOBODY,
        };
        self.round += 1;
        if self.looking.is_none() && self.state == PeerState::Looking {
            self.current = Vote::looking(own, self.round); // the first election: there was no other vote
        }
        self.state = PeerState::Looking;
        self.looking = Some(Looking::new(now_ms, own, self.resends));
        self.advertise(outputs);
    }

    /// Tells all voters what this server proposes, and counts its own vote.
    fn advertise(&mut self, outputs: &mut Vec<Output>) {
        let Some(looking) = &mut self.looking else {
            return;
        };
        let vote = Vote::looking(looking.proposal(), self.round);
        if looking.may_vote() && self.quorums.is_voter(self.me) {
            looking.count(self.me, vote);
        }
        for to in self
            .quorums
            .voters()
            .into_iter()
            .filter(|to| *to != self.me)
        {
            outputs.push(Output::Send(to, self.notification(&vote)));
        }
    }

    fn heard(&mut self, now_ms: u64, from: Sid, heard: &Notification, outputs: &mut Vec<Output>) {
        if !self.quorums.is_voter(from) {
            let vote = Vote {
                round: self.round,
                state: self.state,
                ..self.current
            };
            outputs.push(Output::Send(from, self.notification(&vote)));
            return;
        }
        match (&self.looking, heard.state) {
            (Some(_), _) if !self.quorums.is_voter(heard.proposal.leader) => {}
            (Some(_), PeerState::Looking) => self.heard_looking(now_ms, from, heard, outputs),
            (Some(_), PeerState::Following | PeerState::Leading) => {
                self.heard_established(from, heard, outputs);
            }
            (None, PeerState::Looking) => {
                let vote = Vote {
                    state: self.state,
                    ..self.current
                };
                outputs.push(Output::Send(from, self.notification(&vote)));
            }
            (Some(_), PeerState::Observing) | (None, _) => {}
        }
    }

    fn heard_looking(
        &mut self,
        now_ms: u64,
        from: Sid,
        heard: &Notification,
        outputs: &mut Vec<Output>,
    ) {
        let Some(looking) = &mut self.looking else {
            return;
        };
        if heard.round < self.round {
            let vote = Vote::looking(looking.proposal(), self.round);
            outputs.push(Output::Send(from, self.notification(&vote)));
            return;
        }
        if !looking.may_vote() || heard.proposal.zxid == NO_VOTE {
            return;
        }
        if heard.round > self.round {
            self.round = heard.round;
            looking.start_over();
            looking.adopt_better(heard.proposal, &self.quorums);
            self.advertise(outputs);
        } else if looking.adopt_better(heard.proposal, &self.quorums) {
            self.advertise(outputs);
        }
        self.count(
            now_ms,
            from,
            Vote {
                state: PeerState::Looking,
                ..Vote::from(heard)
            },
        );
    }

    fn count(&mut self, now_ms: u64, from: Sid, vote: Vote) {
        if let Some(looking) = &mut self.looking {
            looking.count(from, vote);
            looking.wait_for_better(now_ms, self.round, &self.quorums);
        }
    }

    /// A server that has a leader: is it led by one that leads, with enough followers?
    fn heard_established(&mut self, from: Sid, heard: &Notification, outputs: &mut Vec<Output>) {
        let Some(looking) = &mut self.looking else {
            return;
        };
        let vote = Vote::from(heard);
        if looking.established(from, vote, self.round, self.me, &self.quorums) {
            self.round = heard.round;
            self.elect(
                Vote {
                    state: PeerState::Looking,
                    ..vote
                },
                outputs,
            );
        }
    }

    fn timeout(&mut self, now_ms: u64, outputs: &mut Vec<Output>) {
        let resend = self
            .looking
            .as_mut()
            .is_some_and(|looking| looking.resend(now_ms));
        if resend {
            self.advertise(outputs);
        }
    }

    /// Ends the election when enough agree and a better vote is not to be expected.
    fn finish(&mut self, now_ms: u64, outputs: &mut Vec<Output>) {
        let Some(looking) = &mut self.looking else {
            return;
        };
        looking.wait_for_better(now_ms, self.round, &self.quorums);
        if looking.is_over(now_ms, &self.quorums) {
            let vote = Vote::looking(looking.proposal(), self.round);
            self.elect(vote, outputs);
        }
    }

    fn elect(&mut self, vote: Vote, outputs: &mut Vec<Output>) {
        let leader = vote.proposal.leader;
        self.state = match (leader == self.me, self.quorums.is_voter(self.me)) {
            (true, _) => PeerState::Leading,
            (false, true) => PeerState::Following,
            (false, false) => PeerState::Observing,
        };
        self.current = vote;
        let looking = self.looking.take();
        self.elected_by = looking.map_or_else(BTreeSet::new, |looking| looking.supporters(&vote));
        outputs.push(Output::Elected(leader, self.state));
    }

    fn notification(&self, vote: &Vote) -> Notification {
        Notification {
            state: vote.state,
            proposal: vote.proposal,
            round: vote.round,
            version: notification::VERSION,
            config: Some(self.config.clone()),
        }
    }
}
