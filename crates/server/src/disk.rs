//! The disk's thread: a queue of operations, one write and one fdatasync for all appends that wait.
//!
//! No timer makes the group: while one batch is being synced the next one gathers. Only
//! `flushDelay` waits, when the operator set it. What is no append, which only members of an
//! ensemble have, is done by itself, behind a sync of all before it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use database::{SealRules, install_tree};
use datatree::DataTree;
use persistence::{
    Dir, IoError, LogError, ResyncError, Rewound, TxnLog, TxnLogOptions, rewind,
    write_accepted_epoch, write_current_epoch,
};
use proto::Zxid;
use quorum::{DiskOp, Ticket};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use crate::clock;
use crate::config::Config;
use crate::inbox::Inbox;
use crate::metrics::Run;
use crate::replica::Input;
use crate::shared::Server;
use crate::stats::ServerStats;

/// What the thread is to do.
#[derive(Debug)]
pub enum Item {
    /// An operation, and when it came here, in monotonic ms; tickets rise.
    Op(Ticket, DiskOp, i64),
    /// The operation is to install this tree.
    Install(Ticket, Box<DataTree>),
    /// What is appended from now on goes to a new file.
    Roll,
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

/// Where the thread writes.
pub struct DiskFiles<D: Dir> {
    /// `dataDir/version-2`.
    pub snapshots: D,
    /// `dataLogDir/version-2`.
    pub logs: D,
    /// How the log is written.
    pub log: TxnLogOptions,
}

/// Why nothing is acknowledged any more.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The log cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// An epoch cannot be written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The files cannot be brought to the leader's state.
    #[error(transparent)]
    Resync(#[from] ResyncError),
}

/// The thread's state.
pub struct Disk<D: Dir> {
    server: Server,
    queue: DiskQueue,
    files: DiskFiles<D>,
    log: TxnLog<D>,
    trigger: SnapshotTrigger,
    /// When each txn came that is in the log and not durable.
    came_ms: Vec<i64>,
    waits: Run,
    whole: Run,
}

impl<D: Dir> Disk<D> {
    /// Writes to `files`. `seed` is for the moments of snapshots.
    pub fn new(server: Server, queue: DiskQueue, files: DiskFiles<D>, seed: u64) -> Self {
        let trigger = SnapshotTrigger::new(&server.config, seed);
        Disk {
            log: new_log(&files),
            server,
            queue,
            files,
            trigger,
            came_ms: Vec::new(),
            waits: Run::default(),
            whole: Run::default(),
        }
    }

    /// Runs until it is stopped, or until something cannot be written: then nothing is
    /// acknowledged any more.
    pub fn run(mut self) -> Result<(), DiskError> {
        let mut items = Vec::new();
        loop {
            self.queue.0.take(&mut items, None);
            self.linger(&mut items);
            if self.carry_out(&mut items)? {
                return Ok(());
            }
        }
    }

    /// True when the thread is to end.
    fn carry_out(&mut self, items: &mut Vec<Item>) -> Result<bool, DiskError> {
        let mut appended = None;
        let mut stop = false;
        let began_ms = clock::monotonic_ms();
        let metrics = &self.server.metrics;
        metrics.sync_processor_queue_size.add(items.len() as u64);
        for item in items.drain(..) {
            match item {
                Item::Op(ticket, DiskOp::Append { zxid, record }, came_ms) => {
                    self.log.append(zxid, &record)?;
                    let waits = &self.server.metrics.sync_processor_queue_time_ms;
                    self.waits.add_ms(began_ms - came_ms, waits);
                    self.came_ms.push(came_ms);
                    self.server.guards.logged(record.len() as u64);
                    appended = Some(ticket);
                }
                Item::Op(ticket, op, _) => {
                    self.commit(appended.take())?;
                    self.change(ticket, &op)?;
                }
                Item::Install(ticket, tree) => {
                    self.commit(appended.take())?;
                    self.install(ticket, tree)?;
                }
                Item::Roll => {
                    self.commit(appended.take())?;
                    self.log.roll()?;
                }
                Item::Stop => stop = true,
            }
        }
        let took_ms = clock::monotonic_ms() - began_ms;
        let waits = &self.server.metrics.sync_processor_queue_time_ms;
        self.waits.flush(waits);
        self.server.metrics.sync_process_time.add_ms(took_ms);
        self.commit(appended)?;
        Ok(stop)
    }

