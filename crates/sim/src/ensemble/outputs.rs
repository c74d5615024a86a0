//! What a peer wants done is done, before it hears of anything else; or its process dies in front of it.

use std::collections::VecDeque;

use proto::{Epoch, Sid};
use quorum::election::PeerState;
use quorum::packet::ToLeader;
use quorum::{DiskOp, Input, Leave, LinkId, Output, Ticket, Violation};

use super::frame::Who;
use super::network::Message;
use super::process::{Effects, Note, Process};
use super::steps::{Operation, Place, STEPS};
use super::world::{Event, World};
use crate::Struck;
use crate::member::Failure;

impl World {
    /// Gives a peer an input.
    pub fn input(&mut self, who: Who, input: Input) {
        let effects = Effects {
            inputs: [input].into(),
            ..Effects::default()
        };
        self.drive(who, effects);
    }

    /// Gives a peer inputs until there are none, and carries out what it says to each before the next.
    pub fn drive(&mut self, who: Who, effects: Effects) {
        let mut inputs = VecDeque::new();
        self.spread(who, effects, &mut inputs);
        loop {
            while let Some(input) = inputs.pop_front() {
                if !self.handle(who, input, &mut inputs) {
                    return;
                }
            }
            let now_ms = self.local_ms(who.0);
            let mut effects = Effects::default();
            self.process(who).expire(now_ms, &mut effects);
            if effects.inputs.is_empty() {
                break;
            }
            self.spread(who, effects, &mut inputs);
        }
        self.keep_disk_busy(who);
        self.set_timer(who);
    }

    /// False when the process has ended.
    fn handle(&mut self, who: Who, input: Input, inputs: &mut VecDeque<Input>) -> bool {
        if self.is_traced {
            eprintln!("{:>6} {} <- {input:?}", self.now_ms, who.0.0);
        }
        let now_ms = self.local_ms(who.0).unsigned_abs();
        let mut outputs = Vec::new();
        let peer = &mut self.process(who).member.peer;
        peer.handle(now_ms, input, &mut outputs);
        for output in outputs {
            if self.dies_before(who, &output) {
                return false;
            }
            if self.is_traced {
                eprintln!("{:>6} {} -> {output:?}", self.now_ms, who.0.0);
            }
            self.carry_out(who, output, inputs);
            if !self.is_running(who) {
                return false;
            }
        }
        true
    }

    /// Sends to clients, tells the checks, and keeps what is for the peer.
    fn spread(&mut self, who: Who, effects: Effects, inputs: &mut VecDeque<Input>) {
        for note in effects.notes {
            self.note(who, note);
        }
        for (connection, frame) in effects.to_clients {
            self.send_to_client(connection, frame);
        }
        inputs.extend(effects.inputs);
    }

    fn note(&mut self, who: Who, note: Note) {
        let now_ms = self.now_ms;
        match note {
            Note::Heard(session, timeout_ms) => {
                self.checks.sessions.heard(who, session, timeout_ms)
            }
            Note::Reached(session, timeout_ms) => {
                self.checks
                    .sessions
                    .reached(who, &[(session, timeout_ms)], now_ms);
            }
            Note::Expired(session) => {
                self.counts.expired_sessions += 1;
                self.checks.sessions.expired(who, session, now_ms);
            }
            Note::Proposed(zxid, record) => self.checks.history.proposed(zxid, record),
            Note::Applied(zxid, record, digest) => {
                let process = self.process(who);
                assert_eq!(
                    process.member.tree().digest_mismatches(),
                    0,
                    "{who:?} at {zxid}"
                );
                // A leader that does not serve yet may put its tail into the tree; that commits nothing.
                if !process.leads() || process.serving.is_some() {
                    self.checks.history.applied(who.0, zxid, &record, digest);
                }
            }
        }
    }

    /// Does something with a process, and what comes of it.
    fn with(
        &mut self,
        who: Who,
        inputs: &mut VecDeque<Input>,
        what: impl FnOnce(&mut Process, i64, &mut Effects),
    ) {
        let now_ms = self.local_ms(who.0);
        let mut effects = Effects::default();
        what(self.process(who), now_ms, &mut effects);
        self.spread(who, effects, inputs);
    }

