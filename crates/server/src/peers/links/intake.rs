//! Where packets end and a snapshot begins in the bytes that come.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use quorum::packet::{Frame, Limits, frame_length};

use super::snapshot::{BadSnapshot, Fed};
use super::{DownReason, Side, SnapshotSink};

/// Cuts what comes on one link.
pub(super) struct Intake<S: Side> {
    side: Arc<S>,
    limits: Limits,
    /// A snapshot is coming.
    sink: Option<S::Sink>,
}

/// A piece of what came.
#[derive(Debug)]
pub(super) enum Cut<S: Side> {
    /// Packets, and how many bytes they had.
    Packets(Vec<S::Received>, usize),
    /// The end of a snapshot.
    Snapshot(S::Snapshot),
}

impl<S: Side> Intake<S> {
    pub(super) fn new(side: Arc<S>, limits: Limits) -> Self {
        Intake {
            side,
            limits,
            sink: None,
        }
    }

    /// Takes the next piece off the front of `buffer`; None until more has come.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Cut<S>>, DownReason> {
        match self.sink {
            Some(_) => self.snapshot(buffer),
            None => self.packets(buffer),
        }
    }

    /// Whether a snapshot is coming.
    pub(super) fn is_in_snapshot(&self) -> bool {
        self.sink.is_some()
    }

    /// All packets that are there, but none behind one that a snapshot follows. What is wrong behind good ones is found the
    /// next time.
    fn packets(&mut self, buffer: &mut BytesMut) -> Result<Option<Cut<S>>, DownReason> {
        let (mut packets, mut bytes) = (Vec::new(), 0);
        while self.sink.is_none() {
            match self.packet(buffer) {
                Ok(Some((packet, length))) => {
                    self.sink = self.side.sink_behind(&packet);
                    packets.push(packet);
                    buffer.advance(length);
                    bytes += length;
                }
                Err(reason) if packets.is_empty() => return Err(reason),
                Ok(None) | Err(_) => break,
            }
        }
        Ok((!packets.is_empty()).then_some(Cut::Packets(packets, bytes)))
    }

    fn packet(&self, buffer: &[u8]) -> Result<Option<(S::Received, usize)>, DownReason> {
        let Some(length) = frame_length(buffer, self.limits)? else {
            return Ok(None);
        };
        let frame = Frame::decode(&buffer[..length], self.limits)?;
        Ok(Some((S::Received::try_from(frame)?, length)))
    }

    fn snapshot(&mut self, buffer: &mut BytesMut) -> Result<Option<Cut<S>>, DownReason> {
        let Some(sink) = self.sink.as_mut().filter(|_| !buffer.is_empty()) else {
            return Ok(None);
        };
        let Fed { taken, is_complete } = sink.feed(buffer)?;
        buffer.advance(taken);
        if let Some(sink) = self.sink.take_if(|_| is_complete) {
            return Ok(Some(Cut::Snapshot(sink.finish()?)));
        }
        match buffer.len() > self.longest_part() {
            true => Err(BadSnapshot("a part of it is longer than any znode".to_owned()).into()),
            false => Ok(None),
        }
    }

    /// Of a snapshot, that a sink may want to see as a whole: a znode's path and data.
    fn longest_part(&self) -> usize {
        2 * self.limits.field_bytes as usize + 1024
    }

    /// What an end of the connection means, with these bytes left over.
    pub(super) fn end(&self, rest: &[u8]) -> DownReason {
        match (&self.sink, rest.is_empty()) {
            (Some(_), _) => DownReason::Cut("a snapshot"),
            (None, false) => DownReason::Cut("a packet"),
            (None, true) => DownReason::Closed,
        }
    }
}

#[cfg(test)]
mod tests;
