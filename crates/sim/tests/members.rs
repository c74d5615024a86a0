//! Three members of an ensemble, with real files: they go down and come back, and end with the same tree.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use datatree::DataTree;
use persistence::TxnLogOptions;
use proto::{Sid, Zxid};
use quorum::election::PeerState;
use quorum::packet::{LearnerKind, ToLeader, ToLearner};
use quorum::verifier::{QuorumVerifier, Quorums};
use quorum::{CommittedLogLimits, Input, LinkId, Output, Settings};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sim::member::Member;
use sim::server::Layout;
use sim::{Crash, Script, SimDisk};

const VOTERS: i64 = 3;
/// How often a learner tries to connect after the first time, and how long it waits in between.
const TRIES: u32 = 4;
const PAUSE_MS: u64 = 50;
const LAYOUTS: [Layout; 2] = [
    Layout {
        snapshots: "data",
        logs: "data",
    },
    Layout {
        snapshots: "data",
        logs: "log",
    },
];

/// How learners were brought in sync, over all seeds.
#[derive(Debug, Default)]
struct Counts {
    diffs: u32,
    truncs: u32,
    snaps: u32,
    reloads: u32,
    crashes: u32,
    txns: u32,
}

struct Server {
    disk: SimDisk,
    member: Option<Member>,
    leads: bool,
    serves: bool,
}

/// The servers, and what is on its way to them, in order. Only what a server that goes down has sent may be lost.
struct Ensemble {
    now_ms: u64,
    random: SmallRng,
    script: Script,
    layout: Layout,
    servers: BTreeMap<Sid, Server>,
    inputs: VecDeque<(Sid, Input)>,
    /// Learner and leader of each link.
    links: BTreeMap<LinkId, (Sid, Sid)>,
    /// Who is connecting to whom, when next, and how often still.
    connecting: BTreeMap<Sid, (Sid, u64, u32)>,
    /// Snapshots that came, by who gets them.
    received: BTreeMap<Sid, DataTree>,
    streams: BTreeMap<LinkId, (Zxid, Vec<Bytes>)>,
    counts: Counts,
}

fn settings(me: Sid) -> Settings {
    Settings {
        me,
        kind: LearnerKind::Follower,
        quorums: Quorums::of(QuorumVerifier::majority((1..=VOTERS).map(Sid))),
        config: Bytes::from_static(b"version=0"),
        config_version: 0,
        tick_time_ms: 100,
        init_limit: 10,
        sync_limit: 5,
        committed_log: CommittedLogLimits {
            txns: 10,
            bytes: 1 << 20,
        },
        force_snapshot: false,
        resends: Default::default(),
        waits: Default::default(),
    }
}

fn log_options() -> TxnLogOptions {
    TxnLogOptions {
        pre_alloc_bytes: 4096,
        size_limit_bytes: Some(6_000),
        force_sync: true,
    }
}

impl Ensemble {
    fn new(seed: u64) -> Self {
        let server = |sid| {
            let server = Server {
                disk: SimDisk::new(),
                member: None,
                leads: false,
                serves: false,
            };
            (Sid(sid), server)
        };
        let mut ensemble = Ensemble {
            now_ms: 0,
            random: SmallRng::seed_from_u64(seed),
            script: Script::new(seed),
            layout: LAYOUTS[seed as usize % 2],
            servers: (1..=VOTERS).map(server).collect(),
            inputs: VecDeque::new(),
            links: BTreeMap::new(),
            connecting: BTreeMap::new(),
            received: BTreeMap::new(),
            streams: BTreeMap::new(),
            counts: Counts::default(),
        };
        (1..=VOTERS).for_each(|sid| ensemble.start(Sid(sid)));
        ensemble
    }

    fn server(&mut self, sid: Sid) -> &mut Server {
        self.servers.get_mut(&sid).expect("a known server")
    }

