//! The txns that a server knows: the newest committed ones, and the tail that is logged behind them.
//!
//! Owns which txn is where. While the server runs, the tree holds committed txns only; the tail waits beside it, so that a
//! TRUNC of it leaves the tree alone (ZOOKEEPER-2845). Must not know who said that a txn is committed.

use std::collections::VecDeque;

use bytes::Bytes;
use proto::{Epoch, Zxid};

use crate::queue::{pop_back_if, pop_front_if};

/// A txn as it is proposed, logged and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Txn {
    /// Its number.
    pub zxid: Zxid,
    /// Header, txn and digest.
    pub record: Bytes,
}

/// How many committed txns are kept for learners that lag. The newest one is always kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedLogLimits {
    /// `zookeeper.commitLogCount`.
    pub txns: usize,
    /// Of their records, in bytes: large txns must not fill the memory.
    pub bytes: usize,
}

impl Default for CommittedLogLimits {
    fn default() -> Self {
        CommittedLogLimits {
            txns: 500,
            bytes: 32 << 20,
        }
    }
}

#[derive(Debug)]
pub(crate) struct History {
    limits: CommittedLogLimits,
    committed: VecDeque<Txn>,
    committed_bytes: usize,
    tail: VecDeque<Txn>,
    /// The tree's zxid: of its last txn, or the beginning of an epoch.
    applied: Zxid,
}

impl History {
    /// What a start finds: the tree holds the whole log, though nobody knows yet whether its end is committed.
    pub fn new(limits: CommittedLogLimits, applied: Zxid, recent: Vec<Txn>) -> Self {
        let mut history = History {
            limits,
            committed: VecDeque::new(),
            committed_bytes: 0,
            tail: VecDeque::new(),
            applied,
        };
        for txn in recent {
            assert!(txn.zxid <= applied, "{} is not in the tree", txn.zxid);
            history.keep(txn);
        }
        history
    }

    pub fn applied(&self) -> Zxid {
        self.applied
    }

    /// The last txn in the log: what a vote and FOLLOWERINFO carry.
    pub fn last_logged(&self) -> Zxid {
        self.tail.back().map_or(self.applied, |txn| txn.zxid)
    }

    /// The oldest txn that waits for its commit.
    pub fn oldest_pending(&self) -> Option<Zxid> {
        self.tail.front().map(|txn| txn.zxid)
    }

    /// The txn behind this one in the tail.
    pub fn next_in_tail(&self, zxid: Zxid) -> Option<Zxid> {
        let next = self.tail.partition_point(|txn| txn.zxid <= zxid);
        self.tail.get(next).map(|txn| txn.zxid)
    }

    /// The record of a txn that is in the tail.
    pub fn pending_record(&self, zxid: Zxid) -> Bytes {
        let index = self.tail.partition_point(|txn| txn.zxid < zxid);
        let txn = self.tail.get(index).filter(|txn| txn.zxid == zxid);
        txn.expect("a txn is logged until it is committed")
            .record
            .clone()
    }

    /// All that is kept in memory, oldest first.
    pub fn txns(&self) -> impl Iterator<Item = &Txn> {
        self.committed.iter().chain(&self.tail)
    }

    /// A txn went into the log.
    pub fn log(&mut self, txn: Txn) {
        let last = self.last_logged();
        assert!(txn.zxid > last, "{} logged behind {last}", txn.zxid);
        self.tail.push_back(txn);
    }

    /// The tail up to this txn goes into the tree.
    pub fn commit(&mut self, up_to: Zxid) {
        while let Some(txn) = pop_front_if(&mut self.tail, |txn| txn.zxid <= up_to) {
            self.applied = txn.zxid;
            self.keep(txn);
        }
    }

    /// The tree gets the zxid of an epoch that begins: no txn has it.
    pub fn begin_epoch(&mut self, epoch: Epoch) {
        assert!(self.tail.is_empty(), "an epoch begins with a tail");
        self.applied = Zxid(epoch.0 << 32);
    }

    /// Whether a cut behind this txn leaves the tree as it is.
    pub fn is_cut_of_tail(&self, zxid: Zxid) -> bool {
        zxid >= self.applied
    }

    /// Nothing is left of the tail behind this txn.
    pub fn cut_tail(&mut self, zxid: Zxid) {
        while pop_back_if(&mut self.tail, |txn| txn.zxid > zxid).is_some() {}
    }

    /// The tree was read again from a log that was cut, and has this zxid.
    pub fn reloaded(&mut self, last: Zxid) {
        self.tail.clear();
        while let Some(txn) = pop_back_if(&mut self.committed, |txn| txn.zxid > last) {
            self.committed_bytes -= txn.record.len();
        }
        self.applied = last;
    }

    /// A snapshot takes the place of everything.
    pub fn replace(&mut self, zxid: Zxid) {
        self.committed.clear();
        self.committed_bytes = 0;
        self.tail.clear();
        self.applied = zxid;
    }

    fn keep(&mut self, txn: Txn) {
        self.committed_bytes += txn.record.len();
        self.committed.push_back(txn);
        while self.committed.len() > 1 && self.is_past_limits() {
            let oldest = self.committed.pop_front();
            self.committed_bytes -= oldest.map_or(0, |txn| txn.record.len());
        }
    }

    fn is_past_limits(&self) -> bool {
        self.committed.len() > self.limits.txns || self.committed_bytes > self.limits.bytes
    }
}
