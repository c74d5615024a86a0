//! Distinguished names as Java writes them: `X500Principal.getName()`, which is RFC 2253 with Java's choice of keywords.
//! What stands in an ACL of scheme x509 is such a text, so it must be right to the letter.

use rustls_pki_types::CertificateDer;
use x509_parser::asn1_rs::{Any, Tag, ToDer};
use x509_parser::parse_x509_certificate;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Object identifiers that have a keyword in RFC 2253 (`sun.security.x509.AVAKeyword`).
const KEYWORDS: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// Characters that stand behind a backslash.
const ESCAPED: &str = ",=+<>#;\"\\";

/// Whose certificate it is; none when it cannot be taken apart.
pub fn subject(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    Some(java_name(parsed.subject()))
}

/// The name, the last part first.
pub fn java_name(name: &X509Name<'_>) -> String {
    let relative = name.iter_rdn().map(|relative| {
        let parts: Vec<_> = relative.iter().map(part).collect();
        parts.join("+")
    });
    let mut relative: Vec<_> = relative.collect();
    relative.reverse();
    relative.join(",")
}

fn part(attribute: &AttributeTypeAndValue<'_>) -> String {
    let id = attribute.attr_type().to_id_string();
    let value = attribute.attr_value();
    match KEYWORDS.iter().find(|(known, _)| *known == id) {
        Some((_, keyword)) if is_text(value) => format!(
            "{keyword}={}",
            escaped(&String::from_utf8_lossy(value.data))
        ),
        Some((_, keyword)) => format!("{keyword}={}", hex(value)),
        None => format!("{id}={}", hex(value)),
    }
}

fn is_text(value: &Any<'_>) -> bool {
    matches!(
        value.tag(),
        Tag::Utf8String
            | Tag::PrintableString
            | Tag::T61String
            | Tag::Ia5String
            | Tag::GeneralString
            | Tag::BmpString
            | Tag::UniversalString
    )
}

/// A value of which Java knows no text: its encoding.
fn hex(value: &Any<'_>) -> String {
    let der = value.to_der_vec().unwrap_or_default();
    der.iter().fold(String::from("#"), |text, byte| {
        text + &format!("{byte:02x}")
    })
}

/// `AVA.toRFC2253String`: special characters, then blanks at both ends.
fn escaped(text: &str) -> String {
    let mut special = Vec::with_capacity(text.len());
    for character in text.chars() {
        if character == '\0' {
            special.extend("\\00".chars());
            continue;
        }
        if ESCAPED.contains(character) {
            special.push('\\');
        }
        special.push(character);
    }
    let is_blank = |character: &char| matches!(character, ' ' | '\r');
    let lead = special
        .iter()
        .take_while(|character| is_blank(character))
        .count();
    let trail = special.len()
        - special
            .iter()
            .rev()
            .take_while(|character| is_blank(character))
            .count();
    let mut text = String::with_capacity(special.len());
    for (at, character) in special.into_iter().enumerate() {
        if at < lead || at >= trail {
            text.push('\\');
        }
        text.push(character);
    }
    text
}