    fn member(&mut self, sid: Sid) -> &mut Member {
        self.server(sid).member.as_mut().expect("it runs")
    }

    fn start(&mut self, sid: Sid) {
        let layout = self.layout;
        let server = self.server(sid);
        let started = Member::start(settings(sid), &server.disk, layout, log_options());
        server.member = Some(started.unwrap_or_else(|error| panic!("{sid:?}: {error}")));
        self.inputs.push_back((sid, Input::Start));
    }

    /// Some of what was queued may be written; the page cache goes.
    fn crash(&mut self, sid: Sid) {
        let some = self.random.random_range(0..4);
        let crash = match self.random.random_range(0..3) {
            0 => Crash::Kill,
            1 => Crash::Power,
            _ => Crash::Torn {
                seed: self.random.random(),
            },
        };
        let loses_packets: bool = self.random.random();
        let server = self.server(sid);
        let Some(mut member) = server.member.take() else {
            return;
        };
        member.write(some).expect("the disk is whole");
        server.disk = server.disk.crash(crash);
        (server.leads, server.serves) = (false, false);
        self.connecting.remove(&sid);
        self.counts.crashes += 1;
        self.inputs.retain(|(to, _)| *to != sid);
        for (link, (learner, leader)) in self.links.clone() {
            if learner == sid || leader == sid {
                self.links.remove(&link);
                let is_of_link =
                    |input: &Input| matches!(input, Input::ToLearner(of, _) if *of == link);
                self.inputs
                    .retain(|(_, input)| !loses_packets || !is_of_link(input));
                let other = if learner == sid { leader } else { learner };
                self.inputs.push_back((other, Input::LinkDown(link)));
            }
        }
    }

    /// Goes on until nothing is to be done, and then for so long.
    fn run(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        loop {
            self.deliver_all();
            if self.now_ms >= until {
                return;
            }
            self.now_ms += 10;
            self.try_connecting();
            for sid in self.running() {
                let now_ms = self.now_ms;
                if self
                    .member(sid)
                    .peer
                    .deadline()
                    .is_some_and(|at| at <= now_ms)
                {
                    self.inputs.push_back((sid, Input::Timeout));
                }
            }
        }
    }

    fn running(&self) -> Vec<Sid> {
        let servers = self.servers.iter();
        let running = servers.filter(|(_, server)| server.member.is_some());
        running.map(|(sid, _)| *sid).collect()
    }

    fn deliver_all(&mut self) {
        loop {
            while let Some((to, input)) = self.inputs.pop_front() {
                self.give(to, input);
            }
            for sid in self.running() {
                let most = self.random.random_range(1..8);
                let member = self.member(sid);
                if member.has_queued() {
                    let done = member.write(most).expect("the disk is whole");
                    self.inputs.extend(done.map(|done| (sid, done)));
                }
            }
            if self.inputs.is_empty() {
                return;
            }
        }
    }

    fn give(&mut self, to: Sid, input: Input) {
        let now_ms = self.now_ms;
        let Some(member) = &mut self.server(to).member else {
            return;
        };
        let mut outputs = Vec::new();
        member.peer.handle(now_ms, input, &mut outputs);
        for output in outputs {
            self.carry_out(to, output);
        }
    }

