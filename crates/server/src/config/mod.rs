//! Owns the configuration of a server: from the command line, the environment and zoo.cfg to a typed [`Config`].
//!
//! Must not know the rest of the server: nothing here opens a socket or makes a directory. What is refused is refused
//! here, before anything has started. `docs/configuration.md` tells the same to operators.
//!
//! The way of a setting: `flags` and `properties` read text, `source` sorts it into keys and properties, `members` tells whether
//! there is an ensemble, `judge` refuses what is not built and says what has no effect, `build` types the rest.

mod admin;
mod build;
mod client;
mod ensemble;
mod error;
mod flags;
mod guards;
mod judge;
pub mod keys;
mod listen;
mod logging;
mod members;
mod metrics;
mod peers;
pub mod properties;
mod reader;
mod sasl;
mod schemes;
mod settings;
mod source;
mod throttle;
mod tls;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use build::{Basics, build, file_basics};
use flags::Flags;
use judge::Judged;
use listen::parse_port;
use members::Members;
use quorum::packet::LearnerKind;
use reader::{Reader, parse_int};
use source::Source;

pub use admin::{AdminSettings, AdminTls, RateSettings};
pub use client::{count_options, load_client_tls, max_field_bytes};
pub use ensemble::Ensemble;
pub use error::ConfigError;
pub use guards::GuardSettings;
pub use listen::Listen;
pub use logging::{LogFormat, LogSettings};
pub use members::{ServerAddress, ServerLine};
pub use metrics::{MetricsProvider, PrometheusPage};
pub use peers::PeerSettings;
pub use persistence::Compression;
pub use processor::DigestAlgorithm;
pub use sasl::{ClientSasl, Kerberos, PeerSasl, SaslSettings};
pub use schemes::AuthSchemes;
pub(crate) use settings::shown;
pub use settings::{Origin, Properties, Secret, Setting};
pub use throttle::{ConnectionThrottle, ConnectionWeights, LargeRequests, RequestThrottle};
pub use tls::{ClientTls, PeerNames, PeerTls};
pub use values::FourLetterWords;

