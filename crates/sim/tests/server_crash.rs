//! Crash proof through the server's own code: 2,000 requests of all kinds, made into txns by the
//! processor, logged in batches, applied to the tree, with snapshots between and under them; its
//! plug pulled at every operation on the disk.
//!
//! After each crash the recovered tree must be, in all that it holds, the tree after some txn that
//! is no older than the last acknowledged one; what was recovered must survive the next power
//! failure; and the server must go on from there. With any one sync call taken out, that must
//! fail. The script runs once: each crash starts from an image of the disk.

use std::error::Error;

use datatree::DataTree;
use persistence::{LogError, SyncPoint, TxnLogOptions};
use proto::Zxid;
use proto::txn::TxnRecord;
use rand::Rng;
use sim::server::recover_tree;
use sim::{Contents, Crash, Event, Layout, Script, SimDisk, SimServer};

const REQUESTS: usize = 2_000;
const SEED: u64 = 1;

const APART: Layout = Layout {
    snapshots: "data",
    logs: "log",
};
const TOGETHER: Layout = Layout {
    snapshots: "data",
    logs: "data",
};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn log_options() -> TxnLogOptions {
    TxnLogOptions {
        pre_alloc_bytes: 4096,
        size_limit_bytes: Some(12_000),
        force_sync: true,
    }
}

fn start(disk: &SimDisk, layout: Layout) -> Fallible<SimServer> {
    SimServer::start(disk, layout, log_options())
}

/// A server, what it is asked, and what it must remember.
struct Run {
    layout: Layout,
    disk: SimDisk,
    script: Script,
    server: SimServer,
    requests: usize,
    /// Ahead of the server's tree: all that is appended is applied.
    ahead: DataTree,
    /// Of the tree's contents after each zxid, 0 included.
    sums: Vec<u64>,
    /// No snapshot shows anything behind it.
    cut_limit: Zxid,
    /// What a crash in the current step may leave: any zxid from the first to the second.
    allowed: (Zxid, Zxid),
}

impl Run {
    fn new(disk: &SimDisk, layout: Layout) -> Fallible<Self> {
        let server = start(disk, layout)?;
        let ahead = recover_tree(&disk.crash(Crash::Kill), layout)?.0;
        Ok(Run {
            layout,
            disk: disk.clone(),
            script: Script::new(SEED),
            requests: 0,
            sums: vec![Contents::of(&ahead).sum()],
            cut_limit: Zxid::ZERO,
            allowed: (Zxid::ZERO, Zxid::ZERO),
            server,
            ahead,
        })
    }

    fn acknowledged(&self) -> Zxid {
        self.server.tree().last_zxid()
    }

    /// A batch, or what an operator or a leader does now and then.
    fn step(&mut self) -> Fallible<()> {
        // Sums behind the last acknowledged txn are of txns that were cut off.
        self.sums.truncate(self.acknowledged().0 as usize + 1);
        self.allowed = (self.acknowledged(), self.acknowledged());
        self.continue_snapshot();
        match self.script.random().random_range(0..100) {
            0..=79 => self.batch(),
            80..=89 => self.begin_snapshot(),
            90..=93 => self.purge(),
            94..=95 => self.truncate(),
            96..=97 => self.truncate_tail(),
            _ => self.restart(),
        }
    }

    fn batch(&mut self) -> Fallible<()> {
        self.append_batch()?;
        self.server.commit()?;
        Ok(())
    }

    fn append_batch(&mut self) -> Fallible<()> {
        for _ in 0..self.script.random().random_range(1..=8) {
            let sessions = self.server.sessions();
            let event = self.script.next(self.server.tree(), &sessions);
            self.submit(&event)?;
            match self.script.random().random_range(0..60) {
                // The next batch's txns go to another file, or show in no snapshot.
                0 => self.server.roll()?,
                1 => self.begin_snapshot()?,
                2..=9 => self.continue_snapshot(),
                _ => {}
            }
        }
        Ok(())
    }

    /// What follows of a request is known before it is acknowledged.
    fn submit(&mut self, event: &Event) -> Result<(), LogError> {
        self.requests += 1;
        if let Some((zxid, record)) = self.server.submit(event)? {
            let record = TxnRecord::decode(&record).expect("our own record");
            self.ahead.apply(&record, &mut |_| {});
            self.sums.push(Contents::of(&self.ahead).sum());
            assert_eq!(self.sums.len(), zxid.0 as usize + 1);
            self.allowed.1 = zxid;
        }
        Ok(())
    }

    /// With room for images or without: at one zxid, or fuzzy.
    fn begin_snapshot(&mut self) -> Fallible<()> {
        self.server.roll()?;
        let max_image_bytes = [0, 1_000, usize::MAX][self.script.random().random_range(0..3)];
        if !self.server.is_writing_snapshot() {
            // One that fails is left out.
            let _ = self.server.begin_snapshot(max_image_bytes);
        }
        Ok(())
    }

