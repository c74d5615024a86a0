//! Trees on their way from a leader to a learner, over random histories: sent while they go on
//! changing, received in pieces of every size, each is the tree as it was when it was begun.

mod common;

use bytes::Bytes;
use common::damage;
use database::{SealRules, TreeReceiver, TreeSender, install_tree};
use datatree::DataTree;
use persistence::{
    Compression, DEFAULT_MAX_FIELD_BYTES, Received, Start, TransferError, TxnLogOptions,
};
use processor::{Prepared, Processor};
use proto::Zxid;
use rand::Rng;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sim::server::{apply, prepare, processor_for, recover_tree, tree_options};
use sim::{Contents, Crash, Event, Layout, Script, SimDisk, SimServer, fuzz};

const SEEDS: u64 = 100;
const ROUNDS: u64 = 2_000;
const FORMS: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Snappy];

/// A tree in the middle of its history.
struct Live {
    script: Script,
    tree: DataTree,
    processor: Processor,
}

impl Live {
    fn new(seed: u64, events: usize) -> Self {
        let tree = DataTree::new(tree_options());
        let mut live = Live {
            script: Script::new(seed),
            processor: processor_for(&tree),
            tree,
        };
        live.go_on(events);
        live
    }

    fn go_on(&mut self, events: usize) {
        for _ in 0..events {
            let mut sessions: Vec<_> = self.tree.sessions().keys().copied().collect();
            sessions.sort_unstable();
            let event = self.script.next(&self.tree, &sessions);
            if let Prepared::Txn { zxid, record } = prepare(&mut self.processor, &self.tree, &event)
            {
                apply(&mut self.processor, &mut self.tree, zxid, &record);
            }
        }
    }

    /// The pieces that are sent, with events between them.
    fn send(&mut self, events: usize) -> (Zxid, Vec<Bytes>) {
        let (head, cursor) = self.tree.begin_snapshot(usize::MAX);
        let mut sender = TreeSender::begin(&head, cursor);
        let mut pieces = Vec::new();
        loop {
            let budget = self.script.random().random_range(1..=5);
            let more = sender.read_slice(&self.tree, budget);
            self.go_on(events);
            if !more {
                break;
            }
            pieces.push(sender.take());
        }
        pieces.push(sender.finish());
        self.tree.end_snapshot();
        (head.zxid, pieces)
    }
}

fn receiver() -> TreeReceiver {
    TreeReceiver::new(tree_options(), DEFAULT_MAX_FIELD_BYTES)
}

/// Receives a stream, with the next packet behind it, in pieces whose sizes `next` tells.
fn receive(stream: &[u8], zxid: Zxid, mut next: impl FnMut() -> usize) -> DataTree {
    let with_next_packet = [stream, b"the next packet"].concat();
    let (mut receiver, mut taken) = (receiver(), 0);
    loop {
        let rest = &with_next_packet[taken..];
        let piece = &rest[..next().min(rest.len())];
        match receiver.receive(piece).unwrap() {
            Received::More => taken += piece.len(),
            Received::End { used } => {
                assert_eq!(taken + used, stream.len());
                assert_eq!(receiver.receive(b"x").unwrap(), Received::End { used: 0 });
                return receiver.into_tree(zxid).unwrap();
            }
        }
    }
}

fn small_stream() -> (Live, Zxid, Vec<u8>) {
    let mut live = Live::new(1, 40);
    let (zxid, pieces) = live.send(0);
    (live, zxid, pieces.concat())
}

#[test]
fn a_tree_that_was_sent_is_the_tree_that_is_received() {
    let mut sent = 0;
    for seed in 0..SEEDS {
        let mut live = Live::new(seed, 300);
        let before = Contents::of(&live.tree);
        let (zxid, pieces) = live.send(3);
        let stream = pieces.concat();
        sent += stream.len();
        let mut random = SmallRng::seed_from_u64(seed);
        for largest in [1, 10, 1_000, usize::MAX] {
            let tree = receive(&stream, zxid, || random.random_range(1..=largest));
            assert_eq!(Contents::of(&tree), before, "seed {seed}");
        }
    }
    assert!(sent > SEEDS as usize * 2_000, "only {sent} bytes");
}