    fn carry_out(&mut self, who: Who, output: Output, inputs: &mut VecDeque<Input>) {
        match output {
            Output::Disk(ticket, op) => self.queue(who, ticket, op),
            Output::Apply { up_to } => {
                self.with(who, inputs, |process, now_ms, effects| {
                    process.apply(now_ms, up_to, effects)
                });
            }
            Output::UseSnapshot(_) => {
                let process = self.process(who);
                process.member.use_snapshot();
                process.is_in_snap = false;
            }
            Output::Reload(_) => self.reload(who, inputs),
            Output::Vote(to, vote) => {
                self.process(who).votes.insert(to, vote);
                let delay_ms = self.delay(8);
                self.after(delay_ms, Event::Vote { from: who, to });
            }
            Output::Become(state) => self.process(who).become_state(state),
            Output::Left(leave) => {
                if self.is_calm && matches!(leave, Leave::Leader(Violation::OldEpoch { .. })) {
                    self.ahead.insert(who.0);
                }
                self.leave(who);
            }
            Output::Connect(to) => self.connect_to_leader(who, to),
            Output::ToLeader(link, packet) => self.tell_leader(who, link, packet),
            Output::ToLearner(link, packet) => self.send(link, false, Message::ToLearner(packet)),
            Output::Pong(link, zxid) => {
                let touched = self.process(who).take_touched();
                let history = &self.checks.history;
                let has_ended = |session| history.has_ended(session);
                self.checks.sessions.told(who, &touched, has_ended);
                let pong = ToLeader::Ping { zxid, touched };
                self.send(link, true, Message::ToLeader(pong));
            }
            Output::TakeSnapshot(link) => {
                let delay_ms = self.delay(20);
                self.after(delay_ms, Event::SnapshotReady(who, link));
            }
            Output::StreamSnapshot { link, .. } => self.stream(who, link),
            Output::ReadLog { link, after, up_to } => {
                let log = self.process(who).read_log(link, after, up_to);
                inputs.push_back(log.unwrap_or_else(|error| panic!("{who:?}: {error}")));
            }
            Output::Close(link) | Output::Drop(link, _) => self.close_link(who, link),
            Output::Serve(state, epoch) => self.serve(who, state, epoch),
            Output::StopServing => {
                self.checks.sessions.stopped(who);
                self.with(who, inputs, |process, _, effects| {
                    process.stop_serving(effects)
                });
            }
            Output::Request(link, request) => self.with(who, inputs, |process, now_ms, effects| {
                process.forwarded(now_ms, link, &request, effects);
            }),
            Output::Revalidate {
                link,
                session,
                timeout_ms,
            } => self.with(who, inputs, |process, now_ms, effects| {
                process.revalidate(now_ms, link, (session, timeout_ms), effects);
            }),
            Output::Touched(sessions) => {
                self.checks.sessions.reached(who, &sessions, self.now_ms);
                self.with(who, inputs, |process, now_ms, _| {
                    process.touched(now_ms, &sessions)
                });
            }
            Output::Revalidated { session, valid } => {
                self.with(who, inputs, |process, now_ms, effects| {
                    process.revalidated(now_ms, session, valid, effects);
                });
            }
            Output::SyncDone => {
                self.with(who, inputs, |process, now_ms, effects| {
                    process.sync_done(now_ms, effects)
                });
            }
            Output::UnmatchedCommit(zxid) => panic!("{who:?}: commit of {zxid} out of order"),
        }
    }

    fn queue(&mut self, who: Who, ticket: Ticket, op: DiskOp) {
        let process = self.process(who);
        if let (DiskOp::CurrentEpoch(epoch), true) = (&op, process.leads()) {
            let last = process.member.last_logged();
            self.checks.history.begins(*epoch, who.0, last);
        }
        let process = self.process(who);
        let received = match op {
            DiskOp::InstallSnapshot(_) => process.take_received(),
            _ => None,
        };
        process.member.queue(ticket, op, received);
    }

    fn reload(&mut self, who: Who, inputs: &mut VecDeque<Input>) {
        self.counts.reloads += 1;
        match self.process(who).member.reload() {
            Ok(last) => inputs.push_back(Input::Reloaded(last)),
            Err(error) => self.disk_struck(who, &error, None),
        }
    }

    fn leave(&mut self, who: Who) {
        let process = self.process(who);
        let deposed = process.leads() && process.member.has_tail();
        self.counts.deposed_with_tail += u64::from(deposed);
    }

    fn tell_leader(&mut self, who: Who, link: LinkId, packet: ToLeader) {
        if matches!(packet, ToLeader::Ack(zxid) if zxid.is_beginning()) {
            self.process(who).new_leader_acked();
        }
        self.send(link, true, Message::ToLeader(packet));
    }

    fn stream(&mut self, who: Who, link: LinkId) {
        let mut pieces = VecDeque::from(self.process(who).member.stream());
        while let Some(piece) = pieces.pop_front() {
            self.send(link, false, Message::Piece(piece, pieces.is_empty()));
        }
    }

    fn serve(&mut self, who: Who, state: PeerState, epoch: Epoch) {
        let (local_ms, now_ms) = (self.local_ms(who.0), self.now_ms);
        let tree = self.process(who).member.tree();
        assert_eq!(tree.digest_mismatches(), 0, "{who:?} serves");
        let (last, digest) = (tree.last_zxid(), tree.digest());
        let sessions: Vec<_> = tree.sessions().iter().map(|(id, ms)| (*id, *ms)).collect();
        let leads = state == PeerState::Leading;
        self.checks
            .history
            .serves(who.0, leads, epoch, last, digest);
        if leads {
            self.counts.elections += 1;
            self.checks.sessions.reached(who, &sessions, now_ms);
        }
        self.process(who).serve(local_ms, state, epoch);
    }

