//! A stream of unknown length, read value by value, summed on the way.

use std::io::Read;
use std::path::PathBuf;

use proto::Zxid;
use simd_adler32::Adler32;

use super::body::{BodyError, END_PATH};
use crate::SnapshotError;

const CHUNK_BYTES: usize = 64 << 10;

/// Memory grows with the bytes that are there, never with a length that is only claimed.
pub(super) struct Stream {
    file: PathBuf,
    source: Box<dyn Read>,
    max_field_bytes: u32,
    buffer: Vec<u8>,
    /// What is before it in the buffer has been read.
    position: usize,
    /// What is before it in the buffer has been summed.
    summed: usize,
    /// Where the buffer begins in the stream.
    base: u64,
    sum: Adler32,
}

impl Stream {
    pub(super) fn new(file: PathBuf, source: Box<dyn Read>, max_field_bytes: u32) -> Self {
        Stream {
            file,
            source,
            max_field_bytes,
            buffer: Vec::new(),
            position: 0,
            summed: 0,
            base: 0,
            sum: Adler32::new(),
        }
    }

    /// Where the next value begins, in uncompressed bytes.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> SnapshotError {
        SnapshotError::Damaged {
            file: self.file.clone(),
            offset: self.offset(),
            what: what.into(),
        }
    }

    /// What is wrong with the item that begins here.
    pub(super) fn body_error<E>(&self, error: BodyError<E>) -> SnapshotError
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let (file, offset) = (self.file.clone(), self.offset());
        match error {
            BodyError::Damaged { at, what } => SnapshotError::Damaged {
                file,
                offset: offset + at as u64,
                what,
            },
            BodyError::TooLong { at, length } => SnapshotError::TooLong {
                file,
                offset: offset + at as u64,
                length,
                limit: self.max_field_bytes,
            },
            BodyError::Refused(source) => SnapshotError::Refused {
                file,
                offset,
                source: Box::new(source),
            },
        }
    }

    /// Shows the next `size` bytes without taking them.
    pub(super) fn peek(&mut self, size: usize) -> Result<&[u8], SnapshotError> {
        Ok(&self.peek_all(size)?[..size])
    }

    /// Shows what is there, at least `size` bytes, without taking it.
    pub(super) fn peek_all(&mut self, size: usize) -> Result<&[u8], SnapshotError> {
        while self.buffer.len() - self.position < size {
            if !self.fill()? {
                let left = self.buffer.len() - self.position;
                return Err(self.damaged(format!("{} more bytes are missing", size - left)));
            }
        }
        Ok(&self.buffer[self.position..])
    }

    pub(super) fn skip(&mut self, size: usize) {
        self.position += size;
    }

    /// Takes a number of `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let bytes = self.peek(N)?.try_into().expect("peek returns N bytes");
        self.skip(N);
        Ok(bytes)
    }

    pub(super) fn int(&mut self) -> Result<i32, SnapshotError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn long(&mut self) -> Result<i64, SnapshotError> {
        self.array().map(i64::from_be_bytes)
    }

    /// The bytes of a counted field that begins `at` bytes from here, the count included. Null
    /// counts 4.
    pub(super) fn field_size(&mut self, at: usize) -> Result<usize, SnapshotError> {
        let count = &self.peek(at + 4)?[at..];
        let length = i32::from_be_bytes(count.try_into().expect("four bytes"));
        let limit = self.max_field_bytes;
        match u32::try_from(length) {
            Err(_) if length == -1 => Ok(4),
            Ok(size) if size <= limit => Ok(4 + size as usize),
            Ok(_) => Err(SnapshotError::TooLong {
                file: self.file.clone(),
                offset: self.offset() + at as u64,
                length,
                limit,
            }),
            Err(_) => Err(self.damaged(format!("unreasonable length {length}"))),
        }
    }

    /// Whether the next bytes are a seal over all before them; if so they are taken.
    pub(super) fn take_seal(&mut self) -> Result<bool, SnapshotError> {
        self.sum_read();
        let sum = i64::from(self.sum.clone().finish());
        let mut expected = bytes::BytesMut::new();
        proto::Encode::encode(&sum, &mut expected);
        proto::Encode::encode(END_PATH, &mut expected);
        if self.peek(expected.len())? != expected {
            return Ok(false);
        }
        self.skip(expected.len());
        Ok(true)
    }

    /// How many bytes are left, counted until there are more than `limit`.
    pub(super) fn left(&mut self, limit: usize) -> Result<usize, SnapshotError> {
        while self.buffer.len() - self.position <= limit && self.fill()? {}
        Ok(self.buffer.len() - self.position)
    }

    pub(super) fn zxid(&mut self) -> Result<Zxid, SnapshotError> {
        self.long().map(Zxid)
    }

    fn sum_read(&mut self) {
        self.sum.write(&self.buffer[self.summed..self.position]);
        self.summed = self.position;
    }

    /// Reads a chunk; false at the end of the stream.
    fn fill(&mut self) -> Result<bool, SnapshotError> {
        self.sum_read();
        self.buffer.drain(..self.position);
        self.base += self.position as u64;
        (self.position, self.summed) = (0, 0);
        let before = self.buffer.len() as u64;
        let read = Read::by_ref(&mut self.source)
            .take(CHUNK_BYTES as u64)
            .read_to_end(&mut self.buffer);
        match read {
            Ok(count) => Ok(count > 0),
            Err(error) => Err(SnapshotError::Damaged {
                file: self.file.clone(),
                offset: self.base + before,
                what: error.to_string(),
            }),
        }
    }
}
