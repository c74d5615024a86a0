//! All servers and clients, what is under way between them, and what happens when: every step follows from the seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use proto::Sid;
use quorum::{Input, LinkId};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::checks::Checks;
use super::client::{Client, ClientLink};
use super::counts::Counts;
use super::frame::{ConnectionId, Who};
use super::network::Network;
use super::node::Node;
use super::process::Process;
use super::settings::settings;
use super::steps::Operation;
use crate::Contents;

/// Something that happens.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A deadline of the peer, or of a session.
    Timer(Who),
    /// The disk has its turn.
    Disk(Who),
    /// The next message of a link, to the leader or to the learner.
    Deliver(LinkId, bool),
    /// The newest vote.
    Vote {
        from: Who,
        to: Sid,
    },
    /// A learner tries to reach its leader, in this role.
    Connect {
        from: Who,
        role: u64,
        to: Sid,
        tries: u32,
    },
    Start(Sid),
    /// A tree is ready to be sent.
    SnapshotReady(Who, LinkId),
    /// A process dies.
    Crash(Sid),
    Heal,
    Fault,
    /// A client may do something.
    Turn(usize),
    /// The next frame of a client's connection.
    ToServer(ConnectionId),
    ToClient(ConnectionId),
}

pub struct World {
    pub now_ms: u64,
    pub random: SmallRng,
    pub nodes: BTreeMap<Sid, Node>,
    pub network: Network,
    pub clients: Vec<Client>,
    pub connections: BTreeMap<ConnectionId, ClientLink>,
    pub last_connection: u64,
    /// By time; the number keeps apart what happens together.
    events: BTreeMap<(u64, u64), Event>,
    event_number: u64,
    pub checks: Checks,
    /// Whoever comes to one of these steps dies there.
    pub dooms: VecDeque<usize>,
    pub next_doom: usize,
    /// No more faults.
    pub is_calm: bool,
    /// Whoever refused a leader since then, because it has accepted a newer epoch.
    pub ahead: BTreeSet<Sid>,
    /// Clients keep their sessions, and ask nothing.
    pub is_quiet: bool,
    /// The same, for a while.
    pub lull_ms: Range<u64>,
    pub counts: Counts,
    pub is_traced: bool,
}

impl World {
    pub fn new(seed: u64, is_traced: bool) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let voters = if random.random() { 3 } else { 5 };
        let observers = match random.random_range(0..4) {
            0 => random.random_range(1..=2),
            _ => 0,
        };
        let mut nodes = BTreeMap::new();
        for sid in (1..=voters + observers).map(Sid) {
            let settings = settings(sid, voters, &mut random);
            nodes.insert(sid, Node::new(settings, &mut random));
        }
        let clients = (0..random.random_range(4..8))
            .map(|_| Client::new(&mut random))
            .collect();
        let mut world = World {
            now_ms: 0,
            clients,
            random,
            nodes,
            network: Network::default(),
            connections: BTreeMap::new(),
            last_connection: 0,
            events: BTreeMap::new(),
            event_number: 0,
            checks: Checks::default(),
            dooms: VecDeque::new(),
            next_doom: seed as usize * 3,
            is_calm: false,
            ahead: BTreeSet::new(),
            is_quiet: false,
            lull_ms: 0..0,
            counts: Counts::default(),
            is_traced,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for sid in self.sids() {
            let delay_ms = self.delay(100);
            self.after(delay_ms, Event::Start(sid));
        }
        for client in 0..self.clients.len() {
            self.after(300 + client as u64, Event::Turn(client));
        }
        self.after(1000, Event::Fault);
    }

    pub fn sids(&self) -> Vec<Sid> {
        self.nodes.keys().copied().collect()
    }

    pub fn running(&self) -> Vec<Who> {
        let running = self.nodes.iter().filter(|(_, node)| node.process.is_some());
        running
            .map(|(sid, node)| (*sid, node.incarnation))
            .collect()
    }

    pub fn after(&mut self, ms: u64, event: Event) {
        self.event_number += 1;
        self.events
            .insert((self.now_ms + ms, self.event_number), event);
    }

    pub fn delay(&mut self, most_ms: u64) -> u64 {
        self.random.random_range(0..=most_ms)
    }

    pub fn node(&mut self, sid: Sid) -> &mut Node {
        self.nodes.get_mut(&sid).expect("a known server")
    }

    pub fn process(&mut self, who: Who) -> &mut Process {
        self.node(who.0).process.as_mut().expect("it runs")
    }

    pub fn is_running(&self, who: Who) -> bool {
        let node = &self.nodes[&who.0];
        node.process.is_some() && node.incarnation == who.1
    }

    /// What a server's clock shows.
    pub fn local_ms(&self, sid: Sid) -> i64 {
        let local_ms = self.nodes[&sid].clock.local_ms(self.now_ms);
        i64::try_from(local_ms).expect("a short time")
    }

