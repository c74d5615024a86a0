//! Certificate revocation lists: whether one is good for a certificate, and what it says (`DistributionPointFetcher.verifyCRL`).

use std::borrow::Cow;

use x509_parser::extensions::{DistributionPointName, IssuingDistributionPoint};
use x509_parser::oid_registry::{
    OID_X509_EXT_ISSUER, OID_X509_EXT_ISSUER_DISTRIBUTION_POINT, OID_X509_EXT_REASON_CODE,
};
use x509_parser::prelude::{FromDer, ParsedExtension};
use x509_parser::revocation_list::{CertificateRevocationList, RevokedCertificate};

use super::{Point, Question, Revoked, Status, is_current};
use crate::keys::{self, SignatureTrouble};

/// Reasons as bits, of which a list may have a part.
const ALL_REASONS: u16 = 0x1ff;

/// Why a list says nothing of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It cannot be taken apart.
    #[error("it is no revocation list")]
    Unreadable,
    /// Of somebody else.
    #[error("it is the list of {0}, who has not issued the certificate")]
    OtherIssuer(String),
    /// An indirect list, which Java finds the signer of, and we do not.
    #[error("it is an indirect list, which is not supported")]
    Indirect,
    /// For other certificates, or from another place.
    #[error("it is a list for other certificates")]
    OtherScope,
    /// The issuer's certificate does not allow it.
    #[error("the issuer's certificate is not for signing lists")]
    MayNotSign,
    /// Its signature.
    #[error(transparent)]
    Signature(#[from] SignatureTrouble),
    /// Too old, or not yet good.
    #[error("it is good from {from} to {to}")]
    NotCurrent {
        /// Its first moment.
        from: String,
        /// Its last one, or why there is none.
        to: String,
    },
    /// Something in it that must be understood.
    #[error("it has the critical extension {0}, which is not understood")]
    CriticalExtension(String),
}

/// What one list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub(super) reasons: u16,
    pub(super) revoked: Option<Revoked>,
}

/// What all lists that were found say together: they count when no reason is left out.
#[derive(Debug, Default)]
pub struct Lists {
    reasons: u16,
    revoked: Option<Revoked>,
}

impl Lists {
    /// Adds what one says.
    pub fn add(&mut self, listed: Listed) {
        self.reasons |= listed.reasons;
        self.revoked = self.revoked.take().or(listed.revoked);
    }

    /// What they say; none as long as one for some reasons is missing.
    pub fn status(&self) -> Option<Status> {
        (self.reasons == ALL_REASONS).then(|| match &self.revoked {
            Some(revoked) => Status::Revoked(revoked.clone()),
            None => Status::Good,
        })
    }
}

