//! What a learner hears from its leader beside txns, and the state that it is brought to.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use database::{TreeReceiver, TreeRestore};
use datatree::{DataTree, Options};
use persistence::{Received, recover};
use proto::{SessionId, Zxid};
use quorum::LinkId;
use quorum::packet::{ToLeader, ToLearner};

use super::Replica;
use super::pipeline::Work;
use crate::clock;
use crate::peers::links::{BadSnapshot, Fed, SnapshotSink};
use crate::serve::start::{recovery_options, set_config, tree_options};

/// A tree that comes from a leader.
pub struct ReceivedTree {
    receiver: TreeReceiver,
    zxid: Zxid,
}

impl ReceivedTree {
    /// Nothing so far; it will be the tree of this zxid.
    pub fn new(options: Options, max_field_bytes: u32, zxid: Zxid) -> Self {
        ReceivedTree {
            receiver: TreeReceiver::new(options, max_field_bytes),
            zxid,
        }
    }
}

/// A tree, which messages do not show.
pub struct Whole(pub Box<DataTree>);

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a tree of {}", self.0.last_zxid())
    }
}

impl SnapshotSink for ReceivedTree {
    type Snapshot = Whole;

    fn feed(&mut self, bytes: &[u8]) -> Result<Fed, BadSnapshot> {
        let bad = |error: persistence::TransferError| BadSnapshot(error.to_string());
        Ok(match self.receiver.receive(bytes).map_err(bad)? {
            Received::More => Fed {
                taken: bytes.len(),
                is_complete: false,
            },
            Received::End { used } => Fed {
                taken: used,
                is_complete: true,
            },
        })
    }

    fn finish(self) -> Result<Whole, BadSnapshot> {
        let bad = |error: persistence::TransferError| BadSnapshot(error.to_string());
        let mut tree = self.receiver.into_tree(self.zxid).map_err(bad)?;
        // Apache's leader goes on to change it while it sends it. What it commits meanwhile it sends before UPTODATE.
        tree.mark_fuzzy();
        Ok(Whole(Box::new(tree)))
    }
}

/// Whether the txn that a leader sends can be read, and is the one that it says.
pub(super) fn is_readable(packet: &ToLearner) -> bool {
    match packet {
        ToLearner::Proposal { zxid, record } | ToLearner::Inform { zxid, record } => {
            let record = proto::txn::TxnRecord::decode(record);
            record.is_ok_and(|record| record.header.zxid == *zxid)
        }
        _ => true,
    }
}

impl Replica {
    /// Answers a PING with the sessions that were heard of.
    pub(super) fn pong(&mut self, link: LinkId, zxid: Zxid) {
        let touched = self.processor.sessions.take_touched();
        let sockets = self.sockets.as_ref().expect("a member");
        sockets.tell_leader(link, ToLeader::Ping { zxid, touched });
    }

    /// The oldest sync that was forwarded is through: so is all before it.
    pub(super) fn sync_done(&mut self) {
        let waiting = self.in_flight.iter_mut();
        let mut syncs = waiting.filter(|entry| matches!(entry.work, Work::ForwardedSync));
        match syncs.next() {
            Some(entry) => entry.work = Work::Sync(Zxid::ZERO),
            None => tracing::warn!("the leader answers a sync that nobody here waits for"),
        }
        self.answer_ready();
    }

    /// The leader says whether a session is alive with which a client has come.
    pub(super) fn revalidated(&mut self, session: SessionId, valid: bool) {
        let Some(request) = self.revalidating.remove(&session) else {
            return tracing::debug!(%session, "revalidated for a client that has gone");
        };
        self.revalidated_for(&request, valid);
    }

    /// The snapshot that was installed is the tree.
    pub(super) fn use_snapshot(&mut self, zxid: Zxid) {
        let tree = self.received.take().expect("a tree is installed");
        assert!(tree.last_zxid() == zxid, "another tree than that of {zxid}");
        self.replace_tree(*tree);
    }

    /// What is behind this txn is no longer in the log. A cut below the tree may be refused; else the tree is read again.
    pub(super) fn cut_tail(&mut self, zxid: Zxid) {
        if zxid >= self.server.tree.read().last_zxid() {
            self.tail.retain(|(logged, _)| *logged <= zxid);
        }
    }

    /// Reads the tree again from the files, which are cut to this txn. The thread waits for it: the role goes no further without,
    /// and its links are read meanwhile.
    ///
    /// # Panics
    /// The files cannot be read: they were a moment ago.
    pub(super) fn reload(&mut self, zxid: Zxid) {
        let config = &self.server.config;
        let directories = self.snapshots.directories();
        let options = tree_options(config);
        self.server.reloads.store(true, Relaxed);
        let recovered = recover(
            &directories.snapshots,
            &directories.logs,
            &recovery_options(config, true),
            || TreeRestore::new(options),
        );
        self.server.reloads.store(false, Relaxed);
        let recovered = recovered.unwrap_or_else(|error| panic!("after TRUNC to {zxid}: {error}"));
        let last = recovered.last_zxid;
        self.tail.clear();
        self.replace_tree(recovered.state.into_tree());
        self.drive(quorum::Input::Reloaded(last));
    }

    pub(super) fn replace_tree(&mut self, mut tree: DataTree) {
        set_config(&self.server.config, &mut tree, clock::wall_ms());
        self.unsaved_since = None;
        let mut current = self.server.tree.write();
        let old = std::mem::replace(&mut *current, tree);
        drop(current);
        drop(old);
    }
}
