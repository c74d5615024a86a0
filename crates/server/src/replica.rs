//! The replica's thread: requests in, txns made, logged, applied and answered, in one order.
//!
//! Everything that changes the server's state passes through one inbox: connects, writes,
//! expiry, the disk's completions, what other servers say. On its own, or as a leader, the thread makes a
//! txn of each write at once (against the tree and what is outstanding); as a learner it sends the
//! write to its leader. It applies what the role says is committed.
//!
//! `request` takes requests, `connect` sessions, `local_sessions` those that no other server knows; `drive` gives the role its inputs and sees to what it wants; `duty` says what
//! the server may do now; `as_leader` and `as_learner` are for the other servers; `pipeline` is what is on its way; `measure` counts.

mod advice;
mod as_leader;
mod as_learner;
mod connect;
mod drive;
mod duty;
mod local_sessions;
mod measure;
mod observers;
mod pipeline;
mod request;
mod restore;
mod snapshots;
mod sockets;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use datatree::DataTree;
use processor::{Processor, SessionTable, initial_session_id};
use proto::{SessionId, Zxid};
use quorum::{Found, LinkId, LogOnDisk, Peer, Ticket};
use tokio::sync::oneshot;

pub use as_learner::{ReceivedTree, Whole};
pub use connect::ConnectRequest;
use duty::Duty;
use measure::Measured;
pub use observers::ObserverFigures;
use pipeline::InFlight;
pub use request::Submission;
pub use restore::RestoreRequest;
use snapshots::{Asker, Snapshots};
pub use snapshots::{SnapshotDirs, SnapshotEnd, write_first_snapshot};
pub use sockets::{PeerEvent, Sockets};

use crate::clock;
use crate::config::Config;
use crate::connection::Connection;
use crate::disk::{DiskQueue, Item};
use crate::shared::Server;

/// The id that a standalone server puts into session ids, whatever `conf` shows
/// (`ZooKeeperServer.createSessionTrackerServerId`).
const STANDALONE_SERVER_ID: i64 = 1;

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
    /// The log cannot be cut, and was left as it is.
    CutRefused(Ticket),
    /// A leader's snapshot is on disk.
    Installed(Box<DataTree>),
    /// The log has grown enough since the last snapshot.
    SnapshotDue,
    /// The snapshot of this number ended; `Err` says why it is not there.
    SnapshotDone(u64, Result<SnapshotEnd, String>),
    /// Something came from another server.
    Peer(PeerEvent),
    /// A learner has taken some more of its snapshot.
    Progress(LinkId),
    /// What the log on disk has for a learner.
    LogRead(LinkId, LogOnDisk),
    /// Somebody wants to know when sessions expire.
    ListSessions {
        /// The local ones, or the others.
        local: bool,
        /// Who is told: sessions by monotonic ms.
        asker: oneshot::Sender<BTreeMap<i64, Vec<SessionId>>>,
    },
    /// A watchdog wants to know whether this thread still goes round.
    AreYouThere(oneshot::Sender<()>),
    /// Somebody wants to know of the observers in sync.
    ListObservers(oneshot::Sender<Vec<ObserverFigures>>),
    /// What is counted of them begins anew.
    ResetObservers,
    /// Somebody wants a snapshot, and its zxid when it is on disk.
    TakeSnapshot(oneshot::Sender<Result<Zxid, String>>),
    /// The tree is to be another one.
    Restore(RestoreRequest),
    /// The server stops.
    Stop,
}

/// Why the process has to end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stuck {
    /// A txn is missing.
    #[error(
        "the leader has committed {0}, which is not the next txn here. The log is kept; start the server again"
    )]
    UnmatchedCommit(Zxid),
    /// The tree in memory is another one than on disk.
    #[error(
        "what was restored cannot be written: {0}. The files are as they were before; see to the disk, and start the server again"
    )]
    NotRestored(String),
}

