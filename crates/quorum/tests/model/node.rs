//! One server: a peer, its disk, and a tree that is the list of the txns it was made from.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};
use quorum::election::{Notification, PeerState, Proposal};
use quorum::{DiskOp, Input, LogOnDisk, Output, Peer, Settings, Ticket, Txn};

use super::disk::Disk;

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

    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it runs")
    }

    /// Puts an operation into the disk's queue; what it means for the tail is so at once.
    pub fn queue(&mut self, ticket: Ticket, op: DiskOp) {
        let process = self.process.as_mut().expect("it runs");
        let received = process.log(&op);
        self.disk.push(ticket, op, received);
    }

    /// The log behind a txn is gone: the tree is read again. Returns its zxid.
    pub fn reload(&mut self, to: Zxid) -> Zxid {
        let (last, tree) = self.disk.files.tree();
        assert!(last <= to, "the log is not cut");
        let process = self.process();
        process.tree = tree;
        process.tree_zxid = last;
        process.tail.clear();
        last
    }

    pub fn read_log(&self, after: Zxid, up_to: Zxid) -> LogOnDisk {
        let Some(mut txns) = self.disk.files.log_from(after) else {
            return LogOnDisk::Useless;
        };
        txns.retain(|txn| txn.zxid <= up_to);
        let base = txns.remove(0).zxid;
        LogOnDisk::Txns { base, txns }
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

    /// Returns the tree of a snapshot that is to be installed.
    fn log(&mut self, op: &DiskOp) -> Vec<Txn> {
        match op {
            DiskOp::Append { zxid, record } => {
                self.tail.insert(*zxid, record.clone());
            }
            DiskOp::Truncate(zxid) if *zxid >= self.tree_zxid => {
                self.tail.retain(|logged, _| logged <= zxid);
            }
            DiskOp::InstallSnapshot(_) => {
                self.tail.clear();
                self.installing.push_back(self.received.clone());
                return self.received.clone();
            }
            _ => {}
        }
        Vec::new()
    }

    pub fn use_snapshot(&mut self, zxid: Zxid) {
        self.tree = self.installing.pop_front().expect("a snapshot");
        self.tree_zxid = zxid;
    }

    /// A leader's zxids go on from the beginning of its epoch.
    pub fn serve(&mut self, state: PeerState, epoch: Epoch) {
        self.serving = Some((state, epoch));
        if state == PeerState::Leading {
            self.last_proposed = Zxid::beginning_of(epoch);
            self.tree_zxid = self.last_proposed;
        }
    }

    pub fn stop_serving(&mut self) {
        self.serving = None;
        self.waiting.clear();
    }

    /// Of tree and tail; a tree's zxid may be the beginning of an epoch, which no log has.
    pub fn last_txn(&self) -> Zxid {
        let tail = self.tail.last_key_value().map(|(zxid, _)| *zxid);
        let tree = self.tree.last().map(|txn| txn.zxid);
        tail.or(tree).unwrap_or(Zxid::ZERO)
    }

    pub fn leads(&self) -> bool {
        self.state == PeerState::Leading
    }

    /// The number of a leader's next txn.
    pub fn next_zxid(&mut self) -> Zxid {
        self.last_proposed = self.last_proposed.next();
        self.last_proposed
    }

    /// The tree that is sent to a learner.
    pub fn stream(&self, zxid: Zxid) -> Vec<Txn> {
        assert_eq!(self.tree_zxid, zxid, "another tree than was announced");
        self.tree.clone()
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
