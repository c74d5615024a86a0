//! Owns the types and bounds of the settings that work: untyped settings in, a [`Config`] out.
//!
//! Must not know which settings are refused or without effect (`judge`).

use std::path::{Path, PathBuf};

use super::admin::AdminSettings;
use super::ensemble::{Ensemble, Own};
use super::error::ConfigError;
use super::guards::GuardSettings;
use super::listen::{Listen, listen, secure_listen};
use super::logging::LogSettings;
use super::members::{Members, read_myid};
use super::metrics::MetricsProvider;
use super::reader::{Reader, parse_int};
use super::sasl::SaslSettings;
use super::schemes::AuthSchemes;
use super::settings::{Secret, Setting};
use super::throttle::{ConnectionThrottle, LargeRequests, RequestThrottle};
use super::tls::ClientTls;
use super::values::{FourLetterWords, compression_from_name};
use super::{Autopurge, Config, Containers, DigestAuthentication};
use persistence::Compression;
use processor::DigestAlgorithm;

/// What the two command forms set in different ways.
pub(super) struct Basics {
    /// Only a file can set it.
    pub reconfig_enabled: bool,
    /// Only a file can name them.
    pub members: Option<Members>,
    pub file: Option<PathBuf>,
    /// At least one of the two.
    pub clients: Option<Listen>,
    pub secure_clients: Option<Listen>,
    pub data_dir: PathBuf,
    pub data_log_dir: PathBuf,
    pub tick_time: Option<Setting>,
    pub max_client_cnxns: i32,
}