impl Question<'_> {
    /// What a list of `point` says, in DER or PEM; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// It cannot be used for this certificate.
    pub fn read_list(&self, point: &Point<'_>, list: &[u8], now: i64) -> Result<Listed, ListError> {
        let der = der_of(list).ok_or(ListError::Unreadable)?;
        let (_, list) =
            CertificateRevocationList::from_der(&der).map_err(|_| ListError::Unreadable)?;
        let issuing = issuing_point(&list)?;
        self.check_scope(point, &list, issuing)?;
        self.check_list_signature(&list, &der)?;
        check_dates(&list, now)?;
        let serial = self.certificate.parsed.raw_serial();
        let mut entries = list.iter_revoked_certificates();
        let entry = entries.find(|entry| entry.raw_serial() == serial);
        let of = |flags: Option<u16>| flags.map_or(ALL_REASONS, |flags| flags & ALL_REASONS);
        let in_list = issuing.and_then(|issuing| issuing.only_some_reasons.as_ref());
        let in_point = point.point.reasons.as_ref();
        Ok(Listed {
            reasons: of(in_list.map(|reasons| reasons.flags))
                & of(in_point.map(|reasons| reasons.flags)),
            revoked: entry
                .map(|entry| revoked(entry, now))
                .transpose()?
                .flatten(),
        })
    }

    fn check_scope(
        &self,
        point: &Point<'_>,
        list: &CertificateRevocationList<'_>,
        issuing: Option<&IssuingDistributionPoint<'_>>,
    ) -> Result<(), ListError> {
        if point.point.crl_issuer.is_some() || has_others(list) {
            return Err(ListError::Indirect);
        }
        if list.issuer().as_raw() != self.certificate.parsed.issuer().as_raw() {
            return Err(ListError::OtherIssuer(crate::names::java_name(
                list.issuer(),
            )));
        }
        let is_authority = self.certificate.parsed.is_ca();
        let is_for_others = issuing.is_some_and(|issuing| {
            (issuing.only_contains_user_certs && is_authority)
                || (issuing.only_contains_ca_certs && !is_authority)
                || issuing.only_contains_attribute_certs
                || !is_from(issuing, point)
        });
        match is_for_others {
            true => Err(ListError::OtherScope),
            false => Ok(()),
        }
    }

    /// A certificate of the trust store may sign lists whatever it says itself, as in Java.
    fn check_list_signature(
        &self,
        list: &CertificateRevocationList<'_>,
        der: &[u8],
    ) -> Result<(), ListError> {
        let usage = self.issuer.parsed.key_usage().ok().flatten();
        if !self.issuer_is_anchor && usage.is_some_and(|usage| !usage.value.crl_sign()) {
            return Err(ListError::MayNotSign);
        }
        let key = self.issuer_key().ok_or(SignatureTrouble::Wrong)?;
        let (message, signature) = (list.tbs_cert_list.as_ref(), &list.signature_value.data);
        let meant = keys::signature_algorithm(der);
        Ok(keys::check_signature(
            keys::of_status(self.algorithms),
            meant,
            &key,
            message,
            signature,
        )?)
    }
}

/// Has it certificates of several issuers? Where it only might have, it is like any other.
fn has_others(list: &CertificateRevocationList<'_>) -> bool {
    let mut extensions = list
        .iter_revoked_certificates()
        .flat_map(RevokedCertificate::iter_extensions);
    extensions.any(|extension| extension.oid == OID_X509_EXT_ISSUER)
}

fn der_of(list: &[u8]) -> Option<Cow<'_, [u8]>> {
    match list.starts_with(b"-----BEGIN") {
        true => Some(pem::parse(list).ok()?.into_contents().into()),
        false => Some(list.into()),
    }
}

/// The extension that says for what the list is. Any other that is critical, as in a list of differences, is not understood.
fn issuing_point<'a>(
    list: &'a CertificateRevocationList<'_>,
) -> Result<Option<&'a IssuingDistributionPoint<'a>>, ListError> {
    let mut found = None;
    for extension in list.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::IssuingDistributionPoint(point) => found = Some(point),
            _ if extension.critical || extension.oid == OID_X509_EXT_ISSUER_DISTRIBUTION_POINT => {
                return Err(ListError::CriticalExtension(extension.oid.to_id_string()));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Has the list one of the point's names, where it has any?
fn is_from(issuing: &IssuingDistributionPoint<'_>, point: &Point<'_>) -> bool {
    match &issuing.distribution_point {
        None => true,
        Some(DistributionPointName::FullName(names)) => {
            names.iter().any(|name| point.names().contains(name))
        }
        Some(_) => false,
    }
}

fn check_dates(list: &CertificateRevocationList<'_>, now: i64) -> Result<(), ListError> {
    let (from, to) = (list.last_update(), list.next_update());
    match to {
        Some(to) if is_current(now, from, to) => Ok(()),
        _ => Err(ListError::NotCurrent {
            from: from.to_string(),
            to: to.map_or("no date, which it must have".to_owned(), |to| {
                to.to_string()
            }),
        }),
    }
}

/// A revocation of the future is none yet.
fn revoked(entry: &RevokedCertificate<'_>, now: i64) -> Result<Option<Revoked>, ListError> {
    let unknown = entry
        .iter_extensions()
        .find(|extension| extension.critical && extension.oid != OID_X509_EXT_REASON_CODE);
    if let Some(extension) = unknown {
        return Err(ListError::CriticalExtension(extension.oid.to_id_string()));
    }
    let reason = entry.reason_code().unwrap_or_default().1;
    let revoked = Revoked {
        date: entry.revocation_date.to_string(),
        reason: reason.to_string(),
    };
    Ok((entry.revocation_date.timestamp() <= now).then_some(revoked))
}
