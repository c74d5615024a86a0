//! Sessions are begun, taken over, and refused (`ZooKeeperServer.processConnectRequest`).

use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;

use processor::{Owner, SessionHandle, password};
use proto::connect::encode_response;
use proto::records::{ConnectResponse, CreateSessionTxn};
use proto::{OpCode, SessionId, Zxid};
use quorum::packet::Forwarded;

use super::Replica;
use super::duty::Duty;
use super::pipeline::{InFlight, Origin, Work};
use super::request::encoded;
use crate::clock;
use crate::connection::{Bound, Connection};

/// A client that wants a session.
#[derive(Debug)]
pub struct ConnectRequest {
    /// Who is answered.
    pub connection: Arc<Connection>,
    /// 0 for a new one.
    pub session: SessionId,
    /// What proves that the session is the client's.
    pub password: Option<Vec<u8>>,
    /// What the client would like, in ms.
    pub timeout_ms: i32,
    /// The last txn that the client has seen, on whichever server.
    pub last_zxid_seen: Zxid,
    /// When it asked; monotonic ms.
    pub received_ms: i64,
}

impl Replica {
    pub(super) fn connect(&mut self, request: ConnectRequest) {
        let connection = &request.connection;
        if !self.duty.is_for(connection) {
            tracing::debug!(remote = %connection.remote, "refused: this server does not serve now");
            let metrics = &self.server.metrics;
            metrics.cnxn_closed_without_zk_server_running.add(1);
            return connection.close_now();
        }
        let last_zxid = self.server.tree.read().last_zxid();
        if request.last_zxid_seen > last_zxid {
            tracing::info!(
                remote = %connection.remote,
                session = %request.session,
                "refused: the client has seen zxid {}, this server only {last_zxid}; the client \
                 must try another server",
                request.last_zxid_seen,
            );
            return connection.close_now();
        }
        if request.session == SessionId::NONE {
            self.begin_session(request);
        } else {
            self.take_over(request);
        }
    }

    /// The nearest timeout that the server grants.
    fn grant(&self, timeout_ms: i32) -> i32 {
        let config = &self.server.config;
        timeout_ms
            .max(config.min_session_timeout_ms)
            .min(config.max_session_timeout_ms)
    }

    fn begin_session(&mut self, request: ConnectRequest) {
        let timeout_ms = self.grant(request.timeout_ms);
        if self.server.config.has_local_sessions() {
            return self.begin_local_session(&request, timeout_ms);
        }
        let session = self
            .processor
            .sessions
            .create(timeout_ms, clock::monotonic_ms());
        let work = match self.duty {
            Duty::Learns { .. } => self.forward_session(session, timeout_ms),
            _ => {
                let work = self.propose_session(session, timeout_ms);
                self.processor.sessions.set_owner(session, Owner::HERE);
                work
            }
        };
        let connection = request.connection;
        self.enter(InFlight {
            work,
            origin: Origin::Connect {
                connection,
                session,
                timeout_ms,
                received_ms: request.received_ms,
            },
        });
    }

    pub(super) fn propose_session(&mut self, session: SessionId, timeout_ms: i32) -> Work {
        let tree = self.server.tree.read();
        let time = clock::wall_ms();
        let prepared = self
            .processor
            .prepare_create_session(&tree, (session, 0), timeout_ms, time);
        drop(tree);
        self.propose(prepared)
    }

    /// The learner asks for itself: the request has no identities.
    pub(super) fn forward_session(&mut self, session: SessionId, timeout_ms: i32) -> Work {
        self.forward(Forwarded {
            session,
            cxid: 0,
            op: OpCode::CREATE_SESSION,
            body: encoded(&CreateSessionTxn {
                time_out: timeout_ms,
            }),
            identities: Vec::new(),
        });
        Work::Forwarded {
            session,
            cxid: 0,
            refusal: None,
        }
    }

