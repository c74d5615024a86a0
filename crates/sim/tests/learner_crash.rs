//! Crash proof of what only a member of an ensemble does to its files: epochs that rise, a log that
//! is cut for TRUNC, a leader's snapshot that takes the place of everything for SNAP; its plug
//! pulled at every operation on the disk.
//!
//! After each crash the files make a state of the history as it was, no older than what the step
//! may take away, or the new state: never txns of one history on a state of another. The epochs are
//! those before or behind the step, and a start takes them. What was found survives the next power
//! failure; the step, done again, completes; the log goes on. With any one sync call taken out,
//! that must fail.

mod common;

use std::collections::VecDeque;

use common::{Change, Model, txn};
use persistence::*;
use proto::records::StatPersisted;
use proto::txn::TxnRecord;
use proto::{Epoch, Zxid};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sim::{Crash, SimDir, SimDisk};

const STEPS: usize = 500;
const SEED: u64 = 1;
const LIMIT: u32 = DEFAULT_MAX_FIELD_BYTES;

/// Where snapshots and logs are: two directories, or one.
type Layout = (&'static str, &'static str);

const APART: Layout = ("data", "log");
const TOGETHER: Layout = ("data", "data");

/// A state by its last zxid and its sum.
type Point = (Zxid, u64);

/// What a server needs to start.
struct Found {
    recovered: Recovered<Model>,
    epochs: Epochs,
}

impl Found {
    fn point(&self) -> Point {
        (self.recovered.last_zxid, self.recovered.state.sum)
    }
}

/// How often each thing happened.
#[derive(Debug, Default)]
struct Counts {
    rewound: u32,
    out_of_reach: u32,
    installed_ahead: u32,
    installed_behind: u32,
    /// From the middle of TRUNC or SNAP.
    went_on: u32,
}

/// What a learner does for a new leader, from LEADERINFO to the ack of NEWLEADER.
#[derive(Clone, Copy)]
enum Phase {
    Accept(Epoch),
    GoBack,
    TakeState,
    StartAgain,
    Diff(Epoch),
    Finish(Epoch),
}

struct Learner {
    layout: Layout,
    disk: SimDisk,
    random: SmallRng,
    log: TxnLog<SimDir>,
    epochs: Epochs,
    /// Every txn of its history, and the state behind it.
    history: Vec<(Zxid, Model)>,
    /// The same before the last TRUNC or SNAP.
    old_history: Vec<(Zxid, Model)>,
    phases: VecDeque<Phase>,
    /// Of txns that only some leader had: no zxid comes twice.
    branches: i64,
    counts: Counts,
    /// What a crash in the current step may leave.
    states: Vec<Point>,
    allowed_epochs: Vec<Epochs>,
    /// What the current step wants, to be done again after a crash.
    wanted: Option<Resync>,
}

/// TRUNC or SNAP, and the state that it is to make.
struct Resync {
    snap: bool,
    zxid: Zxid,
    state: Model,
}

type Fallible<T> = Result<T, String>;

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn log_options() -> TxnLogOptions {
    TxnLogOptions {
        pre_alloc_bytes: 4096,
        size_limit_bytes: Some(6_000),
        force_sync: true,
    }
}

fn new_log(disk: &SimDisk, layout: Layout) -> TxnLog<SimDir> {
    TxnLog::new(disk.dir(layout.1), log_options())
}

fn snapshot_of(
    disk: &SimDisk,
    layout: Layout,
    zxid: Zxid,
    state: &Model,
) -> Fallible<UnnamedSnapshot<SimDir>> {
    let forms = [Compression::None, Compression::Gzip, Compression::Snappy];
    let compression = forms[zxid.0 as usize % forms.len()];
    let none = std::iter::empty();
    let dir = disk.dir(layout.0);
    let mut writer = SnapshotWriter::begin(dir, zxid, compression, &[], none).map_err(said)?;
    for (path, data) in &state.nodes {
        let stat = StatPersisted::default();
        writer.node(path, Some(data), -1, &stat).map_err(said)?;
    }
    writer
        .finish_unnamed(&SnapshotSeals::default())
        .map_err(said)
}

