//! Owns the text format of `java.util.Properties`: bytes in, keys and values with their line numbers out.
//!
//! Must not know any key. The rules are those that the class documents for `load(InputStream)`, which is what
//! Apache's `QuorumPeerConfig.parse` calls: bytes are ISO-8859-1, whatever the locale.

/// One key and its value, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, unescaped.
    pub key: String,
    /// The value, unescaped. Trailing white space is part of it.
    pub value: String,
    /// The line (from 1) where the entry begins; a continued entry keeps its first line.
    pub line: usize,
}

/// A `\u` that four hexadecimal digits do not follow. Java refuses the whole file for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: \\u must be followed by four hexadecimal digits; write a backslash itself as \\\\"
)]
pub struct MalformedEscape {
    /// The line (from 1) where the entry begins.
    pub line: usize,
}

/// Reads properties text. A key that stands twice is returned twice; the last one is meant to win.
///
/// One quirk is left out: a last line of nothing but a backslash is an entry without key and value to Java.
///
/// # Errors
/// [`MalformedEscape`] for a `\u` without four hexadecimal digits. Nothing else is refused by the format.
pub fn parse(text: &[u8]) -> Result<Vec<Entry>, MalformedEscape> {
    logical_lines(text)
        .into_iter()
        .map(|(line, bytes)| entry(line, &bytes).ok_or(MalformedEscape { line }))
        .collect()
}

/// Cuts white space at both ends as Java's `String.trim` does: every character up to the space, controls included.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

/// Joins continued lines, and leaves out comments and blank lines.
fn logical_lines(text: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut lines = Vec::new();
    let (mut first, mut joined) = (0, Vec::new());
    for (number, natural) in natural_lines(text).enumerate() {
        let part = skip_white_space(natural);
        if joined.is_empty() {
            // A comment mark counts only where an entry could begin, not on a continuation line.
            if part.is_empty() || matches!(part[0], b'#' | b'!') {
                continue;
            }
            first = number + 1;
        }
        let continued = part.iter().rev().take_while(|&&b| b == b'\\').count() % 2 == 1;
        joined.extend_from_slice(&part[..part.len() - usize::from(continued)]);
        if !continued {
            lines.push((first, std::mem::take(&mut joined)));
        }
    }
    if !joined.is_empty() {
        lines.push((first, joined));
    }
    lines
}

/// Lines that end with `\n`, `\r` or `\r\n`.
fn natural_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
            rest = None;
            return Some(text);
        };
        let width = if text[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = Some(&text[end + width..]);
        Some(&text[..end])
    })
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0c)
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b'=' | b':')
}

fn skip_white_space(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|&b| !is_white_space(b))
        .unwrap_or(bytes.len());
    &bytes[start..]
}

/// Splits one logical line; `None` for a malformed `\u`.
fn entry(line: usize, bytes: &[u8]) -> Option<Entry> {
    let (key, rest) = bytes.split_at(key_length(bytes));
    let mut value = skip_white_space(rest);
    if value.first().is_some_and(|&b| is_separator(b)) {
        value = skip_white_space(&value[1..]);
    }
    Some(Entry {
        key: unescape(key)?,
        value: unescape(value)?,
        line,
    })
}

/// The key ends before the first separator or white space that no backslash escapes.
fn key_length(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (at, &byte) in bytes.iter().enumerate() {
        if !escaped && (is_separator(byte) || is_white_space(byte)) {
            return at;
        }
        escaped = byte == b'\\' && !escaped;
    }
    bytes.len()
}

/// Resolves backslashes. A half of a surrogate pair standing alone becomes U+FFFD; Java would keep it.
fn unescape(bytes: &[u8]) -> Option<String> {
    let mut units: Vec<u16> = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            units.push(byte.into());
            continue;
        }
        match rest.next() {
            Some(b'u') => units.push(hex_unit(&mut rest)?),
            Some(b't') => units.push(b'\t'.into()),
            Some(b'n') => units.push(b'\n'.into()),
            Some(b'r') => units.push(b'\r'.into()),
            Some(b'f') => units.push(0x0c),
            Some(other) => units.push(other.into()),
            None => {}
        }
    }
    Some(String::from_utf16_lossy(&units))
}

