//! Owns which authentication schemes there are, and which of them a session must have (`ProviderRegistry`,
//! `AuthenticationHelper`).
//!
//! Must not know what a scheme does.

use processor::{AuthRules, Ensemble, X509};

use super::error::ConfigError;
use super::keys;
use super::reader::Reader;
use super::settings::Setting;

const PROVIDER_PREFIX: &str = "zookeeper.authProvider.";
const PROVIDER_PACKAGE: &str = "org.apache.zookeeper.server.auth.";
const ENFORCED: &str = "zookeeper.enforce.auth.enabled";
const ENFORCED_SCHEMES: &str = "zookeeper.enforce.auth.schemes";

/// The schemes beside digest and ip.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthSchemes {
    /// A provider names the digest scheme, which then is there even where it is disabled.
    pub digest: bool,
    /// The scheme key is there; default false.
    pub key: bool,
    /// The scheme ensemble, with the names of this server; default none.
    pub ensemble: Option<Ensemble>,
    /// The scheme x509; there where a port has TLS, or where a provider names it.
    pub x509: Option<X509>,
    /// Schemes one of which a session must have; empty: it need not, the default.
    pub enforced: Vec<String>,
}

impl AuthSchemes {
    /// Reads the providers, and the schemes that are enforced. `digest_enabled` is what the property of that scheme
    /// says, and `with_tls` whether a port has TLS.
    ///
    /// # Errors
    /// Apache's providers that are not built yet, and enforced schemes that are none.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        digest_enabled: bool,
        with_tls: bool,
    ) -> Result<AuthSchemes, ConfigError> {
        let super_user = reader.text("zookeeper.X509AuthenticationProvider.superUser");
        let x509 = X509 {
            super_user: super_user.map(str::to_owned),
        };
        let mut schemes = AuthSchemes {
            x509: with_tls.then(|| x509.clone()),
            ..AuthSchemes::default()
        };
        let names = reader.text("zookeeper.ensembleAuthName");
        for (name, setting) in reader.properties_below(PROVIDER_PREFIX) {
            schemes.add(reader, name, setting, names, &x509)?;
        }
        schemes.enforced = enforced(reader)?;
        schemes.check_enforced(reader, digest_enabled)?;
        Ok(schemes)
    }

    /// A class that Apache cannot load is said and skipped there too.
    fn add(
        &mut self,
        reader: &mut Reader<'_>,
        name: &str,
        setting: &Setting,
        ensemble_names: Option<&str>,
        x509: &X509,
    ) -> Result<(), ConfigError> {
        match setting.value.strip_prefix(PROVIDER_PACKAGE) {
            Some("DigestAuthenticationProvider") => self.digest = true,
            Some("IPAuthenticationProvider") => {}
            Some("KeyAuthenticationProvider") => self.key = true,
            Some("EnsembleAuthenticationProvider") => {
                self.ensemble = Some(Ensemble::named(ensemble_names));
            }
            Some("SASLAuthenticationProvider") => {
                return Err(ConfigError::not_built(name, setting, &keys::SASL));
            }
            Some("X509AuthenticationProvider") => self.x509 = Some(x509.clone()),
            _ => reader.say(
                name,
                setting,
                "names a Java class, which cannot be loaded; nobody can authenticate by its scheme",
            ),
        }
        Ok(())
    }

    fn check_enforced(
        &self,
        reader: &mut Reader<'_>,
        digest_enabled: bool,
    ) -> Result<(), ConfigError> {
        let rules = AuthRules {
            digest_enabled: digest_enabled || self.digest,
            key_enabled: self.key,
            ensemble: self.ensemble.clone(),
            x509: self.x509.clone(),
            ..AuthRules::default()
        };
        let unknown = self.enforced.iter().find(|name| !rules.has_scheme(name));
        match (unknown, reader.property(ENFORCED_SCHEMES)) {
            (Some(name), Some(setting)) => Err(ConfigError::invalid(
                ENFORCED_SCHEMES,
                setting,
                format!("has {name}, which is no scheme here"),
                "name digest, ip, or one that an authProvider line brings",
            )),
            _ => Ok(()),
        }
    }
}

/// The schemes one of which a session must have; empty where that is off.
fn enforced(reader: &mut Reader<'_>) -> Result<Vec<String>, ConfigError> {
    let list = reader.text(ENFORCED_SCHEMES);
    if !reader.flag(ENFORCED, false) {
        return Ok(Vec::new());
    }
    match (list, reader.property(ENFORCED)) {
        // Java's split drops empty parts at the end.
        (Some(list), _) => Ok(list
            .trim_end_matches(',')
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect()),
        (None, Some(setting)) => Err(ConfigError::invalid(
            ENFORCED,
            setting,
            "needs enforce.auth.schemes",
            "add a line such as enforce.auth.schemes=digest",
        )),
        (None, None) => Ok(Vec::new()),
    }
}
