//! Local sessions: known to this server only, and to no txn, until their clients want an ephemeral znode
//! (`localSessionsEnabled`; Apache: `QuorumZooKeeperServer`, `UpgradeableSessionTracker`).

use proto::{ErrorCode, SessionId};

use super::duty::Duty;
use super::pipeline::{InFlight, Origin};
use super::{ConnectRequest, Replica};
use crate::clock;
use crate::connection::{Connection, Held};

impl Replica {
    /// The client has its session at once.
    pub(super) fn begin_local_session(&mut self, request: &ConnectRequest, timeout_ms: i32) {
        let now_ms = clock::monotonic_ms();
        let session = self.processor.sessions.create_local(timeout_ms, now_ms);
        let zxid = self.server.tree.read().last_zxid();
        self.count_connect(&request.connection, zxid, request.received_ms);
        self.session_begun(&request.connection, session, timeout_ms);
    }

    /// Lets all servers know of a local session in front of a request that needs it. Where the operator does not want that, the
    /// request goes its way all the same, to be refused: as this says on a learner, of which the leader does not know the session.
    pub(super) fn upgrade_for(&mut self, session: SessionId, request: &Held) -> Option<ErrorCode> {
        let is_local = self.processor.sessions.is_local(session);
        if !is_local
            || !self
                .processor
                .needs_global_session(request.op, &request.body)
        {
            return None;
        }
        let ensemble = self.server.config.ensemble.as_ref();
        if !ensemble.is_some_and(|ensemble| ensemble.upgrades_local_sessions) {
            return Some(ErrorCode::EPHEMERAL_ON_LOCAL_SESSION);
        }
        if let Some(timeout_ms) = self.processor.sessions.upgrade(session) {
            tracing::info!(%session, "a local session becomes global");
            self.upgrade(session, timeout_ms);
        }
        None
    }

    fn upgrade(&mut self, session: SessionId, timeout_ms: i32) {
        let work = match self.duty {
            Duty::Learns { .. } => self.forward_session(session, timeout_ms),
            _ => self.propose_session(session, timeout_ms),
        };
        self.enter(InFlight {
            work,
            origin: Origin::Upgrade,
        });
    }

    /// Its client has closed it, and has its answer.
    pub(super) fn end_local_session(&mut self, connection: &Connection) {
        let session = connection.session_id();
        self.processor.sessions.remove(session);
        let current = self.by_session.remove(&session);
        if let Some(current) = current.filter(|current| current.id != connection.id) {
            current.close_now();
        }
        connection.close_after_replies();
    }

    /// Nobody else has to hear of it.
    pub(super) fn expire_local_session(&mut self, session: SessionId) {
        self.processor.sessions.remove(session);
        if let Some(connection) = self.by_session.remove(&session) {
            connection.close_now();
        }
    }
}
