//! What must hold over all servers, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};
use quorum::Txn;
use quorum::election::{Notification, PeerState, Proposal};

use crate::model::net::Who;

#[derive(Debug, Default)]
pub struct Checks {
    /// What was applied by whoever applied it first, in order.
    pub committed: Vec<Txn>,
    leaders: BTreeMap<Epoch, Sid>,
    /// The end of the history that an epoch begins with.
    beginnings: BTreeMap<Epoch, Zxid>,
    acknowledged: BTreeSet<Bytes>,
    /// Each process's round, and its vote there.
    votes: BTreeMap<Who, (i64, Proposal)>,
}

impl Checks {
    /// Every server's tree is a beginning of what is committed, or goes on from its end. What a start has put into the tree
    /// is in front of `from`, and nobody may have applied it yet.
    pub fn applied(&mut self, sid: Sid, tree: &[Txn], from: usize) {
        let from = from.min(self.committed.len());
        for (at, txn) in tree.iter().enumerate().skip(from) {
            match self.committed.get(at) {
                Some(first) => assert_eq!(first, txn, "{sid:?} applied another txn at {at}"),
                None => self.committed.push(txn.clone()),
            }
        }
    }

    /// A server that serves has a beginning of what is committed; a leader has all of it, and is its epoch's only one. What a
    /// start has put into a leader's tree is committed from now on.
    pub fn serves(&mut self, sid: Sid, leads: bool, epoch: Epoch, tree: &[Txn]) {
        if leads {
            let other = self.leaders.insert(epoch, sid);
            assert!(other.is_none(), "a second leader of {epoch:?}");
            assert!(
                tree.len() >= self.committed.len(),
                "{sid:?} leads without all that is committed"
            );
            self.applied(sid, tree, 0);
        }
        assert!(
            self.committed.starts_with(tree),
            "{sid:?} serves what is not committed"
        );
    }

    /// A quorum has promised this epoch to a leader, whose history ends here: no other leader has such a quorum.
    pub fn leads(&mut self, epoch: Epoch, last: Zxid) {
        let other = self.beginnings.insert(epoch, last);
        assert!(
            other.is_none(),
            "a second leader has a quorum's promises of {epoch:?}"
        );
    }

    /// A server vouches with this epoch for its history, which ends here: it has all that its leader began with.
    pub fn entered(&self, sid: Sid, epoch: Epoch, last: Zxid) {
        let beginning = self.beginnings.get(&epoch);
        assert!(
            beginning.is_some_and(|beginning| last >= *beginning),
            "{sid:?} has entered {epoch:?} with {last}, which began with {beginning:?}"
        );
    }

    /// An election begins: one that joins a leader takes over its round, and may come to the same number again.
    pub fn looks(&mut self, who: Who) {
        self.votes.remove(&who);
    }

    /// Within a round a server changes its vote for a better one only: first the epoch counts, then the zxid. Servers without a
    /// vote are told something else, as in Apache.
    pub fn votes(&mut self, who: Who, vote: &Notification) {
        if vote.state != PeerState::Looking {
            return;
        }
        let now = (vote.round, vote.proposal);
        let before = self.votes.insert(who, now);
        assert!(
            before.is_none_or(|before| now >= before),
            "{who:?} changes its vote from {before:?} to {now:?}"
        );
    }

    /// A client was told.
    pub fn acknowledged(&mut self, record: Bytes) {
        self.acknowledged.insert(record);
    }

    pub fn nothing_is_lost(&self) {
        let committed: BTreeSet<_> = self.committed.iter().map(|txn| &txn.record).collect();
        let lost: Vec<_> = self
            .acknowledged
            .iter()
            .filter(|record| !committed.contains(record))
            .collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        assert_eq!(
            committed.len(),
            self.committed.len(),
            "a txn was committed twice"
        );
    }
}
