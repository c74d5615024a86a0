//! Takes bytes off a socket and hands over what they are.

use std::time::Instant;

use bytes::BytesMut;
use quorum::LinkId;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::super::room::Room;
use super::intake::{Cut, Intake};
use super::{DownReason, Events, LinkEvent, PROGRESS_PAUSE, Side};
use crate::limits::MAX_LINK_UNTAKEN_BYTES;

/// Room for one read.
const READ_BYTES: usize = 64 << 10;

/// Reads until the link ends. The packets of one read are handed over together.
pub(super) async fn read<S: Side>(
    link: LinkId,
    mut from: impl AsyncRead + Unpin,
    mut intake: Intake<S>,
    events: &Events<S>,
) -> DownReason {
    let room = Room::new(MAX_LINK_UNTAKEN_BYTES);
    let mut buffer = BytesMut::new();
    let mut told = Instant::now();
    loop {
        buffer.reserve(READ_BYTES);
        match from.read_buf(&mut buffer).await {
            Ok(0) => return intake.end(&buffer),
            Ok(_) => {}
            Err(error) => return error.into(),
        }
        loop {
            match intake.next(&mut buffer) {
                Ok(None) => break,
                Ok(Some(cut)) => hand_over(link, cut, &room, events).await,
                Err(reason) => return reason,
            }
        }
        if intake.is_in_snapshot() && told.elapsed() > PROGRESS_PAUSE {
            told = Instant::now();
            events(LinkEvent::SnapshotComes(link));
        }
    }
}

async fn hand_over<S: Side>(link: LinkId, cut: Cut<S>, room: &Room, events: &Events<S>) {
    events(match cut {
        Cut::Packets(packets, bytes) => LinkEvent::Packets {
            link,
            packets,
            taken: room.take(bytes).await,
        },
        Cut::Snapshot(snapshot) => LinkEvent::SnapshotReceived { link, snapshot },
    });
}
