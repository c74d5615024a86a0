//! Snapshots, written by a thread of their own while writes go on.

use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Instant;

use database::{SealRules, TreeSnapshot};
use datatree::{Cursor, SnapshotHead};
use persistence::{IoError, RealDir};
use proto::Zxid;

use super::Input;
use crate::limits;
use crate::shared::{Server, Shared};

/// Where snapshots go.
#[derive(Clone, Debug)]
pub struct SnapshotDirs {
    /// `dataDir/version-2`.
    pub snapshots: RealDir,
}

/// At most one runs at a time.
pub(super) struct Snapshots {
    server: Server,
    directories: SnapshotDirs,
    running: Option<JoinHandle<()>>,
}

impl Snapshots {
    pub fn new(server: Server, directories: SnapshotDirs) -> Self {
        Snapshots {
            server,
            directories,
            running: None,
        }
    }

    /// Begins a snapshot of the tree as it is now, unless one is being written.
    pub fn begin(&mut self) {
        if self.running.is_some() {
            return tracing::warn!("a snapshot is still being written; the next one has to wait");
        }
        let (head, cursor) = self
            .server
            .tree
            .write()
            .begin_snapshot(limits::MAX_SNAPSHOT_IMAGE_BYTES);
        let (server, directory) = (self.server.clone(), self.directories.snapshots.clone());
        let write = move || {
            let zxid = head.zxid;
            let outcome = write_snapshot(&server, directory, &head, cursor);
            let outcome = outcome.map_err(|error| format!("snapshot of {zxid}: {error}"));
            server.replica.push(Input::SnapshotDone(outcome));
        };
        let thread = std::thread::Builder::new().name("snapshot".to_owned());
        match thread.spawn(write) {
            Ok(handle) => self.running = Some(handle),
            Err(error) => {
                self.server.tree.write().end_snapshot();
                tracing::error!("cannot take a snapshot: {error}");
            }
        }
    }

    /// A snapshot that could not be written costs nothing but the longer log: the next one is
    /// tried in its turn.
    pub fn done(&mut self, outcome: Result<(), String>) {
        self.wait();
        match outcome {
            Ok(()) => drop(self.server.stats.snapshots.fetch_add(1, Relaxed)),
            Err(error) => tracing::error!("{error}"),
        }
    }

    /// Waits for the one that is being written.
    pub fn wait(&mut self) {
        if let Some(running) = self.running.take()
            && running.join().is_err()
        {
            tracing::error!("the snapshot thread has ended by a bug");
        }
    }
}

/// Writes the snapshot that was begun, and ends it in the tree whatever happens.
fn write_snapshot(
    server: &Shared,
    directory: RealDir,
    head: &SnapshotHead,
    cursor: Cursor,
) -> Result<(), IoError> {
    let began = Instant::now();
    let written = write_nodes(server, directory, head, cursor);
    let tail = server.tree.write().end_snapshot();
    let Some(snapshot) = written? else {
        return Ok(());
    };
    let nodes = snapshot.nodes();
    let bytes = snapshot.finish(tail, seal_rules(server))?;
    let took = began.elapsed();
    tracing::info!(zxid = %head.zxid, nodes, bytes, ?took, "snapshot written");
    Ok(())
}

/// Slices are taken under the shared lock and written without it. None if the server stops
/// meanwhile: what was written so far goes.
fn write_nodes(
    server: &Shared,
    directory: RealDir,
    head: &SnapshotHead,
    cursor: Cursor,
) -> Result<Option<TreeSnapshot<RealDir>>, IoError> {
    let format = server.config.snapshot_compression;
    let mut snapshot = TreeSnapshot::begin(directory, head, cursor, format)?;
    let mut more = true;
    while more {
        if server.stopping.load(Relaxed) {
            return Ok(None);
        }
        more = snapshot.read_slice(&server.tree.read(), limits::SNAPSHOT_SLICE);
        snapshot.write_slice()?;
    }
    Ok(Some(snapshot))
}

fn seal_rules(server: &Shared) -> SealRules {
    SealRules {
        digest: server.config.digest_enabled,
        last_zxid: server.config.serialize_last_processed_zxid_enabled,
    }
}

/// Writes snapshot.0 of a new database, before anything is logged: a log without any snapshot
/// would be refused at the next start.
pub fn write_first_snapshot(server: &Shared, directory: &RealDir) -> Result<(), IoError> {
    let (head, cursor) = server
        .tree
        .write()
        .begin_snapshot(limits::MAX_SNAPSHOT_IMAGE_BYTES);
    assert_eq!(head.zxid, Zxid::ZERO);
    write_snapshot(server, directory.clone(), &head, cursor)
}
