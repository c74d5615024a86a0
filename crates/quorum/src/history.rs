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

    /// The oldest committed txn in memory; the tree's zxid where there is none.
    pub fn oldest_kept(&self) -> Zxid {
        self.committed.front().map_or(self.applied, |txn| txn.zxid)
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
        self.applied = Zxid::beginning_of(epoch);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn z(epoch: i64, counter: i64) -> Zxid {
        Zxid(epoch << 32 | counter)
    }

    fn txn(zxid: Zxid, bytes: usize) -> Txn {
        Txn {
            zxid,
            record: vec![0; bytes].into(),
        }
    }

    /// Txns 1 to `last` of epoch 1, of ten bytes each, up to `committed` in the tree.
    fn history(limits: CommittedLogLimits, committed: i64, last: i64) -> History {
        let mut history = History::new(limits, z(1, 0), Vec::new());
        (1..=last).for_each(|counter| history.log(txn(z(1, counter), 10)));
        history.commit(z(1, committed));
        history
    }

    fn kept(history: &History) -> Vec<u32> {
        history.txns().map(|txn| txn.zxid.counter()).collect()
    }

    fn limits(txns: usize, bytes: usize) -> CommittedLogLimits {
        CommittedLogLimits { txns, bytes }
    }

    #[test]
    fn the_newest_committed_txns_are_kept_up_to_a_count_and_the_whole_tail() {
        assert_eq!(kept(&history(limits(2, 1000), 4, 6)), [3, 4, 5, 6]);
    }

    #[test]
    fn committed_txns_are_kept_up_to_a_number_of_bytes() {
        assert_eq!(kept(&history(limits(100, 29), 4, 4)), [3, 4]);
        assert_eq!(kept(&history(limits(100, 30), 4, 4)), [2, 3, 4]);
    }

    #[test]
    fn one_committed_txn_is_kept_though_it_is_past_the_limits() {
        assert_eq!(kept(&history(limits(0, 0), 3, 3)), [3]);
    }

    #[test]
    fn a_cut_of_the_tail_leaves_the_tree() {
        let mut history = history(limits(100, 1000), 2, 5);
        assert!(history.is_cut_of_tail(z(1, 2)) && !history.is_cut_of_tail(z(1, 1)));
        history.cut_tail(z(1, 3));
        assert_eq!(
            (history.applied(), history.last_logged()),
            (z(1, 2), z(1, 3))
        );
        assert_eq!(kept(&history), [1, 2, 3]);
    }

    #[test]
    fn a_cut_of_the_tree_gives_back_the_room_of_what_was_kept() {
        let mut history = history(limits(100, 40), 4, 5);
        history.reloaded(z(1, 2));
        assert_eq!(
            (history.applied(), history.last_logged()),
            (z(1, 2), z(1, 2))
        );
        [6, 7]
            .into_iter()
            .for_each(|counter| history.log(txn(z(1, counter), 10)));
        history.commit(z(1, 7));
        assert_eq!(kept(&history), [1, 2, 6, 7], "40 bytes of 40");
    }

    #[test]
    fn an_epochs_beginning_is_the_trees_zxid_and_no_txn() {
        let mut history = history(limits(100, 1000), 3, 3);
        history.begin_epoch(Epoch(2));
        assert_eq!(
            (history.applied(), history.last_logged()),
            (z(2, 0), z(2, 0))
        );
        assert_eq!(
            (history.oldest_pending(), kept(&history)),
            (None, vec![1, 2, 3])
        );
    }

    #[test]
    fn a_snapshot_takes_the_place_of_tree_and_tail() {
        let mut history = history(limits(100, 1000), 2, 5);
        history.replace(z(1, 9));
        assert_eq!(
            (history.applied(), history.last_logged()),
            (z(1, 9), z(1, 9))
        );
        assert!(kept(&history).is_empty() && history.committed_bytes == 0);
    }

    #[test]
    #[should_panic(expected = "logged behind")]
    fn a_txn_that_is_not_behind_the_last_is_a_bug() {
        history(limits(100, 1000), 2, 5).log(txn(z(1, 5), 10));
    }
}
