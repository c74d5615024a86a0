//! What a peer wants done is done, before it hears of anything else.

use std::collections::VecDeque;

use proto::{Epoch, Sid, Zxid};
use quorum::election::PeerState;
use quorum::packet::ToLeader;
use quorum::{DiskOp, Input, LinkId, Output, Ticket};

use super::{CONNECT_TRIES, Event, World};
use crate::model::net::{Message, Who};
use crate::promises;

impl World {
    /// Gives an input, and carries out what is said, before the next input.
    pub(super) fn input(&mut self, who: Who, input: Input) {
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

    pub(super) fn carry_out(&mut self, who: Who, output: Output, inputs: &mut VecDeque<Input>) {
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
                let pong = ToLeader::Ping { zxid, touched };
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
            Output::ReadLog { link, after, up_to } => {
                let log = self.nodes[&who.0].read_log(after, up_to);
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

    pub(super) fn queue(&mut self, who: Who, ticket: Ticket, op: DiskOp) {
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

    pub(super) fn check_entered(&mut self, sid: Sid) {
        for (epoch, last) in std::mem::take(&mut self.node(sid).disk.entered) {
            self.checks.entered(sid, epoch, last);
        }
    }

    pub(super) fn serve(&mut self, who: Who, state: PeerState, epoch: Epoch) {
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
    pub(super) fn check_survival(&mut self, leader: Who) {
        let process = self.process(leader);
        let leads = matches!(process.serving, Some((PeerState::Leading, _)));
        if let Some(last) = process.tree.last().filter(|_| leads).cloned() {
            let voters: Vec<_> = (1..=self.voters)
                .map(|sid| &self.nodes[&Sid(sid)].disk)
                .collect();
            promises::survives(&last, voters.into_iter());
        }
    }

    pub(super) fn apply(&mut self, who: Who, up_to: Zxid) {
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

    pub(super) fn close(&mut self, who: Who, link: LinkId) {
        if let Some(open) = self.net.links.get(&link) {
            let is_to_leader = open.learner == who;
            self.send(link, is_to_leader, Message::Closed);
        }
    }
}
