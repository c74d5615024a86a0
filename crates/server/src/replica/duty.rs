//! What the server may do with a client's request, from one Serve to the next StopServing.

use std::sync::atomic::Ordering::Relaxed;

use processor::Unknown;
use proto::{Epoch, Zxid};
use quorum::election::PeerState;

use super::pipeline::Origin;
use super::{Replica, session_table};
use crate::clock;
use crate::connection::Connection;

/// A member's clients come and go with its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// It is the only server.
    Alone,
    /// No client is served.
    Nothing,
    /// It orders all writes.
    Leads {
        /// The first of the connections that came since it serves; none with `leaderServes=no`.
        first: u64,
    },
    /// It sends writes to its leader.
    Learns {
        /// As above.
        first: u64,
    },
}

impl Duty {
    /// Whether this server makes txns of requests, and expires sessions.
    pub fn makes_txns(self) -> bool {
        matches!(self, Duty::Alone | Duty::Leads { .. })
    }

    /// Whether this connection's client is served: one that came before is about to be closed.
    pub fn is_for(self, connection: &Connection) -> bool {
        match self {
            Duty::Alone => true,
            Duty::Nothing => false,
            Duty::Leads { first } | Duty::Learns { first } => connection.id.0 >= first,
        }
    }
}

impl Replica {
    /// Clients may come.
    pub(super) fn serve(&mut self, state: PeerState, epoch: Epoch) {
        let mut tree = self.server.tree.write();
        let leads = state == PeerState::Leading;
        if leads {
            tree.begin_epoch(Zxid::beginning_of(epoch));
        }
        let sessions = session_table(&self.server.config, &tree);
        let sessions = match leads {
            true => sessions.saying(self.unknown_to_leader()),
            false => sessions.of_learner(),
        };
        let zxid = tree.last_zxid();
        let was_fuzzy = tree.settle();
        drop(tree);
        if was_fuzzy {
            self.snapshots.begin(); // the one that was received has no digest
        }
        self.processor.begin_epoch(zxid, sessions);
        let first = self.server.next_connection.load(Relaxed);
        self.duty = match leads {
            true if !self.lets_clients_in() => Duty::Leads { first: u64::MAX },
            true => Duty::Leads { first },
            false => Duty::Learns { first },
        };
        self.measure_service(state, clock::monotonic_ms());
        self.tell_serving(state, epoch, zxid);
    }

    /// What a leader says of a session that it does not know.
    pub(super) fn unknown_to_leader(&self) -> Unknown {
        match &self.server.config.ensemble {
            Some(ensemble) if ensemble.local_sessions => Unknown::MayBeLocal {
                server_id: ensemble.me.0,
            },
            _ => Unknown::HasEnded,
        }
    }

    /// Whether it serves clients where it leads.
    fn lets_clients_in(&self) -> bool {
        let ensemble = self.server.config.ensemble.as_ref();
        ensemble.is_none_or(|ensemble| ensemble.leader_serves)
    }

    fn tell_serving(&self, state: PeerState, epoch: Epoch, zxid: Zxid) {
        let (epoch_number, name) = (epoch.0, name(state));
        if state == PeerState::Leading && !self.lets_clients_in() {
            return tracing::info!(epoch = epoch_number, %zxid, "leads, and serves no clients (leaderServes=no)");
        }
        let now_ms = clock::monotonic_ms();
        self.server.standing.lock().serves(state, epoch, now_ms);
        tracing::info!(epoch = epoch_number, %zxid, "serves clients as {name}");
    }

    /// Every client has to find a server anew, and gets no answer to what it has asked.
    pub(super) fn stop_serving(&mut self) {
        self.duty = Duty::Nothing;
        self.server.standing.lock().stops_serving();
        self.inputs
            .retain(|input| !matches!(input, quorum::Input::Propose { .. }));
        self.drop_clients();
        tracing::info!("serves no clients");
    }

    /// Nobody who is here gets an answer to what was asked.
    pub(super) fn drop_clients(&mut self) {
        for entry in std::mem::take(&mut self.in_flight) {
            self.drop_origin(&entry.origin);
        }
        for submission in std::mem::take(&mut self.stalled) {
            self.drop_submission(&submission);
        }
        self.by_session.clear();
        self.revalidating.clear();
        for connection in self.server.watchers.lock().connections.values() {
            connection.close_now();
        }
    }

    pub(super) fn drop_origin(&self, origin: &Origin) {
        match origin {
            Origin::Request {
                connection,
                request,
            } => self.drop_request(connection, request),
            Origin::Connect { connection, .. } => connection.close_now(),
            Origin::Upgrade => {}
        }
    }

    /// The role changes.
    pub(super) fn become_state(&mut self, state: PeerState) {
        tracing::info!("is {} now", name(state));
        let now_ms = clock::monotonic_ms();
        self.measure_role(state, now_ms);
        let mut standing = self.server.standing.lock();
        standing.becomes(state, now_ms);
        if let (PeerState::Leading, Some(ensemble)) = (state, &self.server.config.ensemble) {
            standing.follows(ensemble.me);
        }
        drop(standing);
        self.server.reset_request_stats();
        self.server.stats.reset_troubles();
        if let Some(sockets) = &mut self.sockets {
            sockets.lead(state == PeerState::Leading);
        }
    }
}

/// As Apache's logs have it.
fn name(state: PeerState) -> &'static str {
    match state {
        PeerState::Looking => "LOOKING",
        PeerState::Following => "FOLLOWING",
        PeerState::Leading => "LEADING",
        PeerState::Observing => "OBSERVING",
    }
}
