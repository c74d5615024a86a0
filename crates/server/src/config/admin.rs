//! Owns the settings of the admin server (Apache: `JettyAdminServer`, `Commands`, `IPAuthenticationProvider`).
//!
//! Must not open a socket or a store; a host name is resolved, though.

use std::time::Duration;

use listener::tls::{ClientAuth, TlsOptions};

use super::error::ConfigError;
use super::listen::{Listen, resolve};
use super::reader::Reader;
use super::tls::admin_options;

const PORT: &str = "zookeeper.admin.serverPort";
const ADDRESS: &str = "zookeeper.admin.serverAddress";
const URL: &str = "zookeeper.admin.commandURL";
const HTTP_VERSION: &str = "zookeeper.admin.httpVersion";
const UNIFIED: &str = "zookeeper.admin.portUnification";
const FORCED: &str = "zookeeper.admin.forceHttps";
const DEFAULT_PORT: i32 = 8080;
const HTTP_1_1: i32 = 11;

/// The admin server, where it is not turned off.
#[derive(Debug, Clone, PartialEq)]
pub struct AdminSettings {
    /// Where it listens; default all addresses, port 8080.
    pub on: Listen,
    /// Somebody has chosen the port: a server that cannot have it does not start.
    pub port_is_chosen: bool,
    /// How long a connection may be without a request, or a request without its next bytes; `None`: for ever. Default 30 s.
    pub idle_time: Option<Duration>,
    /// In front of the commands' names; begins with a slash and does not end with one. Default `/commands`.
    pub command_url: String,
    /// HTTPS, where it has it.
    pub tls: Option<AdminTls>,
    /// Between two snapshot commands, and between two restore commands.
    pub rates: RateSettings,
    /// The command snapshot is there; default true.
    pub snapshot_enabled: bool,
    /// The command restore is there; default true.
    pub restore_enabled: bool,
    /// Who asks is who X-Forwarded-For says; default false.
    pub uses_forwarded_for: bool,
}

/// How often the expensive commands are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Apache takes the setting for µs here (`Commands.SnapshotCommand`), which callers may rely on: 300 ms by default.
    pub snapshot_interval: Duration,
    /// 300 s by default.
    pub restore_interval: Duration,
}

/// HTTPS.
#[derive(Debug, Clone, PartialEq)]
pub struct AdminTls {
    /// How: with the stores between servers.
    pub options: TlsOptions,
    /// HTTP is refused (`admin.forceHttps`); else the first byte tells which of the two it is.
    pub only: bool,
    /// The stores are read again when their files change (`sslQuorumReloadCertFiles`).
    pub reload: bool,
}

impl AdminSettings {
    /// Reads the settings. None where the admin server is off, which it is by exactly `false` (`AdminServerFactory`).
    ///
    /// # Errors
    /// An address, port or path that no server can have, and HTTPS without what it needs.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, ConfigError> {
        let is_on = reader.text("zookeeper.admin.enableServer") != Some("false");
        let settings = AdminSettings {
            on: listen(reader)?,
            port_is_chosen: reader.property(PORT).is_some(),
            idle_time: idle_time(reader),
            command_url: command_url(reader)?,
            tls: AdminTls::read(reader)?,
            rates: RateSettings::read(reader),
            snapshot_enabled: reader.flag("zookeeper.admin.snapshot.enabled", true),
            restore_enabled: reader.flag("zookeeper.admin.restore.enabled", true),
            uses_forwarded_for: reader
                .flag("zookeeper.IPAuthenticationProvider.usexforwardedfor", false),
        };
        Ok(is_on.then_some(settings))
    }
}

fn listen(reader: &mut Reader<'_>) -> Result<Listen, ConfigError> {
    let number = reader.integer(PORT, DEFAULT_PORT);
    let port = match (u16::try_from(number), reader.property(PORT)) {
        (Ok(port), _) => port,
        (Err(_), Some(setting)) => {
            let advice = "set a number from 1 to 65535, or 0 for a free port";
            return Err(ConfigError::invalid(PORT, setting, "is not a port", advice));
        }
        (Err(_), None) => unreachable!("the default is a port"),
    };
    let address = match reader.property(ADDRESS) {
        Some(setting) => Some(resolve(&setting.value, ADDRESS, setting)?),
        None => None,
    };
    Ok(Listen { address, port })
}

/// 0 and less mean for ever (Jetty's `setIdleTimeout`).
fn idle_time(reader: &mut Reader<'_>) -> Option<Duration> {
    let ms = reader.integer("zookeeper.admin.idleTimeout", 30_000);
    let ms = u64::try_from(ms).ok().filter(|ms| *ms > 0);
    ms.map(Duration::from_millis)
}

fn command_url(reader: &mut Reader<'_>) -> Result<String, ConfigError> {
    let Some(setting) = reader.property(URL) else {
        return Ok("/commands".to_owned());
    };
    let url = &setting.value;
    match url.starts_with('/') && !url.ends_with('/') && !url.contains('*') {
        true => Ok(url.clone()),
        false => Err(ConfigError::invalid(
            URL,
            setting,
            "is no path",
            "set one that begins with a slash and does not end with one, such as /commands",
        )),
    }
}

impl RateSettings {
    fn read(reader: &mut Reader<'_>) -> Self {
        let ms = reader.number(
            "zookeeper.admin.rateLimiterIntervalInMS",
            |text| text.parse().ok(),
            300_000_i32,
        );
        let number = u64::try_from(ms).unwrap_or_default();
        RateSettings {
            snapshot_interval: Duration::from_micros(number),
            restore_interval: Duration::from_millis(number),
        }
    }
}

impl AdminTls {
    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, ConfigError> {
        let only = reader.flag(FORCED, false);
        let unified = reader.flag(UNIFIED, false);
        let needs_certificate = reader.flag("zookeeper.admin.needClientAuth", false);
        let version = reader.integer(HTTP_VERSION, HTTP_1_1);
        if !only && !unified {
            return Ok(None);
        }
        let (name, setting) = [FORCED, UNIFIED]
            .into_iter()
            .find_map(|name| Some((name, reader.property(name)?)))
            .expect("one of them is set");
        if version != HTTP_1_1 {
            let setting = reader.property(HTTP_VERSION).unwrap_or(setting);
            let advice = "set 11, for HTTP/1.1, or remove the line";
            let reason = "is a version that is not spoken under TLS";
            return Err(ConfigError::invalid(HTTP_VERSION, setting, reason, advice));
        }
        let missing = |what: &str| {
            let advice = "add lines such as ssl.quorum.keyStore.location=/etc/zookeeper/peer.jks and \
                          ssl.quorum.trustStore.location=/etc/zookeeper/trust.jks, with their passwords";
            ConfigError::invalid(name, setting, format!("needs a {what}"), advice)
        };
        let options = admin_options(reader, || missing("key store"))?;
        if options.trust_store.is_none() && needs_certificate {
            return Err(missing("trust store, as admin.needClientAuth is true"));
        }
        let client_auth = match needs_certificate {
            true => ClientAuth::Need,
            false => ClientAuth::None,
        };
        Ok(Some(AdminTls {
            options: TlsOptions {
                client_auth,
                ..options
            },
            only,
            reload: reader.key_bool("sslQuorumReloadCertFiles", false)?,
        }))
    }
}
