//! Cutting a byte stream into frames: an int length, and that many bytes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};

/// One read takes at most this many bytes.
const READ_BYTES: usize = 64 << 10;

thread_local! {
    /// Reads land here first, so that a connection on which nothing comes holds no buffer.
    static LANDING: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// A length that no request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("frame length {length} is negative or above jute.maxbuffer={limit}")]
pub struct FrameError {
    /// The length as it came.
    pub length: i32,
    /// The limit.
    pub limit: u32,
}

/// Reads frames. Holds no memory while nothing is half read.
#[derive(Debug)]
pub struct FrameReader<R> {
    stream: R,
    buffer: BytesMut,
    /// Bytes of the largest frame.
    limit: u32,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Frames of at most `limit` bytes.
    pub fn new(stream: R, limit: u32) -> Self {
        FrameReader {
            stream,
            buffer: BytesMut::new(),
            limit,
        }
    }

    /// The first four bytes that wait, if there are as many.
    pub fn peek_word(&self) -> Option<[u8; 4]> {
        self.buffer.first_chunk().copied()
    }

    /// So many bytes behind the first ones, if they are there. Nothing is taken.
    pub fn peek_behind<const N: usize>(&self, first: usize) -> Option<[u8; N]> {
        self.buffer.get(first..)?.first_chunk().copied()
    }

    /// Takes the next frame, without its length, if it is whole. The length is checked as soon as
    /// it is there.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(word) = self.peek_word() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes(word);
        let size = u32::try_from(length)
            .ok()
            .filter(|size| *size <= self.limit);
        let size = size.ok_or(FrameError {
            length,
            limit: self.limit,
        })? as usize;
        if self.buffer.len() < 4 + size {
            return Ok(None);
        }
        self.buffer.advance(4);
        let frame = self.buffer.split_to(size).freeze();
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        Ok(Some(frame))
    }

    /// Reads what is there; 0 is the end. Nothing is lost when the future is dropped.
    pub async fn fill(&mut self) -> io::Result<usize> {
        poll_fn(|context| {
            LANDING.with_borrow_mut(|landing| {
                let mut landed = ReadBuf::new(landing);
                match Pin::new(&mut self.stream).poll_read(context, &mut landed) {
                    Poll::Ready(Ok(())) => {
                        self.buffer.extend_from_slice(landed.filled());
                        Poll::Ready(Ok(landed.filled().len()))
                    }
                    Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                    Poll::Pending => Poll::Pending,
                }
            })
        })
        .await
    }

    /// Reads and forgets, until the other side ends or `most` bytes have come.
    pub async fn drain(&mut self, most: usize) -> io::Result<()> {
        let mut drained = 0;
        while drained < most {
            self.buffer.clear();
            match self.fill().await? {
                0 => break,
                bytes => drained += bytes,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(bytes: &[u8], limit: u32) -> Result<Vec<Bytes>, FrameError> {
        let mut reader = FrameReader::new(bytes, limit);
        let mut frames = Vec::new();
        loop {
            while let Some(frame) = reader.next_frame()? {
                frames.push(frame);
            }
            if reader.fill().await.unwrap() == 0 {
                return Ok(frames);
            }
        }
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in() {
        let bytes = [0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 1, 9];
        let frames = read_all(&bytes, 2).await.unwrap();
        assert_eq!(frames, [&[7, 8][..], &[], &[9]]);
    }

    #[tokio::test]
    async fn a_length_outside_the_limit_is_refused_before_its_bytes_come() {
        for length in [-1, i32::MIN, 3, i32::MAX] {
            let error = read_all(&length.to_be_bytes(), 2).await.unwrap_err();
            assert_eq!(error, FrameError { length, limit: 2 });
        }
    }

    #[tokio::test]
    async fn a_reader_with_nothing_half_read_holds_no_memory() {
        let bytes = [0, 0, 0, 1, 9];
        let mut reader = FrameReader::new(&bytes[..], 10);
        reader.fill().await.unwrap();
        reader.next_frame().unwrap().unwrap();
        assert_eq!(reader.buffer.capacity(), 0);
    }
}
