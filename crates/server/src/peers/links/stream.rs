//! Raw bytes between packets: the snapshot behind a SNAP.

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::limits::MAX_STREAM_CHUNKS;

/// The link is gone: the rest need not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the link is gone")]
pub struct LinkGone;

/// Where the bytes of a stream are put. What is dropped without [`finish`](Self::finish) was not complete: then the link is
/// dropped, too, so that nobody takes it for whole.
#[derive(Debug)]
pub struct StreamSource(Sender<Chunk>);

/// What a stream's source has put.
#[derive(Debug)]
pub(super) enum Chunk {
    Bytes(Bytes),
    End,
}

/// The writer's end.
pub(super) type Chunks = Receiver<Chunk>;

/// Both ends.
pub(super) fn stream() -> (StreamSource, Chunks) {
    let (source, chunks) = channel(MAX_STREAM_CHUNKS);
    (StreamSource(source), chunks)
}

impl StreamSource {
    /// Adds some, and waits while many are not yet sent: for threads.
    ///
    /// # Errors
    /// The link is gone.
    ///
    /// # Panics
    /// Inside a task.
    pub fn blocking_put(&self, bytes: Bytes) -> Result<(), LinkGone> {
        self.0
            .blocking_send(Chunk::Bytes(bytes))
            .map_err(|_| LinkGone)
    }

    /// Adds some, and waits while many are not yet sent: for tasks.
    ///
    /// # Errors
    /// The link is gone.
    pub async fn put(&self, bytes: Bytes) -> Result<(), LinkGone> {
        self.0.send(Chunk::Bytes(bytes)).await.map_err(|_| LinkGone)
    }

    /// The stream is complete: for threads.
    ///
    /// # Errors
    /// The link is gone.
    ///
    /// # Panics
    /// Inside a task.
    pub fn blocking_finish(self) -> Result<(), LinkGone> {
        self.0.blocking_send(Chunk::End).map_err(|_| LinkGone)
    }

    /// The stream is complete: for tasks.
    ///
    /// # Errors
    /// The link is gone.
    pub async fn finish(self) -> Result<(), LinkGone> {
        self.0.send(Chunk::End).await.map_err(|_| LinkGone)
    }
}
