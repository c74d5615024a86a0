//! A disk that keeps what it was given in a queue until it is written, and loses the queue in a crash.

use std::collections::VecDeque;

use proto::{Epoch, Zxid};
use quorum::{DiskOp, Found, Input, Ticket, Txn};

/// What survives a crash.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub accepted_epoch: Epoch,
    pub current_epoch: Epoch,
    pub snapshot: (Zxid, Vec<Txn>),
    pub log: Vec<Txn>,
}

impl Files {
    /// The tree that a start makes of them.
    pub fn tree(&self) -> (Zxid, Vec<Txn>) {
        let (zxid, mut tree) = self.snapshot.clone();
        let replayed = self.log.iter().filter(|txn| txn.zxid > zxid);
        tree.extend(replayed.cloned());
        (self.last_zxid(), tree)
    }

    /// Of that tree.
    pub fn last_zxid(&self) -> Zxid {
        let snapshot = self.snapshot.0;
        self.log
            .last()
            .map_or(snapshot, |txn| txn.zxid.max(snapshot))
    }

    pub fn found(&self) -> Found {
        let last_epoch = self.tree().0.epoch();
        assert!(
            self.current_epoch >= last_epoch,
            "no server starts from this directory"
        );
        Found {
            accepted_epoch: self.accepted_epoch,
            current_epoch: self.current_epoch,
            last_zxid: self.last_zxid(),
            recent: self.log.clone(),
        }
    }

    /// Whether a start would find this txn.
    pub fn has(&self, txn: &Txn) -> bool {
        self.log
            .iter()
            .rev()
            .chain(self.snapshot.1.iter().rev())
            .any(|other| other == txn)
    }

    /// The log from the last txn that is not behind `after`; None where it begins later.
    pub fn log_from(&self, after: Zxid) -> Option<Vec<Txn>> {
        let behind = self.log.partition_point(|txn| txn.zxid <= after);
        Some(self.log[behind.checked_sub(1)?..].to_vec())
    }

    /// A snapshot of the running tree; the log in front of it may go.
    pub fn snapshot(&mut self, zxid: Zxid, tree: Vec<Txn>, purge: bool) {
        if zxid <= self.snapshot.0 {
            return;
        }
        self.snapshot = (zxid, tree);
        if purge {
            self.log.retain(|txn| txn.zxid > zxid);
        }
    }

    /// False where a cut is refused.
    fn write(&mut self, op: DiskOp, received: Vec<Txn>) -> bool {
        match op {
            DiskOp::Append { zxid, record } => self.log.push(Txn { zxid, record }),
            DiskOp::AcceptedEpoch(epoch) => self.accepted_epoch = epoch,
            DiskOp::CurrentEpoch(epoch) => self.current_epoch = epoch,
            DiskOp::Truncate(zxid) if self.snapshot.0 > zxid => return false,
            DiskOp::Truncate(zxid) => self.log.retain(|txn| txn.zxid <= zxid),
            DiskOp::InstallSnapshot(zxid) => {
                self.current_epoch = self.current_epoch.max(zxid.epoch());
                self.snapshot = (zxid, received);
                self.log.clear();
            }
        }
        true
    }
}

#[derive(Debug, Default)]
pub struct Disk {
    pub files: Files,
    /// With the tree of the snapshot that is to be installed.
    queue: VecDeque<(Ticket, DiskOp, Vec<Txn>)>,
    /// Each `currentEpoch` that was written, and the end of the history at that moment.
    pub entered: Vec<(Epoch, Zxid)>,
}

impl Disk {
    pub fn push(&mut self, ticket: Ticket, op: DiskOp, received: Vec<Txn>) {
        self.queue.push_back((ticket, op, received));
    }

    /// Writes the first `count` operations, as one batch.
    pub fn write(&mut self, count: usize) -> Option<Input> {
        let mut done = None;
        for _ in 0..count {
            let Some((ticket, op, received)) = self.queue.pop_front() else {
                break;
            };
            if let DiskOp::CurrentEpoch(epoch) = op {
                self.entered.push((epoch, self.files.last_zxid()));
            }
            if !self.files.write(op, received) {
                return Some(Input::CutRefused(ticket));
            }
            done = Some(Input::Durable(ticket));
        }
        done
    }

    /// Some of what was queued may have been written, in its order.
    pub fn crash(&mut self, written: usize) {
        self.write(written);
        self.queue.clear();
    }

    /// Whether such an operation is queued.
    pub fn waits(&self, which: impl Fn(&DiskOp) -> bool) -> bool {
        self.queue.iter().any(|(_, op, _)| which(op))
    }

    pub fn queued(&self) -> usize {
        self.queue.len()
    }
}
