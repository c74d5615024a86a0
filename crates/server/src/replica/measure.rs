//! What the replica's thread measures of its own work. Decides nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use proto::Zxid;
use proto::records::TxnHeader;
use quorum::election::PeerState;
use quorum::packet::{ToLeader, ToLearner};
use quorum::{LinkId, Ticket};

use super::Replica;
use super::duty::Duty;
use crate::clock;
use crate::metrics::{Run, ServerMetrics, Tally};
use crate::peers::links::Pushed;

/// What it remembers for that.
#[derive(Debug)]
pub(super) struct Measured {
    /// Of clients' requests.
    pub tally: Tally,
    /// When the present input came, or the last thing was done of it; monotonic ms.
    pub now_ms: i64,
    batch: Batch,
    runs: Runs,
    /// Of this server's own txns that are measured, on their way to the disk.
    own_acks: VecDeque<(Ticket, Zxid)>,
    /// As labels have them.
    sids: HashMap<LinkId, String>,
    /// Learners that are being brought in sync: by a snapshot or not.
    syncing: HashMap<LinkId, bool>,
    /// None while clients are served, on a member.
    unavailable_since_ms: Option<i64>,
    /// When the present role began.
    role_since_ms: i64,
}

/// The txns that are applied at once.
#[derive(Clone, Copy, Debug, Default)]
struct Batch {
    /// By both clocks.
    began_ms: i64,
    began_wall_ms: i64,
    last_ms: i64,
    txns: u64,
    /// Sessions that had an answer.
    drained: u64,
    /// Their reads that went on.
    reads: u64,
}

/// What is measured of each write, until it is told.
#[derive(Debug, Default)]
struct Runs {
    queued: u64,
    changes: u64,
    queue_time: Run,
    throttle_time: Run,
    prepare_time: Run,
    propose_time: Run,
    propagation: Run,
}

impl Runs {
    fn flush(&mut self, metrics: &ServerMetrics) {
        let counters = [
            (&mut self.queued, &metrics.prep_processor_request_queued),
            (&mut self.changes, &metrics.outstanding_changes_queued),
        ];
        for (count, counter) in counters {
            if *count > 0 {
                counter.add(std::mem::take(count));
            }
        }
        for (run, summary) in [
            (&mut self.queue_time, &metrics.prep_processor_queue_time_ms),
            (
                &mut self.throttle_time,
                &metrics.request_throttle_queue_time_ms,
            ),
            (&mut self.prepare_time, &metrics.prep_process_time),
            (&mut self.propose_time, &metrics.proposal_process_time),
            (&mut self.propagation, &metrics.propagation_latency),
        ] {
            run.flush(summary);
        }
    }
}

impl Measured {
    pub fn new(now_ms: i64) -> Self {
        Measured {
            tally: Tally::default(),
            now_ms,
            runs: Runs::default(),
            batch: Batch::default(),
            own_acks: VecDeque::new(),
            sids: HashMap::new(),
            syncing: HashMap::new(),
            unavailable_since_ms: Some(now_ms),
            role_since_ms: now_ms,
        }
    }
}

/// When a txn was made, by its maker's clock: a record begins with its header.
fn made_ms(record: &[u8]) -> Option<i64> {
    const TIME_AT: usize = 20;
    let bytes = record.get(TIME_AT..)?.first_chunk()?;
    Some(i64::from_be_bytes(*bytes))
}

impl Replica {
    fn is_member(&self) -> bool {
        self.sockets.is_some()
    }

    /// An input is handled.
    pub(super) fn measure_input(&mut self) {
        self.measured.now_ms = clock::monotonic_ms();
    }

    /// How long the thing took that was just done of the present input.
    fn lap_ms(&mut self) -> i64 {
        let before_ms = self.measured.now_ms;
        self.measured.now_ms = clock::monotonic_ms();
        self.measured.now_ms - before_ms
    }

    /// A request came; `waited_ms` is how long the throttle held it back.
    pub(super) fn measure_request(&mut self, received_ms: i64, waited_ms: i64) {
        let metrics = &self.server.metrics;
        let (runs, now_ms) = (&mut self.measured.runs, self.measured.now_ms);
        runs.throttle_time
            .add_ms(waited_ms, &metrics.request_throttle_queue_time_ms);
        let queue_time = &metrics.prep_processor_queue_time_ms;
        runs.queue_time.add_ms(now_ms - received_ms, queue_time);
    }

