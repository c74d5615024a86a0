//! A member of an ensemble on one thread: the real peer, processor, tree, log and snapshots, on a simulated disk.
//!
//! Owns what one server does with what its peer says to disk and tree, in the peer's order. Must not know the network, nor when
//! the disk gets its turn: that is the test's.

use std::collections::VecDeque;
use std::error::Error;

use bytes::Bytes;
use database::{TreeReceiver, TreeRestore, TreeSender, install_tree};
use datatree::DataTree;
use persistence::{
    DEFAULT_MAX_FIELD_BYTES, LogRangeOptions, Notice, RecentLimit, RecoveryOptions, Rewound,
    TxnLog, TxnLogOptions, read_epochs, read_log_range, recover, rewind, write_accepted_epoch,
    write_current_epoch,
};
use processor::{Prepared, Processor, SessionTable, Unknown};
use proto::{Epoch, Zxid};
use quorum::{DiskOp, Found, Input, LogOnDisk, Peer, Settings, Ticket, Txn};

use crate::server::{self, Event, Layout, SEALS, tree_options};
use crate::{SimDir, SimDisk};

/// What a failed operation means to a test.
pub type Failure = Box<dyn Error>;

/// Something in the disk's queue, with the tree that is to be installed.
type Queued = (Ticket, DiskOp, Option<DataTree>);

/// One process of a server.
pub struct Member {
    /// What decides.
    pub peer: Peer,
    /// Makes txns while the peer leads.
    pub processor: Processor,
    tree: DataTree,
    /// Logged and not applied.
    tail: VecDeque<Txn>,
    snapshots: SimDir,
    logs: SimDir,
    log_options: TxnLogOptions,
    log: TxnLog<SimDir>,
    torn_tails: usize,
    queue: VecDeque<Queued>,
    /// The tree that was installed last, where it is not yet in use.
    installed: Option<DataTree>,
}

/// Txns of the log that a start keeps for learners that lag.
const RECENT: RecentLimit = RecentLimit {
    records: 500,
    bytes: 1 << 20,
};

/// Snapshots that a purge leaves.
const KEPT_SNAPSHOTS: usize = 3;

struct State {
    tree: DataTree,
    last_zxid: Zxid,
    recent: Vec<Txn>,
    torn_tails: usize,
}

/// Makes a tree of what the disk holds; a new database gets its first snapshot.
fn read(snapshots: &SimDir, logs: &SimDir) -> Result<State, Failure> {
    let options = RecoveryOptions {
        recent: RECENT,
        ..RecoveryOptions::default()
    };
    let recovered = recover(snapshots, logs, &options, || {
        TreeRestore::new(tree_options())
    })?;
    let txn = |(zxid, record)| Txn { zxid, record };
    let is_torn = |notice: &&Notice| matches!(notice, Notice::CutTail(_) | Notice::LeftTail(_));
    let torn_tails = recovered.notices.iter().filter(is_torn).count();
    Ok(State {
        tree: recovered.state.into_tree(),
        last_zxid: recovered.last_zxid,
        recent: recovered.recent.into_iter().map(txn).collect(),
        torn_tails,
    })
}

impl Member {
    /// Starts on a disk.
    pub fn start(
        settings: Settings,
        disk: &SimDisk,
        layout: Layout,
        log_options: TxnLogOptions,
    ) -> Result<Self, Failure> {
        let (snapshots, logs) = (disk.dir(layout.snapshots), disk.dir(layout.logs));
        let state = read(&snapshots, &logs)?;
        let epochs = read_epochs(&snapshots, state.last_zxid)?;
        let found = Found {
            accepted_epoch: epochs.accepted,
            current_epoch: epochs.current,
            last_zxid: state.last_zxid,
            recent: state.recent,
        };
        let mut member = Member {
            peer: Peer::member(settings, found),
            processor: server::processor_for(&state.tree),
            tree: state.tree,
            tail: VecDeque::new(),
            log: TxnLog::new(logs.clone(), log_options.clone()),
            snapshots,
            logs,
            log_options,
            torn_tails: state.torn_tails,
            queue: VecDeque::new(),
            installed: None,
        };
        if member.tree.last_zxid() == Zxid::ZERO {
            member.snapshot()?;
        }
        Ok(member)
    }

