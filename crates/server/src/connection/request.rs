//! What becomes of a frame: answered here, held, or sent to the replica.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use ::sasl::names::MalformedName;
use bytes::{Buf, Bytes, BytesMut};
use datatree::{DataTree, Watches};
use processor::{
    MAX_MULTI_READ_BYTES, Reader, Verdict, WatchAccess, answer, authenticate, is_write,
};
use proto::connect::Connect;
use proto::records::{AuthPacket, RequestHeader};
use proto::{Decode, ErrorCode, Input as Bits, OpCode, SessionId, Ustring, Zxid};

use super::figures::{self, Answered};
use super::order::HEADER_BYTES;
use super::{Bound, Connection, Held};
use crate::clock;
use crate::limits;
use crate::metrics::Tally;
use crate::replica::{ConnectRequest, Input, Submission};
use crate::shared::Shared;
use crate::slow;
use crate::stats::ServerStats;
use crate::throttle::Wanted;

/// A frame that ends its connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Violation {
    #[error("a frame of {0} bytes cannot hold a request: {1}")]
    Malformed(usize, jute::Error),
    #[error("too many large requests at once (largeRequestMaxBytes={0})")]
    LargeRequests(u32),
    #[error("too many new connections (connection_throttle_tokens)")]
    ConnectionTokens,
    #[error("a client cannot have this name: {0}")]
    Name(#[from] MalformedName),
    #[error("a login by SASL with an empty name")]
    EmptyName,
}

