//! Owns the text of DIGEST-MD5's tokens: `key=value`, a value with or without quotes, commas between (RFC 2831, 7.1).

/// A token that cannot be taken apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A key stands alone.
    #[error("{0} has no value")]
    NoValue(String),
    /// The text ends inside quotes.
    #[error("the value of {0} has no second quote")]
    Unquoted(String),
    /// Something follows a quote that is no comma.
    #[error("there is more behind the quotes of {0}")]
    BehindQuotes(String),
    /// A value without a key.
    #[error("a value has no key")]
    NoKey,
    /// A key that may stand once stands twice.
    #[error("{0} stands there twice")]
    Twice(String),
}

/// What a token says, in its order. Keys are in small letters.
#[derive(Debug, Default)]
pub(crate) struct Directives(Vec<(String, Vec<u8>)>);

impl Directives {
    /// Takes a token apart. Keys that nobody knows are kept; `realm` alone may stand more than once.
    pub fn parse(mut rest: &[u8]) -> Result<Self, Malformed> {
        let mut directives = Directives::default();
        loop {
            rest = skip(rest, |byte| byte == b',' || is_blank(byte));
            if rest.is_empty() {
                return Ok(directives);
            }
            let (key, value) = take_key(rest)?;
            let value = skip(value, is_blank);
            let (value, behind) = match value.strip_prefix(b"\"") {
                Some(quoted) => take_quoted(&key, quoted)?,
                None => take_plain(value),
            };
            if key != "realm" && directives.bytes(&key).is_some() {
                return Err(Malformed::Twice(key));
            }
            directives.0.push((key, value));
            rest = behind;
        }
    }

    /// The value behind a key.
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_slice())
    }

    /// The value behind a key, as text.
    pub fn text(&self, key: &str) -> Option<String> {
        self.bytes(key)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn skip(bytes: &[u8], what: impl Fn(u8) -> bool) -> &[u8] {
    let first = bytes.iter().position(|&byte| !what(byte));
    &bytes[first.unwrap_or(bytes.len())..]
}

/// A key and what stands behind its equals sign.
fn take_key(rest: &[u8]) -> Result<(String, &[u8]), Malformed> {
    let end = rest
        .iter()
        .position(|&byte| matches!(byte, b'=' | b',') || is_blank(byte));
    let end = end.unwrap_or(rest.len());
    let key = String::from_utf8_lossy(&rest[..end]).to_ascii_lowercase();
    if key.is_empty() {
        return Err(Malformed::NoKey);
    }
    match skip(&rest[end..], is_blank).strip_prefix(b"=") {
        Some(value) if !skip(value, is_blank).is_empty() => Ok((key, value)),
        // Java takes one that the token ends with for one without a value.
        None if end == rest.len() => Ok((key, b"")),
        _ => Err(Malformed::NoValue(key)),
    }
}

fn take_plain(value: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = value
        .iter()
        .position(|&byte| byte == b',' || is_blank(byte));
    let (value, behind) = value.split_at(end.unwrap_or(value.len()));
    (value.to_vec(), behind)
}

/// What stands up to the second quote; a backslash takes its meaning from what follows it.
fn take_quoted<'a>(key: &str, quoted: &'a [u8]) -> Result<(Vec<u8>, &'a [u8]), Malformed> {
    let mut value = Vec::new();
    let mut bytes = quoted.iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => {
                let behind = &quoted[at + 1..];
                let is_end = |byte: &u8| *byte == b',' || is_blank(*byte);
                return match behind.first().is_none_or(is_end) {
                    true => Ok((value, behind)),
                    false => Err(Malformed::BehindQuotes(key.to_owned())),
                };
            }
            b'\\' => value.extend(bytes.next().map(|(_, &byte)| byte)),
            byte => value.push(byte),
        }
    }
    Err(Malformed::Unquoted(key.to_owned()))
}

/// `key="value"`, with backslashes where the value needs them.
pub(crate) fn quoted(key: &str, value: &str) -> String {
    let mut text = format!("{key}=\"");
    for letter in value.chars() {
        if matches!(letter, '"' | '\\') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_apart_with_quotes_blanks_and_empty_parts() {
        let token = br#" ,Username = "a\"b\\c" ,, realm="" , nc=00000001,qop=auth "#;
        let directives = Directives::parse(token).expect("a token");
        assert_eq!(directives.bytes("username"), Some(&br#"a"b\c"#[..]));
        assert_eq!(directives.bytes("realm"), Some(&b""[..]));
        assert_eq!(directives.bytes("nc"), Some(&b"00000001"[..]));
        assert_eq!(directives.text("qop").as_deref(), Some("auth"));
        assert_eq!(directives.bytes("charset"), None);
        let directives = Directives::parse(b"nonce=a,last").expect("a token");
        assert_eq!(directives.bytes("last"), Some(&b""[..]));
    }

    #[test]
    fn what_was_quoted_is_read_back() {
        let text = quoted("username", r#"a "b" \ c"#);
        let directives = Directives::parse(text.as_bytes()).expect("a token");
        assert_eq!(directives.text("username").as_deref(), Some(r#"a "b" \ c"#));
    }

    #[test]
    fn a_broken_token_is_refused_with_its_key() {
        for (token, error) in [
            ("nonce ", Malformed::NoValue("nonce".into())),
            ("nonce,a=b", Malformed::NoValue("nonce".into())),
            ("nonce=", Malformed::NoValue("nonce".into())),
            ("nonce b", Malformed::NoValue("nonce".into())),
            ("nonce=\"a", Malformed::Unquoted("nonce".into())),
            ("nonce=\"a\\", Malformed::Unquoted("nonce".into())),
            ("nonce=\"a\"b", Malformed::BehindQuotes("nonce".into())),
            ("=a", Malformed::NoKey),
            ("qop=a,QOP=b", Malformed::Twice("qop".into())),
        ] {
            let refused = Directives::parse(token.as_bytes()).expect_err(token);
            assert_eq!(refused, error, "{token}");
        }
    }
}
