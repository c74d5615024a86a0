//! All servers, what is under way between them, and what happens to them: every step follows from the seed.

mod clients;
mod faults;
mod network;
mod outputs;

use std::collections::{BTreeMap, BTreeSet};

use proto::{Epoch, Sid};
use quorum::election::PeerState;
use quorum::{CommittedLogLimits, Input, LinkId, Settings};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::checks::Checks;
use crate::model::net::{Net, Who};
use crate::model::node::{Node, Process};
use crate::model::settings::settings;

const TICK_MS: u64 = 100;
const CONNECT_RETRY_MS: u64 = 50;
const CONNECT_TRIES: u32 = 5;

#[derive(Clone, Copy, Debug)]
enum Event {
    Timer(Who),
    Disk(Who),
    /// The next message of a link, to the leader or to the learner.
    Deliver(LinkId, bool),
    Vote {
        from: Who,
        to: Sid,
    },
    Connect {
        from: Who,
        to: Sid,
        tries: u32,
    },
    Start(Sid),
    /// A tree is ready to be sent.
    SnapshotReady(Who, LinkId),
    Heal,
    Client,
    Fault,
}

/// What a run went through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub elections: u32,
    pub diffs: u32,
    pub truncs: u32,
    pub snaps: u32,
    pub reloads: u32,
    pub crashes: u32,
    pub acknowledged: u32,
}

pub struct World {
    now_ms: u64,
    rng: SmallRng,
    nodes: BTreeMap<Sid, Node>,
    net: Net,
    /// By time; the number keeps apart what happens together.
    events: BTreeMap<(u64, u64), Event>,
    event_number: u64,
    checks: Checks,
    written: u64,
    voters: i64,
    /// Servers that crash at the next operation of their disks.
    doomed: BTreeSet<Sid>,
    calm: bool,
    pub counts: Counts,
    trace: bool,
}

fn settings_of(sid: i64, voters: i64, rng: &mut SmallRng) -> Settings {
    Settings {
        tick_time_ms: TICK_MS,
        committed_log: CommittedLogLimits {
            txns: rng.random_range(1..20),
            bytes: 1 << 20,
        },
        force_snapshot: rng.random_range(0..20) == 0,
        resends: Default::default(),
        waits: Default::default(),
        ..settings(sid, voters)
    }
}

impl World {
    pub fn new(seed: u64, voters: i64, observers: i64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let sids = 1..=voters + observers;
        let nodes = sids
            .map(|sid| (Sid(sid), Node::new(settings_of(sid, voters, &mut rng))))
            .collect();
        let mut world = World {
            now_ms: 0,
            rng,
            nodes,
            net: Net::default(),
            events: BTreeMap::new(),
            event_number: 0,
            checks: Checks::default(),
            written: 0,
            voters,
            doomed: BTreeSet::new(),
            calm: false,
            counts: Counts::default(),
            trace: std::env::var_os("TRACE").is_some(),
        };
        for sid in world.sids() {
            world.after(0, Event::Start(sid));
        }
        world.after(300, Event::Client);
        world.after(500, Event::Fault);
        world
    }

    fn sids(&self) -> Vec<Sid> {
        self.nodes.keys().copied().collect()
    }

    fn after(&mut self, ms: u64, event: Event) {
        self.event_number += 1;
        self.events
            .insert((self.now_ms + ms, self.event_number), event);
    }

    fn delay(&mut self, most_ms: u64) -> u64 {
        self.rng.random_range(0..=most_ms)
    }

    fn is_running(&self, who: Who) -> bool {
        let node = &self.nodes[&who.0];
        node.process.is_some() && node.incarnation == who.1
    }