/// What comes of the frames that came together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// For the replica.
    pub submissions: Vec<Input>,
    /// What was counted.
    pub tally: Tally,
    /// Frames.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Connection {
    /// The first frame: asks the replica for a session.
    pub(super) fn connect(
        self: &Arc<Self>,
        server: &Shared,
        frame: &[u8],
    ) -> Result<(), Violation> {
        let malformed = |error| Violation::Malformed(frame.len(), error);
        let Connect {
            request,
            has_read_only,
        } = Connect::decode(frame).map_err(malformed)?;
        let wanted = match request.session_id {
            SessionId::NONE if server.config.has_local_sessions() => Wanted::Local,
            SessionId::NONE => Wanted::Global,
            _ => Wanted::Again,
        };
        let now_ms = clock::monotonic_ms();
        if !server.throttles.admit_connection(wanted, now_ms) {
            server.metrics.connection_rejected.add(1);
            return Err(Violation::ConnectionTokens);
        }
        server.metrics.connection_request_count.add(1);
        let deficit = server.throttles.token_deficit();
        server.metrics.connection_token_deficit.add(deficit.into());
        self.has_read_only.store(has_read_only, Release);
        server.replica.push(Input::Connect(ConnectRequest {
            connection: self.clone(),
            session: request.session_id,
            password: request.passwd.map(<[u8]>::to_vec),
            timeout_ms: request.time_out,
            last_zxid_seen: request.last_zxid_seen,
            received_ms: clock::monotonic_ms(),
        }));
        Ok(())
    }

    /// Every later frame; what comes of it goes to `batch`.
    pub(super) fn request(
        self: &Arc<Self>,
        server: &Shared,
        bound: &Bound,
        mut frame: Bytes,
        batch: &mut Batch,
    ) -> Result<(), Violation> {
        let malformed = |error| Violation::Malformed(frame.len(), error);
        let header = RequestHeader::decode(&mut Bits::new(&frame)).map_err(malformed)?;
        let size = frame.len();
        frame.advance(HEADER_BYTES);
        match header.r#type {
            OpCode::AUTH => return self.authenticate(server, header.xid, &frame),
            OpCode::SASL => return self.log_in(server, header.xid, &frame),
            _ => {}
        }
        let identities = self.identities();
        if !server.access.auth.suffice(&identities) {
            self.refuse_unauthenticated(header.xid);
            return Ok(());
        }
        if !server.throttles.admit_large(size) {
            server.metrics.large_requests_rejected.add(1);
            return Err(Violation::LargeRequests(
                server.config.large_requests.max_bytes,
            ));
        }
        let received_ms = clock::monotonic_ms();
        if !bound.handle.touch(received_ms, bound.timeout_ms) {
            // The session is closing: no reply, as Apache's (`ZooKeeperServer.touch`).
            server.throttles.release_large(size);
            return Ok(());
        }
        let held = Held {
            xid: header.xid,
            op: header.r#type,
            body: frame,
            identities,
            received_ms,
            expected_bytes: 0,
        };
        self.traffic.outstanding.fetch_add(1, Relaxed);
        if is_for_replica(held.op) {
            self.order().push_pending();
            server.stats.in_process.fetch_add(1, Relaxed);
            batch.submissions.push(Input::Request(Submission {
                connection: self.clone(),
                session: bound.id,
                request: held,
            }));
            return Ok(());
        }
        server.throttles.release_large(size);
        self.read_or_hold(server, held, &mut batch.tally);
        Ok(())
    }

    /// Nothing outstanding: the read is executed here and now. Else it waits its turn.
    fn read_or_hold(&self, server: &Shared, mut held: Held, tally: &mut Tally) {
        let order = self.order();
        let (is_first, waiting) = (order.is_empty(), order.held());
        drop(order);
        if is_first {
            let began_ms = held.received_ms;
            return self.execute(server, &server.tree.read(), &held, began_ms, tally);
        }
        if waiting >= limits::FEW_HELD_REQUESTS {
            held.expected_bytes = expected_bytes(&server.tree.read(), held.op, &held.body);
        }
        // It may be the first by now, but the replica does not see to it any more.
        let mut order = self.order();
        if !order.is_empty() {
            order.push_held(held);
            if server.config.ensemble.is_some() {
                let held = order.held() as u64;
                server.metrics.read_commit_proc_req_queued.add(held);
            }
            return;
        }
        drop(order);
        let began_ms = clock::monotonic_ms();
        self.execute(server, &server.tree.read(), &held, began_ms, tally);
    }

    /// Executes the reads whose turn it is, as far as there is room for their replies. The
    /// connection's task goes on with the others. Says how many that were.
    pub fn execute_held(&self, server: &Shared, tree: &DataTree, tally: &mut Tally) -> usize {
        let _turn = self.turn.lock();
        let mut executed = 0;
        loop {
            let has_room = self.outbound.lock().len() <= limits::MAX_OUTBOUND_BYTES;
            let mut order = self.order();
            let next = order.next_held();
            order.set_waits_for_room(next.is_some() && !has_room);
            drop(order);
            executed += usize::from(next.is_some() && has_room);
            match next {
                Some(held) if has_room => self.execute_oldest(server, tree, &held, tally),
                _ => return executed,
            }
        }
    }

    /// Executes the reads whose turn it is, room or not: what stands behind them is about to be
    /// applied. A client for which that is too much is disconnected.
    pub fn clear_held(&self, server: &Shared, tree: &DataTree, tally: &mut Tally) {
        if self.order().next_held().is_none() {
            return;
        }
        let _turn = self.turn.lock();
        while let Some(held) = { self.order().next_held() } {
            if self.outbound.lock().len() > limits::MAX_OUTBOUND_BYTES_WITH_EVENTS {
                self.disconnect("replies");
            }
            self.execute_oldest(server, tree, &held, tally);
        }
        self.order().set_waits_for_room(false);
    }

    fn execute_oldest(&self, server: &Shared, tree: &DataTree, held: &Held, tally: &mut Tally) {
        self.execute(server, tree, held, clock::monotonic_ms(), tally);
        self.order().pop_held();
    }

    /// Answers a read, under the tree's lock: the reply is queued before any later change is
    /// applied. `began_ms` is when its turn came.
    fn execute(
        &self,
        server: &Shared,
        tree: &DataTree,
        held: &Held,
        began_ms: i64,
        tally: &mut Tally,
    ) {
        self.traffic.outstanding.fetch_sub(1, Relaxed);
        if self.is_closed() {
            return;
        }
        if !is_known(held.op) {
            self.send_header(held.xid, Zxid(-1), ErrorCode::UNIMPLEMENTED);
            return self.close_after_replies();
        }
        let zxid = tree.last_zxid();
        let answered = |refusal| Answered {
            name: figures::name(held.op, refusal),
            xid: held.xid,
            zxid,
            received_ms: held.received_ms,
            is_update: false,
        };
        if held.op != OpCode::PING && server.throttles.waited_too_long(held.received_ms) {
            let err = ErrorCode::THROTTLED_OP;
            return self.reply(server, tally, &answered(err), |out| {
                processor::encode_header(held.xid, zxid, err, out);
            });
        }
        let reader = Reader {
            session: self.session_id(),
            watcher: self.id,
            identities: &held.identities,
            rules: &server.access,
            limits: server.limits,
        };
        // Not into the queue at once: a read may take the watchers' lock, which comes before the
        // queue's.
        let mut body = BytesMut::new();
        let mut watches = LockedWatches {
            server,
            connection: self,
            tally,
        };
        let outcome = answer(tree, &mut watches, reader, held.op, &held.body, &mut body);
        let (missed, err) = match outcome {
            Ok(answer) => (answer.missed, answer.err),
            Err(err) => (Vec::new(), err),
        };
        for (event, path) in missed {
            let bytes = self.send_event(event, &path, Zxid(-1));
            server.metrics.watch_bytes.add(bytes as u64);
        }
        const PING_XID: i32 = -2;
        let xid = if held.op == OpCode::PING {
            PING_XID
        } else {
            held.xid
        };
        self.reply(server, tally, &answered(ErrorCode::OK), |out| {
            processor::encode_header(xid, zxid, err, out);
            out.extend_from_slice(&body);
        });
        slow::look(server, self, held);
        // A standalone server of Apache's measures no such thing.
        if server.config.ensemble.is_some() {
            let took_ms = clock::monotonic_ms() - began_ms;
            tally.executed(&server.metrics, began_ms - held.received_ms, took_ms);
        }
    }

    /// Answered at once, ahead of all that waits, with zxid 0.
    fn authenticate(&self, server: &Shared, xid: i32, body: &[u8]) -> Result<(), Violation> {
        let malformed = |error| Violation::Malformed(body.len() + HEADER_BYTES, error);
        let packet = AuthPacket::decode(&mut Bits::with_limits(body, server.limits));
        let packet = packet.map_err(malformed)?;
        let scheme = packet.scheme.as_deref().unwrap_or_default();
        let rules = &server.access.auth;
        let verdict = authenticate(rules, scheme, packet.auth, self.peer(), || key(server));
        count_ensemble(server, &packet, &verdict);
        match verdict {
            Verdict::Accepted(ids) => {
                self.add_identities(ids);
                self.send_header(xid, Zxid::ZERO, ErrorCode::OK);
            }
            Verdict::Refused => {
                tracing::warn!(remote = %self.remote, scheme, "authentication failed");
                ServerStats::count(&server.stats.auth_failed);
                self.send_header(xid, Zxid::ZERO, ErrorCode::AUTH_FAILED);
                self.close_after_replies();
            }
            Verdict::WrongServer => {
                tracing::warn!(remote = %self.remote, scheme, "the client means another server");
                self.close_now();
            }
        }
        Ok(())
    }

    /// Answered at once and with zxid 0, as an auth packet is; the session stays until it expires.
    fn refuse_unauthenticated(&self, xid: i32) {
        tracing::warn!(remote = %self.remote, session = %self.session_id(), "closed: no identity of an enforced scheme");
        self.send_header(xid, Zxid::ZERO, ErrorCode::SESSION_CLOSED_REQUIRE_SASL_AUTH);
        self.close_after_replies();
    }
}