/// Everything that an operator can set, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The configuration file as it was named; `None` in the form with clientPort and dataDir.
    pub file: Option<PathBuf>,
    /// Where clients connect; there is this one or `secure_clients`, or both.
    pub clients: Option<Listen>,
    /// Where clients connect with TLS.
    pub secure_clients: Option<Listen>,
    /// TLS for clients; `None`: no port has it.
    pub client_tls: Option<ClientTls>,
    /// `listen(2)` backlog as configured, default -1; below 1 Java takes 50.
    pub listen_backlog: i32,
    /// Listen on IPv4 only (`-Djava.net.preferIPv4Stack=true`); default false.
    pub ipv4_only: bool,
    /// Directory of snapshots.
    pub data_dir: PathBuf,
    /// Directory of transaction logs; default `data_dir`.
    pub data_log_dir: PathBuf,
    /// ms; at least 1, default 3000.
    pub tick_time_ms: u32,
    /// ms; default 2 ticks. May be negative, which limits nothing.
    pub min_session_timeout_ms: i32,
    /// ms; positive and at least `min_session_timeout_ms`, default 20 ticks.
    pub max_session_timeout_ms: i32,
    /// Connections from one IP address; 0: no limit. Default 60, and 0 in the form with clientPort and dataDir.
    pub max_client_cnxns: u32,
    /// Connections in all; 0: no limit, the default.
    pub max_cnxns: u32,
    /// Requests in progress, on all voters together, above which each client is read up to its share; default 1000.
    pub global_outstanding_limit: u32,
    /// Bytes of the largest request, and of a record's largest field; default 1048575.
    pub jute_max_buffer: u32,
    /// Bytes added to `jute_max_buffer` for records of the server's own making; at least 1024, default
    /// `jute_max_buffer`.
    pub jute_max_buffer_extra_size: u32,
    /// KiB by which a log is extended in advance; 0: not at all. Default 65536.
    pub pre_alloc_size_kib: u64,
    /// Txns between snapshots; at least 2, default 100000.
    pub snap_count: u32,
    /// KiB of log between snapshots; 0: no limit. Default 4194304.
    pub snap_size_limit_kib: u64,
    /// KiB at which a new log begins; 0: no limit, the default.
    pub txn_log_size_limit_kib: u64,
    /// Writes are on disk before they are acknowledged; default true.
    pub force_sync: bool,
    /// ms above which an fsync is logged as slow; default 1000.
    pub fsync_warning_threshold_ms: u64,
    /// When old snapshots and logs are deleted.
    pub autopurge: Autopurge,
    /// Compression of snapshots that are written; default none.
    pub snapshot_compression: Compression,
    /// Start with logs but without any snapshot; default false.
    pub snapshot_trust_empty: bool,
    /// Make missing directories; default true.
    pub datadir_autocreate: bool,
    /// An empty database is taken for a new one without the file initialize; default true.
    pub db_autocreate: bool,
    /// A digest of the tree in logs and snapshots; default true.
    pub digest_enabled: bool,
    /// The last zxid at the end of snapshots; default true.
    pub serialize_last_processed_zxid_enabled: bool,
    /// closeSession txns list the ephemerals that they delete; default true.
    pub close_session_txn_enabled: bool,
    /// TTL nodes; default false.
    pub extended_types_enabled: bool,
    /// Read ephemeral owners as version 3.5.3 wrote them for TTL nodes; default false.
    pub emulate_353_ttl_nodes: bool,
    /// When empty containers and expired TTL nodes are deleted.
    pub containers: Containers,
    /// Refuse writes above a hard quota; default false.
    pub enforce_quota: bool,
    /// Check no ACL; default false.
    pub skip_acl: bool,
    /// reconfig is answered with Unimplemented, as by any standalone server, and not with ReconfigDisabled; default
    /// false.
    pub reconfig_enabled: bool,
    /// The digest scheme.
    pub digest_auth: DigestAuthentication,
    /// Logins by SASL.
    pub sasl: SaslSettings,
    /// The other schemes, and which a session must have.
    pub auth_schemes: AuthSchemes,
    /// ms after which a connection without a session is closed; positive, default 10000.
    pub sessionless_cnxn_timeout_ms: u32,
    /// TCP keepalive on client sockets; default false.
    pub client_tcp_keep_alive: bool,
    /// The four letter words that are answered; default srvr only.
    pub four_letter_words: FourLetterWords,
    /// `readonlymode.enabled`; default false. A standalone server is never read-only: it only adds isro to the words.
    pub read_only_mode: bool,
    /// The admin server; `None`: it is off. Default on.
    pub admin: Option<AdminSettings>,
    /// Who tells the metrics; default mntr alone.
    pub metrics: MetricsProvider,
    /// ms that a write may wait for others to share its fsync; default 0.
    pub flush_delay_ms: u64,
    /// ms without a new write after which waiting ones are flushed; default a third of `flush_delay_ms`.
    pub max_write_queue_poll_time_ms: u64,
    /// Waiting writes that force a flush; 0: no limit. Default 1000.
    pub max_batch_size: u32,
    /// The limit on large requests.
    pub large_requests: LargeRequests,
    /// ms in the queue after which a request is answered with THROTTLEDOP; 0: never, the default.
    pub throttled_op_wait_time_ms: u32,
    /// The limit on requests in progress.
    pub request_throttle: RequestThrottle,
    /// The limit on new connections.
    pub connection_throttle: ConnectionThrottle,
    /// A line for each change, with who made it (`audit.enable`); default false.
    pub audit: bool,
    /// The log.
    pub log: LogSettings,
    /// What Apache does not guard against.
    pub guards: GuardSettings,
    /// The ensemble that the server is a member of; `None`: it is on its own.
    pub ensemble: Option<Ensemble>,
    /// All properties, from `-D` and from zoo.cfg, with the prefix `zookeeper.` where they have it.
    pub properties: Properties,
    /// Lines to be logged once at the start.
    pub notices: Vec<String>,
}

impl Config {
    /// Longest field of a record, of a file or between servers, in bytes: `jute.maxbuffer` and what may be above it.
    pub fn max_field_bytes(&self) -> u32 {
        let extra = self.jute_max_buffer_extra_size;
        self.jute_max_buffer.saturating_add(extra)
    }

    /// Whether new sessions are local. Those of a standalone server never are.
    pub fn has_local_sessions(&self) -> bool {
        self.ensemble
            .as_ref()
            .is_some_and(|ensemble| ensemble.local_sessions)
    }

    /// Requests in progress on this server above which each client is read up to its share: voters share
    /// `global_outstanding_limit` (`FollowerZooKeeperServer` and `LeaderZooKeeperServer`: `getGlobalOutstandingLimit`).
    pub fn outstanding_limit(&self) -> u32 {
        let share = match &self.ensemble {
            Some(ensemble) if ensemble.kind == LearnerKind::Follower => {
                match ensemble.verifier.voters().count() {
                    voters @ 3.. => u32::try_from(voters - 1).unwrap_or(u32::MAX),
                    _ => 1,
                }
            }
            _ => 1,
        };
        self.global_outstanding_limit / share
    }
}

/// When old snapshots and logs are deleted (`autopurge.*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Autopurge {
    /// Snapshots kept; at least 3, the default.
    pub snap_retain_count: u32,
    /// Hours between purges; 0: never, the default.
    pub purge_interval_hours: u32,
}

