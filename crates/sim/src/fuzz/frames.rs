//! A client that sends any bytes, in pieces of any size.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use listener::{FrameError, FrameReader};
use tokio::io::{AsyncRead, ReadBuf};

/// Sizes of pieces, used again and again.
const PIECES: usize = 8;

/// A stream in pieces. A piece of no bytes is one that has not come yet.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: [u8; PIECES],
    read: usize,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = usize::from(self.sizes[self.read % PIECES]);
        self.read += 1;
        if size == 0 && !self.read.is_multiple_of(PIECES) {
            return Poll::Pending;
        }
        let size = size.max(1).min(self.bytes.len()).min(buffer.remaining());
        let (piece, rest) = self.bytes.split_at(size);
        buffer.put_slice(piece);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

/// Takes `bytes` for a limit (2), sizes of pieces (8), and a stream. The frames that come out are
/// those that went in, up to the first length that is none; nothing else ends the stream early.
pub fn frames(bytes: &[u8]) {
    let Some((limit, bytes)) = bytes.split_first_chunk() else {
        return;
    };
    let Some((&sizes, stream)) = bytes.split_first_chunk() else {
        return;
    };
    let limit = u16::from_be_bytes(*limit).into();
    let pieces = Pieces {
        bytes: stream,
        sizes,
        read: 0,
    };
    let mut reader = FrameReader::new(pieces, limit);
    let mut rest = stream;
    let outcome = loop {
        match take_all(&mut reader, &mut rest) {
            Err(error) => break Err(error),
            Ok(()) if block_on(reader.fill()) == 0 => break Ok(()),
            Ok(()) => {}
        }
    };
    match (outcome, expected(rest, limit)) {
        (Ok(()), Expected::Incomplete) => {}
        (Err(error), Expected::Refused(expected)) => assert_eq!(error, expected),
        (outcome, expected) => panic!("{outcome:?} where {expected:?} was due"),
    }
}

/// Takes all frames that are whole, and holds each against the stream.
fn take_all(reader: &mut FrameReader<Pieces<'_>>, rest: &mut &[u8]) -> Result<(), FrameError> {
    while let Some(frame) = reader.next_frame()? {
        let (length, behind) = rest.split_first_chunk().expect("a frame has a length");
        assert_eq!(i32::from_be_bytes(*length), frame.len() as i32);
        let (sent, behind) = behind.split_at(frame.len());
        assert_eq!(frame, sent);
        *rest = behind;
    }
    if let Some(word) = reader.peek_word() {
        assert!(rest.starts_with(&word));
    }
    Ok(())
}

/// What the stream's end calls for.
#[derive(Debug)]
enum Expected {
    Incomplete,
    Refused(FrameError),
}

fn expected(rest: &[u8], limit: u32) -> Expected {
    let Some((length, rest)) = rest.split_first_chunk() else {
        return Expected::Incomplete;
    };
    let length = i32::from_be_bytes(*length);
    match u32::try_from(length) {
        Ok(size) if size <= limit => {
            assert!(rest.len() < size as usize, "a whole frame was kept back");
            Expected::Incomplete
        }
        _ => Expected::Refused(FrameError { length, limit }),
    }
}

/// Asks again until the bytes have come.
fn block_on(future: impl Future<Output = io::Result<usize>>) -> usize {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(outcome) = future.as_mut().poll(&mut context) {
            return outcome.expect("this stream does not fail");
        }
    }
}