/// As a server starts.
fn start(disk: &SimDisk, layout: Layout) -> Fallible<Found> {
    let (snapshots, logs) = (disk.dir(layout.0), disk.dir(layout.1));
    let options = RecoveryOptions::default();
    let recovered = recover(&snapshots, &logs, &options, Model::default).map_err(said)?;
    if recovered.start == Start::Empty {
        let first = snapshot_of(disk, layout, Zxid::ZERO, &recovered.state)?;
        first.name().map_err(said)?;
    }
    let epochs = read_epochs(&snapshots, recovered.last_zxid).map_err(said)?;
    Ok(Found { recovered, epochs })
}

/// False when the files do not reach back so far.
fn resync(disk: &SimDisk, layout: Layout, wanted: &Resync) -> Fallible<bool> {
    let (snapshots, logs) = (disk.dir(layout.0), disk.dir(layout.1));
    if wanted.snap {
        let snapshot = snapshot_of(disk, layout, wanted.zxid, &wanted.state)?;
        install(snapshot, &logs, LIMIT).map_err(said)?;
        return Ok(true);
    }
    let rewound = rewind(&snapshots, &logs, wanted.zxid, LIMIT).map_err(said)?;
    Ok(rewound == Rewound::Reached)
}

impl Learner {
    fn new(disk: &SimDisk, layout: Layout) -> Fallible<Self> {
        let found = start(disk, layout)?;
        Ok(Learner {
            layout,
            disk: disk.clone(),
            random: SmallRng::seed_from_u64(SEED),
            log: new_log(disk, layout),
            epochs: found.epochs,
            history: vec![(Zxid::ZERO, Model::default())],
            old_history: Vec::new(),
            phases: VecDeque::new(),
            branches: 0,
            counts: Counts::default(),
            states: vec![found.point()],
            allowed_epochs: vec![found.epochs],
            wanted: None,
        })
    }

    fn last(&self) -> &(Zxid, Model) {
        self.history.last().expect("begins with zxid 0")
    }

    /// The points of the history from this one on.
    fn points_from(&self, index: usize) -> Vec<Point> {
        let points = self.history[index..].iter();
        points.map(|(zxid, state)| (*zxid, state.sum)).collect()
    }

    fn step(&mut self) -> Fallible<()> {
        self.wanted = None;
        self.states = self.points_from(self.history.len() - 1);
        self.allowed_epochs = vec![self.epochs];
        if let Some(phase) = self.phases.pop_front() {
            return self.phase(phase);
        }
        match self.random.random_range(0..100) {
            0..=54 => self.append_batch(),
            55..=69 => self.take_snapshot(),
            70..=73 => self.purge(),
            74..=79 => self.start_again(),
            80..=89 => self.follow(Phase::GoBack),
            _ => self.follow(Phase::TakeState),
        }
    }

    /// A new leader; others may have come and gone meanwhile.
    fn follow(&mut self, sync: Phase) -> Fallible<()> {
        let epoch = Epoch(self.epochs.accepted.0 + self.random.random_range(2..=3));
        self.phases.push_back(sync);
        self.phases.push_back(Phase::StartAgain);
        if self.random.random() {
            self.phases.push_back(Phase::Diff(Epoch(epoch.0 - 1)));
        }
        self.phases.push_back(Phase::Finish(epoch));
        self.phase(Phase::Accept(epoch))
    }

    fn phase(&mut self, phase: Phase) -> Fallible<()> {
        let snapshots = self.disk.dir(self.layout.0);
        match phase {
            Phase::Accept(epoch) => {
                self.epochs.accepted = epoch;
                self.allowed_epochs.push(self.epochs);
                write_accepted_epoch(&snapshots, epoch).map_err(said)
            }
            Phase::GoBack => self.go_back(),
            Phase::TakeState => self.take_leaders_state(),
            Phase::StartAgain => self.start_again(),
            Phase::Diff(epoch) => {
                self.raise_current(epoch)?;
                self.append_batch()
            }
            Phase::Finish(epoch) => self.raise_current(epoch),
        }
    }

