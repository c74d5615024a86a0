//! All servers, what is under way between them, and what happens to them: every step follows from the seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use proto::{Epoch, OpCode, SessionId, Sid, Zxid};
use quorum::election::PeerState;
use quorum::packet::{Forwarded, LearnerKind, ToLearner};
use quorum::verifier::{QuorumVerifier, Quorums};
use quorum::{CommittedLogLimits, DiskOp, Input, LinkId, Output, Settings, Ticket};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::checks::Checks;
use crate::model::net::{Message, Net, Who};
use crate::model::node::{Node, Process};
use crate::promises;

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

fn settings(sid: i64, voters: i64, rng: &mut SmallRng) -> Settings {
    let voting = QuorumVerifier::majority((1..=voters).map(Sid));
    Settings {
        me: Sid(sid),
        kind: match sid <= voters {
            true => LearnerKind::Follower,
            false => LearnerKind::Observer,
        },
        quorums: Quorums::of(voting),
        config: Bytes::from_static(b"version=0"),
        config_version: 0,
        tick_time_ms: TICK_MS,
        init_limit: 10,
        sync_limit: 5,
        committed_log: CommittedLogLimits {
            txns: rng.random_range(1..20),
            bytes: 1 << 20,
        },
        force_snapshot: rng.random_range(0..20) == 0,
    }
}

