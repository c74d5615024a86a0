//! A tree on its way from a leader to a learner.

use bytes::Bytes;
use datatree::{Cursor, DataTree, Options, SnapshotHead};
use persistence::{Received, SnapshotReceiver, SnapshotSender, TransferError};
use proto::Zxid;

use crate::TreeRestore;
use crate::snapshot::{Slices, acl_table};

/// A tree that a leader sends as it is at one zxid, while it goes on changing. Reading a slice
/// needs the tree, encoding and sending it does not: a lock need not be held over a link.
pub struct TreeSender {
    sender: SnapshotSender,
    slices: Slices,
}

impl TreeSender {
    /// Sends what `DataTree::begin_snapshot` returned; the SNAP packet in front of it carries the
    /// head's zxid. Whoever called that calls `end_snapshot` too.
    pub fn begin(head: &SnapshotHead, cursor: Cursor) -> Self {
        TreeSender {
            sender: SnapshotSender::begin(&head.sessions, acl_table(head)),
            slices: Slices::new(cursor),
        }
    }

    /// Reads up to `budget` znodes from the tree; false when there are no more.
    pub fn read_slice(&mut self, tree: &DataTree, budget: usize) -> bool {
        self.slices.read(tree, budget)
    }

    /// The bytes of what was read, to be sent next.
    pub fn take(&mut self) -> Bytes {
        for (path, image) in self.slices.drain() {
            let data = image.data.as_deref();
            self.sender.node(&path, data, image.acl_id, &image.stat);
        }
        self.sender.take()
    }

    /// The last bytes, when there is no more to read.
    pub fn finish(mut self) -> Bytes {
        let rest = self.take();
        let end = self.sender.finish();
        [rest, end].concat().into()
    }
}

/// A tree that a learner receives: a second one, beside that which it has.
pub struct TreeReceiver {
    receiver: SnapshotReceiver,
    restore: TreeRestore,
}

impl TreeReceiver {
    /// Nothing so far. Longer fields than `max_field_bytes` are refused.
    pub fn new(options: Options, max_field_bytes: u32) -> Self {
        TreeReceiver {
            receiver: SnapshotReceiver::new(max_field_bytes),
            restore: TreeRestore::new(options),
        }
    }

    /// Takes the next bytes, and says whether they were the last. Nothing can come behind an
    /// error.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Received, TransferError> {
        self.receiver.receive(bytes, &mut self.restore)
    }

    /// The tree, as of the zxid of the SNAP packet. One that Apache's leader sent may show txns
    /// behind that zxid already, which follow as proposals: applying them makes it right.
    ///
    /// # Errors
    /// [`TransferError::Unfinished`] before the end.
    pub fn into_tree(mut self, zxid: Zxid) -> Result<DataTree, TransferError> {
        self.receiver.load(zxid, &mut self.restore)?;
        Ok(self.restore.into_tree())
    }
}