    fn raise_current(&mut self, epoch: Epoch) -> Fallible<()> {
        self.epochs.current = epoch;
        self.allowed_epochs.push(self.epochs);
        write_current_epoch(&self.disk.dir(self.layout.0), epoch).map_err(said)
    }

    /// Txns of the current epoch.
    fn append_batch(&mut self) -> Fallible<()> {
        for _ in 0..self.random.random_range(1..=5) {
            let zxid = match self.last().0 {
                last if last.epoch() == self.epochs.current => last.next(),
                _ => Zxid(self.epochs.current.0 << 32 | 1),
            };
            let record = self.push_txn(zxid);
            self.log.append(zxid, &record).map_err(said)?;
        }
        self.log.commit().map(drop).map_err(said)
    }

    /// What follows is known before it is durable.
    fn push_txn(&mut self, zxid: Zxid) -> Vec<u8> {
        let record = self.random_txn(zxid);
        let mut state = self.last().1.clone();
        state.apply(&TxnRecord::decode(&record).unwrap());
        self.states.push((zxid, state.sum));
        self.history.push((zxid, state));
        record
    }

    fn random_txn(&mut self, zxid: Zxid) -> Vec<u8> {
        let changes = [Change::Create, Change::SetData, Change::Delete];
        let change = changes[self.random.random_range(0..changes.len())];
        let path = format!("/n{}", self.random.random_range(0..20));
        let mut data = vec![0; self.random.random_range(0..300)];
        self.random.fill(&mut data[..]);
        txn(zxid, change, &path, &data)
    }

    fn take_snapshot(&mut self) -> Fallible<()> {
        self.log.roll().map_err(said)?;
        let (zxid, state) = self.last();
        let snapshot = snapshot_of(&self.disk, self.layout, *zxid, state)?;
        snapshot.name().map(drop).map_err(said)
    }

    fn purge(&mut self) -> Fallible<()> {
        let (data, log) = (self.disk.dir(self.layout.0), self.disk.dir(self.layout.1));
        purge(&data, &log, 3).map(drop).map_err(said)
    }

    fn start_again(&mut self) -> Fallible<()> {
        let found = start(&self.disk, self.layout)?;
        let (zxid, state) = self.last();
        if (found.point(), found.epochs) != ((*zxid, state.sum), self.epochs) {
            return Err(format!("{zxid} started as {}", found.point().0));
        }
        self.log = new_log(&self.disk, self.layout);
        Ok(())
    }

    /// Mostly a few txns, at times many.
    fn some_index(&mut self) -> usize {
        let count = self.history.len();
        let back = match self.random.random_range(0..4) {
            0 => count,
            _ => count.min(12),
        };
        count - self.random.random_range(1..=back)
    }

    fn go_back(&mut self) -> Fallible<()> {
        let index = self.some_index();
        let (zxid, state) = self.history[index].clone();
        self.states = self.points_from(index);
        self.old_history = self.history.clone();
        let snap = false;
        let wanted = self.wanted.insert(Resync { snap, zxid, state });
        if resync(&self.disk, self.layout, wanted)? {
            self.counts.rewound += 1;
            self.history.truncate(index + 1);
        } else {
            self.counts.out_of_reach += 1;
            self.wanted = None;
            self.states = self.points_from(self.history.len() - 1);
            self.phases.push_front(Phase::TakeState);
        }
        Ok(())
    }

    /// The leader has a part of the learner's history; then its own, or nothing.
    fn take_leaders_state(&mut self) -> Fallible<()> {
        let before = self.points_from(0);
        self.old_history = self.history.clone();
        let index = self.some_index();
        self.history.truncate(index + 1);
        let shared = self.last().0;
        let first = match self.random.random_range(0..4) {
            0 => None,
            1 | 2 => {
                self.branches += 1;
                Some(Zxid(shared.0 + self.branches * 10_000))
            }
            _ => Some(Zxid((self.epochs.accepted.0 - 1) << 32 | 1)),
        };
        for zxid in first.iter().flat_map(|first| first.0..first.0 + 3) {
            self.push_txn(Zxid(zxid));
        }
        // As the first thing in an epoch.
        if first.is_none() && self.random.random() {
            let zxid = Zxid((self.epochs.accepted.0 - 1) << 32);
            let state = self.last().1.clone();
            self.history.push((zxid, state));
        }
        let (zxid, state) = self.last().clone();
        let kept = before.iter().rposition(|(old, _)| *old <= zxid);
        self.states = before[kept.expect("zxid 0 is there")..].to_vec();
        match self.states.len() {
            1 => self.counts.installed_ahead += 1,
            _ => self.counts.installed_behind += 1,
        }
        self.states.push((zxid, state.sum));
        self.epochs.current = self.epochs.current.max(zxid.epoch());
        self.allowed_epochs.push(self.epochs);
        let snap = true;
        let wanted = self.wanted.insert(Resync { snap, zxid, state });
        resync(&self.disk, self.layout, wanted).map(drop)
    }