impl World {
    pub fn new(seed: u64, voters: i64, observers: i64) -> Self {
        let mut rng = SmallRng::seed_from_u64(seed);
        let sids = 1..=voters + observers;
        let nodes = sids
            .map(|sid| (Sid(sid), Node::new(settings(sid, voters, &mut rng))))
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

    /// After a calm time all servers serve, with one tree, and tell a server that comes later of one leader and epoch.
    pub fn check_agreement(&mut self) {
        let mut leaders = 0;
        let mut votes = BTreeSet::new();
        for (sid, node) in &mut self.nodes {
            let process = node.process.as_mut().expect("all run");
            let serving = process
                .serving
                .unwrap_or_else(|| panic!("{sid:?} does not serve"));
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

    /// A new connection begins with the last vote.
    fn repeat_votes(&mut self, to: Sid) {
        for from in self.sids() {
            let node = &self.nodes[&from];
            if node.process.is_some() && node.votes.contains_key(&to) {
                let from = (from, node.incarnation);
                self.after(1, Event::Vote { from, to });
            }
        }
    }

    fn vote(&mut self, from: Who, to: Sid) {
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

    fn connect(&mut self, from: Who, to: Sid, tries: u32) {
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

    fn send(&mut self, link: LinkId, is_to_leader: bool, message: Message) {
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

    fn deliver(&mut self, link: LinkId, is_to_leader: bool) {
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

    fn count(&mut self, packet: &ToLearner) {
        match packet {
            ToLearner::Diff(_) => self.counts.diffs += 1,
            ToLearner::Trunc(_) => self.counts.truncs += 1,
            ToLearner::Snap(_) => self.counts.snaps += 1,
            _ => {}
        }
    }

    /// Gives an input, and carries out what is said, before the next input.
    fn input(&mut self, who: Who, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now_ms = self.now_ms;
            if self.trace {
                eprintln!("{now_ms} {} <- {input:?}", who.0.0);
            }
            let Some(process) = &mut self.node(who.0).process else {
                return;
            };
            let mut outputs = Vec::new();
            process.peer.handle(now_ms, input, &mut outputs);
            for output in outputs {
                if self.trace {
                    eprintln!("{now_ms} {} -> {output:?}", who.0.0);
                }
                self.carry_out(who, output, &mut inputs);
            }
        }
        self.keep_disk_busy(who);
        self.set_timer(who);
    }

    fn carry_out(&mut self, who: Who, output: Output, inputs: &mut VecDeque<Input>) {
        promises::check(who.0, &self.nodes[&who.0].disk, &output);
        match output {
            Output::Disk(ticket, op) => self.queue(who, ticket, op),
            Output::Apply { up_to } => self.apply(who, up_to),
            Output::UseSnapshot(zxid) => self.process(who).use_snapshot(zxid),
            Output::Reload(to) => {
                self.counts.reloads += 1;
                let last = self.node(who.0).reload(to);
                inputs.push_back(Input::Reloaded(last));
            }
            Output::Vote(to, notification) => {
                if to.0 <= self.voters {
                    self.checks.votes(who, &notification);
                }
                self.node(who.0).votes.insert(to, notification);
                let delay = self.delay(8);
                self.after(delay, Event::Vote { from: who, to });
            }
            Output::Become(state) => {
                self.checks.looks(who);
                self.process(who).state = state;
            }
            Output::Left(_) => {}
            Output::Connect(to) => {
                let delay = self.delay(8);
                self.after(
                    delay,
                    Event::Connect {
                        from: who,
                        to,
                        tries: CONNECT_TRIES,
                    },
                );
            }
            Output::ToLeader(link, packet) => self.send(link, true, Message::ToLeader(packet)),
            Output::ToLearner(link, packet) => self.send(link, false, Message::ToLearner(packet)),
            Output::Pong(link, zxid) => {
                let touched = Vec::new();
                let pong = quorum::packet::ToLeader::Ping { zxid, touched };
                self.send(link, true, Message::ToLeader(pong));
            }
            Output::StreamSnapshot { link, zxid } => {
                let tree = self.process(who).stream(zxid);
                self.send(link, false, Message::Snapshot(tree));
            }
            Output::TakeSnapshot(link) => {
                let delay = self.delay(20);
                self.after(delay, Event::SnapshotReady(who, link));
            }
            Output::ReadLog { link, after } => {
                let log = self.nodes[&who.0].read_log(after);
                inputs.push_back(Input::LogRead { link, log });
            }
            Output::Close(link) | Output::Drop(link, _) => self.close(who, link),
            Output::Serve(state, epoch) => self.serve(who, state, epoch),
            Output::StopServing => self.process(who).stop_serving(),
            Output::Request(_, request) => {
                let zxid = self.process(who).next_zxid();
                let record = request.body;
                inputs.push_back(Input::Propose { zxid, record });
            }
            Output::UnmatchedCommit(zxid) => panic!("{who:?}: commit of {zxid} out of order"),
            Output::Revalidate { .. }
            | Output::Touched(_)
            | Output::Revalidated { .. }
            | Output::SyncDone => {}
        }
    }

    fn queue(&mut self, who: Who, ticket: Ticket, op: DiskOp) {
        let process = self
            .nodes
            .get_mut(&who.0)
            .expect("a known server")
            .process();
        if let (DiskOp::CurrentEpoch(epoch), true) = (&op, process.leads()) {
            self.checks.leads(*epoch, process.last_txn());
        }
        self.node(who.0).queue(ticket, op);
    }

    fn check_entered(&mut self, sid: Sid) {
        for (epoch, last) in std::mem::take(&mut self.node(sid).disk.entered) {
            self.checks.entered(sid, epoch, last);
        }
    }

    fn serve(&mut self, who: Who, state: PeerState, epoch: Epoch) {
        let process = self
            .nodes
            .get_mut(&who.0)
            .expect("a known server")
            .process();
        process.serve(state, epoch);
        let leads = state == PeerState::Leading;
        self.checks.serves(who.0, leads, epoch, &process.tree);
        self.counts.elections += u32::from(leads);
        self.check_survival(who);
    }

    /// What a leader that serves has in its tree is there for good.
    fn check_survival(&mut self, leader: Who) {
        let process = self.process(leader);
        let leads = matches!(process.serving, Some((PeerState::Leading, _)));
        if let Some(last) = process.tree.last().filter(|_| leads).cloned() {
            let voters: Vec<_> = (1..=self.voters)
                .map(|sid| &self.nodes[&Sid(sid)].disk)
                .collect();
            promises::survives(&last, voters.into_iter());
        }
    }

    fn apply(&mut self, who: Who, up_to: Zxid) {
        let process = self
            .nodes
            .get_mut(&who.0)
            .expect("a known server")
            .process();
        let before = process.apply(up_to);
        self.checks.applied(who.0, &process.tree, before);
        self.check_survival(who);
        let process = self
            .nodes
            .get_mut(&who.0)
            .expect("a known server")
            .process();
        for txn in &process.tree[before..] {
            if process.waiting.remove(&txn.record) {
                self.counts.acknowledged += 1;
                self.checks.acknowledged(txn.record.clone());
            }
        }
    }

    fn close(&mut self, who: Who, link: LinkId) {
        if let Some(open) = self.net.links.get(&link) {
            let is_to_leader = open.learner == who;
            self.send(link, is_to_leader, Message::Closed);
        }
    }

    /// Every server takes a write.
    pub fn write_everywhere(&mut self) {
        for sid in self.sids() {
            let who = (sid, self.nodes[&sid].incarnation);
            self.write(who);
        }
    }

    fn client(&mut self) {
        if self.calm {
            return;
        }
        let wait = self.delay(40);
        self.after(wait, Event::Client);
        let serving: Vec<Who> = self
            .nodes
            .iter()
            .filter(|(_, node)| {
                node.process
                    .as_ref()
                    .is_some_and(|process| process.serving.is_some())
            })
            .map(|(sid, node)| (*sid, node.incarnation))
            .collect();
        if serving.is_empty() {
            return;
        }
        let who = serving[self.rng.random_range(0..serving.len())];
        for _ in 0..self.rng.random_range(1..6) {
            self.write(who);
        }
    }

    fn write(&mut self, who: Who) {
        self.written += 1;
        let record = Bytes::copy_from_slice(&self.written.to_be_bytes());
        let Some(process) = &mut self.node(who.0).process else {
            return;
        };
        let Some((state, _)) = process.serving else {
            return;
        };
        process.waiting.insert(record.clone());
        let input = if state == PeerState::Leading {
            let zxid = process.next_zxid();
            Input::Propose { zxid, record }
        } else {
            Input::Forward(Forwarded {
                session: SessionId(who.0.0),
                cxid: 1,
                op: OpCode::SET_DATA,
                body: record,
                identities: Vec::new(),
            })
        };
        self.input(who, input);
    }

    fn fault(&mut self) {
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

    fn crash_leader(&mut self) {
        let leads = |node: &Node| node.process.as_ref().is_some_and(Process::leads);
        if let Some((sid, _)) = self.nodes.iter().find(|(_, node)| leads(node)) {
            self.crash(*sid);
        }
    }

    fn crash(&mut self, sid: Sid) {
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

    fn reset_links(&mut self, sid: Sid) {
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
    fn cut(&mut self, sid: Sid, says: bool, hears: bool) {
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

    fn heal(&mut self) {
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

    fn snapshot(&mut self, sid: Sid) {
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
