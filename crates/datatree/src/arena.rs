//! Where znodes are kept: numbered slots, an index by (parent, name), and linked siblings.
//!
//! Knows names and links only through [`Node`]; what a change means is the tree's business.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use proto::records::StatPersisted;

use crate::acl::AclId;

/// Number of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(u32);

impl Slot {
    /// The root's.
    pub const ROOT: Slot = Slot(0);
    const NIL: Slot = Slot(u32::MAX);

    fn some(self) -> Option<Slot> {
        (self != Slot::NIL).then_some(self)
    }
}

/// One znode.
#[derive(Debug)]
pub(crate) struct Node {
    pub data: Option<Arc<[u8]>>,
    pub stat: StatPersisted,
    pub acl: AclId,
    /// This znode's share of the tree's digest.
    pub digest: u32,
    pub child_count: u32,
    name: Box<str>,
    parent: Slot,
    first_child: Slot,
    next: Slot,
    previous: Slot,
}

impl Node {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn parent(&self) -> Slot {
        self.parent
    }
}

/// Slots live in pieces of this many, so that growth never moves a znode.
const PIECE: usize = 4096;

#[derive(Debug)]
pub(crate) struct Arena {
    pieces: Vec<Vec<Option<Node>>>,
    free: Vec<Slot>,
    len: usize,
    index: HashTable<Slot>,
    hasher: DefaultHashBuilder,
}

impl Arena {
    /// An arena with a root.
    pub fn new(root_data: Option<Arc<[u8]>>, acl: AclId) -> Self {
        let mut arena = Arena {
            pieces: Vec::new(),
            free: Vec::new(),
            len: 0,
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        };
        let root = arena.place(Node {
            data: root_data,
            stat: StatPersisted::default(),
            acl,
            digest: 0,
            child_count: 0,
            name: "".into(),
            parent: Slot::NIL,
            first_child: Slot::NIL,
            next: Slot::NIL,
            previous: Slot::NIL,
        });
        assert_eq!(root, Slot::ROOT);
        arena
    }