    /// Goes on for so long.
    pub fn run(&mut self, ms: u64) {
        let until_ms = self.now_ms + ms;
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > until_ms {
                break;
            }
            self.now_ms = entry.key().0;
            let event = entry.remove();
            self.happen(event);
        }
        self.now_ms = until_ms;
    }

    fn happen(&mut self, event: Event) {
        if let Some(until_ms) = self.stands_still(&event) {
            return self.after(until_ms - self.now_ms, event);
        }
        match event {
            Event::Timer(who) if self.is_running(who) => self.timer(who),
            Event::Disk(who) if self.is_running(who) => self.write_to_disk(who),
            Event::SnapshotReady(who, link) if self.is_running(who) => {
                self.input(who, Input::SnapshotReady(link));
            }
            Event::Timer(_) | Event::Disk(_) | Event::SnapshotReady(..) => {}
            Event::Deliver(link, is_to_leader) => self.deliver(link, is_to_leader),
            Event::Vote { from, to } => self.deliver_vote(from, to),
            Event::Connect {
                from,
                role,
                to,
                tries,
            } => self.try_to_connect(from, role, to, tries),
            Event::Start(sid) => self.start(sid),
            Event::Crash(sid) if !self.is_calm => self.crash(sid),
            Event::Crash(_) => {}
            Event::Heal => self.heal(),
            Event::Fault => self.fault(),
            Event::Turn(client) => self.client_turn(client),
            Event::ToServer(connection) => self.frame_to_server(connection),
            Event::ToClient(connection) => self.frame_to_client(connection),
        }
    }

    /// Until when the server stands still that the event is for.
    fn stands_still(&self, event: &Event) -> Option<u64> {
        let sid = match event {
            Event::Timer(who) | Event::Disk(who) | Event::SnapshotReady(who, _) => who.0,
            Event::Connect { from, .. } => from.0,
            Event::Vote { to, .. } => *to,
            Event::Deliver(link, is_to_leader) => self.network.link(*link)?.ends(*is_to_leader).1.0,
            Event::ToServer(connection) => self.connections.get(connection)?.server.0,
            _ => return None,
        };
        let until_ms = self.nodes[&sid].paused_until_ms;
        (until_ms > self.now_ms).then_some(until_ms)
    }

    fn start(&mut self, sid: Sid) {
        if self.nodes[&sid].process.is_some() {
            return;
        }
        let armed = self.arm(sid, Operation::Recovery);
        if let Err(error) = self.node(sid).start() {
            return self.start_failed(sid, &error, armed);
        }
        self.disarm(sid, armed);
        let node = &self.nodes[&sid];
        let who = (sid, node.incarnation);
        let torn_tails = self.process(who).member.torn_tails();
        self.counts.torn_tails += torn_tails as u64;
        self.input(who, Input::Start);
        self.repeat_votes(sid);
    }

    fn timer(&mut self, who: Who) {
        let now_ms = self.local_ms(who.0).unsigned_abs();
        let process = self.process(who);
        process.timer_ms = None;
        let deadline = process.member.peer.deadline();
        match deadline.is_some_and(|deadline| deadline <= now_ms) {
            true => self.input(who, Input::Timeout),
            false => self.drive(who, Default::default()),
        }
    }

    /// A process hears of the next of its deadlines.
    pub fn set_timer(&mut self, who: Who) {
        let clock = self.nodes[&who.0].clock;
        let now_ms = self.now_ms;
        let process = self.process(who);
        let peers = process.member.peer.deadline().filter(|at| *at < u64::MAX);
        let Some(local_ms) = peers.into_iter().chain(process.expiry_ms()).min() else {
            return;
        };
        let at_ms = clock.true_ms(local_ms).max(now_ms);
        if process.timer_ms.is_none_or(|timer| at_ms < timer) {
            process.timer_ms = Some(at_ms);
            self.after(at_ms - now_ms, Event::Timer(who));
        }
    }

    /// No more faults: all that was cut is whole, all that stood still goes on, all that is down starts.
    pub fn calm(&mut self) {
        self.is_calm = true;
        self.dooms.clear();
        self.lull_ms = 0..0;
        self.heal();
        for node in self.nodes.values_mut() {
            node.paused_until_ms = 0;
            node.dies_in_outputs = None;
            node.disk.spare();
        }
        for sid in self.sids() {
            self.start(sid);
        }
    }

    /// Whether a server cannot follow the leader that there is: it has accepted a newer epoch, of a leader that nobody else
    /// followed. It comes in with the next change of leaders, as in Apache (`Learner.registerWithLeader`).
    pub fn has_locked_out(&self) -> bool {
        let serves = |sid| {
            let process = self.nodes[sid].process.as_ref();
            process.is_some_and(|process| process.serving.is_some())
        };
        self.ahead.iter().any(|sid| !serves(sid))
    }

    /// After a calm time there is one leader, all servers serve, with the tree that the history makes, and no other sessions than
    /// the clients'.
    pub fn check_agreement(&mut self) {
        let expected = self.checks.history.contents();
        let mut epochs = Vec::new();
        for (sid, node) in &self.nodes {
            let process = node.process.as_ref().expect("all run");
            let serving = process.serving;
            epochs.push(serving.unwrap_or_else(|| panic!("{sid:?} does not serve")));
            assert!(!process.member.has_tail(), "{sid:?} has a tail");
            let contents = Contents::of(process.member.tree());
            assert!(
                contents == expected,
                "{sid:?} has {contents:#?}, not {expected:#?}"
            );
        }
        let leaders = self.nodes.values().filter(|node| {
            let process = node.process.as_ref();
            process.is_some_and(|process| process.serves_as_leader())
        });
        assert_eq!(leaders.count(), 1, "leaders");
        assert!(
            epochs.windows(2).all(|two| two[0].1 == two[1].1),
            "epochs differ: {epochs:?}"
        );
        let live: Vec<_> = self.clients.iter().map(Client::session).collect();
        self.checks.history.has_only_sessions(&live);
    }
}
