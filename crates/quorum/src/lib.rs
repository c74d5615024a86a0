//! The server's role: what is proposed, when it is durable, when it is applied.
//!
//! A state machine without I/O: [`Peer::handle`] takes one input and says what is to be done. The driver carries the outputs
//! out in their order, before it gives the next input. Owns the order of log and apply, elections, and the links' protocol.
//! Must not know what a txn says, nor clocks, sockets or files.

mod disk;
pub mod election;
mod history;
mod leader;
mod learner;
mod leave;
mod member;
pub mod packet;
mod queue;
mod standalone;
mod state;
pub mod sync;
pub mod verifier;
mod violation;
mod waits;

use bytes::Bytes;
use proto::{Epoch, SessionId, Sid, Zxid};

use election::{Notification, PeerState};
use member::Member;
use packet::{Forwarded, ToLeader, ToLearner};
use standalone::Standalone;

pub use disk::{DiskOp, Ticket};
pub use history::{CommittedLogLimits, Txn};
pub use leave::Leave;
pub use state::{Found, Settings};
pub use violation::Violation;
pub use waits::Waits;

/// One connection between a leader and a learner. A number is never used again: a link that is made anew is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// What the log on disk has for a learner that lags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOnDisk {
    /// It does not reach back so far, is longer than `zookeeper.snapshotSizeFactor` allows, or cannot be read.
    Useless,
    /// It does.
    Txns {
        /// The last txn that is not behind the learner's.
        base: Zxid,
        /// What follows it, oldest first, without a gap up to those in memory.
        txns: Vec<Txn>,
    },
}

impl LogOnDisk {
    fn txns(&self) -> &[Txn] {
        match self {
            LogOnDisk::Useless => &[],
            LogOnDisk::Txns { txns, .. } => txns,
        }
    }

    /// Of the base and what follows it.
    fn zxids(&self) -> Vec<Zxid> {
        let base = match self {
            LogOnDisk::Useless => None,
            LogOnDisk::Txns { base, .. } => Some(*base),
        };
        let txns = self.txns().iter().map(|txn| txn.zxid);
        base.into_iter().chain(txns).collect()
    }
}

/// What happens to a peer. A server on its own has [`Input::Propose`] and [`Input::Durable`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The server takes part from now on.
    Start,
    /// The deadline is reached.
    Timeout,
    /// The processor made a txn; zxids rise one by one within an epoch.
    Propose {
        /// Its number.
        zxid: Zxid,
        /// Header, txn and digest.
        record: Bytes,
    },
    /// All disk operations up to this one are durable.
    Durable(Ticket),
    /// The log cannot be cut there, and was left as it is: no snapshot is old enough. Nothing behind it in the queue is lost.
    CutRefused(Ticket),
    /// The tree was read from disk again, as [`Output::Reload`] asked, and has this zxid.
    Reloaded(Zxid),
    /// A message of the election.
    Vote(Sid, Notification),
    /// A voter refused the connection: it does not run.
    VoterRefused(Sid),
    /// A learner has connected.
    Accepted(LinkId),
    /// The leader is reached.
    Connected(LinkId),
    /// The leader could not be reached in all the tries that are configured.
    Unreachable,
    /// The link is closed or broken.
    LinkDown(LinkId),
    /// A learner says something.
    ToLeader(LinkId, ToLeader),
    /// The leader says something.
    ToLearner(LinkId, ToLearner),
    /// A part of the snapshot behind SNAP was taken by the learner, or has come from the leader.
    Progress(LinkId),
    /// The snapshot behind SNAP has come whole, signature included.
    SnapshotReceived(LinkId),
    /// What [`Output::ReadLog`] asked for.
    LogRead {
        /// For whom.
        link: LinkId,
        /// What is there.
        log: LogOnDisk,
    },
    /// What [`Output::TakeSnapshot`] asked for: the tree as it is now can be sent.
    SnapshotReady(LinkId),
    /// A learner's sync, in its order among the requests of the link.
    Sync(LinkId),
    /// What [`Output::Revalidate`] asked for.
    Revalidated {
        /// By whom.
        link: LinkId,
        /// Which session.
        session: SessionId,
        /// Whether it is alive.
        valid: bool,
    },
    /// A client of this learner wants a write, or a sync.
    Forward(Forwarded),
    /// A client of this learner has come with a session.
    Revalidate {
        /// Which.
        session: SessionId,
        /// In ms.
        timeout_ms: i32,
    },
}

