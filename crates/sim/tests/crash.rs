//! Crash proof: a script of 2,000 steps, its plug pulled at every operation on the disk.
//!
//! After each crash the recovered state must be the acknowledged one, or it and what followed;
//! what was recovered must survive the next power failure; and the log must go on from there.
//! With any one sync call taken out, that must fail.

mod common;

use common::{Change, Model, txn};
use persistence::*;
use proto::Zxid;
use proto::records::StatPersisted;
use proto::txn::TxnRecord;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sim::{Crash, SimDir, SimDisk};

const STEPS: usize = 2_000;
const SEED: u64 = 1;
const LIMIT: u32 = DEFAULT_MAX_FIELD_BYTES;

/// Where snapshots and logs are: two directories, or one.
type Layout = (&'static str, &'static str);

const APART: Layout = ("data", "log");
const TOGETHER: Layout = ("data", "data");

/// What may be recovered: any state from the first zxid to the second.
type Allowed = (Zxid, Zxid);

/// A snapshot that is written while txns go on.
struct Slices {
    writer: SnapshotWriter<SimDir>,
    paths: Vec<String>,
}

/// A server of the simplest kind, and what it must remember.
struct Script {
    layout: Layout,
    disk: SimDisk,
    random: SmallRng,
    state: Model,
    log: TxnLog<SimDir>,
    snapshot: Option<Slices>,
    /// Every acknowledged txn.
    history: Vec<Vec<u8>>,
    /// The sum of the state after each zxid, 0 included.
    sums: Vec<u64>,
    /// No snapshot holds anything behind it.
    cut_limit: Zxid,
    /// What a crash in the current step may leave.
    allowed: Allowed,
}

/// The log failed: the server must stop.
#[derive(Debug)]
struct Stopped;

fn log_options() -> TxnLogOptions {
    TxnLogOptions {
        pre_alloc_bytes: 4096,
        size_limit_bytes: Some(12_000),
        force_sync: true,
    }
}

fn recover_from(disk: &SimDisk, layout: Layout) -> Result<Recovered<Model>, RecoveryError> {
    let options = RecoveryOptions::default();
    recover(
        &disk.dir(layout.0),
        &disk.dir(layout.1),
        &options,
        Model::default,
    )
}

/// Recovers as a server starts: a new database gets its snapshot.0.
fn start(disk: &SimDisk, layout: Layout) -> Result<Recovered<Model>, String> {
    let recovered = recover_from(disk, layout).map_err(|error| error.to_string())?;
    if recovered.start == Start::Empty {
        let writer = begin_snapshot(disk, layout, Zxid::ZERO).map_err(|error| error.to_string())?;
        let finished = writer.finish(&SnapshotSeals::default());
        finished.map_err(|error| error.to_string())?;
    }
    Ok(recovered)
}

fn begin_snapshot(
    disk: &SimDisk,
    layout: Layout,
    zxid: Zxid,
) -> Result<SnapshotWriter<SimDir>, IoError> {
    let forms = [Compression::None, Compression::Gzip, Compression::Snappy];
    let compression = forms[zxid.0 as usize % forms.len()];
    let none = std::iter::empty();
    SnapshotWriter::begin(disk.dir(layout.0), zxid, compression, &[], none)
}

impl Script {
    fn new(disk: &SimDisk, layout: Layout) -> Result<Self, String> {
        start(disk, layout)?;
        Ok(Script {
            layout,
            disk: disk.clone(),
            random: SmallRng::seed_from_u64(SEED),
            state: Model::default(),
            log: TxnLog::new(disk.dir(layout.1), log_options()),
            snapshot: None,
            history: Vec::new(),
            sums: vec![0],
            cut_limit: Zxid::ZERO,
            allowed: (Zxid::ZERO, Zxid::ZERO),
        })
    }

    fn acknowledged(&self) -> Zxid {
        Zxid(self.history.len() as i64)
    }

    fn step(&mut self) -> Result<(), Stopped> {
        // Sums behind the last acknowledged txn are of txns that were cut off.
        self.sums.truncate(self.history.len() + 1);
        self.allowed = (self.acknowledged(), self.acknowledged());
        self.snapshot_slice();
        match self.random.random_range(0..100) {
            0..=79 => self.append_batch(),
            80..=91 => self.begin_snapshot(),
            92..=95 => self.purge(),
            96..=97 => self.truncate(),
            _ => self.restart(),
        }
    }

    fn append_batch(&mut self) -> Result<(), Stopped> {
        let (mut batch, mut state) = (Vec::new(), self.state.clone());
        for _ in 0..self.random.random_range(1..=6) {
            let zxid = self.allowed.1.next();
            let record = self.random_txn(zxid);
            // What follows is known before it is acknowledged.
            state.apply(&TxnRecord::decode(&record).unwrap());
            self.sums.push(state.sum);
            self.allowed.1 = zxid;
            self.log.append(zxid, &record).map_err(|_| Stopped)?;
            batch.push(record);
            // As when a snapshot begins in the middle of a batch.
            if self.random.random_range(0..50) == 0 {
                self.log.roll().map_err(|_| Stopped)?;
            }
        }
        self.log.commit().map_err(|_| Stopped)?;
        self.state = state;
        self.history.extend(batch);
        Ok(())
    }