/// Whether the client meant this ensemble (`EnsembleAuthenticationProvider`).
fn count_ensemble(server: &Shared, packet: &AuthPacket<'_>, verdict: &Verdict) {
    let metrics = &server.metrics;
    let Some(ensemble) = &server.access.auth.ensemble else {
        return;
    };
    match verdict {
        _ if packet.scheme.as_deref() != Some("ensemble") => {}
        _ if ensemble.is_any(packet.auth) => metrics.ensemble_auth_skip.add(1),
        Verdict::Accepted(_) => metrics.ensemble_auth_success.add(1),
        Verdict::WrongServer => metrics.ensemble_auth_fail.add(1),
        Verdict::Refused => {}
    }
}

/// What the scheme key holds proofs against.
fn key(server: &Shared) -> Option<Vec<u8>> {
    let tree = server.tree.read();
    Some(tree.get("/key")?.data()?.to_vec())
}

/// The server's watches, for one connection.
struct LockedWatches<'a> {
    server: &'a Shared,
    connection: &'a Connection,
    tally: &'a mut Tally,
}

impl WatchAccess for LockedWatches<'_> {
    /// A connection that has ended leaves no watch: its own were removed under this lock.
    fn with<T>(&mut self, what: impl FnOnce(&mut Watches) -> T) -> T {
        let mut watchers = self.server.watchers.lock();
        match self.connection.is_closed() {
            true => what(&mut Watches::default()),
            false => what(&mut watchers.watches),
        }
    }

    fn has_read(&mut self, path: &str, bytes: usize) {
        self.tally.has_read(&self.server.metrics, path, bytes);
    }
}

/// About how large the reply to a read will be, where it can be large.
fn expected_bytes(tree: &DataTree, op: OpCode, body: &[u8]) -> usize {
    /// A guess: a child's name with its length.
    const CHILD_BYTES: usize = 32;
    let node = || {
        let path: Ustring<'_> = Bits::new(body).read().ok()?;
        tree.get(path.as_deref()?)
    };
    match op {
        OpCode::GET_DATA => node().and_then(|node| node.data()).map_or(0, <[u8]>::len),
        OpCode::GET_CHILDREN | OpCode::GET_CHILDREN2 => {
            node().map_or(0, |node| node.child_count() * CHILD_BYTES)
        }
        OpCode::MULTI_READ => MAX_MULTI_READ_BYTES / 2,
        _ => 0,
    }
}

/// Operations that take a zxid, and sync, which waits for those that have.
fn is_for_replica(op: OpCode) -> bool {
    is_write(op) || op == OpCode::SYNC
}

/// Operations that a client may ask for (`Request.isValid`).
fn is_known(op: OpCode) -> bool {
    let internal = matches!(op, OpCode::NOTIFICATION | OpCode::ERROR | OpCode::CHECK);
    op.name().is_some() && !internal
}
