//! From a configuration to a server that could serve: directories locked, data recovered.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use database::TreeRestore;
use datatree::{DataTree, Options, OwnerRules};
use listener::{AdmissionLimits, Admissions};
use persistence::{
    DataDirError, DataDirs, DataDirsOptions, EpochError, IoError, RecentLimit, RecoveryError,
    RecoveryOptions, Start, TxnLogOptions, read_epochs, recover,
};
use processor::{AccessRules, AuthRules, Processor, Rules};
use proto::Zxid;
use quorum::{Found, Txn};
use tokio::sync::Semaphore;

use crate::clock;
use crate::config::Config;
use crate::exit_code::ExitCode;
use crate::guards::Guards;
use crate::limits;
use crate::metrics::ServerMetrics;
use crate::replica::{session_table, write_first_snapshot};
use crate::serve::security::{NotSecure, Security};
use crate::shared::{Server, Shared};
use crate::standing::Standing;
use crate::stats::ServerStats;
use crate::sync::Mutex;
use crate::throttle::Throttles;
use crate::words;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Files with keys or passwords cannot be used.
    #[error(transparent)]
    Security(#[from] NotSecure),
    /// The directories cannot be had.
    #[error(transparent)]
    Directories(#[from] DataDirError),
    /// The data cannot be read.
    #[error(transparent)]
    Recovery(#[from] RecoveryError),
    /// A member's epochs cannot be had.
    #[error(transparent)]
    Epochs(#[from] EpochError),
    /// The first snapshot cannot be written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// Nothing is there, and that may be a mistake.
    #[error(
        "no data in {0}, and zookeeper.db.autocreate is false. Put the data back, or make an \
         empty file named initialize in dataLogDir if it is meant to be empty"
    )]
    EmptyNotTrusted(String),
}

impl StartError {
    /// As Apache's `ZooKeeperServerMain`.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            StartError::Directories(_) => ExitCode::UnableToAccessDatadir,
            _ => ExitCode::UnexpectedError,
        }
    }
}

/// A server that is ready to serve.
pub struct Started {
    /// What all threads share.
    pub server: Server,
    /// Goes on after the last txn.
    pub processor: Processor,
    /// Locked while this lives.
    pub directories: Arc<DataDirs>,
    /// How the log is written.
    pub log: TxnLogOptions,
    /// For chance: when snapshots are due, which connections are dropped.
    pub seed: u64,
    /// Txns that were read from the log.
    pub txns_replayed: u64,
    /// The log should be followed by a snapshot.
    pub snapshot_now: bool,
    /// What a member of an ensemble begins with; none for a server on its own.
    pub found: Option<Found>,
}

/// Opens the directories and reads the data.
pub fn start(config: Config) -> Result<Started, StartError> {
    let security = Security::read(&config)?;
    let directories = Arc::new(DataDirs::open(&DataDirsOptions {
        data_dir: config.data_dir.clone(),
        data_log_dir: config.data_log_dir.clone(),
        auto_create: config.datadir_autocreate,
    })?);
    let initialize = directories.take_initialize_file()?;
    let options = tree_options(&config);
    let began = Instant::now();
    let recovered = recover(
        &directories.snapshots,
        &directories.logs,
        &recovery_options(&config, initialize),
        || TreeRestore::new(options),
    )?;
    let read_in = began.elapsed();
    let read = Read {
        snapshot_time: recovered.snapshot_time,
        txns: recovered.txns_replayed,
    };
    for notice in &recovered.notices {
        tracing::warn!("{notice}");
    }
    if recovered.start == Start::EmptyNotTrusted {
        return Err(StartError::EmptyNotTrusted(
            config.data_dir.display().to_string(),
        ));
    }
    let mut tree = recovered.state.into_tree();
    tell_oddities(&mut tree);
    set_config(&config, &mut tree, clock::wall_ms());
    let recent = recovered.recent.into_iter();
    let recent = recent.map(|(zxid, record)| Txn { zxid, record }).collect();
    let seed = clock::wall_ms().unsigned_abs();
    let processor = processor(&config, &tree);
    let log = log_options(&config);
    let sizes = directories.clone();
    let sizes = Box::new(move || [sizes.data_dir_size(), sizes.log_dir_size()]);
    let server = Arc::new(shared(config, security, tree, sizes, seed));
    measure(&server.metrics, read_in, &read);
    if recovered.start == Start::Empty {
        write_first_snapshot(&server, &directories.snapshots)?;
    }
    let found = match &server.config.ensemble {
        Some(_) => Some(found(&directories, recovered.last_zxid, recent)?),
        None => None,
    };
    // What a member has read may not be committed.
    let is_alone = found.is_none();
    let snapshot_now =
        is_alone && (recovered.txns_replayed > 0 || recovered.start == Start::LogOnly);
    let txns_replayed = recovered.txns_replayed;
    Ok(Started {
        server,
        processor,
        directories,
        log,
        seed,
        txns_replayed,
        snapshot_now,
        found,
    })
}

/// What was read, and how long that took.
struct Read {
    snapshot_time: Duration,
    txns: u64,
}

/// As `ZKDatabase.loadDataBase` and `FileTxnSnapLog.restore` do.
fn measure(metrics: &ServerMetrics, took: Duration, read: &Read) {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    metrics.dbinittime.add(ms(took));
    metrics.startup_snap_load_time.add(ms(read.snapshot_time));
    metrics.startup_txns_loaded.add(read.txns);
    let log_time = took.saturating_sub(read.snapshot_time);
    metrics.startup_txns_load_time.add(ms(log_time));
}

