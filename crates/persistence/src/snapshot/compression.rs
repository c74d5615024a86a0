//! The three forms of a snapshot's bytes (`SnapStream.StreamMode`).
//!
//! The snappy form is that of xerial's `SnappyOutputStream`: a header of 16 bytes (magic, version
//! 1, oldest version that can read it 1), then blocks of an int and that many bytes of raw snappy.

use std::io::{self, BufReader, BufWriter, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::File;
use crate::log_reader::At;

const BUFFER_BYTES: usize = 256 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const SNAPPY_MAGIC: [u8; 8] = *b"\x82SNAPPY\0";
const SNAPPY_HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
/// Uncompressed bytes of a block that we write: xerial's default.
const SNAPPY_BLOCK_BYTES: usize = 32 << 10;
/// Largest block that is read, compressed or not: bounds memory.
const MAX_SNAPPY_BLOCK_BYTES: usize = 1 << 20;

/// How a snapshot is compressed (`zookeeper.snapshot.compression.method`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// Snappy in xerial's framing.
    Snappy,
}

impl Compression {
    /// Behind the file name, with its dot.
    pub fn extension(self) -> &'static str {
        match self {
            Compression::None => "",
            Compression::Gzip => ".gz",
            Compression::Snappy => ".snappy",
        }
    }

    /// By a file name's extension without its dot, in any case.
    pub fn from_extension(extension: &str) -> Option<Self> {
        [Compression::Gzip, Compression::Snappy]
            .into_iter()
            .find(|known| known.extension()[1..].eq_ignore_ascii_case(extension))
    }

    pub(super) fn magic(self) -> &'static [u8] {
        match self {
            Compression::None => &[],
            Compression::Gzip => &GZIP_MAGIC,
            Compression::Snappy => &SNAPPY_MAGIC,
        }
    }

    pub(super) fn reader<F: File>(self, file: F) -> Box<dyn Read> {
        self.decompress(At { file, offset: 0 })
    }

    /// By its first bytes.
    pub(super) fn of_content(start: &[u8]) -> Self {
        let known = [Compression::Gzip, Compression::Snappy].into_iter();
        let mut found = known.filter(|known| start.starts_with(known.magic()));
        found.next().unwrap_or_default()
    }

    pub(super) fn decompress(self, source: impl Read + 'static) -> Box<dyn Read> {
        let source = BufReader::with_capacity(BUFFER_BYTES, source);
        match self {
            Compression::None => Box::new(source),
            Compression::Gzip => Box::new(MultiGzDecoder::new(source)),
            Compression::Snappy => Box::new(SnappyReader::new(source)),
        }
    }
}

/// Writes one file from front to back.
pub(super) struct Append<F> {
    file: F,
    offset: u64,
}

impl<F: File> Write for Append<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_at(bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where a snapshot's bytes go.
pub(super) enum Sink<F: File> {
    Plain(BufWriter<Append<F>>),
    Gzip(GzEncoder<BufWriter<Append<F>>>),
    Snappy(SnappyWriter<BufWriter<Append<F>>>),
}

impl<F: File> Sink<F> {
    pub(super) fn new(file: F, compression: Compression) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, Append { file, offset: 0 });
        Ok(match compression {
            Compression::None => Sink::Plain(file),
            Compression::Gzip => Sink::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Compression::Snappy => Sink::Snappy(SnappyWriter::new(file)?),
        })
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sink::Plain(writer) => writer.write_all(bytes),
            Sink::Gzip(writer) => writer.write_all(bytes),
            Sink::Snappy(writer) => writer.write_all(bytes),
        }
    }

    /// Writes what is buffered; gives back the file and its length.
    pub(super) fn finish(self) -> io::Result<(F, u64)> {
        let buffered = match self {
            Sink::Plain(writer) => writer,
            Sink::Gzip(writer) => writer.finish()?,
            Sink::Snappy(writer) => writer.finish()?,
        };
        let append = buffered
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        Ok((append.file, append.offset))
    }
}

/// xerial's `SnappyOutputStream`.
pub(super) struct SnappyWriter<W> {
    inner: W,
    block: Vec<u8>,
    encoder: Box<snap::raw::Encoder>,
}

impl<W: Write> SnappyWriter<W> {
    fn new(mut inner: W) -> io::Result<Self> {
        inner.write_all(&SNAPPY_HEADER)?;
        Ok(SnappyWriter {
            inner,
            block: Vec::with_capacity(SNAPPY_BLOCK_BYTES),
            encoder: Box::new(snap::raw::Encoder::new()),
        })
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = SNAPPY_BLOCK_BYTES - self.block.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == SNAPPY_BLOCK_BYTES {
                self.write_block()?;
            }
        }
        Ok(())
    }

    fn write_block(&mut self) -> io::Result<()> {
        let packed = self.encoder.compress_vec(&self.block)?;
        self.block.clear();
        let length =
            u32::try_from(packed.len()).expect("a block of 32 KiB packs to less than 4 GiB");
        self.inner.write_all(&length.to_be_bytes())?;
        self.inner.write_all(&packed)
    }

    fn finish(mut self) -> io::Result<W> {
        if !self.block.is_empty() {
            self.write_block()?;
        }
        Ok(self.inner)
    }
}

/// xerial's `SnappyInputStream`, for one stream without another behind it.
struct SnappyReader<R> {
    inner: R,
    started: bool,
    packed: Vec<u8>,
    block: Vec<u8>,
    read: usize,
}

impl<R: Read> SnappyReader<R> {
    fn new(inner: R) -> Self {
        SnappyReader {
            inner,
            started: false,
            packed: Vec::new(),
            block: Vec::new(),
            read: 0,
        }
    }

    fn read_header(&mut self) -> io::Result<()> {
        let mut header = [0; SNAPPY_HEADER.len()];
        self.inner.read_exact(&mut header)?;
        if !header.starts_with(&SNAPPY_MAGIC) {
            return Err(invalid("no snappy header".to_owned()));
        }
        self.started = true;
        Ok(())
    }

    /// False at the end of the file.
    fn read_block(&mut self) -> io::Result<bool> {
        let mut length = Vec::new();
        (&mut self.inner).take(4).read_to_end(&mut length)?;
        if length.is_empty() {
            return Ok(false);
        }
        let length = <[u8; 4]>::try_from(length)
            .map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let length = bounded(u32::from_be_bytes(length) as usize)?;
        self.packed.resize(length, 0);
        self.inner.read_exact(&mut self.packed)?;
        let size = bounded(snap::raw::decompress_len(&self.packed)?)?;
        self.block.resize(size, 0);
        snap::raw::Decoder::new().decompress(&self.packed, &mut self.block)?;
        self.read = 0;
        Ok(true)
    }
}

fn bounded(length: usize) -> io::Result<usize> {
    if length > MAX_SNAPPY_BLOCK_BYTES {
        return Err(invalid(format!(
            "unreasonable snappy block of {length} bytes"
        )));
    }
    Ok(length)
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<R: Read> Read for SnappyReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.started {
            self.read_header()?;
        }
        while self.read == self.block.len() {
            if !self.read_block()? {
                return Ok(0);
            }
        }
        let left = &self.block[self.read..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.read += count;
        Ok(count)
    }
}