    /// Crashes for good, and goes on from what is found.
    fn go_on_from(&mut self, image: &SimDisk, crash: Crash) -> Fallible<()> {
        self.disk = image.crash(crash);
        let found = start(&self.disk, self.layout)?;
        let point = found.point();
        let is_found = |(zxid, state): &(Zxid, Model)| (*zxid, state.sum) == point;
        if !self.history.last().is_some_and(is_found) {
            self.history = std::mem::take(&mut self.old_history);
            let last = self.history.iter().rposition(is_found);
            let last = last.ok_or_else(|| format!("{point:?} is of no history"))?;
            self.history.truncate(last + 1);
        }
        self.epochs = found.epochs;
        self.log = new_log(&self.disk, self.layout);
        self.phases.clear();
        self.counts.went_on += 1;
        self.disk.record();
        Ok(())
    }

    /// All that must hold after one crash.
    fn check_crash(&self, image: &SimDisk, crash: Crash) -> Fallible<()> {
        let disk = image.crash(crash);
        let first = start(&disk, self.layout)?;
        let point = first.point();
        if !self.states.contains(&point) {
            return Err(format!("found {point:?}, allowed {:?}", self.states));
        }
        if !self.allowed_epochs.contains(&first.epochs) {
            let (found, allowed) = (first.epochs, &self.allowed_epochs);
            return Err(format!("found {found:?}, allowed {allowed:?}"));
        }
        self.check_that_history_has_its_epoch(&first)?;
        let again = start(&disk.crash(Crash::Power), self.layout)?;
        if (again.point(), again.epochs) != (point, first.epochs) {
            let found = (again.point(), again.epochs);
            return Err(format!("{point:?}, {:?}, then {found:?}", first.epochs));
        }
        self.check_that_it_completes(&disk.crash(Crash::Kill))?;
        self.check_that_it_goes_on(&disk, &first)
    }

    /// The epoch of a leader's snapshot comes with it, and not before.
    fn check_that_history_has_its_epoch(&self, found: &Found) -> Fallible<()> {
        let Some(Resync { zxid, state, .. }) = &self.wanted else {
            return Ok(());
        };
        let (before, is) = (self.allowed_epochs[0].current, found.epochs.current);
        if found.point() != (*zxid, state.sum) && is != before {
            return Err(format!("{is:?} without its history, {before:?} before"));
        }
        Ok(())
    }

    fn check_that_it_completes(&self, disk: &SimDisk) -> Fallible<()> {
        let Some(wanted) = &self.wanted else {
            return Ok(());
        };
        if !resync(disk, self.layout, wanted)? {
            return Err(format!("{} is out of reach after a crash", wanted.zxid));
        }
        let found = start(&disk.crash(Crash::Power), self.layout)?.point();
        if found != (wanted.zxid, wanted.state.sum) {
            return Err(format!("{} was wanted again, {found:?} found", wanted.zxid));
        }
        Ok(())
    }

    fn check_that_it_goes_on(&self, disk: &SimDisk, first: &Found) -> Fallible<()> {
        let zxid = first.recovered.last_zxid.next();
        let record = txn(zxid, Change::Create, "/after", b"the crash");
        let mut log = new_log(disk, self.layout);
        log.append(zxid, &record).map_err(said)?;
        log.commit().map_err(said)?;
        let mut expected = first.recovered.state.clone();
        expected.apply(&TxnRecord::decode(&record).unwrap());
        let last = start(&disk.crash(Crash::Power), self.layout)?.point();
        if last != (zxid, expected.sum) {
            return Err(format!("{zxid} was acknowledged, then {last:?} found"));
        }
        Ok(())
    }
}