    /// The old connection ends first, even if the password turns out to be wrong.
    fn take_over(&mut self, request: ConnectRequest) {
        let session = request.session;
        self.server.metrics.connection_revalidate_count.add(1);
        if let Some(old) = self.by_session.remove(&session) {
            old.close_now();
        }
        if request.password.as_deref() != Some(&password(session)) {
            tracing::warn!(remote = %request.connection.remote, %session, "wrong session password");
            return refuse(&request.connection);
        }
        let is_local = self.processor.sessions.is_local(session);
        if matches!(self.duty, Duty::Learns { .. }) && !is_local {
            return self.ask_leader(request);
        }
        let timeout_ms = self.grant(request.timeout_ms);
        let now_ms = clock::monotonic_ms();
        let alive = self.processor.sessions.reopen(session, timeout_ms, now_ms);
        if alive.is_some() {
            self.processor.sessions.set_owner(session, Owner::HERE);
        }
        self.resume(&request, alive);
    }

    /// Only the leader knows whether the session is alive.
    fn ask_leader(&mut self, request: ConnectRequest) {
        let (session, timeout_ms) = (request.session, self.grant(request.timeout_ms));
        if let Some(earlier) = self.revalidating.insert(session, request) {
            earlier.connection.close_now();
        }
        self.drive(quorum::Input::Revalidate {
            session,
            timeout_ms,
        });
    }

    /// What the leader says.
    pub(super) fn revalidated_for(&mut self, request: &ConnectRequest, valid: bool) {
        let timeout_ms = self.grant(request.timeout_ms);
        let now_ms = clock::monotonic_ms();
        let sessions = &mut self.processor.sessions;
        let alive = valid.then(|| {
            // The txn that makes it may still be on its way to this server.
            sessions.track(request.session, timeout_ms, now_ms);
            sessions.reopen(request.session, timeout_ms, now_ms)
        });
        self.resume(request, alive.flatten());
    }

    /// The client goes on with its session, if that is alive.
    fn resume(&mut self, request: &ConnectRequest, alive: Option<SessionHandle>) {
        let ConnectRequest {
            connection,
            session,
            ..
        } = request;
        let timeout_ms = self.grant(request.timeout_ms);
        match alive {
            Some(handle) => self.establish(connection, *session, timeout_ms, handle),
            None => {
                tracing::info!(remote = %connection.remote, %session, "session is gone");
                refuse(connection);
            }
        }
    }

    /// A new session is committed.
    pub(super) fn session_begun(
        &mut self,
        connection: &Arc<Connection>,
        session: SessionId,
        timeout_ms: i32,
    ) {
        let now_ms = clock::monotonic_ms();
        match self.processor.sessions.reopen(session, timeout_ms, now_ms) {
            Some(handle) => self.establish(connection, session, timeout_ms, handle),
            None => refuse(connection),
        }
    }

    fn establish(
        &mut self,
        connection: &Arc<Connection>,
        id: SessionId,
        timeout_ms: i32,
        handle: SessionHandle,
    ) {
        if connection.is_closed() {
            return;
        }
        let bound = Bound {
            id,
            timeout_ms,
            handle,
        };
        connection
            .session
            .set(bound)
            .expect("a connection asks for a session once");
        self.by_session.insert(id, connection.clone());
        respond(connection, id, timeout_ms);
        connection.wake();
    }
}

/// The response to a session that is there; also to one that a client begins once more.
pub(super) fn respond(connection: &Connection, session: SessionId, timeout_ms: i32) {
    let password = password(session);
    let response = ConnectResponse {
        time_out: timeout_ms,
        session_id: session,
        passwd: Some(&password),
        ..ConnectResponse::default()
    };
    send(connection, &response);
}

/// No such session: all zeros, then the end.
pub(super) fn refuse(connection: &Connection) {
    send(
        connection,
        &ConnectResponse {
            passwd: Some(&[0; 16]),
            ..ConnectResponse::default()
        },
    );
    connection.close_after_replies();
}

fn send(connection: &Connection, response: &ConnectResponse<'_>) {
    let has_read_only = connection.has_read_only.load(Acquire);
    connection.send(|out| encode_response(response, has_read_only, out));
}
