//! Whether a text is a distinguished name, as Java's `X500Principal` reads one. Must not know what it names.

/// Keywords that Java knows (`sun.security.x509.AVAKeyword`), in any case.
const KEYWORDS: [&str; 21] = [
    "CN",
    "C",
    "L",
    "S",
    "ST",
    "O",
    "OU",
    "T",
    "IP",
    "STREET",
    "DC",
    "DNQUALIFIER",
    "DNQ",
    "SURNAME",
    "GIVENNAME",
    "INITIALS",
    "GENERATION",
    "EMAIL",
    "EMAILADDRESS",
    "UID",
    "SERIALNUMBER",
];

/// Can it be read? The empty name can.
pub(crate) fn is_name(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || parts(text).is_some_and(|parts| parts.into_iter().all(is_part))
}

/// What stands between commas, semicolons and plus signs that are neither quoted nor escaped; none when a quote or an
/// escape has no end.
fn parts(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut begin, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ',' | ';' | '+' if !quoted => {
                parts.push(&text[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[begin..]);
    (!quoted && !escaped).then_some(parts)
}

/// `keyword=value`.
fn is_part(part: &str) -> bool {
    let Some((keyword, value)) = part.split_once('=') else {
        return false;
    };
    is_keyword(keyword.trim()) && is_value(value.trim())
}

fn is_keyword(keyword: &str) -> bool {
    let upper = keyword.to_ascii_uppercase();
    KEYWORDS.contains(&upper.as_str())
        || is_object_identifier(upper.strip_prefix("OID.").unwrap_or(&upper))
}

fn is_object_identifier(text: &str) -> bool {
    let numbers: Vec<_> = text.split('.').map(str::parse::<u64>).collect();
    numbers.len() >= 2
        && numbers.iter().all(Result::is_ok)
        && matches!(
            (&numbers[0], &numbers[1]),
            (Ok(0 | 1), Ok(0..40)) | (Ok(2), Ok(_))
        )
}

/// Plain text, text in quotes, or bytes in hexadecimal.
fn is_value(value: &str) -> bool {
    if let Some(digits) = value.strip_prefix('#') {
        return !digits.is_empty()
            && digits.len().is_multiple_of(2)
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    }
    match value.strip_prefix('"') {
        Some(quoted) => quoted.ends_with('"'),
        None => has_known_escapes(value),
    }
}

/// A backslash stands before a special character or two hexadecimal digits.
fn has_known_escapes(value: &str) -> bool {
    const SPECIAL: &str = ",=\n+<>#;\\\" ";
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once('\\') {
        if before.contains('"') {
            return false;
        }
        let bytes = behind.as_bytes();
        let is_hex = bytes.len() >= 2 && bytes[..2].iter().all(u8::is_ascii_hexdigit);
        let is_special = behind
            .chars()
            .next()
            .is_some_and(|first| SPECIAL.contains(first));
        if !is_hex && !is_special {
            return false;
        }
        rest = behind.get(if is_hex { 2 } else { 1 }..).unwrap_or_default();
    }
    !rest.contains('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_java_writes_and_reads_are_names() {
        for name in [
            "",
            "CN=zk,O=Example",
            "cn = zk , o=\"Example, Inc.\"",
            "CN=a+OU=b;C=DE",
            "1.2.840.113549.1.9.1=#1603612e62,CN=zk",
            "OID.2.5.4.3=zk",
            "CN=Doe\\, John",
            "CN=\\C3\\A9",
        ] {
            assert!(is_name(name), "{name}");
        }
    }

    #[test]
    fn other_texts_are_not() {
        for name in [
            "zk", "zk=1", "CN=zk,", "CN=\"zk", "CN=zk\\", "CN=#1", "CN=a\"b", "3.1=x", "CN=\\z",
            "=zk",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