/// When empty containers and expired TTL nodes are deleted (`znode.container.*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Containers {
    /// ms between checks; positive, default 60000.
    pub check_interval_ms: u32,
    /// Deletions per minute; positive, default 10000.
    pub max_per_minute: u32,
    /// ms after which a container that never had a child is deleted; 0: never, the default.
    pub max_never_used_interval_ms: u64,
}

/// The digest scheme (`DigestAuthenticationProvider.*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestAuthentication {
    /// The scheme is there; default true.
    pub enabled: bool,
    /// Its hash; default SHA-1.
    pub algorithm: DigestAlgorithm,
    /// `super:` and the base64 of a hash: who authenticates as that is the super user. Default none.
    pub super_digest: Option<Secret>,
}

/// Reads the configuration of `serve`. `args` are the arguments behind that word: JVM options, then `<zoo.cfg>` or
/// `<clientPort> <dataDir> [tickTime] [maxClientCnxns]`. `env` looks up an environment variable.
///
/// # Errors
/// What Apache refuses, and settings that turn on a feature that is not built yet.
pub fn load(
    args: &[OsString],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, ConfigError> {
    let Examined { config, refused } = examine(args, env)?;
    match refused.into_iter().next() {
        Some(first) => Err(first),
        None => config,
    }
}

/// A configuration, and all that is wrong with it.
#[derive(Debug)]
pub struct Examined {
    /// As if nothing were refused; or the first setting whose value is not acceptable.
    pub config: Result<Config, ConfigError>,
    /// Settings that turn on a feature that is not built yet, and those without effect whose form Apache refuses.
    pub refused: Vec<ConfigError>,
}

/// Reads the configuration as [`load`] does, and goes on behind what it would refuse, as far as it makes sense.
///
/// # Errors
/// A file that cannot be read, or server lines that make no sense: nothing else can be said then.
pub fn examine(
    args: &[OsString],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Examined, ConfigError> {
    let Flags {
        properties,
        notices,
        arguments,
    } = Flags::read(args, env);
    let mut source = Source::new(properties, notices);
    if let [file] = arguments.as_slice() {
        source.add_file(file.as_ref())?;
    }
    let mut reader = Reader::new(&source);
    let members = match arguments.as_slice() {
        [file] => Some(Members::read(&mut reader, file.as_ref(), &source.keys)?),
        _ => None,
    };
    let is_ensemble = members.as_ref().is_some_and(|members| members.is_ensemble);
    let Judged { notices, refused } = judge::judge(&source, is_ensemble);
    let basics = match (arguments.as_slice(), members) {
        ([file], Some(members)) => file_basics(&mut reader, file.into(), &source.keys, members),
        (arguments, _) => argument_basics(arguments),
    };
    let config = basics.and_then(|basics| build(&mut reader, basics));
    Ok(Examined {
        config: config.map(|config| with_source(config, source, notices)),
        refused,
    })
}

/// The whole map and the notices of all steps, in their order.
fn with_source(mut config: Config, source: Source, judged: Vec<String>) -> Config {
    let late = std::mem::replace(&mut config.notices, source.notices);
    config.notices.extend(judged);
    config.notices.extend(late);
    config.properties = source.properties;
    config
}

/// The settings of the form without a file (Apache: `ServerConfig.parse(String[])`).
fn argument_basics(arguments: &[OsString]) -> Result<Basics, ConfigError> {
    let (port, data_dir, rest) = match arguments {
        [] => {
            return Err(ConfigError::usage(
                "name a configuration file, or a client port and a data directory",
            ));
        }
        [port, data_dir, rest @ ..] if rest.len() <= 2 => (port, data_dir, rest),
        _ => {
            return Err(ConfigError::usage(format!(
                "{} arguments are too many",
                arguments.len()
            )));
        }
    };
    let misplaced = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .find(|word| word.starts_with("-D"));
    if let Some(word) = misplaced {
        return Err(ConfigError::usage(format!(
            "{word} must stand before the other arguments"
        )));
    }
    let setting = |word: &OsString| Setting {
        value: word.to_string_lossy().into_owned(),
        origin: Origin::CommandLine,
    };
    let max_client_cnxns = match rest.get(1) {
        Some(word) => parse_int("maxClientCnxns", &setting(word))?,
        // Apache's default of 60 belongs to the form with a file.
        None => 0,
    };
    Ok(Basics {
        reconfig_enabled: false,
        members: None,
        file: None,
        clients: Some(Listen {
            address: None,
            port: parse_port("clientPort", &setting(port))?,
        }),
        secure_clients: None,
        data_dir: data_dir.into(),
        data_log_dir: data_dir.into(),
        tick_time: rest.first().map(setting),
        max_client_cnxns,
    })
}

#[cfg(test)]
mod tests;