/// The configuration from the settings in `reader`; the notices of the reader go into it.
pub(super) fn build(reader: &mut Reader<'_>, basics: Basics) -> Result<Config, ConfigError> {
    let tick_time_ms = tick_time(basics.tick_time.as_ref())?;
    let (min_session_timeout_ms, max_session_timeout_ms) = session_timeouts(reader, tick_time_ms)?;
    let (jute_max_buffer, jute_max_buffer_extra_size) = jute_limits(reader)?;
    let flush_delay_ms = not_negative(reader.long("zookeeper.flushDelay", 0));
    let read_only_mode = reader.is_exactly("readonlymode.enabled", "true", "false");
    let digest_auth = digest_authentication(reader)?;
    let client_tls = ClientTls::read(reader, basics.secure_clients.is_some())?;
    let with_tls = client_tls.is_some();
    let extended_types_enabled = reader.flag("zookeeper.extendedTypesEnabled", false);
    let ensemble = match basics.members.filter(|members| members.is_ensemble) {
        Some(members) => {
            let own = Own {
                place: &place_of(basics.file.as_deref()),
                data_dir: &basics.data_dir,
                tick_time_ms,
                extended_types_enabled,
            };
            Some(Ensemble::read(reader, &members, &own)?)
        }
        None => None,
    };
    Ok(Config {
        audit: audit(reader)?,
        log: LogSettings::read(reader, basics.file.as_deref())?,
        guards: GuardSettings::read(reader),
        file: basics.file,
        client_tls,
        clients: basics.clients,
        secure_clients: basics.secure_clients,
        listen_backlog: reader.key_int("clientPortListenBacklog")?.unwrap_or(-1),
        ipv4_only: reader.flag("java.net.preferIPv4Stack", false),
        data_dir: basics.data_dir,
        data_log_dir: basics.data_log_dir,
        tick_time_ms,
        min_session_timeout_ms,
        max_session_timeout_ms,
        max_client_cnxns: basics.max_client_cnxns.max(0).unsigned_abs(),
        max_cnxns: reader.at_least("zookeeper.maxCnxns", 0, 0),
        global_outstanding_limit: reader.at_least("zookeeper.globalOutstandingLimit", 0, 1000),
        jute_max_buffer,
        jute_max_buffer_extra_size,
        pre_alloc_size_kib: not_negative(reader.number(
            "zookeeper.preAllocSize",
            |text| text.parse().ok(),
            65_536,
        )),
        snap_count: reader.at_least("zookeeper.snapCount", 2, 100_000),
        snap_size_limit_kib: not_negative(reader.long("zookeeper.snapSizeLimitInKb", 4_194_304)),
        txn_log_size_limit_kib: not_negative(reader.long("zookeeper.txnLogSizeLimitInKb", -1)),
        force_sync: !reader.is_exactly("zookeeper.forceSync", "no", "yes"),
        fsync_warning_threshold_ms: fsync_warning_threshold(reader),
        autopurge: autopurge(reader)?,
        snapshot_compression: snapshot_compression(reader),
        snapshot_trust_empty: reader.flag("zookeeper.snapshot.trust.empty", false),
        datadir_autocreate: reader.flag("zookeeper.datadir.autocreate", true),
        db_autocreate: reader.flag("zookeeper.db.autocreate", true),
        digest_enabled: reader.flag("zookeeper.digest.enabled", true),
        serialize_last_processed_zxid_enabled: reader
            .flag("zookeeper.serializeLastProcessedZxid.enabled", true),
        close_session_txn_enabled: reader.flag("zookeeper.closeSessionTxn.enabled", true),
        extended_types_enabled,
        emulate_353_ttl_nodes: reader.flag("zookeeper.emulate353TTLNodes", false),
        containers: containers(reader)?,
        enforce_quota: reader.flag("zookeeper.enforceQuota", false),
        skip_acl: reader.is_exactly("zookeeper.skipACL", "yes", "no"),
        reconfig_enabled: basics.reconfig_enabled,
        auth_schemes: AuthSchemes::read(reader, digest_auth.enabled, with_tls)?,
        digest_auth,
        sasl: SaslSettings::read(reader)?,
        sessionless_cnxn_timeout_ms: positive(
            reader,
            "zookeeper.nio.sessionlessCnxnTimeout",
            10_000,
        )?,
        client_tcp_keep_alive: reader.flag("zookeeper.clientTcpKeepAlive", false),
        four_letter_words: four_letter_words(reader, read_only_mode),
        read_only_mode,
        admin: AdminSettings::read(reader)?,
        metrics: MetricsProvider::read(reader)?,
        flush_delay_ms,
        max_write_queue_poll_time_ms: max_write_queue_poll_time(reader, flush_delay_ms),
        max_batch_size: reader.at_least("zookeeper.maxBatchSize", 0, 1000),
        large_requests: LargeRequests::read(reader),
        throttled_op_wait_time_ms: reader.at_least("zookeeper.throttled_op_wait_time", 0, 0),
        request_throttle: RequestThrottle::read(reader),
        connection_throttle: ConnectionThrottle::read(reader)?,
        ensemble,
        properties: Default::default(),
        notices: std::mem::take(&mut reader.notices),
    })
}

/// The settings of the form with a file.
pub(super) fn file_basics(
    reader: &mut Reader<'_>,
    file: PathBuf,
    keys: &super::Properties,
    members: Members,
) -> Result<Basics, ConfigError> {
    let place = place_of(Some(&file));
    let data_dir = directory(reader, "dataDir")?.ok_or_else(|| ConfigError::Missing {
        place: place.clone(),
        key: "dataDir",
        advice: "add a line such as dataDir=/var/lib/zookeeper".to_owned(),
    })?;
    let reconfig_enabled = reader.key_bool("reconfigEnabled", false)?;
    let own = read_myid(&data_dir, members.is_ensemble)?.and_then(|me| members.client_of(me));
    let (clients, secure_clients) = (listen(reader, own)?, secure_listen(reader)?);
    if clients.or(secure_clients).is_none() {
        return Err(missing_port(&place, keys));
    }
    Ok(Basics {
        clients,
        secure_clients,
        data_log_dir: directory(reader, "dataLogDir")?.unwrap_or_else(|| data_dir.clone()),
        data_dir,
        tick_time: reader.key("tickTime").cloned(),
        max_client_cnxns: reader.key_int("maxClientCnxns")?.unwrap_or(60),
        reconfig_enabled,
        members: Some(members),
        file: Some(file),
    })
}

fn place_of(file: Option<&Path>) -> String {
    file.map(|file| file.display().to_string())
        .unwrap_or_default()
}