/// Runs the script and crashes it at every operation. Returns how many crashes were tried.
fn crash_everywhere(layout: Layout, ignored: Option<SyncPoint>) -> Fallible<(u64, Counts)> {
    let disk = SimDisk::new();
    if let Some(point) = ignored {
        disk.ignore(point);
    }
    let mut learner = Learner::new(&disk, layout)?;
    disk.record();
    let mut crashes = 0;
    for step in 0..STEPS {
        learner
            .step()
            .map_err(|error| format!("step {step}: {error}"))?;
        let images = learner.disk.take_images();
        for image in &images {
            for crash in [Crash::Kill, Crash::Power, Crash::Torn { seed: crashes }] {
                crashes += 1;
                learner
                    .check_crash(image, crash)
                    .map_err(|error| format!("step {step}, {crash:?}: {error}"))?;
            }
        }
        let index = learner.random.random_range(0..=images.len());
        if learner.wanted.is_some()
            && let Some(image) = images.get(index)
        {
            let kinds = [Crash::Kill, Crash::Power, Crash::Torn { seed: crashes }];
            let crash = kinds[learner.random.random_range(0..kinds.len())];
            learner.go_on_from(image, crash)?;
        }
    }
    Ok((crashes, learner.counts))
}

#[test]
fn a_crash_of_a_learner_leaves_the_old_state_or_the_new_one() {
    for layout in [APART, TOGETHER] {
        let (crashes, counts) = crash_everywhere(layout, None).unwrap();
        println!("{crashes} crashes, {counts:?}");
        let Counts {
            rewound,
            out_of_reach,
            installed_ahead,
            installed_behind,
            went_on,
        } = counts;
        let rarest = rewound.min(out_of_reach).min(installed_ahead);
        let rarest = rarest.min(installed_behind).min(went_on);
        assert!(rarest >= 8, "too few of one");
    }
}

#[test]
fn a_learner_needs_every_sync_call() {
    let on_the_way = [
        SyncPoint::RemovedLog,
        SyncPoint::TruncatedLog,
        SyncPoint::SnapshotFile,
        SyncPoint::NewSnapshot,
        SyncPoint::LoadedSnapshotName,
    ];
    for point in SyncPoint::ENSEMBLE.into_iter().chain(on_the_way) {
        let found = crash_everywhere(APART, Some(point));
        println!("{point:?}: {found:?}");
        assert!(found.is_err(), "nothing is lost without {point:?}");
    }
}

/// Nothing is replayed from the file that was cut: all that is left of it is in a snapshot.
#[test]
fn a_cut_that_a_killed_process_left_to_the_system_does_not_come_undone() {
    let disk = SimDisk::new();
    start(&disk, APART).unwrap();
    let (mut log, mut state) = (new_log(&disk, APART), Model::default());
    for zxid in (1..=5).map(Zxid) {
        let record = txn(zxid, Change::Create, &format!("/{zxid}"), b"");
        log.append(zxid, &record).unwrap();
        log.commit().unwrap();
        state.apply(&TxnRecord::decode(&record).unwrap());
        if zxid == Zxid(3) {
            let snapshot = snapshot_of(&disk, APART, zxid, &state).unwrap();
            snapshot.name().unwrap();
        }
    }
    disk.record();
    let (snapshots, logs) = (disk.dir(APART.0), disk.dir(APART.1));
    let rewound = rewind(&snapshots, &logs, Zxid(3), LIMIT).unwrap();
    assert_eq!(rewound, Rewound::Reached);
    let images = disk.take_images();
    assert!(!images.is_empty());
    for image in images {
        let disk = image.crash(Crash::Kill);
        let first = start(&disk, APART).unwrap().point();
        let again = start(&disk.crash(Crash::Power), APART).unwrap().point();
        assert_eq!(first, again);
    }
}
