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
    in_javas_order(&mut aliases);
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

/// The order in which Java goes through a store's entries, on which it depends whose certificate is shown: they are in a
/// `Hashtable`, whose buckets are gone through from the last to the first. Within a bucket, where Java's is that of the file,
/// it is by name.
fn in_javas_order(aliases: &mut [String]) {
    let mut buckets = 11;
    while aliases.len() > buckets * 3 / 4 {
        buckets = buckets * 2 + 1;
    }
    aliases.sort_by_cached_key(|alias| {
        let bucket = java_hash(alias) as usize % buckets;
        (std::cmp::Reverse(bucket), alias.clone())
    });
}

/// `String.hashCode` without its sign.
fn java_hash(text: &str) -> u32 {
    let hash = text.encode_utf16().fold(0u32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    });
    hash & 0x7fff_ffff
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

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(aliases: &[&str]) -> Vec<String> {
        let mut aliases: Vec<String> = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        in_javas_order(&mut aliases);
        aliases
    }

    #[test]
    fn entries_have_the_order_of_javas_hashtable() {
        assert_eq!(ordered(&["a", "b", "c", "d"]), ["b", "a", "d", "c"]);
        // The ninth entry makes 23 buckets of 11.
        let nine = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        assert_eq!(
            ordered(&nine[..8]),
            ["b", "a", "h", "g", "f", "e", "d", "c"]
        );
        assert_eq!(
            ordered(&nine),
            ["i", "h", "g", "f", "e", "d", "c", "b", "a"]
        );
    }

    #[test]
    fn a_hash_is_that_of_javas_strings() {
        assert_eq!(java_hash("server"), 1_241_657_155);
        assert_eq!(java_hash(""), 0);
    }
}
