//! What is new: proposed, acknowledged by a quorum, committed in order.
//!
//! Apache: `Leader.propose`, `processAck`, `tryToCommit`, `processSync`.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;
use proto::{Sid, Zxid};

use super::{Leading, Learners, Phase};
use crate::disk::Ticket;
use crate::leave::Leave;
use crate::packet::ToLearner;
use crate::queue::pop_front_if;
use crate::state::Context;
use crate::violation::Violation;
use crate::{LinkId, Output};

/// The counter that is never proposed.
const LAST_COUNTER: u32 = u32::MAX;
/// From here on a leader hands over as soon as nothing is outstanding, so that no proposal ends in the roll-over.
const HAND_OVER_COUNTER: u32 = u32::MAX - 0xff_ffff;

/// A txn that waits for its quorum.
#[derive(Clone, Copy, Debug)]
struct Outstanding {
    zxid: Zxid,
    ticket: Ticket,
    since_ms: u64,
}

#[derive(Debug)]
pub(super) struct Broadcast {
    outstanding: VecDeque<Outstanding>,
    last_proposed: Zxid,
    /// The end of the leader's own durable log.
    own_acked: Zxid,
    /// Syncs, and the txn whose commit answers them.
    syncs: VecDeque<(Zxid, LinkId)>,
}

impl Broadcast {
    pub fn new(beginning: Zxid) -> Self {
        Broadcast {
            outstanding: VecDeque::new(),
            last_proposed: beginning,
            own_acked: beginning,
            syncs: VecDeque::new(),
        }
    }

    pub fn last_proposed(&self) -> Zxid {
        self.last_proposed
    }

    pub fn propose(
        &mut self,
        cx: &mut Context<'_>,
        learners: &Learners,
        zxid: Zxid,
        record: &Bytes,
    ) -> Result<(), Leave> {
        if zxid.counter() == LAST_COUNTER {
            return Err(Leave::RollOver);
        }
        let expected = self.last_proposed.next();
        assert!(zxid == expected, "{zxid} is proposed, not {expected}");
        self.last_proposed = zxid;
        self.outstanding.push_back(Outstanding {
            zxid,
            ticket: cx.log(zxid, record.clone()),
            since_ms: cx.now_ms,
        });
        let followers = learners
            .iter()
            .filter(|(_, learner)| learner.is_follower() && learner.is_forwarding());
        for (link, _) in followers {
            let record = record.clone();
            cx.tell_learner(*link, ToLearner::Proposal { zxid, record });
        }
        Ok(())
    }

    pub fn sync(&mut self, cx: &mut Context<'_>, link: LinkId) {
        match self.outstanding.is_empty() {
            true => cx.tell_learner(link, ToLearner::Sync),
            false => self.syncs.push_back((self.last_proposed, link)),
        }
    }

    pub fn pending_syncs(&self) -> usize {
        self.syncs.len()
    }

    /// How long the oldest proposal behind `acked` has waited.
    pub fn waiting_since(&self, acked: Zxid) -> Option<(Zxid, u64)> {
        let next = self.outstanding.partition_point(|txn| txn.zxid <= acked);
        let oldest = self.outstanding.get(next)?;
        Some((oldest.zxid, oldest.since_ms))
    }

    /// Whether the epoch's zxids come to their end and this is a good moment for the next one.
    pub fn should_hand_over(&self) -> bool {
        self.last_proposed.counter() >= HAND_OVER_COUNTER && self.outstanding.is_empty()
    }

    fn own_log_is_durable(&mut self, cx: &Context<'_>) {
        let durable = |txn: &Outstanding| cx.state.tickets.is_durable(txn.ticket);
        let next = self.outstanding.partition_point(durable);
        if let Some(last) = next.checked_sub(1) {
            self.own_acked = self.outstanding[last].zxid;
        }
    }

    /// The newest txn that is on the disks of a quorum.
    fn acked_by_quorum(&self, cx: &Context<'_>, learners: &Learners) -> Option<Zxid> {
        let oldest = self.outstanding.front()?.zxid;
        let own = (cx.settings().me, self.own_acked);
        let learners = learners
            .values()
            .map(|learner| (learner.sid, learner.acked));
        let mut acks: Vec<(Sid, Zxid)> = learners.chain([own]).collect();
        acks.retain(|(_, acked)| *acked >= oldest);
        acks.sort_by_key(|(_, acked)| std::cmp::Reverse(*acked));
        let mut sids = BTreeSet::new();
        let mut quorum = |(sid, _): &&(Sid, Zxid)| {
            sids.insert(*sid);
            cx.settings().quorums.are_quorums(&sids)
        };
        acks.iter().find(&mut quorum).map(|(_, acked)| *acked)
    }

    /// Commits in order what a quorum has.
    fn commit(&mut self, cx: &mut Context<'_>, learners: &mut Learners) {
        let Some(up_to) = self.acked_by_quorum(cx, learners) else {
            return;
        };
        let mut committed = Vec::new();
        while let Some(txn) = pop_front_if(&mut self.outstanding, |txn| txn.zxid <= up_to) {
            committed.push(txn.zxid);
        }
        for zxid in committed {
            announce(cx, learners, zxid);
            while let Some((_, link)) = pop_front_if(&mut self.syncs, |(last, _)| *last <= zxid) {
                if learners.contains_key(&link) {
                    cx.tell_learner(link, ToLearner::Sync);
                }
            }
        }
        cx.apply(up_to);
    }
}

/// COMMIT to followers, INFORM with the txn to observers.
fn announce(cx: &mut Context<'_>, learners: &mut Learners, zxid: Zxid) {
    let history = &cx.state.history;
    let outputs = &mut *cx.outputs;
    for (link, learner) in learners
        .iter_mut()
        .filter(|(_, learner)| learner.is_forwarding())
    {
        let packet = match learner.is_follower() {
            true if !learner.takes_commit(zxid) => continue,
            true => ToLearner::Commit(zxid),
            false => ToLearner::Inform {
                zxid,
                record: history.pending_record(zxid),
            },
        };
        outputs.push(Output::ToLearner(*link, packet));
    }
}

impl Leading {
    pub(super) fn own_log_is_durable(&mut self, cx: &mut Context<'_>) {
        if let Phase::Broadcast(broadcast) = &mut self.phase {
            broadcast.own_log_is_durable(cx);
            broadcast.commit(cx, &mut self.learners);
        }
    }

    /// A learner has logged a txn, and all before it. The second ACK of NEWLEADER, which comes behind UPTODATE, says nothing.
    pub(super) fn acked(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        zxid: Zxid,
    ) -> Result<(), Violation> {
        let Phase::Broadcast(broadcast) = &mut self.phase else {
            return Ok(());
        };
        if zxid.is_beginning() {
            return Ok(());
        }
        let last = broadcast.last_proposed;
        if zxid > last {
            return Err(Violation::Ack { got: zxid, last });
        }
        if let Some(learner) = self.learners.get_mut(&link) {
            learner.acked = learner.acked.max(zxid);
        }
        broadcast.commit(cx, &mut self.learners);
        Ok(())
    }
}