    /// What is no append, all before it being on disk.
    fn change(&mut self, ticket: Ticket, op: &DiskOp) -> Result<(), DiskError> {
        match op {
            DiskOp::AcceptedEpoch(epoch) => write_accepted_epoch(&self.files.snapshots, *epoch)?,
            DiskOp::CurrentEpoch(epoch) => write_current_epoch(&self.files.snapshots, *epoch)?,
            DiskOp::Truncate(zxid) if self.truncate(*zxid)? == Rewound::OutOfReach => {
                self.server.replica.push(Input::CutRefused(ticket));
                return Ok(());
            }
            DiskOp::Truncate(_) => {}
            DiskOp::Append { .. } | DiskOp::InstallSnapshot(_) => {
                unreachable!("{op:?} comes in another way")
            }
        }
        self.server.replica.push(Input::Durable(ticket));
        Ok(())
    }

    fn truncate(&mut self, zxid: Zxid) -> Result<Rewound, DiskError> {
        let DiskFiles {
            snapshots, logs, ..
        } = &self.files;
        let max_field_bytes = self.server.config.max_field_bytes();
        let _past = self.server.past.lock();
        let rewound = rewind(snapshots, logs, zxid, max_field_bytes)?;
        self.log = new_log(&self.files);
        Ok(rewound)
    }

    fn install(&mut self, ticket: Ticket, mut tree: Box<DataTree>) -> Result<(), DiskError> {
        let config = &self.server.config;
        let (form, rules) = (config.snapshot_compression, seal_rules(config));
        let DiskFiles {
            snapshots, logs, ..
        } = &self.files;
        let max_field_bytes = self.server.config.max_field_bytes();
        let zxid = tree.last_zxid();
        let past = self.server.past.lock();
        let bytes = install_tree(&mut tree, snapshots, logs, form, rules, max_field_bytes)?;
        drop(past);
        tracing::info!(%zxid, bytes, "the leader's snapshot is on disk");
        self.log = new_log(&self.files);
        self.server.replica.push(Input::Installed(tree));
        self.server.replica.push(Input::Durable(ticket));
        Ok(())
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

    fn commit(&mut self, appended: Option<Ticket>) -> Result<(), LogError> {
        let Some(ticket) = appended else {
            return Ok(());
        };
        let began_ms = clock::monotonic_ms();
        let committed = self.log.commit()?;
        self.server.replica.push(Input::Durable(ticket));
        self.measure(began_ms, committed.sync_time);
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

impl<D: Dir> Disk<D> {
    /// A batch is durable, since `began_ms` on its way from memory; without forceSync nothing waits for the disk.
    fn measure(&mut self, began_ms: i64, sync_time: Duration) {
        let metrics = &self.server.metrics;
        let now_ms = clock::monotonic_ms();
        metrics
            .sync_processor_batch_size
            .add(self.came_ms.len() as u64);
        metrics
            .sync_processor_queue_flush_time_ms
            .add_ms(now_ms - began_ms);
        if self.server.config.force_sync {
            let sync_ms = u64::try_from(sync_time.as_millis()).unwrap_or(u64::MAX);
            metrics.fsynctime.add(sync_ms);
        }
        let whole = &metrics.sync_processor_queue_and_flush_time_ms;
        for came_ms in self.came_ms.drain(..) {
            self.whole.add_ms(now_ms - came_ms, whole);
        }
        self.whole.flush(whole);
    }
}

fn new_log<D: Dir>(files: &DiskFiles<D>) -> TxnLog<D> {
    TxnLog::new(files.logs.clone(), files.log.clone())
}

/// Which seals snapshots get.
pub fn seal_rules(config: &Config) -> SealRules {
    SealRules {
        digest: config.digest_enabled,
        last_zxid: config.serialize_last_processed_zxid_enabled,
    }
}
