//! The role's inputs and outputs.

use quorum::packet::ToLearner;
use quorum::{DiskOp, Input, Leave, LinkId, Output, Ticket};

use super::sockets::brings_in_sync;
use super::{Replica, Stuck, advice};
use crate::clock;
use crate::disk::Item;
use crate::limits;

impl Replica {
    /// Gives the role an input, and sees to what it wants done. What that leads to is its next input.
    pub(super) fn drive(&mut self, input: Input) {
        self.inputs.push_back(input);
        if self.is_driving {
            return;
        }
        self.is_driving = true;
        while let Some(input) = self.inputs.pop_front() {
            let mut outputs = std::mem::take(&mut self.outputs);
            let now_ms = clock::monotonic_ms().unsigned_abs();
            self.peer.handle(now_ms, input, &mut outputs);
            for output in outputs.drain(..) {
                self.carry_out(output);
            }
            self.outputs = outputs;
        }
        self.is_driving = false;
    }

    /// Txns that are committed are applied together, behind all that came with them: a leader commits one by one.
    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Apply { up_to } => self.committed = Some(up_to),
            Output::Disk(ticket, op) => self.write(ticket, op),
            Output::ToLeader(link, packet) => {
                self.measure_to_leader(&packet);
                self.send(Output::ToLeader(link, packet));
            }
            Output::ToLearner(link, packet) => self.tell_learner(link, packet),
            output => {
                self.apply_committed();
                self.change(output);
            }
        }
    }

    /// What finds all applied that is committed.
    fn change(&mut self, output: Output) {
        match output {
            Output::Become(state) => self.become_state(state),
            Output::Left(leave) => {
                if leave == Leave::VoterLooks {
                    let metrics = &self.server.metrics;
                    metrics.quit_leading_due_to_disloyal_voter.add(1);
                }
                tracing::warn!("leaves its role: {leave}{}", advice::on_leaving(&leave));
            }
            Output::Serve(state, epoch) => self.serve(state, epoch),
            Output::StopServing => self.stop_serving(),
            Output::UnmatchedCommit(zxid) => self.failed = Some(Stuck::UnmatchedCommit(zxid)),
            Output::UseSnapshot(zxid) => self.use_snapshot(zxid),
            Output::Reload(zxid) => self.reload(zxid),
            Output::Pong(link, zxid) => self.pong(link, zxid),
            Output::Revalidated { session, valid } => self.revalidated(session, valid),
            Output::SyncDone => self.sync_done(),
            Output::TakeSnapshot(link) => self.snapshots.ask(link),
            Output::StreamSnapshot { link, zxid } => self.stream_snapshot(link, zxid),
            Output::ReadLog { link, after, up_to } => self.read_log(link, after, up_to),
            Output::Request(link, request) => self.request_of_learner(link, request),
            Output::Revalidate {
                link,
                session,
                timeout_ms,
            } => self.revalidate(link, session, timeout_ms),
            Output::Touched(sessions) => self.touched(&sessions),
            output => self.send(output),
        }
    }

    /// What only moves bytes.
    fn send(&mut self, output: Output) {
        let Some(sockets) = &mut self.sockets else {
            unreachable!("a server on its own wants {output:?}");
        };
        match output {
            Output::Vote(to, notification) => sockets.vote(to, &notification),
            Output::Connect(leader) => {
                self.server.standing.lock().follows(leader);
                sockets.connect(leader);
            }
            Output::ToLeader(link, packet) => sockets.tell_leader(link, packet),
            Output::Close(link) => sockets.close(link),
            Output::Drop(link, violation) => {
                let advice = advice::on_violation(&violation);
                tracing::warn!("link {} is dropped: {violation}{advice}", link.0);
                sockets.close(link);
            }
            other => unreachable!("{other:?} is seen to elsewhere"),
        }
    }

    fn tell_learner(&mut self, link: LinkId, packet: ToLearner) {
        if let Some(zxid) = brings_in_sync(&packet) {
            let way = packet.name();
            tracing::info!(
                "link {}: a learner is brought in sync with {way} {zxid}",
                link.0
            );
            self.measure_begin_of_sync(link, &packet);
        }
        let sockets = self.sockets.as_mut().expect("a member");
        if let Some(pushed) = sockets.tell_learner(link, packet) {
            self.measure_to_learner(link, pushed);
        }
    }

    /// One round's operations go to the disk together, to share an fsync; but a long round must not
    /// leave the disk without work.
    fn write(&mut self, ticket: Ticket, op: DiskOp) {
        match &op {
            DiskOp::Append { zxid, record } => {
                self.logged(*zxid, record.clone());
                self.measure_append(ticket, *zxid);
            }
            DiskOp::Truncate(zxid) => self.cut_tail(*zxid),
            DiskOp::InstallSnapshot(_) => return self.install(ticket),
            DiskOp::AcceptedEpoch(_) | DiskOp::CurrentEpoch(_) => {}
        }
        if matches!(op, DiskOp::Truncate(_)) {
            self.snapshots.bar(ticket);
        }
        self.for_disk
            .push(Item::Op(ticket, op, self.measured.now_ms));
        if self.for_disk.len() >= limits::MAX_DISK_BATCH {
            self.disk.push_all(&mut self.for_disk);
        }
    }

    /// The leader's snapshot takes the place of all that is there.
    fn install(&mut self, ticket: Ticket) {
        let tree = self.received.take().expect("a snapshot came");
        self.tail.clear();
        self.snapshots.bar(ticket);
        self.for_disk.push(Item::Install(ticket, tree));
    }
}
