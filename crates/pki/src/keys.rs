//! Public keys and signatures: which ones there is an algorithm for.

use rustls_pki_types::SignatureVerificationAlgorithm;
use x509_parser::prelude::X509Certificate;
use x509_parser::public_key::PublicKey;

use crate::der;

mod sha1_rsa;

/// The least RSA key that TLS libraries other than Java's take.
pub const LEAST_RSA_BITS: usize = 2048;

/// Algorithms that check signatures.
pub type Algorithms = &'static [&'static dyn SignatureVerificationAlgorithm];

/// Algorithms for what tells whether a certificate is revoked: Java takes SHA-1 there, and responders use it.
pub fn of_status(
    algorithms: Algorithms,
) -> impl Iterator<Item = &'static dyn SignatureVerificationAlgorithm> {
    algorithms.iter().copied().chain([sha1_rsa::SHA1_WITH_RSA])
}

/// Why what a key signs cannot be checked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyTrouble {
    /// An RSA key below [`LEAST_RSA_BITS`].
    #[error("key too short: RSA {bits}, at least {LEAST_RSA_BITS} are needed")]
    TooShort {
        /// Of its modulus.
        bits: usize,
    },
    /// DSA, or a curve that nobody here knows.
    #[error("key of an unsupported kind: {0}")]
    Unsupported(&'static str),
}

/// What hinders the use of a certificate's key; none when there is an algorithm for it.
pub fn trouble(certificate: &X509Certificate<'_>, algorithms: Algorithms) -> Option<KeyTrouble> {
    let bits = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => Some(key.key_size()),
        _ => None,
    };
    if let Some(bits) = bits.filter(|bits| *bits < LEAST_RSA_BITS) {
        return Some(KeyTrouble::TooShort { bits });
    }
    let key = KeyOf::new(certificate)?;
    let known = algorithms
        .iter()
        .any(|algorithm| algorithm.public_key_alg_id().as_ref() == key.algorithm);
    (!known).then(|| KeyTrouble::Unsupported(kind(certificate)))
}

fn kind(certificate: &X509Certificate<'_>) -> &'static str {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(_)) => "RSA",
        Ok(PublicKey::EC(_)) => "EC on another curve than P-256, P-384 and P-521",
        Ok(PublicKey::DSA(_)) => "DSA",
        _ => "unknown",
    }
}

/// A public key as it stands in a certificate.
pub struct KeyOf<'a> {
    /// What stands in its AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    /// Its bits.
    pub bits: &'a [u8],
}

impl<'a> KeyOf<'a> {
    /// The key of `certificate`; none when its encoding is broken.
    pub fn new(certificate: &'a X509Certificate<'_>) -> Option<Self> {
        let key = certificate.public_key();
        let (content, _) = der::content(key.raw)?;
        let (algorithm, _) = der::content(content)?;
        Some(KeyOf {
            algorithm,
            bits: &key.subject_public_key.data,
        })
    }

    /// Is `signature` this key's for `message`, by one of these algorithms?
    pub fn has_signed(
        &self,
        algorithms: impl IntoIterator<Item = &'static dyn SignatureVerificationAlgorithm>,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let fitting = |algorithm: &&dyn SignatureVerificationAlgorithm| {
            algorithm.public_key_alg_id().as_ref() == self.algorithm
        };
        let mut fitting = algorithms.into_iter().filter(fitting);
        fitting.any(|algorithm| {
            algorithm
                .verify_signature(self.bits, message, signature)
                .is_ok()
        })
    }
}

/// Why a signature is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureTrouble {
    /// SHA-1, MD5, DSA or something that nobody here knows.
    #[error("signed with an algorithm that is not taken (SHA-1, MD5, DSA ...)")]
    Algorithm,
    /// By another key, or of another message.
    #[error("the signature is not the one of the key that has to have made it")]
    Wrong,
}

/// Is `signature` that of `key` for `message`, by the algorithm that `meant` names, as [`signature_algorithm`] gives it?
pub fn check_signature(
    algorithms: impl IntoIterator<Item = &'static dyn SignatureVerificationAlgorithm>,
    meant: Option<&[u8]>,
    key: &KeyOf<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureTrouble> {
    let mut meant = algorithms
        .into_iter()
        .filter(|algorithm| Some(algorithm.signature_alg_id().as_ref()) == meant)
        .peekable();
    if meant.peek().is_none() {
        return Err(SignatureTrouble::Algorithm);
    }
    match key.has_signed(meant, message, signature) {
        true => Ok(()),
        false => Err(SignatureTrouble::Wrong),
    }
}

/// What stands in the AlgorithmIdentifier of the signature of a certificate or a revocation list.
pub fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (parts, _) = der::content(certificate)?;
    let (_, behind_content) = der::content(parts)?;
    der::content(behind_content).map(|(algorithm, _)| algorithm)
}
