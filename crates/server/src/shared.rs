//! What all threads of a server share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

use datatree::{DataTree, Event, WatcherId, Watches};
use listener::Admissions;
use processor::{AccessRules, check_access};
use proto::{EventType, Perms, Zxid};

use crate::config::Config;
use crate::connection::Connection;
use crate::guards::Guards;
use crate::inbox::Inbox;
use crate::metrics::{ServerMetrics, Window};
use crate::replica::Input;
use crate::serve::security::Security;
use crate::standing::Standing;
use crate::stats::ServerStats;
use crate::sync::{Mutex, RwLock};
use crate::throttle::Throttles;

/// All watches, and the connections they belong to. Locked after the tree, and before any
/// connection's queue.
#[derive(Debug, Default)]
pub struct Watchers {
    /// Who watches what.
    pub watches: Watches,
    /// Every open connection by its number.
    pub connections: HashMap<WatcherId, Arc<Connection>>,
}

impl Watchers {
    /// Frames that open connections have sent.
    fn sent_by_open(&self) -> u64 {
        let connections = self.connections.values();
        connections
            .map(|connection| connection.traffic.sent.load(Relaxed))
            .sum()
    }

    /// Queues the events of one change to those who may see them. `access` decides by READ on the
    /// list that comes with the event (3.9.2's rule).
    pub fn deliver(
        &mut self,
        change: &datatree::Change<'_>,
        zxid: Zxid,
        access: &AccessRules,
        metrics: &ServerMetrics,
    ) {
        let mut told = Told::default();
        let Watchers {
            watches,
            connections,
        } = self;
        watches.fire(change, &mut |event: Event<'_>| {
            told.add(event.kind);
            let Some(connection) = connections.get(&event.watcher) else {
                return;
            };
            let identities = connection.identities();
            if check_access(access, event.acl, Perms::READ, &identities).is_ok() {
                told.bytes += connection.send_event(event.kind, event.path, zxid) as u64;
            }
        });
        told.count(metrics);
    }
}

/// Whom one change is told to.
#[derive(Default)]
struct Told {
    created: u64,
    deleted: u64,
    changed: u64,
    children: u64,
    bytes: u64,
}

impl Told {
    fn add(&mut self, kind: EventType) {
        match kind {
            EventType::NodeCreated => self.created += 1,
            EventType::NodeDeleted => self.deleted += 1,
            EventType::NodeDataChanged => self.changed += 1,
            EventType::NodeChildrenChanged => self.children += 1,
        }
    }

    /// A change that nobody watches is left out (`WatchManager.triggerWatch`).
    fn count(&self, metrics: &ServerMetrics) {
        for (watchers, summary) in [
            (self.created, &metrics.node_created_watch_count),
            (self.deleted, &metrics.node_deleted_watch_count),
            (self.changed, &metrics.node_changed_watch_count),
            (self.children, &metrics.node_children_watch_count),
        ] {
            if watchers > 0 {
                summary.add(watchers);
            }
        }
        if self.bytes > 0 {
            metrics.watch_bytes.add(self.bytes);
        }
    }
}

/// One server.
pub struct Shared {
    /// What the operator wants.
    pub config: Config,
    /// Who may do what.
    pub access: AccessRules,
    /// Who may log in, and what servers show each other.
    pub security: Security,
    /// Bounds of a request's fields.
    pub limits: proto::Limits,
    /// The znodes. Locked before the watchers.
    pub tree: RwLock<DataTree>,
    /// The watches.
    pub watchers: Mutex<Watchers>,
    /// The way to the replica's thread.
    pub replica: Inbox<Input>,
    /// Whether that thread reads the files again, and comes to no input meanwhile.
    pub reloads: AtomicBool,
    /// What the server is in its ensemble. No other lock is taken under it.
    pub standing: Mutex<Standing>,
    /// What is counted.
    pub stats: ServerStats,
    /// What is measured.
    pub metrics: ServerMetrics,
    /// What was measured in the last ten minutes.
    pub metrics_window: Window,
    /// What is refused for want of room.
    pub guards: Guards,
    /// What holds clients back.
    pub throttles: Throttles,
    /// Open connections.
    pub admissions: Admissions,
    /// Places for connections that are over but for what their clients may still send.
    pub draining: tokio::sync::Semaphore,
    /// Places for [`limits::MAX_LISTINGS`](crate::limits::MAX_LISTINGS).
    pub listings: tokio::sync::Semaphore,
    /// Bytes below dataDir and dataLogDir.
    pub sizes: Box<dyn Fn() -> [u64; 2] + Send + Sync>,
    /// The port that clients connect to; known once it is bound, and never where there is none.
    pub client_port: std::sync::OnceLock<u16>,
    /// Held while old files are removed, and while a leader has the history changed: each must find what it has looked at.
    /// No other lock is taken under it.
    pub past: Mutex<()>,
    /// The same for clients with TLS.
    pub secure_client_port: std::sync::OnceLock<u16>,
    /// Set when the server stops: a snapshot that is being written is given up.
    pub stopping: AtomicBool,
    /// When the server began; monotonic ms.
    pub started_ms: i64,
    /// Number of the next connection.
    pub next_connection: AtomicU64,
    /// What stmk has set, for gtmk.
    pub trace_mask: AtomicI64,
}

impl Shared {
    /// The open connections on the port of one of them, in the order in which they came
    /// (`ServerCnxnFactory.getConnections`: each port has its own).
    pub fn connections_beside(&self, one: &Connection) -> Vec<Arc<Connection>> {
        let mut connections = self.connections();
        connections.retain(|other| other.on_secure_port == one.on_secure_port);
        connections
    }

    /// Every open connection, in the order in which they came.
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        let watchers = self.watchers.lock();
        let mut connections: Vec<_> = watchers.connections.values().cloned().collect();
        drop(watchers);
        connections.sort_unstable_by_key(|connection| connection.id);
        connections
    }

    /// Frames that went to clients since the statistics began.
    pub fn packets_sent(&self) -> u64 {
        let watchers = self.watchers.lock();
        watchers
            .sent_by_open()
            .wrapping_add(self.stats.packets_sent.load(Relaxed))
    }

    /// Before metrics are told: those that stand elsewhere are copied.
    pub fn refresh_metrics(&self) {
        let mismatches = self.tree.read().digest_mismatches();
        self.metrics.digest_mismatches_count.set(mismatches);
    }

    /// The statistics of requests begin anew; those of connections go on.
    pub fn reset_request_stats(&self) {
        self.stats.reset_requests();
        let watchers = self.watchers.lock();
        // Less than nothing by as much as the open connections bring in.
        let before = watchers.sent_by_open().wrapping_neg();
        self.stats.packets_sent.store(before, Relaxed);
    }

    /// The statistics of all connections on the port of one of them begin anew; those of the server go on.
    pub fn reset_connection_stats(&self, one: &Connection) {
        self.reset_stats_of(|other| other.on_secure_port == one.on_secure_port);
    }

    /// The same of the connections on all ports.
    pub fn reset_all_connection_stats(&self) {
        self.reset_stats_of(|_| true);
    }

    fn reset_stats_of(&self, is_meant: impl Fn(&Connection) -> bool) {
        let watchers = self.watchers.lock();
        let all = watchers.connections.values();
        for connection in all.filter(|connection| is_meant(connection)) {
            let sent = connection.reset_figures();
            self.stats.packets_sent.fetch_add(sent, Relaxed);
        }
    }
}

/// The server's shared state, for a thread.
pub type Server = Arc<Shared>;
