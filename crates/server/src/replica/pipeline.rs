//! What is on its way: from proposed to applied and answered.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use datatree::{DataTree, TxnResult};
use proto::records::SyncRequest;
use proto::txn::TxnRecord;
use proto::{Decode, Encode, ErrorCode, Input, OpCode, SessionId, Zxid};

use super::{Replica, connect};
use crate::clock;
use crate::connection::{Connection, Held, WakeBatch};
use crate::limits;

/// What has to happen before the answer.
#[derive(Debug)]
pub(super) enum Work {
    /// A txn is committed and applied.
    Txn { zxid: Zxid, record: Bytes },
    /// All earlier txns are applied.
    Sync,
    /// Nothing, but earlier requests are answered first.
    Refused(ErrorCode),
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
    },
    /// Nobody: expiry, the reaper.
    Server,
}

#[derive(Debug)]
pub(super) struct InFlight {
    pub work: Work,
    pub origin: Origin,
}

impl Replica {
    /// The last step of a submission: into the queue. What needs no txn is answered at once when
    /// nothing is before it.
    pub(super) fn enter(&mut self, entry: InFlight) {
        self.in_flight.push_back(entry);
        if self.next_txn().is_none() {
            let server = self.server.clone();
            self.answer_leading(&server.tree.read());
        }
    }

    /// Answers what stands before the oldest txn.
    fn answer_leading(&mut self, tree: &DataTree) {
        while let Some(InFlight { work, .. }) = self.in_flight.front()
            && !matches!(work, Work::Txn { .. })
        {
            let entry = self.in_flight.pop_front().expect("looked at above");
            self.make_way(tree, &entry);
            self.answer(tree, entry, None);
        }
    }

    /// Applies what is committed, a bounded batch under each exclusive lock.
    pub(super) fn apply(&mut self, up_to: Zxid) {
        let server = self.server.clone();
        while self.next_txn().is_some_and(|zxid| zxid <= up_to) {
            // Dropped after the lock: who is woken may want it.
            let _wakes = WakeBatch::begin();
            let mut tree = server.tree.write();
            for _ in 0..limits::MAX_APPLY_BATCH {
                if self.next_txn().is_none_or(|zxid| zxid > up_to) {
                    break;
                }
                let entry = self.in_flight.pop_front().expect("has a txn");
                self.apply_one(&mut tree, entry);
                self.answer_leading(&tree);
            }
        }
        self.resume_stalled();
    }

    fn next_txn(&self) -> Option<Zxid> {
        match self.in_flight.front()?.work {
            Work::Txn { zxid, .. } => Some(zxid),
            Work::Sync | Work::Refused(_) => None,
        }
    }

    fn apply_one(&mut self, tree: &mut DataTree, entry: InFlight) {
        let Work::Txn { zxid, record } = &entry.work else {
            unreachable!("only txns are applied")
        };
        let (zxid, record) = (*zxid, record.clone());
        self.make_way(tree, &entry);
        let record = TxnRecord::decode_own(&record).expect("our own record can be read");
        let result = {
            let mut watchers = self.server.watchers.lock();
            let access = &self.server.access;
            tree.apply(&record, &mut |change| {
                watchers.deliver(change, zxid, access)
            })
        };
        self.processor.outstanding.applied(zxid);
        if record.header.r#type == OpCode::CLOSE_SESSION {
            self.session_ended(record.header.client_id, &entry.origin);
        }
        self.answer(tree, entry, Some(&result));
    }

    /// The reads before a request are executed before it, also those that waited for room.
    fn make_way(&self, tree: &DataTree, entry: &InFlight) {
        if let Origin::Request { connection, .. } = &entry.origin {
            connection.clear_held(&self.server, tree);
        }
    }

    /// One that did not ask for it itself is disconnected without a word.
    fn session_ended(&mut self, session: SessionId, origin: &Origin) {
        self.processor.sessions.remove(session);
        let Some(connection) = self.by_session.remove(&session) else {
            return;
        };
        let asked = matches!(origin, Origin::Request { connection: asker, .. } if asker.id == connection.id);
        if !asked {
            connection.close_now();
        }
    }

    fn answer(&mut self, tree: &DataTree, entry: InFlight, result: Option<&TxnResult<'_>>) {
        match entry.origin {
            Origin::Server => {}
            Origin::Connect {
                connection,
                session,
                timeout_ms,
            } => {
                self.session_begun(&connection, session, timeout_ms);
            }
            Origin::Request {
                connection,
                request,
            } => {
                self.server.stats.in_process.fetch_sub(1, Relaxed);
                self.server.throttles.release_large(request.frame_bytes());
                connection.traffic.outstanding.fetch_sub(1, Relaxed);
                let size = match (&entry.work, result) {
                    (_, Some(result)) => reply(&connection, tree, &request, result),
                    (Work::Refused(err), _) => {
                        connection.send_header(request.xid, tree.last_zxid(), *err)
                    }
                    _ => reply_to_sync(&connection, tree, &request),
                };
                let stats = &self.server.stats;
                stats.reply_sizes.add(size);
                stats
                    .latency_ms
                    .add(clock::monotonic_ms() - request.received_ms);
                self.go_on(tree, &connection);
            }
        }
    }

    /// A request of the session was answered: those held behind it have their turn.
    fn go_on(&self, tree: &DataTree, connection: &Connection) {
        connection.order().pop_pending();
        connection.execute_held(&self.server, tree);
        // Its task may have stopped reading until now.
        connection.wake();
    }
}

fn reply(
    connection: &Connection,
    tree: &DataTree,
    request: &Held,
    result: &TxnResult<'_>,
) -> usize {
    if result.op == OpCode::CREATE_SESSION {
        let timeout_ms = connection.session.get().map_or(0, |bound| bound.timeout_ms);
        connect::respond(connection, connection.session_id(), timeout_ms);
        return 0;
    }
    let size = connection.send(|out| {
        processor::encode_txn_reply(request.xid, tree.last_zxid(), result, out);
    });
    if request.op == OpCode::CLOSE_SESSION {
        connection.close_after_replies();
    }
    size
}

/// Echoes the path.
fn reply_to_sync(connection: &Connection, tree: &DataTree, request: &Held) -> usize {
    let zxid = tree.last_zxid();
    match SyncRequest::decode(&mut Input::new(&request.body)) {
        // The response has the request's form.
        Ok(echo) => connection.send(|out| {
            processor::encode_header(request.xid, zxid, ErrorCode::OK, out);
            echo.encode(out);
        }),
        Err(_) => connection.send_header(request.xid, zxid, ErrorCode::MARSHALLING_ERROR),
    }
}
