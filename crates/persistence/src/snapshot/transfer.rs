//! A snapshot on its way from a leader to a learner, behind its SNAP packet
//! (`LearnerHandler.run`, `Learner.syncWithLeader`): the body of a file, no header, no seals, and
//! a signature. The zxid is the packet's.
//!
//! Owns where the stream ends. Must not know sockets: bytes go out and come in in pieces of any
//! size.

use bytes::{Buf, Bytes, BytesMut};
use proto::records::{Acl, StatPersisted};
use proto::{Encode, SessionId, Zxid};

use super::body::{Body, BodyError, END_PATH, Step, put_head, put_node};
use crate::Restore;

/// Behind the body.
const SIGNATURE: &str = "BenWasHere";

/// A snapshot that a leader sends: sessions and ACLs first, then each node.
#[derive(Debug)]
pub struct SnapshotSender {
    buffer: BytesMut,
}

impl SnapshotSender {
    /// Begins with the sessions and their timeouts in ms, and the ACL table.
    pub fn begin<'a>(
        sessions: &[(SessionId, i32)],
        acls: impl ExactSizeIterator<Item = (i64, &'a [Acl<'a>])>,
    ) -> Self {
        let mut buffer = BytesMut::new();
        put_head(sessions, acls, &mut buffer);
        SnapshotSender { buffer }
    }

    /// Adds a node. The root comes first, with an empty path; each parent before its children.
    pub fn node(&mut self, path: &str, data: Option<&[u8]>, acl_id: i64, stat: &StatPersisted) {
        put_node(path, data, acl_id, stat, &mut self.buffer);
    }

    /// The bytes since the last call.
    pub fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// The last bytes.
    pub fn finish(mut self) -> Bytes {
        END_PATH.encode(&mut self.buffer);
        SIGNATURE.encode(&mut self.buffer);
        self.buffer.freeze()
    }
}

/// Why bytes are no snapshot. The link is of no more use: nobody knows where the next packet is.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// What the leader sent is none.
    #[error("the leader's snapshot is none: {what} at offset {offset}")]
    Damaged {
        /// Where, from the beginning of the stream.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A path or data that is longer than this server reads.
    #[error(
        "the leader's snapshot has a field of {length} bytes at offset {offset}, more than the \
         limit of {limit}. Set the same jute.maxbuffer on all servers, at least {length}"
    )]
    TooLong {
        /// Where, from the beginning of the stream.
        offset: u64,
        /// The field's length.
        length: i32,
        /// `jute.maxbuffer` plus the extra size.
        limit: u32,
    },
    /// The tree did not take what the snapshot holds.
    #[error("the leader's snapshot cannot be loaded: {source} (before offset {offset})")]
    Refused {
        /// Where, from the beginning of the stream.
        offset: u64,
        /// What the tree said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The stream is not over.
    #[error("the leader's snapshot ends at offset {offset}, before its signature")]
    Unfinished {
        /// How much came, whole items only.
        offset: u64,
    },
}

/// What was made of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// All were taken, and more must come.
    More,
    /// The snapshot is whole.
    End {
        /// So many of the bytes belong to it; those behind them are of the next packet.
        used: usize,
    },
}

/// A snapshot that a learner receives.
pub struct SnapshotReceiver {
    max_field_bytes: u32,
    body: Body,
    part: Part,
    /// The beginning of an item whose end has not come: no longer than one item may be.
    buffer: BytesMut,
    /// Fewer bytes than this are no item.
    needed: usize,
    /// Where the buffer begins in the stream.
    offset: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Body,
    Signature,
    End,
}

impl SnapshotReceiver {
    /// Nothing so far. Longer fields than `max_field_bytes` are refused; see
    /// [`crate::DEFAULT_MAX_FIELD_BYTES`].
    pub fn new(max_field_bytes: u32) -> Self {
        SnapshotReceiver {
            max_field_bytes,
            body: Body::new(max_field_bytes),
            part: Part::Body,
            buffer: BytesMut::new(),
            needed: 0,
            offset: 0,
        }
    }

    /// Takes the next bytes, and hands what they hold to `into`, which must be thrown away after
    /// an error, and is no state before the end. Behind the end nothing is taken.
    pub fn receive<R: Restore>(
        &mut self,
        bytes: &[u8],
        into: &mut R,
    ) -> Result<Received, TransferError> {
        if self.part == Part::End {
            return Ok(Received::End { used: 0 });
        }
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= self.needed {
            self.item(into)?;
            if self.part == Part::End {
                let behind = std::mem::take(&mut self.buffer).len();
                let used = bytes.len() - behind;
                return Ok(Received::End { used });
            }
        }
        Ok(Received::More)
    }

    /// Ends the restore, as of the zxid of the SNAP packet.
    ///
    /// # Errors
    /// [`TransferError::Unfinished`] before the end.
    pub fn load<R: Restore>(&self, zxid: Zxid, into: &mut R) -> Result<(), TransferError> {
        if self.part != Part::End {
            return Err(TransferError::Unfinished {
                offset: self.offset,
            });
        }
        into.loaded(zxid, None)
            .map_err(|source| self.error(BodyError::Refused(source)))
    }

    fn item<R: Restore>(&mut self, into: &mut R) -> Result<(), TransferError> {
        if self.part == Part::Signature {
            return self.signature();
        }
        let step = self.body.step(&self.buffer, into);
        match step.map_err(|error| self.error(error))? {
            Step::Need(size) => self.needed = size,
            Step::Took(size) => self.took(size),
            Step::End(size) => {
                self.took(size);
                self.part = Part::Signature;
            }
        }
        Ok(())
    }

    fn took(&mut self, size: usize) {
        self.buffer.advance(size);
        self.offset += size as u64;
        self.needed = 0;
    }

    /// Wrong bytes are told as soon as they are there.
    fn signature(&mut self) -> Result<(), TransferError> {
        let mut expected = BytesMut::new();
        SIGNATURE.encode(&mut expected);
        let here = self.buffer.len().min(expected.len());
        if self.buffer[..here] != expected[..here] {
            let what = "the signature is missing".to_owned();
            return Err(TransferError::Damaged {
                offset: self.offset,
                what,
            });
        }
        if here < expected.len() {
            self.needed = here + 1;
            return Ok(());
        }
        self.took(here);
        self.part = Part::End;
        Ok(())
    }

    fn error<E>(&self, error: BodyError<E>) -> TransferError
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let offset = self.offset;
        match error {
            BodyError::Damaged { at, what } => TransferError::Damaged {
                offset: offset + at as u64,
                what,
            },
            BodyError::TooLong { at, length } => TransferError::TooLong {
                offset: offset + at as u64,
                length,
                limit: self.max_field_bytes,
            },
            BodyError::Refused(source) => TransferError::Refused {
                offset,
                source: Box::new(source),
            },
        }
    }
}
