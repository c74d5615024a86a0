//! One client's connection, as the rest of the server sees it.
//!
//! Owns the outbound queue, the order of the session's replies, and who the client is; all of it
//! dies with the connection. Watches are kept by its number. The socket is the task's
//! ([`task`]).

pub mod figures;
mod order;
mod outbound;
mod probe;
mod request;
mod sasl;
pub mod secure;
pub mod task;
mod turn;
mod wake;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use datatree::WatcherId;
use processor::{AuthRules, Identities, Peer, SessionHandle};
use proto::records::{ReplyHeader, WatcherEvent};
use proto::{Encode, ErrorCode, EventType, KeeperState, SessionId, Zxid};

use crate::clock;
use crate::limits;
use crate::metrics::Tally;
use crate::shared::Shared;
use crate::sync::{AtomicBool, Mutex, MutexGuard};
use figures::{Answered, Figures};
pub use order::{Held, Order};
use outbound::Outbound;
use wake::Wake;
pub use wake::WakeBatch;

/// The session that a connection serves.
#[derive(Clone, Debug)]
pub struct Bound {
    /// Its id.
    pub id: SessionId,
    /// The timeout that this connection negotiated, in ms.
    pub timeout_ms: i32,
    /// Puts its deadline off.
    pub handle: SessionHandle,
}

/// One client's connection.
#[derive(Debug)]
pub struct Connection {
    /// Its number, also as a watcher.
    pub id: WatcherId,
    /// Who is at the other end.
    pub remote: SocketAddr,
    /// The same as the `ip` scheme writes it.
    pub address: String,
    /// When it came; wall clock.
    pub established_ms: i64,
    /// Set once, when the session is established.
    pub session: OnceLock<Bound>,
    /// Whether the client's connect request had the read-only byte.
    pub has_read_only: AtomicBool,
    /// It came to the port for clients with TLS.
    pub on_secure_port: bool,
    /// For the words that list connections.
    pub traffic: Traffic,
    /// Whose certificate the client has shown.
    subject: Option<String>,
    identities: Mutex<Arc<Identities>>,
    order: Mutex<Order>,
    /// Held by who executes reads that were held: the replica, or the task. Before the watchers and
    /// the order.
    turn: Mutex<()>,
    outbound: Mutex<Outbound>,
    /// The client's login by SASL, where it has begun one.
    login: Mutex<Option<Box<crate::sasl::Exchange>>>,
    closed: AtomicBool,
    wake: Wake,
}

/// What went over one connection.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Frames that came.
    pub received: AtomicU64,
    /// Frames that were queued to go.
    pub sent: AtomicU64,
    /// Requests without a reply so far.
    pub outstanding: AtomicI64,
    /// The four-letter word that it brought: it will bring no request.
    pub word: OnceLock<[u8; 4]>,
}

impl Connection {
    /// A connection without a session; `subject` is whose certificate the client has shown.
    pub fn new(id: u64, remote: SocketAddr, subject: Option<String>, auth: &AuthRules) -> Self {
        let address = listener::java_host_address(remote.ip());
        let mut identities = Identities::of_address(&address);
        let certified = subject
            .as_deref()
            .and_then(|subject| auth.certified(subject));
        if let Some(certified) = certified {
            identities = identities.with(certified);
        }
        Connection {
            id: WatcherId(id),
            remote,
            identities: Mutex::new(Arc::new(identities)),
            subject,
            address,
            established_ms: clock::wall_ms(),
            session: OnceLock::new(),
            has_read_only: AtomicBool::new(true),
            on_secure_port: false,
            traffic: Traffic::default(),
            order: Mutex::default(),
            turn: Mutex::default(),
            outbound: Mutex::default(),
            login: Mutex::default(),
            closed: AtomicBool::new(false),
            wake: Wake::default(),
        }
    }

