//! Sessions are begun, taken over, and refused (`ZooKeeperServer.processConnectRequest`).

use std::sync::Arc;
use std::sync::atomic::Ordering::Acquire;

use processor::{SessionHandle, password};
use proto::connect::encode_response;
use proto::records::ConnectResponse;
use proto::{SessionId, Zxid};

use super::Replica;
use super::pipeline::{InFlight, Origin};
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
}

impl Replica {
    pub(super) fn connect(&mut self, request: ConnectRequest) {
        let connection = &request.connection;
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
            self.take_over(&request);
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
        let session = self
            .processor
            .sessions
            .create(timeout_ms, clock::monotonic_ms());
        let tree = self.server.tree.read();
        let prepared =
            self.processor
                .prepare_create_session(&tree, session, timeout_ms, clock::wall_ms());
        drop(tree);
        let work = self.propose(prepared);
        let connection = request.connection;
        self.enter(InFlight {
            work,
            origin: Origin::Connect {
                connection,
                session,
                timeout_ms,
            },
        });
    }

    /// The old connection ends first, even if the password turns out to be wrong.
    fn take_over(&mut self, request: &ConnectRequest) {
        let ConnectRequest {
            connection,
            session,
            ..
        } = request;
        if let Some(old) = self.by_session.remove(session) {
            old.close_now();
        }
        let timeout_ms = self.grant(request.timeout_ms);
        if request.password.as_deref() != Some(&password(*session)) {
            tracing::warn!(remote = %connection.remote, %session, "wrong session password");
            return refuse(connection);
        }
        let now_ms = clock::monotonic_ms();
        match self.processor.sessions.reopen(*session, timeout_ms, now_ms) {
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
fn refuse(connection: &Connection) {
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