    /// What is applied.
    pub fn tree(&self) -> &DataTree {
        &self.tree
    }

    /// What makes txns, and what it makes them of.
    pub fn making(&mut self) -> (&mut Processor, &DataTree) {
        (&mut self.processor, &self.tree)
    }

    /// What is applied, for whoever applies more.
    pub fn tree_mut(&mut self) -> &mut DataTree {
        &mut self.tree
    }

    /// Ends of logs that the start found torn.
    pub fn torn_tails(&self) -> usize {
        self.torn_tails
    }

    /// The end of the log: of what is applied and the tail behind it.
    pub fn last_logged(&self) -> Zxid {
        let tail = self.tail.back().map(|txn| txn.zxid);
        tail.unwrap_or(self.tree.last_zxid())
    }

    /// Whether something is logged and not applied.
    pub fn has_tail(&self) -> bool {
        !self.tail.is_empty()
    }

    /// Whether the disk has something to do.
    pub fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// What the disk does next.
    pub fn next_op(&self) -> Option<&DiskOp> {
        self.queue.front().map(|(_, op, _)| op)
    }

    /// Puts an operation into the disk's queue; what it means for the tail is so at once.
    pub fn queue(&mut self, ticket: Ticket, op: DiskOp, received: Option<DataTree>) {
        match &op {
            DiskOp::Append { zxid, record } => self.tail.push_back(Txn {
                zxid: *zxid,
                record: record.clone(),
            }),
            DiskOp::Truncate(to) if *to >= self.tree.last_zxid() => {
                self.tail.retain(|txn| txn.zxid <= *to);
            }
            DiskOp::InstallSnapshot(_) => self.tail.clear(),
            _ => {}
        }
        self.queue.push_back((ticket, op, received));
    }

    /// Carries out up to `most` operations, as one batch.
    pub fn write(&mut self, most: usize) -> Result<Option<Input>, Failure> {
        let mut last = None;
        for _ in 0..most {
            let Some((ticket, op, received)) = self.queue.pop_front() else {
                break;
            };
            if !self.carry_out(op, received)? {
                return Ok(Some(Input::CutRefused(ticket)));
            }
            last = Some(Input::Durable(ticket));
        }
        self.log.commit()?;
        Ok(last)
    }

    /// What is in front of an operation that is no append is durable before it. False where a cut is refused.
    fn carry_out(&mut self, op: DiskOp, received: Option<DataTree>) -> Result<bool, Failure> {
        if let DiskOp::Append { zxid, record } = op {
            self.log.append(zxid, &record)?;
            return Ok(true);
        }
        self.log.commit()?;
        let (snapshots, logs, most) = (&self.snapshots, &self.logs, DEFAULT_MAX_FIELD_BYTES);
        match op {
            DiskOp::Append { .. } => {}
            DiskOp::AcceptedEpoch(epoch) => write_accepted_epoch(snapshots, epoch)?,
            DiskOp::CurrentEpoch(epoch) => write_current_epoch(snapshots, epoch)?,
            DiskOp::Truncate(to) => {
                let rewound = rewind(snapshots, logs, to, most)?;
                self.log = TxnLog::new(logs.clone(), self.log_options.clone());
                return Ok(rewound == Rewound::Reached);
            }
            DiskOp::InstallSnapshot(zxid) => {
                let mut tree = received.expect("a snapshot came");
                let form = server::compression(zxid);
                install_tree(&mut tree, snapshots, logs, form, SEALS, most)?;
                self.log = TxnLog::new(logs.clone(), self.log_options.clone());
                self.installed = Some(tree);
            }
        }
        Ok(true)
    }

    /// Takes the next txn up to this one from the tail, to be applied.
    pub fn next_committed(&mut self, up_to: Zxid) -> Option<Txn> {
        let next = self.tail.front()?;
        (next.zxid <= up_to).then(|| self.tail.pop_front())?
    }

