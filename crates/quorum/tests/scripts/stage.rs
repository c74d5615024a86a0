//! The commands of a script, and the servers that they are given to. Nothing happens that no command asks for.
//!
//! | command | |
//! | --- | --- |
//! | `servers N [observers=M] [committed-log=K] [force-snapshot]` | voters 1 to N, then observers; first of all |
//! | `disk S [accepted=E] [current=E] [log=1.1-1.3,2.1] [snapshot=1.2]` | what the next start of a server finds |
//! | `start S...` | starts servers |
//! | `elect S...` | these servers hear each other's votes, and time goes on, until none of them is looking; votes are not shown |
//! | `connect S...` | the links that servers wait for are made |
//! | `deliver S [from=T] [N]` | the next N packets for a server, or all that are under way now |
//! | `fsync S [N]` | the next N operations of the server's disk, or all that are queued now |
//! | `settle S...` | delivers and fsyncs for these servers until nothing is left to do |
//! | `propose S [N]` | clients of a leader or follower write |
//! | `say T S PROPOSAL Z` | a packet that server T would not send to server S is put on their link |
//! | `snapshot S [purge]` | the server writes a snapshot, and removes the log in front of it |
//! | `reset S T` | the link between two servers breaks; what was under way is lost |
//! | `crash S [written=N]` | ends a server; the first N operations of its disk's queue were done |
//! | `tick S` | time goes on to the server's deadline |
//! | `show S...` | role, tree and disk |
//! | `quietly COMMAND` | shows only who serves, and who leaves |

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use proto::{Epoch, OpCode, SessionId, Sid};
use quorum::election::PeerState;
use quorum::packet::{Forwarded, ToLeader, ToLearner};
use quorum::{CommittedLogLimits, Input, LinkId, Output, Settings};

use crate::model::net::{Message, Net};
use crate::model::node::Node;
use crate::model::settings::settings;
use crate::words;

#[derive(Default)]
pub struct Stage {
    now_ms: u64,
    nodes: BTreeMap<Sid, Node>,
    net: Net,
    /// Votes under way: the newest of each pair is in the node.
    votes: VecDeque<(Sid, Sid)>,
    /// Who waits for a link to whom.
    connecting: BTreeMap<Sid, Sid>,
    said: Vec<String>,
    is_quiet: bool,
}

/// The words behind a command: `key=value`, numbers and names.
struct Words<'a>(Vec<&'a str>);

impl<'a> Words<'a> {
    fn value(&self, key: &str) -> Option<&'a str> {
        let pairs = self.0.iter().filter_map(|word| word.split_once('='));
        pairs
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| value)
            .next()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.value(key)
            .map(|value| value.parse().expect("a number"))
    }

    fn has(&self, flag: &str) -> bool {
        self.0.contains(&flag)
    }

    fn numbers(&self) -> Vec<i64> {
        self.0.iter().filter_map(|word| word.parse().ok()).collect()
    }

    fn sids(&self) -> Vec<Sid> {
        self.numbers().into_iter().map(Sid).collect()
    }

    fn sid(&self) -> Sid {
        *self.sids().first().expect("a server")
    }

    /// The number behind the server.
    fn count(&self) -> Option<usize> {
        self.numbers()
            .get(1)
            .map(|count| usize::try_from(*count).expect("a count"))
    }
}

