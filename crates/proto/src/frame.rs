//! A frame: four bytes of length, then that many bytes. Clients and servers send nothing else to each other.
//!
//! For those who have the bytes already. The listener reads a client's frames from its socket with a bound of its own.

use bytes::{Buf, BufMut, BytesMut};

const LENGTH_BYTES: usize = 4;

/// A length that no frame may have: negative, or more than the reader allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {length} bytes")]
pub struct BadLength {
    /// As it stood there.
    pub length: i32,
}

/// Adds a frame that holds what `fill` writes, and gives the size of that in bytes.
///
/// # Panics
///
/// When it is 2 GiB or more, which no caller's limits allow.
pub fn put(out: &mut BytesMut, fill: impl FnOnce(&mut BytesMut)) -> usize {
    let start = out.len();
    out.put_i32(0);
    fill(out);
    let size = out.len() - start - LENGTH_BYTES;
    let length = i32::try_from(size).expect("a frame stays below 2 GiB");
    out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    size
}

/// Takes the content of the first frame, if all of it is there.
///
/// # Errors
///
/// [`BadLength`] when it is negative or above `limit`, as soon as the length is there.
pub fn take(incoming: &mut BytesMut, limit: usize) -> Result<Option<BytesMut>, BadLength> {
    let Some(length) = incoming.first_chunk() else {
        return Ok(None);
    };
    let length = i32::from_be_bytes(*length);
    let size = usize::try_from(length).map_err(|_| BadLength { length })?;
    if size > limit {
        return Err(BadLength { length });
    }
    if incoming.len() < LENGTH_BYTES + size {
        return Ok(None);
    }
    incoming.advance(LENGTH_BYTES);
    Ok(Some(incoming.split_to(size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_begins_with_its_length() {
        let mut out = BytesMut::from(&b"x"[..]);
        assert_eq!(put(&mut out, |out| out.put_slice(b"ab")), 2);
        assert_eq!(out[..], [b'x', 0, 0, 0, 2, b'a', b'b']);
    }

    #[test]
    fn frames_are_taken_whole_and_one_by_one() {
        let mut incoming = BytesMut::new();
        put(&mut incoming, |out| out.put_slice(b"ab"));
        put(&mut incoming, |_| {});
        let mut part = BytesMut::from(&incoming[..5]);
        assert_eq!(take(&mut part, 2), Ok(None));
        assert_eq!(take(&mut incoming, 2), Ok(Some(BytesMut::from(&b"ab"[..]))));
        assert_eq!(take(&mut incoming, 2), Ok(Some(BytesMut::new())));
        assert_eq!(take(&mut incoming, 2), Ok(None));
    }

    #[test]
    fn a_length_below_zero_or_above_the_limit_is_refused() {
        for length in [-1, 3] {
            let mut incoming = BytesMut::from(&i32::to_be_bytes(length)[..]);
            assert_eq!(take(&mut incoming, 2), Err(BadLength { length }));
        }
    }
}
