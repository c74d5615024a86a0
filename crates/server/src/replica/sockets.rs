//! The sockets to the other servers, as the replica uses them: the election's, a leader's port, a learner's link.
//!
//! Owns which link is open. Must not know what is said on it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proto::{Sid, Zxid};
use quorum::LinkId;
use quorum::election::Notification;
use quorum::packet::{Limits, ToLeader, ToLearner};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::as_learner::is_readable;
use super::observers::Learner;
use super::{Input, ReceivedTree, Replica};
use crate::config::Ensemble;
use crate::peers::CannotListen;
use crate::peers::election::{ElectionEvent, ElectionLinks, ElectionSettings};
use crate::peers::links::{
    AcceptorSettings, AtLeader, AtLearner, ConnectorSettings, DownReason, LeaderConnector,
    LearnerAcceptor, Link, LinkEvent, Pushed, StreamSource,
};
use crate::serve::start::tree_options;
use crate::shared::Server;

/// Between two attempts to open the quorum port.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

/// What came from another server.
#[derive(Debug)]
pub enum PeerEvent {
    /// On an election connection.
    Election(ElectionEvent),
    /// On a link with a learner.
    Learner(LinkEvent<AtLeader>),
    /// On the link with the leader.
    Leader(LinkEvent<AtLearner<ReceivedTree>>),
}

/// All of them. They close with this.
pub struct Sockets {
    server: Server,
    runtime: Handle,
    election: ElectionLinks,
    /// Whether the quorum port is to be open.
    port: UnboundedSender<bool>,
    pub(super) learners: HashMap<LinkId, Learner>,
    connector: Option<LeaderConnector>,
    leader: Option<Arc<Link<AtLearner<ReceivedTree>>>>,
}

fn ensemble(server: &Server) -> &Ensemble {
    let ensemble = server.config.ensemble.as_ref();
    ensemble.expect("only a member has sockets")
}

fn limits(server: &Server) -> Limits {
    Limits {
        field_bytes: server.config.max_field_bytes(),
        ..Limits::default()
    }
}

impl Sockets {
    /// Opens the election port; what comes from other servers goes to the replica.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn open(server: &Server) -> Result<Self, CannotListen> {
        let ensemble = ensemble(server);
        let ipv4_only = server.config.ipv4_only;
        let settings = ElectionSettings::new(
            ensemble.me,
            &ensemble.servers,
            &ensemble.peers,
            ipv4_only,
            server.security.guard.clone(),
        );
        let to = server.clone();
        let events = move |event| to.replica.push(Input::Peer(PeerEvent::Election(event)));
        let election = ElectionLinks::start(settings, events).await?;
        let (port, wanted) = unbounded_channel();
        tokio::spawn(keep_port(server.clone(), wanted));
        Ok(Sockets {
            server: server.clone(),
            runtime: Handle::current(),
            election,
            port,
            learners: HashMap::new(),
            connector: None,
            leader: None,
        })
    }

    pub(super) fn vote(&self, to: Sid, notification: &Notification) {
        self.election.send(to, notification);
    }

    /// Whether learners may come.
    pub(super) fn lead(&mut self, leads: bool) {
        // Only a runtime that ends takes the receiver away.
        let _ = self.port.send(leads);
        self.end_learners();
        self.connector = None;
        self.leader = None;
    }

    /// Also who waits for one of them to take more goes on then.
    fn end_learners(&mut self) {
        for (_, learner) in self.learners.drain() {
            learner.link.end();
        }
    }

    /// Makes a link to this leader; the one before it is closed.
    pub(super) fn connect(&mut self, leader: Sid) {
        let ensemble = ensemble(&self.server);
        let line = ensemble.line_of(leader);
        let line = line.expect("only a server of the configuration is elected");
        let settings = ConnectorSettings::new(
            line,
            &ensemble.peers,
            limits(&self.server),
            self.server.security.guard.clone(),
        );
        let options = tree_options(&self.server.config);
        let max_field_bytes = self.server.config.max_field_bytes();
        let side = AtLearner::new(move |zxid| ReceivedTree::new(options, max_field_bytes, zxid));
        let to = self.server.clone();
        let events = move |event| to.replica.push(Input::Peer(PeerEvent::Leader(event)));
        let _entered = self.runtime.enter();
        self.leader = None;
        self.connector = Some(LeaderConnector::start(settings, side, events));
    }

    pub(super) fn tell_leader(&self, link: LinkId, packet: ToLeader) {
        if let Some(leader) = self.leader.as_ref().filter(|leader| leader.id() == link) {
            leader.send(packet);
        }
    }

    /// None where the learner has gone.
    pub(super) fn tell_learner(&mut self, link: LinkId, packet: ToLearner) -> Option<Pushed> {
        self.learners.get_mut(&link)?.send(packet)
    }

    /// Where a snapshot for this learner is put, if it is still there.
    pub(super) fn stream(&self, link: LinkId) -> Option<StreamSource> {
        self.learners
            .get(&link)
            .map(|learner| learner.link.stream())
    }

    pub(super) fn close(&mut self, link: LinkId) {
        if let Some(learner) = self.learners.get(&link) {
            learner.link.end();
        }
        if self
            .connector
            .as_ref()
            .is_some_and(|connector| connector.id() == link)
        {
            self.connector = None;
            self.leader = None;
        }
    }

    /// Whether the attempt that failed is the one that counts.
    fn is_connecting(&self, link: LinkId) -> bool {
        let current = self.connector.as_ref().map(LeaderConnector::id);
        current == Some(link)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.end_learners();
    }
}

