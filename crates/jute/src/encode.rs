//! Writing: values go to the end of a `BytesMut`.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::{cesu8_len, put_cesu8};

/// A value that can be written. Writing has no limit and cannot fail: replies may be larger than
/// any request, as Apache's.
pub trait Encode {
    /// Appends the value's wire form to `out`.
    fn encode(&self, out: &mut BytesMut);
}

/// Lengths above `i32::MAX` cannot be expressed; nothing that large is ever built, because every
/// source (a frame, a record of the log) is itself counted by an `i32`.
fn put_length(length: usize, out: &mut BytesMut) {
    out.put_i32(i32::try_from(length).expect("jute lengths fit an int"));
}

impl Encode for bool {
    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(u8::from(*self));
    }
}

impl Encode for i32 {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i32(*self);
    }
}

impl Encode for i64 {
    fn encode(&self, out: &mut BytesMut) {
        out.put_i64(*self);
    }
}

impl Encode for [u8] {
    fn encode(&self, out: &mut BytesMut) {
        put_length(self.len(), out);
        out.put_slice(self);
    }
}

impl Encode for str {
    fn encode(&self, out: &mut BytesMut) {
        put_length(cesu8_len(self), out);
        put_cesu8(self, out);
    }
}

impl Encode for Cow<'_, str> {
    fn encode(&self, out: &mut BytesMut) {
        (**self).encode(out);
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, out: &mut BytesMut) {
        (**self).encode(out);
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, out: &mut BytesMut) {
        put_length(self.len(), out);
        for item in self {
            item.encode(out);
        }
    }
}

/// Null: a length of −1 in the place of the value's own.
impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            Some(value) => value.encode(out),
            None => out.put_i32(-1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Buffer, Ustring, Vector};

    fn bytes_of(value: &impl Encode) -> Vec<u8> {
        let mut out = BytesMut::new();
        value.encode(&mut out);
        out.to_vec()
    }

    #[test]
    fn numbers_are_big_endian() {
        assert_eq!(bytes_of(&1i32), [0, 0, 0, 1]);
        assert_eq!(
            bytes_of(&-2i64),
            [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]
        );
        assert_eq!(bytes_of(&true), [1]);
    }

    #[test]
    fn null_is_minus_one() {
        assert_eq!(bytes_of(&None::<&[u8]>), [0xff; 4]);
        let absent: Buffer<'_> = None;
        assert_eq!(bytes_of(&absent), [0xff; 4]);
        let list: Vector<Ustring<'_>> = Some(vec![Some("a".into()), None]);
        assert_eq!(
            bytes_of(&list),
            [0, 0, 0, 2, 0, 0, 0, 1, b'a', 0xff, 0xff, 0xff, 0xff]
        );
    }
}
