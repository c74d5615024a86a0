//! Whether a chain of certificates is trusted, as the JDK decides it (`sun.security.validator.PKIXValidator`).
//!
//! A certificate that is itself in the trust store is trusted as it is: neither its dates nor its extensions are looked
//! at. Any other needs a path to one that is, each step of which is signed, in time and allowed to issue.

mod constraints;
mod path;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use rustls_pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::{X509Certificate, X509Version};

use crate::keys::{Algorithms, KeyTrouble};
use crate::names::java_name;
use path::Search;

/// Certificates of one chain that are looked at; a longer chain is refused.
pub const MAX_CHAIN: usize = 16;

/// What the one who shows a certificate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It connects.
    Client,
    /// It is connected to.
    Server,
}

/// Why a chain is not trusted. Subjects are written as Java does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// No certificate, or one that cannot be taken apart.
    #[error("the certificate cannot be read")]
    Unreadable,
    /// More than [`MAX_CHAIN`].
    #[error("a chain of {0} certificates, at most {MAX_CHAIN} are looked at")]
    TooMany(usize),
    /// No certificate of the trust store has issued it.
    #[error(
        "{subject} is issued by {issuer}, which is not in the trust store, nor is there a way to one that is"
    )]
    UnknownIssuer {
        /// Of the last certificate that was reached.
        subject: String,
        /// Its issuer.
        issuer: String,
    },
    /// After its last day.
    #[error("the certificate of {subject} expired on {date}")]
    Expired {
        /// Whose.
        subject: String,
        /// Its last moment.
        date: String,
    },
    /// Before its first day.
    #[error("the certificate of {subject} is not valid before {date}")]
    NotYetValid {
        /// Whose.
        subject: String,
        /// Its first moment.
        date: String,
    },
    /// Nobody can check what it signs.
    #[error("{subject}: {trouble}")]
    Key {
        /// Whose.
        subject: String,
        /// What is wrong with the key.
        trouble: KeyTrouble,
    },
    /// Signed with SHA-1 or other algorithms that are not taken.
    #[error(
        "the certificate of {subject} is signed with an algorithm that is not taken (SHA-1, MD5, DSA ...)"
    )]
    SignatureAlgorithm {
        /// Whose.
        subject: String,
    },
    /// It may not issue others.
    #[error("{subject} has issued a certificate and is no certificate authority")]
    NoAuthority {
        /// Whose.
        subject: String,
    },
    /// Too many certificates stand below it.
    #[error("{subject} allows fewer certificate authorities below it")]
    PathTooLong {
        /// Whose.
        subject: String,
    },
    /// Its key usage or extended key usage is another.
    #[error("the certificate of {subject} is not for {purpose:?}s")]
    OtherPurpose {
        /// Whose.
        subject: String,
        /// What it was shown for.
        purpose: Purpose,
    },
    /// An authority may not issue for such names.
    #[error("{subject} has the name {name}, for which {authority} may not issue certificates")]
    OtherNames {
        /// Whose.
        subject: String,
        /// The name.
        name: String,
        /// Above it.
        authority: String,
    },
    /// Name constraints that cannot be taken apart, or that Java does not support.
    #[error("the name constraints of {authority} cannot be understood")]
    Constraints {
        /// Whose.
        authority: String,
    },
    /// A critical extension that is not understood must be refused.
    #[error(
        "the certificate of {subject} has the critical extension {oid}, which is not understood"
    )]
    CriticalExtension {
        /// Whose.
        subject: String,
        /// Which.
        oid: String,
    },
}

/// The certificates of a trust store.
#[derive(Debug)]
pub struct Anchors {
    /// By the encoding of their subjects: several may have one.
    by_subject: HashMap<Vec<u8>, Vec<CertificateDer<'static>>>,
    algorithms: Algorithms,
}

impl Anchors {
    /// The trust store; certificates that cannot be taken apart are left out.
    pub fn new(
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
        algorithms: Algorithms,
    ) -> Self {
        let mut by_subject: HashMap<_, Vec<_>> = HashMap::new();
        for der in certificates {
            if let Some(subject) = subject_of(&der) {
                by_subject.entry(subject).or_default().push(der);
            }
        }
        Anchors {
            by_subject,
            algorithms,
        }
    }

    /// Subjects, as encoded; for the hint that a server gives its clients.
    pub fn subjects(&self) -> impl Iterator<Item = &[u8]> {
        self.by_subject.keys().map(Vec::as_slice)
    }

    /// Is the first of these certificates trusted at `now`, in seconds since 1970? The others may stand in any order.
    /// Returns the path to the trust store: that certificate first, the one of the trust store last; they may be the same.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        purpose: Purpose,
        now: i64,
    ) -> Result<Vec<CertificateDer<'static>>, TrustError> {
        if chain.len() > MAX_CHAIN {
            return Err(TrustError::TooMany(chain.len()));
        }
        let (leaf, others) = chain.split_first().ok_or(TrustError::Unreadable)?;
        let leaf = parsed(leaf).ok_or(TrustError::Unreadable)?;
        if self.is_anchor(&leaf) {
            return Ok(vec![chain[0].clone().into_owned()]);
        }
        let others: Vec<_> = others.iter().filter_map(|other| parsed(other)).collect();
        let path = Search {
            anchors: self,
            others: &others,
            purpose,
            now,
        }
        .from(&leaf)?;
        Ok(path.into_iter().map(|der| der.to_vec().into()).collect())
    }

    fn is_anchor(&self, certificate: &Certificate<'_>) -> bool {
        let mut same_subject = self.of_subject(certificate.parsed.subject().as_raw());
        same_subject.any(|anchor| **anchor == *certificate.der)
    }

    fn of_subject(&self, subject: &[u8]) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.by_subject.get(subject).into_iter().flatten()
    }
}

/// A certificate and its encoding.
pub(crate) struct Certificate<'a> {
    pub der: &'a [u8],
    pub parsed: X509Certificate<'a>,
}

impl Certificate<'_> {
    pub fn subject(&self) -> String {
        java_name(self.parsed.subject())
    }

    fn is_version_3(&self) -> bool {
        self.parsed.version() == X509Version::V3
    }
}

pub(crate) fn parsed<'a>(der: &'a CertificateDer<'_>) -> Option<Certificate<'a>> {
    let (_, parsed) = parse_x509_certificate(der).ok()?;
    Some(Certificate { der, parsed })
}

fn subject_of(der: &CertificateDer<'_>) -> Option<Vec<u8>> {
    Some(parsed(der)?.parsed.subject().as_raw().to_vec())
}
