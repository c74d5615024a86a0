//! Each learner gets the leader's history, and the leader serves when a quorum has it.
//!
//! Apache: `LearnerHandler.syncFollower`, `Leader.startForwarding`, `Leader.waitForNewLeaderAck`.

use proto::Zxid;

use super::broadcast::Broadcast;
use super::{Leading, Phase, Progress};
use crate::election::PeerState;
use crate::history::Txn;
use crate::packet::ToLearner;
use crate::state::Context;
use crate::sync::{self, Disk, Known, Plan};
use crate::violation::Violation;
use crate::{LinkId, LogOnDisk, Output};

impl Leading {
    /// Sends what the learner lacks, what is outstanding, and NEWLEADER. `log` is what was read from disk for it.
    pub(super) fn synchronise(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        peer: Zxid,
        log: Option<&LogOnDisk>,
    ) {
        match self.plan(cx, peer, log) {
            Plan::ReadLog => {
                self.advance(link, Progress::ReadingLog { last_logged: peer });
                cx.emit(Output::ReadLog {
                    link,
                    after: peer,
                    up_to: cx.state.history.oldest_kept(),
                });
            }
            Plan::Diff { after } => {
                let last = self.last_committed(cx).max(after);
                cx.tell_learner(link, ToLearner::Diff(last));
                self.send_history(cx, link, after, log);
            }
            Plan::Trunc { to } => {
                cx.tell_learner(link, ToLearner::Trunc(to));
                self.send_history(cx, link, to, log);
            }
            Plan::Snap => self.take_snapshot(cx, link, peer),
        }
    }

    fn plan(&self, cx: &Context<'_>, peer: Zxid, log: Option<&LogOnDisk>) -> Plan {
        let history = &cx.state.history;
        let committed = self.last_committed(cx);
        let memory: Vec<Zxid> = history.txns().map(|txn| txn.zxid).collect();
        let known = memory.partition_point(|zxid| *zxid <= committed);
        let on_disk = log.map(LogOnDisk::zxids).unwrap_or_default();
        let known = Known {
            force_snapshot: cx.settings().force_snapshot,
            last: committed,
            memory: &memory[..known],
            disk: match log {
                None => Disk::Unread,
                Some(LogOnDisk::Useless) => Disk::Useless,
                Some(LogOnDisk::Txns { .. }) => Disk::Txns(&on_disk),
            },
        };
        sync::plan(peer, &known)
    }

    /// Until it serves, a leader's whole history counts as committed: NEWLEADER's quorum will make it so.
    fn last_committed(&self, cx: &Context<'_>) -> Zxid {
        match self.phase {
            Phase::Broadcast(_) => cx.state.history.applied(),
            _ => cx.state.history.last_logged(),
        }
    }

    /// Has the tree made ready to be sent.
    ///
    /// A learner of Apache's does not cut its log when it gets a snapshot. So the snapshot must not be older than the log,
    /// which it could be only while the leader's tail is not in its tree: then the tail goes there early, as after a start.
    fn take_snapshot(&mut self, cx: &mut Context<'_>, link: LinkId, peer: Zxid) {
        if peer > cx.state.history.applied() && !matches!(self.phase, Phase::Broadcast(_)) {
            cx.apply(cx.state.history.last_logged());
        }
        self.advance(link, Progress::AwaitingSnapshot);
        cx.emit(Output::TakeSnapshot(link));
    }

    /// Sends the tree, and says which zxid it has.
    pub(super) fn send_snapshot(&mut self, cx: &mut Context<'_>, link: LinkId) {
        let zxid = cx.state.history.applied();
        cx.tell_learner(link, ToLearner::Snap(zxid));
        cx.emit(Output::StreamSnapshot { link, zxid });
        self.send_history(cx, link, zxid, None);
    }