    /// Goes on for so long.
    pub fn run(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > until {
                break;
            }
            self.now_ms = entry.key().0;
            let event = entry.remove();
            self.happen(event);
        }
        self.now_ms = until;
    }

    /// No more faults: all that was cut is whole, all that is down starts.
    pub fn calm(&mut self) {
        self.calm = true;
        self.doomed.clear();
        self.heal();
        for sid in self.sids() {
            self.start(sid);
        }
    }

    /// After a calm time all servers serve, with one tree, and tell a server that comes later of one leader and epoch. One
    /// stays out until leaders change, in Apache too, that has accepted a newer epoch than the leader's, of a leader whom nobody else has
    /// followed.
    pub fn check_agreement(&mut self) {
        let mut leaders = 0;
        let mut votes = BTreeSet::new();
        let newest = self.newest_epoch_served();
        for (sid, node) in &mut self.nodes {
            let process = node.process.as_mut().expect("all run");
            let Some(serving) = process.serving else {
                let accepted = node.disk.files.accepted_epoch;
                assert!(accepted > newest, "{sid:?} does not serve");
                continue;
            };
            leaders += u32::from(serving.0 == PeerState::Leading);
            let (leader, epoch) = process.vote_told(self.now_ms);
            assert_eq!(epoch, serving.1, "{sid:?} tells of another epoch");
            votes.insert(leader);
            assert_eq!(
                process.tree, self.checks.committed,
                "{sid:?} has another tree"
            );
        }
        assert_eq!(leaders, 1);
        assert_eq!(votes.len(), 1, "votes differ: {votes:?}");
        self.checks.nothing_is_lost();
    }

    fn newest_epoch_served(&self) -> Epoch {
        let processes = self.nodes.values().filter_map(|node| node.process.as_ref());
        let epochs = processes.filter_map(|process| process.serving.map(|(_, epoch)| epoch));
        epochs.max().expect("somebody serves")
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Timer(who) => self.timer(who),
            Event::Disk(who) => self.write_to_disk(who),
            Event::Deliver(link, is_to_leader) => self.deliver(link, is_to_leader),
            Event::Vote { from, to } => self.vote(from, to),
            Event::Connect { from, to, tries } => self.connect(from, to, tries),
            Event::Start(sid) => self.start(sid),
            Event::SnapshotReady(who, link) if self.is_running(who) => {
                self.input(who, Input::SnapshotReady(link));
            }
            Event::SnapshotReady(..) => {}
            Event::Heal => self.heal(),
            Event::Client => self.client(),
            Event::Fault => self.fault(),
        }
    }

    fn start(&mut self, sid: Sid) {
        let node = self.node(sid);
        if node.process.is_some() {
            return;
        }
        node.start();
        let who = (sid, node.incarnation);
        self.input(who, Input::Start);
        self.repeat_votes(sid);
    }

    fn timer(&mut self, who: Who) {
        if !self.is_running(who) {
            return;
        }
        let now_ms = self.now_ms;
        if let Some(process) = &mut self.node(who.0).process {
            process.timer_ms = None;
            if process
                .peer
                .deadline()
                .is_some_and(|deadline| deadline <= now_ms)
            {
                self.input(who, Input::Timeout);
            }
        }
        self.set_timer(who);
    }

    fn node(&mut self, sid: Sid) -> &mut Node {
        self.nodes.get_mut(&sid).expect("a known server")
    }

    fn process(&mut self, who: Who) -> &mut Process {
        self.node(who.0).process()
    }

    fn set_timer(&mut self, who: Who) {
        let now_ms = self.now_ms;
        let Some(process) = &mut self.node(who.0).process else {
            return;
        };
        let Some(deadline) = process
            .peer
            .deadline()
            .filter(|deadline| *deadline < u64::MAX)
        else {
            return;
        };
        if process.timer_ms.is_none_or(|timer| deadline < timer) {
            process.timer_ms = Some(deadline);
            self.after(deadline.saturating_sub(now_ms), Event::Timer(who));
        }
    }

    fn write_to_disk(&mut self, who: Who) {
        if !self.is_running(who) {
            return;
        }
        if self.doomed.remove(&who.0) {
            return self.crash(who.0);
        }
        let queued = self.nodes[&who.0].disk.queued();
        let batch = self.rng.random_range(1..=queued.max(1));
        let node = self.node(who.0);
        node.disk_is_busy = false;
        let done = node.disk.write(batch);
        self.check_entered(who.0);
        if let Some(done) = done {
            self.input(who, done);
        }
        self.keep_disk_busy(who);
    }

    fn keep_disk_busy(&mut self, who: Who) {
        let is_slow = self.rng.random_range(0..50) == 0;
        let delay = self.delay(if is_slow { 300 } else { 10 });
        let node = self.node(who.0);
        if node.disk.queued() > 0 && !node.disk_is_busy {
            node.disk_is_busy = true;
            self.after(delay, Event::Disk(who));
        }
    }
}
