//! Writing the txn log (`FileTxnLog.java`): batches in, one write and one fdatasync each.
//!
//! Owns which file a record goes to, the padding, and the latch after a failure. Must not know
//! what a record says beyond its zxid.

use std::io;
use std::time::{Duration, Instant};

use bytes::{BufMut, BytesMut};
use proto::{Encode, Zxid, records::FileHeader};

use crate::log_reader::{Frame, Segment};
use crate::padding::padded_size;
use crate::{Dir, File, IoError, LogError, SyncPoint, log_name};

/// "ZKLG".
pub(crate) const LOG_MAGIC: i32 = 0x5a4b_4c47;
/// Bytes of the header of a log.
pub(crate) const HEADER_BYTES: u64 = 16;
/// Bytes around a record's own: checksum, length and end mark.
pub(crate) const FRAME_BYTES: u64 = 8 + 4 + 1;
/// Behind each record: the letter B.
pub(crate) const END_MARK: u8 = 0x42;
/// A batch buffer that has grown beyond this is given back after its commit.
const KEPT_BUFFER_BYTES: usize = 4 << 20;

/// How a [`TxnLog`] writes.
#[derive(Clone, Debug)]
pub struct TxnLogOptions {
    /// By how much a file grows ahead of its records; 0 for not at all (`preAllocSize`, there in
    /// KiB).
    pub pre_alloc_bytes: u64,
    /// A file larger than this, padding included as Apache counts it, is followed by a new one
    /// (`zookeeper.txnLogSizeLimitInKb`).
    pub size_limit_bytes: Option<u64>,
    /// False: never fsync, and lose acknowledged writes with the power (`forceSync=no`).
    pub force_sync: bool,
}

impl Default for TxnLogOptions {
    fn default() -> Self {
        TxnLogOptions {
            pre_alloc_bytes: 64 << 20,
            size_limit_bytes: None,
            force_sync: true,
        }
    }
}

/// What a commit did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// Records that are durable now and were not before.
    pub records: usize,
    /// Their bytes, frames and file header included.
    pub bytes: u64,
    /// How long the system took to make them durable; zero without `force_sync`.
    pub sync_time: Duration,
    /// Size of the file written to, padding included.
    pub file_size: u64,
}

/// The file that records go to.
struct Current<F> {
    name: String,
    /// None until the first write: a file is made together with its first batch.
    file: Option<F>,
    /// Where the next write goes.
    written: u64,
    /// The size that padding calls for.
    padded: u64,
    /// The size that the file has.
    length: u64,
}

impl<F> Current<F> {
    fn new(first: Zxid) -> Self {
        Current {
            name: log_name(first),
            file: None,
            written: 0,
            padded: HEADER_BYTES,
            length: 0,
        }
    }

    /// `FileTxnLog.getCurrentLogSize`.
    fn size(&self) -> u64 {
        self.padded.max(self.written)
    }
}

/// The txn log, open to append. Each one begins a new file: what an earlier process left is
/// never written to.
pub struct TxnLog<D: Dir> {
    dir: D,
    options: TxnLogOptions,
    current: Option<Current<D::File>>,
    /// Whether the current file has records not yet durable.
    dirty: bool,
    /// Whether a file was made whose name is not yet durable.
    new_name: bool,
    batch: BytesMut,
    committing: Committed,
    size_before_current: u64,
    closed: bool,
}

impl<D: Dir> TxnLog<D> {
    /// A log in `dir`, whose old files must have been recovered. Touches nothing yet.
    pub fn new(dir: D, options: TxnLogOptions) -> Self {
        TxnLog {
            dir,
            options,
            current: None,
            dirty: false,
            new_name: false,
            batch: BytesMut::new(),
            committing: Committed::default(),
            size_before_current: 0,
            closed: false,
        }
    }

    /// Takes a record into the batch. `record` is header, txn and digest; zxids must rise.
    /// Nothing is written before [`TxnLog::commit`] or [`TxnLog::roll`].
    ///
    /// # Errors
    /// [`LogError::Closed`] after any failure.
    pub fn append(&mut self, zxid: Zxid, record: &[u8]) -> Result<(), LogError> {
        self.check_open()?;
        assert!(!record.is_empty(), "an empty record would end the log");
        let before = self.batch.len();
        if self.current.is_none() {
            self.current = Some(Current::new(zxid));
            put_header(&mut self.batch);
        }
        if let Some(current) = &mut self.current {
            let position = current.written.max(HEADER_BYTES);
            current.padded = padded_size(position, current.padded, self.options.pre_alloc_bytes);
        }
        put_record(record, &mut self.batch);
        self.committing.records += 1;
        self.committing.bytes += (self.batch.len() - before) as u64;
        Ok(())
    }

    /// Bytes that wait for the next commit.
    pub fn pending_bytes(&self) -> usize {
        self.batch.len()
    }

    /// Makes durable all that was appended: one write, one fdatasync, and a directory fsync
    /// when a file is new. Does nothing when nothing was appended since the last commit.
    ///
    /// # Errors
    /// Any failure closes the log for good: what is on disk is unknown, and a second fsync could
    /// report success for bytes that the system has dropped.
    pub fn commit(&mut self) -> Result<Committed, LogError> {
        self.check_open()?;
        self.make_durable()?;
        let committed = Committed {
            file_size: self.current.as_ref().map_or(0, Current::size),
            ..std::mem::take(&mut self.committing)
        };
        let limit = self.options.size_limit_bytes;
        if limit.is_some_and(|limit| committed.file_size > limit) {
            self.leave_file()?;
        }
        Ok(committed)
    }

