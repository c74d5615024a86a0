//! The orders that must hold, as pairs of steps: a process may die between any two of them.

use persistence::SyncPoint;
use quorum::packet::{ToLeader, ToLearner};
use quorum::{DiskOp, Output};

/// What a server is in the middle of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Situation {
    /// It leads, or tries to.
    pub leads: bool,
    /// Clients may come.
    pub serves: bool,
    /// A learner that has acknowledged NEWLEADER.
    pub acked_new_leader: bool,
}

/// An operation on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// [`DiskOp::Append`].
    Append,
    /// [`DiskOp::AcceptedEpoch`].
    AcceptedEpoch,
    /// [`DiskOp::CurrentEpoch`].
    CurrentEpoch,
    /// [`DiskOp::Truncate`].
    Truncate,
    /// [`DiskOp::InstallSnapshot`].
    Install,
    /// A snapshot of the running tree, outside the queue.
    OwnSnapshot,
    /// What a start does.
    Recovery,
}

impl From<&DiskOp> for Operation {
    fn from(op: &DiskOp) -> Self {
        match op {
            DiskOp::Append { .. } => Append,
            DiskOp::AcceptedEpoch(_) => AcceptedEpoch,
            DiskOp::CurrentEpoch(_) => CurrentEpoch,
            DiskOp::Truncate(_) => Truncate,
            DiskOp::InstallSnapshot(_) => Install,
        }
    }
}

