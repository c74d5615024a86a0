//! Which epoch: one above every epoch that a quorum has ever accepted, and accepted by a quorum.
//!
//! Apache: `Leader.getEpochToPropose`, `Leader.waitForEpochAck`.

use std::collections::BTreeSet;

use proto::{Epoch, Sid, Zxid};

use super::{Leading, Phase, Progress};
use crate::LinkId;
use crate::packet::{Hello, ToLearner};
use crate::state::Context;
use crate::violation::Violation;

impl Leading {
    pub(super) fn hello(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        hello: &Hello,
    ) -> Result<(), Violation> {
        let (theirs, ours) = (hello.config_version, cx.settings().config_version);
        if theirs > ours {
            let sid = hello.sid;
            return Err(Violation::NewerConfig { sid, theirs, ours });
        }
        if hello.accepted_epoch >= Epoch::LAST {
            return Err(Violation::LastEpoch(hello.accepted_epoch));
        }
        self.drop_older(cx, link, hello.sid);
        if let Some(learner) = self.learners.get_mut(&link) {
            learner.sid = hello.sid;
            learner.kind = hello.kind;
            learner.accepted_epoch = hello.accepted_epoch;
            learner.progress = Progress::Waiting;
        }
        match self.phase {
            Phase::Discovery => self.choose_epoch(cx),
            Phase::AcceptingEpoch => {}
            _ => self.inform(cx, link),
        }
        Ok(())
    }

    /// A server that comes again has left its older links, though that may not show yet. What it acknowledged there must not
    /// count any more: on the new link it may be told to cut its log, and send the acknowledgement again.
    fn drop_older(&mut self, cx: &mut Context<'_>, link: LinkId, sid: Sid) {
        for older in self.links_at(|progress| *progress != Progress::Silent) {
            if older != link && self.learners[&older].sid == sid {
                self.drop_learner(cx, older, Violation::Replaced(sid));
            }
        }
    }

    /// The epoch is decided when a quorum has said what it accepted before. Learners without a vote are listened to as well.
    pub(super) fn choose_epoch(&mut self, cx: &mut Context<'_>) {
        let waiting = || {
            let learners = self.learners.values();
            learners.filter(|learner| learner.progress == Progress::Waiting)
        };
        let mut sids: BTreeSet<Sid> = waiting().map(|learner| learner.sid).collect();
        sids.insert(cx.settings().me);
        if !cx.settings().quorums.are_quorums(&sids) {
            return;
        }
        let accepted = waiting().map(|learner| learner.accepted_epoch);
        let highest = accepted.fold(cx.state.accepted_epoch, Epoch::max);
        self.epoch = Epoch(highest.0 + 1);
        cx.accept_epoch(self.epoch);
        self.phase = Phase::AcceptingEpoch;
    }

    /// The leader's own promise is on disk: others may be asked for theirs.
    pub(super) fn epoch_is_durable(&mut self, cx: &mut Context<'_>) {
        if !cx.state.has_promised() {
            return;
        }
        self.phase = Phase::EpochAcks([cx.settings().me].into());
        for link in self.links_at(|progress| *progress == Progress::Waiting) {
            self.inform(cx, link);
        }
        self.check_epoch_acks(cx);
    }

    fn inform(&mut self, cx: &mut Context<'_>, link: LinkId) {
        self.advance(link, Progress::Informed);
        cx.tell_learner(link, ToLearner::LeaderInfo(self.epoch));
    }

    pub(super) fn epoch_acked(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        last_logged: Zxid,
        current_epoch: Option<Epoch>,
    ) -> Result<(), Violation> {
        let sid = self.learners[&link].sid;
        self.advance(link, Progress::Accepted { last_logged });
        match (&mut self.phase, current_epoch) {
            (Phase::EpochAcks(_), Some(epoch)) if (epoch, last_logged) > self.elected_for => {
                return Err(Violation::AheadOfLeader {
                    sid,
                    epoch,
                    last_logged,
                });
            }
            (Phase::EpochAcks(acks), Some(_)) => {
                acks.insert(sid);
                self.check_epoch_acks(cx);
            }
            // It had accepted the epoch before: perhaps from another leader, so it does not count.
            (Phase::EpochAcks(_), None) => {}
            _ => self.synchronise(cx, link, last_logged, None),
        }
        Ok(())
    }

    /// A quorum has promised to follow no older leader: the history is this epoch's from now on.
    fn check_epoch_acks(&mut self, cx: &mut Context<'_>) {
        let Phase::EpochAcks(acks) = &self.phase else {
            return;
        };
        if !cx.settings().quorums.are_quorums(acks) {
            return;
        }
        self.phase = Phase::Synchronisation {
            entered: cx.enter_epoch(self.epoch),
            acks: BTreeSet::new(),
        };
        for link in self.links_at(|progress| matches!(progress, Progress::Accepted { .. })) {
            if let Progress::Accepted { last_logged } = self.learners[&link].progress {
                self.synchronise(cx, link, last_logged, None);
            }
        }
    }

    pub(super) fn links_at(&self, at: impl Fn(&Progress) -> bool) -> Vec<LinkId> {
        let learners = self.learners.iter();
        let links = learners.filter(|(_, learner)| at(&learner.progress));
        links.map(|(link, _)| *link).collect()
    }

    pub(super) fn advance(&mut self, link: LinkId, progress: Progress) {
        if let Some(learner) = self.learners.get_mut(&link) {
            learner.progress = progress;
        }
    }
}
