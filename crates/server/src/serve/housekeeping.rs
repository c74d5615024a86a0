//! What happens beside requests: containers and TTL znodes are reaped, old files purged, metrics told to Prometheus.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use datatree::{DataTree, NodeRef, Owner};
use persistence::{DataDirs, purge};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::certificates;
use crate::clock;
use crate::metrics::page;
use crate::replica::Input;
use crate::shared::Server;

/// The running jobs; they end when this is dropped.
pub struct Housekeeping(JoinSet<()>);

impl Housekeeping {
    /// Ends them.
    pub fn abort_all(mut self) {
        self.0.abort_all();
    }
}

/// Begins the jobs.
pub fn spawn(
    server: &Server,
    directories: &Arc<DataDirs>,
    page: Option<TcpListener>,
) -> Housekeeping {
    let mut jobs = JoinSet::new();
    if let Some(page) = page {
        jobs.spawn(page::serve(server.clone(), page));
    }
    jobs.spawn(reap(server.clone()));
    jobs.spawn(certificates::warn_of_expiry(server.security.stores()));
    jobs.spawn(guard(server.clone(), directories.clone()));
    let stores = server.security.stores().into_iter();
    for stores in stores.filter(|stores| stores.reloads()) {
        jobs.spawn(certificates::watch(stores));
    }
    let autopurge = server.config.autopurge;
    if autopurge.purge_interval_hours > 0 {
        let period = Duration::from_secs(u64::from(autopurge.purge_interval_hours) * 3600);
        jobs.spawn(purge_by_the_clock(
            server.clone(),
            directories.clone(),
            period,
        ));
    }
    Housekeeping(jobs)
}

/// `ContainerManager`: candidates at each interval, their deletions spread over the minute.
async fn reap(server: Server) {
    let settings = server.config.containers;
    let period = Duration::from_millis(settings.check_interval_ms.into());
    let pause = Duration::from_millis(u64::from(60_000 / settings.max_per_minute.max(1)));
    let mut clock = interval_at(Instant::now() + period, period);
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        clock.tick().await;
        let candidates = candidates(&server.tree.read(), settings.max_never_used_interval_ms);
        for path in candidates {
            server.replica.push(Input::Reap(path));
            tokio::time::sleep(pause).await;
        }
    }
}

/// Childless containers that had a child, or stayed unused too long; childless TTL znodes whose
/// time is over.
fn candidates(tree: &DataTree, max_unused_ms: u64) -> Vec<String> {
    let now_ms = clock::wall_ms();
    let outlived = |(path, node): (String, NodeRef<'_>)| {
        is_outlived(node, now_ms, max_unused_ms).then_some(path)
    };
    tree.reapable().filter_map(outlived).collect()
}

fn is_outlived(node: NodeRef<'_>, now_ms: i64, max_unused_ms: u64) -> bool {
    let stat = node.stored_stat();
    let unchanged_ms = now_ms - stat.mtime;
    match node.owner() {
        Owner::Container if stat.cversion > 0 => true,
        Owner::Container => {
            max_unused_ms != 0 && u64::try_from(unchanged_ms).is_ok_and(|ms| ms > max_unused_ms)
        }
        Owner::Ttl { ttl_ms } => ttl_ms != 0 && unchanged_ms > ttl_ms,
        _ => false,
    }
}

/// Each second; and while a disk is low, old files go, now and behind each snapshot.
async fn guard(server: Server, directories: Arc<DataDirs>) {
    let mut clock = interval_at(Instant::now(), Duration::from_secs(1));
    clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut purged_at = None;
    loop {
        clock.tick().await;
        let looking = server.clone();
        if tokio::task::spawn_blocking(move || looking.guards.look())
            .await
            .is_err()
        {
            return;
        }
        let snapshots = server.stats.snapshots.load(Relaxed);
        if !server.guards.want_purge() {
            purged_at = None;
        } else if purged_at != Some(snapshots) {
            purged_at = Some(snapshots);
            purge_now(&server, &directories).await;
        }
    }
}

/// At the start, then at each interval (`DatadirCleanupManager`).
async fn purge_by_the_clock(server: Server, directories: Arc<DataDirs>, period: Duration) {
    let mut clock = interval_at(Instant::now(), period);
    loop {
        clock.tick().await;
        purge_now(&server, &directories).await;
    }
}

async fn purge_now(server: &Server, directories: &Arc<DataDirs>) {
    let (server, directories) = (server.clone(), directories.clone());
    let keep = server.config.autopurge.snap_retain_count as usize;
    let purging = move || {
        let _past = server.past.lock();
        purge(&directories.snapshots, &directories.logs, keep)
    };
    match tokio::task::spawn_blocking(purging).await {
        Ok(Ok(removed)) => tracing::info!(files = removed.len(), "purged old snapshots and logs"),
        Ok(Err(error)) => tracing::error!("purge: {error}"),
        Err(_) => {} // the runtime ends
    }
}