    fn random_txn(&mut self, zxid: Zxid) -> Vec<u8> {
        let changes = [Change::Create, Change::SetData, Change::Delete];
        let change = changes[self.random.random_range(0..changes.len())];
        let path = format!("/n{}", self.random.random_range(0..40));
        let length = match self.random.random_range(0..50) {
            0 => 3000,
            other => other,
        };
        let mut data = vec![0; length];
        self.random.fill(&mut data[..]);
        txn(zxid, change, &path, &data)
    }

    fn begin_snapshot(&mut self) -> Result<(), Stopped> {
        self.log.roll().map_err(|_| Stopped)?;
        if self.snapshot.is_none()
            && let Ok(writer) = begin_snapshot(&self.disk, self.layout, self.acknowledged())
        {
            let paths = self.state.nodes.keys().cloned().collect();
            self.snapshot = Some(Slices { writer, paths });
        }
        Ok(())
    }

    /// Ten nodes, as they are by now; then the end. A snapshot that fails is left out.
    fn snapshot_slice(&mut self) {
        let Some(mut slices) = self.snapshot.take() else {
            return;
        };
        if slices.paths.is_empty() {
            if slices.writer.finish(&SnapshotSeals::default()).is_ok() {
                self.cut_limit = self.acknowledged();
            }
            return;
        }
        let rest = slices.paths.split_off(slices.paths.len().min(10));
        for path in std::mem::replace(&mut slices.paths, rest) {
            if let Some(data) = self.state.nodes.get(&path) {
                let stat = StatPersisted::default();
                if slices.writer.node(&path, Some(data), -1, &stat).is_err() {
                    return;
                }
            }
        }
        self.snapshot = Some(slices);
    }

    fn purge(&mut self) -> Result<(), Stopped> {
        let (data, log) = (self.disk.dir(self.layout.0), self.disk.dir(self.layout.1));
        // A purge that fails is tried again another day.
        let _ = purge(&data, &log, 3);
        Ok(())
    }

    fn truncate(&mut self) -> Result<(), Stopped> {
        let before = self.acknowledged();
        let first = self.cut_limit.0.max(1);
        if first > before.0 {
            return Ok(());
        }
        self.snapshot = None;
        let target = Zxid(self.random.random_range(first..=before.0));
        self.allowed.0 = target;
        match self.log.truncate(target, LIMIT) {
            Ok(_) => {}
            // The records up to the target are in the snapshot, and their log is purged.
            Err(LogError::NothingToTruncate { .. }) => return Ok(()),
            Err(_) => return Err(Stopped),
        }
        self.history.truncate(target.0 as usize);
        self.state = Model::default();
        for record in &self.history {
            self.state.apply(&TxnRecord::decode(record).unwrap());
        }
        Ok(())
    }

    /// Stops and starts in order.
    fn restart(&mut self) -> Result<(), Stopped> {
        self.snapshot = None;
        let recovered = start(&self.disk, self.layout).map_err(|_| Stopped)?;
        assert_eq!(recovered.last_zxid, self.acknowledged());
        assert_eq!(recovered.state, self.state);
        self.log = TxnLog::new(self.disk.dir(self.layout.1), log_options());
        Ok(())
    }

    fn check(&self, recovered: &Recovered<Model>) -> Result<(), String> {
        let allowed = self.allowed;
        let zxid = recovered.last_zxid;
        if zxid < allowed.0 || zxid > allowed.1 {
            return Err(format!("recovered {zxid}, allowed {allowed:?}"));
        }
        if recovered.state.sum != self.sums[zxid.0 as usize] {
            return Err(format!("another state than that of {zxid}"));
        }
        Ok(())
    }

    /// All that must hold after one crash.
    fn check_crash(&self, image: &SimDisk, crash: Crash) -> Result<(), String> {
        let disk = image.crash(crash);
        let first = start(&disk, self.layout)?;
        self.check(&first)?;
        let again = start(&disk.crash(Crash::Power), self.layout)?;
        if (again.last_zxid, again.state.sum) != (first.last_zxid, first.state.sum) {
            return Err(format!(
                "{} was served, then {} recovered",
                first.last_zxid, again.last_zxid
            ));
        }
        check_that_it_goes_on(&disk, self.layout, &first)
    }
}

