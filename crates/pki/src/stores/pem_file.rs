//! PEM: certificates, and among them a key (`org.apache.zookeeper.util.PemReader`). Text between them is passed over.

use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{KeyEntry, StoreError, TrustedEntry};
use crate::names;

/// The alias of the only key of such a file, as Apache has it.
const ALIAS: &str = "key";

/// The first key, and all certificates as its chain.
pub(super) fn key(bytes: &[u8], password: &str) -> Result<KeyEntry, StoreError> {
    let blocks = blocks(bytes)?;
    let block = blocks
        .iter()
        .find(|block| block.tag().ends_with("PRIVATE KEY"));
    let key = private_key(block.ok_or(StoreError::NoKey)?, password)?;
    let chain: Vec<_> = certificates(&blocks).collect();
    match chain.is_empty() {
        true => Err(StoreError::NoChain {
            alias: ALIAS.to_owned(),
        }),
        false => Ok(KeyEntry {
            alias: ALIAS.to_owned(),
            key,
            chain,
        }),
    }
}

/// All certificates.
pub(super) fn trusted(bytes: &[u8]) -> Result<Vec<TrustedEntry>, StoreError> {
    let blocks = blocks(bytes)?;
    let entry = |certificate: CertificateDer<'static>| TrustedEntry {
        alias: names::subject(&certificate).unwrap_or_default(),
        certificate,
    };
    Ok(certificates(&blocks).map(entry).collect())
}

fn blocks(bytes: &[u8]) -> Result<Vec<pem::Pem>, StoreError> {
    pem::parse_many(bytes).map_err(|error| StoreError::Damaged(error.to_string()))
}

fn certificates(blocks: &[pem::Pem]) -> impl Iterator<Item = CertificateDer<'static>> {
    let certificates = blocks
        .iter()
        .filter(|block| block.tag().ends_with("CERTIFICATE"));
    certificates.map(|block| CertificateDer::from(block.contents().to_vec()))
}

fn private_key(block: &pem::Pem, password: &str) -> Result<PrivateKeyDer<'static>, StoreError> {
    let der = block.contents().to_vec();
    match block.tag() {
        "ENCRYPTED PRIVATE KEY" => decrypted(&der, password),
        "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(der.into())),
        "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(der.into())),
        _ => Ok(PrivateKeyDer::Pkcs8(der.into())),
    }
}

fn decrypted(der: &[u8], password: &str) -> Result<PrivateKeyDer<'static>, StoreError> {
    if password.is_empty() {
        return Err(StoreError::NoPassword);
    }
    let sealed = EncryptedPrivateKeyInfoRef::try_from(der)
        .map_err(|error| StoreError::Damaged(error.to_string()))?;
    let opened = sealed
        .decrypt(password)
        .map_err(|_| StoreError::PasswordOrDamage)?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        opened.as_bytes().to_vec(),
    )))
}
