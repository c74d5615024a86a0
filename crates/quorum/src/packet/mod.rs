//! The packets between a leader and its learners: what each says, and its bytes.
//!
//! One type for each direction, so that neither side has to ask what could not have come. Owns the meaning of every field of
//! a `QuorumPacket`. Must not know when a packet may come: that is the roles'. Apache: `Leader`'s constants, `LearnerHandler`,
//! `Learner`, `Follower`, `Observer`.

mod decode;
mod encode;
mod frame;

use bytes::Bytes;
use proto::records::Id;
use proto::{Epoch, OpCode, SessionId, Sid, Zxid};

pub use frame::{BadFrame, Frame, Limits, frame_length};

/// What leaders and learners say since 3.4: with LEADERINFO and ACKEPOCH.
pub const PROTOCOL_VERSION: i32 = 0x10000;

/// Whether a learner votes and acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnerKind {
    /// It does: FOLLOWERINFO.
    Follower,
    /// It only learns: OBSERVERINFO.
    Observer,
}

/// What a learner says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// What it wants to be.
    pub kind: LearnerKind,
    /// The newest epoch that it has accepted.
    pub accepted_epoch: Epoch,
    /// Who it is.
    pub sid: Sid,
    /// The version of the configuration that is active there; 0 where it does not say.
    pub config_version: i64,
}

/// A write, or a sync, of a client of the learner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// The client's session.
    pub session: SessionId,
    /// The client's number for the request.
    pub cxid: i32,
    /// What is asked.
    pub op: OpCode,
    /// The request's record.
    pub body: Bytes,
    /// Who the client has proved to be, its address among them; empty where the learner asks for itself: createSession.
    pub identities: Vec<Id<'static>>,
}

/// From a learner to its leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToLeader {
    /// FOLLOWERINFO or OBSERVERINFO.
    Hello(Hello),
    /// ACKEPOCH: the new epoch is accepted.
    AckEpoch {
        /// The last txn in the learner's log.
        last_logged: Zxid,
        /// The epoch of its history; None (-1 on the wire) where it had accepted the new epoch before, and its vote for it must
        /// not count again.
        current_epoch: Option<Epoch>,
    },
    /// ACK: all up to this txn is on disk; with a counter of 0 the whole history in front of NEWLEADER.
    Ack(Zxid),
    /// PING, the answer to one.
    Ping {
        /// As the leader sent it.
        zxid: Zxid,
        /// Sessions that were heard of since the last one, and their timeouts in ms.
        touched: Vec<(SessionId, i32)>,
    },
    /// REVALIDATE: a client has come with this session.
    Revalidate {
        /// Which.
        session: SessionId,
        /// In ms.
        timeout_ms: i32,
    },
    /// REQUEST.
    Request(Forwarded),
}

/// From a leader to a learner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToLearner {
    /// LEADERINFO: the epoch to accept.
    LeaderInfo(Epoch),
    /// DIFF: what the learner has is right; txns up to this one follow.
    Diff(Zxid),
    /// TRUNC: what is behind this txn is to go.
    Trunc(Zxid),
    /// SNAP: the stream of a snapshot of this zxid follows.
    Snap(Zxid),
    /// NEWLEADER: the history is complete.
    NewLeader {
        /// The leader's epoch.
        epoch: Epoch,
        /// The text of its configuration; empty before 3.5.
        config: Bytes,
    },
    /// UPTODATE: the learner may serve.
    UpToDate,
    /// PROPOSAL: a txn to log.
    Proposal {
        /// Its number.
        zxid: Zxid,
        /// Header, txn and digest.
        record: Bytes,
    },
    /// COMMIT: a proposal to apply.
    Commit(Zxid),
    /// COMMITANDACTIVATE: a committed reconfig.
    CommitAndActivate {
        /// The reconfig's txn.
        zxid: Zxid,
        /// Who should lead from now on.
        leader: Sid,
    },
    /// INFORM: a committed txn for an observer.
    Inform {
        /// Its number.
        zxid: Zxid,
        /// Header, txn and digest.
        record: Bytes,
    },
    /// INFORMANDACTIVATE: a committed reconfig for an observer.
    InformAndActivate {
        /// The reconfig's txn.
        zxid: Zxid,
        /// Who should lead from now on.
        leader: Sid,
        /// Header, txn and digest.
        record: Bytes,
    },
    /// PING, with the last proposed txn.
    Ping(Zxid),
    /// REVALIDATE, the answer to one.
    Revalidate {
        /// Which.
        session: SessionId,
        /// Whether it is alive.
        valid: bool,
    },
    /// SYNC: the oldest unanswered sync is through.
    Sync,
}