    /// Applies the tail up to a txn.
    pub fn apply(&mut self, up_to: Zxid) {
        while let Some(Txn { zxid, record }) = self.next_committed(up_to) {
            server::apply(&mut self.processor, &mut self.tree, zxid, &record);
        }
        assert_eq!(self.tree.last_zxid(), up_to, "the tail lacks a txn");
    }

    /// The snapshot that was installed last is the tree. One before it, of a link that was lost, may never have been used.
    pub fn use_snapshot(&mut self) {
        self.tree = self.installed.take().expect("a tree is installed");
    }

    /// Reads the tree from disk again; returns its zxid.
    pub fn reload(&mut self) -> Result<Zxid, Failure> {
        let state = read(&self.snapshots, &self.logs)?;
        self.tree = state.tree;
        self.tail.clear();
        Ok(state.last_zxid)
    }

    /// A leader's reign begins, with these sessions.
    pub fn lead(&mut self, epoch: Epoch, sessions: SessionTable) {
        let first = Zxid::beginning_of(epoch);
        self.tree.begin_epoch(first);
        let sessions = sessions.saying(Unknown::HasEnded);
        self.processor.begin_epoch(first, sessions);
    }

    /// Makes a txn of an event while this member leads; None if it is refused without one.
    pub fn propose(&mut self, event: &Event) -> Option<Input> {
        match server::prepare(&mut self.processor, &self.tree, event) {
            Prepared::Refused(_) => None,
            Prepared::Txn { zxid, record } => Some(Input::Propose { zxid, record }),
        }
    }

    /// Writes a snapshot of the tree beside the log.
    pub fn snapshot(&mut self) -> Result<(), Failure> {
        let (head, cursor) = self.tree.begin_snapshot(usize::MAX);
        let form = server::compression(head.zxid);
        let mut snapshot =
            database::TreeSnapshot::begin(self.snapshots.clone(), &head, cursor, form)?;
        while snapshot.read_slice(&self.tree, 7) {}
        let tail = self.tree.end_snapshot();
        snapshot.finish(tail, SEALS)?;
        Ok(())
    }

    /// Removes old snapshots and logs.
    pub fn purge(&self) -> Result<(), Failure> {
        persistence::purge(&self.snapshots, &self.logs, KEPT_SNAPSHOTS)?;
        Ok(())
    }

    /// The bytes that follow SNAP.
    pub fn stream(&mut self) -> Vec<Bytes> {
        let (head, cursor) = self.tree.begin_snapshot(usize::MAX);
        let mut sender = TreeSender::begin(&head, cursor);
        let mut pieces = Vec::new();
        while sender.read_slice(&self.tree, 7) {
            pieces.push(sender.take());
        }
        self.tree.end_snapshot();
        pieces.push(sender.finish());
        pieces
    }

    /// The tree that such bytes make.
    pub fn receive(pieces: &[Bytes], zxid: Zxid) -> Result<DataTree, Failure> {
        let mut receiver = TreeReceiver::new(tree_options(), DEFAULT_MAX_FIELD_BYTES);
        for piece in pieces {
            receiver.receive(piece)?;
        }
        Ok(receiver.into_tree(zxid)?)
    }

    /// What the log on disk has between two txns, unless it is too much.
    pub fn read_log(&self, after: Zxid, up_to: Zxid, max_bytes: u64) -> Result<LogOnDisk, Failure> {
        let options = LogRangeOptions {
            after,
            up_to,
            max_bytes,
            max_record_bytes: DEFAULT_MAX_FIELD_BYTES,
        };
        let found = read_log_range(&self.snapshots, &self.logs, &options)?;
        Ok(found.map_or(LogOnDisk::Useless, |range| LogOnDisk::Txns {
            base: range.base,
            txns: range
                .records
                .into_iter()
                .map(|(zxid, record)| Txn { zxid, record })
                .collect(),
        }))
    }
}
