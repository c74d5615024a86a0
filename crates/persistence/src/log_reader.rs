//! Reading the txn log over several files (`FileTxnLog.FileTxnIterator`).
//!
//! Owns where a log begins and ends, and what bytes that are no record mean. Changes nothing on
//! disk. Must not know what a txn does.
//!
//! A file ends at its end, at a record of length 0, or at bytes that are no record:
//!
//! - no valid record behind them, in this file or a later one: a *torn tail*, a batch that was
//!   never acknowledged;
//! - the next file goes on with the very next zxid: a torn tail, after which a server started
//!   again (each start begins a new file);
//! - else the log is damaged, and refused.
//!
//! Apache 3.9.5 refuses every wrong checksum, and takes zeros and cut records for the end of the
//! file without a look at what follows.

use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use proto::Zxid;

use crate::scan::{Rest, scan};
use crate::txn_log::{END_MARK, FRAME_BYTES, HEADER_BYTES, LOG_MAGIC, adler32};
use crate::{DamageKind, Dir, File, IoError, LogError, parse_log_name};

/// Bytes of a TxnHeader, the least that a record has.
pub(crate) const TXN_HEADER_BYTES: usize = 32;
const READ_BUFFER_BYTES: usize = 64 << 10;

/// A record of the log. Its checksum was right.
#[derive(Clone, Debug)]
pub struct LogRecord {
    /// The zxid in its header.
    pub zxid: Zxid,
    /// The file that holds it.
    pub file: Arc<str>,
    /// Where its frame begins in the file.
    pub offset: u64,
    /// Header, txn and digest.
    pub bytes: Bytes,
}

impl LogRecord {
    /// Where the next record begins.
    pub fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64 + FRAME_BYTES
    }
}

/// The end of a file that holds something that is no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub file: Arc<str>,
    /// Where the tail begins; below 16 when the header itself is not whole.
    pub offset: u64,
    /// What is wrong there.
    pub kind: DamageKind,
    /// Whether a later file goes on with the next zxid. If not, this is the end of the log.
    pub followed: bool,
}

/// Reads the records of a log directory in order.
///
/// The length of a file is taken when the file is opened: on a log that is being written, the
/// caller must stop at the last zxid that it knows to be committed.
pub struct LogReader<D: Dir> {
    dir: D,
    /// The files that come, the next one last.
    files: Vec<String>,
    current: Option<Segment<D::File>>,
    from: Zxid,
    max_record_bytes: u32,
    /// The highest zxid read, or that comes before `from`.
    last: Zxid,
    torn: Vec<TornTail>,
}

impl<D: Dir> LogReader<D> {
    /// Begins at the first record whose zxid is at least `from`, in the newest file that could
    /// hold it (`FileTxnIterator.init`). `max_record_bytes`: see
    /// [`crate::DEFAULT_MAX_FIELD_BYTES`].
    pub fn open(dir: D, from: Zxid, max_record_bytes: u32) -> Result<Self, LogError> {
        let names = dir.list().map_err(IoError::dir("list", &dir))?;
        let files = files_from(&names, from);
        Ok(Self::over(dir, files, from, max_record_bytes))
    }

    /// Begins at the first record of the file that is named after `first`.
    pub(crate) fn open_at(dir: D, first: Zxid, max_record_bytes: u32) -> Result<Self, LogError> {
        let names = dir.list().map_err(IoError::dir("list", &dir))?;
        let mut files = files_from(&names, first);
        files.retain(|name| parse_log_name(name) >= Some(first));
        Ok(Self::over(dir, files, first, max_record_bytes))
    }

    fn over(dir: D, files: Vec<String>, from: Zxid, max_record_bytes: u32) -> Self {
        LogReader {
            files,
            dir,
            current: None,
            from,
            max_record_bytes,
            last: Zxid(from.0.saturating_sub(1)),
            torn: Vec::new(),
        }
    }

