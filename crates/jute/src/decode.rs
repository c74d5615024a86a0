//! Reading: nom takes the primitive values off the front of an [`Input`].

use std::borrow::Cow;

use nom::IResult;
use nom::bytes::complete::take;
use nom::number::complete::{be_i32, be_i64, be_u8};

use crate::{Buffer, Ustring, Vector, decode_cesu8, decode_java_utf8};

/// Why bytes are not the record that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end inside a value.
    #[error("{missing} more byte(s) needed at offset {offset}")]
    Truncated {
        /// Where the value that is cut begins, from the start of the input.
        offset: usize,
        /// How many bytes the value lacks, at least one.
        missing: usize,
    },
    /// A length that is negative or above the limit (`BinaryInputArchive.checkLength`).
    #[error("unreasonable length {length} at offset {offset}")]
    UnreasonableLength {
        /// Where the length stands.
        offset: usize,
        /// The length as it was read.
        length: i32,
    },
}

/// Bounds on the lengths that a reader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest `ustring` or `buffer` in bytes: `jute.maxbuffer` plus
    /// `zookeeper.jute.maxbuffer.extrasize`.
    pub max_field_bytes: i64,
}

impl Default for Limits {
    /// Apache's defaults: 1,048,575 bytes and as much again.
    fn default() -> Self {
        Limits {
            max_field_bytes: 2 * 0xf_ffff,
        }
    }
}

/// Bytes that are being read, and how far the reader has come.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
    limits: Limits,
    own: bool,
}

impl<'a> Input<'a> {
    /// Reads `bytes` within the default [`Limits`].
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_limits(bytes, Limits::default())
    }

    /// Reads `bytes` within `limits`.
    pub fn with_limits(bytes: &'a [u8], limits: Limits) -> Self {
        Input {
            whole: bytes,
            rest: bytes,
            limits,
            own: false,
        }
    }

    /// What was written here and has never left: text is read back whole, see [`decode_cesu8`].
    pub fn own(self) -> Self {
        Input { own: true, ..self }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes have been read.
    pub fn offset(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    /// True when nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads one value or record.
    pub fn read<T: Decode<'a>>(&mut self) -> Result<T, Error> {
        T::decode(self)
    }

    fn parse<T>(
        &mut self,
        width: usize,
        parser: impl FnOnce(&'a [u8]) -> IResult<&'a [u8], T>,
    ) -> Result<T, Error> {
        let truncated = Error::Truncated {
            offset: self.offset(),
            missing: width.saturating_sub(self.rest.len()),
        };
        let (rest, value) = parser(self.rest).map_err(|_| truncated)?;
        self.rest = rest;
        Ok(value)
    }

    /// A length and that many bytes; −1 is null (`BinaryInputArchive.readBuffer`).
    fn counted_bytes(&mut self) -> Result<Buffer<'a>, Error> {
        let offset = self.offset();
        let length = i32::decode(self)?;
        if length == -1 {
            return Ok(None);
        }
        let size = usize::try_from(length)
            .ok()
            .filter(|_| i64::from(length) <= self.limits.max_field_bytes)
            .ok_or(Error::UnreasonableLength { offset, length })?;
        self.parse(size, take(size)).map(Some)
    }
}

/// A value that can be read from an [`Input`].
pub trait Decode<'a>: Sized {
    /// Reads one value; on an error the input's position is unspecified.
    fn decode(input: &mut Input<'a>) -> Result<Self, Error>;
}

impl Decode<'_> for bool {
    /// Any byte but zero is true, as `DataInput.readBoolean`.
    fn decode(input: &mut Input<'_>) -> Result<Self, Error> {
        input.parse(1, be_u8).map(|byte| byte != 0)
    }
}

impl Decode<'_> for i32 {
    fn decode(input: &mut Input<'_>) -> Result<Self, Error> {
        input.parse(4, be_i32)
    }
}

impl Decode<'_> for i64 {
    fn decode(input: &mut Input<'_>) -> Result<Self, Error> {
        input.parse(8, be_i64)
    }
}

impl<'a> Decode<'a> for Buffer<'a> {
    fn decode(input: &mut Input<'a>) -> Result<Self, Error> {
        input.counted_bytes()
    }
}

impl<'a> Decode<'a> for Ustring<'a> {
    /// Ill-formed UTF-8 becomes U+FFFD as `new String(bytes, UTF_8)` would make it.
    fn decode(input: &mut Input<'a>) -> Result<Self, Error> {
        let bytes = input.counted_bytes()?;
        Ok(bytes.map(|bytes| match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) if input.own => Cow::Owned(decode_cesu8(bytes)),
            Err(_) => Cow::Owned(decode_java_utf8(bytes)),
        }))
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Vector<T> {
    /// A count of −1 is null; other negative counts are empty (`BinaryIndex.done`). No room is
    /// reserved for a count: only for items whose bytes are there.
    fn decode(input: &mut Input<'a>) -> Result<Self, Error> {
        let count = i32::decode(input)?;
        if count == -1 {
            return Ok(None);
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(T::decode(input)?);
        }
        Ok(Some(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_value_says_where_and_how_much() {
        let mut input = Input::new(&[0, 0, 0, 1, 0, 0]);
        assert_eq!(input.read::<i32>(), Ok(1));
        assert_eq!(
            input.read::<i64>(),
            Err(Error::Truncated {
                offset: 4,
                missing: 6
            })
        );
    }

    #[test]
    fn lengths_outside_the_limit_are_refused_before_any_byte_is_taken() {
        for (length, refused) in [(-2, true), (i32::MIN, true), (9, true), (8, false)] {
            let mut bytes = i32::to_be_bytes(length).to_vec();
            bytes.extend([0; 16]);
            let mut input = Input::with_limits(&bytes, Limits { max_field_bytes: 8 });
            let outcome = input.read::<Buffer<'_>>();
            let expected = Err(Error::UnreasonableLength { offset: 0, length });
            assert_eq!(outcome == expected, refused, "length {length}");
        }
    }

    #[test]
    fn minus_one_is_null_and_not_empty() {
        let null = [0xff; 4];
        assert_eq!(Input::new(&null).read::<Buffer<'_>>(), Ok(None));
        assert_eq!(Input::new(&null).read::<Ustring<'_>>(), Ok(None));
        assert_eq!(Input::new(&null).read::<Vector<i32>>(), Ok(None));
        assert_eq!(Input::new(&[0; 4]).read::<Buffer<'_>>(), Ok(Some(&[][..])));
        assert_eq!(Input::new(&[0; 4]).read::<Vector<i32>>(), Ok(Some(vec![])));
    }

    #[test]
    fn a_vector_with_a_huge_count_reserves_nothing() {
        let bytes = i32::MAX.to_be_bytes();
        assert!(matches!(
            Input::new(&bytes).read::<Vector<i64>>(),
            Err(Error::Truncated {
                offset: 4,
                missing: 8
            })
        ));
    }

    #[test]
    fn any_byte_but_zero_is_true() {
        assert_eq!(Input::new(&[2]).read::<bool>(), Ok(true));
        assert_eq!(Input::new(&[0]).read::<bool>(), Ok(false));
    }
}