    fn carry_out(&mut self, sid: Sid, output: Output) {
        match output {
            Output::Disk(ticket, op) => {
                let received = match op {
                    quorum::DiskOp::InstallSnapshot(_) => self.received.remove(&sid),
                    _ => None,
                };
                self.member(sid).queue(ticket, op, received);
            }
            Output::Apply { up_to } => self.member(sid).apply(up_to),
            Output::UseSnapshot(_) => self.member(sid).use_snapshot(),
            Output::Reload(_) => {
                self.counts.reloads += 1;
                let last = self.member(sid).reload().expect("the log was cut");
                self.inputs.push_front((sid, Input::Reloaded(last)));
            }
            Output::Vote(to, vote) => match self.server(to).member {
                Some(_) => self.inputs.push_back((to, Input::Vote(sid, vote))),
                None => self.inputs.push_back((sid, Input::VoterRefused(to))),
            },
            Output::Become(state) => {
                self.server(sid).leads = state == PeerState::Leading;
                self.connecting.remove(&sid);
            }
            Output::Connect(to) => {
                self.connecting.insert(sid, (to, self.now_ms, TRIES));
            }
            Output::ToLeader(link, packet) => self.tell_leader(link, packet),
            Output::ToLearner(link, packet) => self.tell_learner(link, packet),
            Output::Pong(link, zxid) => {
                let touched = Vec::new();
                self.tell_leader(link, ToLeader::Ping { zxid, touched });
            }
            Output::TakeSnapshot(link) => {
                self.inputs.push_front((sid, Input::SnapshotReady(link)));
            }
            Output::StreamSnapshot { link, zxid } => {
                let pieces = self.member(sid).stream();
                self.streams.insert(link, (zxid, pieces));
            }
            Output::ReadLog { link, after, up_to } => {
                let log = self.member(sid).read_log(after, up_to, u64::MAX);
                let log = log.expect("the disk is whole");
                self.inputs.push_back((sid, Input::LogRead { link, log }));
            }
            Output::Close(link) | Output::Drop(link, _) => self.close(sid, link),
            Output::Serve(state, epoch) => {
                self.server(sid).serves = true;
                if state == PeerState::Leading {
                    let member = self.member(sid);
                    let sessions = sim::server::sessions_of(member.tree());
                    member.lead(epoch, sessions);
                }
            }
            Output::StopServing => self.server(sid).serves = false,
            Output::UnmatchedCommit(zxid) => panic!("{sid:?}: commit of {zxid} out of order"),
            Output::Left(_)
            | Output::Request(..)
            | Output::Revalidate { .. }
            | Output::Touched(_)
            | Output::Revalidated { .. }
            | Output::SyncDone => {}
        }
    }

    /// A leader may hear a moment later than its followers that it is one.
    fn try_connecting(&mut self) {
        for (from, (to, at_ms, tries)) in self.connecting.clone() {
            if at_ms > self.now_ms {
                continue;
            }
            self.connecting.remove(&from);
            let leader = self.server(to);
            match (leader.member.is_some() && leader.leads, tries) {
                (true, _) => self.connect(from, to),
                (false, 0) => self.inputs.push_back((from, Input::Unreachable)),
                (false, _) => {
                    let next = (to, self.now_ms + PAUSE_MS, tries - 1);
                    self.connecting.insert(from, next);
                }
            }
        }
    }

    fn connect(&mut self, from: Sid, to: Sid) {
        let link = LinkId(self.random.random());
        self.links.insert(link, (from, to));
        self.inputs.push_back((to, Input::Accepted(link)));
        self.inputs.push_back((from, Input::Connected(link)));
    }

    fn tell_leader(&mut self, link: LinkId, packet: ToLeader) {
        if let Some((_, leader)) = self.links.get(&link) {
            self.inputs
                .push_back((*leader, Input::ToLeader(link, packet)));
        }
    }

    fn tell_learner(&mut self, link: LinkId, packet: ToLearner) {
        let Some(&(learner, _)) = self.links.get(&link) else {
            return;
        };
        match packet {
            ToLearner::Diff(_) => self.counts.diffs += 1,
            ToLearner::Trunc(_) => self.counts.truncs += 1,
            ToLearner::Snap(_) => self.counts.snaps += 1,
            _ => {}
        }
        // The stream was put behind SNAP, in front of what follows.
        if let Some((zxid, pieces)) = self.streams.remove(&link) {
            let tree = Member::receive(&pieces, zxid).expect("a whole snapshot");
            self.received.insert(learner, tree);
            self.inputs
                .push_back((learner, Input::SnapshotReceived(link)));
        }
        self.inputs
            .push_back((learner, Input::ToLearner(link, packet)));
    }

