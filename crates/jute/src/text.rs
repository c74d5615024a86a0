//! Text as Java has it on both ways.
//!
//! Reading is `new String(bytes, UTF_8)` of JDK 9 and later: ill-formed bytes become U+FFFD, with
//! one replacement for an encoded surrogate (three bytes), where Rust's lossy conversion makes
//! three. Writing is `BinaryOutputArchive.stringToByteBuffer`: each UTF-16 unit by itself, so a
//! character beyond U+FFFF is six bytes (CESU-8). Text outside the basic plane therefore comes
//! back changed from what was written: after a restart, on followers, out of a multi. The server
//! that made a txn applies what it made, not what it wrote: [`decode_cesu8`] reads it back whole.
//! Paths cannot have such text, ids of ACLs can.

use bytes::{BufMut, BytesMut};

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// How many bytes [`put_cesu8`] writes.
pub fn cesu8_len(text: &str) -> usize {
    // Four-byte UTF-8 sequences begin with 0xf0 or above and become six bytes.
    text.len() + 2 * text.bytes().filter(|&byte| byte >= 0xf0).count()
}

/// Appends `text` with characters beyond U+FFFF as two encoded surrogates.
pub fn put_cesu8(text: &str, out: &mut BytesMut) {
    if !text.bytes().any(|byte| byte >= 0xf0) {
        return out.put_slice(text.as_bytes());
    }
    for unit in text.encode_utf16() {
        put_unit(unit, out);
    }
}

fn put_unit(unit: u16, out: &mut BytesMut) {
    let low6 = |shift: u16| 0x80 | (unit >> shift & 0x3f) as u8;
    match unit {
        0..0x80 => out.put_u8(unit as u8),
        0x80..0x800 => out.put_slice(&[0xc0 | (unit >> 6) as u8, low6(0)]),
        _ => out.put_slice(&[0xe0 | (unit >> 12) as u8, low6(6), low6(0)]),
    }
}

/// Decodes as `java.lang.String(byte[], UTF_8)` does.
pub fn decode_java_utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (decoded, used) = next_java_char(rest);
        text.push(decoded);
        rest = &rest[used..];
    }
    text
}

/// Decodes what [`put_cesu8`] wrote: two encoded surrogates are the character that they were.
pub fn decode_cesu8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (decoded, used) = surrogate_pair(rest).unwrap_or_else(|| next_java_char(rest));
        text.push(decoded);
        rest = &rest[used..];
    }
    text
}

/// The first character of `rest`, which is not empty, and how many bytes it takes.
fn next_java_char(rest: &[u8]) -> (char, usize) {
    match rest[0] {
        first @ 0..0x80 => (char::from(first), 1),
        0xc2..0xe0 => two_bytes(rest),
        0xe0..0xf0 => three_bytes(rest),
        0xf0..0xf8 => four_bytes(rest),
        _ => (REPLACEMENT, 1),
    }
}