/// Opens and closes the quorum port, one after the other: a port that is just being closed could not be had.
async fn keep_port(server: Server, mut wanted: UnboundedReceiver<bool>) {
    let mut open = None;
    while let Some(mut is_wanted) = wanted.recv().await {
        if let Some(acceptor) = open.take() {
            LearnerAcceptor::close(acceptor).await;
        }
        while is_wanted {
            match listen(&server).await {
                Ok(acceptor) => {
                    open = Some(acceptor);
                    break;
                }
                Err(error) => tracing::error!(
                    "{error}. No learner can come; the next attempt follows in {LISTEN_PAUSE:?}"
                ),
            }
            match tokio::time::timeout(LISTEN_PAUSE, wanted.recv()).await {
                Ok(Some(next)) => is_wanted = next,
                Ok(None) => return,
                Err(_) => {}
            }
        }
    }
}

async fn listen(server: &Server) -> Result<LearnerAcceptor, CannotListen> {
    let ensemble = ensemble(server);
    let own = ensemble.line_of(ensemble.me).expect("its own line");
    let ipv4_only = server.config.ipv4_only;
    let settings = AcceptorSettings::new(
        own,
        &ensemble.peers,
        ipv4_only,
        limits(server),
        server.security.guard.clone(),
    );
    let to = server.clone();
    let events = move |event| to.replica.push(Input::Peer(PeerEvent::Learner(event)));
    LearnerAcceptor::open(settings, events).await
}

impl Replica {
    /// Something came from another server.
    pub(super) fn hear(&mut self, event: PeerEvent) {
        match event {
            PeerEvent::Election(ElectionEvent::Heard(heard)) => {
                self.drive(quorum::Input::Vote(heard.from, heard.notification));
            }
            PeerEvent::Election(ElectionEvent::Refused(sid)) => {
                self.drive(quorum::Input::VoterRefused(sid));
            }
            PeerEvent::Learner(event) => self.hear_learner(event),
            PeerEvent::Leader(event) => self.hear_leader(event),
        }
    }

    fn sockets(&mut self) -> &mut Sockets {
        self.sockets.as_mut().expect("only a member has sockets")
    }

    fn hear_learner(&mut self, event: LinkEvent<AtLeader>) {
        match event {
            LinkEvent::Up(link) => {
                let id = link.id();
                self.sockets().learners.insert(id, Learner::new(link));
                self.drive(quorum::Input::Accepted(id));
            }
            LinkEvent::Packets {
                link,
                packets,
                taken: _taken,
            } => {
                for packet in packets {
                    if let Some(learner) = self.sockets().learners.get_mut(&link) {
                        learner.count(&packet);
                    }
                    self.measure_from_learner(link, &packet);
                    self.drive(quorum::Input::ToLeader(link, packet));
                }
            }
            LinkEvent::SnapshotReceived { snapshot, .. } => match snapshot {},
            LinkEvent::SnapshotComes(_) => {} // no learner sends one
            LinkEvent::Down { link, .. } => {
                self.sockets().learners.remove(&link);
                self.measure_learner_gone(link);
                self.drive(quorum::Input::LinkDown(link));
            }
        }
    }

    fn hear_leader(&mut self, event: LinkEvent<AtLearner<ReceivedTree>>) {
        match event {
            LinkEvent::Up(link) => {
                let id = link.id();
                if self.sockets().is_connecting(id) {
                    self.sockets().leader = Some(link);
                    self.drive(quorum::Input::Connected(id));
                }
            }
            LinkEvent::Packets {
                link,
                packets,
                taken: _taken,
            } => self.take_packets(link, packets),
            LinkEvent::SnapshotComes(link) => self.drive(quorum::Input::Progress(link)),
            LinkEvent::SnapshotReceived { link, snapshot } => {
                if self.sockets().is_connecting(link) {
                    self.received = Some(snapshot.0);
                    self.drive(quorum::Input::SnapshotReceived(link));
                }
            }
            LinkEvent::Down { link, reason } => {
                if self.sockets().is_connecting(link) {
                    self.sockets().close(link);
                    self.drive(match reason {
                        DownReason::NoConnection(_) => quorum::Input::Unreachable,
                        _ => quorum::Input::LinkDown(link),
                    });
                }
            }
        }
    }

    fn take_packets(&mut self, link: LinkId, packets: Vec<ToLearner>) {
        for packet in packets {
            if !is_readable(&packet) {
                tracing::error!(
                    "link {}: the leader sent a {} whose txn cannot be read. Check which version runs there",
                    link.0,
                    packet.name(),
                );
                self.sockets().close(link);
                return self.drive(quorum::Input::LinkDown(link));
            }
            if let Some(zxid) = brings_in_sync(&packet) {
                let way = packet.name();
                tracing::info!(
                    "link {}: the leader brings this server in sync with {way} {zxid}",
                    link.0
                );
            }
            self.measure_from_leader(&packet);
            self.drive(quorum::Input::ToLearner(link, packet));
        }
    }
}

/// The zxid of DIFF, TRUNC or SNAP, of which an operator wants to hear.
pub(super) fn brings_in_sync(packet: &ToLearner) -> Option<Zxid> {
    match packet {
        ToLearner::Diff(zxid) | ToLearner::Trunc(zxid) | ToLearner::Snap(zxid) => Some(*zxid),
        _ => None,
    }
}
