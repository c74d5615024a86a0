//! What is under way between servers.

use proto::Sid;
use quorum::packet::ToLearner;
use quorum::{Input, LinkId};

use super::{CONNECT_RETRY_MS, Event, World};
use crate::model::net::{Message, Who};
use crate::model::node::Process;

impl World {
    /// A new connection begins with the last vote.
    pub(super) fn repeat_votes(&mut self, to: Sid) {
        for from in self.sids() {
            let node = &self.nodes[&from];
            if node.process.is_some() && node.votes.contains_key(&to) {
                let from = (from, node.incarnation);
                self.after(1, Event::Vote { from, to });
            }
        }
    }

    pub(super) fn vote(&mut self, from: Who, to: Sid) {
        if !self.is_running(from) || self.net.is_cut(from.0, to) || self.net.is_cut(to, from.0) {
            return;
        }
        let to_node = &self.nodes[&to];
        match &to_node.process {
            None => self.input(from, Input::VoterRefused(to)),
            Some(_) => {
                let to = (to, to_node.incarnation);
                if let Some(vote) = self.nodes[&from.0].votes.get(&to.0).cloned() {
                    self.input(to, Input::Vote(from.0, vote));
                }
            }
        }
    }

    pub(super) fn connect(&mut self, from: Who, to: Sid, tries: u32) {
        if !self.is_running(from) {
            return;
        }
        let leader = &self.nodes[&to];
        let listens = leader.process.as_ref().is_some_and(Process::leads);
        let is_cut = self.net.is_cut(from.0, to) || self.net.is_cut(to, from.0);
        if listens && !is_cut {
            let leader = (to, leader.incarnation);
            let link = self.net.open(from, leader);
            self.input(leader, Input::Accepted(link));
            self.input(from, Input::Connected(link));
        } else if tries > 1 {
            let tries = tries - 1;
            self.after(CONNECT_RETRY_MS, Event::Connect { from, to, tries });
        } else {
            self.input(from, Input::Unreachable);
        }
    }

    pub(super) fn send(&mut self, link: LinkId, is_to_leader: bool, message: Message) {
        let delay = self.delay(8);
        let now_ms = self.now_ms;
        let Some(open) = self.net.links.get_mut(&link) else {
            return;
        };
        open.queue(is_to_leader).push_back(message);
        let last = &mut open.last_arrival[usize::from(is_to_leader)];
        *last = (now_ms + delay).max(*last);
        let wait = *last - now_ms;
        self.after(wait, Event::Deliver(link, is_to_leader));
    }

    pub(super) fn deliver(&mut self, link: LinkId, is_to_leader: bool) {
        let Some(open) = self.net.links.get_mut(&link) else {
            return;
        };
        let (from, to) = open.ends(is_to_leader);
        if self.net.is_cut(from.0, to.0) {
            return; // it waits
        }
        let open = self.net.links.get_mut(&link).expect("it was there");
        let Some(message) = open.queue(is_to_leader).pop_front() else {
            return;
        };
        if !self.is_running(to) {
            return;
        }
        let input = match message {
            Message::ToLeader(packet) => Input::ToLeader(link, packet),
            Message::ToLearner(packet) => {
                self.count(&packet);
                Input::ToLearner(link, packet)
            }
            Message::Snapshot(tree) => {
                if let Some(process) = &mut self.node(to.0).process {
                    process.received = tree;
                }
                Input::SnapshotReceived(link)
            }
            Message::Closed => Input::LinkDown(link),
        };
        self.input(to, input);
    }

    pub(super) fn count(&mut self, packet: &ToLearner) {
        match packet {
            ToLearner::Diff(_) => self.counts.diffs += 1,
            ToLearner::Trunc(_) => self.counts.truncs += 1,
            ToLearner::Snap(_) => self.counts.snaps += 1,
            _ => {}
        }
    }
}
