//! The leader's role, from its election to the loss of its quorum (`Leader`).
//!
//! [`discovery`] finds an epoch that a quorum accepts, [`synchronisation`] brings each learner to the leader's history,
//! [`broadcast`] orders and commits what is new, [`liveness`] sees who is still there. Owns what is known of each learner.
//! Must not know what a request or a txn says.

mod broadcast;
mod discovery;
mod handler;
mod liveness;
mod synchronisation;

use std::collections::BTreeSet;

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};

use crate::disk::Ticket;
use crate::leave::Leave;
use crate::packet::{ToLeader, ToLearner};
use crate::state::Context;
use crate::verifier::Quorums;
use crate::violation::Violation;
use crate::waits::Waits;
use crate::{LearnerCounts, LinkId, LogOnDisk, Output};
use broadcast::Broadcast;
use handler::{LearnerHandler, Learners, Progress};
use liveness::Liveness;

#[derive(Debug)]
enum Phase {
    /// A quorum has to say hello.
    Discovery,
    /// The new epoch is on its way to the leader's own disk.
    AcceptingEpoch,
    /// These voters have accepted it.
    EpochAcks(BTreeSet<Sid>),
    /// Learners get their history.
    Synchronisation {
        /// Of the leader's own `currentEpoch`.
        entered: Ticket,
        /// Who has acknowledged NEWLEADER.
        acks: BTreeSet<Sid>,
    },
    Broadcast(Broadcast),
}

#[derive(Debug)]
pub(crate) struct Leading {
    phase: Phase,
    /// The epoch that it leads, once that is decided.
    epoch: Epoch,
    /// Of the history that it was elected for: no learner of the first quorum may have a newer one.
    elected_for: (Epoch, Zxid),
    learners: Learners,
    liveness: Liveness,
    elected_ms: u64,
}

impl Leading {
    pub fn new(cx: &mut Context<'_>) -> Self {
        let mut leading = Leading {
            phase: Phase::Discovery,
            epoch: Epoch::default(),
            elected_for: (cx.state.current_epoch, cx.state.history.last_logged()),
            learners: Learners::new(),
            liveness: Liveness::new(cx),
            elected_ms: cx.now_ms,
        };
        leading.choose_epoch(cx);
        leading
    }

    pub fn deadline(&self) -> u64 {
        self.liveness.next_ms()
    }

    /// Whether it is without an epoch for longer than it should be where voters change their minds (`Leader.reportLookingSid`).
    pub fn has_waited_for_epoch(&self, now_ms: u64, waits: Waits) -> bool {
        let is_over = |most_ms| now_ms - self.elected_ms > most_ms;
        matches!(self.phase, Phase::Discovery) && waits.for_epoch_ms.is_some_and(is_over)
    }