    /// Whether a process dies in front of an output.
    fn dies_before(&mut self, who: Who, output: &Output) -> bool {
        let at = self.process(who).situation();
        let is_there = |place: &Place| matches!(place, Place::Output(is) if is(&at, output));
        if self.dies_at(who, is_there) {
            return true;
        }
        let node = self.node(who.0);
        let Some(left) = &mut node.dies_in_outputs else {
            return false;
        };
        if *left > 0 {
            *left -= 1;
            return false;
        }
        self.counts.crashes_at_an_output += 1;
        let passed = STEPS.iter().position(|step| is_there(&step.place));
        if let Some(step) = passed {
            self.counts.steps[step] += 1;
        }
        self.crash(who.0);
        true
    }

    /// Whether a process dies because it has come to a place that is doomed.
    pub fn dies_at(&mut self, who: Who, is_there: impl Fn(&Place) -> bool) -> bool {
        let Some(doom) = self.doom(is_there) else {
            return false;
        };
        self.meet_doom(doom);
        self.crash(who.0);
        true
    }

    fn doom(&self, is_there: impl Fn(&Place) -> bool) -> Option<usize> {
        let mut dooms = self.dooms.iter().copied();
        dooms.find(|step| is_there(&STEPS[*step].place))
    }

    fn meet_doom(&mut self, step: usize) {
        if self.is_traced {
            eprintln!("{:>6} crash: {}", self.now_ms, STEPS[step].name);
        }
        self.dooms.retain(|doom| *doom != step);
        self.counts.steps[step] += 1;
    }

    /// The disk has its turn.
    pub fn write_to_disk(&mut self, who: Who) {
        let at = self.process(who).situation();
        self.node(who.0).disk_is_busy = false;
        let Some(operation) = self.process(who).member.next_op().map(Operation::from) else {
            return;
        };
        if self.dies_at(
            who,
            |place| matches!(place, Place::Disk(of, is) if *of == operation && is(&at)),
        ) {
            return;
        }
        let armed = self.arm(who.0, operation);
        let most = match armed.is_some() && operation != Operation::Append {
            true => 1,
            false => 1 + self.delay(6) as usize,
        };
        match self.process(who).member.write(most) {
            Ok(done) => {
                self.disarm(who.0, armed);
                let inputs = done.into_iter().collect();
                let effects = Effects {
                    inputs,
                    ..Effects::default()
                };
                self.drive(who, effects);
            }
            Err(error) => self.disk_struck(who, &error, armed),
        }
    }

    /// Has the process die within this operation, if one of its syncs is doomed.
    pub fn arm(&mut self, sid: Sid, operation: Operation) -> Option<usize> {
        let doom = self.doom(|place| matches!(place, Place::Sync(of, ..) if *of == operation))?;
        if let Place::Sync(_, points, others) = STEPS[doom].place {
            self.nodes[&sid].disk.die_before(points, others);
        }
        Some(doom)
    }

    /// The operation did not come by.
    pub fn disarm(&mut self, sid: Sid, armed: Option<usize>) {
        if armed.is_some() {
            self.nodes[&sid].disk.spare();
        }
    }

    /// An operation did not succeed: the process ends.
    pub fn disk_struck(&mut self, who: Who, error: &Failure, armed: Option<usize>) {
        let struck = self.nodes[&who.0].disk.struck();
        let struck = struck.unwrap_or_else(|| panic!("{who:?}: {error}"));
        self.count_struck(struck, armed);
        match struck {
            Struck::Died => self.crash(who.0),
            Struck::Failed { .. } => self.lose_power(who.0),
        }
    }

    /// Counts why a process ends.
    pub fn count_struck(&mut self, struck: Struck, armed: Option<usize>) {
        match (struck, armed) {
            (Struck::Died, Some(step)) => self.meet_doom(step),
            (Struck::Died, None) => self.counts.crashes_at_the_disk += 1,
            (Struck::Failed { sync: true }, _) => self.counts.failed_fsyncs += 1,
            (Struck::Failed { sync: false }, _) => self.counts.failed_operations += 1,
        }
    }

    /// Sees to it that what is queued has its turn.
    pub fn keep_disk_busy(&mut self, who: Who) {
        let is_slow = self.delay(50) == 0;
        let delay_ms = self.delay(if is_slow { 300 } else { 10 });
        if self.process(who).member.has_queued() && !self.nodes[&who.0].disk_is_busy {
            self.node(who.0).disk_is_busy = true;
            self.after(delay_ms, Event::Disk(who));
        }
    }
}