fn hex_unit(bytes: &mut impl Iterator<Item = u8>) -> Option<u16> {
    (0..4).try_fold(0, |unit, _| {
        let digit = char::from(bytes.next()?).to_digit(16)?;
        Some(unit << 4 | digit as u16)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[u8]) -> Vec<(String, String)> {
        parse(text)
            .expect("well formed")
            .into_iter()
            .map(|e| (e.key, e.value))
            .collect()
    }

    fn one(text: &str) -> (String, String) {
        let mut all = pairs(text.as_bytes());
        assert_eq!(all.len(), 1, "{text:?} gave {all:?}");
        all.remove(0)
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn a_separator_is_an_equals_sign_a_colon_or_white_space() {
        for text in [
            "k=v",
            "k:v",
            "k v",
            "k\tv",
            "k\x0cv",
            "  k  =  v",
            "k : v",
            "k\t \tv",
        ] {
            assert_eq!(one(text), pair("k", "v"), "{text:?}");
        }
    }

    #[test]
    fn only_the_first_separator_separates() {
        assert_eq!(one("k==v"), pair("k", "=v"));
        assert_eq!(one("k = : v"), pair("k", ": v"));
        assert_eq!(
            one("server.1=host:2888:3888;2181"),
            pair("server.1", "host:2888:3888;2181")
        );
    }

    #[test]
    fn a_key_may_have_no_value_and_a_value_no_key() {
        assert_eq!(one("k"), pair("k", ""));
        assert_eq!(one("k="), pair("k", ""));
        assert_eq!(one("=v"), pair("", "v"));
    }

    #[test]
    fn comments_and_blank_lines_are_left_out() {
        assert_eq!(
            pairs(b"# a=b\n  ! c=d\n\n \t\n#x\\\nk=v#w\n"),
            [pair("k", "v#w")]
        );
    }

    #[test]
    fn a_backslash_at_the_end_joins_the_next_line() {
        assert_eq!(one("k=a,\\\n   b,\\\n\tc"), pair("k", "a,b,c"));
        assert_eq!(
            one("k=a\\\n#b"),
            pair("k", "a#b"),
            "no comment within an entry"
        );
        assert_eq!(
            pairs(b"k=a\\\n\nl=b"),
            [pair("k", "a"), pair("l", "b")],
            "a blank line ends an entry"
        );
        assert_eq!(one("k=a\\"), pair("k", "a"), "at the end of the text");
    }

    #[test]
    fn an_even_number_of_backslashes_does_not_join() {
        assert_eq!(pairs(b"k=a\\\\\nl=b"), [pair("k", "a\\"), pair("l", "b")]);
        assert_eq!(one("k=a\\\\\\\nb"), pair("k", "a\\b"));
    }

    #[test]
    fn lines_end_with_any_of_the_three_line_ends() {
        let expected = [pair("a", "1"), pair("b", "2"), pair("c", "3")];
        assert_eq!(pairs(b"a=1\r\nb=2\rc=3\n"), expected);
        assert_eq!(pairs(b"a=1\r\n\r\nb=2\n\rc=3"), expected);
        assert_eq!(one("k=a\\\r\n  b\r\n"), pair("k", "ab"));
    }

    #[test]
    fn escapes_are_resolved_in_keys_and_values() {
        assert_eq!(
            one(r"a\ b\=c\:d=\t\n\r\f\\\q\ "),
            pair("a b=c:d", "\t\n\r\x0c\\q ")
        );
        assert_eq!(
            one(r"k=\u0041\u00e9\uD83D\uDE00"),
            pair("k", "A\u{e9}\u{1f600}")
        );
    }

    #[test]
    fn bytes_are_latin_1() {
        assert_eq!(pairs(b"k=\xe9"), [pair("k", "\u{e9}")]);
        assert_eq!(
            pairs("k=é".as_bytes()),
            [pair("k", "Ã©")],
            "utf-8 is not recognised, as in Java"
        );
    }

    #[test]
    fn trailing_white_space_stays_until_it_is_trimmed() {
        assert_eq!(one("k=v \t"), pair("k", "v \t"));
        assert_eq!(trim(" \u{1}v w\t\r"), "v w");
        assert_eq!(
            trim("\u{a0}v"),
            "\u{a0}v",
            "String.trim leaves what is above the space"
        );
    }

    #[test]
    fn a_repeated_key_is_returned_in_order() {
        assert_eq!(pairs(b"k=1\nk=2"), [pair("k", "1"), pair("k", "2")]);
    }

    #[test]
    fn a_malformed_unicode_escape_names_its_line() {
        for text in ["a=b\n\nk=\\u12", "a=b\n\nk=\\\n\\u12x4", "a=b\n\n\\uzzzz"] {
            assert_eq!(
                parse(text.as_bytes()),
                Err(MalformedEscape { line: 3 }),
                "{text:?}"
            );
        }
    }

    #[test]
    fn an_entry_knows_the_line_where_it_begins() {
        let lines: Vec<usize> = parse(b"# c\na=1\\\n2\nb=3")
            .expect("well formed")
            .iter()
            .map(|e| e.line)
            .collect();
        assert_eq!(lines, [2, 4]);
    }
}