    pub fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Broadcast(_))
    }

    pub fn counts(&self, quorums: &Quorums) -> LearnerCounts {
        let synced = |is: &dyn Fn(&LearnerHandler) -> bool| {
            let learners = self.learners.values();
            learners
                .filter(|learner| learner.is_synchronised() && is(learner))
                .count()
        };
        LearnerCounts {
            all: self.learners.len(),
            synced_followers: synced(&LearnerHandler::is_follower),
            synced_non_voting_followers: synced(&|learner| {
                learner.is_follower() && !quorums.is_voter(learner.sid)
            }),
            synced_observers: synced(&|learner| !learner.is_follower()),
            pending_syncs: match &self.phase {
                Phase::Broadcast(broadcast) => broadcast.pending_syncs(),
                _ => 0,
            },
        }
    }

    pub fn synced_observers(&self) -> Vec<(LinkId, Sid)> {
        let learners = self.learners.iter();
        learners
            .filter(|(_, learner)| learner.is_synchronised() && !learner.is_follower())
            .map(|(link, learner)| (*link, learner.sid))
            .collect()
    }

    pub fn links(&self) -> impl Iterator<Item = LinkId> {
        self.learners.keys().copied()
    }

    pub fn link_up(&mut self, cx: &mut Context<'_>, link: LinkId) {
        self.learners.insert(link, LearnerHandler::new(cx.now_ms));
    }

    pub fn link_down(&mut self, link: LinkId) {
        self.learners.remove(&link);
    }

    pub fn packet(&mut self, cx: &mut Context<'_>, link: LinkId, packet: ToLeader) {
        let Some(learner) = self.learners.get_mut(&link) else {
            return; // dropped a moment ago
        };
        learner.heard_ms = cx.now_ms;
        if let Err(violation) = self.take(cx, link, packet) {
            self.drop_learner(cx, link, violation);
        }
    }

    fn take(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        packet: ToLeader,
    ) -> Result<(), Violation> {
        let learner = &self.learners[&link];
        match (&learner.progress, packet) {
            (Progress::Silent, ToLeader::Hello(hello)) => self.hello(cx, link, &hello),
            (
                Progress::Informed,
                ToLeader::AckEpoch {
                    last_logged,
                    current_epoch,
                },
            ) => self.epoch_acked(cx, link, last_logged, current_epoch),
            (Progress::Synchronising, ToLeader::Ack(zxid)) => self.new_leader_acked(cx, link, zxid),
            (Progress::Synchronised | Progress::UpToDate, ToLeader::Ack(zxid)) => {
                self.acked(cx, link, zxid)
            }
            (Progress::UpToDate, packet) => self.serve(cx, link, packet),
            (_, packet) => Err(Violation::OutOfOrder {
                packet: packet.name(),
                when: "before the learner was in sync",
            }),
        }
    }

    /// What a learner in sync may ask.
    fn serve(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        packet: ToLeader,
    ) -> Result<(), Violation> {
        cx.emit(match packet {
            ToLeader::Ping { touched, .. } if touched.is_empty() => return Ok(()),
            ToLeader::Ping { touched, .. } => Output::Touched(touched),
            ToLeader::Request(request) => Output::Request(link, request),
            ToLeader::Revalidate {
                session,
                timeout_ms,
            } => Output::Revalidate {
                link,
                session,
                timeout_ms,
            },
            packet => {
                return Err(Violation::OutOfOrder {
                    packet: packet.name(),
                    when: "after the learner was in sync",
                });
            }
        });
        Ok(())
    }

    pub fn durable(&mut self, cx: &mut Context<'_>) {
        match &mut self.phase {
            Phase::AcceptingEpoch => self.epoch_is_durable(cx),
            Phase::Synchronisation { .. } => self.establish(cx),
            Phase::Broadcast(_) => self.own_log_is_durable(cx),
            Phase::Discovery | Phase::EpochAcks(_) => {}
        }
    }

    pub fn log_read(&mut self, cx: &mut Context<'_>, link: LinkId, log: &LogOnDisk) {
        let progress = self.learners.get(&link).map(|learner| &learner.progress);
        if let Some(&Progress::ReadingLog { last_logged }) = progress {
            self.synchronise(cx, link, last_logged, Some(log));
        }
    }

    /// A learner has taken some more of its snapshot: it is not silent.
    pub fn progressed(&mut self, cx: &Context<'_>, link: LinkId) {
        if let Some(learner) = self.learners.get_mut(&link) {
            learner.heard_ms = cx.now_ms;
        }
    }

    pub fn snapshot_ready(&mut self, cx: &mut Context<'_>, link: LinkId) {
        let progress = self.learners.get(&link).map(|learner| &learner.progress);
        if progress == Some(&Progress::AwaitingSnapshot) {
            self.send_snapshot(cx, link);
        }
    }

    /// # Errors
    ///
    /// [`Leave::RollOver`].
    pub fn propose(
        &mut self,
        cx: &mut Context<'_>,
        zxid: Zxid,
        record: &Bytes,
    ) -> Result<(), Leave> {
        let Phase::Broadcast(broadcast) = &mut self.phase else {
            panic!("{zxid} is proposed before the leader serves");
        };
        broadcast.propose(cx, &self.learners, zxid, record)
    }

    /// A learner's client wants to be in sync; what it asked before is proposed.
    pub fn sync(&mut self, cx: &mut Context<'_>, link: LinkId) {
        if let Phase::Broadcast(broadcast) = &mut self.phase {
            broadcast.sync(cx, link);
        }
    }

    /// The answer to a learner, if it is still there.
    pub fn answer(&self, cx: &mut Context<'_>, link: LinkId, packet: ToLearner) {
        if self.learners.contains_key(&link) {
            cx.tell_learner(link, packet);
        }
    }

    fn drop_learner(&mut self, cx: &mut Context<'_>, link: LinkId, violation: Violation) {
        self.learners.remove(&link);
        cx.emit(Output::Drop(link, violation));
    }
}
