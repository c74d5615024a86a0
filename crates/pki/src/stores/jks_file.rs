//! JKS: entries, and behind them a SHA-1 of the password and all that stands before (`sun.security.provider.JavaKeyStore`).

use std::io::Read;

use jks::{KeyStore, KeyStoreOptions};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha1::{Digest, Sha1};

use super::{Entries, KeyEntry, StoreError, TrustedEntry};

const CHECKSUM_BYTES: usize = 20;
const WHITENER: &[u8] = b"Mighty Aphrodite";

pub(super) fn entries(bytes: &[u8], password: &str) -> Result<Entries, StoreError> {
    let content = checked(bytes, password)?;
    let mut store = KeyStore::with_options(KeyStoreOptions {
        password_bytes: |password| java_chars(&String::from_utf8_lossy(password)),
        ..KeyStoreOptions::default()
    });
    // The reader makes a password's characters of its bytes, which fits ASCII alone. What is checked already is handed to
    // it under the empty password.
    store
        .load(content.chain(&checksum(content, "")[..]), b"")
        .map_err(StoreError::damaged)?;
    let mut aliases = store.aliases();
    aliases.sort_unstable();
    let mut entries = Entries::default();
    for alias in aliases {
        add(&mut entries, &store, alias, password)?;
    }
    Ok(entries)
}

fn add(
    entries: &mut Entries,
    store: &KeyStore,
    alias: String,
    password: &str,
) -> Result<(), StoreError> {
    if !store.is_private_key_entry(&alias) {
        let certificate = store
            .get_trusted_certificate_entry(&alias)
            .map_err(StoreError::damaged)?
            .certificate;
        let certificate = CertificateDer::from(certificate.content);
        entries.trusted.push(TrustedEntry { alias, certificate });
        return Ok(());
    }
    let Ok(entry) = store.get_private_key_entry(&alias, password.as_bytes()) else {
        return Err(StoreError::KeyPassword { alias });
    };
    let chain: Vec<_> = entry
        .certificate_chain
        .into_iter()
        .map(|certificate| certificate.content.into())
        .collect();
    if chain.is_empty() {
        return Err(StoreError::NoChain { alias });
    }
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(entry.private_key));
    entries.keys.push(KeyEntry { alias, key, chain });
    Ok(())
}

/// The content, when its checksum fits: only then are its lengths believed.
fn checked<'a>(bytes: &'a [u8], password: &str) -> Result<&'a [u8], StoreError> {
    let (content, expected) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(StoreError::PasswordOrDamage)?;
    match checksum(content, password) == *expected {
        true => Ok(content),
        false => Err(StoreError::PasswordOrDamage),
    }
}

fn checksum(content: &[u8], password: &str) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Sha1::new();
    hash.update(java_chars(password));
    hash.update(WHITENER);
    hash.update(content);
    hash.finalize().into()
}

/// Java's characters, two bytes each.
fn java_chars(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}
