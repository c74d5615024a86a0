//! The tree at one zxid, while it goes on changing.
//!
//! [`DataTree::begin_snapshot`] freezes sessions, lists and digest. From then on the first change
//! of a znode keeps its image, and a deleted znode's slot stays readable, so that slices taken
//! under a shared lock between writes add up to the tree as it was. The images are bounded; past
//! the bound the snapshot goes on fuzzy, as Apache's always is: replay makes it right, and the
//! digest sealed into it is the one at its end.

use std::collections::HashMap;
use std::sync::Arc;

use proto::records::StatPersisted;
use proto::{SessionId, Zxid};

use crate::acl::AclList;
use crate::arena::Slot;
use crate::digest::DigestLogEntry;
use crate::tree::DataTree;

/// What an image costs besides its data.
const IMAGE_OVERHEAD: usize = 128;

/// A znode as a snapshot holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The fields are those of `DataNode` on disk.
pub struct NodeImage {
    pub data: Option<Arc<[u8]>>,
    pub acl_id: i64,
    pub stat: StatPersisted,
}

/// What a snapshot begins with.
#[derive(Clone, Debug)]
pub struct SnapshotHead {
    /// The last txn in it; the file is named after it.
    pub zxid: Zxid,
    /// Sessions and their timeouts in milliseconds, ascending.
    pub sessions: Vec<(SessionId, i32)>,
    /// Lists with their numbers, ascending.
    pub acls: Vec<(i64, AclList)>,
}

/// What a snapshot ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotTail {
    /// The zxid from which on the digest fits; zero and zero when none is known.
    pub digest: DigestLogEntry,
    /// The last txn that anything in the snapshot shows.
    pub last_zxid: Zxid,
}

/// How far a snapshot has been read. Slices must be taken from the tree that began it.
#[derive(Debug)]
pub struct Cursor {
    waiting: Vec<(Slot, usize)>,
    path: String,
}

/// What a running snapshot keeps in the tree.
#[derive(Debug)]
pub(crate) struct Frozen {
    zxid: Zxid,
    digest: Option<DigestLogEntry>,
    images: HashMap<Slot, NodeImage>,
    image_bytes: usize,
    max_image_bytes: usize,
    fuzzy: bool,
    /// Deleted children by parent: still children as far as the snapshot goes.
    deleted: HashMap<Slot, Vec<Slot>>,
}

impl DataTree {
    /// Begins a snapshot of the tree as it is. One at a time. The images of what changes
    /// meanwhile take about `max_image_bytes` at most: past that the snapshot goes on fuzzy.
    pub fn begin_snapshot(&mut self, max_image_bytes: usize) -> (SnapshotHead, Cursor) {
        assert!(self.frozen.is_none(), "a snapshot is running");
        self.frozen = Some(Frozen {
            zxid: self.last_zxid,
            digest: self.sealed_digest(),
            images: HashMap::new(),
            image_bytes: 0,
            max_image_bytes,
            fuzzy: false,
            deleted: HashMap::new(),
        });
        let mut sessions: Vec<_> = self.sessions.iter().map(|(&id, &ms)| (id, ms)).collect();
        sessions.sort_unstable();
        let head = SnapshotHead {
            zxid: self.last_zxid,
            sessions,
            acls: self.acls.all(),
        };
        (
            head,
            Cursor {
                waiting: vec![(Slot::ROOT, 0)],
                path: String::new(),
            },
        )
    }

    /// The digest to seal: none while the tree itself is fuzzy, or before any txn.
    fn sealed_digest(&self) -> Option<DigestLogEntry> {
        let known = self.options.digest && self.awaited_digest.is_none() && self.last_zxid.0 > 0;
        known.then_some(DigestLogEntry {
            zxid: self.last_zxid,
            digest: self.digest,
        })
    }

