//! What a server shows of itself: the keys of its store, and which of them for whom.

use std::path::Path;
use std::sync::Arc;

use pki::keys::{self, Algorithms};
use pki::stores::KeyEntry;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CipherSuite, SignatureAlgorithm, SignatureScheme};
use x509_parser::parse_x509_certificate;

use super::TlsError;

const OF_TLS_13: [CipherSuite; 3] = [
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
];
const WITH_ECDSA: [CipherSuite; 3] = [
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// The keys of the store, in its order.
#[derive(Debug)]
pub(super) struct Identity {
    keys: Vec<Arc<CertifiedKey>>,
}

impl Identity {
    /// The first key for the scheme that the other side likes best, as in TLS 1.3.
    fn first_for(&self, schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let first = |scheme: &SignatureScheme| {
            let signs = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(&[*scheme]).is_some();
            self.keys.iter().find(signs).cloned()
        };
        schemes.iter().find_map(first)
    }

    /// The first key for the suite that Java likes best, those with ECDSA, as in TLS 1.2.
    fn first_for_suites(
        &self,
        suites: &[CipherSuite],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let is_of_curve = |key: &&Arc<CertifiedKey>| {
            let algorithm = key.key.algorithm();
            matches!(
                algorithm,
                SignatureAlgorithm::ECDSA | SignatureAlgorithm::ED25519
            )
        };
        let signs = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        let of_curve = suites.iter().any(|suite| WITH_ECDSA.contains(suite));
        let of_curve = of_curve.then(|| self.keys.iter().filter(signs).find(is_of_curve));
        let other = || self.keys.iter().filter(signs).find(|key| !is_of_curve(key));
        of_curve.flatten().or_else(other).cloned()
    }

    /// Those of `entries`, each of which must be usable.
    pub(super) fn new(
        path: &Path,
        entries: Vec<KeyEntry>,
        provider: &CryptoProvider,
    ) -> Result<Self, TlsError> {
        let keys = entries
            .into_iter()
            .map(|entry| certified(path, entry, provider));
        Ok(Identity {
            keys: keys.collect::<Result<_, _>>()?,
        })
    }
}

fn certified(
    path: &Path,
    entry: KeyEntry,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let KeyEntry { alias, key, chain } = entry;
    let refuse = |reason: String| TlsError::Key {
        path: path.to_owned(),
        alias: alias.clone(),
        reason,
    };
    check(&chain[0], provider.signature_verification_algorithms.all).map_err(refuse)?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|error| refuse(error.to_string()))?;
    let certified = CertifiedKey::new(chain, key);
    // Where the certificate is of version 1, rustls cannot tell.
    match certified.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err(refuse("its certificate is for another key".to_owned()))
        }
        _ => Ok(Arc::new(certified)),
    }
}

fn check(certificate: &[u8], algorithms: Algorithms) -> Result<(), String> {
    let (_, parsed) = parse_x509_certificate(certificate)
        .map_err(|_| "its certificate cannot be read".to_owned())?;
    match keys::trouble(&parsed, algorithms) {
        Some(trouble) => Err(trouble.to_string()),
        None => Ok(()),
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let suites = hello.cipher_suites();
        match suites.iter().any(|suite| OF_TLS_13.contains(suite)) {
            true => self.first_for(hello.signature_schemes()),
            false => self.first_for_suites(suites, hello.signature_schemes()),
        }
    }
}

impl ResolvesClientCert for Identity {
    /// Whom the other side says that it trusts does not matter: a self-signed certificate in its store is trusted, too.
    fn resolve(
        &self,
        _trusted: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.first_for(schemes)
    }

    fn has_certs(&self) -> bool {
        !self.keys.is_empty()
    }
}
