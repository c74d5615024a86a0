//! Snapshots of a tree that goes on changing, over random histories: restored and brought up to
//! date by replay, each is the live tree, in all that it holds.

use std::sync::Arc;

use bytes::Bytes;
use datatree::{
    AclList, Cursor, DIGEST_VERSION, DataTree, DigestLogEntry, NodeImage, SnapshotHead,
    SnapshotTail,
};
use processor::{Prepared, Processor};
use proto::Zxid;
use proto::txn::TxnRecord;
use rand::Rng;
use sim::server::{apply, prepare, processor_for, tree_options};
use sim::{Contents, Script};

const SEEDS: u64 = 300;
const BATCHES: usize = 150;

/// Who takes the snapshot.
enum Taker {
    Ours(Cursor),
    Apache(Walk),
}

/// Apache's way (`DataTree.serializeNode`): each znode as it is when its turn comes, with the
/// children that it has then. What lists there are was written before.
struct Walk {
    waiting: Vec<String>,
    lists: Vec<AclList>,
}

/// A snapshot being taken, and what was applied since it began.
struct Snapshot {
    head: SnapshotHead,
    taker: Taker,
    nodes: Vec<(String, NodeImage)>,
    /// None while slices are still to come.
    tail: Option<SnapshotTail>,
    later: Vec<Bytes>,
}

struct History {
    script: Script,
    tree: DataTree,
    processor: Processor,
    snapshot: Option<Snapshot>,
    /// Restored and compared: snapshots of one zxid, fuzzy ones, Apache's.
    compared: [usize; 3],
}

impl History {
    fn new(seed: u64) -> Self {
        let tree = DataTree::new(tree_options());
        History {
            script: Script::new(seed),
            processor: processor_for(&tree),
            tree,
            snapshot: None,
            compared: [0; 3],
        }
    }

    fn step(&mut self) {
        let batch = self.prepare_batch();
        for (zxid, record) in batch {
            apply(&mut self.processor, &mut self.tree, zxid, &record);
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.later.push(record);
            }
            self.snapshot_step();
        }
        if self.is_reading() == Some(false) && self.one_in(4) {
            self.compare();
        }
    }

    fn prepare_batch(&mut self) -> Vec<(Zxid, Bytes)> {
        let mut sessions: Vec<_> = self.tree.sessions().keys().copied().collect();
        sessions.sort_unstable();
        let mut batch = Vec::new();
        for _ in 0..self.script.random().random_range(1..=4) {
            let event = self.script.next(&self.tree, &sessions);
            if let Prepared::Txn { zxid, record } = prepare(&mut self.processor, &self.tree, &event)
            {
                batch.push((zxid, record));
            }
        }
        batch
    }

    fn snapshot_step(&mut self) {
        match self.is_reading() {
            None if self.one_in(4) => self.begin(),
            Some(true) if self.one_in(2) => self.slice(),
            _ => {}
        }
    }

    /// Are slices still to come? None without a snapshot.
    fn is_reading(&self) -> Option<bool> {
        self.snapshot
            .as_ref()
            .map(|snapshot| snapshot.tail.is_none())
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.script.random().random_range(0..count) == 0
    }

    fn begin(&mut self) {
        let kinds = [None, Some(0), Some(300), Some(3_000), Some(usize::MAX)];
        let kind = kinds[self.script.random().random_range(0..kinds.len())];
        let (head, taker) = match kind {
            Some(max_image_bytes) => {
                let (head, cursor) = self.tree.begin_snapshot(max_image_bytes);
                (head, Taker::Ours(cursor))
            }
            None => {
                let (head, walk) = Walk::begin(&self.tree);
                (head, Taker::Apache(walk))
            }
        };
        self.snapshot = Some(Snapshot {
            head,
            taker,
            nodes: Vec::new(),
            tail: None,
            later: Vec::new(),
        });
    }

    fn slice(&mut self) {
        let budget = self.script.random().random_range(1..=30);
        let snapshot = self.snapshot.as_mut().expect("is running");
        let nodes = &mut snapshot.nodes;
        let mut keep = |path: &str, image| nodes.push((path.to_owned(), image));
        let tree = &mut self.tree;
        snapshot.tail = match &mut snapshot.taker {
            Taker::Ours(cursor) => match tree.snapshot_slice(cursor, budget, &mut keep) {
                true => None,
                false => Some(tree.end_snapshot()),
            },
            Taker::Apache(walk) => match walk.slice(tree, budget, &mut keep) {
                true => None,
                false => Some(Walk::end(tree)),
            },
        };
    }

    fn compare(&mut self) {
        let snapshot = self.snapshot.take().expect("has ended");
        let tail = snapshot.tail.expect("has ended");
        let restored = snapshot.restore(tail);
        assert_eq!(Contents::of(&restored), Contents::of(&self.tree));
        assert_eq!(restored.digest_mismatches(), 0);
        assert_eq!(self.tree.digest_mismatches(), 0);
        let kind = match snapshot.taker {
            Taker::Ours(_) => usize::from(tail.last_zxid > snapshot.head.zxid),
            Taker::Apache(_) => 2,
        };
        self.compared[kind] += 1;
        // The restored tree goes on in the live one's place.
        if self.one_in(2) {
            self.processor = processor_for(&restored);
            self.tree = restored;
        }
    }
}

