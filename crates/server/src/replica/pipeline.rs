//! What is on its way: txns that are logged and not applied, and clients that wait for an answer.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use datatree::{Change, DataTree, TxnResult};
use proto::records::{SyncRequest, TxnHeader};
use proto::txn::{TxnBody, TxnRecord};
use proto::{Decode, Encode, ErrorCode, Input, OpCode, SessionId, Zxid};

use super::duty::Duty;
use super::{Replica, connect};
use crate::audit;
use crate::clock;
use crate::connection::figures::{self, Answered};
use crate::connection::{Connection, Held, WakeBatch};
use crate::limits;
use crate::metrics::Tally;
use crate::shared::Shared;
use crate::slow;

/// What has to happen before the answer.
#[derive(Debug)]
pub(super) enum Work {
    /// A txn is committed and applied.
    Txn(Zxid),
    /// All txns up to this one are applied.
    Sync(Zxid),
    /// The leader makes a txn of it, which is known by the client's session and number, and that is applied. No two of a session
    /// are on their way with the same number, and the leader orders them as they were sent.
    Forwarded {
        session: SessionId,
        cxid: i32,
        /// What this server says where the leader refuses it: it knows the reason better.
        refusal: Option<ErrorCode>,
    },
    /// The leader says that all before it is committed.
    ForwardedSync,
    /// Nothing, but earlier requests are answered first.
    Refused(ErrorCode),
    /// As above, and the answer names no zxid.
    RefusedEagerly(ErrorCode),
    /// As above: a local session ends.
    EndLocalSession,
}

/// Who is answered.
#[derive(Debug)]
pub(super) enum Origin {
    /// A client's request.
    Request {
        connection: Arc<Connection>,
        request: Held,
    },
    /// A client that asked for a session.
    Connect {
        connection: Arc<Connection>,
        session: SessionId,
        timeout_ms: i32,
        received_ms: i64,
    },
    /// A local session that becomes global, for the request behind this entry.
    Upgrade,
}

/// A client that waits. In their order; txns that nobody here waits for have none.
#[derive(Debug)]
pub(super) struct InFlight {
    pub work: Work,
    pub origin: Origin,
}

impl InFlight {
    /// When it was read; monotonic ms. None for what no client asked for.
    fn received_ms(&self) -> Option<i64> {
        match &self.origin {
            Origin::Request { request, .. } => Some(request.received_ms),
            Origin::Connect { received_ms, .. } => Some(*received_ms),
            Origin::Upgrade => None,
        }
    }
}

impl Replica {
    /// The last step of a submission: into the queue. What needs no txn is answered at once when
    /// nothing is before it.
    pub(super) fn enter(&mut self, entry: InFlight) {
        if self.duty == Duty::Nothing {
            return self.drop_origin(&entry.origin); // proposing it has ended the role
        }
        self.in_flight.push_back(entry);
        self.answer_ready();
    }

    /// Answers what waits for no txn any more.
    pub(super) fn answer_ready(&mut self) {
        if self.is_first_ready() {
            let server = self.server.clone();
            self.answer_leading(&server.tree.read());
        }
    }

    fn answer_leading(&mut self, tree: &DataTree) {
        while self.is_first_ready() {
            let entry = self.in_flight.pop_front().expect("looked at above");
            self.make_way(tree, &entry);
            self.answer(tree, entry, None);
        }
    }

    fn is_first_ready(&self) -> bool {
        match self.in_flight.front().map(|entry| &entry.work) {
            Some(Work::Sync(last)) => !self.has_tail_up_to(*last),
            Some(Work::Refused(_) | Work::RefusedEagerly(_) | Work::EndLocalSession) => true,
            Some(Work::Txn(_) | Work::Forwarded { .. } | Work::ForwardedSync) | None => false,
        }
    }

    /// A txn goes to the log, and is kept until it is applied.
    pub(super) fn logged(&mut self, zxid: Zxid, record: Bytes) {
        self.tail.push_back((zxid, record));
    }

    /// Applies what is committed, a bounded batch under each exclusive lock.
    pub(super) fn apply_committed(&mut self) {
        let Some(up_to) = self.committed.take() else {
            return;
        };
        let server = self.server.clone();
        self.begin_batch(up_to);
        while self.has_tail_up_to(up_to) {
            // Dropped after the lock: who is woken may want it.
            let _wakes = WakeBatch::begin();
            let mut tree = server.tree.write();
            for _ in 0..limits::MAX_APPLY_BATCH {
                if !self.has_tail_up_to(up_to) {
                    break;
                }
                let (zxid, record) = self.tail.pop_front().expect("looked at above");
                self.apply_one(&mut tree, zxid, &record);
                self.answer_leading(&tree);
            }
            self.tell_measured();
        }
        self.end_batch();
    }

    /// Whether a txn up to this one waits to be applied.
    fn has_tail_up_to(&self, up_to: Zxid) -> bool {
        self.tail.front().is_some_and(|(zxid, _)| *zxid <= up_to)
    }

