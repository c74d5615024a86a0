//! What is under way between servers: in order on a link, late, held up by a cut, lost by a reset.

use std::collections::BTreeMap;

use bytes::Bytes;
use proto::Sid;
use quorum::packet::{ToLeader, ToLearner};
use quorum::{Input, LinkId};

use super::frame::{Pipe, Who};
use super::steps::Place;
use super::world::{Event, World};

const CONNECT_RETRY_MS: u64 = 50;
const CONNECT_TRIES: u32 = 5;

/// On a link between a learner and its leader.
#[derive(Debug)]
pub enum Message {
    ToLeader(ToLeader),
    ToLearner(ToLearner),
    /// Of a snapshot's stream; whether it is the last.
    Piece(Bytes, bool),
    Closed,
}

#[derive(Debug)]
pub struct Link {
    pub learner: Who,
    pub leader: Who,
    to_leader: Pipe<Message>,
    to_learner: Pipe<Message>,
}

impl Link {
    fn pipe(&mut self, is_to_leader: bool) -> &mut Pipe<Message> {
        match is_to_leader {
            true => &mut self.to_leader,
            false => &mut self.to_learner,
        }
    }

    /// Who sends and who gets it.
    pub fn ends(&self, is_to_leader: bool) -> (Who, Who) {
        match is_to_leader {
            true => (self.learner, self.leader),
            false => (self.leader, self.learner),
        }
    }
}

/// All links, and what is cut.
#[derive(Debug, Default)]
pub struct Network {
    links: BTreeMap<LinkId, Link>,
    last_link: u64,
    /// From the first to the second nothing gets through; whether something was held up there.
    cuts: BTreeMap<(Sid, Sid), bool>,
}

impl Network {
    fn open(&mut self, learner: Who, leader: Who) -> LinkId {
        self.last_link += 1;
        let link = Link {
            learner,
            leader,
            to_leader: Pipe::default(),
            to_learner: Pipe::default(),
        };
        self.links.insert(LinkId(self.last_link), link);
        LinkId(self.last_link)
    }

    /// A link, open or not.
    pub fn link(&self, link: LinkId) -> Option<&Link> {
        self.links.get(&link)
    }

    /// The links of all processes of a server.
    pub fn links_of(&self, sid: Sid) -> Vec<LinkId> {
        let its = |link: &Link| link.learner.0 == sid || link.leader.0 == sid;
        let links = self.links.iter().filter(|(_, link)| its(link));
        links.map(|(id, _)| *id).collect()
    }

    /// From now on nothing gets from the one to the other.
    pub fn cut(&mut self, from: Sid, to: Sid) {
        self.cuts.entry((from, to)).or_default();
    }

    pub fn is_cut(&self, from: Sid, to: Sid) -> bool {
        self.cuts.contains_key(&(from, to))
    }

    fn is_apart(&self, one: Sid, other: Sid) -> bool {
        self.is_cut(one, other) || self.is_cut(other, one)
    }

    /// Something is held up: whether it is the first by a cut of one direction.
    fn hold_up(&mut self, from: Sid, to: Sid) -> bool {
        let is_one_way = !self.is_cut(to, from);
        let held = self.cuts.get_mut(&(from, to));
        held.is_some_and(|held| is_one_way && !std::mem::replace(held, true))
    }
}

impl World {
    /// A new connection between two servers begins with the newest vote.
    pub fn repeat_votes(&mut self, to: Sid) {
        for from in self.running() {
            let process = self.nodes[&from.0].process.as_ref();
            if process.is_some_and(|process| process.votes.contains_key(&to)) {
                self.after(1, Event::Vote { from, to });
            }
        }
    }

    /// The newest vote arrives, or is found to have nowhere to go.
    pub fn deliver_vote(&mut self, from: Who, to: Sid) {
        if !self.is_running(from) || self.network.is_apart(from.0, to) {
            return;
        }
        let to_node = &self.nodes[&to];
        if to_node.process.is_none() {
            return self.input(from, Input::VoterRefused(to));
        }
        let to = (to, to_node.incarnation);
        if let Some(vote) = self.process(from).votes.get(&to.0).cloned() {
            self.input(to, Input::Vote(from.0, vote));
        }
    }

    /// A learner goes to its leader.
    pub fn connect_to_leader(&mut self, from: Who, to: Sid) {
        let (role, tries) = (self.process(from).role, CONNECT_TRIES);
        let delay_ms = self.delay(8);
        self.after(
            delay_ms,
            Event::Connect {
                from,
                role,
                to,
                tries,
            },
        );
    }

