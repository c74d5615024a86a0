//! Owns who may log in by SASL, and as whom this server does between servers: what the JAAS file says, read once at the start.
//!
//! Must not know what is said on a connection (`connection::sasl`, `peers::login`).

mod clients;
mod exchange;
mod kerberos;
mod peers;
mod users;

use std::path::{Path, PathBuf};

use sasl::jaas::{BadJaas, Jaas, LoginModule};

use crate::config::{Config, Kerberos, Properties};

pub use clients::ClientLogins;
pub use exchange::{Exchange, OwnExchange};
use kerberos::Unusable;
pub use peers::{NotInFips, PeerLogins};

/// Apache's module, which does nothing but hold names and passwords.
const DIGEST: &str = "org.apache.zookeeper.server.auth.DigestLoginModule";

/// Why a server with SASL does not start.
#[derive(Debug, thiserror::Error)]
pub enum CannotLogIn {
    /// No file.
    #[error(
        "{section} is to be a section of a JAAS file, and there is none; name the file by -Djava.security.auth.login.config=..."
    )]
    NoFile { section: String },
    /// The file cannot be read.
    #[error("{}: {source}; -Djava.security.auth.login.config names it", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// The file is no JAAS file.
    #[error("{} {source}", path.display())]
    Malformed { path: PathBuf, source: BadJaas },
    /// A section that is needed is not there.
    #[error("{} has no section {section}; add one, or name another by {setting}", path.display())]
    NoSection {
        path: PathBuf,
        section: String,
        setting: &'static str,
    },
    /// Kerberos has no realm, and is to have one.
    #[error(
        "requireKerberosConfig=true, and {} says no default_realm; correct it, or name the file by -Djava.security.krb5.conf=...",
        path.display()
    )]
    NoRealm { path: PathBuf },
    /// A server line's host is to be called by its name for DNS.
    #[error(
        "kerberos.canonicalizeHostNames=true, and {host} of a server line cannot be looked up: {source}"
    )]
    UnknownHost {
        host: String,
        source: std::io::Error,
    },
    /// Kerberos as a section asks for it cannot be had.
    #[error("{}: the section {section} asks for Kerberos: {source}", path.display())]
    Kerberos {
        path: PathBuf,
        section: String,
        source: Unusable,
    },
    /// A section asks for a Java class.
    #[error(
        "{}: the section {section} names the Java class {class}, which cannot be loaded; use {DIGEST}",
        path.display()
    )]
    UnknownClass {
        path: PathBuf,
        section: String,
        class: String,
    },
    /// A section does not say who this server is.
    #[error(
        "{}: the section {section} has no username and password; other servers cannot be told who this one is",
        path.display()
    )]
    NoOwnName { path: PathBuf, section: String },
}

/// The JAAS file of the configuration, read; none where none is named.
///
/// # Errors
/// It cannot be read.
pub fn jaas_file(config: &Config) -> Result<Option<JaasFile<'_>>, CannotLogIn> {
    let path = config.sasl.jaas_file.as_deref();
    path.map(|path| JaasFile::read(path, &config.properties))
        .transpose()
}

/// Is there a realm, where there is to be one? Apache's server starts without it, and lets nobody log in (`KerberosName`).
///
/// # Errors
/// There is none.
pub fn check_realm(kerberos: &Kerberos) -> Result<(), CannotLogIn> {
    match kerberos.is_required && kerberos.default_realm().is_empty() {
        true => Err(CannotLogIn::NoRealm {
            path: kerberos.path().to_owned(),
        }),
        false => Ok(()),
    }
}

/// A JAAS file.
pub struct JaasFile<'a> {
    path: &'a Path,
    jaas: Jaas,
}

impl<'a> JaasFile<'a> {
    fn read(path: &'a Path, properties: &Properties) -> Result<Self, CannotLogIn> {
        let text = std::fs::read_to_string(path).map_err(|source| CannotLogIn::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let jaas = Jaas::parse(&text, |name| property(properties, name)).map_err(|source| {
            CannotLogIn::Malformed {
                path: path.to_owned(),
                source,
            }
        })?;
        Ok(JaasFile { path, jaas })
    }

    fn unusable(&self, section: &str, source: Unusable) -> CannotLogIn {
        CannotLogIn::Kerberos {
            path: self.path.to_owned(),
            section: section.to_owned(),
            source,
        }
    }

    /// What a section asks for; none where there is no such section.
    fn section(&self, section: &str) -> Result<Option<Modules<'_>>, CannotLogIn> {
        let Some(modules) = self.jaas.section(section) else {
            return Ok(None);
        };
        // Of several modules of Kerberos Java has the last one's names first; nobody has more than one.
        if let Some(module) = modules.iter().find(|each| each.class == kerberos::MODULE) {
            return Ok(Some(Modules::Kerberos(module)));
        }
        match modules.iter().find(|module| module.class != DIGEST) {
            None => Ok(Some(Modules::Digest(modules))),
            Some(other) => Err(CannotLogIn::UnknownClass {
                path: self.path.to_owned(),
                section: section.to_owned(),
                class: other.class.clone(),
            }),
        }
    }
}

/// What a section of a JAAS file asks for.
#[derive(Clone, Copy)]
enum Modules<'a> {
    /// DIGEST-MD5, with the names and passwords that these hold.
    Digest(&'a [LoginModule]),
    /// GSSAPI, with the keys that this names.
    Kerberos(&'a LoginModule),
}

/// What `${name}` stands for: a property of the command line, or one that Java has of its own.
fn property(properties: &Properties, name: &str) -> Option<String> {
    let own = || match name {
        "user.home" => std::env::home_dir(),
        "user.dir" => std::env::current_dir().ok(),
        "java.io.tmpdir" => Some(std::env::temp_dir()),
        _ => None,
    };
    let set = properties.get(name).map(str::to_owned);
    set.or_else(|| own().map(|path| path.display().to_string()))
}

/// Nobody can guess it.
pub fn nonce() -> String {
    let bytes: [u8; 30] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
