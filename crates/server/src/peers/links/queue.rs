//! What waits to be sent on a link.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::sync::Notify;

use super::stream::Chunks;
use crate::limits::MAX_LINK_QUEUE_BYTES;
use crate::sync::Mutex;

/// Something to send.
#[derive(Debug)]
pub(super) enum Item<T> {
    /// A packet, and what it weighs.
    Packet(T, usize),
    /// Raw bytes between packets.
    Stream(Chunks),
}

/// Filled by whoever has the link, emptied by its writer.
#[derive(Debug)]
pub(super) struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    /// For the writer.
    filled: Notify,
    /// For the link.
    ended: Notify,
}

#[derive(Debug)]
struct Waiting<T> {
    items: VecDeque<Item<T>>,
    /// Of items that are not yet written.
    bytes: usize,
    end: Option<QueueEnd>,
    /// When the oldest of them came.
    since: Option<Instant>,
    /// How long the oldest of those waited that were taken last.
    last_wait_ms: u64,
}

impl<T> Waiting<T> {
    fn take(&mut self) -> VecDeque<Item<T>> {
        if let Some(since) = self.since.take() {
            self.last_wait_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        }
        std::mem::take(&mut self.items)
    }
}

/// What is found by who appends.
#[derive(Clone, Copy, Debug)]
pub struct Pushed {
    /// Items that wait, with this one.
    pub waiting: usize,
    /// ms that the oldest of those waited that were taken last.
    pub last_wait_ms: u64,
}

/// Why a queue takes and gives nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueEnd {
    /// More bytes waited than may.
    Full(usize),
    /// The owner has ended it.
    Ended,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue {
            waiting: Mutex::new(Waiting {
                items: VecDeque::new(),
                bytes: 0,
                end: None,
                since: None,
                last_wait_ms: 0,
            }),
            filled: Notify::new(),
            ended: Notify::new(),
        }
    }
}

impl<T> Queue<T> {
    /// Appends, unless the queue has ended. Past its bound it ends.
    pub(super) fn push(&self, item: Item<T>) -> Option<Pushed> {
        let mut waiting = self.waiting.lock();
        if waiting.end.is_some() {
            return None;
        }
        waiting.since.get_or_insert_with(Instant::now);
        if let Item::Packet(_, weight) = &item {
            waiting.bytes += weight;
        }
        waiting.items.push_back(item);
        let bytes = waiting.bytes;
        let pushed = Pushed {
            waiting: waiting.items.len(),
            last_wait_ms: waiting.last_wait_ms,
        };
        drop(waiting);
        match bytes > MAX_LINK_QUEUE_BYTES {
            true => self.end(QueueEnd::Full(bytes)),
            false => self.filled.notify_one(),
        }
        Some(pushed)
    }

    /// Items that wait to be taken, and the weight of what is not yet written.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let waiting = self.waiting.lock();
        (waiting.items.len(), waiting.bytes)
    }

    /// Ends the queue; what waits is not sent. The first end counts.
    pub(super) fn end(&self, end: QueueEnd) {
        let mut waiting = self.waiting.lock();
        waiting.end.get_or_insert(end);
        waiting.items.clear();
        self.ended.notify_one();
    }

    /// All that waits: at least one item. For the writer alone.
    pub(super) async fn next(&self) -> VecDeque<Item<T>> {
        loop {
            let items = self.waiting.lock().take();
            if !items.is_empty() {
                return items;
            }
            self.filled.notified().await;
        }
    }

    /// So many bytes are with the system now.
    pub(super) fn written(&self, bytes: usize) {
        self.waiting.lock().bytes -= bytes;
    }

    /// Waits for the end. For the link alone.
    pub(super) async fn ended(&self) -> QueueEnd {
        loop {
            if let Some(end) = self.waiting.lock().end {
                return end;
            }
            self.ended.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_that_waits_comes_at_once_and_in_order() {
        let queue = Queue::default();
        for packet in 1..=3 {
            queue.push(Item::Packet(packet, 10));
        }
        let items = queue.next().await.into_iter();
        let packets = items.map(|item| match item {
            Item::Packet(packet, _) => packet,
            Item::Stream(_) => 0,
        });
        assert_eq!(packets.collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn what_is_taken_counts_until_it_is_written() {
        let queue = Queue::default();
        queue.push(Item::Packet((), MAX_LINK_QUEUE_BYTES));
        queue.next().await;
        queue.written(1);
        queue.push(Item::Packet((), 1));
        assert_eq!(queue.waiting.lock().end, None);
        queue.push(Item::Packet((), 1));
        assert_eq!(
            queue.ended().await,
            QueueEnd::Full(MAX_LINK_QUEUE_BYTES + 1)
        );
    }

    #[tokio::test]
    async fn an_ended_queue_takes_nothing_more() {
        let queue = Queue::default();
        queue.push(Item::Packet((), 1));
        queue.end(QueueEnd::Ended);
        queue.push(Item::Packet((), MAX_LINK_QUEUE_BYTES));
        assert_eq!(queue.ended().await, QueueEnd::Ended);
        assert!(queue.waiting.lock().items.is_empty());
    }
}
