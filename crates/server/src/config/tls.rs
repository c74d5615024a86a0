//! Owns TLS for clients: which ports have it, and all that Apache's `ClientX509Util` and `NettyServerCnxnFactory` read.
//!
//! Must not open a store: whether a file is good is known when the server starts.

use std::path::PathBuf;

use listener::tls::{ClientAuth, Password, Protocol, StoreOptions, Suites, TlsOptions};
use pki::stores::StoreType;

use super::error::ConfigError;
use super::reader::Reader;
use super::settings::Setting;

const UNIFIED: &str = "zookeeper.client.portUnification";
const KEY_STORE: &str = "zookeeper.ssl.keyStore";
const TRUST_STORE: &str = "zookeeper.ssl.trustStore";
const PROTOCOL: &str = "zookeeper.ssl.protocol";
const ENABLED_PROTOCOLS: &str = "zookeeper.ssl.enabledProtocols";
const SUITES: &str = "zookeeper.ssl.ciphersuites";
const CLIENT_AUTH: &str = "zookeeper.ssl.clientAuth";
const AUTH_PROVIDER: &str = "zookeeper.ssl.authProvider";

/// TLS for clients.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientTls {
    /// How.
    pub options: TlsOptions,
    /// The plain port has it, too: the first byte tells (`client.portUnification`); default false.
    pub unified: bool,
    /// Handshakes that may be under way at once; 0: no limit, the default.
    pub handshake_limit: u32,
    /// Connections end before their handshake while the server does not serve; default false.
    pub early_drop: bool,
    /// The stores are read again when their files change; default false.
    pub reload: bool,
}

impl ClientTls {
    /// Reads the settings; `has_port` tells whether there is a secureClientPort. None where no port has TLS.
    ///
    /// # Errors
    /// Values that Apache refuses, and choices that leave nothing usable.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        has_port: bool,
    ) -> Result<Option<ClientTls>, ConfigError> {
        let unified = reader.flag(UNIFIED, false);
        let key_store = store(reader, KEY_STORE)?;
        let trust_store = store(reader, TRUST_STORE)?;
        let protocols = protocols(reader)?;
        let suites = suites(reader)?;
        let client_auth = client_auth(reader)?;
        let check_client_host = check_client_host(reader);
        let handshake_limit =
            reader.at_least("zookeeper.netty.server.outstandingHandshake.limit", 0, -1);
        let early_drop = reader.flag(
            "zookeeper.netty.server.earlyDropSecureConnectionHandshakes",
            false,
        );
        let reload = reader.flag("zookeeper.client.certReload", false);
        check_provider(reader)?;
        if !has_port && !unified {
            return Ok(None);
        }
        let options = TlsOptions {
            key_store: key_store.ok_or_else(|| no_key_store(reader))?,
            trust_store,
            protocols,
            suites,
            client_auth,
            check_client_host,
        };
        Ok(Some(ClientTls {
            options,
            unified,
            handshake_limit,
            early_drop,
            reload,
        }))
    }
}

/// Whatever asks for TLS asks for a key.
fn no_key_store(reader: &mut Reader<'_>) -> ConfigError {
    let asks = reader
        .key("secureClientPort")
        .map(|setting| ("secureClientPort", setting));
    let asks = asks.or_else(|| reader.property(UNIFIED).map(|setting| (UNIFIED, setting)));
    match asks {
        Some((name, setting)) => ConfigError::invalid(
            name,
            setting,
            "needs a key store",
            "add lines such as ssl.keyStore.location=/etc/zookeeper/server.jks and ssl.keyStore.password=...",
        ),
        None => ConfigError::usage("TLS needs a key store"),
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
fn protocols(reader: &mut Reader<'_>) -> Result<Vec<Protocol>, ConfigError> {
    let protocol = reader.property(PROTOCOL);
    let enabled = reader.property(ENABLED_PROTOCOLS);
    let named = enabled
        .map(|setting| (ENABLED_PROTOCOLS, setting))
        .or(protocol.map(|setting| (PROTOCOL, setting)));
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

fn suites(reader: &mut Reader<'_>) -> Result<Suites, ConfigError> {
    let Some(setting) = reader.property(SUITES) else {
        return Ok(Suites::default());
    };
    let suites = Suites::parse(&setting.value).map_err(|error| {
        ConfigError::invalid(
            SUITES,
            setting,
            error.to_string(),
            "name one of them, or remove the line",
        )
    })?;
    if !suites.left_out().is_empty() {
        let left_out = suites.left_out().join(", ");
        reader.say(SUITES, setting, &format!("has suites that are not offered, as they have no forward secrecy or use CBC: {left_out}"));
    }
    Ok(suites)
}

/// `X509Util.ClientAuth.fromPropertyValue`.
fn client_auth(reader: &mut Reader<'_>) -> Result<ClientAuth, ConfigError> {
    let Some(setting) = reader.property(CLIENT_AUTH) else {
        return Ok(ClientAuth::Need);
    };
    match setting.value.to_ascii_uppercase().as_str() {
        "" | "NEED" => Ok(ClientAuth::Need),
        "WANT" => Ok(ClientAuth::Want),
        "NONE" => Ok(ClientAuth::None),
        _ => Err(ConfigError::invalid(
            CLIENT_AUTH,
            setting,
            "is not known",
            "set need, want or none",
        )),
    }
}

/// `X509Util.isClientHostnameVerificationEnabled`. In FIPS mode Apache knows no other name of a client than its address;
/// here that is so in both.
fn check_client_host(reader: &mut Reader<'_>) -> bool {
    let of_servers = reader.flag("zookeeper.ssl.hostnameVerification", true);
    let of_clients = reader.flag("zookeeper.ssl.clientHostnameVerification", false);
    reader.flag("zookeeper.fips-mode", true);
    of_servers && of_clients
}

/// Only Apache's own provider is there.
fn check_provider(reader: &mut Reader<'_>) -> Result<(), ConfigError> {
    match reader.property(AUTH_PROVIDER) {
        Some(setting) if setting.value != "x509" => {
            let reason = "names a scheme of a Java class, which cannot be loaded";
            Err(ConfigError::invalid(
                AUTH_PROVIDER,
                setting,
                reason,
                "set x509, or remove the line",
            ))
        }
        _ => Ok(()),
    }
}