fn surrogate_pair(rest: &[u8]) -> Option<(char, usize)> {
    let (first, second) = (rest.get(..3)?, rest.get(3..6)?);
    let unit = |bytes: &[u8]| code_point(bytes[0] & 0x0f, &bytes[1..]) as u16;
    let continued = [first[1], first[2], second[1], second[2]]
        .into_iter()
        .all(is_continuation);
    if first[0] != 0xed || second[0] != 0xed || !continued {
        return None;
    }
    let decoded = char::decode_utf16([unit(first), unit(second)])
        .next()?
        .ok()?;
    (decoded > '\u{ffff}').then_some((decoded, 6))
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

fn code_point(lead: u8, continuations: &[u8]) -> u32 {
    continuations.iter().fold(u32::from(lead), |point, &byte| {
        point << 6 | u32::from(byte & 0x3f)
    })
}

fn two_bytes(rest: &[u8]) -> (char, usize) {
    match rest {
        [lead, next, ..] if is_continuation(*next) => {
            let point = code_point(lead & 0x1f, &[*next]);
            (char::from_u32(point).unwrap_or(REPLACEMENT), 2)
        }
        _ => (REPLACEMENT, 1),
    }
}

fn three_bytes(rest: &[u8]) -> (char, usize) {
    let second_is_bad =
        |lead: u8, second: u8| lead == 0xe0 && second & 0xe0 == 0x80 || !is_continuation(second);
    match *rest {
        [lead, second, ..] if second_is_bad(lead, second) => (REPLACEMENT, 1),
        [lead, second, third, ..] if is_continuation(third) => {
            let point = code_point(lead & 0x0f, &[second, third]);
            // An encoded surrogate is no char: one replacement for its three bytes.
            (char::from_u32(point).unwrap_or(REPLACEMENT), 3)
        }
        [_, _, _, ..] => (REPLACEMENT, 2),
        _ => (REPLACEMENT, rest.len()),
    }
}

fn four_bytes(rest: &[u8]) -> (char, usize) {
    let second_is_bad = |lead: u8, second: u8| {
        lead > 0xf4
            || lead == 0xf0 && !(0x90..=0xbf).contains(&second)
            || lead == 0xf4 && second & 0xf0 != 0x80
            || !is_continuation(second)
    };
    match *rest {
        [lead, second, ..] if second_is_bad(lead, second) => (REPLACEMENT, 1),
        [_, _, third, ..] if !is_continuation(third) => (REPLACEMENT, 2),
        [lead, second, third, fourth, ..] if is_continuation(fourth) => {
            let point = code_point(lead & 0x07, &[second, third, fourth]);
            (char::from_u32(point).unwrap_or(REPLACEMENT), 4)
        }
        [_, _, _, _, ..] => (REPLACEMENT, 3),
        [lead] if lead > 0xf4 => (REPLACEMENT, 1),
        _ => (REPLACEMENT, rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cesu8(text: &str) -> Vec<u8> {
        let mut out = BytesMut::new();
        put_cesu8(text, &mut out);
        assert_eq!(out.len(), cesu8_len(text));
        out.to_vec()
    }

    #[test]
    fn the_basic_plane_is_plain_utf8() {
        for text in ["", "/a/b", "é", "\u{800}\u{ffff}", "日本"] {
            assert_eq!(cesu8(text), text.as_bytes());
            assert_eq!(decode_java_utf8(text.as_bytes()), text);
        }
    }

    #[test]
    fn beyond_the_basic_plane_is_two_surrogates_of_three_bytes() {
        assert_eq!(cesu8("a😀"), [b'a', 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]);
        assert_eq!(decode_java_utf8("a😀".as_bytes()), "a😀");
    }

    #[test]
    fn what_was_written_is_read_back_whole_by_who_wrote_it() {
        for text in [
            "",
            "a😀",
            "😀é\u{ffff}\u{10ffff}\u{10000}",
            "\u{d7ff}\u{e000}",
        ] {
            assert_eq!(decode_cesu8(&cesu8(text)), text);
        }
        assert_eq!(decode_java_utf8(&cesu8("a😀")), "a\u{fffd}\u{fffd}");
        for unpaired in [
            &[0xed, 0xa0, 0xbd][..],
            &[0xed, 0xb8, 0x80, 0xed, 0xa0, 0xbd],
        ] {
            assert_eq!(decode_cesu8(unpaired), decode_java_utf8(unpaired));
        }
    }

    #[test]
    fn ill_formed_text_is_replaced_as_java_replaces_it() {
        // The right-hand sides were printed by JDK 17's new String(bytes, UTF_8).
        let cases: &[(&[u8], &str)] = JAVA_CASES;
        for (bytes, expected) in cases {
            assert_eq!(decode_java_utf8(bytes), *expected, "{bytes:02x?}");
        }
    }

    const JAVA_CASES: &[(&[u8], &str)] = &include!("../testdata/java_utf8.in");
}
