//! Snapshots, written or sent by a thread of their own while writes go on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Instant;

use database::{TreeSender, TreeSnapshot};
use datatree::{Cursor, SnapshotHead};
use persistence::{IoError, RealDir};
use proto::Zxid;
use quorum::{LinkId, Ticket};
use tokio::sync::oneshot;

use super::Input;
use crate::disk::seal_rules;
use crate::limits;
use crate::peers::links::{LinkGone, PROGRESS_PAUSE, StreamSource};
use crate::shared::{Server, Shared};

/// Where the files are.
#[derive(Clone, Debug)]
pub struct SnapshotDirs {
    /// `dataDir/version-2`.
    pub snapshots: RealDir,
    /// `dataLogDir/version-2`.
    pub logs: RealDir,
}

/// How a snapshot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotEnd {
    /// It is on disk, and of this zxid.
    Written(Zxid),
    /// It is sent, or its learner has gone.
    Sent,
    /// It was no longer wanted.
    GivenUp,
}

/// At most one runs at a time.
pub(super) struct Snapshots {
    server: Server,
    directories: SnapshotDirs,
    running: Option<Running>,
    /// Of the last one that was begun.
    number: u64,
    /// Learners that are to get one, first come first.
    waiting: VecDeque<LinkId>,
    /// Of one that was begun for them.
    wanted: Option<Wanted>,
    /// Who waits for one that is not begun yet.
    asked: Vec<Asker>,
    /// None is begun while the disk's thread changes what is there, which is until this operation is durable.
    barred: Option<Ticket>,
}

/// Who wants a snapshot, and hears its zxid when it is on disk, or why it is not.
#[derive(Debug)]
pub(super) struct Asker(pub oneshot::Sender<Result<Zxid, String>>);

impl Asker {
    /// One that has gone meanwhile does not hear of it.
    fn tell(self, outcome: Result<Zxid, String>) {
        let _ = self.0.send(outcome);
    }
}

/// What was asked for, and is being written.
struct Wanted {
    number: u64,
    askers: Vec<Asker>,
}

struct Running {
    number: u64,
    /// The learner that it is sent to, where it is not written.
    link: Option<LinkId>,
    thread: JoinHandle<()>,
    given_up: Arc<AtomicBool>,
}

impl Snapshots {
    pub fn new(server: Server, directories: SnapshotDirs) -> Self {
        Snapshots {
            server,
            directories,
            running: None,
            number: 0,
            waiting: VecDeque::new(),
            wanted: None,
            asked: Vec::new(),
            barred: None,
        }
    }

    pub fn directories(&self) -> SnapshotDirs {
        self.directories.clone()
    }

    /// Of the last one that was begun.
    pub fn last_number(&self) -> u64 {
        self.number
    }

    /// Begins to write a snapshot of the tree as it is now, unless one is being taken.
    pub fn begin(&mut self) {
        if self.barred.is_some() {
            return; // the log is about to be another
        }
        if self.running.is_some() {
            return tracing::warn!("a snapshot is still being taken; the next one has to wait");
        }
        self.begin_one();
    }

    /// Somebody wants one of the tree as it is now, or later.
    pub fn ask_for(&mut self, asker: Asker) {
        self.asked.push(asker);
        self.begin_asked();
    }

    /// Begins the one that was asked for, if none is being taken.
    pub fn begin_asked(&mut self) {
        let is_busy = self.barred.is_some() || self.running.is_some() || self.wanted.is_some();
        if self.asked.is_empty() || is_busy {
            return;
        }
        let askers = std::mem::take(&mut self.asked);
        self.begin_one();
        match &self.running {
            Some(running) => {
                self.wanted = Some(Wanted {
                    number: running.number,
                    askers,
                })
            }
            None => tell_all(askers, &Err("no thread can be started".to_owned())),
        }
    }

    fn begin_one(&mut self) {
        let directory = self.directories.snapshots.clone();
        self.start(None, move |server, head, cursor, given_up| {
            let outcome = write_snapshot(server, directory, &head, cursor, given_up);
            outcome.map_err(|error| format!("snapshot of {}: {error}", head.zxid))
        });
    }

