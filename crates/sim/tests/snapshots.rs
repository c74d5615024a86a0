//! Snapshots of a tree that goes on changing, over random histories: restored and brought up to
//! date by replay, each is the live tree, in all that it holds.

use bytes::Bytes;
use datatree::{Cursor, DIGEST_VERSION, DataTree, NodeImage, SnapshotHead, SnapshotTail};
use processor::{Prepared, Processor};
use proto::Zxid;
use proto::txn::TxnRecord;
use rand::Rng;
use sim::server::{apply, prepare, processor_for, tree_options};
use sim::{Contents, Script};

const SEEDS: u64 = 300;
const BATCHES: usize = 150;

/// A snapshot being taken, and what was applied since it began.
struct Snapshot {
    head: SnapshotHead,
    cursor: Cursor,
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
    /// Restored and compared: snapshots of one zxid, and fuzzy ones.
    compared: [usize; 2],
}

impl History {
    fn new(seed: u64) -> Self {
        let tree = DataTree::new(tree_options());
        History {
            script: Script::new(seed),
            processor: processor_for(&tree),
            tree,
            snapshot: None,
            compared: [0; 2],
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
        let max_image_bytes = [0, 300, 3_000, usize::MAX][self.script.random().random_range(0..4)];
        let (head, cursor) = self.tree.begin_snapshot(max_image_bytes);
        self.snapshot = Some(Snapshot {
            head,
            cursor,
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
        let more = self
            .tree
            .snapshot_slice(&mut snapshot.cursor, budget, &mut keep);
        if !more {
            snapshot.tail = Some(self.tree.end_snapshot());
        }
    }

    fn compare(&mut self) {
        let snapshot = self.snapshot.take().expect("has ended");
        let tail = snapshot.tail.expect("has ended");
        let restored = snapshot.restore(tail);
        assert_eq!(Contents::of(&restored), Contents::of(&self.tree));
        assert_eq!(restored.digest_mismatches(), 0);
        assert_eq!(self.tree.digest_mismatches(), 0);
        self.compared[usize::from(tail.last_zxid > snapshot.head.zxid)] += 1;
        // The restored tree goes on in the live one's place.
        if self.one_in(2) {
            self.processor = processor_for(&restored);
            self.tree = restored;
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
    let mut compared = [0; 2];
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
    println!("of one zxid: {}, fuzzy: {}", compared[0], compared[1]);
    assert!(compared.iter().all(|count| *count > 1_000), "{compared:?}");
}