    /// One more waits, for the throttle or the processor.
    pub(super) fn measure_queued(&mut self) {
        self.measured.runs.queued += 1;
    }

    /// A txn is made of a request, or it is refused.
    pub(super) fn measure_prepared(&mut self, is_end_of_session: bool) {
        let took_ms = self.lap_ms();
        let metrics = &self.server.metrics;
        let prepare_time = &mut self.measured.runs.prepare_time;
        prepare_time.add_ms(took_ms, &metrics.prep_process_time);
        if is_end_of_session {
            metrics.close_session_prep_time.add_ms(took_ms);
        }
    }

    /// A txn is on its way to disk and learners.
    pub(super) fn measure_proposed(&mut self) {
        let took_ms = self.lap_ms();
        let metrics = &self.server.metrics;
        self.measured.runs.changes += 1;
        let propose_time = &mut self.measured.runs.propose_time;
        propose_time.add_ms(took_ms, &metrics.proposal_process_time);
        if matches!(self.duty, Duty::Leads { .. }) {
            metrics.proposal_count.add(1);
        }
    }

    /// Tells what was measured since the last time; before clients see what was answered.
    pub(super) fn tell_measured(&mut self) {
        self.measured.tally.flush(&self.server);
        self.measured.runs.flush(&self.server.metrics);
    }

    /// So many inputs are taken at once.
    pub(super) fn measure_round(&self, inputs: usize) {
        if inputs > 0 {
            let metrics = &self.server.metrics;
            metrics.prep_processor_queue_size.add(inputs as u64);
        }
    }

    /// All up to this one is committed, and about to be applied.
    pub(super) fn begin_batch(&mut self, up_to: Zxid) {
        let began_ms = clock::monotonic_ms();
        self.measured.batch = Batch {
            began_ms,
            began_wall_ms: clock::wall_ms(),
            last_ms: began_ms,
            ..Batch::default()
        };
        if self.is_member() {
            let metrics = &self.server.metrics;
            let commits = self.tail.partition_point(|(zxid, _)| *zxid <= up_to);
            metrics.commit_commit_proc_req_queued.add(commits as u64);
            let writes = self.in_flight.len() as u64;
            metrics.write_commit_proc_req_queued.add(writes);
        }
    }

    /// A txn is applied; `received_ms` is when this server's client sent it.
    pub(super) fn measure_txn(&mut self, header: &TxnHeader, received_ms: Option<i64>) {
        let is_member = self.is_member();
        let (metrics, batch) = (&self.server.metrics, &mut self.measured.batch);
        batch.txns += 1;
        if is_member {
            let before_ms = batch.last_ms;
            batch.last_ms = clock::monotonic_ms();
            let since_commit_ms = batch.last_ms - batch.began_ms;
            metrics
                .write_final_proc_time_ms
                .add_ms(batch.last_ms - before_ms);
            match received_ms {
                Some(received_ms) => {
                    metrics
                        .write_commitproc_time_ms
                        .add_ms(batch.last_ms - received_ms);
                    metrics
                        .local_write_committed_time_ms
                        .add_ms(since_commit_ms);
                }
                None => metrics
                    .server_write_committed_time_ms
                    .add_ms(since_commit_ms),
            }
        }
        // Two clocks may be of two minds: what came before it was made is left out (`FinalRequestProcessor.applyRequest`).
        let age_ms = batch.began_wall_ms + (batch.last_ms - batch.began_ms) - header.time;
        if age_ms >= 0 {
            let propagation = &mut self.measured.runs.propagation;
            propagation.add_ms(age_ms, &metrics.propagation_latency);
            match self.duty {
                Duty::Leads { .. } => metrics.quorum_ack_latency.add_ms(age_ms),
                Duty::Learns { .. } => metrics.commit_propagation_latency.add_ms(age_ms),
                Duty::Alone | Duty::Nothing => {}
            }
        }
    }

