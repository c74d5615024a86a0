//! The server's role: what is proposed, when it is durable, when it is applied.
//!
//! A state machine without I/O: [`Peer::handle`] takes one input and says what is to be done.
//! Owns the order of log and apply. Must not know what a txn says, nor clocks, sockets or files.
//! So far there is one role: a server on its own. [`election`] waits for the roles that elect.

pub mod election;
pub mod packet;
mod standalone;
pub mod verifier;

use std::fmt;

use bytes::Bytes;
use proto::Zxid;

use standalone::Standalone;

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
}

/// What happens to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The processor made a txn; zxids rise one by one within an epoch.
    Propose {
        /// Its number.
        zxid: Zxid,
        /// Header, txn and digest.
        record: Bytes,
    },
    /// All disk operations up to this one are durable.
    Durable(Ticket),
}

/// What a peer wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Put this into the disk's queue.
    Disk(Ticket, DiskOp),
    /// Apply all txns up to this one.
    Apply {
        /// The last committed txn.
        up_to: Zxid,
    },
}

/// A role's fields cannot outlive the role.
#[derive(Debug)]
enum Role {
    Standalone(Standalone),
}

/// One server.
#[derive(Debug)]
pub struct Peer {
    role: Role,
}

impl Peer {
    /// A server on its own, which goes on after `last_zxid`.
    pub fn standalone(last_zxid: Zxid) -> Self {
        Peer {
            role: Role::Standalone(Standalone::new(last_zxid)),
        }
    }

    /// Takes one input; what is to be done goes to `outputs`.
    pub fn handle(&mut self, input: Input, outputs: &mut Vec<Output>) {
        match &mut self.role {
            Role::Standalone(role) => role.handle(input, outputs),
        }
    }
}
