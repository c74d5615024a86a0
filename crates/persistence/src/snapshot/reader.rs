//! Reading a snapshot into whatever implements [`Restore`].

use std::io::{self, Read};

use proto::{Input, Ustring};

use super::body::{Body, Step};
use super::stream::Stream;
use super::{Compression, SNAPSHOT_MAGIC, SnapshotDigest, SnapshotSeals};
use crate::{Dir, IoError, Restore, SnapshotError, parse_snapshot_name};

/// The digest and last zxid sections are shorter, seals included.
const MAX_END_BYTES: usize = 256;

/// Bytes by which a compression is known.
const LONGEST_MAGIC: u64 = 8;

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

    /// One that comes in another way than as a file; `name` is what messages call it. Its first bytes tell how it is compressed.
    ///
    /// # Errors
    /// Its first bytes do not come.
    pub fn of_stream(
        mut source: impl Read + 'static,
        name: &str,
        max_field_bytes: u32,
    ) -> io::Result<Self> {
        let mut start = Vec::new();
        Read::take(&mut source, LONGEST_MAGIC).read_to_end(&mut start)?;
        let compression = Compression::of_content(&start);
        let source = compression.decompress(io::Cursor::new(start).chain(source));
        Ok(SnapshotReader {
            stream: Stream::new(name.into(), source, max_field_bytes),
            max_field_bytes,
        })
    }

    /// Reads it all and checks every seal. What `into` holds after an error must be thrown away.
    pub fn read<R: Restore>(mut self, into: &mut R) -> Result<SnapshotSeals, SnapshotError> {
        self.header()?;
        self.body(into)?;
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

    fn body<R: Restore>(&mut self, into: &mut R) -> Result<(), SnapshotError> {
        let mut body = Body::new(self.max_field_bytes);
        let mut needed = 0;
        loop {
            let bytes = self.stream.peek_all(needed)?;
            let step = body.step(bytes, into);
            match step.map_err(|error| self.stream.body_error(error))? {
                Step::Need(size) => needed = size,
                Step::Took(size) => {
                    self.stream.skip(size);
                    needed = 0;
                }
                Step::End(size) => {
                    self.stream.skip(size);
                    return Ok(());
                }
            }
        }
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
        let text = Input::new(self.stream.peek(size)?).read::<Ustring<'_>>();
        let digest = match text {
            Ok(None) => Some(0),
            Ok(Some(text)) => i64::from_str_radix(&text, 16).ok(),
            Err(_) => None,
        };
        self.stream.skip(size);
        digest.ok_or_else(|| self.stream.damaged("a digest that is no number"))
    }
}
