//! PEM: certificates, and among them a key (`org.apache.zookeeper.util.PemReader`). Text between them is passed over.

use p12_keystore::Pkcs12Archive;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{KeyEntry, StoreError, TrustedEntry, pkcs12_file};
use crate::der::{SEQUENCE, value};
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

/// All certificates; of several with one name the last, as Apache puts each under the name of its subject.
pub(super) fn trusted(bytes: &[u8]) -> Result<Vec<TrustedEntry>, StoreError> {
    let blocks = blocks(bytes)?;
    let entry = |certificate: CertificateDer<'static>| TrustedEntry {
        alias: names::subject(&certificate).unwrap_or_default(),
        certificate,
    };
    let mut entries: Vec<TrustedEntry> = Vec::new();
    for entry in certificates(&blocks).map(entry) {
        let alias = entry.alias.to_lowercase();
        entries.retain(|earlier| earlier.alias.to_lowercase() != alias);
        entries.push(entry);
    }
    Ok(entries)
}

fn blocks(bytes: &[u8]) -> Result<Vec<pem::Pem>, StoreError> {
    pem::parse_many(bytes).map_err(StoreError::damaged)
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
        _ if !password.is_empty() => Err(StoreError::NeedlessPassword),
        "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(der.into())),
        "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(der.into())),
        _ => Ok(PrivateKeyDer::Pkcs8(der.into())),
    }
}

/// The key is put into a PKCS12 store, whose reader knows all ways to seal one: those of today, and the only ones that Java
/// reads in PEM (PBES1).
fn decrypted(der: &[u8], password: &str) -> Result<PrivateKeyDer<'static>, StoreError> {
    if password.is_empty() {
        return Err(StoreError::NoPassword);
    }
    let archive =
        Pkcs12Archive::from_pkcs12(&store_of(der), password).map_err(pkcs12_file::told)?;
    let key = archive.keys.first().ok_or(StoreError::NoKey)?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        key.key.as_der().to_vec(),
    )))
}

/// A PKCS12 store without a checksum, with this sealed key alone (RFC 7292).
fn store_of(sealed_key: &[u8]) -> Vec<u8> {
    const INTEGER: u8 = 0x02;
    const OCTETS: u8 = 0x04;
    const ID: u8 = 0x06;
    const EXPLICIT: u8 = 0xa0;
    /// 1.2.840.113549.1.7.1
    const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    /// 1.2.840.113549.1.12.10.1.2
    const SEALED_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 2];
    let data = |content: &[u8]| {
        let octets = value(OCTETS, content);
        value(
            SEQUENCE,
            &[value(ID, DATA), value(EXPLICIT, &octets)].concat(),
        )
    };
    let bag = [value(ID, SEALED_KEY), value(EXPLICIT, sealed_key)].concat();
    let contents = value(SEQUENCE, &value(SEQUENCE, &bag));
    let safe = value(SEQUENCE, &data(&contents));
    value(SEQUENCE, &[value(INTEGER, &[3]), data(&safe)].concat())
}