impl Stage {
    /// Carries out one line; returns what the servers emitted.
    pub fn command(&mut self, line: &str) -> Vec<String> {
        let (quietly, line) = match line.strip_prefix("quietly ") {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let mut parts = line.split_whitespace();
        let name = parts.next().unwrap_or_default();
        let words = Words(parts.collect());
        self.is_quiet = quietly;
        self.carry_out_command(name, &words);
        std::mem::take(&mut self.said)
    }

    fn carry_out_command(&mut self, name: &str, words: &Words<'_>) {
        match name {
            "servers" => self.servers(words),
            "disk" => self.disk(words),
            "start" => words.sids().into_iter().for_each(|sid| self.start(sid)),
            "elect" => self.elect(&words.sids()),
            "connect" => words.sids().into_iter().for_each(|sid| self.connect(sid)),
            "deliver" => self.deliver(words.sid(), words.number("from").map(Sid), words.count()),
            "fsync" => self.fsync(words.sid(), words.count()),
            "settle" => self.settle(&words.sids()),
            "propose" => self.propose(words.sid(), words.count().unwrap_or(1)),
            "say" => self.say_packet(words),
            "snapshot" => self.snapshot(words.sid(), words.has("purge")),
            "reset" => self.reset(words.sids()[0], words.sids()[1]),
            "crash" => self.crash(words.sid(), words.number("written").unwrap_or(0)),
            "tick" => self.tick(words.sid()),
            "show" => words.sids().into_iter().for_each(|sid| self.show(sid)),
            other => panic!("there is no command {other}"),
        }
    }

    fn servers(&mut self, words: &Words<'_>) {
        let voters = words.sid().0;
        let observers = words.number("observers").unwrap_or(0);
        for sid in 1..=voters + observers {
            self.nodes
                .insert(Sid(sid), Node::new(settings_of(sid, voters, words)));
        }
    }

    fn disk(&mut self, words: &Words<'_>) {
        let files = &mut self.node(words.sid()).disk.files;
        files.accepted_epoch = Epoch(words.number("accepted").unwrap_or(0));
        files.current_epoch = Epoch(words.number("current").unwrap_or(0));
        files.log = words
            .value("log")
            .map(words::parse_txns)
            .unwrap_or_default();
        if let Some(to) = words.value("snapshot").map(words::parse_zxid) {
            let tree = files.log.iter().filter(|txn| txn.zxid <= to);
            files.snapshot = (to, tree.cloned().collect());
        }
    }

    fn start(&mut self, sid: Sid) {
        self.node(sid).start();
        self.input(sid, Input::Start);
        let others = self.nodes.iter().filter(|(_, node)| node.process.is_some());
        let again = others.filter(|(_, node)| node.votes.contains_key(&sid));
        let again: Vec<(Sid, Sid)> = again.map(|(from, _)| (*from, sid)).collect();
        self.votes.extend(again);
    }

    fn elect(&mut self, sids: &[Sid]) {
        let give_up_ms = self.now_ms + 60_000;
        while sids.iter().any(|sid| self.is_looking(*sid)) {
            assert!(self.now_ms < give_up_ms, "{sids:?} elect nobody");
            let heard = |(from, to): &(Sid, Sid)| sids.contains(from) && sids.contains(to);
            match self
                .votes
                .iter()
                .position(heard)
                .and_then(|at| self.votes.remove(at))
            {
                Some((from, to)) => {
                    let vote = self.nodes[&from].votes[&to].clone();
                    self.input(to, Input::Vote(from, vote));
                }
                None => {
                    let looking = sids.iter().filter(|sid| self.is_looking(**sid));
                    let first = looking.min_by_key(|sid| self.deadline(**sid));
                    self.tick(*first.expect("one is looking"));
                }
            }
        }
    }

    fn is_looking(&self, sid: Sid) -> bool {
        let process = self.nodes[&sid].process.as_ref();
        process.is_some_and(|process| process.state == PeerState::Looking)
    }

    fn connect(&mut self, learner: Sid) {
        let leader = self
            .connecting
            .remove(&learner)
            .expect("it waits for a link");
        let ends = [learner, leader].map(|sid| (sid, self.nodes[&sid].incarnation));
        let link = self.net.open(ends[0], ends[1]);
        self.input(leader, Input::Accepted(link));
        self.input(learner, Input::Connected(link));
    }

    /// Returns whether something was delivered.
    fn deliver(&mut self, to: Sid, from: Option<Sid>, count: Option<usize>) {
        let mut left = count.unwrap_or(usize::MAX);
        for (link, is_to_leader) in self.links_to(to, from) {
            let queue = self
                .net
                .links
                .get_mut(&link)
                .expect("an open link")
                .queue(is_to_leader);
            for _ in 0..queue.len().min(left) {
                left -= 1;
                self.deliver_next(to, link, is_to_leader);
            }
        }
        assert!(
            count.is_none() || left == 0,
            "there are {left} packets less for {}",
            to.0
        );
    }

    fn deliver_next(&mut self, to: Sid, link: LinkId, is_to_leader: bool) {
        let open = self.net.links.get_mut(&link).expect("an open link");
        let Some(message) = open.queue(is_to_leader).pop_front() else {
            return; // it was closed meanwhile
        };
        let (from, _) = open.ends(is_to_leader);
        self.say(to, &format!("<- {} {}", from.0.0, words::message(&message)));
        let input = match message {
            Message::ToLeader(packet) => Input::ToLeader(link, packet),
            Message::ToLearner(packet) => Input::ToLearner(link, packet),
            Message::Snapshot(tree) => {
                self.node(to).process().received = tree;
                Input::SnapshotReceived(link)
            }
            Message::Closed => Input::LinkDown(link),
        };
        self.input(to, input);
    }

    /// The links on which this process hears, the oldest first, and the direction.
    fn links_to(&self, to: Sid, from: Option<Sid>) -> Vec<(LinkId, bool)> {
        let process = (to, self.nodes[&to].incarnation);
        let mut links = Vec::new();
        for (link, open) in &self.net.links {
            for is_to_leader in [true, false] {
                let (sender, receiver) = open.ends(is_to_leader);
                if receiver == process && from.is_none_or(|from| sender.0 == from) {
                    links.push((*link, is_to_leader));
                }
            }
        }
        links
    }

    fn fsync(&mut self, sid: Sid, count: Option<usize>) {
        let node = self.node(sid);
        let count = count.unwrap_or(node.disk.queued());
        if let Some(done) = node.disk.write(count) {
            self.say(sid, &words::written(&done));
            self.input(sid, done);
        }
    }

    fn settle(&mut self, sids: &[Sid]) {
        while sids.iter().any(|sid| self.has_work(*sid)) {
            for sid in sids {
                self.deliver(*sid, None, None);
                self.fsync(*sid, None);
            }
        }
    }

    fn has_work(&mut self, sid: Sid) -> bool {
        let mut links = self.links_to(sid, None).into_iter();
        self.nodes[&sid].disk.queued() > 0
            || links.any(|(link, is_to_leader)| {
                let open = self.net.links.get_mut(&link).expect("an open link");
                !open.queue(is_to_leader).is_empty()
            })
    }

    fn propose(&mut self, sid: Sid, count: usize) {
        for _ in 0..count {
            let process = self.node(sid).process();
            let input = if process.leads() {
                let zxid = process.next_zxid();
                let record = words::txn(zxid).record;
                Input::Propose { zxid, record }
            } else {
                Input::Forward(Forwarded {
                    session: SessionId(sid.0),
                    cxid: 1,
                    op: OpCode::SET_DATA,
                    body: Bytes::from_static(b"forwarded"),
                    identities: Vec::new(),
                })
            };
            self.input(sid, input);
        }
    }

    fn say_packet(&mut self, words: &Words<'_>) {
        let [leader, learner] = words.sids()[..] else {
            panic!("say T S PACKET ZXID");
        };
        assert!(words.has("PROPOSAL"), "no script has needed another packet");
        let zxid = words::parse_zxid(words.0.last().expect("a zxid"));
        let record = words::txn(zxid).record;
        let (link, _) = *self.links_to(learner, Some(leader)).last().expect("a link");
        self.send(
            link,
            leader,
            Message::ToLearner(ToLearner::Proposal { zxid, record }),
        );
    }

    fn snapshot(&mut self, sid: Sid, purge: bool) {
        let node = self.node(sid);
        let process = node.process.as_ref().expect("it runs");
        let (zxid, tree) = (process.tree_zxid, process.tree.clone());
        node.disk.files.snapshot(zxid, tree, purge);
        self.show(sid);
    }

    fn reset(&mut self, one: Sid, other: Sid) {
        for (link, is_to_leader) in self.links_to(one, Some(other)) {
            let open = self.net.links.remove(&link).expect("an open link");
            let (from, to) = open.ends(is_to_leader);
            for (sid, incarnation) in [from, to] {
                let node = &self.nodes[&sid];
                if node.process.is_some() && node.incarnation == incarnation {
                    self.input(sid, Input::LinkDown(link));
                }
            }
        }
    }

    fn crash(&mut self, sid: Sid, written: i64) {
        for (link, is_to_leader) in self.links_to(sid, None) {
            let open = self.net.links.get_mut(&link).expect("an open link");
            open.queue(!is_to_leader).push_back(Message::Closed);
        }
        let node = self.node(sid);
        node.process = None;
        node.disk.crash(usize::try_from(written).expect("a count"));
        self.connecting.remove(&sid);
        self.votes.retain(|(from, to)| *from != sid && *to != sid);
        self.show(sid);
    }

    fn deadline(&self, sid: Sid) -> u64 {
        let process = self.nodes[&sid].process.as_ref().expect("it runs");
        process.peer.deadline().expect("it waits")
    }

    fn tick(&mut self, sid: Sid) {
        self.now_ms = self.now_ms.max(self.deadline(sid));
        self.input(sid, Input::Timeout);
    }

    fn show(&mut self, sid: Sid) {
        let node = &self.nodes[&sid];
        let lines = [words::tree(node), words::disk(node)];
        for line in lines {
            self.said.push(format!("{} {line}", sid.0));
        }
    }

    fn node(&mut self, sid: Sid) -> &mut Node {
        self.nodes.get_mut(&sid).expect("a server of this script")
    }

    fn say(&mut self, sid: Sid, what: &str) {
        if !self.is_quiet {
            self.said.push(format!("{} {what}", sid.0));
        }
    }

    /// Gives an input, and carries out what is said, before the next input.
    fn input(&mut self, sid: Sid, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now_ms = self.now_ms;
            let mut outputs = Vec::new();
            self.node(sid)
                .process()
                .peer
                .handle(now_ms, input, &mut outputs);
            for output in outputs {
                inputs.extend(self.carry_out(sid, output));
            }
        }
    }

