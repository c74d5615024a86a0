//! The same stores the other way round, for certificates that are made here.

use std::io;
use std::time::SystemTime;

use jks::common::RandomReader;
use jks::{
    Certificate as JksCertificate, KeyStoreOptions, PrivateKeyEntry, TrustedCertificateEntry,
};
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, PrivateKey, PrivateKeyChain, rand};

use super::{KeyEntry, StoreError, StoreType, TrustedEntry};

/// A password that nobody guesses.
pub fn random_password() -> String {
    let bytes: [u8; 12] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key store with this key. The password is of the store and of the key; PEM has none.
pub fn key_store(
    store_type: StoreType,
    entry: &KeyEntry,
    password: &str,
) -> Result<Vec<u8>, StoreError> {
    match store_type {
        StoreType::Jks => jks_of(
            |store| {
                let key = PrivateKeyEntry {
                    creation_time: SystemTime::UNIX_EPOCH,
                    private_key: entry.key.secret_der().to_vec(),
                    certificate_chain: entry
                        .chain
                        .iter()
                        .map(|certificate| jks_certificate(certificate))
                        .collect(),
                };
                store.set_private_key_entry(&entry.alias, key, password.as_bytes())
            },
            password,
        ),
        StoreType::Pkcs12 => {
            let key = PrivateKey::from_der(entry.key.secret_der()).map_err(StoreError::damaged)?;
            let chain = entry
                .chain
                .iter()
                .map(|certificate| Certificate::from_der(certificate));
            let chain: Vec<_> = chain
                .collect::<Result<_, _>>()
                .map_err(StoreError::damaged)?;
            let id: [u8; 8] = rand::random();
            let chain = PrivateKeyChain::new(id.to_vec(), key, chain);
            pkcs12_of(
                &entry.alias,
                KeyStoreEntry::PrivateKeyChain(chain),
                password,
            )
        }
        StoreType::Pem => {
            let key = pem::Pem::new("PRIVATE KEY", entry.key.secret_der());
            let chain = entry
                .chain
                .iter()
                .map(|certificate| pem::Pem::new("CERTIFICATE", certificate.to_vec()));
            Ok(
                pem::encode_many(&std::iter::once(key).chain(chain).collect::<Vec<_>>())
                    .into_bytes(),
            )
        }
    }
}

/// A trust store with this certificate.
pub fn trust_store(
    store_type: StoreType,
    entry: &TrustedEntry,
    password: &str,
) -> Result<Vec<u8>, StoreError> {
    match store_type {
        StoreType::Jks => jks_of(
            |store| {
                let trusted = TrustedCertificateEntry {
                    creation_time: SystemTime::UNIX_EPOCH,
                    certificate: jks_certificate(&entry.certificate),
                };
                store.set_trusted_certificate_entry(&entry.alias, trusted)
            },
            password,
        ),
        StoreType::Pkcs12 => {
            let certificate =
                Certificate::from_der(&entry.certificate).map_err(StoreError::damaged)?;
            pkcs12_of(
                &entry.alias,
                KeyStoreEntry::Certificate(certificate),
                password,
            )
        }
        StoreType::Pem => {
            Ok(pem::encode(&pem::Pem::new("CERTIFICATE", entry.certificate.to_vec())).into_bytes())
        }
    }
}

fn jks_certificate(der: &[u8]) -> JksCertificate {
    JksCertificate {
        cert_type: "X.509".to_owned(),
        content: der.to_vec(),
    }
}

/// Chance for the salts of keys; the reader's own has none in this build.
struct Chance;

impl RandomReader for Chance {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        buffer.fill_with(rand::random);
        Ok(())
    }
}

fn jks_of(
    add: impl FnOnce(&mut jks::KeyStore) -> jks::Result<()>,
    password: &str,
) -> Result<Vec<u8>, StoreError> {
    let mut store = jks::KeyStore::with_options(KeyStoreOptions {
        rng: Box::new(Chance),
        ..KeyStoreOptions::default()
    });
    add(&mut store).map_err(StoreError::damaged)?;
    let mut bytes = Vec::new();
    store
        .store(&mut bytes, password.as_bytes())
        .map_err(StoreError::damaged)?;
    Ok(bytes)
}

fn pkcs12_of(alias: &str, entry: KeyStoreEntry, password: &str) -> Result<Vec<u8>, StoreError> {
    let mut store = KeyStore::new();
    store.add_entry(alias, entry);
    store.writer(password).write().map_err(StoreError::damaged)
}
