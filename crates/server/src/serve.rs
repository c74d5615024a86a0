//! A server from start to stop: directories, recovery, threads, sockets, signals.

pub(crate) mod certificates;
mod clients;
mod housekeeping;
pub(crate) mod security;
mod signals;
pub(crate) mod start;
mod supervisor;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::admin::{AdminServer, CannotListen as CannotListenForAdmin};
use crate::audit::{self, Outcome};
use crate::clock;
use crate::config::{Config, Listen};
use crate::disk::{Disk, DiskError, DiskFiles, DiskQueue};
use crate::exit_code::ExitCode;
use crate::metrics::page;
use crate::peers::CannotListen;
use crate::replica::{Input, Replica, SnapshotDirs, Sockets, Stuck};
use crate::shared::Server;
use clients::ClientPorts;
use start::{Started, start};

/// Runs a server until it is told to stop, or cannot go on.
pub fn serve(config: Config) -> ExitCode {
    let began = Instant::now();
    for notice in &config.notices {
        tracing::warn!("{notice}");
    }
    signals::raise_descriptor_limit();
    let is_audited = config.audit;
    let started = match start(config) {
        Ok(started) => started,
        Err(error) => {
            tracing::error!("{error}");
            audit_server(is_audited, START, Outcome::Failure);
            return error.exit_code();
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("worker")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("cannot start threads: {error}");
            return ExitCode::UnexpectedError;
        }
    };
    let code = runtime.block_on(run(started, began));
    runtime.shutdown_timeout(MAX_WAIT_FOR_BLOCKED);
    code
}

/// Who waits for a server of Kerberos does not hold up the end for longer.
const MAX_WAIT_FOR_BLOCKED: Duration = Duration::from_secs(1);

const START: &str = "serverStart";
const STOP: &str = "serverStop";

fn audit_server(is_audited: bool, operation: &str, outcome: Outcome) {
    if is_audited {
        audit::server(operation, outcome);
    }
}

/// Why the server cannot go on.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("nothing is acknowledged any more: {0}")]
    Disk(#[from] DiskError),
    #[error(transparent)]
    Replica(#[from] Stuck),
    #[error("the {0} thread ended by a bug; its message stands above")]
    Bug(&'static str),
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        match self {
            Failure::Replica(Stuck::UnmatchedCommit(_)) => ExitCode::UnmatchedTxnCommit,
            Failure::Replica(Stuck::NotRestored(_)) | Failure::Disk(_) | Failure::Bug(_) => {
                ExitCode::UnexpectedError
            }
        }
    }
}

/// The threads that are no tasks.
struct Threads {
    disk_queue: DiskQueue,
    disk: JoinHandle<()>,
    replica: JoinHandle<()>,
    /// Says why a thread ended that must not.
    failed: mpsc::UnboundedReceiver<Failure>,
}

async fn run(started: Started, began: Instant) -> ExitCode {
    signals::survive_file_size_limit();
    let server = started.server.clone();
    let admin = match AdminServer::open(&server, &started.directories) {
        Ok(admin) => admin,
        Err(error @ CannotListenForAdmin::Default { .. }) => {
            tracing::warn!("{error}");
            None
        }
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::ErrorStartingAdminServer;
        }
    };
    let ports = match ClientPorts::open(&server) {
        Ok(ports) => ports,
        Err(error) => {
            tracing::error!("{error}");
            audit_server(server.config.audit, START, Outcome::Failure);
            return ExitCode::UnexpectedError;
        }
    };
    let page = match page::open(&server) {
        Ok(page) => page,
        Err(error) => {
            tracing::error!("{error}");
            return ExitCode::UnexpectedError;
        }
    };
    tell_start(&started, began);
    let sockets = match open_sockets(&server).await {
        Ok(sockets) => sockets,
        Err(error) => {
            tracing::error!("{error}");
            audit_server(server.config.audit, START, Outcome::Failure);
            return ExitCode::UnableToBindQuorumPort;
        }
    };
    let directories = started.directories.clone();
    let mut threads = match spawn_threads(started, sockets) {
        Ok(threads) => threads,
        Err(error) => {
            tracing::error!("cannot start threads: {error}");
            return ExitCode::UnexpectedError;
        }
    };
    audit_server(server.config.audit, START, Outcome::Success);
    server.guards.look();
    let housekeeping = housekeeping::spawn(&server, &directories, page);
    let admin = admin.map(|admin| tokio::spawn(admin.serve()));
    supervisor::tell_ready(&places(&server));
    let accepting = ports.accept(&server);
    let code = tokio::select! {
        () = accepting => ExitCode::UnexpectedError,
        () = supervisor::feed_watchdog(server.clone()) => ExitCode::UnexpectedError,
        () = signals::wait_for_stop(&server) => ExitCode::ExecutionFinished,
        Some(failure) = threads.failed.recv() => {
            server.metrics.unrecoverable_error_count.add(1);
            tracing::error!("{failure}");
            failure.exit_code()
        }
    };
    audit_server(server.config.audit, STOP, Outcome::Invoked);
    supervisor::tell_stopping();
    drop(ports);
    if let Some(admin) = admin {
        admin.abort();
    }
    housekeeping.abort_all();
    stop(&server, threads);
    code
}

