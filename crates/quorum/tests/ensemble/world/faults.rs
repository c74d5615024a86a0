//! What happens to servers and links: crashes, cuts, resets, snapshots.

use proto::Sid;
use quorum::LinkId;
use rand::Rng;

use super::{Event, World};
use crate::model::net::Message;
use crate::model::node::{Node, Process};

impl World {
    pub(super) fn fault(&mut self) {
        if self.calm {
            return;
        }
        let wait = 100 + self.delay(1500);
        self.after(wait, Event::Fault);
        let sids = self.sids();
        let sid = sids[self.rng.random_range(0..sids.len())];
        match self.rng.random_range(0..10) {
            0 | 1 => self.crash(sid),
            8 | 9 => {
                self.doomed.insert(sid);
            }
            2 => self.crash_leader(),
            3 => self.reset_links(sid),
            4 => self.cut(sid, true, true),
            5 => self.cut(sid, true, false),
            6 => self.cut(sid, false, true),
            _ => self.snapshot(sid),
        }
    }

    pub(super) fn crash_leader(&mut self) {
        let leads = |node: &Node| node.process.as_ref().is_some_and(Process::leads);
        if let Some((sid, _)) = self.nodes.iter().find(|(_, node)| leads(node)) {
            self.crash(*sid);
        }
    }

    pub(super) fn crash(&mut self, sid: Sid) {
        let queued = self.nodes[&sid].disk.queued();
        let written = self.rng.random_range(0..=queued);
        let node = self.node(sid);
        if node.process.take().is_none() {
            return;
        }
        node.disk.crash(written);
        self.check_entered(sid);
        self.counts.crashes += 1;
        // Where the whole machine goes, nobody tells the others: their links stay open, and silent.
        let is_noticed = self.rng.random_range(0..3) > 0;
        for link in self.net.links_of(sid).into_iter().filter(|_| is_noticed) {
            let is_learner = self.net.links[&link].learner.0 == sid;
            self.send(link, is_learner, Message::Closed);
        }
        let down_ms = match self.rng.random_range(0..4) {
            0 => self.delay(5000),
            _ => self.delay(500),
        };
        self.after(down_ms, Event::Start(sid));
    }

    pub(super) fn reset_links(&mut self, sid: Sid) {
        for link in self.net.links_of(sid) {
            for is_to_leader in [true, false] {
                if let Some(open) = self.net.links.get_mut(&link) {
                    open.queue(is_to_leader).clear();
                }
                self.send(link, is_to_leader, Message::Closed);
            }
        }
    }

    /// What the server says, or what it is told, gets nowhere for a while.
    pub(super) fn cut(&mut self, sid: Sid, says: bool, hears: bool) {
        let others: Vec<Sid> = self
            .sids()
            .into_iter()
            .filter(|other| *other != sid)
            .collect();
        for other in others {
            if self.rng.random_range(0..4) == 0 {
                continue;
            }
            if says {
                self.net.cut(sid, other);
            }
            if hears {
                self.net.cut(other, sid);
            }
        }
        let wait = 100 + self.delay(1500);
        self.after(wait, Event::Heal);
    }

    pub(super) fn heal(&mut self) {
        self.net.heal();
        let links: Vec<LinkId> = self.net.links.keys().copied().collect();
        for link in links {
            for is_to_leader in [true, false] {
                let waiting = self
                    .net
                    .links
                    .get_mut(&link)
                    .map_or(0, |open| open.queue(is_to_leader).len());
                for _ in 0..waiting {
                    self.after(1, Event::Deliver(link, is_to_leader));
                }
            }
        }
        for sid in self.sids() {
            self.repeat_votes(sid);
        }
    }

    pub(super) fn snapshot(&mut self, sid: Sid) {
        let purge = self.rng.random_range(0..2) == 0;
        let node = self.node(sid);
        if let Some(process) = node
            .process
            .as_ref()
            .filter(|process| process.installing.is_empty())
        {
            node.disk
                .files
                .snapshot(process.tree_zxid, process.tree.clone(), purge);
        }
    }
}
