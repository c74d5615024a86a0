//! What all threads of a server share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use datatree::{DataTree, Event, WatcherId, Watches};
use listener::Admissions;
use processor::{AccessRules, check_access};
use proto::{Perms, Zxid};

use crate::config::Config;
use crate::connection::Connection;
use crate::inbox::Inbox;
use crate::replica::Input;
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
    /// Queues the events of one change to those who may see them. `access` decides by READ on the
    /// list that comes with the event (3.9.2's rule).
    pub fn deliver(&mut self, change: &datatree::Change<'_>, zxid: Zxid, access: &AccessRules) {
        let Watchers {
            watches,
            connections,
        } = self;
        watches.fire(change, &mut |event: Event<'_>| {
            let Some(connection) = connections.get(&event.watcher) else {
                return;
            };
            let identities = connection.identities();
            if check_access(access, event.acl, Perms::READ, &identities).is_ok() {
                connection.send_event(event.kind, event.path, zxid);
            }
        });
    }
}

/// One server.
pub struct Shared {
    /// What the operator wants.
    pub config: Config,
    /// Who may do what.
    pub access: AccessRules,
    /// Bounds of a request's fields.
    pub limits: proto::Limits,
    /// The znodes. Locked before the watchers.
    pub tree: RwLock<DataTree>,
    /// The watches.
    pub watchers: Mutex<Watchers>,
    /// The way to the replica's thread.
    pub replica: Inbox<Input>,
    /// What the server is in its ensemble. No other lock is taken under it.
    pub standing: Mutex<Standing>,
    /// What is counted.
    pub stats: ServerStats,
    /// What holds clients back.
    pub throttles: Throttles,
    /// Open connections.
    pub admissions: Admissions,
    /// Bytes below dataDir and dataLogDir.
    pub sizes: Box<dyn Fn() -> [u64; 2] + Send + Sync>,
    /// The port that clients connect to; known once it is bound.
    pub client_port: std::sync::OnceLock<u16>,
    /// Set when the server stops: a snapshot that is being written is given up.
    pub stopping: AtomicBool,
    /// When the server began; monotonic ms.
    pub started_ms: i64,
    /// Number of the next connection.
    pub next_connection: AtomicU64,
}

/// The server's shared state, for a thread.
pub type Server = Arc<Shared>;
