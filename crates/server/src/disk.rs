//! The disk's thread: a queue of appends, one write and one fdatasync for all that wait.
//!
//! No timer makes the group: while one batch is being synced the next one gathers. Only
//! `flushDelay` waits, when the operator set it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use persistence::{Dir, LogError, TxnLog};
use quorum::{DiskOp, Ticket};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::config::Config;
use crate::inbox::Inbox;
use crate::replica::Input;
use crate::shared::Server;
use crate::stats::ServerStats;

/// What the thread is to do.
#[derive(Debug)]
pub enum Item {
    /// An operation; tickets rise.
    Op(Ticket, DiskOp),
    /// Ends the thread when all before is done.
    Stop,
}

/// The way to the disk's thread.
#[derive(Clone)]
pub struct DiskQueue(Arc<Inbox<Item>>);

impl Default for DiskQueue {
    fn default() -> Self {
        DiskQueue(Arc::new(Inbox::default()))
    }
}

impl DiskQueue {
    /// Adds what there is to do, and leaves `items` empty.
    pub fn push_all(&self, items: &mut Vec<Item>) {
        self.0.push_all(items);
    }

    /// Ends the thread when all before is done.
    pub fn stop(&self) {
        self.0.push(Item::Stop);
    }
}

/// When a snapshot is due: somewhere in the upper half of each limit, by chance, so that the
/// servers of an ensemble do not all write at once (`SyncRequestProcessor.shouldSnapshot`).
struct SnapshotTrigger {
    txn_limit: u64,
    byte_limit: Option<u64>,
    dice: SmallRng,
    txns: u64,
    due_txns: u64,
    due_bytes: Option<u64>,
}

impl SnapshotTrigger {
    fn new(config: &Config, seed: u64) -> Self {
        let mut trigger = SnapshotTrigger {
            txn_limit: config.snap_count.into(),
            byte_limit: (config.snap_size_limit_kib > 0)
                .then_some(config.snap_size_limit_kib << 10),
            dice: SmallRng::seed_from_u64(seed),
            txns: 0,
            due_txns: 0,
            due_bytes: None,
        };
        trigger.draw();
        trigger
    }

    fn draw(&mut self) {
        let upper_half =
            |dice: &mut SmallRng, limit: u64| limit / 2 + dice.random_range(0..(limit / 2).max(1));
        self.txns = 0;
        self.due_txns = upper_half(&mut self.dice, self.txn_limit);
        self.due_bytes = self
            .byte_limit
            .map(|limit| upper_half(&mut self.dice, limit));
    }

    fn is_due(&mut self, txns: u64, log_bytes: u64) -> bool {
        self.txns += txns;
        let due = self.txns > self.due_txns || self.due_bytes.is_some_and(|due| log_bytes > due);
        if due {
            self.draw();
        }
        due
    }
}

/// The thread's state.
pub struct Disk<D: Dir> {
    server: Server,
    queue: DiskQueue,
    log: TxnLog<D>,
    trigger: SnapshotTrigger,
}

impl<D: Dir> Disk<D> {
    /// Writes to `log`. `seed` is for the moments of snapshots.
    pub fn new(server: Server, queue: DiskQueue, log: TxnLog<D>, seed: u64) -> Self {
        let trigger = SnapshotTrigger::new(&server.config, seed);
        Disk {
            server,
            queue,
            log,
            trigger,
        }
    }

    /// Runs until it is stopped, or until something cannot be written: then nothing is
    /// acknowledged any more.
    pub fn run(mut self) -> Result<(), LogError> {
        let mut items = Vec::new();
        loop {
            self.queue.0.take(&mut items, None);
            self.linger(&mut items);
            let mut last = None;
            let mut stop = false;
            for item in items.drain(..) {
                match item {
                    Item::Op(ticket, DiskOp::Append { zxid, record }) => {
                        self.log.append(zxid, &record)?;
                        last = Some(ticket);
                    }
                    Item::Op(_, other) => unreachable!("a server on its own wants {other:?}"),
                    Item::Stop => stop = true,
                }
            }
            if let Some(ticket) = last {
                self.commit(ticket)?;
            }
            if stop {
                return Ok(());
            }
        }
    }

    /// Waits for more to share the fsync, as far as flushDelay, maxWriteQueuePollTime and
    /// maxBatchSize say.
    fn linger(&self, items: &mut Vec<Item>) {
        let config = &self.server.config;
        let (delay, pause) = (config.flush_delay_ms, config.max_write_queue_poll_time_ms);
        let until = Instant::now() + Duration::from_millis(delay);
        let enough = |items: &[Item]| {
            config.max_batch_size > 0 && items.len() >= config.max_batch_size as usize
        };
        while delay > 0 && !enough(items) {
            let left = until.saturating_duration_since(Instant::now());
            let mut more = Vec::new();
            self.queue
                .0
                .take(&mut more, Some(left.min(Duration::from_millis(pause))));
            if more.is_empty() {
                break;
            }
            items.append(&mut more);
        }
    }

    fn commit(&mut self, ticket: Ticket) -> Result<(), LogError> {
        let committed = self.log.commit()?;
        self.server.replica.push(Input::Durable(ticket));
        let limit_ms = self.server.config.fsync_warning_threshold_ms;
        if committed.sync_time > Duration::from_millis(limit_ms) {
            ServerStats::count(&self.server.stats.slow_fsyncs);
            tracing::warn!(
                took = ?committed.sync_time,
                file_size = committed.file_size,
                "slow fsync of the txn log: every write waits for it (fsync.warningthresholdms)"
            );
        }
        if self
            .trigger
            .is_due(committed.records as u64, self.log.size_since_roll())
        {
            self.log.roll()?;
            self.server.replica.push(Input::SnapshotDue);
        }
        Ok(())
    }
}
