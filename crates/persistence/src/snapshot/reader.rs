//! Reading a snapshot into whatever implements [`Restore`].

use proto::records::{Acl, Id, StatPersisted};
use proto::{Decode, Input, SessionId};

use super::stream::Stream;
use super::{END_PATH, SNAPSHOT_MAGIC, SnapshotDigest, SnapshotSeals};
use crate::{Dir, IoError, Restore, SnapshotError, parse_snapshot_name};

/// ACL id and stat of a node.
const NODE_TAIL_BYTES: usize = 8 + 60;
/// The digest and last zxid sections are shorter, seals included.
const MAX_END_BYTES: usize = 256;

/// A snapshot that is being read.
pub struct SnapshotReader {
    stream: Stream,
    max_field_bytes: u32,
}

impl SnapshotReader {
    /// Opens a snapshot; its name tells how it is compressed.
    pub fn open<D: Dir>(dir: &D, name: &str, max_field_bytes: u32) -> Result<Self, SnapshotError> {
        let (_, compression) = parse_snapshot_name(name).unwrap_or_default();
        let file = dir.open(name).map_err(IoError::on("open", dir, name))?;
        let source = compression.reader(file);
        Ok(SnapshotReader {
            stream: Stream::new(dir.path().join(name), source, max_field_bytes),
            max_field_bytes,
        })
    }

    /// Reads it all and checks every seal. What `into` holds after an error must be thrown away.
    pub fn read<R: Restore>(mut self, into: &mut R) -> Result<SnapshotSeals, SnapshotError> {
        self.header()?;
        self.sessions(into)?;
        self.acls(into)?;
        while self.node(into)? {}
        self.seal()?;
        self.ends()
    }

    fn header(&mut self) -> Result<(), SnapshotError> {
        let magic = self.stream.int()?;
        if magic != SNAPSHOT_MAGIC {
            return Err(self.stream.damaged(format!("wrong magic 0x{magic:x}")));
        }
        self.stream.array::<12>().map(drop)
    }

    fn sessions(&mut self, into: &mut impl Restore) -> Result<(), SnapshotError> {
        for _ in 0..self.stream.int()? {
            let id = SessionId(self.stream.long()?);
            let timeout_ms = self.stream.int()?;
            into.session(id, timeout_ms);
        }
        Ok(())
    }

    fn acls(&mut self, into: &mut impl Restore) -> Result<(), SnapshotError> {
        for _ in 0..self.stream.int()? {
            let id = self.stream.long()?;
            let acl = self.acl_list()?;
            into.acl(id, acl);
        }
        Ok(())
    }

    /// A list came in one request: all of it is no longer than a field may be.
    fn acl_list(&mut self) -> Result<Vec<Acl<'static>>, SnapshotError> {
        let count = self.stream.int()?;
        if count == -1 {
            return Err(self.stream.damaged("an ACL list that is null"));
        }
        let begin = self.stream.offset();
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(self.acl()?);
            if self.stream.offset() - begin > u64::from(self.max_field_bytes) {
                return Err(self.stream.damaged("an ACL list that is too long"));
            }
        }
        Ok(list)
    }

    fn acl(&mut self) -> Result<Acl<'static>, SnapshotError> {
        let mut size = 4;
        for _ in ["scheme", "id"] {
            size += self.stream.field_size(size)?;
        }
        let acl: Acl<'_> = decode(self.stream.peek(size)?);
        let owned = |text: proto::Ustring<'_>| text.map(|text| text.into_owned().into());
        let acl = Acl {
            perms: acl.perms,
            id: Id {
                scheme: owned(acl.id.scheme),
                id: owned(acl.id.id),
            },
        };
        self.stream.skip(size);
        Ok(acl)
    }

    /// False at the end of the nodes.
    fn node(&mut self, into: &mut impl Restore) -> Result<bool, SnapshotError> {
        let path_size = self.stream.field_size(0)?;
        let path: proto::Ustring<'_> = decode(self.stream.peek(path_size)?);
        if path.as_deref() == Some(END_PATH) {
            self.stream.skip(path_size);
            return Ok(false);
        }
        let data_size = self.stream.field_size(path_size)?;
        let size = path_size + data_size + NODE_TAIL_BYTES;
        let mut input = unlimited(self.stream.peek(size)?);
        let path: proto::Ustring<'_> = read(&mut input);
        let data = read(&mut input);
        let (acl_id, stat): (i64, StatPersisted) = (read(&mut input), read(&mut input));
        let Some(path) = path else {
            return Err(self.stream.damaged("a path that is null"));
        };
        into.node(&path, data, acl_id, &stat)
            .map_err(|error| self.stream.refused(error))?;
        self.stream.skip(size);
        Ok(true)
    }

    fn seal(&mut self) -> Result<(), SnapshotError> {
        if self.stream.take_seal()? {
            return Ok(());
        }
        Err(self.stream.damaged("the checksum is wrong"))
    }

    /// The optional sections. By length alone, as a digest section is 33 bytes (more before
    /// version 2) and a last zxid 21.
    fn ends(&mut self) -> Result<SnapshotSeals, SnapshotError> {
        const LAST_ZXID_BYTES: usize = 8 + 13;
        let mut seals = SnapshotSeals::default();
        if self.stream.left(MAX_END_BYTES)? > LAST_ZXID_BYTES {
            seals.digest = Some(self.digest()?);
            self.seal()?;
        }
        if self.stream.left(MAX_END_BYTES)? > 0 {
            seals.last_zxid = Some(self.stream.zxid()?);
            self.seal()?;
        }
        if self.stream.left(MAX_END_BYTES)? > 0 {
            return Err(self.stream.damaged("more bytes than a snapshot has"));
        }
        Ok(seals)
    }

    /// `DataTree.ZxidDigest.deserialize`: before version 2 the digest is hexadecimal text.
    fn digest(&mut self) -> Result<SnapshotDigest, SnapshotError> {
        let zxid = self.stream.zxid()?;
        let version = self.stream.int()?;
        let digest = if version < 2 {
            self.text_digest()?
        } else {
            self.stream.long()?
        };
        Ok(SnapshotDigest {
            zxid,
            version,
            digest,
        })
    }

    fn text_digest(&mut self) -> Result<i64, SnapshotError> {
        let size = self.stream.field_size(0)?;
        let text: proto::Ustring<'_> = decode(self.stream.peek(size)?);
        let digest = text.map(|text| i64::from_str_radix(&text, 16));
        self.stream.skip(size);
        match digest {
            None => Ok(0),
            Some(Ok(digest)) => Ok(digest),
            Some(Err(_)) => Err(self.stream.damaged("a digest that is no number")),
        }
    }
}

/// Field lengths were checked before the bytes were gathered.
fn unlimited(bytes: &[u8]) -> Input<'_> {
    let max_field_bytes = i64::from(i32::MAX);
    Input::with_limits(bytes, jute::Limits { max_field_bytes })
}

fn read<'a, T: Decode<'a>>(input: &mut Input<'a>) -> T {
    input.read().expect("all its bytes were gathered")
}

fn decode<'a, T: Decode<'a>>(bytes: &'a [u8]) -> T {
    read(&mut unlimited(bytes))
}