/// A member's way to the other servers.
async fn open_sockets(server: &Server) -> Result<Option<Sockets>, CannotListen> {
    match server.config.ensemble {
        Some(_) => Ok(Some(Sockets::open(server).await?)),
        None => Ok(None),
    }
}

/// One line for the operator.
fn tell_start(started: &Started, began: Instant) {
    let server = &started.server;
    let config = &server.config;
    let tree = server.tree.read();
    tracing::info!(
        "ironkeeper {} {} on {}: dataDir {}, dataLogDir {}, last zxid {}, \
         {} znodes, {} sessions, {} txns replayed, started in {:?}",
        env!("CARGO_PKG_VERSION"),
        purpose(config),
        places(server),
        config.data_dir.display(),
        config.data_log_dir.display(),
        tree.last_zxid(),
        tree.node_count(),
        tree.sessions().len(),
        started.txns_replayed,
        began.elapsed(),
    );
}

/// Where clients connect.
fn places(server: &Server) -> String {
    let config = &server.config;
    let place = |on: Option<Listen>, port: Option<&u16>, tls| {
        let address = on?
            .address
            .map_or("*".to_owned(), |address| address.to_string());
        Some(format!("{address}:{}{tls}", port?))
    };
    let unified = config.client_tls.as_ref().is_some_and(|tls| tls.unified);
    let plain = place(
        config.clients,
        server.client_port.get(),
        if unified { " (plain and TLS)" } else { "" },
    );
    let secure = place(
        config.secure_clients,
        server.secure_client_port.get(),
        " (TLS)",
    );
    plain
        .into_iter()
        .chain(secure)
        .collect::<Vec<_>>()
        .join(" and ")
}

/// A member serves clients when it has found its leader.
fn purpose(config: &Config) -> String {
    match &config.ensemble {
        None => "serves clients".to_owned(),
        Some(ensemble) => format!(
            "listens for clients, as server {} of an ensemble of {},",
            ensemble.me.0,
            ensemble.servers.len()
        ),
    }
}

fn spawn_threads(started: Started, sockets: Option<Sockets>) -> std::io::Result<Threads> {
    let Started {
        server,
        processor,
        directories,
        log,
        seed,
        snapshot_now,
        found,
        ..
    } = started;
    let disk_queue = DiskQueue::default();
    let (failures, failed) = mpsc::unbounded_channel();
    let (snapshots, logs) = (directories.snapshots.clone(), directories.logs.clone());
    let files = DiskFiles {
        snapshots: snapshots.clone(),
        logs: logs.clone(),
        log,
    };
    let disk = Disk::new(server.clone(), disk_queue.clone(), files, seed);
    let disk = spawn("disk", failures.clone(), move || Ok(disk.run()?))?;
    let directories = SnapshotDirs { snapshots, logs };
    let queue = disk_queue.clone();
    let replica = match (found, sockets) {
        (Some(found), Some(sockets)) => {
            Replica::member(server, processor, queue, directories, found, sockets)
        }
        _ => Replica::alone(server, processor, queue, directories),
    };
    let replica = spawn("replica", failures, move || Ok(replica.run(snapshot_now)?))?;
    Ok(Threads {
        disk_queue,
        disk,
        replica,
        failed,
    })
}

/// A thread without which the server cannot go on: how it failed is told.
fn spawn(
    name: &'static str,
    failures: mpsc::UnboundedSender<Failure>,
    work: impl FnOnce() -> Result<(), Failure> + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(work));
            if let Err(failure) = outcome.unwrap_or(Err(Failure::Bug(name))) {
                // The receiver is only gone when the server stops anyhow.
                let _ = failures.send(failure);
            }
        })
}

/// Clients first, then the replica, then the disk: what was acknowledged is on it already.
fn stop(server: &Server, threads: Threads) {
    let connections: Vec<Arc<_>> = server
        .watchers
        .lock()
        .connections
        .values()
        .cloned()
        .collect();
    for connection in connections {
        connection.close_now();
    }
    server.stopping.store(true, Relaxed);
    server.replica.push(Input::Stop);
    let _ = threads.replica.join();
    threads.disk_queue.stop();
    let _ = threads.disk.join();
    tracing::info!(
        "stopped at zxid {}, {} requests answered, up {} ms",
        server.tree.read().last_zxid(),
        server.stats.packets_received.load(Relaxed),
        clock::monotonic_ms() - server.started_ms,
    );
}