impl Walk {
    fn begin(tree: &DataTree) -> (SnapshotHead, Self) {
        let mut walk = Walk {
            waiting: vec![String::new()],
            lists: Vec::new(),
        };
        while walk.slice(tree, usize::MAX, &mut |_, _| {}) {}
        walk.waiting.push(String::new());
        let sessions = tree.sessions().iter().map(|(&id, &ms)| (id, ms)).collect();
        let numbered = walk.lists.iter().zip(1..);
        let acls = numbered.map(|(list, id)| (id, list.clone())).collect();
        let head = SnapshotHead {
            zxid: tree.last_zxid(),
            sessions,
            acls,
        };
        (head, walk)
    }

    fn slice(
        &mut self,
        tree: &DataTree,
        budget: usize,
        keep: &mut dyn FnMut(&str, NodeImage),
    ) -> bool {
        for _ in 0..budget {
            let Some(path) = self.waiting.pop() else {
                return false;
            };
            // It may be gone by now.
            let Some(node) = tree.get(&path) else {
                continue;
            };
            let image = NodeImage {
                data: node.data().map(Arc::from),
                acl_id: self.number(node.acl()),
                stat: node.stored_stat().clone(),
            };
            keep(&path, image);
            let children = node.children().map(|name| format!("{path}/{name}"));
            self.waiting.extend(children);
        }
        true
    }

    fn number(&mut self, list: &AclList) -> i64 {
        let found = self.lists.iter().position(|known| known == list);
        let index = found.unwrap_or_else(|| {
            self.lists.push(list.clone());
            self.lists.len() - 1
        });
        index as i64 + 1
    }

    fn end(tree: &DataTree) -> SnapshotTail {
        let digest = DigestLogEntry {
            zxid: tree.last_zxid(),
            digest: tree.digest(),
        };
        SnapshotTail {
            digest,
            last_zxid: tree.last_zxid(),
        }
    }
}

impl Snapshot {
    fn restore(&self, tail: SnapshotTail) -> DataTree {
        let mut tree = DataTree::for_restore(tree_options());
        for (session, timeout_ms) in &self.head.sessions {
            tree.restore_session(*session, *timeout_ms);
        }
        for (id, list) in &self.head.acls {
            tree.restore_acl(*id, list);
        }
        for (path, image) in &self.nodes {
            let restored =
                tree.restore_node(path, image.data.as_deref(), image.acl_id, &image.stat);
            restored.expect("parents come first, and each znode once");
        }
        let digest = tail.digest;
        tree.restore_digest(self.head.zxid, digest.zxid, DIGEST_VERSION, digest.digest);
        tree.finish_restore(self.head.zxid);
        for record in &self.later {
            let record = TxnRecord::decode(record).expect("our own record");
            tree.apply(&record, &mut |_| {});
        }
        tree
    }
}

#[test]
fn a_restored_snapshot_with_what_followed_is_the_live_tree() {
    let mut compared = [0; 3];
    for seed in 0..SEEDS {
        let mut history = History::new(seed);
        for _ in 0..BATCHES {
            history.step();
        }
        Contents::of(&history.tree).check();
        for (sum, count) in compared.iter_mut().zip(history.compared) {
            *sum += count;
        }
    }
    println!("of one zxid, fuzzy, Apache's: {compared:?}");
    assert!(compared.iter().all(|count| *count > 1_000), "{compared:?}");
}
