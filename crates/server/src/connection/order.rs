//! The order of one session's replies: what is in the pipeline, and what is held behind it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use processor::Identities;
use proto::OpCode;

use crate::limits;

/// A request that waits for the session's earlier writes.
#[derive(Clone, Debug)]
pub struct Held {
    /// The client's number of it.
    pub xid: i32,
    /// What it asks for.
    pub op: OpCode,
    /// Behind its header.
    pub body: Bytes,
    /// Who the client was when it was read.
    pub identities: Arc<Identities>,
    /// When it was read; monotonic ms.
    pub received_ms: i64,
    /// About how large the reply will be; 0 while few are held.
    pub expected_bytes: usize,
}

/// Bytes of a request header.
pub(super) const HEADER_BYTES: usize = 8;

impl Held {
    /// Bytes of the frame that it came in, header and body.
    pub fn frame_bytes(&self) -> usize {
        HEADER_BYTES + self.body.len()
    }
}

#[derive(Debug)]
enum Entry {
    /// In the pipeline; the replica answers it.
    Pending,
    Held(Held),
}

/// The queue. Empty when each request was answered.
#[derive(Debug, Default)]
pub struct Order {
    entries: VecDeque<Entry>,
    held_bytes: usize,
    expected_bytes: usize,
    pending: usize,
    waits_for_room: bool,
}

impl Order {
    /// Is each request answered?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Requests in the pipeline.
    pub fn pending(&self) -> usize {
        self.pending
    }

    /// A request goes into the pipeline.
    pub fn push_pending(&mut self) {
        self.pending += 1;
        self.entries.push_back(Entry::Pending);
    }

    /// Requests that wait behind the pipeline.
    pub fn held(&self) -> usize {
        self.entries.len() - self.pending
    }

    /// A request waits behind the pipeline.
    pub fn push_held(&mut self, held: Held) {
        self.held_bytes += held.body.len();
        self.expected_bytes += held.expected_bytes;
        self.entries.push_back(Entry::Held(held));
    }

    /// May no more requests wait?
    pub fn is_full(&self) -> bool {
        self.held_bytes >= limits::MAX_HELD_BYTES
            || self.expected_bytes >= limits::MAX_OUTBOUND_BYTES
            || self.entries.len() >= limits::MAX_HELD_REQUESTS
    }

    /// The oldest request was answered by the pipeline. Says how many there were.
    pub fn pop_pending(&mut self) -> usize {
        let waiting = self.entries.len();
        let oldest = self.entries.pop_front();
        assert!(
            matches!(oldest, Some(Entry::Pending)),
            "answered {oldest:?} before its turn"
        );
        self.pending -= 1;
        waiting
    }

    /// The oldest request, if it is one that is held and whose turn it is. It keeps its place while
    /// it is executed, so that one that comes meanwhile waits behind it.
    pub fn next_held(&self) -> Option<Held> {
        match self.entries.front()? {
            Entry::Held(held) => Some(held.clone()),
            Entry::Pending => None,
        }
    }

    /// The oldest request was held and is answered.
    pub fn pop_held(&mut self) {
        let oldest = self.entries.pop_front();
        let Some(Entry::Held(held)) = oldest else {
            panic!("answered {oldest:?} as if it was held");
        };
        self.held_bytes -= held.body.len();
        self.expected_bytes -= held.expected_bytes;
    }

    /// Does the oldest request have its turn, but no room for its reply?
    pub fn waits_for_room(&self) -> bool {
        self.waits_for_room
    }

    /// Remembers that, for the connection's task, which goes on when there is room.
    pub fn set_waits_for_room(&mut self, waits: bool) {
        self.waits_for_room = waits;
    }
}

// The model's bounds are too tiny for these.
#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;

    fn held(xid: i32) -> Held {
        Held {
            xid,
            op: OpCode::GET_DATA,
            body: Bytes::from_static(b"abc"),
            identities: Arc::default(),
            received_ms: 0,
            expected_bytes: 1 << 20,
        }
    }

    #[test]
    fn what_is_held_waits_for_each_write_before_it() {
        let mut order = Order::default();
        order.push_pending();
        order.push_held(held(1));
        order.push_pending();
        order.push_held(held(2));
        let next = |order: &Order| order.next_held().map(|held| held.xid);
        assert_eq!(next(&order), None);
        order.pop_pending();
        assert_eq!(next(&order), Some(1));
        order.pop_held();
        assert_eq!(next(&order), None);
        order.pop_pending();
        assert_eq!(next(&order), Some(2));
        order.pop_held();
        assert!(order.is_empty());
        assert_eq!(order.held_bytes, 0);
    }

    #[test]
    fn large_replies_to_come_fill_the_order() {
        let mut order = Order::default();
        let room = limits::MAX_OUTBOUND_BYTES >> 20;
        (0..room as i32).for_each(|xid| order.push_held(held(xid)));
        assert!(order.is_full());
        order.pop_held();
        assert!(!order.is_full());
        assert_eq!(order.held(), room - 1);
    }

    #[test]
    fn what_comes_while_a_held_one_is_executed_waits_behind_it() {
        let mut order = Order::default();
        order.push_held(held(1));
        let executed = order.next_held().unwrap();
        assert!(!order.is_empty(), "{} keeps its place", executed.xid);
        order.push_held(held(2));
        order.pop_held();
        assert_eq!(order.next_held().unwrap().xid, 2);
    }

    #[test]
    #[should_panic(expected = "before its turn")]
    fn an_answer_out_of_turn_is_a_bug() {
        let mut order = Order::default();
        order.push_held(held(1));
        order.pop_pending();
    }
}
