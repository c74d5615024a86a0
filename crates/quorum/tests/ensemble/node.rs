//! One server: a peer, its disk, and a tree that is the list of the txns it was made from.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};
use quorum::election::{Notification, PeerState, Proposal};
use quorum::{Input, Output, Peer, Settings, Txn};

use crate::disk::Disk;

/// What ends with the process.
#[derive(Debug)]
pub struct Process {
    pub peer: Peer,
    pub tree: Vec<Txn>,
    pub tree_zxid: Zxid,
    /// Logged and not applied.
    pub tail: BTreeMap<Zxid, Bytes>,
    pub state: PeerState,
    pub serving: Option<(PeerState, Epoch)>,
    pub last_proposed: Zxid,
    /// Writes of its own clients that wait.
    pub waiting: BTreeSet<Bytes>,
    /// The tree of the last snapshot that came whole.
    pub received: Vec<Txn>,
    /// Of those that are on their way to the disk.
    pub installing: VecDeque<Vec<Txn>>,
    pub timer_ms: Option<u64>,
}

#[derive(Debug)]
pub struct Node {
    pub settings: Settings,
    pub disk: Disk,
    pub process: Option<Process>,
    /// Of every process that ever ran here: an old process's events are told apart by it.
    pub incarnation: u64,
    /// The newest vote for each other server, which is sent again when that one comes back.
    pub votes: BTreeMap<Sid, Notification>,
    pub disk_is_busy: bool,
}

impl Node {
    pub fn new(settings: Settings) -> Self {
        Node {
            settings,
            disk: Disk::default(),
            process: None,
            incarnation: 0,
            votes: BTreeMap::new(),
            disk_is_busy: false,
        }
    }

    pub fn start(&mut self) {
        let (tree_zxid, tree) = self.disk.files.tree();
        self.incarnation += 1;
        self.disk_is_busy = false;
        self.process = Some(Process {
            peer: Peer::member(self.settings.clone(), self.disk.files.found()),
            tree,
            tree_zxid,
            tail: BTreeMap::new(),
            state: PeerState::Looking,
            serving: None,
            last_proposed: Zxid::ZERO,
            waiting: BTreeSet::new(),
            received: Vec::new(),
            installing: VecDeque::new(),
            timer_ms: None,
        });
    }
}

impl Process {
    /// Leader and epoch, as a server hears them that looks for a leader and is in no configuration.
    pub fn vote_told(&mut self, now_ms: u64) -> (Sid, Epoch) {
        const STRANGER: Sid = Sid(99);
        let asking = Notification {
            state: PeerState::Looking,
            proposal: Proposal {
                epoch: Epoch(0),
                zxid: Zxid::ZERO,
                leader: STRANGER,
            },
            round: 1,
            version: 2,
            config: None,
        };
        let mut outputs = Vec::new();
        self.peer
            .handle(now_ms, Input::Vote(STRANGER, asking), &mut outputs);
        match &outputs[..] {
            [Output::Vote(STRANGER, vote)] => (vote.proposal.leader, vote.proposal.epoch),
            other => panic!("a stranger is answered with {other:?}"),
        }
    }

    /// Applies the tail up to a txn; returns how long the tree was.
    pub fn apply(&mut self, up_to: Zxid) -> usize {
        let before = self.tree.len();
        while let Some(entry) = self
            .tail
            .first_entry()
            .filter(|entry| *entry.key() <= up_to)
        {
            let (zxid, record) = entry.remove_entry();
            self.tree.push(Txn { zxid, record });
        }
        assert!(
            self.tree.last().is_some_and(|txn| txn.zxid == up_to),
            "{up_to} is not in the tail"
        );
        self.tree_zxid = up_to;
        before
    }
}
