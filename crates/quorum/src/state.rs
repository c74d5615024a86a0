//! What a member of an ensemble knows from one role to the next.

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};

use crate::disk::{DiskOp, Ticket, Tickets};
use crate::election::{PeerState, Resends};
use crate::history::{CommittedLogLimits, History, Txn};
use crate::packet::{LearnerKind, ToLeader, ToLearner};
use crate::verifier::Quorums;
use crate::waits::{Waits, spread};
use crate::{LinkId, Output};

/// How a member of an ensemble is configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its `myid`.
    pub me: Sid,
    /// Whether it votes.
    pub kind: LearnerKind,
    /// The voters.
    pub quorums: Quorums,
    /// The text of the configuration, for notifications and NEWLEADER.
    pub config: Bytes,
    /// The configuration's version.
    pub config_version: i64,
    /// `tickTime`.
    pub tick_time_ms: u64,
    /// `initLimit`, in ticks: until a learner is in sync.
    pub init_limit: u64,
    /// `syncLimit`, in ticks: from then on.
    pub sync_limit: u64,
    /// What is kept for learners that lag.
    pub committed_log: CommittedLogLimits,
    /// `zookeeper.forceSnapshotSync`.
    pub force_snapshot: bool,
    /// The waits of elections.
    pub resends: Resends,
    /// Those of roles.
    pub waits: Waits,
}

impl Settings {
    /// What the server is when it learns.
    pub(crate) fn learner_state(&self) -> PeerState {
        match self.kind {
            LearnerKind::Follower => PeerState::Following,
            LearnerKind::Observer => PeerState::Observing,
        }
    }

    /// When an observer may do, of all that have lost one leader, what it waits for at most so many ms; a follower does it at once.
    pub(crate) fn observer_time(&self, now_ms: u64, most_ms: u64) -> u64 {
        match self.kind {
            LearnerKind::Follower => now_ms,
            LearnerKind::Observer => now_ms + spread(most_ms, now_ms, self.me),
        }
    }

    pub(crate) fn init_limit_ms(&self) -> u64 {
        self.tick_time_ms * self.init_limit
    }

    pub(crate) fn sync_limit_ms(&self) -> u64 {
        self.tick_time_ms * self.sync_limit
    }
}

/// What a start finds on disk.
#[derive(Clone, Debug)]
pub struct Found {
    /// `acceptedEpoch`.
    pub accepted_epoch: Epoch,
    /// `currentEpoch`.
    pub current_epoch: Epoch,
    /// The tree's zxid, the log replayed.
    pub last_zxid: Zxid,
    /// The newest txns of the log, oldest first.
    pub recent: Vec<Txn>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub settings: Settings,
    pub accepted_epoch: Epoch,
    pub current_epoch: Epoch,
    pub history: History,
    pub tickets: Tickets,
    /// Of the last accepted epoch: no promise leaves before it is on disk.
    accepted_at: Ticket,
    /// A snapshot that is on its way to the disk, and is the tree when it is there.
    installing: Option<(Ticket, Zxid)>,
    /// The log cannot be cut as a leader asked: the next one is told that there is none, and sends a snapshot.
    pub needs_snapshot: bool,
}

impl State {
    pub fn new(settings: Settings, found: Found) -> Self {
        State {
            history: History::new(settings.committed_log, found.last_zxid, found.recent),
            settings,
            accepted_epoch: found.accepted_epoch,
            current_epoch: found.current_epoch,
            tickets: Tickets::default(),
            accepted_at: Ticket::default(),
            installing: None,
            needs_snapshot: false,
        }
    }

    /// Whether the accepted epoch is on disk.
    pub fn has_promised(&self) -> bool {
        self.tickets.is_durable(self.accepted_at)
    }
}

/// What a role works with while it handles one input.
pub(crate) struct Context<'a> {
    pub now_ms: u64,
    pub state: &'a mut State,
    pub outputs: &'a mut Vec<Output>,
}

impl Context<'_> {
    pub fn settings(&self) -> &Settings {
        &self.state.settings
    }

    pub fn emit(&mut self, output: Output) {
        self.outputs.push(output);
    }

    pub fn tell_leader(&mut self, link: LinkId, packet: ToLeader) {
        self.emit(Output::ToLeader(link, packet));
    }

    pub fn tell_learner(&mut self, link: LinkId, packet: ToLearner) {
        self.emit(Output::ToLearner(link, packet));
    }

    pub fn disk(&mut self, op: DiskOp) -> Ticket {
        let ticket = self.state.tickets.next();
        self.emit(Output::Disk(ticket, op));
        ticket
    }

    /// No earlier epoch is accepted from now on.
    pub fn accept_epoch(&mut self, epoch: Epoch) {
        assert!(
            epoch > self.state.accepted_epoch,
            "an old epoch is accepted"
        );
        self.state.accepted_epoch = epoch;
        self.state.accepted_at = self.disk(DiskOp::AcceptedEpoch(epoch));
    }

    /// The history is this epoch's.
    pub fn enter_epoch(&mut self, epoch: Epoch) -> Ticket {
        self.state.current_epoch = epoch;
        self.disk(DiskOp::CurrentEpoch(epoch))
    }

    /// A txn of a newer epoch is logged behind that epoch's whole first history: the epoch is entered with it. No server
    /// starts from a log that is newer than `currentEpoch`.
    pub fn log(&mut self, zxid: Zxid, record: Bytes) -> Ticket {
        if zxid.epoch() > self.state.current_epoch {
            self.enter_epoch(zxid.epoch());
        }
        self.state.history.log(Txn {
            zxid,
            record: record.clone(),
        });
        self.disk(DiskOp::Append { zxid, record })
    }

    /// Everything up to this txn is committed.
    pub fn apply(&mut self, up_to: Zxid) {
        if up_to > self.state.history.applied() {
            self.state.history.commit(up_to);
            self.emit(Output::Apply { up_to });
        }
    }

    /// The snapshot that was received is the history.
    pub fn install_snapshot(&mut self, zxid: Zxid) {
        let ticket = self.disk(DiskOp::InstallSnapshot(zxid));
        self.state.current_epoch = self.state.current_epoch.max(zxid.epoch());
        self.state.history.replace(zxid);
        self.state.installing = Some((ticket, zxid));
        self.state.needs_snapshot = false;
    }

    /// The disk has come so far. A snapshot that is there is the tree from now on.
    pub fn durable(&mut self, ticket: Ticket) {
        self.state.tickets.durable(ticket);
        if let Some((_, zxid)) = self.state.installing.take_if(|(at, _)| *at <= ticket) {
            self.emit(Output::UseSnapshot(zxid));
        }
    }
}
