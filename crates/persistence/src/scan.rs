//! Looks for a valid record behind bytes that are none.
//!
//! A batch that was torn by a crash has nothing valid behind it. Damage to what was once
//! acknowledged has: that is how the two are told apart.

use std::io;
use std::ops::Range;

use proto::Zxid;

use crate::File;
use crate::log_reader::{TXN_HEADER_BYTES, split_head, zxid_of};
use crate::txn_log::{END_MARK, FRAME_BYTES};

const WINDOW_BYTES: usize = 256 << 10;
const HEAD_BYTES: usize = 12;
const SUM_BYTES: usize = 64 << 10;
/// Checksums are tried over at most so many times the bytes that are searched: bytes made to look
/// like many long records must not hold up a start. Past it the log counts as damaged.
const MAX_WORK_FACTOR: u64 = 64;

/// What the end of a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Only zeros, or nothing.
    Zeros,
    /// Something, but no record.
    Torn,
    /// A record with a right checksum and a zxid that has not been seen.
    Record { at: u64, length: u32 },
}

/// Searches `range` of `file` for a record with a zxid above `after`.
pub(crate) fn scan<F: File>(file: &F, range: Range<u64>, after: Zxid) -> io::Result<Rest> {
    let mut search = Search {
        file,
        end: range.end,
        after,
        work: (range.end - range.start).saturating_mul(MAX_WORK_FACTOR),
    };
    let mut rest = Rest::Zeros;
    let mut start = range.start;
    let mut window = vec![0; WINDOW_BYTES];
    while start < range.end {
        let size = read_window(file, &mut window, start, range.end)?;
        if size == 0 {
            break;
        }
        let bytes = &window[..size];
        if bytes.iter().any(|byte| *byte != 0) {
            rest = Rest::Torn;
            if let Some(found) = search.window(bytes, start)? {
                return Ok(found);
            }
        }
        if size < WINDOW_BYTES {
            break;
        }
        // A head may begin in the last bytes of this window and end in the next.
        start += (size - (HEAD_BYTES - 1)) as u64;
    }
    Ok(rest)
}

fn read_window<F: File>(file: &F, window: &mut [u8], start: u64, end: u64) -> io::Result<usize> {
    let wanted = usize::try_from(end - start).map_or(window.len(), |left| left.min(window.len()));
    let mut size = 0;
    while size < wanted {
        match file.read_at(&mut window[size..wanted], start + size as u64)? {
            0 => break,
            count => size += count,
        }
    }
    Ok(size)
}

struct Search<'a, F> {
    file: &'a F,
    end: u64,
    after: Zxid,
    /// Bytes that may still be summed.
    work: u64,
}

impl<F: File> Search<'_, F> {
    fn window(&mut self, bytes: &[u8], start: u64) -> io::Result<Option<Rest>> {
        for (index, head) in bytes.windows(HEAD_BYTES).enumerate() {
            // An Adler-32 in a long: four zero bytes, then four that are never all zero.
            if head[..4] != [0; 4] || head[4..8] == [0; 4] {
                continue;
            }
            let head = head.try_into().expect("windows have this length");
            if let Some(found) = self.candidate(start + index as u64, head)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn candidate(&mut self, at: u64, head: &[u8; HEAD_BYTES]) -> io::Result<Option<Rest>> {
        let (checksum, length) = split_head(head);
        let Ok(length) = u32::try_from(length) else {
            return Ok(None);
        };
        let fits = u64::from(length) + FRAME_BYTES <= self.end - at;
        if (length as usize) < TXN_HEADER_BYTES || !fits {
            return Ok(None);
        }
        let body = at + HEAD_BYTES as u64;
        let mut mark = [0];
        self.file.read_at(&mut mark, body + u64::from(length))?;
        if mark != [END_MARK] || !self.is_new(body)? {
            return Ok(None);
        }
        let found = Rest::Record { at, length };
        if u64::from(length) > self.work {
            return Ok(Some(found));
        }
        self.work -= u64::from(length);
        let right = checksum == i64::from(self.sum(body, length)?);
        Ok(right.then_some(found))
    }

    fn is_new(&self, body: u64) -> io::Result<bool> {
        let mut header = [0; TXN_HEADER_BYTES];
        let size = read_window(self.file, &mut header, body, self.end)?;
        Ok(zxid_of(&header[..size]).is_ok_and(|zxid| zxid > self.after))
    }

    fn sum(&self, body: u64, length: u32) -> io::Result<u32> {
        let mut adler = simd_adler32::Adler32::new();
        let mut buffer = vec![0; SUM_BYTES.min(length as usize)];
        let (mut at, end) = (body, body + u64::from(length));
        while at < end {
            let size = read_window(self.file, &mut buffer, at, end)?;
            if size == 0 {
                break;
            }
            adler.write(&buffer[..size]);
            at += size as u64;
        }
        Ok(adler.finish())
    }
}
