//! Owns what the JAAS file and properties say of Kerberos. The library that knows tickets is linked by the feature gssapi only.
//!
//! Must not know what is said on a connection.

#[cfg(feature = "gssapi")]
mod credentials;
#[cfg_attr(feature = "gssapi", path = "kerberos/library.rs")]
#[cfg_attr(not(feature = "gssapi"), path = "kerberos/no_library.rs")]
mod library;
mod service;

use std::path::Path;

use sasl::jaas::LoginModule;

use crate::config::Kerberos;

pub use library::{Keys, Tickets};
pub use service::Service;

/// Java's module.
pub const MODULE: &str = "com.sun.security.auth.module.Krb5LoginModule";
/// Where Kerberos says which realm is the own one.
const KRB5_CONF: &str = "/etc/krb5.conf";

/// Why a section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// No library.
    #[cfg_attr(feature = "gssapi", allow(dead_code))]
    #[error(
        "this build does not have it; take the package or the image, or build with --features gssapi"
    )]
    NotBuilt,
    /// Nobody could log in to Apache's server, either; and a cache of tickets is not kept here.
    #[error("it needs {0}=true: nothing can be done without the key")]
    NoKey(&'static str),
    /// Nobody could log in to Apache's server, either.
    #[error("its principal is {0:?}; write service/host@REALM, as the keytab has it")]
    Principal(String),
    /// Nobody of that name can be logged in to.
    #[error(
        "quorum.auth.kerberos.servicePrincipal is {0:?}; write service/host@REALM, or service/_HOST for the host of each server line"
    )]
    Service(String),
    /// The library refuses it.
    #[cfg_attr(not(feature = "gssapi"), allow(dead_code))]
    #[error("{keytab} has no key of {principal}: {reason}; klist -k shows what it has")]
    Keytab {
        keytab: String,
        principal: String,
        reason: String,
    },
}

/// Who this server is, and where its keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Principal {
    /// With its realm.
    name: String,
    /// The library's own where none is named.
    keytab: Option<String>,
}

impl Principal {
    /// `needed` are options that have to be true.
    fn read(
        module: &LoginModule,
        settings: &Kerberos,
        needed: &[&'static str],
    ) -> Result<Self, Unusable> {
        let option = |name| module.options.get(name).map(String::as_str);
        for &name in needed {
            if !option(name).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
                return Err(Unusable::NoKey(name));
            }
        }
        let name = option("principal").unwrap_or_default();
        if name.is_empty() {
            return Err(Unusable::Principal(name.to_owned()));
        }
        Ok(Principal {
            name: match name.contains('@') {
                true => name.to_owned(),
                false => format!("{name}@{}", settings.default_realm()),
            },
            keytab: option("keyTab").map(str::to_owned),
        })
    }

    /// One that others log in to: it has a host (`SecurityUtils.createSaslServer`).
    fn that_accepts(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        let principal = Self::read(module, settings, &["useKeyTab", "storeKey"])?;
        match principal.name.contains('/') {
            true => Ok(principal),
            false => Err(Unusable::Principal(principal.name)),
        }
    }

    /// One that logs in to others.
    fn that_initiates(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        Self::read(module, settings, &["useKeyTab"])
    }
}

impl Kerberos {
    /// The own realm; empty where nothing says it (`KerberosName`).
    pub fn default_realm(&self) -> String {
        match &self.realm {
            Some(realm) => realm.clone(),
            None => default_realm(self.path()),
        }
    }

    /// Kerberos' own settings.
    pub fn path(&self) -> &Path {
        self.conf.as_deref().unwrap_or(Path::new(KRB5_CONF))
    }
}

fn default_realm(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut is_defaults = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_defaults = line == "[libdefaults]";
        }
        if let Some((key, realm)) = line.split_once('=')
            && is_defaults
            && key.trim() == "default_realm"
        {
            return realm.trim().to_owned();
        }
    }
    String::new()
}

#[cfg(test)]
mod tests;
