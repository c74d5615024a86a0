//! The replica's thread: requests in, txns made, logged, applied and answered, in one order.
//!
//! Everything that changes the server's state passes through one inbox: connects, writes,
//! expiry, the disk's completions. The thread makes a txn of each write at once (against the tree
//! and what is outstanding), hands it to the role, and applies what the role says is committed.

mod connect;
mod pipeline;
mod snapshots;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use processor::{Owner, Prepared, Processor, Requester, WriteRequest};
use proto::records::DeleteContainerRequest;
use proto::{Encode, ErrorCode, OpCode, SessionId, Zxid};
use quorum::{DiskOp, Output, Peer, Ticket};

pub use connect::ConnectRequest;
use pipeline::{InFlight, Origin, Work};
use snapshots::Snapshots;
pub use snapshots::{SnapshotDirs, write_first_snapshot};

use crate::clock;
use crate::connection::{Connection, Held};
use crate::disk::{DiskQueue, Item};
use crate::limits;
use crate::shared::Server;

/// A request that takes a zxid, or a sync.
#[derive(Debug)]
pub struct Submission {
    /// Who is answered.
    pub connection: Arc<Connection>,
    /// Whose it is.
    pub session: SessionId,
    /// What is asked.
    pub request: Held,
}

/// What happens to the replica.
#[derive(Debug)]
pub enum Input {
    /// A client wants a session.
    Connect(ConnectRequest),
    /// A client wants a change, or to be in sync.
    Request(Submission),
    /// An empty container or an outlived TTL znode is to go.
    Reap(String),
    /// A connection has ended.
    Gone(Arc<Connection>),
    /// All disk operations up to this one are durable.
    Durable(Ticket),
    /// The log has grown enough since the last snapshot.
    SnapshotDue,
    /// A snapshot ended; `Err` says why it is not there.
    SnapshotDone(Result<(), String>),
    /// The server stops.
    Stop,
}

/// The thread's state.
pub struct Replica {
    server: Server,
    processor: Processor,
    peer: Peer,
    disk: DiskQueue,
    /// What this round has for the disk.
    for_disk: Vec<Item>,
    in_flight: VecDeque<InFlight>,
    /// Logged and not applied.
    tail: VecDeque<(Zxid, Bytes)>,
    /// Requests that `request_throttle_max_requests` holds back.
    stalled: VecDeque<Submission>,
    by_session: HashMap<SessionId, Arc<Connection>>,
    snapshots: Snapshots,
    outputs: Vec<Output>,
}

impl Replica {
    /// A replica whose tree is as the log left it.
    pub fn new(
        server: Server,
        mut processor: Processor,
        disk: DiskQueue,
        directories: SnapshotDirs,
    ) -> Self {
        let now_ms = clock::monotonic_ms();
        for (&session, &timeout_ms) in server.tree.read().sessions() {
            processor.sessions.track(session, timeout_ms, now_ms);
        }
        let peer = Peer::standalone(processor.last_zxid());
        Replica {
            snapshots: Snapshots::new(server.clone(), directories),
            server,
            processor,
            peer,
            disk,
            for_disk: Vec::new(),
            in_flight: VecDeque::new(),
            tail: VecDeque::new(),
            stalled: VecDeque::new(),
            by_session: HashMap::new(),
            outputs: Vec::new(),
        }
    }

    /// Runs until it is told to stop; `snapshot_now` begins with one.
    pub fn run(mut self, snapshot_now: bool) {
        if snapshot_now {
            self.snapshots.begin();
        }
        let mut inputs = Vec::new();
        loop {
            let server = self.server.clone();
            server.replica.take(&mut inputs, self.patience());
            for input in inputs.drain(..) {
                if matches!(input, Input::Stop) {
                    self.disk.push_all(&mut self.for_disk);
                    return self.snapshots.wait();
                }
                self.handle(input);
            }
            self.expire_sessions();
            self.disk.push_all(&mut self.for_disk);
            self.count_sessions();
        }
    }