    /// Leaves the current file; the next record begins a new one. Called before a snapshot is
    /// taken, so the size since the last snapshot begins again at 0 (`ZKDatabase.rollLog`).
    ///
    /// Records appended but not committed go to the old file and are made durable at once, to be
    /// reported by the next commit: or else a power failure could leave the new file's records
    /// without those before them. Apache syncs both files together.
    ///
    /// # Errors
    /// As [`TxnLog::commit`].
    pub fn roll(&mut self) -> Result<(), LogError> {
        self.check_open()?;
        self.leave_file()?;
        self.size_before_current = 0;
        Ok(())
    }

    /// Size of the log files since the last [`TxnLog::roll`], padding included as Apache counts
    /// it (`FileTxnLog.getTotalLogSize`): what `snapSizeLimitInKb` is compared with.
    pub fn size_since_roll(&self) -> u64 {
        self.size_before_current + self.current.as_ref().map_or(0, Current::size)
    }

    /// Cuts the log behind `zxid`; see [`crate::truncate`]. All must be committed.
    ///
    /// # Errors
    /// As [`crate::truncate`]; a failed write or fsync closes the log.
    pub fn truncate(&mut self, zxid: Zxid, max_record_bytes: u32) -> Result<Zxid, LogError> {
        self.check_open()?;
        assert!(self.batch.is_empty(), "truncate with a batch not committed");
        self.leave_file()?;
        let outcome = crate::truncate(&self.dir, zxid, max_record_bytes);
        self.latch(outcome)
    }

    fn check_open(&self) -> Result<(), LogError> {
        if !self.closed {
            return Ok(());
        }
        Err(LogError::Closed {
            dir: self.dir.path().to_owned(),
        })
    }

    fn latch<T>(&mut self, outcome: Result<T, LogError>) -> Result<T, LogError> {
        self.closed |= matches!(
            outcome,
            Err(LogError::Io(_) | LogError::WouldOverwrite { .. })
        );
        outcome
    }

    fn leave_file(&mut self) -> Result<(), LogError> {
        self.make_durable()?;
        if let Some(current) = self.current.take() {
            self.size_before_current += current.size();
        }
        Ok(())
    }

    fn make_durable(&mut self) -> Result<(), LogError> {
        let outcome = self.write_batch().and_then(|()| self.sync());
        self.latch(outcome)
    }

    fn write_batch(&mut self) -> Result<(), LogError> {
        let Some(current) = self.current.as_mut().filter(|_| !self.batch.is_empty()) else {
            return Ok(());
        };
        if current.file.is_none() {
            current.file = Some(create_log(&self.dir, &current.name)?);
            self.new_name = true;
        }
        let file = current.file.as_ref().expect("was just made");
        if current.padded > current.length {
            file.set_len(current.padded).map_err(IoError::on(
                "extend",
                &self.dir,
                &current.name,
            ))?;
            current.length = current.padded;
        }
        file.write_at(&self.batch, current.written)
            .map_err(IoError::on("write", &self.dir, &current.name))?;
        current.written += self.batch.len() as u64;
        current.length = current.length.max(current.written);
        self.dirty = true;
        self.batch.clear();
        if self.batch.capacity() > KEPT_BUFFER_BYTES {
            self.batch = BytesMut::new();
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), LogError> {
        let Some(current) = self.current.as_ref().filter(|_| self.dirty) else {
            return Ok(());
        };
        if !self.options.force_sync {
            return Ok(());
        }
        let start = Instant::now();
        if self.new_name {
            self.dir
                .sync(SyncPoint::NewLogFile)
                .map_err(IoError::dir("fsync", &self.dir))?;
        }
        if let Some(file) = &current.file {
            file.sync_data(SyncPoint::LogRecords).map_err(IoError::on(
                "fsync",
                &self.dir,
                &current.name,
            ))?;
        }
        (self.new_name, self.dirty) = (false, false);
        self.committing.sync_time += start.elapsed();
        Ok(())
    }
}

/// Makes a log file. One of that name may be there when no record of it was whole: its only
/// record was torn, and the next one has the same zxid.
fn create_log<D: Dir>(dir: &D, name: &str) -> Result<D::File, LogError> {
    match dir.open(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(IoError::on("open", dir, name)(error).into()),
        Ok(file) => {
            let read = Segment::open(file, name)
                .and_then(|mut old| old.next_frame(i32::MAX as u32))
                .map_err(IoError::on("read", dir, name))?;
            if matches!(read, Frame::Record { .. }) {
                return Err(LogError::WouldOverwrite {
                    file: dir.path().join(name),
                });
            }
        }
    }
    Ok(dir.create(name).map_err(IoError::on("create", dir, name))?)
}

/// The header of a log.
pub(crate) fn put_header(out: &mut BytesMut) {
    FileHeader {
        magic: LOG_MAGIC,
        version: 2,
        dbid: 0,
    }
    .encode(out);
}

/// A record with its frame. The checksum covers the record's bytes alone.
fn put_record(record: &[u8], out: &mut BytesMut) {
    out.put_i64(i64::from(adler32(record)));
    record.encode(out);
    out.put_u8(END_MARK);
}

pub(crate) fn adler32(bytes: &[u8]) -> u32 {
    let mut adler = simd_adler32::Adler32::new();
    adler.write(bytes);
    adler.finish()
}
