//! Whether a certificate is revoked, as the JDK decides it (`sun.security.provider.certpath.RevocationChecker`): where to ask, and
//! what the answer means. Who asks fetches the answers.
//!
//! A status that nobody can tell is one of its own: it is up to the caller to refuse it.

mod lists;
mod responses;
#[cfg(test)]
mod tests;

use rustls_pki_types::CertificateDer;
use x509_parser::extensions::{CRLDistributionPoint, DistributionPointName, GeneralName};
use x509_parser::oid_registry::OID_PKIX_ACCESS_DESCRIPTOR_OCSP;
use x509_parser::prelude::ParsedExtension;
use x509_parser::time::ASN1Time;

use crate::keys::{Algorithms, KeyOf};
use crate::trust::{Certificate, parsed};

pub use lists::{ListError, Listed, Lists};
pub use responses::ResponseError;

/// Clocks may differ by so many seconds (`MAX_CLOCK_SKEW`, the default of `com.sun.security.ocsp.clockSkew`).
const CLOCK_SKEW_S: i64 = 15 * 60;

/// What a certificate's issuer says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is not revoked.
    Good,
    /// It is.
    Revoked(Revoked),
}

/// When and why a certificate was revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("revoked on {date}: {reason}")]
pub struct Revoked {
    /// As written by x509-parser, in UTC.
    pub date: String,
    /// The name of RFC 5280.
    pub reason: String,
}

/// A certificate in question, and its issuer's.
pub struct Question<'a> {
    certificate: Certificate<'a>,
    issuer: Certificate<'a>,
    /// Is the issuer's in the trust store?
    issuer_is_anchor: bool,
    algorithms: Algorithms,
}

/// Where a list of revoked certificates may be had.
pub struct Point<'a> {
    point: &'a CRLDistributionPoint<'a>,
}

impl<'a> Question<'a> {
    /// The questions about a path as [`crate::trust::Anchors::verify`] returns it: all but the certificate of the trust store
    /// are asked about, the one next to it first. None: one cannot be taken apart.
    pub fn about(path: &'a [CertificateDer<'_>], algorithms: Algorithms) -> Option<Vec<Self>> {
        let pairs = path.windows(2).enumerate().rev();
        let question = |(at, pair): (usize, &'a [CertificateDer<'_>])| {
            Some(Question {
                certificate: parsed(&pair[0])?,
                issuer: parsed(&pair[1])?,
                issuer_is_anchor: at + 2 == path.len(),
                algorithms,
            })
        };
        pairs.map(question).collect()
    }

    /// Whose certificate it is, as Java writes it.
    pub fn subject(&self) -> String {
        self.certificate.subject()
    }

    /// Its number, as openssl writes it.
    pub fn serial(&self) -> String {
        let digits = self.certificate.parsed.raw_serial().iter();
        digits.map(|byte| format!("{byte:02X}")).collect()
    }

    /// The responder (OCSP) that the certificate names first.
    pub fn responder(&self) -> Option<&str> {
        let mut extensions = self.certificate.parsed.extensions().iter();
        extensions.find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => {
                access
                    .iter()
                    .find_map(|access| match access.access_location {
                        GeneralName::URI(uri)
                            if access.access_method == OID_PKIX_ACCESS_DESCRIPTOR_OCSP =>
                        {
                            Some(uri)
                        }
                        _ => None,
                    })
            }
            _ => None,
        })
    }

    /// Where the certificate says that lists are.
    pub fn points(&self) -> Vec<Point<'_>> {
        let mut extensions = self.certificate.parsed.extensions().iter();
        let points = extensions.find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::CRLDistributionPoints(points) => Some(&points.points),
            _ => None,
        });
        points
            .into_iter()
            .flatten()
            .map(|point| Point { point })
            .collect()
    }

    fn issuer_key(&self) -> Option<KeyOf<'_>> {
        KeyOf::new(&self.issuer.parsed)
    }
}

impl<'a> Point<'a> {
    /// Its addresses; one is enough.
    pub fn urls(&self) -> impl Iterator<Item = &'a str> {
        self.names().iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some(*uri),
            _ => None,
        })
    }

    fn names(&self) -> &'a [GeneralName<'a>] {
        match &self.point.distribution_point {
            Some(DistributionPointName::FullName(names)) => names,
            _ => &[],
        }
    }
}

/// Is `now` between the two, or near them?
fn is_current(now: i64, from: ASN1Time, to: ASN1Time) -> bool {
    (from.timestamp() - CLOCK_SKEW_S..=to.timestamp() + CLOCK_SKEW_S).contains(&now)
}
