//! Owns which authentication schemes there are, and which of them a session must have (`ProviderRegistry`,
//! `AuthenticationHelper`).
//!
//! Must not know what a scheme does.

use processor::{AuthRules, Ensemble, Sasl, X509};

use super::error::ConfigError;
use super::reader::Reader;
use super::settings::Setting;

const PROVIDER_PREFIX: &str = "zookeeper.authProvider.";
const PROVIDER_PACKAGE: &str = "org.apache.zookeeper.server.auth.";
const ENFORCED: &str = "zookeeper.enforce.auth.enabled";
/// The same as both of those with sasl.
const SASL_REQUIRED: &str = "zookeeper.sessionRequireClientSASLAuth";
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
    /// The scheme sasl, where a provider names it.
    pub sasl: Option<Sasl>,
    /// Schemes one of which a session must have; empty: it need not, the default.
    pub enforced: Vec<String>,
}

impl AuthSchemes {
    /// Reads the providers, and the schemes that are enforced. `digest_enabled` is what the property of that scheme
    /// says, and `with_tls` whether a port has TLS.
    ///
    /// # Errors
    /// Providers that are not Apache's, and enforced schemes that are none.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        digest_enabled: bool,
        with_tls: bool,
    ) -> Result<AuthSchemes, ConfigError> {
        let brought = Brought::read(reader);
        let mut schemes = AuthSchemes {
            x509: with_tls.then(|| brought.x509.clone()),
            ..AuthSchemes::default()
        };
        for (name, setting) in reader.properties_below(PROVIDER_PREFIX) {
            schemes.add(name, setting, &brought)?;
        }
        schemes.enforced = enforced(reader)?;
        schemes.check_enforced(reader, digest_enabled)?;
        Ok(schemes)
    }

    /// Apache loads any class, and goes on without one that it does not find: who relies on its scheme finds out later.
    fn add(&mut self, name: &str, setting: &Setting, brought: &Brought) -> Result<(), ConfigError> {
        match setting.value.strip_prefix(PROVIDER_PACKAGE) {
            Some("DigestAuthenticationProvider") => self.digest = true,
            Some("IPAuthenticationProvider") => {}
            Some("KeyAuthenticationProvider") => self.key = true,
            Some("EnsembleAuthenticationProvider") => {
                self.ensemble = Some(brought.ensemble.clone());
            }
            Some("SASLAuthenticationProvider") => self.sasl = Some(brought.sasl.clone()),
            Some("X509AuthenticationProvider") => self.x509 = Some(brought.x509.clone()),
            _ => {
                return Err(ConfigError::invalid(
                    name,
                    setting,
                    "names a Java class, which cannot be loaded",
                    "remove the line if nobody authenticates by its scheme; what is open to that scheme alone is then closed",
                ));
            }
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
            sasl: self.sasl.clone(),
            ..AuthRules::default()
        };
        let Some(unknown) = self.enforced.iter().find(|name| !rules.has_scheme(name)) else {
            return Ok(());
        };
        let (property, advice) = match reader.flag(SASL_REQUIRED, false) {
            true => (
                SASL_REQUIRED,
                "add authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
            ),
            false => (
                ENFORCED_SCHEMES,
                "name digest, ip, or one that an authProvider line brings",
            ),
        };
        let reason = format!("asks for {unknown}, which is no scheme here");
        match reader.property(property) {
            Some(setting) => Err(ConfigError::invalid(property, setting, reason, advice)),
            None => Ok(()),
        }
    }
}

/// The settings of the schemes that a provider brings.
struct Brought {
    ensemble: Ensemble,
    x509: X509,
    sasl: Sasl,
}

impl Brought {
    fn read(reader: &mut Reader<'_>) -> Self {
        let super_user = reader.text("zookeeper.X509AuthenticationProvider.superUser");
        let any_user = reader.text("zookeeper.letAnySaslUserDoX");
        Brought {
            ensemble: Ensemble::named(reader.text("zookeeper.ensembleAuthName")),
            x509: X509 {
                super_user: super_user.map(str::to_owned),
            },
            sasl: Sasl {
                any_user: any_user.map(str::to_owned),
            },
        }
    }
}

/// The schemes one of which a session must have; empty where that is off.
fn enforced(reader: &mut Reader<'_>) -> Result<Vec<String>, ConfigError> {
    let needs_sasl = reader.flag(SASL_REQUIRED, false);
    let list = reader.text(ENFORCED_SCHEMES);
    let is_enforced = reader.flag(ENFORCED, false);
    if needs_sasl {
        return Ok(vec!["sasl".to_owned()]);
    }
    if !is_enforced {
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