fn missing_port(place: &str, keys: &super::Properties) -> ConfigError {
    let advice = match keys.iter().find(|(key, _)| key.starts_with("server.")) {
        None => "add a line such as clientPort=2181".to_owned(),
        Some((name, _)) => format!(
            "add a line such as clientPort=2181, or write the port behind a semicolon in {name} and its number in dataDir/myid"
        ),
    };
    ConfigError::Missing {
        place: place.to_owned(),
        key: "clientPort",
        advice,
    }
}

/// A directory of the file. As Apache, it says when a relative one does not begin with `./`.
fn directory(reader: &mut Reader<'_>, name: &str) -> Result<Option<PathBuf>, ConfigError> {
    let Some(setting) = reader.key(name) else {
        return Ok(None);
    };
    if setting.value.is_empty() {
        return Err(ConfigError::invalid(
            name,
            setting,
            "names no directory",
            "name one",
        ));
    }
    let path = PathBuf::from(&setting.value);
    if path.is_relative() && !path.starts_with(".") {
        reader.say(name, setting, "is taken from the working directory");
    }
    Ok(Some(path))
}

/// At least 1. Apache refuses 0 only, and fails later on a negative one.
fn tick_time(setting: Option<&Setting>) -> Result<u32, ConfigError> {
    const DEFAULT_MS: u32 = 3000;
    let Some(setting) = setting else {
        return Ok(DEFAULT_MS);
    };
    match parse_int("tickTime", setting)? {
        ms @ 1.. => Ok(ms.unsigned_abs()),
        _ => Err(ConfigError::invalid(
            "tickTime",
            setting,
            "is not positive",
            "set milliseconds such as tickTime=2000",
        )),
    }
}

/// Both bounds, 2 and 20 ticks when unset or -1.
fn session_timeouts(reader: &mut Reader<'_>, tick_time_ms: u32) -> Result<(i32, i32), ConfigError> {
    let mut timeout = |name, ticks: u32| {
        let configured = reader.key_int(name)?.filter(|ms| *ms != -1);
        let default = tick_time_ms
            .checked_mul(ticks)
            .and_then(|ms| i32::try_from(ms).ok());
        Ok(configured.or(default).unwrap_or(i32::MAX))
    };
    let (min, max) = (
        timeout("minSessionTimeout", 2)?,
        timeout("maxSessionTimeout", 20)?,
    );
    if max > 0 && min <= max {
        return Ok((min, max));
    }
    let culprit = ["maxSessionTimeout", "minSessionTimeout"]
        .into_iter()
        .find_map(|name| Some((name, reader.key(name)?)));
    let Some((name, setting)) = culprit else {
        return Ok((min, max));
    };
    let reason = format!(
        "leaves no session timeout between minSessionTimeout={min} and maxSessionTimeout={max}"
    );
    Err(ConfigError::invalid(
        name,
        setting,
        reason,
        "set milliseconds with minSessionTimeout <= maxSessionTimeout",
    ))
}

/// An `Integer.getInteger` that cannot work unless it is positive.
fn positive(reader: &mut Reader<'_>, name: &str, default: i32) -> Result<u32, ConfigError> {
    let number = reader.integer(name, default);
    match reader.property(name) {
        Some(setting) if number <= 0 => Err(ConfigError::invalid(
            name,
            setting,
            "is not positive",
            format!("the default is {default}"),
        )),
        _ => Ok(number.unsigned_abs()),
    }
}

/// For numbers where all that are not positive mean the same.
fn not_negative(number: i64) -> u64 {
    number.max(0).unsigned_abs()
}

/// `jute.maxbuffer`, and what records of the server's own making may have above it.
pub(super) fn jute_limits(reader: &mut Reader<'_>) -> Result<(u32, u32), ConfigError> {
    let limit = positive(reader, "jute.maxbuffer", 0xf_ffff)?;
    Ok((limit, extra_size(reader, limit)))
}

fn extra_size(reader: &mut Reader<'_>, jute_max_buffer: u32) -> u32 {
    let default = i32::try_from(jute_max_buffer).unwrap_or(i32::MAX);
    reader.at_least("zookeeper.jute.maxbuffer.extrasize", 1024, default)
}

