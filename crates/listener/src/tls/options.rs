//! What an operator sets, read and checked by whoever reads the configuration.

use std::fmt;
use std::path::PathBuf;

use pki::CertificateDer;
use pki::stores::StoreType;

use super::RevocationSource;

/// Whether who connects shows a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// It is not asked for one.
    None,
    /// It may leave it out; a bad one is refused.
    Want,
    /// It must.
    #[default]
    Need,
}

/// Whose certificates those who connect may show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientHosts {
    /// Anybody's who is trusted.
    #[default]
    Any,
    /// That of the address that it comes from, or one for this machine: Apache takes every client for one from here
    /// (`ZKTrustManager.checkClientTrusted`, by an engine that knows no host).
    Own,
    /// Nobody's.
    Nobody,
}

impl ClientHosts {
    /// May who comes from `address` show this certificate?
    pub(super) fn allow(self, certificate: &CertificateDer<'_>, address: &str) -> bool {
        let mut own = [address, "127.0.0.1", "localhost"].into_iter();
        match self {
            ClientHosts::Any => true,
            ClientHosts::Own => own.any(|host| pki::hosts::is_for(certificate, host)),
            ClientHosts::Nobody => false,
        }
    }
}

/// A version of TLS. There is none below 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// The password of a store; never written to a log.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// As set; empty where it is not.
    Text(String),
    /// In this file, without the end of its line. It wins over a text (`X509Util.getPasswordFromConfigPropertyOrFile`).
    File(PathBuf),
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Password::Text(_) => f.write_str("Text(..)"),
            Password::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// A key store or trust store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Its file.
    pub path: PathBuf,
    /// As set; none: what the content is.
    pub store_type: Option<StoreType>,
    /// Of the store and of each key in it.
    pub password: Password,
}

/// All that a listener's TLS depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct TlsOptions {
    /// Whose certificates to show.
    pub key_store: StoreOptions,
    /// Whom to trust; none: whom the system trusts.
    pub trust_store: Option<StoreOptions>,
    /// At least one.
    pub protocols: Vec<Protocol>,
    /// Those that were named and are usable, or none named.
    pub suites: super::Suites,
    /// Of those who connect.
    pub client_auth: ClientAuth,
    /// Of those who connect.
    pub client_hosts: ClientHosts,
    /// Who is asked whether a certificate is revoked; none: nobody.
    pub revocation: Option<RevocationSource>,
}