/// With the epochs, which a server that was on its own until now has not kept.
fn found(directories: &DataDirs, last_zxid: Zxid, recent: Vec<Txn>) -> Result<Found, EpochError> {
    let epochs = read_epochs(&directories.snapshots, last_zxid)?;
    Ok(Found {
        accepted_epoch: epochs.accepted,
        current_epoch: epochs.current,
        last_zxid,
        recent,
    })
}

/// A member writes its configuration into the tree, which no txn does.
pub fn set_config(config: &Config, tree: &mut DataTree, time: i64) {
    if let Some(ensemble) = &config.ensemble {
        let version = Zxid(ensemble.version);
        tree.set_config(ensemble.text.as_bytes(), version, time);
    }
}

fn tell_oddities(tree: &mut DataTree) {
    for session in tree.end_dead_sessions() {
        tracing::warn!(%session, "removed ephemeral znodes of a session that is not in the data");
    }
    match (tree.digest_mismatches(), tree.last_digest_fits()) {
        (0, _) => {}
        (count, true) => tracing::warn!(
            "{count} digests in the data do not fit, and the newest one does: a server that is brought in sync under load \
             writes such a snapshot (Apache's do), and the tree is right behind it"
        ),
        (count, false) => tracing::error!(
            "{count} digests in the data do not fit the tree that it makes: the data may be damaged, or was written by a \
             server with other settings"
        ),
    }
}

/// How the tree is kept.
pub fn tree_options(config: &Config) -> Options {
    Options {
        digest: config.digest_enabled,
        owners: OwnerRules {
            extended_types: config.extended_types_enabled,
            emulate_353: config.emulate_353_ttl_nodes,
        },
    }
}

/// How the files are read.
pub fn recovery_options(config: &Config, initialize: bool) -> RecoveryOptions {
    RecoveryOptions {
        max_field_bytes: config.max_field_bytes(),
        trust_empty_snapshot: config.snapshot_trust_empty,
        trust_empty_db: config.db_autocreate || initialize,
        recent: recent_limit(config),
    }
}

fn recent_limit(config: &Config) -> RecentLimit {
    let ensemble = config.ensemble.as_ref();
    ensemble.map_or_else(RecentLimit::default, |ensemble| RecentLimit {
        records: ensemble.committed_log.txns,
        bytes: ensemble.committed_log.bytes,
    })
}

/// How the log is written.
pub fn log_options(config: &Config) -> TxnLogOptions {
    TxnLogOptions {
        pre_alloc_bytes: config.pre_alloc_size_kib << 10,
        size_limit_bytes: (config.txn_log_size_limit_kib > 0)
            .then_some(config.txn_log_size_limit_kib << 10),
        force_sync: config.force_sync,
    }
}

fn field_limits(config: &Config) -> proto::Limits {
    proto::Limits {
        max_field_bytes: config.max_field_bytes().into(),
    }
}

fn access_rules(config: &Config) -> AccessRules {
    let digest = &config.digest_auth;
    AccessRules {
        skip_acl: config.skip_acl,
        auth: AuthRules {
            super_digest: digest
                .super_digest
                .as_ref()
                .map(|secret| secret.expose().to_owned()),
            digest_enabled: digest.enabled || config.auth_schemes.digest,
            digest_algorithm: digest.algorithm,
            key_enabled: config.auth_schemes.key,
            ensemble: config.auth_schemes.ensemble.clone(),
            x509: config.auth_schemes.x509.clone(),
            sasl: config.auth_schemes.sasl.clone(),
            enforced_schemes: config.auth_schemes.enforced.clone(),
        },
    }
}

/// The processor that goes on after the tree's last txn.
pub fn processor(config: &Config, tree: &DataTree) -> Processor {
    let rules = Rules {
        access: access_rules(config),
        enforce_quota: config.enforce_quota,
        close_session_txn: config.close_session_txn_enabled,
        reconfig_enabled: config.reconfig_enabled,
        limits: field_limits(config),
    };
    let sessions = session_table(config, tree);
    Processor::new(rules, sessions, tree.last_zxid())
}

/// What all threads share; `sizes` as [`Shared::sizes`].
pub fn shared(
    config: Config,
    security: Security,
    tree: DataTree,
    sizes: Box<dyn Fn() -> [u64; 2] + Send + Sync>,
    seed: u64,
) -> Shared {
    let started_ms = clock::monotonic_ms();
    let limits = AdmissionLimits {
        per_address: config.max_client_cnxns,
        total: config.max_cnxns,
    };
    Shared {
        access: access_rules(&config),
        security,
        limits: field_limits(&config),
        tree: tree.into(),
        watchers: Default::default(),
        replica: Default::default(),
        reloads: false.into(),
        standing: Mutex::new(Standing::new(config.ensemble.is_some(), started_ms)),
        stats: ServerStats::of(&config),
        metrics: Default::default(),
        metrics_window: Default::default(),
        guards: Guards::new(&config),
        throttles: Throttles::new(&config, started_ms, seed),
        admissions: Admissions::new(limits),
        draining: Semaphore::new(limits::MAX_DRAINING_CONNECTIONS),
        listings: Semaphore::new(limits::MAX_LISTINGS),
        sizes,
        client_port: OnceLock::new(),
        past: Mutex::new(()),
        secure_client_port: OnceLock::new(),
        stopping: false.into(),
        started_ms,
        next_connection: AtomicU64::new(1),
        trace_mask: words::DEFAULT_TRACE_MASK.into(),
        config,
    }
}
