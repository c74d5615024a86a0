//! One learner, as its leader sees it (`LearnerHandler`).

use std::collections::BTreeMap;

use proto::{Epoch, Sid, Zxid};

use crate::LinkId;
use crate::packet::LearnerKind;

/// How far a learner has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It has said nothing.
    Silent,
    /// It has said who it is; the epoch is not decided, or not on disk.
    Waiting,
    /// LEADERINFO was sent.
    Informed,
    /// ACKEPOCH came; a quorum has to accept the epoch first.
    Accepted {
        /// The end of its log.
        last_logged: Zxid,
    },
    /// The log on disk is being looked at for it.
    ReadingLog {
        /// The end of its log.
        last_logged: Zxid,
    },
    /// The tree is made ready to be sent.
    AwaitingSnapshot,
    /// NEWLEADER was sent; proposals are forwarded, their commits are kept for it.
    Synchronising,
    /// NEWLEADER is acknowledged, so this history is on its disk.
    Synchronised,
    /// UPTODATE was sent.
    UpToDate,
}

#[derive(Debug)]
pub(super) struct LearnerHandler {
    pub sid: Sid,
    pub kind: LearnerKind,
    pub accepted_epoch: Epoch,
    pub progress: Progress,
    /// All up to this txn is on its disk.
    pub acked: Zxid,
    /// What it acknowledged before NEWLEADER, and counts only behind that.
    pub acked_early: Zxid,
    /// Commits that are kept for it until UPTODATE, the first and the last; all between them are.
    pub kept_commits: Option<(Zxid, Zxid)>,
    pub heard_ms: u64,
    /// When it acknowledged NEWLEADER.
    pub synchronised_ms: u64,
}

impl LearnerHandler {
    pub fn new(now_ms: u64) -> Self {
        LearnerHandler {
            sid: Sid::default(),
            kind: LearnerKind::Observer,
            accepted_epoch: Epoch::default(),
            progress: Progress::Silent,
            acked: Zxid::ZERO,
            acked_early: Zxid::ZERO,
            kept_commits: None,
            heard_ms: now_ms,
            synchronised_ms: now_ms,
        }
    }

    /// Proposals of now go to it, behind its history.
    pub fn is_forwarding(&self) -> bool {
        matches!(
            self.progress,
            Progress::Synchronising | Progress::Synchronised | Progress::UpToDate
        )
    }

    /// A txn that was forwarded to it is committed. Says whether it may know that now: Apache's learners before 3.9.4 take a
    /// COMMIT between NEWLEADER and UPTODATE for one of what came before, which they no longer have in hand (ZOOKEEPER-4394).
    pub fn takes_commit(&mut self, zxid: Zxid) -> bool {
        if self.progress != Progress::Synchronising {
            return true;
        }
        let first = self.kept_commits.map_or(zxid, |(first, _)| first);
        self.kept_commits = Some((first, zxid));
        false
    }

    /// Whether it is this side that has to say something.
    pub fn waits_for_leader(&self) -> bool {
        matches!(
            self.progress,
            Progress::ReadingLog { .. } | Progress::AwaitingSnapshot
        )
    }

    pub fn is_synchronised(&self) -> bool {
        matches!(self.progress, Progress::Synchronised | Progress::UpToDate)
    }

    pub fn is_follower(&self) -> bool {
        self.kind == LearnerKind::Follower
    }
}

pub(super) type Learners = BTreeMap<LinkId, LearnerHandler>;
