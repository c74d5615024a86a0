//! Stores as files: reading them, and naming the file in what goes wrong.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use pki::CertificateDer;
use pki::stores::{self, KeyEntry, StoreError, TrustedEntry};

use super::{Password, StoreOptions};

/// What hinders TLS. Names the file, and nothing that is secret.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Of the file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A store gives nothing.
    #[error("{path}: {error}")]
    Store {
        /// Of the store.
        path: PathBuf,
        /// What is wrong with it.
        error: StoreError,
    },
    /// A key of ours that cannot be used.
    #[error("{path}: the entry {alias:?} cannot be used: {reason}")]
    Key {
        /// Of the store.
        path: PathBuf,
        /// Of the entry.
        alias: String,
        /// Why not.
        reason: String,
    },
    /// The system's certificates cannot be found.
    #[error("no trust store is set, and the system has no trusted certificates: {0}")]
    NoSystemRoots(String),
    /// Options that exclude each other.
    #[error("{0}")]
    Options(String),
}

/// The keys of a key store.
pub(super) fn keys(options: &StoreOptions) -> Result<Vec<KeyEntry>, TlsError> {
    let keys = stores::keys(
        &read(&options.path)?,
        options.store_type,
        &options.password.text()?,
    );
    keys.map_err(|error| of_store(options, error))
}

/// The certificates of a trust store.
pub(super) fn trusted(options: &StoreOptions) -> Result<Vec<TrustedEntry>, TlsError> {
    let trusted = stores::trusted(
        &read(&options.path)?,
        options.store_type,
        &options.password.text()?,
    );
    trusted.map_err(|error| of_store(options, error))
}

/// The certificates that the system trusts.
pub(super) fn of_system() -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    match found.certs.is_empty() {
        true => Err(TlsError::NoSystemRoots(format!("{:?}", found.errors))),
        false => Ok(found.certs),
    }
}

fn of_store(options: &StoreOptions, error: StoreError) -> TlsError {
    TlsError::Store {
        path: options.path.clone(),
        error,
    }
}

/// When an entry of a store expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The file of the store.
    pub store: PathBuf,
    /// The name of the entry in it.
    pub alias: String,
    /// The last moment of the first of its certificates to expire, in seconds since 1970.
    pub at_s: i64,
}

/// Those of both stores. A certificate that cannot be taken apart is left out, as nobody trusts it either.
pub(super) fn expiries(
    keys: (&StoreOptions, &[KeyEntry]),
    trusted: Option<(&StoreOptions, &[TrustedEntry])>,
) -> Vec<Expiry> {
    let of = |options: &StoreOptions, alias: &String, at_s: Option<i64>| {
        Some(Expiry {
            store: options.path.clone(),
            alias: alias.clone(),
            at_s: at_s?,
        })
    };
    let (options, keys) = keys;
    let keys = keys
        .iter()
        .filter_map(|entry| of(options, &entry.alias, entry.expires_s()));
    let trusted = trusted.into_iter().flat_map(|(options, trusted)| {
        let trusted = trusted.iter();
        trusted.filter_map(move |entry| of(options, &entry.alias, entry.expires_s()))
    });
    keys.chain(trusted).collect()
}

/// A file as it stands: its number, its size and when it was written. None: it is not there.
pub type Fingerprint = Option<(u64, u64, Option<SystemTime>)>;

/// Those of a store and of what holds its password.
pub(super) fn fingerprint(options: &StoreOptions) -> impl Iterator<Item = Fingerprint> {
    let password = match &options.password {
        Password::Text(_) => None,
        Password::File(path) => Some(path),
    };
    let of = |path: &PathBuf| {
        let found = fs::metadata(path).ok()?;
        Some((found.ino(), found.len(), found.modified().ok()))
    };
    std::iter::once(&options.path).chain(password).map(of)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Read {
        path: path.to_owned(),
        error,
    })
}

impl Password {
    fn text(&self) -> Result<String, TlsError> {
        let path = match self {
            Password::Text(text) => return Ok(text.clone()),
            Password::File(path) => path,
        };
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        Ok(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
    }
}