    /// What was committed is applied.
    pub(super) fn end_batch(&self) {
        let (metrics, batch) = (&self.server.metrics, &self.measured.batch);
        // Of others' txns none was queued (`ZooKeeperServer.outstandingChanges`).
        if self.duty.makes_txns() {
            metrics.outstanding_changes_removed.add(batch.txns);
        }
        if !self.is_member() {
            return;
        }
        if matches!(self.duty, Duty::Leads { .. }) {
            metrics.commit_count.add(batch.txns);
        }
        let took_ms = batch.last_ms - batch.began_ms;
        metrics.request_commit_queued.add(batch.txns);
        metrics.write_commit_proc_issued.add(batch.txns);
        metrics.write_batch_time_in_commit_processor.add_ms(took_ms);
        metrics.commit_process_time.add_ms(took_ms);
        metrics.session_queues_drained.add(batch.drained);
        metrics.reads_issued_from_session_queue.add(batch.reads);
        let in_process = self.server.stats.in_process.load(Relaxed);
        metrics
            .concurrent_request_processing_in_commit_processor
            .add_ms(in_process);
        metrics
            .pending_session_queue_size
            .add(self.in_flight.len() as u64);
    }

    /// A session's oldest request was answered: so many stood in its queue, and so many reads went on.
    pub(super) fn measure_answer(&mut self, waiting: usize, reads: usize) {
        if self.is_member() {
            let (metrics, batch) = (&self.server.metrics, &mut self.measured.batch);
            batch.drained += 1;
            batch.reads += reads as u64;
            metrics.requests_in_session_queue.add(waiting as u64);
            metrics.reads_after_write_in_session_queue.add(reads as u64);
        }
    }

    /// The record of a txn that is logged and not applied.
    fn outstanding(&self, zxid: Zxid) -> Option<&Bytes> {
        let (first, _) = self.tail.front()?;
        let index = usize::try_from(zxid.0.checked_sub(first.0)?).ok()?;
        let (found, record) = self.tail.get(index)?;
        (*found == zxid).then_some(record)
    }

    /// How long ago this record was made, if that can be.
    fn age_ms(record: &[u8]) -> Option<u64> {
        let age_ms = clock::wall_ms() - made_ms(record)?;
        u64::try_from(age_ms).ok()
    }

    /// A learner's packet came.
    pub(super) fn measure_from_learner(&mut self, link: LinkId, packet: &ToLeader) {
        match packet {
            ToLeader::Hello(hello) => {
                drop(self.measured.sids.insert(link, hello.sid.0.to_string()))
            }
            ToLeader::Ack(zxid) if zxid.counter() == 0 => self.measure_end_of_sync(link),
            ToLeader::Ack(zxid) if self.is_sampled(*zxid) => {
                if let Some(sid) = self.measured.sids.get(&link) {
                    self.measure_ack(sid, *zxid);
                }
            }
            _ => {}
        }
    }

    /// Whether ACKs of this txn are measured (`Leader.processAck`).
    fn is_sampled(&self, zxid: Zxid) -> bool {
        let ensemble = self.server.config.ensemble.as_ref();
        let frequency = ensemble.map_or(0, |ensemble| ensemble.ack_logging_frequency);
        frequency > 0 && zxid.0 % i64::from(frequency) == 0
    }

    /// One that comes when the txn is committed already is left out.
    fn measure_ack(&self, sid: &str, zxid: Zxid) {
        let record = self.outstanding(zxid);
        if let Some(age_ms) = record.and_then(|record| Replica::age_ms(record)) {
            self.server.metrics.ack_latency.add(sid, age_ms);
        }
    }

    /// A txn goes to this server's own disk.
    pub(super) fn measure_append(&mut self, ticket: Ticket, zxid: Zxid) {
        self.server.metrics.sync_processor_request_queued.add(1);
        if matches!(self.duty, Duty::Leads { .. }) && self.is_sampled(zxid) {
            self.measured.own_acks.push_back((ticket, zxid));
        }
    }

    /// All up to this ticket is on it.
    pub(super) fn measure_durable(&mut self, done: Ticket) {
        while let Some((ticket, zxid)) = self.measured.own_acks.front().copied() {
            if ticket > done {
                return;
            }
            self.measured.own_acks.pop_front();
            if let Some(ensemble) = &self.server.config.ensemble {
                self.measure_ack(&ensemble.me.0.to_string(), zxid);
            }
        }
    }

    /// A learner has gone.
    pub(super) fn measure_learner_gone(&mut self, link: LinkId) {
        self.measured.sids.remove(&link);
        self.measured.syncing.remove(&link);
    }