/// What a peer wants done, in order. A server on its own says [`Output::Disk`] and [`Output::Apply`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Put this into the disk's queue.
    Disk(Ticket, DiskOp),
    /// Apply all txns up to this one.
    Apply {
        /// The last committed txn.
        up_to: Zxid,
    },
    /// The snapshot of this zxid, which was received and is now on disk, is the tree.
    UseSnapshot(Zxid),
    /// Read the tree from disk again, where the log is cut behind this txn, and say so.
    Reload(Zxid),
    /// Send it to this server, in place of what has not left yet.
    Vote(Sid, Notification),
    /// What the server is from now on. A leader listens for learners, others do not.
    Become(PeerState),
    /// Why it is looking again.
    Left(Leave),
    /// Make a link to this leader.
    Connect(Sid),
    /// Send a packet to the leader.
    ToLeader(LinkId, ToLeader),
    /// Send a packet to a learner.
    ToLearner(LinkId, ToLearner),
    /// Answer a PING, with the sessions that were heard of since the last one.
    Pong(LinkId, Zxid),
    /// Make ready to send the tree to this learner; so that it may have to wait for another snapshot.
    TakeSnapshot(LinkId),
    /// Send the tree as it is now, of this zxid, and the signature, behind what was sent before.
    StreamSnapshot {
        /// To whom.
        link: LinkId,
        /// Of the tree.
        zxid: Zxid,
    },
    /// Look what the log on disk has between a learner's last txn and those in memory.
    ReadLog {
        /// For whom.
        link: LinkId,
        /// The end of the learner's log.
        after: Zxid,
        /// The oldest txn in memory: it is committed, so the log is not written there any more.
        up_to: Zxid,
    },
    /// The role's end: close the link.
    Close(LinkId),
    /// Close the link, for the other side has broken a rule.
    Drop(LinkId, Violation),
    /// Clients may come: state and epoch. A leader's processor goes on from the epoch's beginning.
    Serve(PeerState, Epoch),
    /// Close all clients' connections, and take no new ones.
    StopServing,
    /// A learner's client wants a write, or a sync.
    Request(LinkId, Forwarded),
    /// A learner's client has come with a session: is it alive? It is the link's from now on.
    Revalidate {
        /// Who asks.
        link: LinkId,
        /// Which session.
        session: SessionId,
        /// In ms.
        timeout_ms: i32,
    },
    /// Sessions that a learner has heard of, and their timeouts in ms.
    Touched(Vec<(SessionId, i32)>),
    /// What the leader says of a session.
    Revalidated {
        /// Which.
        session: SessionId,
        /// Whether it is alive.
        valid: bool,
    },
    /// The oldest sync that was forwarded is through.
    SyncDone,
    /// End the process with Apache's code for it: the leader committed this txn, which is not the next.
    UnmatchedCommit(Zxid),
}

/// What a leader counts (the gauges of `LeaderZooKeeperServer`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LearnerCounts {
    /// Links, also those that are not in sync yet.
    pub all: usize,
    /// Followers that are in sync, those without a vote included.
    pub synced_followers: usize,
    /// Followers that are in sync and are no voters.
    pub synced_non_voting_followers: usize,
    /// Observers that are in sync.
    pub synced_observers: usize,
    /// Syncs that wait for a commit.
    pub pending_syncs: usize,
}

/// A role's fields cannot outlive the role.
#[derive(Debug)]
enum Kind {
    Standalone(Standalone),
    Member(Box<Member>),
}

/// One server.
#[derive(Debug)]
pub struct Peer {
    kind: Kind,
}

impl Peer {
    /// A server on its own, which goes on after `last_zxid`.
    pub fn standalone(last_zxid: Zxid) -> Self {
        Peer {
            kind: Kind::Standalone(Standalone::new(last_zxid)),
        }
    }

    /// A member of an ensemble, with what its start found on disk. It does nothing before [`Input::Start`].
    pub fn member(settings: Settings, found: Found) -> Self {
        Peer {
            kind: Kind::Member(Box::new(Member::new(settings, found))),
        }
    }

    /// When [`Input::Timeout`] is due, in ms of the clock that [`Peer::handle`] is given.
    pub fn deadline(&self) -> Option<u64> {
        match &self.kind {
            Kind::Standalone(_) => None,
            Kind::Member(member) => member.deadline(),
        }
    }

    /// What is known of the learners; all 0 where it does not lead.
    pub fn learner_counts(&self) -> LearnerCounts {
        match &self.kind {
            Kind::Standalone(_) => LearnerCounts::default(),
            Kind::Member(member) => member.learner_counts(),
        }
    }

    /// The observers that are in sync with it; none where it does not lead.
    pub fn synced_observers(&self) -> Vec<(LinkId, Sid)> {
        match &self.kind {
            Kind::Standalone(_) => Vec::new(),
            Kind::Member(member) => member.synced_observers(),
        }
    }

    /// Takes one input; what is to be done goes to `outputs`. `now_ms` never goes back.
    pub fn handle(&mut self, now_ms: u64, input: Input, outputs: &mut Vec<Output>) {
        match &mut self.kind {
            Kind::Standalone(role) => role.handle(input, outputs),
            Kind::Member(member) => member.handle(now_ms, input, outputs),
        }
    }
}
