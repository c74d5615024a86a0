//! A snapshot of a tree that goes on changing, from its first slice to its file.

use datatree::{
    Cursor, DIGEST_VERSION, DataTree, DigestLogEntry, NodeImage, SnapshotHead, SnapshotTail,
};
use persistence::{
    Compression, Dir, IoError, ResyncError, SnapshotDigest, SnapshotSeals, SnapshotWriter,
};
use proto::Zxid;
use proto::records::Acl;

/// Znodes of a received tree that are written at a time: bounds memory.
const INSTALL_SLICE: usize = 1024;

/// Which seals a server's flags ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealRules {
    /// `zookeeper.digest.enabled`.
    pub digest: bool,
    /// `zookeeper.serializeLastProcessedZxid.enabled`.
    pub last_zxid: bool,
}

impl SealRules {
    fn seals(self, tail: SnapshotTail) -> SnapshotSeals {
        let digest = SnapshotDigest {
            zxid: tail.digest.zxid,
            version: DIGEST_VERSION,
            digest: tail.digest.digest,
        };
        SnapshotSeals {
            digest: self.digest.then_some(digest),
            last_zxid: self.last_zxid.then_some(tail.last_zxid),
        }
    }
}

/// How far a tree has been read, and what was read and not yet written.
pub(crate) struct Slices {
    cursor: Cursor,
    slice: Vec<(String, NodeImage)>,
    nodes: usize,
}

impl Slices {
    pub(crate) fn new(cursor: Cursor) -> Self {
        Slices {
            cursor,
            slice: Vec::new(),
            nodes: 0,
        }
    }

    /// Reads up to `budget` znodes; false when there are no more.
    pub(crate) fn read(&mut self, tree: &DataTree, budget: usize) -> bool {
        let slice = &mut self.slice;
        let before = slice.len();
        let mut keep = |path: &str, image| slice.push((path.to_owned(), image));
        let more = tree.snapshot_slice(&mut self.cursor, budget, &mut keep);
        self.nodes += self.slice.len() - before;
        more
    }

    /// Hands out what was read.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = (String, NodeImage)> + '_ {
        self.slice.drain(..)
    }
}

/// The ACL table of a snapshot.
pub(crate) fn acl_table<'a>(
    head: &'a SnapshotHead,
) -> impl ExactSizeIterator<Item = (i64, &'a [Acl<'a>])> {
    head.acls.iter().map(|(id, list)| (*id, &list[..]))
}

/// A snapshot that is being written. Reading a slice needs the tree, writing it does not: a lock
/// need not be held over the disk.
pub struct TreeSnapshot<D: Dir> {
    writer: SnapshotWriter<D>,
    slices: Slices,
}

impl<D: Dir> TreeSnapshot<D> {
    /// Writes what `DataTree::begin_snapshot` returned to a new file in `dir`. Whoever called that
    /// calls `end_snapshot` too, also when this fails.
    pub fn begin(
        dir: D,
        head: &SnapshotHead,
        cursor: Cursor,
        compression: Compression,
    ) -> Result<Self, IoError> {
        let acls = acl_table(head);
        let writer = SnapshotWriter::begin(dir, head.zxid, compression, &head.sessions, acls)?;
        Ok(TreeSnapshot {
            writer,
            slices: Slices::new(cursor),
        })
    }

    /// Znodes read so far.
    pub fn nodes(&self) -> usize {
        self.slices.nodes
    }

    /// Reads up to `budget` znodes from the tree; false when there are no more.
    pub fn read_slice(&mut self, tree: &DataTree, budget: usize) -> bool {
        self.slices.read(tree, budget)
    }

    /// Writes what was read.
    pub fn write_slice(&mut self) -> Result<(), IoError> {
        for (path, image) in self.slices.drain() {
            let data = image.data.as_deref();
            self.writer.node(&path, data, image.acl_id, &image.stat)?;
        }
        Ok(())
    }

    /// Ends the file, makes it durable and gives it its name. `tail` is what `end_snapshot`
    /// returned. Returns the file's bytes on disk.
    pub fn finish(mut self, tail: SnapshotTail, rules: SealRules) -> Result<u64, IoError> {
        self.write_slice()?;
        self.writer.finish(&rules.seals(tail))
    }
}

/// Puts a tree that came from a leader in the place of all that the files hold; see
/// [`persistence::install`]. Returns the bytes of its snapshot on disk.
///
/// The digest that is sealed is none, as in Apache: what Apache's leader sent may show txns behind
/// its zxid.
pub fn install_tree<D: Dir>(
    tree: &mut DataTree,
    snap_dir: &D,
    log_dir: &D,
    compression: Compression,
    rules: SealRules,
    max_field_bytes: u32,
) -> Result<u64, ResyncError> {
    let (head, cursor) = tree.begin_snapshot(usize::MAX);
    let written = write_all(tree, snap_dir, &head, cursor, compression);
    let mut tail = tree.end_snapshot();
    tail.digest = DigestLogEntry {
        zxid: Zxid::ZERO,
        digest: 0,
    };
    let unnamed = written?.writer.finish_unnamed(&rules.seals(tail))?;
    persistence::install(unnamed, log_dir, max_field_bytes)
}

fn write_all<D: Dir>(
    tree: &DataTree,
    dir: &D,
    head: &SnapshotHead,
    cursor: Cursor,
    compression: Compression,
) -> Result<TreeSnapshot<D>, IoError> {
    let mut snapshot = TreeSnapshot::begin(dir.clone(), head, cursor, compression)?;
    let mut more = true;
    while more {
        more = snapshot.read_slice(tree, INSTALL_SLICE);
        snapshot.write_slice()?;
    }
    Ok(snapshot)
}
