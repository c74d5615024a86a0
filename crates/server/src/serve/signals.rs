//! What the system tells the server.

use std::sync::atomic::Ordering::Relaxed;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::certificates::reload;
use crate::shared::Shared;

/// As many open files as the system allows: each client needs one.
pub fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, raised)
    {
        tracing::warn!(
            "cannot raise the limit of open files above {:?}: {error}",
            limit.current
        );
    }
}

/// A file that must not grow above the limit of its size is a failed write, as on a full disk, and
/// told like one: not the end by SIGXFSZ. A JVM takes it that way too.
pub fn survive_file_size_limit() {
    // A handler, once there, stays for the life of the process.
    if let Err(error) = signal(SignalKind::from_raw(Signal::XFSZ.as_raw())) {
        tracing::warn!("cannot handle SIGXFSZ: {error}");
    }
}

/// Returns at SIGTERM or SIGINT. SIGQUIT prints the state and goes on, as a JVM prints its
/// threads. SIGHUP reads the certificates again; without TLS it does nothing, as with `nohup`.
pub async fn wait_for_stop(server: &Shared) {
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::quit(),
        SignalKind::hangup(),
    ];
    let [
        Ok(mut terminate),
        Ok(mut interrupt),
        Ok(mut quit),
        Ok(mut hangup),
    ] = kinds.map(signal)
    else {
        tracing::error!("cannot receive signals; stop this server with SIGKILL");
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = terminate.recv() => return,
            _ = interrupt.recv() => return,
            _ = quit.recv() => print_state(server),
            _ = hangup.recv() => server.security.stores().iter().for_each(|stores| reload(&**stores)),
        }
    }
}

fn print_state(server: &Shared) {
    let (connections, watches) = {
        let watchers = server.watchers.lock();
        (watchers.connections.len(), watchers.watches.len())
    };
    let tree = server.tree.read();
    let stats = &server.stats;
    eprintln!(
        "ironkeeper state: zxid {}, znodes {}, ephemerals {}, sessions {}, connections {connections}, \
         watches {watches}, outstanding {}, received {}, latency min/avg/max {}/{}/{} ms, snapshots {}",
        tree.last_zxid(),
        tree.node_count(),
        tree.ephemeral_count(),
        tree.sessions().len(),
        stats.in_process.load(Relaxed),
        stats.packets_received.load(Relaxed),
        stats.latency_ms.least(),
        stats.latency_ms.mean(),
        stats.latency_ms.most(),
        stats.snapshots.load(Relaxed),
    );
}
