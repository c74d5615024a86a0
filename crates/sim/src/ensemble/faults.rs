//! What happens to servers and links.

use proto::Sid;
use rand::Rng;

use super::network::Message;
use super::steps::{Operation, STEPS};
use super::world::{Event, World};
use crate::Crash;
use crate::member::Failure;

/// Of a seed, so many places are doomed at a time.
const DOOMS: usize = 5;

impl World {
    /// Something goes wrong, and something else a while later.
    pub fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        let wait_ms = 60 + self.delay(400);
        self.after(wait_ms, Event::Fault);
        self.counts.faults += 1;
        let sid = self.any_sid();
        match self.random.random_range(0..20) {
            0..=5 => self.doom_a_step(),
            6 => self.crash(sid),
            7 => self.crash_leader(),
            8 => self.counted_crash_at_output(sid),
            9 => self.crash_at_the_disk(sid),
            10 => self.fail_the_disk(sid),
            11 => {
                self.counts.resets += 1;
                self.reset_links(sid);
            }
            12 => self.cut(sid, true, true),
            13 => self.cut(sid, true, false),
            14 => self.cut(sid, false, true),
            15 | 16 => self.cut_off_leader(),
            17 => self.pause(sid),
            18 => self.pause_leader(),
            _ => self.take_snapshot(sid),
        }
    }

    fn any_sid(&mut self) -> Sid {
        let sids = self.sids();
        sids[self.random.random_range(0..sids.len())]
    }

    fn leader(&self) -> Option<Sid> {
        let serving = self.nodes.iter().filter(|(_, node)| {
            let process = node.process.as_ref();
            process.is_some_and(|process| process.serves_as_leader())
        });
        serving.map(|(sid, _)| *sid).next_back()
    }

    /// Whoever comes there next dies there. Every step has its turn over the seeds.
    fn doom_a_step(&mut self) {
        let step = self.next_doom % STEPS.len();
        self.next_doom += 1;
        if self.dooms.len() == DOOMS {
            self.dooms.pop_front();
        }
        self.dooms.push_back(step);
    }

    fn counted_crash_at_output(&mut self, sid: Sid) {
        let outputs = self.random.random_range(0..12);
        self.node(sid).dies_in_outputs = Some(outputs);
    }

    fn crash_at_the_disk(&mut self, sid: Sid) {
        let operations = self.random.random_range(1..12);
        let disk = &self.nodes[&sid].disk;
        disk.die_at(disk.operations() + operations);
    }

    fn fail_the_disk(&mut self, sid: Sid) {
        let disk = &self.nodes[&sid].disk;
        match self.random.random_range(0..3) {
            0 => disk.fail_from(disk.operations() + 1),
            _ => disk.fail_from_sync(),
        }
    }

    /// The leader's process dies.
    pub fn crash_leader(&mut self) {
        if let Some(sid) = self.leader() {
            self.crash(sid);
        }
    }

    /// A process dies, or its machine.
    pub fn crash(&mut self, sid: Sid) {
        let crash = match self.random.random_range(0..3) {
            0 => Crash::Kill,
            1 => Crash::Power,
            _ => Crash::Torn {
                seed: self.random.random(),
            },
        };
        self.end_process(sid, crash);
    }

    /// A process ends because its disk fails; the machine is started again with what the disk has.
    pub fn lose_power(&mut self, sid: Sid) {
        let crash = match self.random.random() {
            true => Crash::Power,
            false => Crash::Torn {
                seed: self.random.random(),
            },
        };
        self.end_process(sid, crash);
    }

    /// A start did not succeed: the next one finds what the disk has.
    pub fn start_failed(&mut self, sid: Sid, error: &Failure, armed: Option<usize>) {
        match self.nodes[&sid].disk.struck() {
            None => panic!("{sid:?} does not start: {error}"),
            Some(struck) => self.count_struck(struck, armed),
        }
        let crash = Crash::Torn {
            seed: self.random.random(),
        };
        self.node(sid).end(crash);
        self.counts.crashes += 1;
        let down_ms = self.delay(200);
        self.after(down_ms, Event::Start(sid));
    }

    fn end_process(&mut self, sid: Sid, crash: Crash) {
        let Some(process) = &self.nodes[&sid].process else {
            return;
        };
        self.counts.crashes += 1;
        self.counts.crashes_during_snap += u64::from(process.is_in_snap);
        if self.is_traced {
            eprintln!("{:>6} {} ends: {crash:?}", self.now_ms, sid.0);
        }
        let who = (sid, self.nodes[&sid].incarnation);
        self.node(sid).end(crash);
        // Where the whole machine goes, nobody tells the others: their links stay open, and silent.
        let is_noticed = crash == Crash::Kill || self.random.random_range(0..3) > 0;
        if is_noticed {
            for link in self.network.links_of(sid) {
                let is_learner = self
                    .network
                    .link(link)
                    .is_some_and(|link| link.learner == who);
                self.send(link, is_learner, Message::Closed);
            }
            self.close_clients_of(who);
        }
        self.forget_dead_links();
        let down_ms = match self.random.random_range(0..4) {
            0 => self.delay(3000),
            _ => self.delay(400),
        };
        self.after(down_ms, Event::Start(sid));
    }

    /// What a server says, or what it is told, gets nowhere for a while.
    fn cut(&mut self, sid: Sid, says: bool, hears: bool) {
        for other in self.sids() {
            if other == sid || self.random.random_range(0..4) == 0 {
                continue;
            }
            if says {
                self.network.cut(sid, other);
            }
            if hears {
                self.network.cut(other, sid);
            }
        }
        let wait_ms = 100 + self.delay(1200);
        self.after(wait_ms, Event::Heal);
    }

    /// The leader is alone with its clients.
    pub fn cut_off_leader(&mut self) {
        let Some(leader) = self.leader() else {
            return;
        };
        let hears = self.random.random();
        for other in self.sids() {
            self.network.cut(leader, other);
            if hears {
                self.network.cut(other, leader);
            }
        }
        let wait_ms = 600 + self.delay(1200);
        self.after(wait_ms, Event::Heal);
        match self.random.random_range(0..4) {
            0 => {}
            1 => self.lull(),
            // It comes back with a tree that holds what nobody else has.
            _ => {
                self.lull();
                let crash_ms = 300 + self.delay(800);
                self.after(crash_ms, Event::Crash(leader));
            }
        }
    }

    /// Clients write a little, and then nothing for a while: the next epoch may begin without a txn.
    fn lull(&mut self) {
        let from_ms = self.now_ms + 30 + self.delay(150);
        self.lull_ms = from_ms..from_ms + 2_500;
    }

    fn pause(&mut self, sid: Sid) {
        let ms = 50 + self.delay(1200);
        self.counts.pauses += 1;
        let until_ms = self.now_ms + ms;
        self.node(sid).paused_until_ms = until_ms;
    }

    fn pause_leader(&mut self) {
        if let Some(leader) = self.leader() {
            self.pause(leader);
        }
    }

    /// A server that serves writes a snapshot of its tree: whatever else is in the tree may have to be taken back.
    pub fn take_snapshot(&mut self, sid: Sid) {
        let purges = self.random.random();
        let who = (sid, self.nodes[&sid].incarnation);
        let process = self.nodes[&sid].process.as_ref();
        if process.is_none_or(|process| process.serving.is_none()) {
            return;
        }
        self.counts.own_snapshots += 1;
        let armed = self.arm(sid, Operation::OwnSnapshot);
        let member = &mut self.process(who).member;
        let mut written = member.snapshot();
        if purges {
            written = written.and_then(|()| member.purge());
        }
        match written {
            Ok(()) => self.disarm(sid, armed),
            Err(error) => self.disk_struck(who, &error, armed),
        }
    }
}