    /// Who waits for this txn.
    fn take_waiting(&mut self, txn: &TxnHeader) -> Option<InFlight> {
        let is_awaited = match self.in_flight.front()?.work {
            Work::Txn(awaited) => awaited == txn.zxid,
            Work::Forwarded { session, cxid, .. } => (session, cxid) == (txn.client_id, txn.cxid),
            Work::Sync(_)
            | Work::ForwardedSync
            | Work::Refused(_)
            | Work::RefusedEagerly(_)
            | Work::EndLocalSession => false,
        };
        is_awaited.then(|| self.in_flight.pop_front())?
    }

    /// What this server has made is read as it was meant.
    fn decode<'a>(&self, record: &'a [u8]) -> TxnRecord<'a> {
        let record = match self.duty.makes_txns() {
            true => TxnRecord::decode_own(record),
            false => TxnRecord::decode(record),
        };
        record.expect("a record is looked at before it is logged")
    }

    fn apply_one(&mut self, tree: &mut DataTree, zxid: Zxid, record: &[u8]) {
        let record = self.decode(record);
        let waiting = self.take_waiting(&record.header);
        if let Some(entry) = &waiting {
            self.make_way(tree, entry);
        }
        let ends_session = matches!(record.body, TxnBody::CloseSession(_));
        let is_audited = ends_session && self.server.config.audit;
        let result = {
            let mut watchers = self.server.watchers.lock();
            let (access, metrics) = (&self.server.access, &self.server.metrics);
            let tally = &mut self.measured.tally;
            tree.apply(&record, &mut |change| {
                tally.has_changed(metrics, change);
                watchers.deliver(change, zxid, access, metrics);
                if is_audited && let Change::Deleted { path, .. } = change {
                    audit::ephemeral_deleted(record.header.client_id, path);
                }
            })
        };
        let received_ms = waiting.as_ref().and_then(InFlight::received_ms);
        self.measure_txn(&record.header, received_ms);
        self.processor.outstanding.applied(zxid);
        match &record.body {
            TxnBody::CreateSession(txn) => {
                self.session_known(record.header.client_id, txn.time_out)
            }
            TxnBody::CloseSession(_) => {
                self.session_ended(record.header.client_id, waiting.as_ref())
            }
            _ => {}
        }
        if let Some(entry) = waiting {
            self.answer(tree, entry, Some(&result));
        }
    }

    /// The reads before a request are executed before it, also those that waited for room.
    fn make_way(&mut self, tree: &DataTree, entry: &InFlight) {
        if let Origin::Request { connection, .. } = &entry.origin {
            let tally = &mut self.measured.tally;
            connection.clear_held(&self.server, tree, tally);
        }
    }

    /// A leader knows it since it was asked for.
    fn session_known(&mut self, session: SessionId, timeout_ms: i32) {
        if matches!(self.duty, Duty::Learns { .. }) {
            let now_ms = clock::monotonic_ms();
            self.processor.sessions.track(session, timeout_ms, now_ms);
        }
    }

    /// One that did not ask for it itself is disconnected without a word.
    fn session_ended(&mut self, session: SessionId, waiting: Option<&InFlight>) {
        self.processor.sessions.remove(session);
        let Some(connection) = self.by_session.remove(&session) else {
            return;
        };
        let asker = waiting.and_then(|entry| match &entry.origin {
            Origin::Request { connection, .. } => Some(connection.id),
            Origin::Connect { .. } | Origin::Upgrade => None,
        });
        if asker != Some(connection.id) {
            connection.close_now();
        }
    }

    fn answer(&mut self, tree: &DataTree, entry: InFlight, result: Option<&TxnResult<'_>>) {
        match entry.origin {
            Origin::Connect {
                connection,
                session,
                timeout_ms,
                received_ms,
            } => match result.map_or(ErrorCode::OK, |result| result.err) {
                ErrorCode::OK => {
                    self.count_connect(&connection, tree.last_zxid(), received_ms);
                    self.session_begun(&connection, session, timeout_ms);
                }
                _ => connect::refuse(&connection),
            },
            Origin::Upgrade => {}
            Origin::Request {
                connection,
                request,
            } => {
                self.server.stats.in_process.fetch_sub(1, Relaxed);
                self.server.throttles.release_large(request.frame_bytes());
                connection.traffic.outstanding.fetch_sub(1, Relaxed);
                self.audit(&connection, &request, &entry.work, result);
                self.reply(tree, &connection, &request, &entry.work, result);
                slow::look(&self.server, &connection, &request);
                self.go_on(tree, &connection);
            }
        }
    }

    /// createSession counts as a request (`FinalRequestProcessor`).
    pub(super) fn count_connect(&mut self, connection: &Connection, zxid: Zxid, received_ms: i64) {
        let answered = Answered {
            name: figures::name(OpCode::CREATE_SESSION, ErrorCode::OK),
            xid: 0,
            zxid,
            received_ms,
            is_update: true,
        };
        connection.count_answered(&self.server, &mut self.measured.tally, &answered);
    }

    /// What was throttled was not looked at (`FinalRequestProcessor.processRequest`).
    fn audit(
        &self,
        connection: &Connection,
        request: &Held,
        work: &Work,
        result: Option<&TxnResult<'_>>,
    ) {
        let is_throttled = matches!(work, Work::Refused(ErrorCode::THROTTLED_OP));
        if self.server.config.audit && !is_throttled {
            audit::request(&self.server.access.auth, connection, request, result);
        }
    }

    fn reply(
        &mut self,
        tree: &DataTree,
        connection: &Connection,
        request: &Held,
        work: &Work,
        result: Option<&TxnResult<'_>>,
    ) {
        if is_moved(work, result) {
            // Its client is elsewhere: no reply must reach it here (ZOOKEEPER-710).
            return connection.close_after_replies();
        }
        let (server, tally) = (&self.server, &mut self.measured.tally);
        let zxid = tree.last_zxid();
        let answered = |refusal| answered(request, zxid, refusal);
        let mut refuse = |err| {
            connection.reply(server, tally, &answered(err), |out| {
                processor::encode_header(request.xid, zxid, err, out);
            });
        };
        match (work, result) {
            (
                Work::Forwarded {
                    refusal: Some(err), ..
                },
                Some(result),
            ) if result.op == OpCode::ERROR => {
                refuse(*err);
            }
            (_, Some(result)) => {
                reply_to_txn(
                    (server, &mut self.measured.tally),
                    connection,
                    request,
                    &answered(refusal(result)),
                    result,
                );
            }
            (Work::Refused(err), _) => refuse(*err),
            (Work::RefusedEagerly(err), _) => {
                connection.send_header(request.xid, Zxid::ZERO, *err);
            }
            (Work::EndLocalSession, _) => {
                refuse(ErrorCode::OK);
                self.end_local_session(connection);
            }
            _ => reply_to_sync(
                (server, &mut self.measured.tally),
                connection,
                request,
                &answered(ErrorCode::OK),
            ),
        }
    }

    /// A request of the session was answered: those held behind it have their turn.
    fn go_on(&mut self, tree: &DataTree, connection: &Connection) {
        let waiting = connection.order().pop_pending();
        let tally = &mut self.measured.tally;
        let reads = connection.execute_held(&self.server, tree, tally);
        self.measure_answer(waiting, reads);
        // Its task may have stopped reading until now.
        connection.wake();
    }
}

