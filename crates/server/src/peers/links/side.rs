//! What differs between the two ends of a link.

use std::convert::Infallible;
use std::fmt;

use bytes::Bytes;
use proto::Zxid;
use quorum::packet::{BadPacket, Frame, ToLeader, ToLearner};

use super::outgoing::Outgoing;
use super::snapshot::{BadSnapshot, Fed, SnapshotSink};

/// Records from this size on are not copied for each learner: a system call's share more is cheaper then.
const LARGE_RECORD_BYTES: usize = 4096;
/// Bytes of a packet besides its data, roughly: what it costs while it waits.
const PACKET_BYTES: usize = 64;

/// An end of a link.
pub trait Side: fmt::Debug + Send + Sync + Sized + 'static {
    /// What leaves.
    type Sent: fmt::Debug + Send;
    /// What comes.
    type Received: fmt::Debug + Send + TryFrom<Frame, Error = BadPacket>;
    /// What comes behind a packet.
    type Snapshot: fmt::Debug + Send;
    /// What takes it.
    type Sink: SnapshotSink<Snapshot = Self::Snapshot>;

    /// What the other end is, for messages.
    const OTHER: &'static str;

    /// The sink of the snapshot behind this packet, if one follows it.
    fn sink_behind(&self, received: &Self::Received) -> Option<Self::Sink>;

    /// Bytes that a packet holds while it waits.
    #[doc(hidden)]
    fn weight(sent: &Self::Sent) -> usize;

    /// Adds a packet's bytes.
    #[doc(hidden)]
    fn put(sent: Self::Sent, out: &mut Outgoing);
}

/// The leader's end.
#[derive(Clone, Copy, Debug)]
pub struct AtLeader;

/// A learner's end, with what makes the sink of a snapshot of a zxid.
pub struct AtLearner<K> {
    new_sink: Box<dyn Fn(Zxid) -> K + Send + Sync>,
}

impl<K> AtLearner<K> {
    /// An end that puts snapshots into what `new_sink` makes.
    pub fn new(new_sink: impl Fn(Zxid) -> K + Send + Sync + 'static) -> Self {
        AtLearner {
            new_sink: Box::new(new_sink),
        }
    }
}

impl<K> fmt::Debug for AtLearner<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtLearner")
    }
}

/// No learner sends snapshots.
#[derive(Debug)]
pub enum NoSnapshots {}

impl SnapshotSink for NoSnapshots {
    type Snapshot = Infallible;

    fn feed(&mut self, _: &[u8]) -> Result<Fed, BadSnapshot> {
        match *self {}
    }

    fn finish(self) -> Result<Infallible, BadSnapshot> {
        match self {}
    }
}

impl Side for AtLeader {
    type Sent = ToLearner;
    type Received = ToLeader;
    type Snapshot = Infallible;
    type Sink = NoSnapshots;

    const OTHER: &'static str = "learner";

    fn sink_behind(&self, _: &ToLeader) -> Option<NoSnapshots> {
        None
    }

    fn weight(sent: &ToLearner) -> usize {
        PACKET_BYTES
            + match sent {
                ToLearner::Proposal { record, .. }
                | ToLearner::Inform { record, .. }
                | ToLearner::InformAndActivate { record, .. } => record.len(),
                ToLearner::NewLeader { config, .. } => config.len(),
                _ => 0,
            }
    }

    fn put(sent: ToLearner, out: &mut Outgoing) {
        match sent {
            ToLearner::Proposal { zxid, record } if record.len() >= LARGE_RECORD_BYTES => {
                let empty = Bytes::new();
                put_large(
                    &ToLearner::Proposal {
                        zxid,
                        record: empty,
                    },
                    record,
                    out,
                );
            }
            ToLearner::Inform { zxid, record } if record.len() >= LARGE_RECORD_BYTES => {
                let empty = Bytes::new();
                put_large(
                    &ToLearner::Inform {
                        zxid,
                        record: empty,
                    },
                    record,
                    out,
                );
            }
            packet => packet.encode(out.small()),
        }
    }
}

/// A packet whose data is all `record`: the bytes of the packet without data, with the record between its length and the
/// ids behind it.
fn put_large(empty: &ToLearner, record: Bytes, out: &mut Outgoing) {
    const DATA_LENGTH: usize = 12;
    const IDS: usize = 4;
    let length = i32::try_from(record.len()).expect("a record stays below 2 GiB");
    let small = out.small();
    let start = small.len();
    empty.encode(small);
    small[start + DATA_LENGTH..][..4].copy_from_slice(&length.to_be_bytes());
    let ids = small.split_off(small.len() - IDS);
    out.large(record);
    out.small().extend_from_slice(&ids);
}

impl<K: SnapshotSink> Side for AtLearner<K> {
    type Sent = ToLeader;
    type Received = ToLearner;
    type Snapshot = K::Snapshot;
    type Sink = K;

    const OTHER: &'static str = "leader";

    fn sink_behind(&self, received: &ToLearner) -> Option<K> {
        match received {
            ToLearner::Snap(zxid) => Some((self.new_sink)(*zxid)),
            _ => None,
        }
    }

    fn weight(sent: &ToLeader) -> usize {
        PACKET_BYTES
            + match sent {
                ToLeader::Request(request) => {
                    request.body.len() + PACKET_BYTES * request.identities.len()
                }
                ToLeader::Ping { touched, .. } => 12 * touched.len(),
                _ => 0,
            }
    }

    fn put(sent: ToLeader, out: &mut Outgoing) {
        sent.encode(out.small());
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Buf, BytesMut};

    use super::*;

    fn put(packet: ToLearner) -> (Outgoing, Bytes) {
        let mut whole = BytesMut::new();
        packet.encode(&mut whole);
        let mut out = Outgoing::default();
        AtLeader::put(packet, &mut out);
        (out, whole.freeze())
    }

    #[test]
    fn a_packet_of_any_size_has_the_bytes_that_it_encodes_to() {
        for bytes in [0, 1, LARGE_RECORD_BYTES - 1, LARGE_RECORD_BYTES, 1 << 20] {
            let (zxid, record) = (Zxid(0x1_0000_0007), Bytes::from(vec![7; bytes]));
            let proposal = ToLearner::Proposal {
                zxid,
                record: record.clone(),
            };
            for packet in [proposal, ToLearner::Inform { zxid, record }] {
                let (mut out, whole) = put(packet);
                assert_eq!(out.copy_to_bytes(out.remaining()), whole, "{bytes} bytes");
            }
        }
    }

    #[test]
    fn a_large_record_is_not_copied() {
        let record = Bytes::from(vec![7; LARGE_RECORD_BYTES]);
        let at = record.as_ptr();
        let (mut out, _) = put(ToLearner::Proposal {
            zxid: Zxid(1),
            record,
        });
        out.advance(16);
        assert_eq!(out.chunk().as_ptr(), at);
    }

    #[test]
    fn what_waits_weighs_at_least_its_data() {
        let record = Bytes::from(vec![7; 1000]);
        assert!(
            AtLeader::weight(&ToLearner::Proposal {
                zxid: Zxid(1),
                record
            }) >= 1000
        );
        assert!(AtLeader::weight(&ToLearner::UpToDate) > 0);
    }
}
