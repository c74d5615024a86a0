//! Responders (OCSP): what one is asked, and what its answer says (`sun.security.provider.certpath.OCSPResponse`).

use rustls_pki_types::CertificateDer;
use sha1::{Digest, Sha1};
use x509_parser::prelude::{FromDer, ParsedExtension};
use x509_parser::time::ASN1Time;
use x509_parser::x509::ReasonCode;

use super::{Question, Revoked, Status, is_current};
use crate::der::{
    self, BITS, BOOLEAN, ENUMERATED, INTEGER, OBJECT, OCTETS, SEQUENCE, TIME, Value, Values,
};
use crate::keys::{self, KeyOf, SignatureTrouble};
use crate::trust::{Certificate, parsed};

/// 1.3.14.3.2.26, with no parameters.
const SHA_1: &[u8] = &[SEQUENCE, 9, OBJECT, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
/// 1.3.6.1.5.5.7.48.1.1
const BASIC_RESPONSE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
/// The kinds of a status.
const GOOD: u8 = der::plain_part(0);
const REVOKED: u8 = der::part(1);

/// Why an answer says nothing of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// It cannot be taken apart.
    #[error("it is no answer of a responder")]
    Unreadable,
    /// The responder does not want to answer.
    #[error("the responder says: {0}")]
    Refused(&'static str),
    /// About others only.
    #[error("it is about other certificates")]
    OtherCertificate,
    /// The responder does not know it.
    #[error("the responder does not know the certificate")]
    Unknown,
    /// Who has signed it is not known.
    #[error("the certificate of who has signed it is missing")]
    NoSigner,
    /// Who has signed it may not.
    #[error("{0} has signed it, and the issuer does not let it")]
    OtherSigner(String),
    /// Its signature, or that of the responder's certificate.
    #[error(transparent)]
    Signature(#[from] SignatureTrouble),
    /// Too old, or not yet good.
    #[error("it is good from {from} to {to}")]
    NotCurrent {
        /// Its first moment.
        from: String,
        /// Its last one.
        to: String,
    },
    /// Something in it that must be understood.
    #[error("it has a critical extension, and none is understood")]
    CriticalExtension,
}

impl Question<'_> {
    /// What the responder is asked, as the body of a POST of application/ocsp-request.
    pub fn request(&self) -> Vec<u8> {
        let request = der::value(SEQUENCE, &self.id());
        let requests = der::value(SEQUENCE, &request);
        der::value(SEQUENCE, &der::value(SEQUENCE, &requests))
    }

    /// What its answer says; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// It does not tell.
    pub fn read_response(&self, response: &[u8], now: i64) -> Result<Status, ResponseError> {
        let basic = basic_response(response)?;
        let answer = Answer::read(basic).ok_or(ResponseError::Unreadable)?;
        if answer
            .extensions
            .into_iter()
            .any(|extensions| has_critical(&extensions))
        {
            return Err(ResponseError::CriticalExtension);
        }
        self.check_signer(&answer, now)?;
        let mut singles = answer.singles.filter_map(Single::read);
        let single = singles.find(|single| self.is_about(single));
        single.ok_or(ResponseError::OtherCertificate)?.status(now)
    }

    /// The certificate's id: hashes of the issuer's name and key, and the number.
    fn id(&self) -> Vec<u8> {
        let [name, key] = self.issuer_hashes();
        let parts = [
            SHA_1,
            &der::value(OCTETS, &name),
            &der::value(OCTETS, &key),
            &der::value(INTEGER, self.certificate.parsed.raw_serial()),
        ];
        der::value(SEQUENCE, &parts.concat())
    }

    fn issuer_hashes(&self) -> [[u8; 20]; 2] {
        let issuer = &self.issuer.parsed;
        [issuer.subject().as_raw(), key_bits(&self.issuer)].map(|bytes| Sha1::digest(bytes).into())
    }

    fn is_about(&self, single: &Single<'_>) -> bool {
        let [name, key] = self.issuer_hashes();
        single.is_sha_1
            && single.name_hash == name
            && single.key_hash == key
            && single.serial == self.certificate.parsed.raw_serial()
    }

    /// The issuer, or somebody whom it has given a certificate for that, must have signed the answer.
    fn check_signer(&self, answer: &Answer<'_>, now: i64) -> Result<(), ResponseError> {
        let shown: Vec<CertificateDer<'_>> = answer
            .certificates
            .map(|value| value.whole.into())
            .collect();
        let shown: Vec<_> = shown.iter().filter_map(parsed).collect();
        let mut all = shown.iter().chain([&self.issuer]);
        let signer = all.find(|certificate| answer.responder_is(certificate));
        let signer = signer.ok_or(ResponseError::NoSigner)?;
        if !self.is_issuer(signer) {
            self.check_delegate(signer, now)?;
        }
        let key = KeyOf::new(&signer.parsed).ok_or(ResponseError::NoSigner)?;
        let meant = Some(answer.algorithm.content);
        Ok(keys::check_signature(
            keys::of_status(self.algorithms),
            meant,
            &key,
            answer.signed.whole,
            answer.signature,
        )?)
    }

    fn is_issuer(&self, signer: &Certificate<'_>) -> bool {
        signer.parsed.subject().as_raw() == self.issuer.parsed.subject().as_raw()
            && signer.parsed.public_key().raw == self.issuer.parsed.public_key().raw
    }

    /// Whether its own certificate was revoked is not asked, in Java neither.
    fn check_delegate(&self, signer: &Certificate<'_>, now: i64) -> Result<(), ResponseError> {
        let parsed = &signer.parsed;
        let may_sign = parsed.extensions().iter().any(|extension| {
            matches!(extension.parsed_extension(), ParsedExtension::ExtendedKeyUsage(usage) if usage.ocsp_signing)
        });
        let dates =
            parsed.validity().not_before.timestamp()..=parsed.validity().not_after.timestamp();
        let is_of_issuer = parsed.issuer().as_raw() == self.issuer.parsed.subject().as_raw();
        if !may_sign || !dates.contains(&now) || !is_of_issuer {
            return Err(ResponseError::OtherSigner(signer.subject()));
        }
        let key = self.issuer_key().ok_or(ResponseError::NoSigner)?;
        let meant = keys::signature_algorithm(signer.der);
        let (message, signature) = (
            parsed.tbs_certificate.as_ref(),
            &parsed.signature_value.data,
        );
        Ok(keys::check_signature(
            self.algorithms.iter().copied(),
            meant,
            &key,
            message,
            signature,
        )?)
    }
}

fn key_bits<'a>(certificate: &'a Certificate<'_>) -> &'a [u8] {
    &certificate.parsed.public_key().subject_public_key.data
}

/// The basic response inside, which is the only kind there is.
fn basic_response(response: &[u8]) -> Result<&[u8], ResponseError> {
    let unreadable = ResponseError::Unreadable;
    let whole = Values(response)
        .tagged(SEQUENCE)
        .ok_or(unreadable.clone())?;
    let mut parts = whole.inside();
    let status = parts.tagged(ENUMERATED).ok_or(unreadable.clone())?;
    match status.content {
        [0] => {}
        [1] => return Err(ResponseError::Refused("the request is malformed")),
        [2] => return Err(ResponseError::Refused("an internal error")),
        [3] => return Err(ResponseError::Refused("try again later")),
        [5] => return Err(ResponseError::Refused("requests must be signed")),
        [6] => return Err(ResponseError::Refused("not authorized")),
        _ => return Err(unreadable),
    }
    content_of_kind(parts, BASIC_RESPONSE).ok_or(unreadable)
}

fn content_of_kind<'a>(mut parts: Values<'a>, kind: &[u8]) -> Option<&'a [u8]> {
    let bytes = parts.tagged(der::part(0))?.inside().tagged(SEQUENCE)?;
    let mut parts = bytes.inside();
    let found = parts.tagged(OBJECT)?;
    let content = parts.tagged(OCTETS)?.content;
    (found.content == kind).then_some(content)
}