    fn continue_snapshot(&mut self) {
        let budget = self.script.random().random_range(1..=20);
        if let Ok(Some(last)) = self.server.continue_snapshot(budget) {
            self.cut_limit = last;
        }
    }

    fn purge(&mut self) -> Fallible<()> {
        // One that fails is tried again another day.
        let _ = self.server.purge(3);
        Ok(())
    }

    /// As a learner that has logged more than its leader, and applied none of it.
    fn truncate_tail(&mut self) -> Fallible<()> {
        self.append_batch()?;
        self.server.make_durable()?;
        let (first, last) = (self.acknowledged().0.max(1), self.allowed.1.0);
        if first > last {
            return Ok(());
        }
        let target = Zxid(self.script.random().random_range(first..=last));
        self.server.truncate_tail(target)?;
        self.ahead = recover_tree(&self.disk.crash(Crash::Kill), self.layout)?.0;
        Ok(())
    }

    /// As a learner that has applied more than its leader; it must then read its files again.
    fn truncate(&mut self) -> Fallible<()> {
        let (first, last) = (self.cut_limit.0.max(1), self.acknowledged().0);
        if first > last {
            return Ok(());
        }
        self.server.abandon_snapshot();
        let target = Zxid(self.script.random().random_range(first..=last));
        self.allowed.0 = target;
        match self.server.truncate(target) {
            // The records up to the target are in the snapshot, and their log is purged.
            Err(LogError::NothingToTruncate { .. }) => {}
            outcome => drop(outcome?),
        }
        self.read_again()
    }

    /// Stops and starts in order.
    fn restart(&mut self) -> Fallible<()> {
        self.server.abandon_snapshot();
        let before = Contents::of(self.server.tree());
        self.read_again()?;
        assert_eq!(Contents::of(self.server.tree()), before);
        Ok(())
    }

    fn read_again(&mut self) -> Fallible<()> {
        self.server = start(&self.disk, self.layout)?;
        self.ahead = recover_tree(&self.disk.crash(Crash::Kill), self.layout)?.0;
        Ok(())
    }

    fn check(&self, tree: &DataTree) -> Fallible<()> {
        let (zxid, allowed) = (tree.last_zxid(), self.allowed);
        if zxid < allowed.0 || zxid > allowed.1 {
            return Err(format!("recovered {zxid}, allowed {allowed:?}").into());
        }
        let contents = Contents::of(tree);
        if contents.sum() != self.sums[zxid.0 as usize] {
            return Err(format!("another tree than that of {zxid}: {contents:#?}").into());
        }
        Ok(())
    }

    /// All that must hold after one crash.
    fn check_crash(&self, image: &SimDisk, crash: Crash) -> Fallible<()> {
        let disk = image.crash(crash);
        let mut first = start(&disk, self.layout)?;
        self.check(first.tree())?;
        let (again, _) = recover_tree(&disk.crash(Crash::Power), self.layout)?;
        if Contents::of(&again) != Contents::of(first.tree()) {
            let (served, found) = (first.tree().last_zxid(), again.last_zxid());
            return Err(format!("{served} was served, then {found} recovered").into());
        }
        first.submit(&Event::Connect(4000))?;
        first.commit()?;
        let (after, _) = recover_tree(&disk.crash(Crash::Power), self.layout)?;
        if Contents::of(&after) != Contents::of(first.tree()) {
            let zxid = first.tree().last_zxid();
            return Err(format!("{zxid} was acknowledged, {} recovered", after.last_zxid()).into());
        }
        Ok(())
    }
}

/// Runs the script and crashes it at every operation. Returns how many crashes were tried.
fn crash_everywhere(layout: Layout, ignored: Option<SyncPoint>) -> Fallible<u64> {
    let disk = SimDisk::new();
    if let Some(point) = ignored {
        disk.ignore(point);
    }
    disk.record();
    let mut run = Run::new(&disk, layout)?;
    let mut crashes = 0;
    loop {
        for image in disk.take_images() {
            for crash in [Crash::Kill, Crash::Power, Crash::Torn { seed: crashes }] {
                crashes += 1;
                run.check_crash(&image, crash)
                    .map_err(|error| format!("request {}, {crash:?}: {error}", run.requests))?;
            }
        }
        if run.requests >= REQUESTS {
            break;
        }
        run.step()?;
    }
    assert!(crashes > REQUESTS as u64, "only {crashes} crashes");
    Ok(crashes)
}

#[test]
fn a_crash_of_the_server_loses_nothing_acknowledged() {
    let crashes = crash_everywhere(APART, None).unwrap();
    println!("{crashes} crashes");
}

#[test]
fn a_crash_of_the_server_loses_nothing_where_logs_and_snapshots_share_a_directory() {
    crash_everywhere(TOGETHER, None).unwrap();
}

#[test]
fn the_server_needs_every_sync_call() {
    for point in SyncPoint::STANDALONE {
        let found = crash_everywhere(APART, Some(point));
        println!("{point:?}: {found:?}");
        assert!(found.is_err(), "nothing is lost without {point:?}");
    }
}
