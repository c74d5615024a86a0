//! A server's clients: their connections, what they ask, and who waits for which txn.
//!
//! Owns the matching of committed txns with the requests of this server's clients: by zxid where it leads, by the head of the
//! FIFO of forwarded writes where it learns.

use std::collections::{BTreeMap, VecDeque};

use bytes::{BufMut, Bytes, BytesMut};
use datatree::{WatcherId, Watches};
use processor::{Identities, Owner, Prepared, Requester, is_write};
use proto::records::TxnHeader;
use proto::{Epoch, ErrorCode, OpCode, SessionId, Zxid};
use quorum::Input;
use quorum::packet::Forwarded;

use super::frame::{ConnectionId, ToClient, ToServer};
use super::process::{Effects, Note, Process};

#[derive(Clone, Debug)]
pub struct Request {
    pub xid: i32,
    pub op: OpCode,
    pub body: Bytes,
}

#[derive(Debug)]
pub enum Entry {
    /// In the pipeline.
    Pending,
    /// A read behind it.
    Held(Request),
}

#[derive(Debug, Default)]
pub struct Connection {
    pub session: Option<(SessionId, i32)>,
    pub order: VecDeque<Entry>,
}

/// What has to happen before an answer.
#[derive(Debug)]
pub enum Work {
    /// The leader's own: this txn is applied.
    Txn(Zxid),
    /// A learner's: the txn of this session and request is applied.
    Forwarded(SessionId, i32),
    /// The leader's own: all up to this txn is applied.
    Sync(Zxid),
    /// Nothing.
    Refused(ErrorCode),
}

#[derive(Debug)]
pub enum Asker {
    Request(ConnectionId, Request),
    Connect(ConnectionId, SessionId, i32),
}

#[derive(Debug)]
pub struct Waiting {
    pub work: Work,
    pub asker: Asker,
}

/// All that ends with the role.
#[derive(Default)]
pub struct Connections {
    pub open: BTreeMap<ConnectionId, Connection>,
    pub by_session: BTreeMap<SessionId, ConnectionId>,
    pub watches: Watches,
    /// Entered before anything is proposed or sent.
    pub waiting: VecDeque<Waiting>,
    /// Syncs that were forwarded: their answers carry no id.
    pub syncs: VecDeque<(ConnectionId, Request)>,
    revalidating: BTreeMap<SessionId, (ConnectionId, i32)>,
}

impl Connections {
    /// Every client is disconnected; nobody waits any more.
    pub fn close_all(&mut self, effects: &mut Effects) {
        let connections = std::mem::take(self).open.into_keys();
        effects
            .to_clients
            .extend(connections.map(|id| (id, ToClient::Closed)));
    }

    pub fn close(&mut self, id: ConnectionId, effects: &mut Effects) {
        if self.forget(id) {
            effects.to_clients.push((id, ToClient::Closed));
        }
    }

    /// Watches die with their connection; what waits for an answer keeps its place.
    fn forget(&mut self, id: ConnectionId) -> bool {
        self.watches.remove_watcher(WatcherId(id.0));
        self.by_session.retain(|_, current| *current != id);
        self.open.remove(&id).is_some()
    }

    pub fn take_waiting(&mut self, header: &TxnHeader) -> Option<Asker> {
        let is_its = match self.waiting.front()?.work {
            Work::Txn(zxid) => zxid == header.zxid,
            Work::Forwarded(session, cxid) => (session, cxid) == (header.client_id, header.cxid),
            Work::Sync(_) | Work::Refused(_) => false,
        };
        is_its
            .then(|| self.waiting.pop_front())?
            .map(|waiting| waiting.asker)
    }
}

impl Process {
    /// A client says something.
    pub fn client(
        &mut self,
        now_ms: i64,
        id: ConnectionId,
        frame: ToServer,
        effects: &mut Effects,
    ) {
        match frame {
            ToServer::Connect {
                session,
                timeout_ms,
                last_zxid,
            } => {
                if self.serving.is_none() || last_zxid > self.member.tree().last_zxid() {
                    return effects.to_clients.push((id, ToClient::Closed));
                }
                self.clients.open.insert(id, Connection::default());
                match session {
                    SessionId::NONE => self.begin_session(now_ms, id, timeout_ms, effects),
                    _ => self.take_over(now_ms, id, (session, timeout_ms), effects),
                }
            }
            ToServer::Request { xid, op, body } => {
                self.request(now_ms, id, Request { xid, op, body }, effects);
            }
            ToServer::Closed => drop(self.clients.forget(id)),
        }
    }

    fn begin_session(
        &mut self,
        now_ms: i64,
        id: ConnectionId,
        timeout_ms: i32,
        effects: &mut Effects,
    ) {
        let session = self.member.processor.sessions.create(timeout_ms, now_ms);
        let work = if self.leads() {
            Work::Txn(self.create_session(now_ms, session, timeout_ms, Owner::HERE, effects))
        } else {
            let mut body = BytesMut::new();
            body.put_i32(timeout_ms);
            effects.notes.push(Note::Heard(session, timeout_ms));
            effects.inputs.push_back(Input::Forward(Forwarded {
                session,
                cxid: 0,
                op: OpCode::CREATE_SESSION,
                body: body.freeze(),
                identities: Vec::new(),
            }));
            Work::Forwarded(session, 0)
        };
        let asker = Asker::Connect(id, session, timeout_ms);
        self.clients.waiting.push_back(Waiting { work, asker });
    }