/// The thread's state.
pub struct Replica {
    server: Server,
    processor: Processor,
    peer: Peer,
    duty: Duty,
    /// The way to the other servers; none for a server on its own.
    sockets: Option<Sockets>,
    disk: DiskQueue,
    /// What this round has for the disk.
    for_disk: Vec<Item>,
    in_flight: VecDeque<InFlight>,
    /// Logged and not applied.
    tail: VecDeque<(Zxid, Bytes)>,
    /// The end of what is to be applied.
    committed: Option<Zxid>,
    /// Requests that `request_throttle_max_requests` holds back.
    stalled: VecDeque<Submission>,
    by_session: HashMap<SessionId, Arc<Connection>>,
    /// Clients that came with a session, of which the leader has not said yet whether it is alive.
    revalidating: HashMap<SessionId, ConnectRequest>,
    snapshots: Snapshots,
    measured: Measured,
    /// A leader's snapshot on its way to the disk, and from there.
    received: Option<Box<DataTree>>,
    /// A tree that waits for what is on its way to the log.
    restoring: Option<RestoreRequest>,
    /// The tree is one that was restored, and no snapshot behind this number is on disk.
    unsaved_since: Option<u64>,
    /// What the role hears next: an input's outputs are carried out before it.
    inputs: VecDeque<quorum::Input>,
    outputs: Vec<quorum::Output>,
    is_driving: bool,
    failed: Option<Stuck>,
}

/// The sessions of a tree, each with its whole timeout.
pub fn session_table(config: &Config, tree: &DataTree) -> SessionTable {
    let id = config
        .ensemble
        .as_ref()
        .map_or(STANDALONE_SERVER_ID, |ensemble| ensemble.me.0);
    let now_ms = clock::monotonic_ms();
    let first_id = initial_session_id(id, now_ms);
    let mut sessions = SessionTable::new(first_id, config.tick_time_ms.into());
    for (&session, &timeout_ms) in tree.sessions() {
        sessions.track(session, timeout_ms, now_ms);
    }
    sessions
}

impl Replica {
    /// A server on its own, whose tree is as the log left it.
    pub fn alone(
        server: Server,
        processor: Processor,
        disk: DiskQueue,
        directories: SnapshotDirs,
    ) -> Self {
        let peer = Peer::standalone(processor.last_zxid());
        Replica::new(server, processor, disk, directories, peer, Duty::Alone)
    }

    /// A member of an ensemble, with what its start found; it begins with an election.
    pub fn member(
        server: Server,
        processor: Processor,
        disk: DiskQueue,
        directories: SnapshotDirs,
        found: Found,
        sockets: Sockets,
    ) -> Self {
        let ensemble = server.config.ensemble.as_ref();
        let ensemble = ensemble.expect("only a member has sockets");
        let settings = ensemble.settings(server.config.tick_time_ms);
        let peer = Peer::member(settings, found);
        let mut member = Replica::new(server, processor, disk, directories, peer, Duty::Nothing);
        member.sockets = Some(sockets);
        member
    }

    fn new(
        server: Server,
        processor: Processor,
        disk: DiskQueue,
        directories: SnapshotDirs,
        peer: Peer,
        duty: Duty,
    ) -> Self {
        Replica {
            snapshots: Snapshots::new(server.clone(), directories),
            server,
            processor,
            peer,
            duty,
            sockets: None,
            disk,
            for_disk: Vec::new(),
            in_flight: VecDeque::new(),
            tail: VecDeque::new(),
            committed: None,
            stalled: VecDeque::new(),
            by_session: HashMap::new(),
            revalidating: HashMap::new(),
            measured: Measured::new(clock::monotonic_ms()),
            received: None,
            restoring: None,
            unsaved_since: None,
            inputs: VecDeque::new(),
            outputs: Vec::new(),
            is_driving: false,
            failed: None,
        }
    }

    /// Runs until it is told to stop; `snapshot_now` begins with one.
    ///
    /// # Errors
    /// It cannot go on.
    pub fn run(mut self, snapshot_now: bool) -> Result<(), Stuck> {
        if snapshot_now {
            self.snapshots.begin();
        }
        if self.sockets.is_some() {
            self.drive(quorum::Input::Start);
        }
        let mut inputs = Vec::new();
        loop {
            self.disk.push_all(&mut self.for_disk);
            let server = self.server.clone();
            server.replica.take(&mut inputs, self.patience());
            self.measure_round(inputs.len());
            for input in inputs.drain(..) {
                if matches!(input, Input::Stop) {
                    self.disk.push_all(&mut self.for_disk);
                    self.sockets = None; // a snapshot may wait for a learner that takes nothing
                    self.snapshots.wait();
                    return Ok(());
                }
                self.handle(input);
            }
            self.see_to_the_clock();
            self.tell_measured();
            if let Some(failure) = self.failed.take() {
                return Err(failure);
            }
            self.tell_counts();
        }
    }