/// Whether the session's client has come to another server since it asked (`FinalRequestProcessor`).
fn is_moved(work: &Work, result: Option<&TxnResult<'_>>) -> bool {
    let err = match (work, result) {
        (_, Some(result)) => result.err,
        (Work::Refused(err), None) => *err,
        _ => ErrorCode::OK,
    };
    err == ErrorCode::SESSION_MOVED
}

fn answered(request: &Held, zxid: Zxid, refusal: ErrorCode) -> Answered {
    Answered {
        name: figures::name(request.op, refusal),
        xid: request.xid,
        zxid,
        received_ms: request.received_ms,
        is_update: request.op != OpCode::SYNC && refusal != ErrorCode::THROTTLED_OP,
    }
}

/// Why the request was not executed; a multi is, also where a part of it fails.
fn refusal(result: &TxnResult<'_>) -> ErrorCode {
    match result.op {
        OpCode::MULTI => ErrorCode::OK,
        _ => result.err,
    }
}

fn reply_to_txn(
    (server, tally): (&Shared, &mut Tally),
    connection: &Connection,
    request: &Held,
    answered: &Answered,
    result: &TxnResult<'_>,
) {
    if result.op == OpCode::CREATE_SESSION {
        let timeout_ms = connection.session.get().map_or(0, |bound| bound.timeout_ms);
        connection.count_answered(server, tally, answered);
        return connect::respond(connection, connection.session_id(), timeout_ms);
    }
    connection.reply(server, tally, answered, |out| {
        processor::encode_txn_reply(request.xid, answered.zxid, result, out);
    });
    if request.op == OpCode::CLOSE_SESSION {
        connection.close_after_replies();
    }
}

/// Echoes the path.
fn reply_to_sync(
    (server, tally): (&Shared, &mut Tally),
    connection: &Connection,
    request: &Held,
    answered: &Answered,
) {
    let echo = SyncRequest::decode(&mut Input::new(&request.body));
    let err = match echo {
        Ok(_) => ErrorCode::OK,
        Err(_) => ErrorCode::MARSHALLING_ERROR,
    };
    connection.reply(server, tally, answered, |out| {
        processor::encode_header(request.xid, answered.zxid, err, out);
        if let Ok(echo) = echo {
            // The response has the request's form.
            echo.encode(out);
        }
    });
}