    /// The next record, or none at the end of the log. After an error the reader is done.
    pub fn next_record(&mut self) -> Result<Option<LogRecord>, LogError> {
        while self.current.is_some() || self.open_next_file()? {
            let Some(record) = self.next_in_file()? else {
                self.current = None;
                continue;
            };
            if record.zxid >= self.from {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The torn tails met so far.
    pub fn torn_tails(&self) -> &[TornTail] {
        &self.torn
    }

    fn open_next_file(&mut self) -> Result<bool, LogError> {
        let Some(name) = self.files.pop() else {
            return Ok(false);
        };
        let segment = self
            .dir
            .open(&name)
            .and_then(|file| Segment::open(file, &name))
            .map_err(IoError::on("read", &self.dir, &name))?;
        self.current = Some(segment);
        Ok(true)
    }

    fn next_in_file(&mut self) -> Result<Option<LogRecord>, LogError> {
        let Some(segment) = &mut self.current else {
            return Ok(None);
        };
        let frame = segment
            .next_frame(self.max_record_bytes)
            .map_err(IoError::on("read", &self.dir, &segment.name))?;
        let (offset, bytes) = match frame {
            Frame::Record { offset, bytes } => (offset, bytes),
            Frame::Stop(kind) => return self.end_of_file(kind).map(|()| None),
        };
        let file = segment.name.clone();
        let zxid = zxid_of(&bytes).map_err(|source| LogError::NotATxn {
            file: self.dir.path().join(&*file),
            offset,
            source: source.into(),
        })?;
        let record = LogRecord {
            zxid,
            file,
            offset,
            bytes,
        };
        self.check_torn_before(&record)?;
        self.last = self.last.max(zxid);
        Ok(Some(record))
    }

    /// Looks at what stands behind the last record of the current file.
    fn end_of_file(&mut self, kind: DamageKind) -> Result<(), LogError> {
        let Some(segment) = &self.current else {
            return Ok(());
        };
        let (offset, path) = (segment.offset, self.path(&segment.name));
        let rest = scan(segment.file(), offset..segment.length, self.last).map_err(IoError::on(
            "read",
            &self.dir,
            &segment.name,
        ))?;
        match rest {
            Rest::Zeros if kind != DamageKind::Header => Ok(()),
            Rest::Record { at, length } if at == offset && kind != DamageKind::Header => {
                Err(LogError::TooLong {
                    file: path,
                    offset,
                    length,
                    limit: self.max_record_bytes,
                })
            }
            Rest::Record { at, .. } => Err(LogError::Damaged {
                file: path.clone(),
                offset,
                kind,
                valid_file: path,
                valid_offset: at,
            }),
            Rest::Zeros | Rest::Torn => {
                self.torn.push(TornTail {
                    file: segment.name.clone(),
                    offset,
                    kind,
                    followed: false,
                });
                Ok(())
            }
        }
    }

    /// A record behind a torn tail must go on where the log stopped.
    fn check_torn_before(&mut self, record: &LogRecord) -> Result<(), LogError> {
        let Some(first) = self.torn.iter().position(|tail| !tail.followed) else {
            return Ok(());
        };
        if !follows(self.last, record.zxid) {
            let tail = &self.torn[first];
            return Err(LogError::Damaged {
                file: self.path(&tail.file),
                offset: tail.offset,
                kind: tail.kind,
                valid_file: self.path(&record.file),
                valid_offset: record.offset,
            });
        }
        for tail in &mut self.torn[first..] {
            tail.followed = true;
        }
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// The log files among `names` that may hold `from` and what follows, the first one last.
fn files_from(names: &[String], from: Zxid) -> Vec<String> {
    let mut files: Vec<_> = names
        .iter()
        .filter_map(|name| Some((parse_log_name(name)?, name)))
        .collect();
    files.sort();
    let older = files.partition_point(|(first, _)| *first < from);
    let needed = files.split_off(older.saturating_sub(1));
    needed
        .into_iter()
        .rev()
        .map(|(_, name)| name.clone())
        .collect()
}

/// Whether no txn can be missing between the two: the next zxid, or the first of a new epoch.
pub(crate) fn follows(last: Zxid, next: Zxid) -> bool {
    next == last.next() || (next.epoch() > last.epoch() && next.counter() <= 1)
}

/// The zxid in the TxnHeader that a record begins with.
pub(crate) fn zxid_of(record: &[u8]) -> Result<Zxid, jute::Error> {
    let mut input = jute::Input::new(record);
    let header: proto::records::TxnHeader = input.read()?;
    Ok(header.zxid)
}

/// What stands at a place of a log file.
pub(crate) enum Frame {
    /// A record whose checksum is right.
    Record { offset: u64, bytes: Bytes },
    /// The last record is behind us; `Segment::offset` stays where it is.
    Stop(DamageKind),
}

/// One log file that is being read.
pub(crate) struct Segment<F: File> {
    name: Arc<str>,
    reader: BufReader<At<F>>,
    length: u64,
    offset: u64,
    header_ok: bool,
}

impl<F: File> Segment<F> {
    pub(crate) fn open(file: F, name: &str) -> io::Result<Self> {
        let length = file.len()?;
        let reader = BufReader::with_capacity(READ_BUFFER_BYTES, At { file, offset: 0 });
        let mut segment = Segment {
            name: name.into(),
            reader,
            length,
            offset: 0,
            header_ok: false,
        };
        segment.read_header()?;
        Ok(segment)
    }

    fn file(&self) -> &F {
        &self.reader.get_ref().file
    }

    /// Only the magic is looked at, as Apache does.
    fn read_header(&mut self) -> io::Result<()> {
        if self.length < HEADER_BYTES {
            return Ok(());
        }
        let mut header = [0; HEADER_BYTES as usize];
        self.reader.read_exact(&mut header)?;
        self.header_ok = header.starts_with(&LOG_MAGIC.to_be_bytes());
        if self.header_ok {
            self.offset = HEADER_BYTES;
        }
        Ok(())
    }

    /// Reads one record. Room is made only for a length that the file can hold.
    pub(crate) fn next_frame(&mut self, max_record_bytes: u32) -> io::Result<Frame> {
        if !self.header_ok {
            return Ok(Frame::Stop(DamageKind::Header));
        }
        let left = self.length - self.offset;
        if left < FRAME_BYTES {
            return Ok(Frame::Stop(DamageKind::Cut));
        }
        let mut head = [0; 12];
        self.reader.read_exact(&mut head)?;
        let (checksum, length) = split_head(&head);
        let size = match u32::try_from(length) {
            Ok(0) => return Ok(Frame::Stop(DamageKind::Padding)),
            Ok(size) if size <= max_record_bytes => size,
            _ => return Ok(Frame::Stop(DamageKind::Length(length))),
        };
        if u64::from(size) + FRAME_BYTES > left {
            return Ok(Frame::Stop(DamageKind::Cut));
        }
        self.read_body(checksum, size)
    }

    fn read_body(&mut self, checksum: i64, size: u32) -> io::Result<Frame> {
        let mut body = vec![0; size as usize + 1];
        self.reader.read_exact(&mut body)?;
        if body.pop() != Some(END_MARK) {
            return Ok(Frame::Stop(DamageKind::EndMark));
        }
        if checksum != i64::from(adler32(&body)) {
            return Ok(Frame::Stop(DamageKind::Checksum));
        }
        let offset = self.offset;
        self.offset += u64::from(size) + FRAME_BYTES;
        Ok(Frame::Record {
            offset,
            bytes: body.into(),
        })
    }
}

/// Checksum and length of a frame.
pub(crate) fn split_head(head: &[u8; 12]) -> (i64, i32) {
    let [checksum @ .., a, b, c, d] = *head;
    (
        i64::from_be_bytes(checksum),
        i32::from_be_bytes([a, b, c, d]),
    )
}

/// A file read from front to back.
pub(crate) struct At<F> {
    pub(crate) file: F,
    pub(crate) offset: u64,
}

impl<F: File> Read for At<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}