    /// Until the next session can expire, or the role wants to be woken.
    fn patience(&self) -> Option<Duration> {
        let now_ms = clock::monotonic_ms();
        let sessions = self.processor.sessions.next_deadline_ms();
        let sessions = sessions.filter(|_| self.duty != Duty::Nothing);
        let role = self.role_deadline_ms();
        let deadline_ms = sessions.into_iter().chain(role).min()?;
        let left_ms = (deadline_ms - now_ms).max(0);
        Some(Duration::from_millis(left_ms.unsigned_abs()))
    }

    /// On the monotonic clock; a role may have none.
    fn role_deadline_ms(&self) -> Option<i64> {
        i64::try_from(self.peer.deadline()?).ok()
    }

    fn handle(&mut self, input: Input) {
        self.measure_input();
        match input {
            Input::Connect(request) => self.connect(request),
            Input::Request(submission) => self.request(submission),
            Input::Reap(path) => self.reap(&path),
            Input::Gone(connection) => self.forget(&connection),
            Input::Durable(ticket) => {
                self.snapshots.unbar(ticket);
                self.measure_durable(ticket);
                self.drive(quorum::Input::Durable(ticket));
            }
            Input::CutRefused(ticket) => {
                self.snapshots.unbar(ticket);
                self.drive(quorum::Input::CutRefused(ticket));
            }
            Input::Installed(tree) => self.received = Some(tree),
            Input::SnapshotDue => self.snapshots.begin(),
            Input::SnapshotDone(number, outcome) => {
                self.see_whether_saved(number, &outcome);
                self.snapshots.done(number, outcome);
            }
            Input::Peer(event) => self.hear(event),
            Input::Progress(link) => self.drive(quorum::Input::Progress(link)),
            Input::LogRead(link, log) => self.drive(quorum::Input::LogRead { link, log }),
            // Who asks may have given up.
            Input::AreYouThere(asker) => drop(asker.send(())),
            Input::ListSessions { local, asker } => {
                // One that has gone meanwhile does not hear of it.
                let _ = asker.send(self.processor.sessions.by_deadline(local));
            }
            Input::ListObservers(asker) => drop(asker.send(self.observers())),
            Input::ResetObservers => self.reset_observers(),
            Input::TakeSnapshot(asker) => self.snapshots.ask_for(Asker(asker)),
            Input::Restore(request) => self.restore(request),
            Input::Stop => {}
        }
        self.apply_committed();
        self.go_on_restoring();
        self.snapshots.begin_asked();
        self.resume_stalled();
        self.offer_snapshots();
    }

    /// What is due by now, behind all that came before.
    fn see_to_the_clock(&mut self) {
        let now_ms = clock::monotonic_ms();
        if self.role_deadline_ms().is_some_and(|due| due <= now_ms) {
            self.drive(quorum::Input::Timeout);
            self.apply_committed();
        }
        if self.duty != Duty::Nothing {
            self.expire_sessions(now_ms);
        }
    }

    fn expire_sessions(&mut self, now_ms: i64) {
        for session in self.processor.sessions.expire(now_ms) {
            tracing::info!(%session, "session expired");
            self.server.metrics.stale_sessions_expired.add(1);
            if self.processor.sessions.is_local(session) {
                self.expire_local_session(session);
                continue;
            }
            let tree = self.server.tree.read();
            let prepared =
                self.processor
                    .prepare_close_session(&tree, session, 0, clock::wall_ms());
            drop(tree);
            self.propose(prepared);
        }
    }

    /// For who asks what the server counts.
    fn tell_counts(&self) {
        let sessions = &self.processor.sessions;
        let (all, local) = (sessions.len() as i64, sessions.local_len() as i64);
        self.server.stats.sessions.store(all - local, Relaxed);
        self.server.stats.local_sessions.store(local, Relaxed);
        if matches!(self.duty, Duty::Leads { .. }) {
            let counts = self.peer.learner_counts();
            self.server.standing.lock().count(counts);
        }
    }

    /// The session stays; only its connection is gone.
    fn forget(&mut self, connection: &Arc<Connection>) {
        let session = connection.session_id();
        let current = self.by_session.get(&session);
        if current.is_some_and(|current| current.id == connection.id) {
            self.by_session.remove(&session);
        }
        self.revalidating
            .retain(|_, request| request.connection.id != connection.id);
    }
}