/// The new name, else the old one (Apache: `FileTxnLog`).
fn fsync_warning_threshold(reader: &mut Reader<'_>) -> u64 {
    let old = reader.long("fsync.warningthresholdms", 1000);
    not_negative(reader.long("zookeeper.fsync.warningthresholdms", old))
}

fn max_write_queue_poll_time(reader: &mut Reader<'_>, flush_delay_ms: u64) -> u64 {
    let default = i64::try_from(flush_delay_ms / 3).unwrap_or(i64::MAX);
    not_negative(reader.long("zookeeper.maxWriteQueuePollTime", default))
}

fn autopurge(reader: &mut Reader<'_>) -> Result<Autopurge, ConfigError> {
    const RETAIN: &str = "autopurge.snapRetainCount";
    const LEAST: i32 = 3;
    let retain = reader.key_int(RETAIN)?.unwrap_or(LEAST);
    if let Some(setting) = reader.key(RETAIN).filter(|_| retain < LEAST) {
        reader.say(RETAIN, setting, "is too few; 3 snapshots are kept");
    }
    let interval = reader.key_int("autopurge.purgeInterval")?.unwrap_or(0);
    Ok(Autopurge {
        snap_retain_count: retain.max(LEAST).unsigned_abs(),
        purge_interval_hours: interval.max(0).unsigned_abs(),
    })
}

fn snapshot_compression(reader: &mut Reader<'_>) -> Compression {
    const METHOD: &str = "zookeeper.snapshot.compression.method";
    let Some(setting) = reader.property(METHOD) else {
        return Compression::None;
    };
    compression_from_name(&setting.value).unwrap_or_else(|| {
        reader.say(
            METHOD,
            setting,
            "is neither gz nor snappy; snapshots are not compressed",
        );
        Compression::None
    })
}

fn containers(reader: &mut Reader<'_>) -> Result<Containers, ConfigError> {
    Ok(Containers {
        check_interval_ms: positive(reader, "znode.container.checkIntervalMs", 60_000)?,
        max_per_minute: positive(reader, "znode.container.maxPerMinute", 10_000)?,
        max_never_used_interval_ms: not_negative(
            reader.long("znode.container.maxNeverUsedIntervalMs", 0),
        ),
    })
}

/// Another class would be the operator's own: what it is to do with the lines cannot be known.
fn audit(reader: &mut Reader<'_>) -> Result<bool, ConfigError> {
    const CLASS: &str = "zookeeper.audit.impl.class";
    let enabled = reader.flag("zookeeper.audit.enable", false);
    let class = reader.property(CLASS);
    match class.filter(|class| class.value != "org.apache.zookeeper.audit.Slf4jAuditLogger") {
        Some(class) => Err(ConfigError::invalid(
            CLASS,
            class,
            "is a Java class, which cannot be run here",
            "remove the line: the audit's lines go to the log",
        )),
        None => Ok(enabled),
    }
}

fn digest_authentication(reader: &mut Reader<'_>) -> Result<DigestAuthentication, ConfigError> {
    const ALGORITHM: &str = "zookeeper.DigestAuthenticationProvider.digestAlg";
    let algorithm = match reader.property(ALGORITHM) {
        None => DigestAlgorithm::default(),
        Some(setting) => DigestAlgorithm::from_name(&setting.value).ok_or_else(|| {
            let advice = "set SHA1, MD5, SHA-224, SHA-256, SHA-384, SHA-512, SHA3-256 or SHA3-512";
            ConfigError::invalid(ALGORITHM, setting, "is no hash that is known", advice)
        })?,
    };
    let super_digest = reader.text("zookeeper.DigestAuthenticationProvider.superDigest");
    Ok(DigestAuthentication {
        enabled: reader.flag("zookeeper.DigestAuthenticationProvider.enabled", true),
        algorithm,
        super_digest: super_digest.map(Secret::new),
    })
}

fn four_letter_words(reader: &mut Reader<'_>, read_only_mode: bool) -> FourLetterWords {
    let list = reader
        .text("zookeeper.4lw.commands.whitelist")
        .unwrap_or_default();
    FourLetterWords::parse(list, read_only_mode)
}