    /// The session's old connection ends first.
    fn take_over(
        &mut self,
        now_ms: i64,
        id: ConnectionId,
        bound: (SessionId, i32),
        effects: &mut Effects,
    ) {
        let (session, timeout_ms) = bound;
        let asking = self
            .clients
            .revalidating
            .remove(&session)
            .map(|(old, _)| old);
        let old = self.clients.by_session.remove(&session);
        old.into_iter()
            .chain(asking)
            .for_each(|old| self.clients.close(old, effects));
        if !self.leads() {
            self.clients.revalidating.insert(session, (id, timeout_ms));
            return effects.inputs.push_back(Input::Revalidate {
                session,
                timeout_ms,
            });
        }
        let sessions = &mut self.member.processor.sessions;
        let is_alive = sessions.reopen(session, timeout_ms, now_ms).is_some();
        if is_alive {
            sessions.set_owner(session, Owner::HERE);
            effects.notes.push(Note::Reached(session, timeout_ms));
        }
        self.settle_session(id, bound, is_alive, effects);
    }

    /// What the leader says of a session.
    pub fn revalidated(
        &mut self,
        now_ms: i64,
        session: SessionId,
        valid: bool,
        effects: &mut Effects,
    ) {
        let Some((id, timeout_ms)) = self.clients.revalidating.remove(&session) else {
            return;
        };
        if valid {
            // The txn that created it may be on its way here.
            let sessions = &mut self.member.processor.sessions;
            let handle = sessions.track(session, timeout_ms, now_ms);
            handle.touch(now_ms, timeout_ms);
            effects.notes.push(Note::Heard(session, timeout_ms));
        }
        self.settle_session(id, (session, timeout_ms), valid, effects);
    }

    pub fn settle_session(
        &mut self,
        id: ConnectionId,
        bound: (SessionId, i32),
        is_alive: bool,
        effects: &mut Effects,
    ) {
        let Some(connection) = self.clients.open.get_mut(&id) else {
            return;
        };
        if !is_alive {
            let epoch = self.serving.map_or(Epoch::default(), |(_, epoch)| epoch);
            effects.to_clients.push((id, ToClient::Expired(epoch)));
            return self.clients.close(id, effects);
        }
        let (session, timeout_ms) = bound;
        connection.session = Some(bound);
        if let Some(old) = self.clients.by_session.insert(session, id) {
            self.clients.close(old, effects);
            self.clients.by_session.insert(session, id);
        }
        effects.to_clients.push((
            id,
            ToClient::Connected {
                session,
                timeout_ms,
            },
        ));
    }

    fn request(&mut self, now_ms: i64, id: ConnectionId, request: Request, effects: &mut Effects) {
        let Some(connection) = self.clients.open.get_mut(&id) else {
            return;
        };
        let (session, timeout_ms) = connection.session.expect("a client waits for its session");
        let sessions = &mut self.member.processor.sessions;
        if sessions.reopen(session, timeout_ms, now_ms).is_none() {
            return; // it is closing: no reply, as Apache's
        }
        let is_leader = self.serves_as_leader();
        effects.notes.push(match is_leader {
            true => Note::Reached(session, timeout_ms),
            false => Note::Heard(session, timeout_ms),
        });
        let connection = self.clients.open.get_mut(&id).expect("looked at above");
        if !is_write(request.op) && request.op != OpCode::SYNC {
            match connection.order.is_empty() {
                true => self.execute(id, &request, effects),
                false => connection.order.push_back(Entry::Held(request)),
            }
            return;
        }
        connection.order.push_back(Entry::Pending);
        match is_leader {
            true => self.order_own(now_ms, id, session, request, effects),
            false => self.forward(id, session, request, effects),
        }
    }

    fn order_own(
        &mut self,
        now_ms: i64,
        id: ConnectionId,
        session: SessionId,
        request: Request,
        effects: &mut Effects,
    ) {
        let work = if request.op == OpCode::SYNC {
            match self.member.processor.sessions.check(session, Owner::HERE) {
                Ok(()) => Work::Sync(self.member.processor.last_zxid()),
                Err(err) => Work::Refused(err),
            }
        } else {
            let who = Requester {
                session,
                cxid: request.xid,
                owner: Owner::HERE,
                identities: &Identities::of_address(ADDRESS),
            };
            let prepared = self.prepare(now_ms, who, request.op, &request.body);
            let refused = match &prepared {
                Prepared::Refused(err) => *err,
                Prepared::Txn { .. } => ErrorCode::OK,
            };
            let zxid = self.propose(prepared, effects);
            zxid.map_or(Work::Refused(refused), Work::Txn)
        };
        let asker = Asker::Request(id, request);
        self.clients.waiting.push_back(Waiting { work, asker });
        self.answer_ready(now_ms, effects);
    }

    fn forward(
        &mut self,
        id: ConnectionId,
        session: SessionId,
        request: Request,
        effects: &mut Effects,
    ) {
        let processor = &self.member.processor;
        let is_malformed =
            is_write(request.op) && processor.is_malformed(request.op, &request.body);
        assert!(!is_malformed, "{request:?}");
        effects.inputs.push_back(Input::Forward(Forwarded {
            session,
            cxid: request.xid,
            op: request.op,
            body: request.body.clone(),
            identities: Identities::of_address(ADDRESS).ids().to_vec(),
        }));
        if request.op == OpCode::SYNC {
            return self.clients.syncs.push_back((id, request));
        }
        let work = Work::Forwarded(session, request.xid);
        let asker = Asker::Request(id, request);
        self.clients.waiting.push_back(Waiting { work, asker });
    }
}

/// Where all clients come from.
pub const ADDRESS: &str = "127.0.0.1";
