//! Snapshots, written by a thread of their own while writes go on.

use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Instant;

use datatree::{Cursor, DIGEST_VERSION, NodeImage, SnapshotHead, SnapshotTail};
use persistence::{Compression, IoError, RealDir, SnapshotDigest, SnapshotSeals, SnapshotWriter};
use proto::Zxid;

use super::Input;
use crate::config::SnapshotCompression;
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
        let (head, cursor) = self.server.tree.write().begin_snapshot(limits::MAX_SNAPSHOT_IMAGE_BYTES);
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

fn compression(setting: SnapshotCompression) -> Compression {
    match setting {
        SnapshotCompression::None => Compression::None,
        SnapshotCompression::Gzip => Compression::Gzip,
        SnapshotCompression::Snappy => Compression::Snappy,
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
    let (writer, nodes) = written?;
    let bytes = writer.finish(&seals(server, tail))?;
    let took = began.elapsed();
    tracing::info!(zxid = %head.zxid, nodes, bytes, ?took, "snapshot written");
    Ok(())
}

type Written = (SnapshotWriter<RealDir>, usize);

/// Slices are taken under the shared lock and written without it.
fn write_nodes(
    server: &Shared,
    directory: RealDir,
    head: &SnapshotHead,
    mut cursor: Cursor,
) -> Result<Written, IoError> {
    let acls: Vec<_> = head.acls.iter().map(|(id, list)| (*id, &**list)).collect();
    let format = compression(server.config.snapshot_compression);
    let mut writer = SnapshotWriter::begin(
        directory,
        head.zxid,
        format,
        &head.sessions,
        acls.into_iter(),
    )?;
    let mut nodes = 0;
    let mut slice: Vec<(String, NodeImage)> = Vec::with_capacity(limits::SNAPSHOT_SLICE);
    let mut more = true;
    while more {
        more = server.tree.read().snapshot_slice(
            &mut cursor,
            limits::SNAPSHOT_SLICE,
            &mut |path, image| slice.push((path.to_owned(), image)),
        );
        nodes += slice.len();
        for (path, image) in slice.drain(..) {
            writer.node(&path, image.data.as_deref(), image.acl_id, &image.stat)?;
        }
    }
    Ok((writer, nodes))
}

fn seals(server: &Shared, tail: SnapshotTail) -> SnapshotSeals {
    let config = &server.config;
    let digest = SnapshotDigest {
        zxid: tail.digest.zxid,
        version: DIGEST_VERSION,
        digest: tail.digest.digest,
    };
    SnapshotSeals {
        digest: config.digest_enabled.then_some(digest),
        last_zxid: config
            .serialize_last_processed_zxid_enabled
            .then_some(tail.last_zxid),
    }
}

/// Writes snapshot.0 of a new database, before anything is logged: a log without any snapshot
/// would be refused at the next start.
pub fn write_first_snapshot(server: &Shared, directory: &RealDir) -> Result<(), IoError> {
    let (head, cursor) = server.tree.write().begin_snapshot(limits::MAX_SNAPSHOT_IMAGE_BYTES);
    assert_eq!(head.zxid, Zxid::ZERO);
    write_snapshot(server, directory.clone(), &head, cursor)
}
