//! Building a tree from a snapshot's parts, in the snapshot's order (`DataTree.deserialize`).

use std::sync::Arc;

use proto::records::{Acl, StatPersisted};
use proto::{SessionId, Zxid};

use crate::acl::AclId;
use crate::arena::Slot;
use crate::digest::{DIGEST_VERSION, DigestLogEntry};
use crate::tree::{DataTree, Options, split_path};

/// A snapshot that is no tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// A znode whose parent does not come before it.
    MissingParent(String),
    /// A znode that comes twice.
    Duplicate(String),
}

impl std::fmt::Display for RestoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RestoreError::MissingParent(path) => write!(f, "znode {path} comes without its parent"),
            RestoreError::Duplicate(path) => write!(f, "znode {path} comes twice"),
        }
    }
}

impl std::error::Error for RestoreError {}

/// Awaited by a tree of which nobody knows at which zxid it stops to be fuzzy.
const NEVER_REACHED: DigestLogEntry = DigestLogEntry {
    zxid: Zxid(i64::MAX),
    digest: 0,
};

impl DataTree {
    /// A tree that waits for a snapshot's parts; [`DataTree::finish_restore`] ends it.
    pub fn for_restore(options: Options) -> Self {
        DataTree::bare(options)
    }

    /// A session of the snapshot.
    pub fn restore_session(&mut self, session: SessionId, timeout_ms: i32) {
        self.sessions.insert(session, timeout_ms);
    }

    /// A list of the snapshot, under its number.
    pub fn restore_acl(&mut self, id: i64, list: &[Acl<'_>]) {
        self.acls.restore(id, list);
    }

    /// A znode of the snapshot; the root's path is "".
    pub fn restore_node(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        acl_id: i64,
        stat: &StatPersisted,
    ) -> Result<(), RestoreError> {
        let slot = if path.is_empty() {
            self.replace_root(data, acl_id, stat)
        } else {
            let (parent_path, name) = split_path(path);
            let missing = || RestoreError::MissingParent(path.to_owned());
            let parent = self.arena.find(parent_path).ok_or_else(missing)?;
            if self.arena.child(parent, name).is_some() {
                return Err(RestoreError::Duplicate(path.to_owned()));
            }
            self.arena.insert(
                parent,
                name,
                data.map(Arc::from),
                AclId(acl_id),
                stat.clone(),
            )
        };
        self.acls.restore_use(AclId(acl_id));
        self.count_in(slot, path);
        Ok(())
    }

    fn replace_root(&mut self, data: Option<&[u8]>, acl_id: i64, stat: &StatPersisted) -> Slot {
        let (options, sessions) = (self.options, std::mem::take(&mut self.sessions));
        let acls = std::mem::take(&mut self.acls);
        *self = DataTree::bare(options);
        self.sessions = sessions;
        self.acls = acls;
        let root = self.arena.node_mut(Slot::ROOT);
        self.digest = self.digest.wrapping_sub(i64::from(root.digest));
        root.data = data.map(Arc::from);
        root.acl = AclId(acl_id);
        root.stat = stat.clone();
        Slot::ROOT
    }

    /// The digest that stands in the snapshot: the tree is fuzzy until its zxid is applied. One of
    /// another version, or of a zxid before the snapshot's, says nothing.
    pub fn restore_digest(&mut self, snapshot: Zxid, zxid: Zxid, version: i32, digest: i64) {
        let useful = zxid.0 > 0 && zxid >= snapshot && version == DIGEST_VERSION;
        self.awaited_digest = useful.then_some(DigestLogEntry { zxid, digest });
    }

    /// The tree may have in parts what txns behind its zxid do, as Apache's leaders send it: digests in txns do not fit it
    /// until [`DataTree::settle`].
    pub fn mark_fuzzy(&mut self) {
        self.awaited_digest = self.options.digest.then_some(NEVER_REACHED);
    }

    /// All that a fuzzy tree may have in parts is applied now; whether it was marked so.
    pub fn settle(&mut self) -> bool {
        let was_fuzzy = self.awaited_digest == Some(NEVER_REACHED);
        if was_fuzzy {
            self.awaited_digest = None;
        }
        was_fuzzy
    }

    /// A tree that was restored takes the place of another, whose last txn was this one: what is applied next comes behind it.
    /// Digests that were told of the tree before say nothing of this one.
    pub fn take_place_at(&mut self, zxid: Zxid) {
        self.last_zxid = zxid;
        self.awaited_digest = None;
    }

    /// Ends the restore: quotas are counted afresh, unused lists freed, and a digest of the
    /// snapshot's own zxid compared at once.
    pub fn finish_restore(&mut self, snapshot: Zxid) {
        self.last_zxid = snapshot;
        self.add_missing_config_node();
        self.set_up_quotas();
        self.acls.purge_unused();
        if !self.options.digest {
            self.awaited_digest = None;
        }
        if let Some(awaited) = self
            .awaited_digest
            .filter(|awaited| awaited.zxid == snapshot)
        {
            self.compare_digest(awaited.digest);
            self.awaited_digest = None;
        }
    }

    /// Snapshots before 3.5 have no /zookeeper/config (`ZKDatabase.loadDataBase` adds it).
    pub(crate) fn add_missing_config_node(&mut self) {
        if self.arena.find(crate::CONFIG_NODE).is_none() {
            self.add_config_node();
        }
    }
}
