//! PKCS12, and which certificate belongs to what (`sun.security.pkcs12.PKCS12KeyStore`).

use p12_keystore::{CertificateBag, Pkcs12Archive, PrivateKeyBag, error::Error};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{Entries, KeyEntry, StoreError, TrustedEntry};

pub(super) fn entries(bytes: &[u8], password: &str) -> Result<Entries, StoreError> {
    let archive = Pkcs12Archive::from_pkcs12(bytes, password).map_err(told)?;
    let keys = archive.keys.iter().enumerate();
    let keys = keys.map(|(nth, key)| key_entry(&archive, nth, key));
    let trusted = archive
        .certs
        .iter()
        .filter(|certificate| certificate.trusted);
    Ok(Entries {
        keys: keys.collect::<Result<_, _>>()?,
        trusted: trusted.map(trusted_entry).collect(),
    })
}

pub(super) fn told(error: Error) -> StoreError {
    match error {
        Error::MacError(_) | Error::Pkcs5Error(_) | Error::UnpadError => {
            StoreError::PasswordOrDamage
        }
        error => StoreError::damaged(error),
    }
}

fn trusted_entry(bag: &CertificateBag) -> TrustedEntry {
    TrustedEntry {
        alias: bag
            .friendly_name
            .clone()
            .unwrap_or_else(|| bag.cert.subject().to_owned()),
        certificate: der(bag),
    }
}

fn der(bag: &CertificateBag) -> CertificateDer<'static> {
    CertificateDer::from(bag.cert.as_der().to_vec())
}

/// A key, the certificate with its id, and the issuers of that as far as they are there.
fn key_entry(
    archive: &Pkcs12Archive,
    nth: usize,
    key: &PrivateKeyBag,
) -> Result<KeyEntry, StoreError> {
    let alias = key
        .friendly_name
        .clone()
        .unwrap_or_else(|| (nth + 1).to_string());
    let Some(mut last) = own_certificate(archive, key) else {
        return Err(StoreError::NoChain { alias });
    };
    let mut chain = vec![der(last)];
    while let Some(issuer) = issuer_of(archive, last) {
        if chain.contains(&der(issuer)) {
            break;
        }
        chain.push(der(issuer));
        last = issuer;
    }
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()));
    Ok(KeyEntry { alias, key, chain })
}

/// The certificate with the key's id. Where there is one key and no id, it is the first.
fn own_certificate<'a>(
    archive: &'a Pkcs12Archive,
    key: &PrivateKeyBag,
) -> Option<&'a CertificateBag> {
    match &key.local_key_id {
        Some(id) => archive
            .certs
            .iter()
            .find(|certificate| certificate.local_key_id.as_ref() == Some(&id.0)),
        None if archive.keys.len() == 1 => archive.certs.first(),
        None => None,
    }
}

fn issuer_of<'a>(archive: &'a Pkcs12Archive, of: &CertificateBag) -> Option<&'a CertificateBag> {
    if of.cert.issuer() == of.cert.subject() {
        return None;
    }
    archive
        .certs
        .iter()
        .find(|certificate| certificate.cert.subject() == of.cert.issuer())
}
