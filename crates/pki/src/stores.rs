//! Key stores and trust stores: the entries of a file's bytes.

mod jks_file;
mod pem_file;
mod pkcs12_file;
#[cfg(test)]
mod tests;
pub mod write;

use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::parse_x509_certificate;

use crate::der::{self, SEQUENCE};

/// What a store is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreType {
    /// Java's own, of `keytool` up to Java 8.
    Jks,
    /// Of `keytool` since Java 9, whatever the file is called, and of openssl.
    Pkcs12,
    /// Texts between BEGIN and END.
    Pem,
}

/// Why there is nothing to be had from a store. The file is the caller's to name.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// No start of a store that is known.
    #[error("it is no JKS, PKCS12 or PEM store")]
    UnknownFormat,
    /// A format that Java reads with other providers, or none that Apache takes.
    #[error(
        "it is a {0} store, which is not read: write it as PKCS12 (keytool -importkeystore -deststoretype pkcs12)"
    )]
    Unsupported(&'static str),
    /// No value of `KeyStoreFileType`.
    #[error("{0:?} is no type of a store: JKS, PKCS12 or PEM, or leave it out")]
    UnknownType(String),
    /// The type that was named is not that of the content.
    #[error(
        "it is written as {found}, and the configuration says {declared}: name that type, or none"
    )]
    OtherType {
        /// What the configuration names.
        declared: StoreType,
        /// What the content is.
        found: StoreType,
    },
    /// The checksum under the password does not fit.
    #[error("its password is wrong, or the file is damaged")]
    PasswordOrDamage,
    /// The store opens, and the key does not.
    #[error(
        "the key {alias:?} does not open with the password of the store: give both the same (keytool -keypasswd)"
    )]
    KeyPassword {
        /// Of the entry.
        alias: String,
    },
    /// A key behind a password, and none given.
    #[error("its key is encrypted and there is no password")]
    NoPassword,
    /// A password for a key that has none: as in Apache, it may be another file than was meant.
    #[error(
        "its key is not encrypted and there is a password: remove the password, or encrypt the key"
    )]
    NeedlessPassword,
    /// It cannot be taken apart.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It holds no private key.
    #[error("there is no private key in it")]
    NoKey,
    /// A key that no certificate belongs to.
    #[error("the key {alias:?} has no certificate")]
    NoChain {
        /// Of the entry.
        alias: String,
    },
    /// It holds no certificate that is meant to be trusted.
    #[error("there is no trusted certificate in it{0}")]
    NoTrusted(&'static str),
}

impl StoreError {
    /// What a reader or a writer of stores says.
    fn damaged(error: impl std::fmt::Display) -> Self {
        StoreError::Damaged(error.to_string())
    }
}

impl std::fmt::Display for StoreType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            StoreType::Jks => "JKS",
            StoreType::Pkcs12 => "PKCS12",
            StoreType::Pem => "PEM",
        })
    }
}

/// A private key and the certificates that belong to it, its own first.
#[derive(Debug)]
pub struct KeyEntry {
    /// Its name in the store.
    pub alias: String,
    /// The key.
    pub key: PrivateKeyDer<'static>,
    /// At least one certificate.
    pub chain: Vec<CertificateDer<'static>>,
}

/// A certificate that is trusted by itself.
#[derive(Clone, Debug)]
pub struct TrustedEntry {
    /// Its name in the store.
    pub alias: String,
    /// The certificate.
    pub certificate: CertificateDer<'static>,
}

impl KeyEntry {
    /// When the first of its certificates expires, in seconds since 1970; none: one cannot be taken apart.
    pub fn expires_s(&self) -> Option<i64> {
        let all: Option<Vec<i64>> = self.chain.iter().map(expires_s).collect();
        all?.into_iter().min()
    }
}

impl TrustedEntry {
    /// When it expires, as [`KeyEntry::expires_s`].
    pub fn expires_s(&self) -> Option<i64> {
        expires_s(&self.certificate)
    }
}

fn expires_s(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    Some(parsed.validity().not_after.timestamp())
}

