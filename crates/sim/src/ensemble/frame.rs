//! What clients and servers say to each other, and the pipes that it goes through.

use std::collections::VecDeque;

use bytes::Bytes;
use proto::{Epoch, ErrorCode, EventType, OpCode, SessionId, Sid, Zxid};

/// One process of a server; a number tells it from those before it.
pub type Who = (Sid, u64);

/// A client's connection. No number comes twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// From a client.
#[derive(Clone, Debug)]
pub enum ToServer {
    /// The first frame.
    Connect {
        /// None for a new session.
        session: SessionId,
        /// In ms.
        timeout_ms: i32,
        /// The newest state that the client has seen.
        last_zxid: Zxid,
    },
    /// Any later one.
    Request {
        /// The client's number for it.
        xid: i32,
        /// What is asked.
        op: OpCode,
        /// The request's record.
        body: Bytes,
    },
    /// The client has closed the connection.
    Closed,
}

/// To a client.
#[derive(Clone, Debug)]
pub enum ToClient {
    /// The session is there.
    Connected {
        /// Which.
        session: SessionId,
        /// In ms.
        timeout_ms: i32,
    },
    /// The session is gone, for a server that serves in this epoch.
    Expired(Epoch),
    /// An answer.
    Reply {
        /// Of the request.
        xid: i32,
        /// Of the tree.
        zxid: Zxid,
        /// The result.
        err: ErrorCode,
        /// Its record.
        body: Bytes,
    },
    /// A watch event.
    Event {
        /// Of the change; -1 where it was missed.
        zxid: Zxid,
        /// What happened.
        kind: EventType,
        /// To which znode.
        path: String,
    },
    /// The server has closed the connection.
    Closed,
}

/// One direction of a connection: in order, each frame at a time of its own.
#[derive(Debug)]
pub struct Pipe<T> {
    queue: VecDeque<T>,
    last_arrival_ms: u64,
}

impl<T> Default for Pipe<T> {
    fn default() -> Self {
        Pipe {
            queue: VecDeque::new(),
            last_arrival_ms: 0,
        }
    }
}

impl<T> Pipe<T> {
    /// Puts a frame in; returns when it arrives if nothing holds it up.
    pub fn push(&mut self, frame: T, now_ms: u64, delay_ms: u64) -> u64 {
        self.queue.push_back(frame);
        self.last_arrival_ms = (now_ms + delay_ms).max(self.last_arrival_ms);
        self.last_arrival_ms
    }

    /// The next frame.
    pub fn pop(&mut self) -> Option<T> {
        self.queue.pop_front()
    }

    /// What is under way.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// All that is under way is lost.
    pub fn clear(&mut self) {
        self.queue.clear();
    }
}