    /// Committed txns behind `after`, each with its COMMIT, to followers what is outstanding, and NEWLEADER.
    fn send_history(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        after: Zxid,
        log: Option<&LogOnDisk>,
    ) {
        let committed = self.last_committed(cx);
        let is_follower = self.learners[&link].is_follower();
        for Txn { zxid, record } in txns_behind(after, cx, log) {
            let is_committed = zxid <= committed;
            if is_committed || is_follower {
                cx.tell_learner(link, ToLearner::Proposal { zxid, record });
            }
            if is_committed {
                cx.tell_learner(link, ToLearner::Commit(zxid));
            }
        }
        let config = cx.settings().config.clone();
        let epoch = self.epoch;
        cx.tell_learner(link, ToLearner::NewLeader { epoch, config });
        self.advance(link, Progress::Synchronising);
        self.progressed(cx, link); // from now on it is the learner's turn
    }

    pub(super) fn new_leader_acked(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        zxid: Zxid,
    ) -> Result<(), Violation> {
        if !zxid.is_beginning() {
            return self.acked_early(cx, link, zxid);
        }
        if zxid != Zxid::beginning_of(self.epoch) {
            return Err(Violation::NewLeaderAck(zxid));
        }
        let Some(learner) = self.learners.get_mut(&link) else {
            return Ok(());
        };
        learner.progress = Progress::Synchronised;
        learner.synchronised_ms = cx.now_ms;
        let early = learner.acked_early;
        match &mut self.phase {
            Phase::Synchronisation { acks, .. } => {
                acks.insert(learner.sid);
                self.establish(cx);
            }
            _ => self.up_to_date(cx, link),
        }
        self.acked(cx, link, early)
    }

    /// A learner of Apache's, up to 3.7, may have a txn on its disk, and say so, before it has acknowledged NEWLEADER
    /// (ZOOKEEPER-4685). That counts behind NEWLEADER's ACK, not before: its currentEpoch may not be written.
    fn acked_early(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        zxid: Zxid,
    ) -> Result<(), Violation> {
        let last = cx.state.history.last_logged();
        if zxid > last {
            return Err(Violation::Ack { got: zxid, last });
        }
        if let Some(learner) = self.learners.get_mut(&link) {
            learner.acked_early = learner.acked_early.max(zxid);
        }
        Ok(())
    }

    /// Serves when the history is on the disks of a quorum, the leader's own among them.
    pub(super) fn establish(&mut self, cx: &mut Context<'_>) {
        let Phase::Synchronisation { entered, acks } = &mut self.phase else {
            return;
        };
        if !cx.state.tickets.is_durable(*entered) {
            return;
        }
        acks.insert(cx.state.settings.me);
        if !cx.state.settings.quorums.are_quorums(acks) {
            return;
        }
        cx.apply(cx.state.history.last_logged());
        cx.state.history.begin_epoch(self.epoch);
        self.phase = Phase::Broadcast(Broadcast::new(Zxid::beginning_of(self.epoch)));
        cx.emit(Output::Serve(PeerState::Leading, self.epoch));
        for link in self.links_at(|progress| *progress == Progress::Synchronised) {
            self.up_to_date(cx, link);
        }
    }

    fn up_to_date(&mut self, cx: &mut Context<'_>, link: LinkId) {
        self.advance(link, Progress::UpToDate);
        cx.tell_learner(link, ToLearner::UpToDate);
        let learner = self.learners.get_mut(&link);
        let Some((first, last)) = learner.and_then(|learner| learner.kept_commits.take()) else {
            return;
        };
        let mut zxid = first;
        while zxid <= last {
            cx.tell_learner(link, ToLearner::Commit(zxid));
            zxid = zxid.next();
        }
    }
}

/// From the log on disk, then from memory, each once.
fn txns_behind(after: Zxid, cx: &Context<'_>, log: Option<&LogOnDisk>) -> Vec<Txn> {
    let on_disk = log.into_iter().flat_map(LogOnDisk::txns);
    let mut last = after;
    let mut txns = Vec::new();
    for txn in on_disk.chain(cx.state.history.txns()) {
        if txn.zxid > last {
            last = txn.zxid;
            txns.push(txn.clone());
        }
    }
    txns
}
