//! Links between servers: in order, with delays, cut one way or both, and reset.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proto::Sid;
use quorum::packet::{ToLeader, ToLearner};
use quorum::{LinkId, Txn};

#[derive(Clone, Debug)]
pub enum Message {
    ToLeader(ToLeader),
    ToLearner(ToLearner),
    Snapshot(Vec<Txn>),
    Closed,
}

/// One process of a server.
pub type Who = (Sid, u64);

#[derive(Debug)]
pub struct Link {
    pub learner: Who,
    pub leader: Who,
    to_leader: VecDeque<Message>,
    to_learner: VecDeque<Message>,
    /// The last moments at which something arrives.
    pub last_arrival: [u64; 2],
}

impl Link {
    pub fn queue(&mut self, is_to_leader: bool) -> &mut VecDeque<Message> {
        match is_to_leader {
            true => &mut self.to_leader,
            false => &mut self.to_learner,
        }
    }

    pub fn ends(&self, is_to_leader: bool) -> (Who, Who) {
        match is_to_leader {
            true => (self.learner, self.leader),
            false => (self.leader, self.learner),
        }
    }
}

#[derive(Debug, Default)]
pub struct Net {
    pub links: BTreeMap<LinkId, Link>,
    last_link: u64,
    /// From the first to the second nothing gets through.
    cut: BTreeSet<(Sid, Sid)>,
}

impl Net {
    pub fn open(&mut self, learner: Who, leader: Who) -> LinkId {
        self.last_link += 1;
        let link = Link {
            learner,
            leader,
            to_leader: VecDeque::new(),
            to_learner: VecDeque::new(),
            last_arrival: [0; 2],
        };
        self.links.insert(LinkId(self.last_link), link);
        LinkId(self.last_link)
    }

    pub fn cut(&mut self, from: Sid, to: Sid) {
        self.cut.insert((from, to));
    }

    pub fn is_cut(&self, from: Sid, to: Sid) -> bool {
        self.cut.contains(&(from, to))
    }

    pub fn heal(&mut self) {
        self.cut.clear();
    }

    pub fn links_of(&self, sid: Sid) -> Vec<LinkId> {
        let links = self.links.iter();
        let its = links.filter(|(_, link)| link.learner.0 == sid || link.leader.0 == sid);
        its.map(|(id, _)| *id).collect()
    }
}