/// The log of a recovered server goes on, and is recovered again.
fn check_that_it_goes_on(
    disk: &SimDisk,
    layout: Layout,
    first: &Recovered<Model>,
) -> Result<(), String> {
    let zxid = first.last_zxid.next();
    let record = txn(zxid, Change::Create, "/after", b"the crash");
    let mut log = TxnLog::new(disk.dir(layout.1), log_options());
    log.append(zxid, &record)
        .map_err(|error| error.to_string())?;
    log.commit().map_err(|error| error.to_string())?;
    let last = start(&disk.crash(Crash::Power), layout)?;
    let mut expected = first.state.clone();
    expected.apply(&TxnRecord::decode(&record).unwrap());
    if (last.last_zxid, last.state.sum) != (zxid, expected.sum) {
        return Err(format!(
            "{zxid} was acknowledged, then {} recovered",
            last.last_zxid
        ));
    }
    Ok(())
}

/// Runs the script and crashes it at every operation. Returns how many crashes were tried.
fn crash_everywhere(layout: Layout, ignored: Option<SyncPoint>) -> Result<u64, String> {
    let disk = SimDisk::new();
    if let Some(point) = ignored {
        disk.ignore(point);
    }
    disk.record();
    let mut script = Script::new(&disk, layout)?;
    let mut crashes = 0;
    for step in 0..=STEPS {
        for image in disk.take_images() {
            for crash in [Crash::Kill, Crash::Power, Crash::Torn { seed: crashes }] {
                crashes += 1;
                script
                    .check_crash(&image, crash)
                    .map_err(|error| format!("step {step}, {crash:?}: {error}"))?;
            }
        }
        if step < STEPS {
            let outcome = script.step();
            outcome.map_err(|Stopped| "the log failed".to_owned())?;
        }
    }
    assert!(crashes > 3 * STEPS as u64, "only {crashes} crashes");
    Ok(crashes)
}

#[test]
fn a_crash_at_any_operation_loses_nothing_acknowledged() {
    let crashes = crash_everywhere(APART, None).unwrap();
    println!("{crashes} crashes");
}

#[test]
fn a_crash_loses_nothing_when_logs_and_snapshots_share_a_directory() {
    crash_everywhere(TOGETHER, None).unwrap();
}

#[test]
fn every_sync_call_is_needed() {
    for point in SyncPoint::STANDALONE {
        let found = crash_everywhere(APART, Some(point));
        println!("{point:?}: {found:?}");
        assert!(found.is_err(), "nothing is lost without {point:?}");
    }
}

/// Runs a shorter script on a disk where something fails. What was acknowledged must be there
/// after a power failure, and a log that failed must stay closed. Returns whether it failed.
fn fail(arm: impl Fn(&SimDisk)) -> bool {
    let disk = SimDisk::new();
    arm(&disk);
    let Ok(mut script) = Script::new(&disk, APART) else {
        let recovered = start(&disk.crash(Crash::Power), APART).unwrap();
        assert_eq!(recovered.last_zxid, Zxid::ZERO);
        return true;
    };
    for _ in 0..STEPS / 10 {
        if let Err(Stopped) = script.step() {
            // Not a mere kill: after a failed fsync the system may still show what it has dropped.
            for crash in [Crash::Power, Crash::Torn { seed: SEED }] {
                script.check_crash(&disk, crash).unwrap();
            }
            return true;
        }
    }
    false
}

#[test]
fn after_a_failure_nothing_more_is_acknowledged_and_nothing_is_lost() {
    let disk = SimDisk::new();
    let mut script = Script::new(&disk, APART).unwrap();
    for _ in 0..STEPS / 10 {
        script.step().unwrap();
    }
    let mut stopped = 0;
    for operation in 1..=disk.operations() {
        stopped += u64::from(fail(|disk| disk.fail_once(operation)));
        assert!(fail(|disk| disk.fail_from(operation)) || operation + 50 > disk.operations());
    }
    // The others were in snapshots and purges.
    assert!(
        stopped > disk.operations() / 2,
        "{stopped} of {}",
        disk.operations()
    );
}

#[test]
fn a_failed_fsync_closes_the_log_although_the_next_one_would_succeed() {
    let disk = SimDisk::new();
    let mut log = TxnLog::new(disk.dir("log"), log_options());
    let record = |zxid| txn(zxid, Change::Create, "/a", b"");
    log.append(Zxid(1), &record(Zxid(1))).unwrap();
    log.commit().unwrap();
    log.append(Zxid(2), &record(Zxid(2))).unwrap();
    // The write, then the fsync.
    disk.fail_once(disk.operations() + 2);
    assert!(matches!(log.commit(), Err(LogError::Io(_))));
    assert!(matches!(log.commit(), Err(LogError::Closed { .. })));
    let next = log.append(Zxid(3), &record(Zxid(3)));
    assert!(matches!(next, Err(LogError::Closed { .. })));
    assert!(matches!(log.roll(), Err(LogError::Closed { .. })));
    let options = RecoveryOptions {
        trust_empty_snapshot: true,
        ..RecoveryOptions::default()
    };
    let after = disk.crash(Crash::Power);
    let (data, log) = (after.dir("data"), after.dir("log"));
    let recovered = recover(&data, &log, &options, Model::default).unwrap();
    assert_eq!(recovered.last_zxid, Zxid(1));
}
