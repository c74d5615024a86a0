//! What becomes of a frame: answered here, held, or sent to the replica.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use bytes::{Buf, Bytes, BytesMut};
use datatree::Watches;
use processor::{Reader, WatchAccess, answer, authenticate};
use proto::connect::Connect;
use proto::records::{AuthPacket, GetSASLRequest, RequestHeader, SetSASLResponse};
use proto::{Decode, Encode, ErrorCode, Input as Bits, OpCode, Zxid};

use super::{Bound, Connection, Held};
use crate::clock;
use crate::replica::{ConnectRequest, Input, Submission};
use crate::shared::Shared;
use crate::stats::ServerStats;

/// A frame that ends its connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Violation {
    #[error("a frame of {0} bytes cannot hold a request: {1}")]
    Malformed(usize, jute::Error),
    #[error("too many large requests at once (largeRequestMaxBytes={0})")]
    LargeRequests(u32),
    #[error("too many new connections (connection_throttle_tokens)")]
    ConnectionTokens,
}

/// Bytes of a request header.
const HEADER_BYTES: usize = 8;

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
        let renews = request.session_id.0 != 0;
        if !server
            .throttles
            .admit_connection(renews, clock::monotonic_ms())
        {
            return Err(Violation::ConnectionTokens);
        }
        self.has_read_only.store(has_read_only, Release);
        server.replica.push(Input::Connect(ConnectRequest {
            connection: self.clone(),
            session: request.session_id,
            password: request.passwd.map(<[u8]>::to_vec),
            timeout_ms: request.time_out,
            last_zxid_seen: request.last_zxid_seen,
        }));
        Ok(())
    }

    /// Every later frame.
    pub(super) fn request(
        self: &Arc<Self>,
        server: &Shared,
        bound: &Bound,
        mut frame: Bytes,
    ) -> Result<(), Violation> {
        let malformed = |error| Violation::Malformed(frame.len(), error);
        let header = RequestHeader::decode(&mut Bits::new(&frame)).map_err(malformed)?;
        let size = frame.len();
        frame.advance(HEADER_BYTES);
        match header.r#type {
            OpCode::AUTH => return self.authenticate(server, header.xid, &frame),
            OpCode::SASL => return self.answer_sasl(header.xid, &frame),
            _ => {}
        }
        if !server.throttles.admit_large(size) {
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
        let identities = self.identities();
        let held = Held {
            xid: header.xid,
            op: header.r#type,
            body: frame,
            identities,
            received_ms,
        };
        self.traffic.outstanding.fetch_add(1, Relaxed);
        if is_for_replica(held.op) {
            self.order().push_pending();
            server.stats.in_process.fetch_add(1, Relaxed);
            server.replica.push(Input::Request(Submission {
                connection: self.clone(),
                session: bound.id,
                request: held,
            }));
            return Ok(());
        }
        server.throttles.release_large(size);
        self.read_or_hold(server, held);
        Ok(())
    }

    /// Nothing outstanding: the read is executed here and now. Else it waits its turn.
    fn read_or_hold(&self, server: &Shared, held: Held) {
        let mut order = self.order();
        if !order.is_empty() {
            return order.push_held(held);
        }
        drop(order);
        self.execute(server, &server.tree.read(), &held);
    }

    /// Answers a read, under the tree's lock: the reply is queued before any later change is
    /// applied.
    pub fn execute(&self, server: &Shared, tree: &datatree::DataTree, held: &Held) {
        self.traffic.outstanding.fetch_sub(1, Relaxed);
        if !is_known(held.op) {
            self.send_header(held.xid, Zxid(-1), ErrorCode::UNIMPLEMENTED);
            return self.close_after_replies();
        }
        let zxid = tree.last_zxid();
        if held.op != OpCode::PING && server.throttles.waited_too_long(held.received_ms) {
            self.send_header(held.xid, zxid, ErrorCode::THROTTLED_OP);
            return;
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
        };
        let outcome = answer(tree, &mut watches, reader, held.op, &held.body, &mut body);
        let (missed, err) = match outcome {
            Ok(answer) => (answer.missed, answer.err),
            Err(err) => (Vec::new(), err),
        };
        for (event, path) in missed {
            self.send_event(event, &path, Zxid(-1));
        }
        const PING_XID: i32 = -2;
        let xid = if held.op == OpCode::PING {
            PING_XID
        } else {
            held.xid
        };
        let size = self.send(|out| {
            processor::encode_header(xid, zxid, err, out);
            out.extend_from_slice(&body);
        });
        server.stats.reply_sizes.add(size);
        server
            .stats
            .latency_ms
            .add(clock::monotonic_ms() - held.received_ms);
    }

    /// Answered at once, ahead of all that waits, with zxid 0.
    fn authenticate(&self, server: &Shared, xid: i32, body: &[u8]) -> Result<(), Violation> {
        let malformed = |error| Violation::Malformed(body.len() + HEADER_BYTES, error);
        let packet = AuthPacket::decode(&mut Bits::with_limits(body, server.limits));
        let packet = packet.map_err(malformed)?;
        let scheme = packet.scheme.as_deref().unwrap_or_default();
        match authenticate(&server.access.auth, scheme, packet.auth, &self.address) {
            Some(ids) => {
                self.add_identities(ids);
                self.send_header(xid, Zxid::ZERO, ErrorCode::OK);
            }
            None => {
                tracing::warn!(remote = %self.remote, scheme, "authentication failed");
                ServerStats::count(&server.stats.auth_failed);
                self.send_header(xid, Zxid::ZERO, ErrorCode::AUTH_FAILED);
                self.close_after_replies();
            }
        }
        Ok(())
    }

    /// A server without SASL settings answers any token with none (`ZooKeeperServer.processSasl`).
    fn answer_sasl(&self, xid: i32, body: &[u8]) -> Result<(), Violation> {
        let malformed = |error| Violation::Malformed(body.len() + HEADER_BYTES, error);
        GetSASLRequest::decode(&mut Bits::new(body)).map_err(malformed)?;
        self.send(|out| {
            processor::encode_header(xid, Zxid::ZERO, ErrorCode::OK, out);
            SetSASLResponse { token: None }.encode(out);
        });
        Ok(())
    }
}

/// The server's watches, for one connection.
struct LockedWatches<'a> {
    server: &'a Shared,
    connection: &'a Connection,
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
}

/// Operations that take a zxid, and sync, which waits for those that have.
fn is_for_replica(op: OpCode) -> bool {
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
            | OpCode::SYNC
    )
}

/// Operations that a client may ask for (`Request.isValid`).
fn is_known(op: OpCode) -> bool {
    let internal = matches!(op, OpCode::NOTIFICATION | OpCode::ERROR | OpCode::CHECK);
    op.name().is_some() && !internal
}
