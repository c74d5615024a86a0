//! From a request to a txn (`PrepRequestProcessor`).
//!
//! Each kind of write asks its questions in Apache's order; the first "no" is the reply. A
//! refused write still takes a zxid and becomes an error txn.

mod create;
mod eager;
mod multi;
mod session;
mod write;

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use datatree::{DIGEST_VERSION, DataTree};
use proto::records::{ErrorTxn, TxnDigest, TxnHeader};
use proto::txn::TxnBody;
use proto::{Encode, ErrorCode, Input, OpCode, SessionId, Zxid};

pub(crate) use multi::{Malformed as MalformedMulti, Parts};

use crate::access::AccessRules;
use crate::auth::Identities;
use crate::outstanding::Outstanding;
use crate::quota::check_quota;
use crate::sessions::{Owner, SessionTable};

/// What a server's flags change in its processing.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who may do what.
    pub access: AccessRules,
    /// `zookeeper.enforceQuota`: hard quotas are refused.
    pub enforce_quota: bool,
    /// `zookeeper.closeSessionTxn.enabled`: closeSession txns name the paths to delete.
    pub close_session_txn: bool,
    /// `reconfigEnabled`.
    pub reconfig_enabled: bool,
    /// Bounds of a request's fields.
    pub limits: jute::Limits,
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            access: AccessRules::default(),
            enforce_quota: false,
            close_session_txn: true,
            reconfig_enabled: false,
            limits: jute::Limits::default(),
        }
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Requester<'a> {
    /// The session, 0 for the server itself.
    pub session: SessionId,
    /// The client's number of the request.
    pub cxid: i32,
    /// Through whom the session asks.
    pub owner: Owner,
    /// The identities of the connection when the request was read.
    pub identities: &'a Identities,
}

/// A write that waits to become a txn.
#[derive(Clone, Copy, Debug)]
pub struct WriteRequest<'a> {
    /// Who asks.
    pub who: Requester<'a>,
    /// For what.
    pub op: OpCode,
    /// The request's body, behind its header.
    pub body: &'a [u8],
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// A txn to propose: the bytes of its log record.
    Txn {
        /// Its number.
        zxid: Zxid,
        /// Its record.
        record: Bytes,
    },
    /// A reply without a txn or zxid: the body could not be parsed.
    Refused(ErrorCode),
}

/// Makes txns of requests, one zxid after the other.
#[derive(Debug)]
pub struct Processor {
    /// The flags.
    pub rules: Rules,
    /// The sessions.
    pub sessions: SessionTable,
    /// What is proposed and not yet applied.
    pub outstanding: Outstanding,
    last_zxid: Zxid,
    quota_refusals: BTreeMap<String, u64>,
}

/// A txn in the making.
struct Making<'a> {
    who: Requester<'a>,
    zxid: Zxid,
    time: i64,
}

/// What a request's questions lead to.
type Outcome<'a> = Result<TxnBody<'a>, ErrorCode>;

impl Processor {
    /// Goes on after `last_zxid`.
    pub fn new(rules: Rules, sessions: SessionTable, last_zxid: Zxid) -> Self {
        Processor {
            rules,
            sessions,
            outstanding: Outstanding::default(),
            last_zxid,
            quota_refusals: BTreeMap::new(),
        }
    }

    /// A leader's reign begins at this zxid: nothing is outstanding, and `sessions` are those of the tree.
    pub fn begin_epoch(&mut self, zxid: Zxid, sessions: SessionTable) {
        self.sessions = sessions;
        self.outstanding = Outstanding::default();
        self.last_zxid = zxid;
    }

    /// Whether [`Processor::prepare`] would refuse a write without a txn: a learner says so itself, for nothing comes back for
    /// it from a leader.
    pub fn is_malformed(&self, op: OpCode, body: &[u8]) -> bool {
        let mut input = Input::with_limits(body, self.rules.limits);
        match op {
            OpCode::MULTI => matches!(Parts::parse(&mut input), Err(MalformedMulti::Null)),
            OpCode::CREATE_SESSION => false,
            _ => write::parse(op, &mut input).is_err(),
        }
    }

