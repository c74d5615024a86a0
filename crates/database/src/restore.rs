//! What recovery reads goes into the tree.

use datatree::{DataTree, Options, RestoreError};
use persistence::{Restore, SnapshotDigest};
use proto::records::{Acl, StatPersisted};
use proto::txn::TxnRecord;
use proto::{SessionId, Zxid};

/// A tree in the making. Without a snapshot it is the empty tree, and the log is replayed on it.
#[derive(Debug)]
pub struct TreeRestore {
    options: Options,
    tree: DataTree,
    begun: bool,
}

impl TreeRestore {
    /// Nothing so far.
    pub fn new(options: Options) -> Self {
        TreeRestore {
            options,
            tree: DataTree::new(options),
            begun: false,
        }
    }

    /// The tree that was read.
    pub fn into_tree(self) -> DataTree {
        self.tree
    }

    /// The first part of a snapshot takes the place of the empty tree.
    fn loading(&mut self) -> &mut DataTree {
        if !std::mem::replace(&mut self.begun, true) {
            self.tree = DataTree::for_restore(self.options);
        }
        &mut self.tree
    }
}

impl Restore for TreeRestore {
    type Error = RestoreError;

    fn session(&mut self, id: SessionId, timeout_ms: i32) {
        self.loading().restore_session(id, timeout_ms);
    }

    fn acl(&mut self, id: i64, acl: Vec<Acl<'static>>) {
        self.loading().restore_acl(id, &acl);
    }

    fn node(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        acl_id: i64,
        stat: &StatPersisted,
    ) -> Result<(), RestoreError> {
        self.loading().restore_node(path, data, acl_id, stat)
    }

    fn loaded(&mut self, zxid: Zxid, digest: Option<SnapshotDigest>) -> Result<(), RestoreError> {
        let tree = self.loading();
        if let Some(SnapshotDigest {
            zxid: of,
            version,
            digest,
        }) = digest
        {
            tree.restore_digest(zxid, of, version, digest);
        }
        tree.finish_restore(zxid);
        Ok(())
    }

    fn txn(&mut self, record: &TxnRecord<'_>) -> Result<(), RestoreError> {
        self.tree.apply(record, &mut |_| {});
        Ok(())
    }
}
