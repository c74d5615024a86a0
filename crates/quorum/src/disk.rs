//! The disk's queue, as a role sees it: what was put in, and how far it is durable.

use std::fmt;

use bytes::Bytes;
use proto::{Epoch, Zxid};

/// Number of an operation in the disk's queue. Durability is one number: all up to it are on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Something to do on disk, in the order of the tickets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskOp {
    /// Add a record to the txn log.
    Append {
        /// The txn's number.
        zxid: Zxid,
        /// Header, txn and digest.
        record: Bytes,
    },
    /// Remove every record behind this txn, and set newer snapshots aside.
    Truncate(Zxid),
    /// Write `acceptedEpoch`.
    AcceptedEpoch(Epoch),
    /// Write `currentEpoch`.
    CurrentEpoch(Epoch),
    /// The snapshot that was received takes the place of all that is there; in the same step `currentEpoch` becomes at least
    /// its epoch.
    InstallSnapshot(Zxid),
}

/// Gives tickets, and knows what is durable.
#[derive(Debug, Default)]
pub(crate) struct Tickets {
    last: Ticket,
    durable: Ticket,
}

impl Tickets {
    /// For the next operation.
    pub fn next(&mut self) -> Ticket {
        self.last.0 += 1;
        self.last
    }

    /// All up to this one are on disk.
    pub fn durable(&mut self, ticket: Ticket) {
        assert!(ticket <= self.last, "ticket {ticket} was never given");
        self.durable = self.durable.max(ticket);
    }

    pub fn is_durable(&self, ticket: Ticket) -> bool {
        ticket <= self.durable
    }
}
