//! Owns TLS, for clients and between servers: which ports have it, and all that Apache's `ClientX509Util`, `QuorumX509Util` and
//! `NettyServerCnxnFactory` read.
//!
//! Must not open a store: whether a file is good is known when the server starts.

mod options;

use std::time::Duration;

use listener::tls::{ClientHosts, TlsOptions};

use super::error::ConfigError;
use super::reader::Reader;
use crate::word::ClientTlsOptions;
use options::Names;

const UNIFIED: &str = "zookeeper.client.portUnification";
const AUTH_PROVIDER: &str = "zookeeper.ssl.authProvider";
const QUORUM: &str = "sslQuorum";
const QUORUM_UNIFIED: &str = "portUnification";

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
        let client_hosts = client_hosts(reader);
        let options = Names::CLIENTS.read(reader)?;
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
        let options = options.with_key_store(|| no_key_store(reader))?;
        Ok(Some(ClientTls {
            options: TlsOptions {
                client_hosts,
                ..options
            },
            unified,
            handshake_limit,
            early_drop,
            reload,
        }))
    }
}

/// TLS of who asks a word. In FIPS mode Apache's `FourLetterWordMain` looks at no host: its trust manager does not, and nobody
/// tells the JVM to (`X509Util.createTrustManager`).
pub(super) fn read_client(reader: &mut Reader<'_>) -> Result<ClientTlsOptions, ConfigError> {
    let read = Names::CLIENTS.read(reader)?;
    let is_fips = reader.flag("zookeeper.fips-mode", true);
    let check_host = !is_fips && reader.flag("zookeeper.ssl.hostnameVerification", true);
    let no_key_store = || {
        ConfigError::usage(
            "TLS needs a key store: add -Dzookeeper.ssl.keyStore.location=... and \
             -Dzookeeper.ssl.keyStore.password=..., and the same for the trustStore",
        )
    };
    Ok(ClientTlsOptions {
        options: read.with_key_store(no_key_store)?,
        check_host,
    })
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

/// TLS between servers.
#[derive(Debug, Clone, PartialEq)]
pub struct PeerTls {
    /// How.
    pub options: TlsOptions,
    /// This server connects with it (`sslQuorum`); default false.
    pub connects: bool,
    /// Who connects without it is let in, too (`portUnification`); default false.
    pub lets_plain_in: bool,
    /// For who has connected to show by a first byte which it is; then it is taken for plain. Default 5 s.
    pub detection_time: Duration,
    /// A certificate has to be for the host that was connected to.
    pub check_server_host: bool,
    /// A certificate has to be for the address that it comes from, ...
    pub check_client_host: bool,
    /// ... or for a name that leads to this address.
    pub names: PeerNames,
    /// The stores are read again when their files change; default false.
    pub reload: bool,
}

impl PeerTls {
    /// Reads the settings. None where no connection has TLS.
    ///
    /// # Errors
    /// As [`ClientTls::read`].
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<PeerTls>, ConfigError> {
        let connects = reader.key_bool(QUORUM, false)?;
        let lets_plain_in = reader.key_bool(QUORUM_UNIFIED, false)?;
        let reload = reader.key_bool("sslQuorumReloadCertFiles", false)?;
        let options = Names::PEERS.read(reader)?;
        // In FIPS mode Apache leaves hosts to the JVM, which does not look at them on such sockets
        // (`X509Util.createTrustManager`, `SSLContextAndOptions.configureSslParameters`).
        let looks = !reader.flag("zookeeper.fips-mode", true);
        let of_servers = reader.flag("zookeeper.ssl.quorum.hostnameVerification", true);
        let of_clients = reader.flag("zookeeper.ssl.quorum.clientHostnameVerification", true);
        let names = PeerNames::read(reader);
        let detection_time = detection_time(reader);
        if !connects && !lets_plain_in {
            return Ok(None);
        }
        Ok(Some(PeerTls {
            options: options.with_key_store(|| no_peer_key_store(reader))?,
            connects,
            lets_plain_in,
            detection_time,
            check_server_host: looks && of_servers,
            check_client_host: looks && of_servers && of_clients,
            names,
            reload,
        }))
    }
}

/// Which names a certificate may be for, beside the address that it comes from or is asked at (`ssl.quorum.allowReverseDnsLookup`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerNames {
    /// None.
    Nothing,
    /// The hosts of server lines that have the address: the default. Apache's is [`PeerNames::Dns`].
    ServerLines,
    /// These, and the name that DNS gives for the address. Whoever owns an address may write its name, so this has to be asked for.
    Dns,
}

impl PeerNames {
    fn read(reader: &mut Reader<'_>) -> Self {
        const NAME: &str = "zookeeper.ssl.quorum.allowReverseDnsLookup";
        let allowed = reader.flag(NAME, true);
        match reader.property(NAME) {
            None => PeerNames::ServerLines,
            Some(_) if !allowed => PeerNames::Nothing,
            Some(setting) => {
                reader.say(NAME, setting, "takes a server's certificate for the name that DNS gives for its address. Whoever owns an address may write its name: remove the line, and hosts of server lines do");
                PeerNames::Dns
            }
        }
    }
}

/// How the admin server uses the stores between servers.
///
/// # Errors
/// As [`PeerTls::read`]; `missing` where there is no key store.
pub(super) fn admin_options(
    reader: &mut Reader<'_>,
    missing: impl FnOnce() -> ConfigError,
) -> Result<TlsOptions, ConfigError> {
    Names::PEERS.read(reader)?.with_key_store(missing)
}

fn no_peer_key_store(reader: &mut Reader<'_>) -> ConfigError {
    let asks = [QUORUM, QUORUM_UNIFIED]
        .into_iter()
        .find_map(|name| reader.key(name).map(|setting| (name, setting)));
    match asks {
        Some((name, setting)) => ConfigError::invalid(
            name,
            setting,
            "needs a key store",
            "add lines such as ssl.quorum.keyStore.location=/etc/zookeeper/peer.jks and \
             ssl.quorum.keyStore.password=...",
        ),
        None => ConfigError::usage("TLS between servers needs a key store"),
    }
}

/// `SSLContextAndOptions.getHandshakeDetectionTimeoutMillis`.
fn detection_time(reader: &mut Reader<'_>) -> Duration {
    const NAME: &str = "zookeeper.ssl.quorum.handshakeDetectionTimeoutMillis";
    const DEFAULT_MS: i32 = 5000;
    let set = reader.number(NAME, |text| text.parse().ok(), DEFAULT_MS);
    let ms = u64::try_from(set).ok().filter(|ms| *ms > 0);
    Duration::from_millis(ms.unwrap_or(u64::from(DEFAULT_MS.unsigned_abs())))
}

/// `X509Util.isClientHostnameVerificationEnabled`. In FIPS mode Apache leaves it to the JVM, which knows no host of a client
/// and refuses them all.
fn client_hosts(reader: &mut Reader<'_>) -> ClientHosts {
    const ASKED: &str = "zookeeper.ssl.clientHostnameVerification";
    let of_servers = reader.flag("zookeeper.ssl.hostnameVerification", true);
    let of_clients = reader.flag(ASKED, false);
    let is_fips = reader.flag("zookeeper.fips-mode", true);
    match reader.property(ASKED) {
        Some(setting) if of_servers && of_clients && is_fips => {
            reader.say(ASKED, setting, "refuses every client that shows a certificate while fips-mode is true, its default, as in Apache. Set fips-mode=false");
            ClientHosts::Nobody
        }
        Some(_) if of_servers && of_clients => ClientHosts::Own,
        _ => ClientHosts::Any,
    }
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