    fn carry_out(&mut self, sid: Sid, output: Output) -> Option<Input> {
        self.say_output(sid, &output);
        let node = self.node(sid);
        match output {
            Output::Disk(ticket, op) => node.queue(ticket, op),
            Output::Apply { up_to } => drop(node.process().apply(up_to)),
            Output::UseSnapshot(zxid) => node.process().use_snapshot(zxid),
            Output::Reload(to) => return Some(Input::Reloaded(node.reload(to))),
            Output::Become(state) => node.process().state = state,
            Output::Serve(state, epoch) => node.process().serve(state, epoch),
            Output::StopServing => node.process().stop_serving(),
            Output::Connect(leader) => drop(self.connecting.insert(sid, leader)),
            Output::Vote(to, vote) => {
                node.votes.insert(to, vote);
                self.votes.push_back((sid, to));
            }
            Output::ToLeader(link, packet) => self.send(link, sid, Message::ToLeader(packet)),
            Output::ToLearner(link, packet) => self.send(link, sid, Message::ToLearner(packet)),
            Output::Pong(link, zxid) => {
                let touched = Vec::new();
                self.send(
                    link,
                    sid,
                    Message::ToLeader(ToLeader::Ping { zxid, touched }),
                );
            }
            Output::StreamSnapshot { link, zxid } => {
                let tree = node.process().stream(zxid);
                self.send(link, sid, Message::Snapshot(tree));
            }
            Output::Close(link) | Output::Drop(link, _) => self.send(link, sid, Message::Closed),
            Output::TakeSnapshot(link) => return Some(Input::SnapshotReady(link)),
            Output::ReadLog { link, after, up_to } => {
                let log = node.read_log(after, up_to);
                return Some(Input::LogRead { link, log });
            }
            Output::Request(_, request) => {
                let zxid = node.process().next_zxid();
                let record = request.body;
                return Some(Input::Propose { zxid, record });
            }
            Output::Left(_) | Output::UnmatchedCommit(_) => {}
            Output::Revalidate { .. }
            | Output::Revalidated { .. }
            | Output::Touched(_)
            | Output::SyncDone => {}
        }
        None
    }

