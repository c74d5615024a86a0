//! The search for a path from a certificate to one of the trust store, and what each certificate on it must be.

use x509_parser::prelude::ParsedExtension;

use super::{Anchors, Certificate, Purpose, TrustError, constraints, parsed};
use crate::keys::{self, KeyOf, SignatureTrouble};
use crate::names::java_name;

/// One chain that was shown.
pub(super) struct Search<'a> {
    pub anchors: &'a Anchors,
    /// What came with the certificate.
    pub others: &'a [Certificate<'a>],
    pub purpose: Purpose,
    /// Seconds since 1970.
    pub now: i64,
}

impl<'a> Search<'a> {
    /// Finds a path and checks it. Returns what is on it, the first certificate first, that of the trust store last.
    pub fn from(&self, leaf: &'a Certificate<'a>) -> Result<Vec<&'a [u8]>, TrustError> {
        let mut path = vec![leaf];
        let anchor = self.step(&mut path)?;
        let path = path.iter().map(|certificate| certificate.der);
        Ok(path.chain([anchor]).collect())
    }

    /// Goes on from the last certificate of `path`: to the trust store where that issued it, else through what was shown.
    /// Returns the certificate of the trust store that was come to.
    fn step(&self, path: &mut Vec<&'a Certificate<'a>>) -> Result<&'a [u8], TrustError> {
        let last = path[path.len() - 1];
        let issuer = last.parsed.issuer().as_raw();
        let mut error = None;
        for anchor in self.anchors.of_subject(issuer) {
            let Some(anchor) = parsed(anchor) else {
                continue;
            };
            match self
                .issued(&anchor, last)
                .and_then(|()| self.check(path, &anchor))
            {
                Ok(()) => return Ok(anchor.der),
                Err(failed) => error = Some(failed),
            }
        }
        for other in self.others {
            let is_on_path = path.iter().any(|seen| seen.der == other.der);
            if is_on_path
                || other.parsed.subject().as_raw() != issuer
                || self.issued(other, last).is_err()
            {
                continue;
            }
            path.push(other);
            match self.step(path) {
                Ok(anchor) => return Ok(anchor),
                Err(failed) => error = error.or(Some(failed)),
            }
            path.pop();
        }
        Err(error.unwrap_or_else(|| TrustError::UnknownIssuer {
            subject: last.subject(),
            issuer: java_name(last.parsed.issuer()),
        }))
    }

    /// Has `issuer` signed `issued`?
    fn issued(&self, issuer: &Certificate<'_>, issued: &Certificate<'_>) -> Result<(), TrustError> {
        let algorithms = self.anchors.algorithms;
        if let Some(trouble) = keys::trouble(&issuer.parsed, algorithms) {
            return Err(TrustError::Key {
                subject: issuer.subject(),
                trouble,
            });
        }
        let key = KeyOf::new(&issuer.parsed).ok_or(TrustError::Unreadable)?;
        let checked = keys::check_signature(
            algorithms.iter().copied(),
            keys::signature_algorithm(issued.der),
            &key,
            issued.parsed.tbs_certificate.as_ref(),
            &issued.parsed.signature_value.data,
        );
        checked.map_err(|trouble| match trouble {
            SignatureTrouble::Algorithm => TrustError::SignatureAlgorithm {
                subject: issued.subject(),
            },
            SignatureTrouble::Wrong => TrustError::UnknownIssuer {
                subject: issued.subject(),
                issuer: issuer.subject(),
            },
        })
    }

    /// A whole path, its own certificate first, `anchor` behind its last.
    fn check(&self, path: &[&Certificate<'_>], anchor: &Certificate<'_>) -> Result<(), TrustError> {
        may_issue_as_anchor(anchor)?;
        // Authorities between the one that is looked at and the first certificate that do not just renew their keys.
        let mut below = 0;
        for (at, certificate) in path.iter().enumerate() {
            self.check_dates(certificate)?;
            check_extensions(certificate)?;
            if let Some(trouble) = keys::trouble(&certificate.parsed, self.anchors.algorithms) {
                return Err(TrustError::Key {
                    subject: certificate.subject(),
                    trouble,
                });
            }
            if at == 0 {
                self.check_purpose(certificate)?;
                continue;
            }
            may_issue(certificate, below)?;
            constraints::check(certificate, &path[..at])?;
            let renews =
                certificate.parsed.subject().as_raw() == certificate.parsed.issuer().as_raw();
            below += usize::from(!renews);
        }
        Ok(())
    }

    fn check_dates(&self, certificate: &Certificate<'_>) -> Result<(), TrustError> {
        let validity = certificate.parsed.validity();
        if validity.not_after.timestamp() < self.now {
            return Err(TrustError::Expired {
                subject: certificate.subject(),
                date: validity.not_after.to_string(),
            });
        }
        if validity.not_before.timestamp() > self.now {
            return Err(TrustError::NotYetValid {
                subject: certificate.subject(),
                date: validity.not_before.to_string(),
            });
        }
        Ok(())
    }

    /// What the certificate is for, where it says (`EndEntityChecker`).
    fn check_purpose(&self, leaf: &Certificate<'_>) -> Result<(), TrustError> {
        let other = || TrustError::OtherPurpose {
            subject: leaf.subject(),
            purpose: self.purpose,
        };
        for extension in leaf.parsed.extensions() {
            let fits = match extension.parsed_extension() {
                ParsedExtension::ExtendedKeyUsage(usage) => {
                    usage.any
                        || match self.purpose {
                            Purpose::Client => usage.client_auth,
                            Purpose::Server => usage.server_auth,
                        }
                }
                ParsedExtension::KeyUsage(usage) => usage.digital_signature(),
                _ => true,
            };
            if !fits {
                return Err(other());
            }
        }
        Ok(())
    }
}