    /// Sends the tree as it is now, of this zxid.
    pub fn send(&mut self, zxid: Zxid, link: LinkId, source: StreamSource) {
        let at = self.server.tree.read().last_zxid();
        assert!(at == zxid, "SNAP says {zxid}, and the tree is of {at}");
        self.start(Some(link), move |server, head, cursor, given_up| {
            let sent = send_nodes(server, &head, cursor, (link, source), given_up);
            server.tree.write().end_snapshot();
            Ok(sent.unwrap_or(SnapshotEnd::Sent))
        });
    }

    fn start(
        &mut self,
        link: Option<LinkId>,
        work: impl FnOnce(&Shared, SnapshotHead, Cursor, &AtomicBool) -> Result<SnapshotEnd, String>
        + Send
        + 'static,
    ) {
        let (head, cursor) = self
            .server
            .tree
            .write()
            .begin_snapshot(limits::MAX_SNAPSHOT_IMAGE_BYTES);
        let given_up = Arc::new(AtomicBool::new(false));
        let (server, flag) = (self.server.clone(), given_up.clone());
        self.number += 1;
        let number = self.number;
        let take = move || {
            let outcome = work(&server, head, cursor, &flag);
            server.replica.push(Input::SnapshotDone(number, outcome));
        };
        let thread = std::thread::Builder::new().name("snapshot".to_owned());
        match thread.spawn(take) {
            Ok(thread) => {
                self.running = Some(Running {
                    number,
                    link,
                    thread,
                    given_up,
                });
            }
            Err(error) => {
                self.server.tree.write().end_snapshot();
                let outcome = Err(format!("cannot take a snapshot: {error}"));
                self.server
                    .replica
                    .push(Input::SnapshotDone(number, outcome));
            }
        }
    }

    /// A snapshot that could not be written costs nothing but the longer log: the next one is
    /// tried in its turn.
    pub fn done(&mut self, number: u64, outcome: Result<SnapshotEnd, String>) {
        let running = self.running.as_ref();
        if running.is_some_and(|running| running.number == number) {
            self.wait();
        }
        if let Some(wanted) = self.wanted.take_if(|wanted| wanted.number == number) {
            tell_all(wanted.askers, &told(&outcome));
        }
        match outcome {
            Ok(SnapshotEnd::Written(_)) => drop(self.server.stats.snapshots.fetch_add(1, Relaxed)),
            Ok(SnapshotEnd::Sent | SnapshotEnd::GivenUp) => {}
            Err(error) => tracing::error!("{error}"),
        }
    }

    /// Waits for the one that is being taken.
    pub fn wait(&mut self) {
        if let Some(running) = self.running.take()
            && running.thread.join().is_err()
        {
            tracing::error!("the snapshot thread has ended by a bug");
        }
    }

    /// The learner that is being sent one.
    pub fn receiver(&self) -> Option<LinkId> {
        self.running.as_ref()?.link
    }

    /// The tree is about to be another one: one of the present tree is no longer wanted.
    pub fn give_up(&mut self) {
        if let Some(running) = &self.running {
            running.given_up.store(true, Relaxed);
        }
        self.wait();
    }

    /// This learner is to get one, in its turn.
    pub fn ask(&mut self, link: LinkId) {
        self.waiting.push_back(link);
    }

    /// Whose turn it is, if none is being taken.
    pub fn take_next(&mut self) -> Option<LinkId> {
        match self.running {
            Some(_) => None,
            None => self.waiting.pop_front(),
        }
    }

    /// The disk's thread is to bring the files to another state: the one that is being taken is given up, and none is begun
    /// until this operation is done.
    pub fn bar(&mut self, until: Ticket) {
        self.give_up();
        self.barred = Some(until);
    }

    /// All operations up to this one are done.
    pub fn unbar(&mut self, done: Ticket) {
        self.barred.take_if(|until| *until <= done);
    }
}