    /// Hands up to `budget` znodes to `emit`, parents first; false when there are no more.
    pub fn snapshot_slice(
        &self,
        cursor: &mut Cursor,
        budget: usize,
        emit: &mut dyn FnMut(&str, NodeImage),
    ) -> bool {
        for _ in 0..budget {
            let Some((slot, parent_path_len)) = cursor.waiting.pop() else {
                return false;
            };
            let node = self.arena.node(slot);
            cursor.path.truncate(parent_path_len);
            if slot != Slot::ROOT {
                cursor.path.push('/');
                cursor.path.push_str(node.name());
            }
            emit(&cursor.path, self.image(slot));
            let below = cursor.path.len();
            cursor
                .waiting
                .extend(self.frozen_children(slot).map(|child| (child, below)));
        }
        !cursor.waiting.is_empty()
    }

    fn frozen(&self) -> &Frozen {
        self.frozen.as_ref().expect("a snapshot is running")
    }

    fn image(&self, slot: Slot) -> NodeImage {
        self.frozen()
            .images
            .get(&slot)
            .cloned()
            .unwrap_or_else(|| self.image_now(slot))
    }

    fn image_now(&self, slot: Slot) -> NodeImage {
        let node = self.arena.node(slot);
        NodeImage {
            data: node.data.clone(),
            acl_id: node.acl.0,
            stat: node.stat.clone(),
        }
    }

    fn frozen_children(&self, slot: Slot) -> impl Iterator<Item = Slot> + '_ {
        let frozen = self.frozen();
        let deleted = frozen.deleted.get(&slot).into_iter().flatten().copied();
        let live = self.arena.children(slot);
        live.chain(deleted)
            .filter(|&child| self.arena.node(child).stat.czxid <= frozen.zxid)
    }

    /// Ends the running snapshot and frees what was kept for it.
    pub fn end_snapshot(&mut self) -> SnapshotTail {
        let frozen = self.frozen.take().expect("a snapshot is running");
        for slot in frozen.deleted.into_values().flatten() {
            self.arena.free(slot);
        }
        let (digest, last_zxid) = match frozen.fuzzy {
            false => (frozen.digest, frozen.zxid),
            true => (self.sealed_digest(), self.last_zxid),
        };
        let none = DigestLogEntry {
            zxid: Zxid::ZERO,
            digest: 0,
        };
        SnapshotTail {
            digest: digest.unwrap_or(none),
            last_zxid,
        }
    }

    /// Before a change: keeps the znode as the running snapshot must show it.
    pub(crate) fn keep_image(&mut self, slot: Slot) {
        let Some(frozen) = &self.frozen else { return };
        let made_since = self.arena.node(slot).stat.czxid > frozen.zxid;
        if made_since || frozen.fuzzy || frozen.images.contains_key(&slot) {
            return;
        }
        let image = self.image_now(slot);
        let frozen = self.frozen.as_mut().expect("checked above");
        frozen.keep_bytes(image.data.as_deref());
        frozen.images.insert(slot, image);
    }

    /// After a znode was unlinked: frees its slot, or leaves that to the end of the snapshot that
    /// has to show it. Past the bound only the slot is left, not the data: replay deletes it.
    pub(crate) fn release(&mut self, slot: Slot) {
        let node = self.arena.node_mut(slot);
        match &mut self.frozen {
            Some(frozen) if node.stat.czxid <= frozen.zxid => {
                frozen.keep_bytes(node.data.as_deref());
                if frozen.fuzzy {
                    node.data = None;
                }
                frozen.deleted.entry(node.parent()).or_default().push(slot);
            }
            _ => self.arena.free(slot),
        }
    }
}

impl Frozen {
    /// Counts what is kept; past the bound nothing more is.
    fn keep_bytes(&mut self, data: Option<&[u8]>) {
        self.image_bytes += IMAGE_OVERHEAD + data.map_or(0, <[u8]>::len);
        self.fuzzy |= self.image_bytes > self.max_image_bytes;
    }
}