    /// A packet waits for a learner.
    pub(super) fn measure_to_learner(&self, link: LinkId, pushed: Pushed) {
        if let Some(sid) = self.measured.sids.get(&link) {
            let metrics = &self.server.metrics;
            metrics
                .learner_handler_qp_size
                .add(sid, pushed.waiting as u64);
            metrics
                .learner_handler_qp_time_ms
                .add(sid, pushed.last_wait_ms);
        }
    }

    /// A learner is brought in sync with this packet (`LearnerHandler.run`).
    pub(super) fn measure_begin_of_sync(&mut self, link: LinkId, packet: &ToLearner) {
        let is_snapshot = matches!(packet, ToLearner::Snap(_));
        let metrics = &self.server.metrics;
        match is_snapshot {
            true => metrics.snap_count.add(1),
            false => metrics.diff_count.add(1),
        }
        self.measured.syncing.insert(link, is_snapshot);
        self.measure_syncing(is_snapshot);
    }

    fn measure_end_of_sync(&mut self, link: LinkId) {
        if let Some(is_snapshot) = self.measured.syncing.get(&link).copied() {
            self.measure_syncing(is_snapshot);
            self.measured.syncing.remove(&link);
        }
    }

    fn measure_syncing(&self, is_snapshot: bool) {
        let syncing = self.measured.syncing.values();
        let count = syncing.filter(|one| **one == is_snapshot).count() as u64;
        let metrics = &self.server.metrics;
        match is_snapshot {
            true => metrics.inflight_snap_count.add(count),
            false => metrics.inflight_diff_count.add(count),
        }
    }

    /// A leader's packet came.
    pub(super) fn measure_from_leader(&self, packet: &ToLearner) {
        let metrics = &self.server.metrics;
        match packet {
            ToLearner::Proposal { record, .. } => {
                metrics.learner_proposal_received_count.add(1);
                if let Some(age_ms) = Replica::age_ms(record) {
                    metrics.proposal_latency.add(age_ms);
                }
            }
            ToLearner::Commit(_)
            | ToLearner::CommitAndActivate { .. }
            | ToLearner::Inform { .. } => {
                metrics.learner_commit_received_count.add(1);
            }
            _ => {}
        }
    }

    /// A packet goes to the leader.
    pub(super) fn measure_to_leader(&self, packet: &ToLeader) {
        if let ToLeader::Ack(zxid) = packet
            && let Some(age_ms) = self
                .outstanding(*zxid)
                .and_then(|record| Replica::age_ms(record))
        {
            self.server
                .metrics
                .proposal_ack_creation_latency
                .add(age_ms);
        }
    }

    /// A role begins.
    pub(super) fn measure_role(&mut self, state: PeerState, now_ms: i64) {
        let metrics = &self.server.metrics;
        match state {
            PeerState::Looking => metrics.looking_count.add(1),
            _ => metrics
                .election_time
                .add_ms(now_ms - self.measured.role_since_ms),
        }
        self.measured.role_since_ms = now_ms;
        self.measured.syncing.clear();
        self.measured.unavailable_since_ms.get_or_insert(now_ms);
    }

    /// Clients are served from now on (`QuorumPeer.setZabState`).
    pub(super) fn measure_service(&mut self, state: PeerState, now_ms: i64) {
        let metrics = &self.server.metrics;
        let sync_ms = now_ms - self.measured.role_since_ms;
        match state {
            PeerState::Following => metrics.follower_sync_time.add_ms(sync_ms),
            PeerState::Observing => metrics.observer_sync_time.add_ms(sync_ms),
            PeerState::Leading | PeerState::Looking => {}
        }
        if let Some(since_ms) = self.measured.unavailable_since_ms.take() {
            metrics.unavailable_time.add_ms(now_ms - since_ms);
            if state == PeerState::Leading {
                metrics.leader_unavailable_time.add_ms(now_ms - since_ms);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::made_ms;

    #[test]
    fn the_time_of_a_txn_stands_in_its_header() {
        let mut record = vec![0; 28];
        record[20..].copy_from_slice(&7i64.to_be_bytes());
        record.push(1);
        assert_eq!(made_ms(&record), Some(7));
        assert_eq!(made_ms(&record[..27]), None);
    }
}