    /// Until the next session can expire.
    fn patience(&self) -> Option<Duration> {
        let deadline_ms = self.processor.sessions.next_deadline_ms()?;
        let left_ms = (deadline_ms - clock::monotonic_ms()).max(0);
        Some(Duration::from_millis(left_ms.unsigned_abs()))
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Connect(request) => self.connect(request),
            Input::Request(submission) => self.request(submission),
            Input::Reap(path) => self.reap(&path),
            Input::Gone(connection) => self.forget(&connection),
            Input::Durable(ticket) => self.drive(quorum::Input::Durable(ticket)),
            Input::SnapshotDue => self.snapshots.begin(),
            Input::SnapshotDone(outcome) => self.snapshots.done(outcome),
            Input::Stop => {}
        }
    }

    fn count_sessions(&self) {
        let sessions = self.processor.sessions.len() as i64;
        self.server
            .stats
            .sessions
            .store(sessions, std::sync::atomic::Ordering::Relaxed);
    }

    /// Sees to what the role wants done.
    fn drive(&mut self, input: quorum::Input) {
        let mut outputs = std::mem::take(&mut self.outputs);
        let now_ms = clock::monotonic_ms().unsigned_abs();
        self.peer.handle(now_ms, input, &mut outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Disk(ticket, op) => self.write(ticket, op),
                Output::Apply { up_to } => self.apply(up_to),
                other => unreachable!("a server on its own wants {other:?}"),
            }
        }
        self.outputs = outputs;
    }

    /// One round's operations go to the disk together, to share an fsync; but a long round must not
    /// leave the disk without work.
    fn write(&mut self, ticket: Ticket, op: DiskOp) {
        if let DiskOp::Append { zxid, record } = &op {
            self.logged(*zxid, record.clone());
        }
        self.for_disk.push(Item::Op(ticket, op));
        if self.for_disk.len() >= limits::MAX_DISK_BATCH {
            self.disk.push_all(&mut self.for_disk);
        }
    }

    /// A request enters, unless too many are in progress (`RequestThrottler`).
    fn request(&mut self, submission: Submission) {
        if self.is_throttled() || !self.stalled.is_empty() {
            return self.stalled.push_back(submission);
        }
        self.process(submission);
    }

    fn is_throttled(&self) -> bool {
        let most = self.server.config.request_throttle.max_requests as usize;
        most > 0 && self.in_flight.len() >= most
    }

    /// Lets in what was held back, as far as there is room.
    fn resume_stalled(&mut self) {
        while !self.is_throttled()
            && let Some(submission) = self.stalled.pop_front()
        {
            if self.is_stale(&submission) {
                self.drop_stale(&submission);
            } else {
                self.process(submission);
            }
        }
    }

    /// Has nobody an interest in the answer any more? (`Request.isStale`)
    fn is_stale(&self, submission: &Submission) -> bool {
        let settings = &self.server.config.request_throttle;
        let Submission {
            connection,
            request,
            ..
        } = submission;
        let age_ms = clock::monotonic_ms() - request.received_ms;
        let timeout_ms = connection
            .session
            .get()
            .map_or(0, |bound| bound.timeout_ms.into());
        let gone = settings.stale_connection_check && connection.is_closed();
        let late = settings.stale_latency_check && age_ms > timeout_ms;
        settings.drop_stale && (gone || late)
    }

    /// The connection ends: a later reply would take the place of this one.
    fn drop_stale(&self, submission: &Submission) {
        let Submission {
            connection,
            request,
            ..
        } = submission;
        self.server
            .stats
            .in_process
            .fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        self.server.throttles.release_large(request.frame_bytes());
        connection.close_now();
    }

    fn process(&mut self, submission: Submission) {
        let Submission {
            connection,
            session,
            request,
        } = submission;
        let op = request.op;
        let throttlable = !matches!(op, OpCode::CLOSE_SESSION | OpCode::CREATE_SESSION);
        let work = if throttlable && self.server.throttles.waited_too_long(request.received_ms) {
            Work::Refused(ErrorCode::THROTTLED_OP)
        } else if op == OpCode::SYNC {
            self.sync_work(session)
        } else {
            let prepared = self.prepare(session, &request);
            self.propose(prepared)
        };
        let origin = Origin::Request {
            connection,
            request,
        };
        self.enter(InFlight { work, origin });
    }

    fn sync_work(&mut self, session: SessionId) -> Work {
        match self.processor.sessions.check(session, Owner::HERE) {
            Ok(()) => Work::Sync(self.processor.last_zxid()),
            Err(err) => Work::Refused(err),
        }
    }

    fn prepare(&mut self, session: SessionId, request: &Held) -> Prepared {
        let tree = self.server.tree.read();
        let who = Requester {
            session,
            cxid: request.xid,
            owner: Owner::HERE,
            identities: &request.identities,
        };
        let write = WriteRequest {
            who,
            op: request.op,
            body: &request.body,
        };
        let prepared = self.processor.prepare(&tree, &write, clock::wall_ms());
        let refusals = self.processor.take_quota_refusals();
        self.server.stats.count_quota_refusals(refusals);
        prepared
    }

    /// Hands a txn to the role.
    fn propose(&mut self, prepared: Prepared) -> Work {
        match prepared {
            Prepared::Refused(err) => Work::Refused(err),
            Prepared::Txn { zxid, record } => {
                self.drive(quorum::Input::Propose { zxid, record });
                Work::Txn(zxid)
            }
        }
    }

    fn reap(&mut self, path: &str) {
        let mut body = bytes::BytesMut::new();
        DeleteContainerRequest {
            path: Some(path.into()),
        }
        .encode(&mut body);
        let identities = processor::Identities::default();
        let who = Requester {
            session: SessionId::NONE,
            cxid: 0,
            owner: Owner::HERE,
            identities: &identities,
        };
        let write = WriteRequest {
            who,
            op: OpCode::DELETE_CONTAINER,
            body: &body,
        };
        let prepared = self
            .processor
            .prepare(&self.server.tree.read(), &write, clock::wall_ms());
        self.propose(prepared);
    }

    fn expire_sessions(&mut self) {
        for session in self.processor.sessions.expire(clock::monotonic_ms()) {
            tracing::info!(%session, "session expired");
            let tree = self.server.tree.read();
            let prepared =
                self.processor
                    .prepare_close_session(&tree, session, 0, clock::wall_ms());
            drop(tree);
            self.propose(prepared);
        }
    }

    /// The session stays; only its connection is gone.
    fn forget(&mut self, connection: &Arc<Connection>) {
        let session = connection.session_id();
        if self
            .by_session
            .get(&session)
            .is_some_and(|current| current.id == connection.id)
        {
            self.by_session.remove(&session);
        }
    }
}
