//! One connection, from its first byte to its last.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use quorum::LinkId;
use quorum::packet::Limits;

use super::super::guard::PeerStream;
use super::intake::Intake;
use super::queue::{Item, Pushed, Queue, QueueEnd};
use super::stream::{StreamSource, stream};
use super::{DownReason, Events, LinkEvent, Side, reader, tell_end, writer};

/// What is sent on a connection goes here. It does not keep the connection.
#[derive(Debug)]
pub struct Link<S: Side> {
    id: LinkId,
    remote: SocketAddr,
    queue: Queue<S::Sent>,
    sent: AtomicU64,
}

impl<S: Side> Link<S> {
    /// Which.
    pub fn id(&self) -> LinkId {
        self.id
    }

    /// The other end.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Sends it behind all that was sent before. On a link that is gone it is dropped; a link on which too much waits goes
    /// down.
    pub fn send(&self, packet: S::Sent) {
        self.put(packet);
    }

    /// Sends it, and says what waits. None where the link is gone.
    pub fn put(&self, packet: S::Sent) -> Option<Pushed> {
        self.sent.fetch_add(1, Relaxed);
        let weight = S::weight(&packet);
        self.queue.push(Item::Packet(packet, weight))
    }

    /// Packets that were sent since it was made, or since that was forgotten.
    pub fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// What was sent is counted anew.
    pub fn forget_sent(&self) {
        self.sent.store(0, Relaxed);
    }

    /// Packets that wait, and their bytes in memory.
    pub fn waiting(&self) -> (usize, usize) {
        self.queue.waiting()
    }

    /// Sends what is put into the source behind all that was sent before; what is sent from now on waits for its end.
    pub fn stream(&self) -> StreamSource {
        let (source, chunks) = stream();
        self.queue.push(Item::Stream(chunks));
        source
    }

    /// Drops the connection, with what waits.
    pub fn end(&self) {
        self.queue.end(QueueEnd::Ended);
    }
}

/// Reads and writes until the connection ends; tells all that happens.
pub(super) async fn run<S: Side>(
    id: LinkId,
    (stream, remote): (PeerStream, SocketAddr),
    side: Arc<S>,
    limits: Limits,
    events: Events<S>,
) {
    let link = Arc::new(Link {
        id,
        remote,
        queue: Queue::default(),
        sent: AtomicU64::new(0),
    });
    events(LinkEvent::Up(link.clone()));
    let PeerStream { from, to } = stream;
    let reason = tokio::select! {
        reason = reader::read(id, from, Intake::new(side, limits), &events) => reason,
        reason = writer::write::<S>(&link.queue, to) => reason,
        end = link.queue.ended() => match end {
            QueueEnd::Full(bytes) => DownReason::QueueFull(bytes),
            QueueEnd::Ended => DownReason::Ended,
        },
    };
    link.end();
    tell_end(S::OTHER, remote, id, &reason);
    events(LinkEvent::Down { link: id, reason });
}
