//! The body of a response: a text, or a file by pieces.

use std::convert::Infallible;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, channel};

use crate::limits;

/// What is sent.
pub(super) enum Content {
    /// A text, by pieces as well.
    Whole {
        bytes: Bytes,
        /// For a listing, held until it is sent.
        _place: Option<OwnedSemaphorePermit>,
    },
    /// A file that is being read, with the bytes that are still to come.
    Pieces(Receiver<Bytes>, u64),
}

impl Content {
    pub fn empty() -> Self {
        Content::Whole {
            bytes: Bytes::new(),
            _place: None,
        }
    }

    pub fn text(text: impl Into<Bytes>, place: Option<OwnedSemaphorePermit>) -> Self {
        Content::Whole {
            bytes: text.into(),
            _place: place,
        }
    }

    /// A file of so many bytes, read by a thread that waits for whoever takes it. Where it turns out to be shorter, the
    /// connection ends before the response does.
    pub fn file(mut file: std::fs::File, length: u64) -> Self {
        let (pieces, taken) = channel(limits::MAX_ADMIN_CHUNKS);
        tokio::task::spawn_blocking(move || {
            let mut left = length;
            while left > 0 {
                let mut piece = Vec::new();
                let size = left.min(limits::ADMIN_CHUNK_BYTES);
                let read = (&mut file).take(size).read_to_end(&mut piece);
                match read {
                    Ok(count @ 1..) => left -= count as u64,
                    Ok(0) => {
                        return tracing::error!("a snapshot is shorter than it was a moment ago");
                    }
                    Err(error) => return tracing::error!("a snapshot cannot be read: {error}"),
                }
                if pieces.blocking_send(piece.into()).is_err() {
                    return; // who asked has gone
                }
            }
        });
        Content::Pieces(taken, length)
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Content::Whole { bytes, .. } => {
                let size = bytes.len().min(limits::ADMIN_CHUNK_BYTES as usize);
                let piece = bytes.split_to(size);
                Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
            }
            Content::Pieces(pieces, left) => pieces.poll_recv(cx).map(|piece| {
                let piece = piece?;
                *left = left.saturating_sub(piece.len() as u64);
                Some(Ok(Frame::data(piece)))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Content::Whole { bytes, .. } => bytes.is_empty(),
            Content::Pieces(_, left) => *left == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Content::Whole { bytes, .. } => bytes.len() as u64,
            Content::Pieces(_, left) => *left,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http_body_util::BodyExt;
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_listing_goes_by_pieces_and_keeps_its_place_until_the_last() {
        let places = Arc::new(Semaphore::new(1));
        let place = places.clone().try_acquire_owned().expect("free");
        let text = vec![b'x'; 2 * limits::ADMIN_CHUNK_BYTES as usize + 1];
        let mut content = Content::text(text, Some(place));
        for (piece, left) in [(65_536, 65_537), (65_536, 1), (1, 0)] {
            assert!(!content.is_end_stream() && places.available_permits() == 0);
            let frame = content.frame().await.expect("a piece").expect("no error");
            assert_eq!(frame.into_data().expect("data").len(), piece);
            assert_eq!(content.size_hint().exact(), Some(left));
        }
        assert!(content.is_end_stream() && content.frame().await.is_none());
        drop(content);
        assert_eq!(places.available_permits(), 1);
    }
}