/// Java takes a version 3 certificate of the trust store for an issuer only where it says that it is one
/// (`jdk.security.allowNonCaAnchor`), and any older one.
fn may_issue_as_anchor(anchor: &Certificate<'_>) -> Result<(), TrustError> {
    match anchor.is_version_3() {
        true => may_issue(anchor, 0).or_else(|error| match error {
            // A limit of the anchor's own is not looked at.
            TrustError::PathTooLong { .. } => Ok(()),
            error => Err(error),
        }),
        false => Ok(()),
    }
}

/// May it issue certificates, with so many authorities below it?
fn may_issue(certificate: &Certificate<'_>, below: usize) -> Result<(), TrustError> {
    let mut limit = None;
    for extension in certificate.parsed.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(basic) if basic.ca => {
                limit = Some(
                    basic
                        .path_len_constraint
                        .map_or(usize::MAX, |limit| limit as usize),
                );
            }
            ParsedExtension::KeyUsage(usage) if !usage.key_cert_sign() => {
                return Err(TrustError::NoAuthority {
                    subject: certificate.subject(),
                });
            }
            _ => {}
        }
    }
    match limit {
        None => Err(TrustError::NoAuthority {
            subject: certificate.subject(),
        }),
        Some(limit) if below > limit => Err(TrustError::PathTooLong {
            subject: certificate.subject(),
        }),
        Some(_) => Ok(()),
    }
}

/// Critical extensions must be understood.
fn check_extensions(certificate: &Certificate<'_>) -> Result<(), TrustError> {
    for extension in certificate
        .parsed
        .extensions()
        .iter()
        .filter(|extension| extension.critical)
    {
        let known = matches!(
            extension.parsed_extension(),
            ParsedExtension::BasicConstraints(_)
                | ParsedExtension::KeyUsage(_)
                | ParsedExtension::ExtendedKeyUsage(_)
                | ParsedExtension::SubjectAlternativeName(_)
                | ParsedExtension::CertificatePolicies(_)
                | ParsedExtension::NameConstraints(_)
        );
        if !known {
            return Err(TrustError::CriticalExtension {
                subject: certificate.subject(),
                oid: extension.oid.to_id_string(),
            });
        }
    }
    Ok(())
}