    /// The zxid of the last txn made.
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// How many writes a hard quota refused since this was last asked, by the first name of their paths.
    pub fn take_quota_refusals(&mut self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.quota_refusals)
    }

    /// Asks the hard quotas, where they are enforced, and counts the refusal (`ZooKeeperServer.updateQuotaExceededMetrics`).
    fn check_quota(
        &mut self,
        tree: &DataTree,
        path: &str,
        bytes: i64,
        count: i64,
    ) -> Result<(), ErrorCode> {
        if !self.rules.enforce_quota {
            return Ok(());
        }
        check_quota(tree, path, bytes, count).inspect_err(|_| {
            let namespace = path.split('/').nth(1).filter(|name| !name.is_empty());
            if let Some(namespace) = namespace {
                *self.quota_refusals.entry(namespace.to_owned()).or_default() += 1;
            }
        })
    }

    fn next_zxid(&mut self) -> Zxid {
        self.last_zxid = self.last_zxid.next();
        self.last_zxid
    }

    /// Makes a txn of a request. `time` is the wall clock in ms since 1970.
    pub fn prepare(&mut self, tree: &DataTree, request: &WriteRequest<'_>, time: i64) -> Prepared {
        let mut input = Input::with_limits(request.body, self.rules.limits);
        if request.op == OpCode::MULTI {
            return self.prepare_multi(tree, request, time);
        }
        let parsed = write::parse(request.op, &mut input);
        // The one kind that Apache parses when it has taken a zxid already.
        if parsed.is_err() && request.op != OpCode::CREATE_SESSION {
            return Prepared::Refused(ErrorCode::MARSHALLING_ERROR);
        }
        let making = Making {
            who: request.who,
            zxid: self.next_zxid(),
            time,
        };
        let outcome = match parsed {
            Ok(parsed) => self.make(tree, &making, &parsed),
            Err(write::Malformed) => Err(ErrorCode::MARSHALLING_ERROR),
        };
        self.finish(tree, &making, request.op, outcome)
    }

    /// Ends a session: a client's request, or expiry (`cxid` 0).
    pub fn prepare_close_session(
        &mut self,
        tree: &DataTree,
        session: SessionId,
        cxid: i32,
        time: i64,
    ) -> Prepared {
        let identities = Identities::default();
        let who = Requester {
            session,
            cxid,
            owner: Owner::HERE,
            identities: &identities,
        };
        let making = Making {
            who,
            zxid: self.next_zxid(),
            time,
        };
        let body = self.close_session(tree, &making);
        self.finish(tree, &making, OpCode::CLOSE_SESSION, Ok(body))
    }

    /// Begins a session whose id is given; `cxid` is 0 but where a client asks for its session once more.
    pub fn prepare_create_session(
        &mut self,
        tree: &DataTree,
        (session, cxid): (SessionId, i32),
        timeout_ms: i32,
        time: i64,
    ) -> Prepared {
        let identities = Identities::default();
        let who = Requester {
            session,
            cxid,
            owner: Owner::HERE,
            identities: &identities,
        };
        let making = Making {
            who,
            zxid: self.next_zxid(),
            time,
        };
        let body = session::create_session(timeout_ms);
        self.finish(tree, &making, OpCode::CREATE_SESSION, Ok(body))
    }

    /// Refuses a learner's request that [`Processor::prepare`] has refused without a txn: the learner waits for one.
    pub fn prepare_refusal(&mut self, who: Requester<'_>, err: ErrorCode, time: i64) -> Prepared {
        let making = Making {
            who,
            zxid: self.next_zxid(),
            time,
        };
        self.error(&making, err)
    }

    /// The record: header, body, and the digest of the tree when all so far is applied. That of a
    /// refused write has none (`PrepRequestProcessor.pRequestHelper`).
    fn finish(
        &self,
        tree: &DataTree,
        making: &Making<'_>,
        op: OpCode,
        outcome: Outcome<'_>,
    ) -> Prepared {
        match outcome {
            Ok(body) => self.record(making, op, &body, self.digest(tree)),
            Err(err) => self.error(making, err),
        }
    }

    fn error(&self, making: &Making<'_>, err: ErrorCode) -> Prepared {
        let body = TxnBody::Error(ErrorTxn { err });
        self.record(making, OpCode::ERROR, &body, None)
    }

    /// Of the tree when all so far is applied, where digests are on.
    fn digest(&self, tree: &DataTree) -> Option<i64> {
        let is_on = tree.options().digest;
        is_on.then(|| self.outstanding.digest(tree))
    }

    fn record(
        &self,
        making: &Making<'_>,
        op: OpCode,
        body: &TxnBody<'_>,
        tree_digest: Option<i64>,
    ) -> Prepared {
        let header = TxnHeader {
            client_id: making.who.session,
            cxid: making.who.cxid,
            zxid: making.zxid,
            time: making.time,
            r#type: op,
        };
        let mut record = BytesMut::with_capacity(256);
        header.encode(&mut record);
        body.encode(&mut record);
        if let Some(tree_digest) = tree_digest {
            TxnDigest {
                version: DIGEST_VERSION,
                tree_digest,
            }
            .encode(&mut record);
        }
        Prepared::Txn {
            zxid: making.zxid,
            record: record.freeze(),
        }
    }
}

/// Does the operation become a txn? All others are reads, or are answered without the tree.
pub fn is_write(op: OpCode) -> bool {
    matches!(
        op,
        OpCode::CREATE
            | OpCode::CREATE2
            | OpCode::CREATE_CONTAINER
            | OpCode::CREATE_TTL
            | OpCode::DELETE
            | OpCode::DELETE_CONTAINER
            | OpCode::SET_DATA
            | OpCode::SET_ACL
            | OpCode::MULTI
            | OpCode::RECONFIG
            | OpCode::CREATE_SESSION
            | OpCode::CLOSE_SESSION
    )
}