    fn close(&mut self, sid: Sid, link: LinkId) {
        if let Some((learner, leader)) = self.links.remove(&link) {
            let other = if learner == sid { leader } else { learner };
            self.inputs.push_back((other, Input::LinkDown(link)));
        }
    }

    /// The leader takes some requests, and not all of them get to their end.
    fn write(&mut self, count: usize) {
        let leads = |server: &Server| server.leads && server.serves;
        let leader = self.servers.iter().find(|(_, server)| leads(server));
        let Some(leader) = leader.map(|(sid, _)| *sid) else {
            return;
        };
        for _ in 0..count {
            let server = self.servers.get_mut(&leader).expect("a known server");
            let Some(member) = server.member.as_mut().filter(|_| server.leads) else {
                return;
            };
            let mut sessions: Vec<_> = member.tree().sessions().keys().copied().collect();
            sessions.retain(|id| member.processor.sessions.is_alive(*id));
            sessions.sort_unstable();
            let event = self.script.next(member.tree(), &sessions);
            if let Some(proposal) = member.propose(&event) {
                self.counts.txns += 1;
                self.give(leader, proposal);
            }
        }
    }

    /// Snapshots of some servers, at moments of their own.
    fn take_snapshots(&mut self) {
        for sid in self.running() {
            if self.random.random_range(0..4) == 0 && self.server(sid).serves {
                self.member(sid).snapshot().expect("the disk is whole");
            }
        }
    }

    fn check_agreement(&mut self) {
        let trees = self.servers.values().map(|server| {
            assert!(server.serves, "a server does not serve");
            let tree = server.member.as_ref().expect("all run").tree();
            assert_eq!(tree.digest_mismatches(), 0);
            (tree.digest(), tree.node_count(), tree.sessions().clone())
        });
        let trees: Vec<_> = trees.collect();
        assert!(trees.windows(2).all(|two| two[0] == two[1]), "trees differ");
    }
}

fn run(seed: u64) -> Counts {
    let mut ensemble = Ensemble::new(seed);
    ensemble.run(1_000);
    for _ in 0..8 {
        let victim = Sid(ensemble.random.random_range(1..=VOTERS));
        let second = Sid(ensemble.random.random_range(1..=VOTERS));
        let both = ensemble.random.random_range(0..3) == 0;
        ensemble.write(20);
        if ensemble.random.random_range(0..2) == 0 {
            ensemble.run(0);
        }
        ensemble.crash(victim);
        ensemble.run(2_000);
        // Without a write the new epoch is empty, and what the old leader alone has is cut.
        if ensemble.random.random() {
            ensemble.write(30);
        }
        if both {
            ensemble.crash(second);
        }
        ensemble.run(500);
        ensemble.take_snapshots();
        for sid in (1..=VOTERS).map(Sid) {
            if ensemble.server(sid).member.is_none() {
                ensemble.start(sid);
            }
        }
        ensemble.run(3_000);
        ensemble.check_agreement();
    }
    ensemble.counts
}

#[test]
fn members_that_go_down_and_come_back_end_with_one_tree() {
    let mut all = Counts::default();
    let seeds = std::env::var("SEEDS").map_or(40, |seeds| seeds.parse().expect("a number"));
    for seed in 0..seeds {
        let ran = std::panic::catch_unwind(|| run(seed));
        let counts = ran.unwrap_or_else(|_| panic!("seed {seed} fails"));
        all.diffs += counts.diffs;
        all.truncs += counts.truncs;
        all.snaps += counts.snaps;
        all.reloads += counts.reloads;
        all.crashes += counts.crashes;
        all.txns += counts.txns;
    }
    eprintln!("{all:?}");
    assert!(all.diffs > 0 && all.truncs > 0 && all.snaps > 0 && all.txns > 1000);
}
