//! For which names an authority may issue certificates (`sun.security.x509.NameConstraintsExtension.verify`).
//!
//! What the trust store says of a name is not looked at, as in Java: an anchor's own constraints bind nobody.

use std::net::IpAddr;

use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints};
use x509_parser::oid_registry::{OID_PKCS9_EMAIL_ADDRESS, OID_X509_EXT_NAME_CONSTRAINTS};
use x509_parser::prelude::{ParsedExtension, X509Certificate};
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, X509Name};

use super::{Certificate, TrustError};
use crate::der::{SEQUENCE, Values};
use crate::names::java_name;

/// Do the certificates that stand below `authority` have only names for which it may issue any?
pub(super) fn check(
    authority: &Certificate<'_>,
    below: &[&Certificate<'_>],
) -> Result<(), TrustError> {
    let Some(constraints) = constraints(authority)? else {
        return Ok(());
    };
    for (at, certificate) in below.iter().enumerate() {
        let parsed = &certificate.parsed;
        // One that renews the key of an authority may have its name.
        if at > 0 && parsed.subject().as_raw() == parsed.issuer().as_raw() {
            continue;
        }
        if let Some(name) = names(parsed).iter().find(|name| !allows(constraints, name)) {
            return Err(TrustError::OtherNames {
                subject: certificate.subject(),
                name: name.shown(),
                authority: authority.subject(),
            });
        }
    }
    Ok(())
}

fn constraints<'a>(
    authority: &'a Certificate<'_>,
) -> Result<Option<&'a NameConstraints<'a>>, TrustError> {
    let mut extensions = authority.parsed.extensions().iter();
    let found = extensions.find(|extension| extension.oid == OID_X509_EXT_NAME_CONSTRAINTS);
    let Some(extension) = found else {
        return Ok(None);
    };
    match extension.parsed_extension() {
        ParsedExtension::NameConstraints(constraints) if has_only_bases(extension.value) => {
            Ok(Some(constraints))
        }
        _ => Err(TrustError::Constraints {
            authority: authority.subject(),
        }),
    }
}

/// Distances from a base are not supported, in Java neither.
fn has_only_bases(value: &[u8]) -> bool {
    let whole = Values(value).tagged(SEQUENCE);
    let mut subtrees = whole.into_iter().flat_map(|whole| whole.inside());
    subtrees.all(|subtrees| {
        let mut bases = subtrees.inside();
        bases.all(|base| base.inside().count() == 1)
    })
}

fn allows(constraints: &NameConstraints<'_>, name: &Name<'_>) -> bool {
    let excluded = constraints.excluded_subtrees.iter().flatten();
    let mut excluded = excluded.filter(|tree| name.is_of_kind(tree));
    if excluded.any(|tree| name.is_within(tree).unwrap_or(true)) {
        return false;
    }
    let permitted = constraints.permitted_subtrees.iter().flatten();
    let mut permitted = permitted
        .filter(|tree| name.is_of_kind(tree))
        .map(|tree| name.is_within(tree).unwrap_or(false))
        .peekable();
    permitted.peek().is_none() || permitted.any(|is_within| is_within)
}

/// A name of a certificate.
enum Name<'a> {
    Directory(&'a X509Name<'a>),
    Host(&'a str),
    Address(Vec<u8>),
    Mail(&'a str),
    Other(&'a GeneralName<'a>),
}

/// The subject, the alternative names, and what Java takes out of the subject where those lack it: a mail address where there
/// are none at all, the common name where there is no host or no address.
fn names<'a>(certificate: &'a X509Certificate<'_>) -> Vec<Name<'a>> {
    let subject = certificate.subject();
    let mut names = Vec::new();
    if subject.iter_rdn().next().is_some() {
        names.push(Name::Directory(subject));
    }
    match alternative_names(certificate) {
        Some(alternatives) => names.extend(alternatives.iter().map(Name::new)),
        None => names.extend(mails(subject).map(Name::Mail)),
    }
    names.extend(common_name(subject, &names));
    names
}

fn alternative_names<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [GeneralName<'a>]> {
    let mut extensions = certificate.extensions().iter();
    extensions.find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => Some(&*names.general_names),
        _ => None,
    })
}

fn mails<'a>(subject: &'a X509Name<'_>) -> impl Iterator<Item = &'a str> {
    let mails = subject.iter_by_oid(&OID_PKCS9_EMAIL_ADDRESS);
    mails.filter_map(|mail| std::str::from_utf8(mail.attr_value().data).ok())
}

fn common_name<'a>(subject: &'a X509Name<'_>, others: &[Name<'_>]) -> Option<Name<'a>> {
    let last = subject.iter_common_name().last()?;
    let last = std::str::from_utf8(last.attr_value().data).ok()?;
    let (has_host, has_address) = (
        others.iter().any(|name| matches!(name, Name::Host(_))),
        others.iter().any(|name| matches!(name, Name::Address(_))),
    );
    match last.parse::<IpAddr>() {
        Ok(_) if has_address => None,
        Ok(IpAddr::V4(address)) => Some(Name::Address(address.octets().to_vec())),
        Ok(IpAddr::V6(address)) => Some(Name::Address(address.octets().to_vec())),
        Err(_) if has_host || !is_host(last) => None,
        Err(_) => Some(Name::Host(last)),
    }
}