    /// Znodes that are in the tree, the root included.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn node(&self, slot: Slot) -> &Node {
        self.pieces[slot.0 as usize / PIECE][slot.0 as usize % PIECE]
            .as_ref()
            .expect("a live slot")
    }

    pub fn node_mut(&mut self, slot: Slot) -> &mut Node {
        self.cell(slot).as_mut().expect("a live slot")
    }

    fn cell(&mut self, slot: Slot) -> &mut Option<Node> {
        &mut self.pieces[slot.0 as usize / PIECE][slot.0 as usize % PIECE]
    }

    fn place(&mut self, node: Node) -> Slot {
        self.len += 1;
        if let Some(slot) = self.free.pop() {
            *self.cell(slot) = Some(node);
            return slot;
        }
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let before = (self.pieces.len() - 1) * PIECE;
        let piece = self.pieces.last_mut().expect("pushed above");
        piece.push(Some(node));
        Slot(u32::try_from(before + piece.len() - 1).expect("fewer than 2^32 znodes"))
    }

    fn hash(&self, parent: Slot, name: &str) -> u64 {
        self.hasher.hash_one((parent.0, name))
    }

    pub fn child(&self, parent: Slot, name: &str) -> Option<Slot> {
        let same = |slot: &Slot| {
            let node = self.node(*slot);
            node.parent == parent && &*node.name == name
        };
        self.index.find(self.hash(parent, name), same).copied()
    }

    /// The znode at `path`; "" and "/" are both the root. Nothing else than a well-formed path
    /// of a znode finds one.
    pub fn find(&self, path: &str) -> Option<Slot> {
        if path.is_empty() || path == "/" {
            return Some(Slot::ROOT);
        }
        path.strip_prefix('/')?
            .split('/')
            .try_fold(Slot::ROOT, |slot, name| self.child(slot, name))
    }

    /// Adds a znode below `parent`, which must have none of that name.
    pub fn insert(
        &mut self,
        parent: Slot,
        name: &str,
        data: Option<Arc<[u8]>>,
        acl: AclId,
        stat: StatPersisted,
    ) -> Slot {
        debug_assert!(self.child(parent, name).is_none());
        let next = self.node(parent).first_child;
        let slot = self.place(Node {
            data,
            stat,
            acl,
            digest: 0,
            child_count: 0,
            name: name.into(),
            parent,
            first_child: Slot::NIL,
            next,
            previous: Slot::NIL,
        });
        if let Some(next) = next.some() {
            self.node_mut(next).previous = slot;
        }
        let parent_node = self.node_mut(parent);
        parent_node.first_child = slot;
        parent_node.child_count += 1;
        self.index_slot(slot);
        slot
    }

    fn index_slot(&mut self, slot: Slot) {
        let node = self.node(slot);
        let hash = self.hash(node.parent, &node.name);
        let mut index = std::mem::take(&mut self.index);
        index.insert_unique(hash, slot, |&other| {
            let node = self.node(other);
            self.hash(node.parent, &node.name)
        });
        self.index = index;
    }

    /// Takes a childless znode out of the tree; its slot stays readable until [`Arena::free`].
    pub fn unlink(&mut self, slot: Slot) {
        let node = self.node(slot);
        debug_assert_eq!(node.child_count, 0);
        let (parent, next, previous) = (node.parent, node.next, node.previous);
        let hash = self.hash(parent, &node.name);
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        match previous.some() {
            Some(previous) => self.node_mut(previous).next = next,
            None => self.node_mut(parent).first_child = next,
        }
        if let Some(next) = next.some() {
            self.node_mut(next).previous = previous;
        }
        self.node_mut(parent).child_count -= 1;
        self.len -= 1;
    }

    /// Gives an unlinked slot back.
    pub fn free(&mut self, slot: Slot) {
        *self.cell(slot) = None;
        self.free.push(slot);
    }

    pub fn children(&self, parent: Slot) -> impl Iterator<Item = Slot> + '_ {
        std::iter::successors(self.node(parent).first_child.some(), |&slot| {
            self.node(slot).next.some()
        })
    }

    /// How many znodes are below `slot`.
    pub fn descendants(&self, slot: Slot) -> usize {
        let mut count = 0;
        let mut waiting: Vec<Slot> = vec![slot];
        while let Some(slot) = waiting.pop() {
            count += self.node(slot).child_count as usize;
            waiting.extend(self.children(slot));
        }
        count
    }

    /// The path of a slot, the root's as "" (also of one that is unlinked).
    pub fn path(&self, slot: Slot) -> String {
        let above = std::iter::successors(Some(slot), |&slot| self.node(slot).parent.some());
        let names: Vec<&str> = above.map(|slot| self.node(slot).name()).collect();
        names.into_iter().rev().collect::<Vec<_>>().join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena() -> Arena {
        Arena::new(None, AclId::OPEN)
    }

    fn insert(arena: &mut Arena, parent: Slot, name: &str) -> Slot {
        arena.insert(parent, name, None, AclId::OPEN, StatPersisted::default())
    }

    #[test]
    fn a_znode_is_found_by_its_whole_path_only() {
        let mut arena = arena();
        let a = insert(&mut arena, Slot::ROOT, "a");
        let b = insert(&mut arena, a, "b");
        assert_eq!(arena.find("/a/b"), Some(b));
        assert_eq!(arena.path(b), "/a/b");
        for path in ["a", "a/b", "/a/", "//a", "/a//b", "/a/b/c", "/b"] {
            assert_eq!(arena.find(path), None, "{path}");
        }
        assert_eq!(
            (arena.find(""), arena.find("/")),
            (Some(Slot::ROOT), Some(Slot::ROOT))
        );
    }

    #[test]
    fn links_hold_whatever_child_goes() {
        for gone in 0..3 {
            let mut arena = arena();
            let slots: Vec<_> = ["a", "b", "c"]
                .iter()
                .map(|name| insert(&mut arena, Slot::ROOT, name))
                .collect();
            arena.unlink(slots[gone]);
            arena.free(slots[gone]);
            let mut left: Vec<_> = arena.children(Slot::ROOT).collect();
            left.sort();
            let expected: Vec<_> = slots
                .iter()
                .filter(|&&slot| slot != slots[gone])
                .copied()
                .collect();
            assert_eq!(left, expected);
            assert_eq!(arena.node(Slot::ROOT).child_count, 2);
            assert_eq!(
                insert(&mut arena, Slot::ROOT, "d"),
                slots[gone],
                "slots are used again"
            );
            assert_eq!(arena.len(), 4);
        }
    }

    #[test]
    fn ten_thousand_znodes_keep_their_names() {
        let mut arena = arena();
        let slots: Vec<_> = (0..10_000)
            .map(|n| insert(&mut arena, Slot::ROOT, &format!("n{n}")))
            .collect();
        for (n, &slot) in slots.iter().enumerate() {
            assert_eq!(arena.find(&format!("/n{n}")), Some(slot));
        }
        assert_eq!(arena.descendants(Slot::ROOT), 10_000);
    }
}