    /// Who is at the other end, as far as the connection itself tells.
    pub(crate) fn peer(&self) -> Peer<'_> {
        Peer {
            address: &self.address,
            subject: self.subject.as_deref(),
        }
    }

    /// The session, or none so far.
    pub fn session_id(&self) -> SessionId {
        self.session.get().map_or(SessionId::NONE, |bound| bound.id)
    }

    /// Who the client is now.
    pub fn identities(&self) -> Arc<Identities> {
        self.identities.lock().clone()
    }

    /// The client has proven to be somebody.
    pub fn add_identities(&self, more: Vec<proto::records::Id<'static>>) {
        let mut identities = self.identities.lock();
        *identities = Arc::new(identities.with(more));
    }

    /// The order of this session's replies.
    pub fn order(&self) -> MutexGuard<'_, Order> {
        self.order.lock()
    }

    /// Queues a frame: `fill` appends what stands behind its length. Frames for a connection
    /// that is closing are dropped.
    pub fn send(&self, fill: impl FnOnce(&mut BytesMut)) -> usize {
        self.queue(self.outbound.lock(), fill)
    }

    fn queue(
        &self,
        mut outbound: MutexGuard<'_, Outbound>,
        fill: impl FnOnce(&mut BytesMut),
    ) -> usize {
        let (was_idle, bytes) = outbound.push(fill);
        self.traffic.sent.fetch_add(1, Ordering::Relaxed);
        drop(outbound);
        if was_idle {
            self.wake();
        }
        bytes
    }

    /// Queues the reply to a request, and counts the request as answered.
    pub fn reply(
        &self,
        server: &Shared,
        tally: &mut Tally,
        answered: &Answered,
        fill: impl FnOnce(&mut BytesMut),
    ) {
        let outbound = self.count(server, tally, answered);
        let bytes = self.queue(outbound, fill);
        server.stats.replied(bytes);
        tally.replied(bytes);
    }

    /// Counts a request as answered whose reply has another form.
    pub fn count_answered(&self, server: &Shared, tally: &mut Tally, answered: &Answered) {
        drop(self.count(server, tally, answered));
    }

    fn count(
        &self,
        server: &Shared,
        tally: &mut Tally,
        answered: &Answered,
    ) -> MutexGuard<'_, Outbound> {
        let now_ms = clock::monotonic_ms();
        let latency_ms = now_ms - answered.received_ms;
        tally.answered(server, answered.is_update, latency_ms);
        let mut outbound = self.outbound.lock();
        outbound.figures.add(answered, now_ms);
        outbound
    }

    /// What cons tells of its requests, and whether something waits to be written.
    pub fn figures(&self) -> (Figures, bool) {
        let outbound = self.outbound.lock();
        (outbound.figures, outbound.len() > 0)
    }

    /// crst: counts anew. Says how many frames were sent until now.
    pub fn reset_figures(&self) -> u64 {
        self.outbound.lock().figures = Figures::reset();
        self.traffic.received.store(0, Ordering::Relaxed);
        self.traffic.sent.swap(0, Ordering::Relaxed)
    }

    /// Queues a reply without a body, to what is not counted as a request.
    pub fn send_header(&self, xid: i32, zxid: Zxid, err: ErrorCode) -> usize {
        self.send(|out| ReplyHeader { xid, zxid, err }.encode(out))
    }

    /// Queues a watch event, and says how large it is. A client that lets too many pile up is disconnected.
    pub fn send_event(&self, kind: EventType, path: &str, zxid: Zxid) -> usize {
        const NOTIFICATION_XID: i32 = -1;
        if self.outbound.lock().len() > limits::MAX_OUTBOUND_BYTES_WITH_EVENTS {
            self.disconnect("events");
            return 0;
        }
        self.send(|out| {
            ReplyHeader {
                xid: NOTIFICATION_XID,
                zxid,
                err: ErrorCode::OK,
            }
            .encode(out);
            let state = KeeperState::SyncConnected as i32;
            WatcherEvent {
                r#type: kind as i32,
                state,
                path: Some(path.into()),
            }
            .encode(out);
        })
    }

    /// Too much waits for a client that does not read.
    fn disconnect(&self, what: &'static str) {
        if !self.is_closed() {
            tracing::warn!(
                remote = %self.remote,
                session = %self.session_id(),
                "disconnected: over {} bytes of {what} wait and the client does not read",
                limits::MAX_OUTBOUND_BYTES_WITH_EVENTS,
            );
        }
        self.close_now();
    }

    /// Closes the connection when all that is queued has gone.
    pub fn close_after_replies(&self) {
        self.outbound.lock().close();
        self.wake();
    }

    /// Closes the connection; what is queued is dropped.
    pub fn close_now(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake();
    }

    /// Is nobody there any more?
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Makes the task look again, at the end of a [`WakeBatch`] where there is one.
    pub fn wake(&self) {
        self.wake.wake();
    }
}