/// Could it be a host's name? (`DNSName(String)`)
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let mut letters = label.bytes();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
            && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
    };
    text.split('.').all(is_label)
}

impl<'a> Name<'a> {
    fn new(name: &'a GeneralName<'a>) -> Self {
        match name {
            GeneralName::DirectoryName(name) => Name::Directory(name),
            GeneralName::DNSName(name) => Name::Host(name),
            GeneralName::IPAddress(bytes) => Name::Address(bytes.to_vec()),
            GeneralName::RFC822Name(name) => Name::Mail(name),
            other => Name::Other(other),
        }
    }

    fn is_of_kind(&self, tree: &GeneralSubtree<'_>) -> bool {
        match (self, &tree.base) {
            (Name::Directory(_), GeneralName::DirectoryName(_))
            | (Name::Host(_), GeneralName::DNSName(_))
            | (Name::Address(_), GeneralName::IPAddress(_))
            | (Name::Mail(_), GeneralName::RFC822Name(_)) => true,
            (Name::Other(name), base) => {
                std::mem::discriminant(*name) == std::mem::discriminant(base)
            }
            _ => false,
        }
    }

    /// Is it at or below the base of a tree of its kind? None: nobody can tell.
    fn is_within(&self, tree: &GeneralSubtree<'_>) -> Option<bool> {
        match (self, &tree.base) {
            (Name::Directory(name), GeneralName::DirectoryName(base)) => {
                Some(is_directory_within(name, base))
            }
            (Name::Host(name), GeneralName::DNSName(base)) => Some(is_host_within(name, base)),
            (Name::Address(name), GeneralName::IPAddress(base)) => {
                Some(is_address_within(name, base))
            }
            (Name::Mail(name), GeneralName::RFC822Name(base)) => Some(is_mail_within(name, base)),
            (Name::Other(GeneralName::URI(name)), GeneralName::URI(base)) => {
                Some(is_host_of_uri_within(name, base))
            }
            _ => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Name::Directory(name) => java_name(name),
            Name::Host(name) | Name::Mail(name) => (*name).to_owned(),
            Name::Address(bytes) => match (
                <[u8; 4]>::try_from(&**bytes),
                <[u8; 16]>::try_from(&**bytes),
            ) {
                (Ok(bytes), _) => IpAddr::from(bytes).to_string(),
                (_, Ok(bytes)) => IpAddr::from(bytes).to_string(),
                _ => format!("{bytes:02x?}"),
            },
            Name::Other(name) => format!("{name}"),
        }
    }
}

/// Does the name begin with all parts of the base?
fn is_directory_within(name: &X509Name<'_>, base: &X509Name<'_>) -> bool {
    let mut parts = name.iter_rdn().map(plain);
    base.iter_rdn()
        .map(plain)
        .all(|part| parts.next() == Some(part))
}

/// A part of a name, so that two are the same to Java exactly when they are: letters of both cases, and blanks however many.
fn plain(part: &RelativeDistinguishedName<'_>) -> Vec<(String, Vec<u8>)> {
    let mut part: Vec<_> = part.iter().map(plain_attribute).collect();
    part.sort();
    part
}

fn plain_attribute(attribute: &AttributeTypeAndValue<'_>) -> (String, Vec<u8>) {
    let value = match attribute.as_str() {
        Ok(text) => {
            let words: Vec<_> = text.split_whitespace().collect();
            words.join(" ").to_lowercase().into_bytes()
        }
        Err(_) => attribute.attr_value().data.to_vec(),
    };
    (attribute.attr_type().to_id_string(), value)
}

/// `DNSName.constrains`: labels may stand in front of the base; where that begins with a dot, they must.
fn is_host_within(name: &str, base: &str) -> bool {
    let (name, base) = (name.to_lowercase(), base.to_lowercase());
    match name.strip_suffix(&*base) {
        Some("") => true,
        Some(front) => base.is_empty() || (front.ends_with('.') != base.starts_with('.')),
        None => false,
    }
}

/// `RFC822Name.constrains`: the base is an address, a host, or a domain behind a dot.
fn is_mail_within(name: &str, base: &str) -> bool {
    let (name, base) = (name.to_lowercase(), base.to_lowercase());
    match name.strip_suffix(&*base) {
        Some("") => true,
        Some(front) => !base.contains('@') && (base.starts_with('.') || front.ends_with('@')),
        None => false,
    }
}

/// `URIName.constrains`: the base is a host, or a domain behind a dot.
fn is_host_of_uri_within(name: &str, base: &str) -> bool {
    let behind_scheme = name.split_once("://").map_or("", |(_, rest)| rest);
    let authority = behind_scheme
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    match base.starts_with('.') {
        true => host.parse::<IpAddr>().is_err() && is_host_within(host, base),
        false => !host.is_empty() && host.eq_ignore_ascii_case(base),
    }
}

/// The base is an address and a mask behind it.
fn is_address_within(name: &[u8], base: &[u8]) -> bool {
    if base.len() != 2 * name.len() {
        return false;
    }
    let (address, mask) = base.split_at(name.len());
    let mut bytes = name.iter().zip(address).zip(mask);
    bytes.all(|((name, address), mask)| name & mask == *address)
}
