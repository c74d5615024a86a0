//! Empties a link's queue into its socket.

use std::io;

use bytes::Buf;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::outgoing::Outgoing;
use super::queue::{Item, Queue};
use super::stream::{Chunk, Chunks};
use super::{DownReason, Side};
use crate::limits::MAX_LINK_WRITE_BYTES;

/// Writes until the link ends: all that waits at once, but for what is too much for one write.
pub(super) async fn write<S: Side>(
    queue: &Queue<S::Sent>,
    to: impl AsyncWrite + Unpin,
) -> DownReason {
    let mut writer = Writer::<S, _> {
        queue,
        to,
        out: Outgoing::default(),
        weight: 0,
    };
    loop {
        for item in queue.next().await {
            if let Err(reason) = writer.write(item).await {
                return reason;
            }
        }
        if let Err(error) = writer.flush().await {
            return error.into();
        }
    }
}

struct Writer<'a, S: Side, W> {
    queue: &'a Queue<S::Sent>,
    to: W,
    /// Made ready.
    out: Outgoing,
    /// Of the packets in `out`.
    weight: usize,
}

impl<S: Side, W: AsyncWrite + Unpin> Writer<'_, S, W> {
    async fn write(&mut self, item: Item<S::Sent>) -> Result<(), DownReason> {
        match item {
            Item::Packet(packet, weight) => {
                S::put(packet, &mut self.out);
                self.weight += weight;
                if self.out.remaining() >= MAX_LINK_WRITE_BYTES {
                    self.flush().await?;
                }
                Ok(())
            }
            Item::Stream(chunks) => {
                self.flush().await?;
                self.pump(chunks).await
            }
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.to.write_all_buf(&mut self.out).await?;
        self.to.flush().await?;
        self.queue.written(std::mem::take(&mut self.weight));
        Ok(())
    }

    /// All of a stream; its bytes are written as they come.
    async fn pump(&mut self, mut chunks: Chunks) -> Result<(), DownReason> {
        loop {
            match chunks.recv().await {
                Some(Chunk::Bytes(mut bytes)) => self.to.write_all_buf(&mut bytes).await?,
                Some(Chunk::End) => return Ok(self.to.flush().await?),
                None => return Err(DownReason::StreamBroken),
            }
        }
    }
}