#[test]
fn a_tree_that_is_installed_is_the_one_that_is_recovered() {
    let rules = SealRules {
        digest: true,
        last_zxid: true,
    };
    let layout = Layout {
        snapshots: "data",
        logs: "log",
    };
    for (seed, form) in (0..30).zip(FORMS.into_iter().cycle()) {
        let disk = SimDisk::new();
        let mut old = SimServer::start(&disk, layout, TxnLogOptions::default()).unwrap();
        for _ in 0..seed {
            old.submit(&Event::Connect(4000)).unwrap();
            old.commit().unwrap();
        }
        let mut live = Live::new(seed, 200);
        let (zxid, pieces) = live.send(0);
        let mut tree = receive(&pieces.concat(), zxid, || 1_000);
        let (snapshots, logs) = (disk.dir("data"), disk.dir("log"));
        let limit = DEFAULT_MAX_FIELD_BYTES;
        install_tree(&mut tree, &snapshots, &logs, form, rules, limit).unwrap();
        let (recovered, start) = recover_tree(&disk.crash(Crash::Power), layout).unwrap();
        assert_eq!(start, Start::Snapshot(zxid));
        assert_eq!(Contents::of(&recovered), Contents::of(&live.tree));
        assert_eq!(Contents::of(&tree), Contents::of(&live.tree));
    }
}

#[test]
fn pieces_of_every_size_make_the_same_tree() {
    let (live, zxid, stream) = small_stream();
    let before = Contents::of(&live.tree);
    for size in 1..=stream.len() {
        let tree = receive(&stream, zxid, || size);
        assert_eq!(Contents::of(&tree), before, "pieces of {size}");
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_is_no_tree() {
    let (_, zxid, stream) = small_stream();
    for cut in 0..stream.len() {
        let mut receiver = receiver();
        assert_eq!(receiver.receive(&stream[..cut]).unwrap(), Received::More);
        let error = receiver.into_tree(zxid).unwrap_err();
        assert!(matches!(error, TransferError::Unfinished { .. }), "{error}");
    }
}

#[test]
fn a_stream_without_its_signature_is_an_error_at_once() {
    let (_, _, stream) = small_stream();
    let body = &stream[..stream.len() - 14];
    let wrong: [&[u8]; 6] = [
        b"\0\0\0\x0aBenWasGone",
        b"\0\0\0\x0bBenWasHere!",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\0\0\0\x0aX",
        b"\x7f",
    ];
    for signature in wrong {
        let stream = [body, signature].concat();
        let error = receiver().receive(&stream).unwrap_err();
        assert!(error.to_string().contains("signature"), "{error}");
    }
}

#[test]
fn lengths_beyond_the_limit_are_refused_before_their_bytes_come() {
    let long = i32::try_from(DEFAULT_MAX_FIELD_BYTES).unwrap() + 1;
    let heads: [&[i32]; 3] = [
        // No session, no list, and a path; a path and data; a list's scheme.
        &[0, 0, long],
        &[0, 0, 0, long],
        &[0, 1, 0, 1, 1, 31, long],
    ];
    for head in heads {
        let bytes: Vec<u8> = head.iter().flat_map(|int| int.to_be_bytes()).collect();
        let error = receiver().receive(&bytes).unwrap_err();
        assert!(
            matches!(error, TransferError::TooLong { length, .. } if length == long),
            "{head:?}: {error}"
        );
    }
}

#[test]
fn a_stream_with_any_damage_is_a_tree_or_refused() {
    let (_, _, sound) = small_stream();
    let mut random = SmallRng::seed_from_u64(3);
    let mut refused = 0;
    for _ in 0..ROUNDS {
        let mut bytes = sound.clone();
        let range = 0..bytes.len();
        damage(&mut bytes, range, &mut random);
        let piece = random.random_range(1..=bytes.len().max(1));
        refused += u64::from(fuzz::transfer(&bytes, piece).is_none());
    }
    // There is no checksum: what hits the data of a znode is not found.
    assert!(
        (ROUNDS / 10..ROUNDS).contains(&refused),
        "refused {refused}"
    );
}