/// In front of what the process dies.
#[derive(Clone, Copy)]
pub enum Place {
    /// Such an output, which is not carried out.
    Output(fn(&Situation, &Output) -> bool),
    /// Such a packet, which is not looked at.
    Packet(fn(&Situation, &ToLearner) -> bool),
    /// The last piece of a snapshot's stream.
    Stream,
    /// An operation on the disk, of which nothing is done.
    Disk(Operation, fn(&Situation) -> bool),
    /// A sync within an operation, behind so many others of the same kind.
    Sync(Operation, &'static [SyncPoint], u32),
}

/// A place between two steps of an order.
pub struct Step {
    /// What was done, and what was not.
    pub name: &'static str,
    /// Where that is.
    pub place: Place,
}

const fn step(name: &'static str, place: Place) -> Step {
    Step { name, place }
}

fn any(_: &Situation) -> bool {
    true
}

use Operation::{AcceptedEpoch, Append, CurrentEpoch, Install, OwnSnapshot, Recovery, Truncate};
use Place::{Disk, Packet, Stream, Sync};
use SyncPoint as At;

/// A learner's and a leader's orders, those of TRUNC and SNAP, and of what surrounds them.
pub const STEPS: &[Step] = &[
    step(
        "acceptedEpoch's file -> its name",
        Sync(AcceptedEpoch, &[At::EpochName], 0),
    ),
    step(
        "acceptedEpoch -> ACKEPOCH",
        Place::Output(|_, output| to_leader(output, |p| matches!(p, ToLeader::AckEpoch { .. }))),
    ),
    step(
        "ACKEPOCH -> history",
        Packet(|_, packet| {
            matches!(
                packet,
                ToLearner::Diff(_) | ToLearner::Trunc(_) | ToLearner::Snap(_)
            )
        }),
    ),
    step(
        "history -> currentEpoch (learner)",
        Disk(CurrentEpoch, |at| !at.leads),
    ),
    step(
        "currentEpoch's file -> its name",
        Sync(CurrentEpoch, &[At::EpochName], 0),
    ),
    step(
        "currentEpoch -> NEWLEADER's ack",
        Place::Output(|at, output| {
            let ack = to_leader(
                output,
                |p| matches!(p, ToLeader::Ack(z) if z.is_beginning()),
            );
            ack && !at.acked_new_leader
        }),
    ),
    step(
        "NEWLEADER's ack -> UPTODATE",
        Packet(|_, packet| matches!(packet, ToLearner::UpToDate)),
    ),
    step(
        "UPTODATE -> serve (learner)",
        Place::Output(|at, output| !at.leads && matches!(output, Output::Serve(..))),
    ),
    step(
        "append -> a new log's name",
        Sync(Append, &[At::NewLogFile], 0),
    ),
    step("append -> its fsync", Sync(Append, &[At::LogRecords], 0)),
    step(
        "append -> ack",
        Place::Output(|_, output| {
            to_leader(
                output,
                |p| matches!(p, ToLeader::Ack(z) if !z.is_beginning()),
            )
        }),
    ),
    step(
        "ack -> COMMIT (learner)",
        Packet(|at, packet| at.serves && matches!(packet, ToLearner::Commit(_))),
    ),
    step(
        "COMMIT -> tree (learner)",
        Place::Output(|at, output| !at.leads && at.serves && is_apply(output)),
    ),
    step(
        "own acceptedEpoch -> LEADERINFO",
        Place::Output(|_, output| to_learner(output, |p| matches!(p, ToLearner::LeaderInfo(_)))),
    ),
    step(
        "ACKEPOCHs -> own currentEpoch",
        Disk(CurrentEpoch, |at| at.leads),
    ),
    step(
        "own currentEpoch and NEWLEADER's acks -> serve",
        Place::Output(|at, output| at.leads && matches!(output, Output::Serve(..))),
    ),
    step(
        "serve -> UPTODATE",
        Place::Output(|_, output| to_learner(output, |p| matches!(p, ToLearner::UpToDate))),
    ),
    step(
        "own append -> PROPOSAL",
        Place::Output(|at, output| {
            at.serves && to_learner(output, |p| matches!(p, ToLearner::Proposal { .. }))
        }),
    ),
    step(
        "acks -> COMMIT",
        Place::Output(|at, output| {
            at.serves && to_learner(output, |p| matches!(p, ToLearner::Commit(_)))
        }),
    ),
    step(
        "COMMIT -> own tree",
        Place::Output(|at, output| at.leads && at.serves && is_apply(output)),
    ),
    step("SNAP -> its last byte", Stream),
    step("SNAP's stream -> snapshot file", Disk(Install, any)),
    step(
        "SNAP's file -> its fsync",
        Sync(Install, &[At::SnapshotFile], 0),
    ),
    step(
        "SNAP's file -> its epoch laid ready",
        Sync(Install, &[At::EpochFile], 0),
    ),
    step(
        "SNAP's file -> its name",
        Sync(Install, &[At::NewSnapshot], 0),
    ),
    step(
        "SNAP's name -> others set aside",
        Sync(Install, &[At::SetAsideSnapshot], 0),
    ),
    step(
        "SNAP's name -> its epoch",
        Sync(Install, &[At::EpochName], 1),
    ),
    step(
        "SNAP's epoch -> tree",
        Place::Output(|_, output| matches!(output, Output::UseSnapshot(_))),
    ),
    step("TRUNC -> log", Disk(Truncate, any)),
    step(
        "TRUNC's cut -> its fsync",
        Sync(Truncate, &[At::TruncatedLog, At::RemovedLog], 0),
    ),
    step(
        "TRUNC's cut -> tree",
        Place::Output(|_, output| matches!(output, Output::Reload(_))),
    ),
    step(
        "own snapshot's file -> its name",
        Sync(OwnSnapshot, &[At::NewSnapshot], 0),
    ),
    step(
        "recovered log -> its fsync",
        Sync(Recovery, &[At::ReplayedLog], 0),
    ),
];

fn to_leader(output: &Output, is: fn(&ToLeader) -> bool) -> bool {
    matches!(output, Output::ToLeader(_, packet) if is(packet))
}

fn to_learner(output: &Output, is: fn(&ToLearner) -> bool) -> bool {
    matches!(output, Output::ToLearner(_, packet) if is(packet))
}

fn is_apply(output: &Output) -> bool {
    matches!(output, Output::Apply { .. })
}
