//! The properties that Apache has twice: `ssl.*` for clients, `ssl.quorum.*` between servers (`X509Util`).

use std::path::PathBuf;

use listener::tls::{
    ClientAuth, ClientHosts, Password, Protocol, RevocationSource, StoreOptions, Suites, TlsOptions,
};
use pki::stores::StoreType;

use super::super::error::ConfigError;
use super::super::reader::Reader;
use super::super::settings::Setting;

/// What the names of one of them begin with.
#[derive(Clone, Copy)]
pub(super) struct Names(&'static str);

/// All that is read of them. The key store may be missing as long as nobody asks for TLS.
pub(super) struct Read {
    key_store: Option<StoreOptions>,
    trust_store: Option<StoreOptions>,
    protocols: Vec<Protocol>,
    suites: Suites,
    client_auth: ClientAuth,
    revocation: Option<RevocationSource>,
}

impl Names {
    pub(super) const CLIENTS: Names = Names("zookeeper.ssl.");
    pub(super) const PEERS: Names = Names("zookeeper.ssl.quorum.");

    fn of(self, key: &str) -> String {
        format!("{}{key}", self.0)
    }

    /// # Errors
    /// Values that Apache refuses, and choices that leave nothing usable.
    pub(super) fn read(self, reader: &mut Reader<'_>) -> Result<Read, ConfigError> {
        Ok(Read {
            key_store: store(reader, &self.of("keyStore"))?,
            trust_store: store(reader, &self.of("trustStore"))?,
            protocols: protocols(reader, self)?,
            suites: suites(reader, self)?,
            client_auth: client_auth(reader, self)?,
            revocation: revocation(reader, self),
        })
    }
}

impl Read {
    /// Nobody's host is looked at.
    ///
    /// # Errors
    /// There is no key store.
    pub(super) fn with_key_store(
        self,
        missing: impl FnOnce() -> ConfigError,
    ) -> Result<TlsOptions, ConfigError> {
        Ok(TlsOptions {
            key_store: self.key_store.ok_or_else(missing)?,
            trust_store: self.trust_store,
            protocols: self.protocols,
            suites: self.suites,
            client_auth: self.client_auth,
            client_hosts: ClientHosts::Any,
            revocation: self.revocation,
        })
    }
}

/// A store by `prefix`.location, .type, .password and .passwordPath.
fn store(reader: &mut Reader<'_>, prefix: &str) -> Result<Option<StoreOptions>, ConfigError> {
    let type_name = format!("{prefix}.type");
    let store_type = match reader.property(&type_name) {
        None => None,
        Some(setting) => StoreType::from_property(&setting.value)
            .map_err(|error| refused(&type_name, setting, &error))?,
    };
    let text = reader
        .text(&format!("{prefix}.password"))
        .unwrap_or_default();
    let path = reader
        .text(&format!("{prefix}.passwordPath"))
        .unwrap_or_default();
    let password = match path.is_empty() {
        true => Password::Text(text.to_owned()),
        false => Password::File(path.into()),
    };
    let location = reader
        .text(&format!("{prefix}.location"))
        .unwrap_or_default();
    Ok((!location.is_empty()).then(|| StoreOptions {
        path: PathBuf::from(location),
        store_type,
        password,
    }))
}

fn refused(name: &str, setting: &Setting, error: &dyn std::fmt::Display) -> ConfigError {
    ConfigError::invalid(
        name,
        setting,
        format!("cannot be used: {error}"),
        "correct it or remove the line",
    )
}

/// Both versions, unless one is named. Apache on a JVM that has TLS 1.3 offers that alone; one on an older JVM offers 1.2.
fn protocols(reader: &mut Reader<'_>, names: Names) -> Result<Vec<Protocol>, ConfigError> {
    let (protocol, enabled) = (names.of("protocol"), names.of("enabledProtocols"));
    let set = (reader.property(&protocol), reader.property(&enabled));
    let named = set
        .1
        .map(|setting| (&enabled, setting))
        .or(set.0.map(|setting| (&protocol, setting)));
    let Some((name, setting)) = named else {
        return Ok(vec![Protocol::Tls13, Protocol::Tls12]);
    };
    let mut protocols = Vec::new();
    let mut left_out = Vec::new();
    for word in setting.value.split(',').map(str::trim) {
        match word {
            "TLSv1.3" => protocols.push(Protocol::Tls13),
            "TLSv1.2" => protocols.push(Protocol::Tls12),
            word => left_out.push(word),
        }
    }
    if protocols.is_empty() {
        let reason = "has no version that can be used";
        return Err(ConfigError::invalid(
            name,
            setting,
            reason,
            "set TLSv1.3, TLSv1.2 or both",
        ));
    }
    if !left_out.is_empty() {
        reader.say(
            name,
            setting,
            &format!("has versions that are not offered: {}", left_out.join(", ")),
        );
    }
    Ok(protocols)
}

fn suites(reader: &mut Reader<'_>, names: Names) -> Result<Suites, ConfigError> {
    let name = &names.of("ciphersuites");
    let Some(setting) = reader.property(name) else {
        return Ok(Suites::default());
    };
    let suites = Suites::parse(&setting.value).map_err(|error| {
        ConfigError::invalid(
            name,
            setting,
            error.to_string(),
            "name one of them, or remove the line",
        )
    })?;
    if !suites.left_out().is_empty() {
        let left_out = suites.left_out().join(", ");
        reader.say(name, setting, &format!("has suites that are not offered, as they have no forward secrecy or use CBC: {left_out}"));
    }
    Ok(suites)
}

/// `X509Util.ClientAuth.fromPropertyValue`.
fn client_auth(reader: &mut Reader<'_>, names: Names) -> Result<ClientAuth, ConfigError> {
    let name = &names.of("clientAuth");
    let Some(setting) = reader.property(name) else {
        return Ok(ClientAuth::Need);
    };
    match setting.value.to_ascii_uppercase().as_str() {
        "" | "NEED" => Ok(ClientAuth::Need),
        "WANT" => Ok(ClientAuth::Want),
        "NONE" => Ok(ClientAuth::None),
        _ => Err(ConfigError::invalid(
            name,
            setting,
            "is not known",
            "set need, want or none",
        )),
    }
}

/// Responders are asked with `ocsp`, which falls back to lists whether they are named or not (`X509Util.createTrustManager`).
fn revocation(reader: &mut Reader<'_>, names: Names) -> Option<RevocationSource> {
    let lists = reader.flag(&names.of("crl"), false);
    let responders = reader.flag(&names.of("ocsp"), false);
    match (lists, responders) {
        (_, true) => Some(RevocationSource::RespondersThenLists),
        (true, false) => Some(RevocationSource::Lists),
        (false, false) => None,
    }
}