impl ToLeader {
    /// Apache's name of the packet's type.
    pub fn name(&self) -> &'static str {
        match self {
            ToLeader::Hello(hello) => match hello.kind {
                LearnerKind::Follower => "FOLLOWERINFO",
                LearnerKind::Observer => "OBSERVERINFO",
            },
            ToLeader::AckEpoch { .. } => "ACKEPOCH",
            ToLeader::Ack(_) => "ACK",
            ToLeader::Ping { .. } => "PING",
            ToLeader::Revalidate { .. } => "REVALIDATE",
            ToLeader::Request(_) => "REQUEST",
        }
    }
}

impl ToLearner {
    /// Apache's name of the packet's type.
    pub fn name(&self) -> &'static str {
        match self {
            ToLearner::LeaderInfo(_) => "LEADERINFO",
            ToLearner::Diff(_) => "DIFF",
            ToLearner::Trunc(_) => "TRUNC",
            ToLearner::Snap(_) => "SNAP",
            ToLearner::NewLeader { .. } => "NEWLEADER",
            ToLearner::UpToDate => "UPTODATE",
            ToLearner::Proposal { .. } => "PROPOSAL",
            ToLearner::Commit(_) => "COMMIT",
            ToLearner::CommitAndActivate { .. } => "COMMITANDACTIVATE",
            ToLearner::Inform { .. } => "INFORM",
            ToLearner::InformAndActivate { .. } => "INFORMANDACTIVATE",
            ToLearner::Ping(_) => "PING",
            ToLearner::Revalidate { .. } => "REVALIDATE",
            ToLearner::Sync => "SYNC",
        }
    }
}

/// Why a packet means nothing: the other side's fault, its link is dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPacket {
    /// No version sends this type in this direction.
    #[error("a packet of type {0}, which no {1} sends")]
    Type(i32, &'static str),
    /// The data is shorter or longer than the type says.
    #[error("a {name} packet with {bytes} bytes of data")]
    Data {
        /// The type.
        name: &'static str,
        /// What came.
        bytes: usize,
    },
    /// A learner of 3.3 or older, which knows no epochs.
    #[error("a learner with protocol version {0:#x}; 3.4 and later have 0x10000")]
    OldLearner(i32),
}

/// The numbers on the wire.
mod kind {
    pub const REQUEST: i32 = 1;
    pub const PROPOSAL: i32 = 2;
    pub const ACK: i32 = 3;
    pub const COMMIT: i32 = 4;
    pub const PING: i32 = 5;
    pub const REVALIDATE: i32 = 6;
    pub const SYNC: i32 = 7;
    pub const INFORM: i32 = 8;
    pub const COMMIT_AND_ACTIVATE: i32 = 9;
    pub const NEW_LEADER: i32 = 10;
    pub const FOLLOWER_INFO: i32 = 11;
    pub const UP_TO_DATE: i32 = 12;
    pub const DIFF: i32 = 13;
    pub const TRUNC: i32 = 14;
    pub const SNAP: i32 = 15;
    pub const OBSERVER_INFO: i32 = 16;
    pub const LEADER_INFO: i32 = 17;
    pub const ACK_EPOCH: i32 = 18;
    pub const INFORM_AND_ACTIVATE: i32 = 19;
}
