//! What a leader can tell of its observers (`LearnerHandler.getLearnerHandlerInfo`).

use std::net::SocketAddr;
use std::sync::Arc;

use proto::{Sid, Zxid};
use quorum::LinkId;
use quorum::packet::{ToLeader, ToLearner};

use super::Replica;
use super::sockets::Sockets;
use crate::clock;
use crate::peers::links::{AtLeader, Link, Pushed};

/// An observer in sync, and what went over its link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObserverFigures {
    /// Where it comes from.
    pub remote: SocketAddr,
    /// Its number.
    pub sid: Sid,
    /// When its link was made; ms since 1970.
    pub established_ms: i64,
    /// Packets for it that wait.
    pub queued_packets: usize,
    /// The bytes of what is not yet written.
    pub queued_bytes: usize,
    /// Packets that came, ...
    pub received: u64,
    /// ... that were sent, ...
    pub sent: u64,
    /// ... and those that came and were its clients' requests.
    pub requests: u64,
    /// Of the last packet that was sent and had one.
    pub last_zxid: Zxid,
}

/// A link to a learner, with what came on it.
pub(super) struct Learner {
    pub link: Arc<Link<AtLeader>>,
    established_ms: i64,
    received: u64,
    requests: u64,
    last_zxid: Zxid,
}

impl Learner {
    pub fn new(link: Arc<Link<AtLeader>>) -> Self {
        Learner {
            link,
            established_ms: clock::wall_ms(),
            received: 0,
            requests: 0,
            last_zxid: Zxid(-1),
        }
    }

    pub fn count(&mut self, packet: &ToLeader) {
        self.received += 1;
        self.requests += u64::from(matches!(packet, ToLeader::Request(_)));
    }

    pub fn send(&mut self, packet: ToLearner) -> Option<Pushed> {
        if let ToLearner::Proposal { zxid, .. }
        | ToLearner::Inform { zxid, .. }
        | ToLearner::Commit(zxid) = packet
        {
            self.last_zxid = zxid;
        }
        self.link.put(packet)
    }

    fn figures(&self, sid: Sid) -> ObserverFigures {
        let (queued_packets, queued_bytes) = self.link.waiting();
        ObserverFigures {
            remote: self.link.remote(),
            sid,
            established_ms: self.established_ms,
            queued_packets,
            queued_bytes,
            received: self.received,
            sent: self.link.sent(),
            requests: self.requests,
            last_zxid: self.last_zxid,
        }
    }

    /// As Apache leaves the fields (`LearnerHandler.resetObserverConnectionStats`).
    fn forget(&mut self) {
        (self.received, self.requests, self.last_zxid) = (0, 0, Zxid(-1));
        self.link.forget_sent();
    }
}

impl Sockets {
    fn observers(&self, synced: &[(LinkId, Sid)]) -> Vec<ObserverFigures> {
        let of = |(link, sid): &(LinkId, Sid)| Some(self.learners.get(link)?.figures(*sid));
        synced.iter().filter_map(of).collect()
    }
}

impl Replica {
    /// Those in sync; none where this server does not lead.
    pub(super) fn observers(&self) -> Vec<ObserverFigures> {
        let synced = self.peer.synced_observers();
        let sockets = self.sockets.as_ref();
        sockets.map_or_else(Vec::new, |sockets| sockets.observers(&synced))
    }

    /// Counts anew what went over their links.
    pub(super) fn reset_observers(&mut self) {
        for (link, _) in self.peer.synced_observers() {
            let learners = self.sockets.as_mut().map(|sockets| &mut sockets.learners);
            if let Some(learner) = learners.and_then(|learners| learners.get_mut(&link)) {
                learner.forget();
            }
        }
    }
}