fn told(outcome: &Result<SnapshotEnd, String>) -> Result<Zxid, String> {
    match outcome {
        Ok(SnapshotEnd::Written(zxid)) => Ok(*zxid),
        Ok(SnapshotEnd::Sent | SnapshotEnd::GivenUp) => Err("it was given up".to_owned()),
        Err(error) => Err(error.clone()),
    }
}

fn tell_all(askers: Vec<Asker>, outcome: &Result<Zxid, String>) {
    askers
        .into_iter()
        .for_each(|asker| asker.tell(outcome.clone()));
}

/// Writes the snapshot that was begun, and ends it in the tree whatever happens.
fn write_snapshot(
    server: &Shared,
    directory: RealDir,
    head: &SnapshotHead,
    cursor: Cursor,
    given_up: &AtomicBool,
) -> Result<SnapshotEnd, IoError> {
    let began = Instant::now();
    let written = write_nodes(server, directory, head, cursor, given_up);
    let tail = server.tree.write().end_snapshot();
    let Some(snapshot) = written? else {
        return Ok(SnapshotEnd::GivenUp);
    };
    let nodes = snapshot.nodes();
    let bytes = snapshot.finish(tail, seal_rules(&server.config))?;
    let took = began.elapsed();
    server.metrics.snapshottime.add_begun_ms(took);
    tracing::info!(zxid = %head.zxid, nodes, bytes, ?took, "snapshot written");
    Ok(SnapshotEnd::Written(head.zxid))
}

/// Slices are taken under the shared lock and sent without it.
fn send_nodes(
    server: &Shared,
    head: &SnapshotHead,
    cursor: Cursor,
    (link, source): (LinkId, StreamSource),
    given_up: &AtomicBool,
) -> Result<SnapshotEnd, LinkGone> {
    let began = Instant::now();
    let mut told = began;
    let mut sender = TreeSender::begin(head, cursor);
    while sender.read_slice(&server.tree.read(), limits::SNAPSHOT_SLICE) {
        if is_unwanted(server, given_up) {
            return Ok(SnapshotEnd::GivenUp); // the source is not finished: its link ends
        }
        source.blocking_put(sender.take())?;
        if told.elapsed() > PROGRESS_PAUSE {
            told = Instant::now();
            server.replica.push(Input::Progress(link));
        }
    }
    source.blocking_put(sender.finish())?;
    source.blocking_finish()?;
    server.replica.push(Input::Progress(link));
    tracing::info!(zxid = %head.zxid, took = ?began.elapsed(), "snapshot sent");
    Ok(SnapshotEnd::Sent)
}

fn is_unwanted(server: &Shared, given_up: &AtomicBool) -> bool {
    server.stopping.load(Relaxed) || given_up.load(Relaxed)
}

/// Slices are taken under the shared lock and written without it. None if it is no
/// longer wanted: what was written so far goes.
fn write_nodes(
    server: &Shared,
    directory: RealDir,
    head: &SnapshotHead,
    cursor: Cursor,
    given_up: &AtomicBool,
) -> Result<Option<TreeSnapshot<RealDir>>, IoError> {
    let format = server.config.snapshot_compression;
    let mut snapshot = TreeSnapshot::begin(directory, head, cursor, format)?;
    let mut more = true;
    while more {
        if is_unwanted(server, given_up) {
            return Ok(None);
        }
        more = snapshot.read_slice(&server.tree.read(), limits::SNAPSHOT_SLICE);
        snapshot.write_slice()?;
    }
    Ok(Some(snapshot))
}

/// Writes snapshot.0 of a new database, before anything is logged: a log without any snapshot
/// would be refused at the next start.
pub fn write_first_snapshot(server: &Shared, directory: &RealDir) -> Result<(), IoError> {
    let (head, cursor) = server
        .tree
        .write()
        .begin_snapshot(limits::MAX_SNAPSHOT_IMAGE_BYTES);
    assert_eq!(head.zxid, Zxid::ZERO);
    let wanted = AtomicBool::new(false);
    write_snapshot(server, directory.clone(), &head, cursor, &wanted).map(drop)
}
