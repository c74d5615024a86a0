//! What a server's clients are told: events and answers, in their order, as txns go into the tree.

use bytes::{Bytes, BytesMut};
use datatree::{TxnResult, WatcherId};
use processor::{Identities, Reader, answer};
use proto::records::ReplyHeader;
use proto::txn::{TxnBody, TxnRecord};
use proto::{Decode, ErrorCode, OpCode, SessionId, Zxid};
use quorum::Txn;

use super::connections::{ADDRESS, Asker, Entry, Request, Work};
use super::frame::{ConnectionId, ToClient};
use super::process::{Effects, Note, Process};

impl Process {
    /// The oldest sync that was forwarded is through.
    pub fn sync_done(&mut self, now_ms: i64, effects: &mut Effects) {
        let (id, request) = self
            .clients
            .syncs
            .pop_front()
            .expect("a sync was forwarded");
        self.answer(now_ms, Asker::Request(id, request), Ok(None), effects);
    }

    /// Applies the tail up to a txn, with events and answers.
    pub fn apply(&mut self, now_ms: i64, up_to: Zxid, effects: &mut Effects) {
        while let Some(txn) = self.member.next_committed(up_to) {
            self.apply_one(now_ms, &txn, effects);
            self.answer_ready(now_ms, effects);
        }
        assert_eq!(
            self.member.tree().last_zxid(),
            up_to,
            "the tail lacks a txn"
        );
    }

    fn apply_one(&mut self, now_ms: i64, txn: &Txn, effects: &mut Effects) {
        let Txn { zxid, record } = txn;
        let decoded = TxnRecord::decode(record).expect("our own record can be read");
        let asker = self.clients.take_waiting(&decoded.header);
        let watches = &mut self.clients.watches;
        let result = self.member.tree_mut().apply(&decoded, &mut |change| {
            watches.fire(change, &mut |event| {
                let told = ToClient::Event {
                    zxid: *zxid,
                    kind: event.kind,
                    path: event.path.to_owned(),
                };
                effects
                    .to_clients
                    .push((ConnectionId(event.watcher.0), told));
            });
        });
        let digest = self.member.tree().digest();
        effects
            .notes
            .push(Note::Applied(*zxid, record.clone(), digest));
        self.member.processor.outstanding.applied(*zxid);
        self.follow_sessions(now_ms, &decoded, asker.as_ref(), effects);
        if let Some(asker) = asker {
            self.answer(now_ms, asker, Ok(Some(&result)), effects);
        }
    }

    /// A learner knows sessions from their txns; whoever has one that ended without having asked for it is disconnected.
    fn follow_sessions(
        &mut self,
        now_ms: i64,
        record: &TxnRecord<'_>,
        asker: Option<&Asker>,
        effects: &mut Effects,
    ) {
        let session = record.header.client_id;
        let learns = !self.leads();
        let sessions = &mut self.member.processor.sessions;
        match &record.body {
            TxnBody::CreateSession(txn) if learns && !sessions.is_alive(session) => {
                sessions.track(session, txn.time_out, now_ms);
            }
            TxnBody::CloseSession(_) => {
                sessions.remove(session);
                let asked = asker.and_then(|asker| match asker {
                    Asker::Request(id, _) => Some(*id),
                    Asker::Connect(..) => None,
                });
                let current = self.clients.by_session.get(&session).copied();
                if let Some(current) = current.filter(|current| Some(*current) != asked) {
                    self.clients.close(current, effects);
                }
            }
            _ => {}
        }
    }

    /// Answers what waits for no txn any more.
    pub fn answer_ready(&mut self, now_ms: i64, effects: &mut Effects) {
        let last = self.member.tree().last_zxid();
        while let Some(first) = self.clients.waiting.front() {
            let outcome = match first.work {
                Work::Sync(zxid) if zxid <= last => Ok(None),
                Work::Refused(err) => Err(err),
                _ => return,
            };
            let waiting = self.clients.waiting.pop_front().expect("looked at above");
            self.answer(now_ms, waiting.asker, outcome, effects);
        }
    }

    fn answer(
        &mut self,
        now_ms: i64,
        asker: Asker,
        outcome: Result<Option<&TxnResult<'_>>, ErrorCode>,
        effects: &mut Effects,
    ) {
        let (id, request) = match asker {
            Asker::Connect(id, session, timeout_ms) => {
                let sessions = &mut self.member.processor.sessions;
                let is_alive = sessions.reopen(session, timeout_ms, now_ms).is_some();
                return self.settle_session(id, (session, timeout_ms), is_alive, effects);
            }
            Asker::Request(id, request) => (id, request),
        };
        let Some(connection) = self.clients.open.get_mut(&id) else {
            return;
        };
        let oldest = connection.order.pop_front();
        assert!(
            matches!(oldest, Some(Entry::Pending)),
            "answered {oldest:?} before its turn"
        );
        let zxid = self.member.tree().last_zxid();
        let mut out = BytesMut::new();
        match outcome {
            Ok(Some(result)) => processor::encode_txn_reply(request.xid, zxid, result, &mut out),
            Ok(None) => processor::encode_header(request.xid, zxid, ErrorCode::OK, &mut out),
            Err(err) => processor::encode_header(request.xid, zxid, err, &mut out),
        }
        effects.to_clients.push((id, reply(&out.freeze())));
        if request.op == OpCode::CLOSE_SESSION {
            return self.clients.close(id, effects);
        }
        self.execute_held(id, effects);
    }

    fn execute_held(&mut self, id: ConnectionId, effects: &mut Effects) {
        while let Some(connection) = self.clients.open.get_mut(&id)
            && let Some(Entry::Held(request)) = connection.order.front()
        {
            let request = request.clone();
            connection.order.pop_front();
            self.execute(id, &request, effects);
        }
    }

    pub fn execute(&mut self, id: ConnectionId, request: &Request, effects: &mut Effects) {
        let tree = self.member.tree();
        let zxid = tree.last_zxid();
        let session = self
            .clients
            .open
            .get(&id)
            .and_then(|connection| connection.session);
        let rules = &self.member.processor.rules;
        let reader = Reader {
            session: session.map_or(SessionId::NONE, |(session, _)| session),
            watcher: WatcherId(id.0),
            identities: &Identities::of_address(ADDRESS),
            rules: &rules.access,
            limits: rules.limits,
        };
        let mut body = BytesMut::new();
        let (op, watches) = (request.op, &mut self.clients.watches);
        let (missed, err) = match answer(tree, watches, reader, op, &request.body, &mut body) {
            Ok(answer) => (answer.missed, answer.err),
            Err(err) => (Vec::new(), err),
        };
        let event = |(kind, path)| ToClient::Event {
            zxid: Zxid(-1),
            kind,
            path,
        };
        effects
            .to_clients
            .extend(missed.into_iter().map(|missed| (id, event(missed))));
        let reply = ToClient::Reply {
            xid: request.xid,
            zxid,
            err,
            body: body.freeze(),
        };
        effects.to_clients.push((id, reply));
    }
}

/// Takes a reply's header off.
fn reply(bytes: &Bytes) -> ToClient {
    let mut input = proto::Input::new(bytes);
    let header = ReplyHeader::decode(&mut input).expect("our own header");
    let body = bytes.slice(input.offset()..);
    ToClient::Reply {
        xid: header.xid,
        zxid: header.zxid,
        err: header.err,
        body,
    }
}
