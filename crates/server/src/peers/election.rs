//! The connections on which servers elect: one for each pair of servers, one pending message for each.
//!
//! Owns the election port and these connections. Must not know what a notification says. Apache: `QuorumCnxManager`.
//!
//! `accept` and `connect` make connections, `hello` is what the connecting side says, `table` decides which of them is
//! used, `link` reads and writes on one.

mod accept;
mod connect;
mod hello;
mod link;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proto::Sid;
use quorum::election::Notification;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::guard::PeerStream;
use super::listen::listen;
use super::tasks::Tasks;
use super::{CannotListen, Guard, ListenSettings, PeerAddress, Taken};
use crate::config::{PeerSettings, ServerLine};
use crate::sync::Mutex;
use link::LinkEnd;
use table::{OpenLink, Table, Way};

/// Between two attempts to listen, as in Apache.
const BIND_PAUSE: Duration = Duration::from_secs(1);

/// How servers are found and spoken to.
#[derive(Clone, Debug)]
pub struct ElectionSettings {
    /// This server.
    pub me: Sid,
    /// Where it listens; the addresses are also what it tells others to connect to.
    pub listen: ListenSettings,
    /// Attempts to listen, a second apart; 0: no limit (`zookeeper.electionPortBindRetry`).
    pub bind_tries: u32,
    /// The election addresses of the servers; this one may be among them.
    pub peers: BTreeMap<Sid, Vec<PeerAddress>>,
    /// For each address that is connected to (`zookeeper.cnxTimeout`).
    pub connect_timeout: Duration,
    /// For the other side to say who it is (`zookeeper.quorumCnxnTimeoutMs`).
    pub handshake_timeout: Duration,
    /// TCP keepalive (`zookeeper.tcpKeepAlive`).
    pub keep_alive: bool,
    /// What has to be passed on a connection.
    pub guard: Guard,
}

impl ElectionSettings {
    /// Those of server `me` among `servers`.
    pub fn new(
        me: Sid,
        servers: &[ServerLine],
        config: &PeerSettings,
        ipv4_only: bool,
        guard: Guard,
    ) -> Self {
        let peers: BTreeMap<Sid, Vec<PeerAddress>> = servers
            .iter()
            .map(|line| (Sid(line.sid), PeerAddress::for_elections(line)))
            .collect();
        ElectionSettings {
            me,
            listen: ListenSettings {
                addresses: peers.get(&me).cloned().unwrap_or_default(),
                on_all_ips: config.listen_on_all_ips,
                ipv4_only,
            },
            bind_tries: config.election_port_bind_retry,
            peers,
            connect_timeout: match config.cnx_timeout_ms {
                0 => Duration::MAX, // the system's own, as in Java
                ms => Duration::from_millis(ms.into()),
            },
            handshake_timeout: Duration::from_millis(config.quorum_cnxn_timeout_ms.into()),
            keep_alive: config.tcp_keep_alive,
            guard,
        }
    }
}

/// What a server has said.
#[derive(Debug)]
pub struct Heard {
    /// Who.
    pub from: Sid,
    /// What.
    pub notification: Notification,
    /// Only so many of one server are handed over before it is dropped: then its socket is read again.
    _taken: Taken,
}

/// What happens on the connections.
#[derive(Debug)]
pub enum ElectionEvent {
    /// A notification came.
    Heard(Heard),
    /// A connection to this server was refused: nobody listens there.
    Refused(Sid),
}

/// The open election port and all its connections. They end with this.
pub struct ElectionLinks(Arc<Shared>);

struct Shared {
    settings: ElectionSettings,
    table: Mutex<Table>,
    events: Box<dyn Fn(ElectionEvent) + Send + Sync>,
    tasks: Tasks,
    serials: AtomicU64,
}