/// A basic response, taken apart.
struct Answer<'a> {
    /// What is signed.
    signed: Value<'a>,
    responder: Value<'a>,
    singles: Values<'a>,
    extensions: Option<Value<'a>>,
    algorithm: Value<'a>,
    signature: &'a [u8],
    certificates: Values<'a>,
}

impl<'a> Answer<'a> {
    fn read(basic: &'a [u8]) -> Option<Self> {
        let mut parts = Values(basic).tagged(SEQUENCE)?.inside();
        let signed = parts.tagged(SEQUENCE)?;
        let algorithm = parts.tagged(SEQUENCE)?;
        let signature = parts.tagged(BITS)?.content.strip_prefix(&[0])?;
        let certificates = match parts.tagged(der::part(0)) {
            Some(certificates) => certificates.inside().tagged(SEQUENCE)?.inside(),
            None => Values(&[]),
        };
        let mut parts = signed.inside();
        let _version = parts.tagged(der::part(0));
        let responder = parts.next()?;
        let _produced_at = parts.tagged(TIME)?;
        Some(Answer {
            signed,
            responder,
            singles: parts.tagged(SEQUENCE)?.inside(),
            extensions: parts.tagged(der::part(1)),
            algorithm,
            signature,
            certificates,
        })
    }

    /// Is it the certificate of who says to have signed? The responder is known by its name or by the hash of its key.
    fn responder_is(&self, certificate: &Certificate<'_>) -> bool {
        let content = self.responder.content;
        if self.responder.tag == der::part(1) {
            return content == certificate.parsed.subject().as_raw();
        }
        let hash: [u8; 20] = Sha1::digest(key_bits(certificate)).into();
        self.responder.tag == der::part(2) && content == [&[OCTETS, 20][..], &hash].concat()
    }
}

