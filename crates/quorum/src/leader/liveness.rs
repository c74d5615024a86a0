//! Who is still there: pings, silent learners, the leader's own right to lead.
//!
//! Apache: the loop at the end of `Leader.lead`, `LearnerHandler.ping` and `SyncLimitCheck`.

use std::collections::BTreeSet;

use super::handler::LearnerHandler;
use super::{Leading, Phase};
use crate::LinkId;
use crate::leave::Leave;
use crate::packet::ToLearner;
use crate::state::Context;
use crate::violation::Violation;

/// Twice in a tick learners are pinged, once the quorum is counted.
#[derive(Debug)]
pub(super) struct Liveness {
    next_ms: u64,
    is_whole_tick: bool,
    /// The leader has to serve by then.
    established_by_ms: u64,
}

impl Liveness {
    pub fn new(cx: &Context<'_>) -> Self {
        Liveness {
            next_ms: cx.now_ms + cx.settings().tick_time_ms / 2,
            is_whole_tick: false,
            established_by_ms: cx.now_ms + cx.settings().init_limit_ms(),
        }
    }

    pub fn next_ms(&self) -> u64 {
        self.next_ms
    }

    /// Whether it is time, and then whether a whole tick is over. Ticks that were missed are not made up for.
    fn tick(&mut self, cx: &Context<'_>) -> Option<bool> {
        if cx.now_ms < self.next_ms {
            return None;
        }
        self.next_ms = cx.now_ms + cx.settings().tick_time_ms / 2;
        self.is_whole_tick = !self.is_whole_tick;
        Some(!self.is_whole_tick)
    }
}

impl Leading {
    /// # Errors
    ///
    /// When the leader must not go on.
    pub fn timeout(&mut self, cx: &mut Context<'_>) -> Result<(), Leave> {
        let Some(whole_tick) = self.liveness.tick(cx) else {
            return Ok(());
        };
        self.drop_silent(cx);
        self.ping(cx);
        match &self.phase {
            Phase::Broadcast(broadcast) if broadcast.should_hand_over() => Err(Leave::RollOver),
            Phase::Broadcast(_) if whole_tick && !self.has_quorum(cx) => Err(Leave::NoQuorum),
            Phase::Broadcast(_) => Ok(()),
            _ if cx.now_ms >= self.liveness.established_by_ms => Err(Leave::NotEstablished),
            _ => Ok(()),
        }
    }

    fn ping(&self, cx: &mut Context<'_>) {
        let last_proposed = match &self.phase {
            Phase::Broadcast(broadcast) => broadcast.last_proposed(),
            _ => cx.state.history.last_logged(),
        };
        for link in self.links_at(|_| true) {
            if self.learners[&link].is_forwarding() {
                cx.tell_learner(link, ToLearner::Ping(last_proposed));
            }
        }
    }

    fn drop_silent(&mut self, cx: &mut Context<'_>) {
        for link in self.links_at(|_| true) {
            if let Some(violation) = self.judge(cx, link) {
                self.drop_learner(cx, link, violation);
            }
        }
    }

    /// Whether a learner has been silent, or has owed an ACK, for too long.
    fn judge(&self, cx: &Context<'_>, link: LinkId) -> Option<Violation> {
        let learner = &self.learners[&link];
        let limit_ms = match learner.is_synchronised() {
            true => cx.settings().sync_limit_ms(),
            false => cx.settings().init_limit_ms(),
        };
        let silent_ms = cx.now_ms - learner.heard_ms;
        if silent_ms > limit_ms && !learner.waits_for_leader() {
            return Some(Violation::Silent(silent_ms));
        }
        self.slow_ack(cx, learner)
    }

    fn slow_ack(&self, cx: &Context<'_>, learner: &LearnerHandler) -> Option<Violation> {
        let Phase::Broadcast(broadcast) = &self.phase else {
            return None;
        };
        if !learner.is_synchronised() || !learner.is_follower() {
            return None;
        }
        let (zxid, since_ms) = broadcast.waiting_since(learner.acked)?;
        let waited_ms = cx.now_ms - since_ms.max(learner.synchronised_ms);
        let too_long = waited_ms > cx.settings().sync_limit_ms();
        too_long.then_some(Violation::SlowAck { zxid, waited_ms })
    }

    fn has_quorum(&self, cx: &Context<'_>) -> bool {
        let learners = self.learners.values();
        let synchronised = learners.filter(|learner| learner.is_synchronised());
        let mut sids: BTreeSet<_> = synchronised.map(|learner| learner.sid).collect();
        sids.insert(cx.settings().me);
        cx.settings().quorums.are_quorums(&sids)
    }
}