impl ElectionLinks {
    /// Listens, and connects when there is something to send. `events` is called from tasks, for one server in the order of
    /// what happened, and must not wait.
    ///
    /// # Errors
    /// The election port cannot be had.
    ///
    /// # Panics
    /// Outside a runtime.
    pub async fn start(
        settings: ElectionSettings,
        events: impl Fn(ElectionEvent) + Send + Sync + 'static,
    ) -> Result<Self, CannotListen> {
        let listeners = listen_patiently(&settings).await?;
        Ok(Self::start_on(listeners, settings, events))
    }

    fn start_on(
        listeners: Vec<TcpListener>,
        settings: ElectionSettings,
        events: impl Fn(ElectionEvent) + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            table: Mutex::new(Table::new(settings.me, &settings.peers)),
            settings,
            events: Box::new(events),
            tasks: Tasks::new(),
            serials: AtomicU64::new(0),
        });
        for listener in listeners {
            let accepting = accept::accept(shared.clone(), listener);
            shared.tasks.spawn_free(accepting);
        }
        ElectionLinks(shared)
    }

    /// Sends it to this server in place of what has not left yet, as soon as there is a connection.
    pub fn send(&self, to: Sid, notification: &Notification) {
        let mut table = self.0.table.lock();
        let way = table.queue(to, notification.encode());
        self.0.go(&mut table, to, way);
    }

    /// Closes the port and all connections. No event comes afterwards.
    pub async fn stop(self) {
        self.0.tasks.ended().await;
    }
}

impl Drop for ElectionLinks {
    fn drop(&mut self) {
        self.0.tasks.end();
    }
}

impl fmt::Debug for ElectionLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ElectionLinks")
            .field(&self.0.settings.me)
            .finish()
    }
}

impl Shared {
    fn next_serial(&self) -> u64 {
        self.serials.fetch_add(1, Ordering::Relaxed)
    }

    fn go(self: &Arc<Self>, table: &mut Table, sid: Sid, way: Way) {
        match way {
            Way::Clear => {}
            Way::Connect(addresses) => self.connect(table, sid, addresses),
            Way::Unknown => accept::unknown(sid),
        }
    }

    fn connect(self: &Arc<Self>, table: &mut Table, sid: Sid, addresses: Vec<PeerAddress>) {
        let connecting = connect::connect(self.clone(), sid, addresses);
        table.connecting(sid, || self.tasks.spawn(connecting));
    }

    /// Uses a connection from now on.
    fn open(self: &Arc<Self>, table: &mut Table, sid: Sid, stream: PeerStream, serial: u64) {
        let wake = Arc::new(Notify::new());
        let running = use_link(self.clone(), sid, stream, serial, wake.clone());
        let task = self.tasks.spawn(running);
        tracing::debug!("election connection with server {} is open", sid.0);
        table.open(
            sid,
            OpenLink {
                serial,
                wake,
                _task: task,
            },
        );
    }
}

async fn use_link(
    shared: Arc<Shared>,
    sid: Sid,
    stream: PeerStream,
    serial: u64,
    wake: Arc<Notify>,
) {
    let end = link::run(&shared, sid, stream, &wake).await;
    let told = format!(
        "the election connection with server {} has ended: {end}",
        sid.0
    );
    match end {
        LinkEnd::Frame(_) => tracing::warn!("{told}"),
        LinkEnd::Lost(_) => tracing::info!("{told}"),
    }
    let mut table = shared.table.lock();
    let way = table.ended(sid, serial);
    shared.go(&mut table, sid, way);
}

/// Another process may hold the port for a moment (ZOOKEEPER-3320).
async fn listen_patiently(settings: &ElectionSettings) -> Result<Vec<TcpListener>, CannotListen> {
    let mut tries = 0;
    loop {
        tries += 1;
        match listen(&settings.listen).await {
            Err(error) if tries != settings.bind_tries => {
                tracing::warn!("{error}. The next attempt follows in {BIND_PAUSE:?}");
                tokio::time::sleep(BIND_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests;
