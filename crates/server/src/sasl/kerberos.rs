//! Owns what the JAAS file and properties say of Kerberos. The library that knows tickets is linked by the feature gssapi only.
//!
//! Must not know what is said on a connection.

#[cfg_attr(feature = "gssapi", path = "kerberos/library.rs")]
#[cfg_attr(not(feature = "gssapi"), path = "kerberos/no_library.rs")]
mod library;

use std::path::Path;

use sasl::jaas::LoginModule;

use crate::config::Kerberos;

pub use library::Keys;

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
    /// No client could log in to Apache's server, either.
    #[error("it needs {0}=true: no ticket can be read without the key")]
    NoKey(&'static str),
    /// No client could log in to Apache's server, either.
    #[error("its principal is {0:?}; write zookeeper/host@REALM, as the keytab has it")]
    Principal(String),
    /// The library refuses it.
    #[cfg_attr(not(feature = "gssapi"), allow(dead_code))]
    #[error("{keytab} has no key of {principal}: {reason}; klist -k shows what it has")]
    Keytab {
        keytab: String,
        principal: String,
        reason: String,
    },
}

/// Whose tickets are taken, and where the keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    /// With its host and realm.
    principal: String,
    /// The library's own where none is named.
    keytab: Option<String>,
}

impl Service {
    fn read(module: &LoginModule, settings: &Kerberos) -> Result<Self, Unusable> {
        let option = |name| module.options.get(name).map(String::as_str);
        for name in ["useKeyTab", "storeKey"] {
            if !option(name).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
                return Err(Unusable::NoKey(name));
            }
        }
        let principal = option("principal").unwrap_or_default();
        if !principal.contains('/') {
            return Err(Unusable::Principal(principal.to_owned()));
        }
        Ok(Service {
            principal: match principal.contains('@') {
                true => principal.to_owned(),
                false => format!("{principal}@{}", settings.default_realm()),
            },
            keytab: option("keyTab").map(str::to_owned),
        })
    }
}

impl Kerberos {
    /// The own realm; empty where nothing says it (`KerberosName`).
    pub fn default_realm(&self) -> String {
        match &self.realm {
            Some(realm) => realm.clone(),
            None => default_realm(self.conf.as_deref().unwrap_or(Path::new(KRB5_CONF))),
        }
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