/// All that is in a store.
#[derive(Debug, Default)]
struct Entries {
    keys: Vec<KeyEntry>,
    trusted: Vec<TrustedEntry>,
}

impl StoreType {
    /// The type that a configuration names; none for an empty value (`KeyStoreFileType.fromPropertyValue`).
    pub fn from_property(value: &str) -> Result<Option<Self>, StoreError> {
        match value.to_ascii_uppercase().as_str() {
            "" => Ok(None),
            "JKS" => Ok(Some(StoreType::Jks)),
            "PKCS12" => Ok(Some(StoreType::Pkcs12)),
            "PEM" => Ok(Some(StoreType::Pem)),
            "BCFKS" => Err(StoreError::Unsupported("BCFKS")),
            "JCEKS" => Err(StoreError::Unsupported("JCEKS")),
            _ => Err(StoreError::UnknownType(value.to_owned())),
        }
    }

    /// What the bytes are. The name of a file tells nothing: `keytool` has written PKCS12 into files named .jks since Java 9.
    pub fn of(bytes: &[u8]) -> Result<Self, StoreError> {
        match bytes {
            [] => Err(StoreError::Empty),
            [0xfe, 0xed, 0xfe, 0xed, ..] => Ok(StoreType::Jks),
            [0xce, 0xce, 0xce, 0xce, ..] => Err(StoreError::Unsupported("JCEKS")),
            [SEQUENCE, rest @ ..] => match der::length(rest) {
                Some((_, [SEQUENCE, ..])) => Err(StoreError::Unsupported("BCFKS")),
                _ => Ok(StoreType::Pkcs12),
            },
            _ if has_begin_line(bytes) => Ok(StoreType::Pem),
            _ => Err(StoreError::UnknownFormat),
        }
    }
}

fn has_begin_line(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"-----BEGIN";
    bytes.windows(BEGIN.len()).any(|window| window == BEGIN)
}

/// The private keys of a store; at least one. The password opens the store and each of its keys, as Apache has only one.
pub fn keys(
    bytes: &[u8],
    declared: Option<StoreType>,
    password: &str,
) -> Result<Vec<KeyEntry>, StoreError> {
    let found = type_of(bytes, declared)?;
    let keys = match found {
        StoreType::Pem => vec![pem_file::key(bytes, password)?],
        _ => entries(bytes, found, password)?.keys,
    };
    match keys.is_empty() {
        true => Err(StoreError::NoKey),
        false => Ok(keys),
    }
}

/// The certificates of a store that are trusted by themselves; at least one. Those that belong to a key are not.
pub fn trusted(
    bytes: &[u8],
    declared: Option<StoreType>,
    password: &str,
) -> Result<Vec<TrustedEntry>, StoreError> {
    let found = type_of(bytes, declared)?;
    let trusted = match found {
        StoreType::Pem => pem_file::trusted(bytes)?,
        _ => entries(bytes, found, password)?.trusted,
    };
    match (trusted.is_empty(), found) {
        (false, _) => Ok(trusted),
        (true, StoreType::Pkcs12) => Err(StoreError::NoTrusted(
            ": Java trusts what keytool -importcert puts into one, not what openssl pkcs12 does",
        )),
        (true, _) => Err(StoreError::NoTrusted("")),
    }
}

/// The content's type, which must be the one that was named. Java reads JKS and PKCS12 under either name
/// (`keystore.type.compat`).
fn type_of(bytes: &[u8], declared: Option<StoreType>) -> Result<StoreType, StoreError> {
    let found = StoreType::of(bytes)?;
    match declared {
        Some(declared) if (declared == StoreType::Pem) != (found == StoreType::Pem) => {
            Err(StoreError::OtherType { declared, found })
        }
        _ => Ok(found),
    }
}

fn entries(bytes: &[u8], found: StoreType, password: &str) -> Result<Entries, StoreError> {
    match found {
        StoreType::Jks => jks_file::entries(bytes, password),
        _ => pkcs12_file::entries(bytes, password),
    }
}
