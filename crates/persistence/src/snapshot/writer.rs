//! Writing a snapshot.
//!
//! Apache writes a periodic snapshot in place and does not fsync it; its fsynced snapshots, after
//! a SNAP, go to `name.tmp` and are renamed (`AtomicFileOutputStream`). Here each one does, so a
//! snapshot that has its name is whole. Apache takes no harm of a `.tmp` that a crash left: it
//! fails the quick look, or is whole, and a purge removes it.

use bytes::BytesMut;
use proto::records::{Acl, FileHeader, StatPersisted};
use proto::{Encode, SessionId, Zxid};
use simd_adler32::Adler32;

use super::body::{END_PATH, put_head, put_node};
use super::compression::Sink;
use super::{SNAPSHOT_MAGIC, SnapshotSeals, TEMPORARY};
use crate::{Compression, Dir, File, IoError, SyncPoint, snapshot_name};

/// Bytes that are gathered before they are summed and compressed.
const BUFFER_BYTES: usize = 64 << 10;

/// A snapshot that is being written: sessions and ACLs first, then each node, then the seals.
/// Dropped before [`SnapshotWriter::finish`], it leaves nothing behind.
pub struct SnapshotWriter<D: Dir> {
    dir: D,
    zxid: Zxid,
    name: String,
    /// None once the file is whole.
    sink: Option<Sink<D::File>>,
    buffer: BytesMut,
    sum: Adler32,
}

impl<D: Dir> SnapshotWriter<D> {
    /// Begins `snapshot.<zxid>`: header, sessions with their timeouts in ms, and the ACL table,
    /// in the order given.
    pub fn begin<'a>(
        dir: D,
        zxid: Zxid,
        compression: Compression,
        sessions: &[(SessionId, i32)],
        acls: impl ExactSizeIterator<Item = (i64, &'a [Acl<'a>])>,
    ) -> Result<Self, IoError> {
        let name = snapshot_name(zxid, compression);
        let temporary = name.clone() + TEMPORARY;
        let sink = dir
            .create(&temporary)
            .and_then(|file| Sink::new(file, compression))
            .map_err(IoError::on("create", &dir, &temporary))?;
        let mut writer = SnapshotWriter {
            dir,
            zxid,
            name,
            sink: Some(sink),
            buffer: BytesMut::with_capacity(BUFFER_BYTES),
            sum: Adler32::new(),
        };
        let header = FileHeader {
            magic: SNAPSHOT_MAGIC,
            version: 2,
            dbid: -1,
        };
        header.encode(&mut writer.buffer);
        put_head(sessions, acls, &mut writer.buffer);
        writer.flush_when_full()?;
        Ok(writer)
    }

    /// Adds a node. The root comes first, with an empty path; each parent before its children.
    pub fn node(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        acl_id: i64,
        stat: &StatPersisted,
    ) -> Result<(), IoError> {
        put_node(path, data, acl_id, stat, &mut self.buffer);
        self.flush_when_full()
    }

    /// Ends the snapshot, makes it durable and gives it its name. Returns its bytes on disk.
    pub fn finish(self, seals: &SnapshotSeals) -> Result<u64, IoError> {
        self.finish_unnamed(seals)?.name()
    }

    /// Ends the snapshot and makes it durable; it does not count before it has its name.
    pub fn finish_unnamed(mut self, seals: &SnapshotSeals) -> Result<UnnamedSnapshot<D>, IoError> {
        END_PATH.encode(&mut self.buffer);
        self.seal()?;
        if let Some(digest) = &seals.digest {
            digest.zxid.encode(&mut self.buffer);
            digest.version.encode(&mut self.buffer);
            digest.digest.encode(&mut self.buffer);
            self.seal()?;
        }
        if let Some(zxid) = &seals.last_zxid {
            zxid.encode(&mut self.buffer);
            self.seal()?;
        }
        self.flush()?;
        self.make_durable()
    }

    /// Each seal sums all bytes before it, earlier seals too.
    fn seal(&mut self) -> Result<(), IoError> {
        self.flush()?;
        i64::from(self.sum.finish()).encode(&mut self.buffer);
        END_PATH.encode(&mut self.buffer);
        Ok(())
    }

    fn make_durable(mut self) -> Result<UnnamedSnapshot<D>, IoError> {
        let sink = self.sink.take().expect("finish takes the writer");
        let mut snapshot = UnnamedSnapshot {
            dir: self.dir.clone(),
            zxid: self.zxid,
            name: std::mem::take(&mut self.name),
            bytes: 0,
            named: false,
        };
        let durable = sink.finish().and_then(|(file, length)| {
            file.sync_data(SyncPoint::SnapshotFile)?;
            Ok(length)
        });
        snapshot.bytes =
            durable.map_err(IoError::on("write", &snapshot.dir, &snapshot.temporary()))?;
        Ok(snapshot)
    }

    fn flush_when_full(&mut self) -> Result<(), IoError> {
        if self.buffer.len() < BUFFER_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), IoError> {
        self.sum.write(&self.buffer);
        let sink = self.sink.as_mut().expect("finish takes the writer");
        sink.write_all(&self.buffer)
            .map_err(IoError::on("write", &self.dir, &self.name))?;
        self.buffer.clear();
        Ok(())
    }
}

impl<D: Dir> Drop for SnapshotWriter<D> {
    fn drop(&mut self) {
        if self.sink.is_some() {
            remove_temporary(&self.dir, &self.name);
        }
    }
}

/// A snapshot whose bytes are durable under a temporary name. Dropped without a name, it leaves
/// nothing behind.
pub struct UnnamedSnapshot<D: Dir> {
    dir: D,
    zxid: Zxid,
    name: String,
    bytes: u64,
    named: bool,
}

impl<D: Dir> UnnamedSnapshot<D> {
    /// Where it is.
    pub fn dir(&self) -> &D {
        &self.dir
    }

    /// The last txn in it.
    pub fn zxid(&self) -> Zxid {
        self.zxid
    }

    /// Gives it its name, durably. Returns its bytes on disk.
    pub fn name(mut self) -> Result<u64, IoError> {
        let (dir, temporary) = (&self.dir, self.temporary());
        dir.rename(&temporary, &self.name)
            .map_err(IoError::on("rename", dir, &temporary))?;
        self.named = true;
        dir.sync(SyncPoint::NewSnapshot)
            .map_err(IoError::dir("fsync", dir))?;
        Ok(self.bytes)
    }

    fn temporary(&self) -> String {
        self.name.clone() + TEMPORARY
    }
}

impl<D: Dir> Drop for UnnamedSnapshot<D> {
    fn drop(&mut self) {
        if !self.named {
            remove_temporary(&self.dir, &self.name);
        }
    }
}

/// Recovery removes it if this fails.
fn remove_temporary<D: Dir>(dir: &D, name: &str) {
    let _ = dir.remove(&(name.to_owned() + TEMPORARY));
}
