//! Where a packet ends in a stream that has no frames.

use bytes::Bytes;
use proto::Zxid;
use proto::records::Id;

/// Bytes of type, zxid and the data's length.
const HEAD: usize = 16;

/// How long parts of a packet may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest data and longest text, in bytes: `jute.maxbuffer` and `zookeeper.jute.maxbuffer.extrasize` together.
    pub field_bytes: u32,
    /// Most ids of one client.
    pub ids: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            field_bytes: 2 * 0xf_ffff,
            ids: 4096,
        }
    }
}

/// A packet whose data has not been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// One of `Leader`'s constants.
    pub kind: i32,
    /// What it means is the type's.
    pub zxid: Zxid,
    /// None where there is none: -1 on the wire.
    pub data: Option<Bytes>,
    /// Who a client has proved to be; only in a REQUEST.
    pub authinfo: Vec<Id<'static>>,
}

/// Why no packet can begin with these bytes: the other side's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// A length that cannot be.
    #[error("a packet of type {kind} with a length of {length}, the limit is {limit}")]
    Length {
        /// The packet's type, as far as these bytes are a packet.
        kind: i32,
        /// What it says.
        length: i32,
        /// What is allowed.
        limit: u32,
    },
    /// A text that is not UTF-8, or a byte too many.
    #[error("a packet of type {0} whose fields cannot be read")]
    Field(i32),
}

/// The length of the packet at the beginning of `bytes`; None when there are too few of them to say.
///
/// # Errors
///
/// [`BadFrame`] as soon as a length is past the limits, however little has come of what it announces.
pub fn frame_length(bytes: &[u8], limits: Limits) -> Result<Option<usize>, BadFrame> {
    let mut scan = Scan { bytes, at: 0 };
    let Some(kind) = scan.int() else {
        return Ok(None);
    };
    let bound = |length: i32, limit: u32| match u32::try_from(length.max(0)) {
        Ok(fits) if length >= -1 && fits <= limit => Ok(fits as usize),
        _ => Err(BadFrame::Length {
            kind,
            length,
            limit,
        }),
    };
    scan.at = HEAD - 4;
    let Some(data) = scan.int() else {
        return Ok(None);
    };
    scan.at += bound(data, limits.field_bytes)?;
    let Some(ids) = scan.int() else {
        return Ok(None);
    };
    for _ in 0..2 * bound(ids, limits.ids)? {
        let Some(text) = scan.int() else {
            return Ok(None);
        };
        scan.at += bound(text, limits.field_bytes)?;
    }
    Ok((scan.at <= bytes.len()).then_some(scan.at))
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn int(&mut self) -> Option<i32> {
        let int = self.bytes.get(self.at..)?.first_chunk()?;
        self.at += 4;
        Some(i32::from_be_bytes(*int))
    }
}