    /// One try; a leader may know a moment later than its followers that it is one.
    pub fn try_to_connect(&mut self, from: Who, role: u64, to: Sid, tries: u32) {
        if !self.is_running(from) || self.process(from).role != role {
            return;
        }
        let leader = &self.nodes[&to];
        let listens = leader
            .process
            .as_ref()
            .is_some_and(|process| process.leads());
        if listens && !self.network.is_apart(from.0, to) {
            let leader = (to, leader.incarnation);
            let link = self.network.open(from, leader);
            self.input(leader, Input::Accepted(link));
            self.input(from, Input::Connected(link));
        } else if tries > 1 {
            let tries = tries - 1;
            let again = Event::Connect {
                from,
                role,
                to,
                tries,
            };
            self.after(CONNECT_RETRY_MS, again);
        } else {
            self.input(from, Input::Unreachable);
        }
    }

    pub fn send(&mut self, link: LinkId, is_to_leader: bool, message: Message) {
        let (now_ms, delay_ms) = (self.now_ms, self.delay(8));
        let Some(open) = self.network.links.get_mut(&link) else {
            return;
        };
        let at_ms = open.pipe(is_to_leader).push(message, now_ms, delay_ms);
        self.after(at_ms - now_ms, Event::Deliver(link, is_to_leader));
    }

    pub fn deliver(&mut self, link: LinkId, is_to_leader: bool) {
        let Some(open) = self.network.links.get(&link) else {
            return;
        };
        let (from, to) = open.ends(is_to_leader);
        if self.network.is_cut(from.0, to.0) {
            self.counts.one_way_cuts += u64::from(self.network.hold_up(from.0, to.0));
            return; // it waits
        }
        let open = self.network.links.get_mut(&link).expect("looked at above");
        let message = open.pipe(is_to_leader).pop();
        if let Some(message) = message.filter(|_| self.is_running(to)) {
            self.arrive(link, to, message);
        }
    }

    fn arrive(&mut self, link: LinkId, to: Who, message: Message) {
        match message {
            Message::ToLeader(packet) => self.input(to, Input::ToLeader(link, packet)),
            Message::ToLearner(packet) => self.arrive_at_learner(link, to, packet),
            Message::Piece(piece, is_last) => {
                if is_last && self.dies_at(to, |place| matches!(place, Place::Stream)) {
                    return;
                }
                if let Some(input) = self.process(to).receive(link, &piece) {
                    self.input(to, input);
                }
            }
            Message::Closed => self.input(to, Input::LinkDown(link)),
        }
    }

    fn arrive_at_learner(&mut self, link: LinkId, to: Who, packet: ToLearner) {
        let at = self.process(to).situation();
        let dies = |place: &Place| matches!(place, Place::Packet(is) if is(&at, &packet));
        if self.dies_at(to, dies) {
            return;
        }
        match &packet {
            ToLearner::Diff(_) => self.counts.diffs += 1,
            ToLearner::Trunc(_) => self.counts.truncs += 1,
            ToLearner::Snap(zxid) => {
                self.counts.snaps += 1;
                self.process(to).begin_receiving(link, *zxid);
            }
            _ => {}
        }
        self.input(to, Input::ToLearner(link, packet));
    }

    /// One end closes the link.
    pub fn close_link(&mut self, who: Who, link: LinkId) {
        if let Some(open) = self.network.link(link) {
            let is_to_leader = open.learner == who;
            self.send(link, is_to_leader, Message::Closed);
        }
    }

    /// Both ends of the server's links find them broken, and what was under way is lost.
    pub fn reset_links(&mut self, sid: Sid) {
        for link in self.network.links_of(sid) {
            for is_to_leader in [true, false] {
                if let Some(open) = self.network.links.get_mut(&link) {
                    open.pipe(is_to_leader).clear();
                }
                self.send(link, is_to_leader, Message::Closed);
            }
        }
    }

    /// Nothing is cut any more: what was held up arrives.
    pub fn heal(&mut self) {
        self.network.cuts.clear();
        let links: Vec<LinkId> = self.network.links.keys().copied().collect();
        for link in links {
            for is_to_leader in [true, false] {
                let open = self.network.links.get_mut(&link).expect("it is there");
                for _ in 0..open.pipe(is_to_leader).len() {
                    self.after(1, Event::Deliver(link, is_to_leader));
                }
            }
        }
        for sid in self.sids() {
            self.repeat_votes(sid);
        }
    }

    /// Links whose ends are both gone are forgotten.
    pub fn forget_dead_links(&mut self) {
        let nodes = &self.nodes;
        let is_running = |(sid, incarnation): Who| {
            let node = &nodes[&sid];
            node.process.is_some() && node.incarnation == incarnation
        };
        let links = &mut self.network.links;
        links.retain(|_, link| is_running(link.learner) || is_running(link.leader));
    }
}