/// What is said of one certificate.
struct Single<'a> {
    is_sha_1: bool,
    name_hash: &'a [u8],
    key_hash: &'a [u8],
    serial: &'a [u8],
    status: Value<'a>,
    from: ASN1Time,
    /// None: newer answers can be had at any time.
    to: Option<ASN1Time>,
    extensions: Option<Value<'a>>,
}

impl<'a> Single<'a> {
    fn read(single: Value<'a>) -> Option<Self> {
        let mut parts = single.inside();
        let mut id = parts.tagged(SEQUENCE)?.inside();
        let hash = id.tagged(SEQUENCE)?.inside().tagged(OBJECT)?;
        Some(Single {
            is_sha_1: SHA_1[2..].starts_with(hash.whole),
            name_hash: id.tagged(OCTETS)?.content,
            key_hash: id.tagged(OCTETS)?.content,
            serial: id.tagged(INTEGER)?.content,
            status: parts.next()?,
            from: time(parts.tagged(TIME)?)?,
            to: match parts.tagged(der::part(0)) {
                Some(to) => Some(time(to.inside().tagged(TIME)?)?),
                None => None,
            },
            extensions: parts.tagged(der::part(1)),
        })
    }

    fn status(&self, now: i64) -> Result<Status, ResponseError> {
        let to = self.to.unwrap_or(self.from);
        if !is_current(now, self.from, to) {
            return Err(ResponseError::NotCurrent {
                from: self.from.to_string(),
                to: to.to_string(),
            });
        }
        if self
            .extensions
            .is_some_and(|extensions| has_critical(&extensions))
        {
            return Err(ResponseError::CriticalExtension);
        }
        match self.status.tag {
            GOOD => Ok(Status::Good),
            REVOKED => revoked(&self.status, now).ok_or(ResponseError::Unreadable),
            _ => Err(ResponseError::Unknown),
        }
    }
}

/// A revocation of the future is none yet.
fn revoked(status: &Value<'_>, now: i64) -> Option<Status> {
    let mut parts = status.inside();
    let date = time(parts.tagged(TIME)?)?;
    let reason = match parts.tagged(der::part(0)) {
        Some(reason) => ReasonCode(*reason.inside().tagged(ENUMERATED)?.content.first()?),
        None => ReasonCode::Unspecified,
    };
    let revoked = Revoked {
        date: date.to_string(),
        reason: reason.to_string(),
    };
    Some(match date.timestamp() <= now {
        true => Status::Revoked(revoked),
        false => Status::Good,
    })
}

fn time(value: Value<'_>) -> Option<ASN1Time> {
    ASN1Time::from_der(value.whole).ok().map(|(_, time)| time)
}

/// Is one of these extensions critical?
fn has_critical(extensions: &Value<'_>) -> bool {
    let all = extensions.inside().tagged(SEQUENCE);
    let mut all = all.into_iter().flat_map(|all| all.inside());
    all.any(|extension| {
        let truths = extension.inside().filter(|part| part.tag == BOOLEAN);
        truths.into_iter().any(|truth| truth.content != [0])
    })
}