    /// Packets are shown where they are sent; votes are not.
    fn say_output(&mut self, sid: Sid, output: &Output) {
        match output {
            Output::Vote(..)
            | Output::ToLeader(..)
            | Output::ToLearner(..)
            | Output::Pong(..)
            | Output::StreamSnapshot { .. }
            | Output::Close(_)
            | Output::TakeSnapshot(_)
            | Output::ReadLog { .. }
            | Output::Request(..) => {}
            Output::Serve(..) | Output::StopServing | Output::Left(_) | Output::Drop(..) => {
                self.said
                    .push(format!("{} {}", sid.0, words::output(output)));
            }
            output => self.say(sid, &words::output(output)),
        }
    }

    fn send(&mut self, link: LinkId, from: Sid, message: Message) {
        let Some(open) = self.net.links.get_mut(&link) else {
            return; // it was reset
        };
        let is_to_leader = open.learner.0 == from;
        let (_, to) = open.ends(is_to_leader);
        let words = words::message(&message);
        open.queue(is_to_leader).push_back(message);
        self.say(from, &format!("-> {} {words}", to.0.0));
    }
}

fn settings_of(sid: i64, voters: i64, words: &Words<'_>) -> Settings {
    let kept = words.number("committed-log").unwrap_or(500);
    Settings {
        committed_log: CommittedLogLimits {
            txns: usize::try_from(kept).expect("a count"),
            bytes: 1 << 20,
        },
        force_snapshot: words.has("force-snapshot"),
        resends: Default::default(),
        waits: Default::default(),
        ..settings(sid, voters)
    }
}
