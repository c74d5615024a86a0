//! One connection that is used: notifications in frames, both ways.
//!
//! Apache: `QuorumCnxManager.SendWorker`, `RecvWorker`, and for what is not a notification
//! `FastLeaderElection.Messenger.WorkerReceiver`.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use proto::Sid;
use quorum::election::Notification;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::Notify;

use super::super::guard::PeerStream;
use super::super::room::Room;
use super::{ElectionEvent, Heard, Shared};
use crate::limits::MAX_ELECTION_EVENTS;

/// Longest message. Apache: `QuorumCnxManager.PACKETMAXSIZE`.
pub(super) const MAX_FRAME_BYTES: i32 = 512 * 1024;

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkEnd {
    /// A length that no message has.
    #[error(
        "it sent a frame of {0} bytes; 1 to {MAX_FRAME_BYTES} are allowed. Check what listens on its election port"
    )]
    Frame(i32),
    /// Closed or reset.
    #[error("{0}")]
    Lost(#[from] io::Error),
}

/// Reads and writes until the connection ends.
pub(super) async fn run(shared: &Shared, sid: Sid, stream: PeerStream, wake: &Notify) -> LinkEnd {
    let PeerStream { from, to } = stream;
    tokio::select! {
        end = hear(shared, sid, BufReader::new(from)) => end,
        end = tell(shared, sid, to, wake) => end,
    }
}

/// The next message of any length that is allowed.
async fn next_frame(from: &mut (impl AsyncRead + Unpin)) -> Result<Bytes, LinkEnd> {
    let length = from.read_i32().await?;
    if !(1..=MAX_FRAME_BYTES).contains(&length) {
        return Err(LinkEnd::Frame(length));
    }
    let length = length.unsigned_abs();
    let mut message = Vec::new(); // grows with what comes, not with what is announced
    from.take(length.into()).read_to_end(&mut message).await?;
    match message.len() == length as usize {
        true => Ok(message.into()),
        false => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    }
}

async fn hear(shared: &Shared, sid: Sid, mut from: impl AsyncRead + Unpin) -> LinkEnd {
    let room = Room::new(MAX_ELECTION_EVENTS);
    let mut told = false;
    loop {
        let taken = room.take(1).await;
        let message = match next_frame(&mut from).await {
            Ok(message) => message,
            Err(end) => return end,
        };
        match Notification::decode(&message) {
            Ok(notification) => (shared.events)(ElectionEvent::Heard(Heard {
                from: sid,
                notification,
                _taken: taken,
            })),
            Err(_) if told => {}
            Err(error) => {
                told = true; // once is enough: it may send them without end
                tracing::warn!(
                    "a message of server {} is ignored: {error}. Check the version that runs there",
                    sid.0
                );
            }
        }
    }
}

async fn tell(
    shared: &Shared,
    sid: Sid,
    mut to: impl AsyncWrite + Unpin,
    wake: &Notify,
) -> LinkEnd {
    let mut message = shared.table.lock().first_message(sid);
    loop {
        if let Some(message) = &message
            && let Err(error) = write_frame(&mut to, message).await
        {
            return error.into();
        }
        wake.notified().await;
        message = shared.table.lock().next_message(sid);
    }
}

async fn write_frame(to: &mut (impl AsyncWrite + Unpin), message: &Bytes) -> io::Result<()> {
    let mut frame = BytesMut::with_capacity(4 + message.len());
    frame.put_i32(i32::try_from(message.len()).expect("a notification is small"));
    frame.put_slice(message);
    to.write_all(&frame).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> Result<Bytes, LinkEnd> {
        next_frame(&mut bytes).await
    }

    #[tokio::test]
    async fn what_is_written_is_read_back() {
        let mut written = Vec::new();
        let message = Bytes::from_static(b"message");
        write_frame(&mut written, &message).await.unwrap();
        assert_eq!(written, b"\0\0\0\x07message");
        assert_eq!(read(&written).await.unwrap(), message);
    }

    #[tokio::test]
    async fn a_frame_has_from_1_to_524288_bytes() {
        for length in [i32::MIN, -1, 0, 524_289, i32::MAX] {
            let outcome = read(&length.to_be_bytes()).await;
            assert!(matches!(outcome, Err(LinkEnd::Frame(l)) if l == length));
        }
        for length in [1, 524_288] {
            let mut bytes = i32::to_be_bytes(length).to_vec();
            bytes.resize(4 + length as usize, 7);
            assert_eq!(read(&bytes).await.unwrap().len(), length as usize);
            bytes.pop();
            assert!(matches!(read(&bytes).await, Err(LinkEnd::Lost(_))));
        }
    }
}
