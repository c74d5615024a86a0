//! A learner's link to its leader.
//!
//! Apache: `Learner.connectToLeader` and `LeaderConnector`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quorum::LinkId;
use quorum::packet::Limits;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::super::connect::{ConnectOptions, connect_to_any};
use super::super::guard::PeerStream;
use super::super::tasks::Tasks;
use super::super::{Guard, NoConnection, PeerAddress};
use super::{DownReason, Events, LinkEvent, Side, link, new_link_id};
use crate::config::{PeerSettings, ServerLine};

/// At each address.
const TRIES: usize = 5;

/// How a leader is connected to.
#[derive(Clone, Debug)]
pub struct ConnectorSettings {
    /// Its quorum addresses, which are all tried at once; the first connection is used.
    pub addresses: Vec<PeerAddress>,
    /// Between two attempts (`zookeeper.leaderConnectDelayDuringRetryMs`).
    pub pause: Duration,
    /// For all attempts together (`connectToLearnerMasterLimit` or `initLimit`, in ticks).
    pub patience: Duration,
    /// TCP_NODELAY (`follower.nodelay`).
    pub no_delay: bool,
    /// What has to be passed on a connection.
    pub guard: Guard,
    /// What a packet may be.
    pub limits: Limits,
}

impl ConnectorSettings {
    /// Those for the leader with this line.
    pub fn new(leader: &ServerLine, config: &PeerSettings, limits: Limits, guard: Guard) -> Self {
        ConnectorSettings {
            addresses: PeerAddress::for_learners(leader),
            pause: Duration::from_millis(config.leader_connect_delay_ms.into()),
            patience: Duration::from_millis(config.connect_to_leader_ms.into()),
            no_delay: config.follower_no_delay,
            guard,
            limits,
        }
    }
}

/// A link to a leader, or the attempt at one. It ends with this.
#[derive(Debug)]
pub struct LeaderConnector {
    id: LinkId,
    tasks: Tasks,
}

impl LeaderConnector {
    /// Connects. `events` is called from a task, in the order of what happened, and must not wait: the link comes with Up, or
    /// there is only a Down.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn start<S: Side>(
        settings: ConnectorSettings,
        side: S,
        events: impl Fn(LinkEvent<S>) + Send + Sync + 'static,
    ) -> Self {
        let (id, tasks) = (new_link_id(), Tasks::new());
        tasks.spawn_free(run(
            id,
            settings,
            Arc::new(side),
            Arc::new(events) as Events<S>,
        ));
        LeaderConnector { id, tasks }
    }

    /// The link that it is, or will be.
    pub fn id(&self) -> LinkId {
        self.id
    }

    /// Closes the connection. No event comes afterwards.
    pub async fn close(self) {
        self.tasks.ended().await;
    }
}

impl Drop for LeaderConnector {
    fn drop(&mut self) {
        self.tasks.end();
    }
}

async fn run<S: Side>(id: LinkId, settings: ConnectorSettings, side: Arc<S>, events: Events<S>) {
    let limits = settings.limits;
    match connect(settings).await {
        Ok(end) => link::run(id, end, side, limits, events).await,
        Err(error) => {
            tracing::warn!("link {}: cannot connect to the {}: {error}", id.0, S::OTHER);
            let reason = DownReason::NoConnection(error);
            events(LinkEvent::Down { link: id, reason });
        }
    }
}

/// Connects, and proves who this is.
async fn connect(settings: ConnectorSettings) -> Result<(PeerStream, SocketAddr), NoConnection> {
    let (patience, guard) = (settings.patience, settings.guard.clone());
    let server = settings.addresses.clone();
    let late = |_| NoConnection::because(format!("no answer within {patience:?}"));
    let connecting = async {
        let (mut stream, remote) = first_of(settings).await?;
        let outcome = guard.log_in(&mut stream, &server).await;
        outcome.map_err(|error| NoConnection::because(error.to_string()))?;
        Ok((stream, remote))
    };
    timeout(patience, connecting).await.map_err(late)?
}

/// Of the connections to all addresses; the others are given up.
async fn first_of(settings: ConnectorSettings) -> Result<(PeerStream, SocketAddr), NoConnection> {
    let options = ConnectOptions {
        patience: settings.patience,
        guard: settings.guard,
        no_delay: settings.no_delay,
        keep_alive: false,
    };
    let mut attempts = JoinSet::new();
    for address in settings.addresses {
        attempts.spawn(try_often(address, settings.pause, options.clone()));
    }
    let mut last = NoConnection::because("its server line has no address".to_owned());
    while let Some(outcome) = attempts.join_next().await {
        match outcome.expect("neither cancelled nor a panic") {
            Ok(connected) => return Ok(connected),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The name is resolved at each attempt.
async fn try_often(
    address: PeerAddress,
    pause: Duration,
    options: ConnectOptions,
) -> Result<(PeerStream, SocketAddr), NoConnection> {
    let address = [address];
    for _ in 1..TRIES {
        match connect_to_any(&address, &options).await {
            Ok(connected) => return Ok(connected),
            Err(error) => tracing::debug!("an attempt to connect to the leader failed: {error}"),
        }
        sleep(pause).await;
    }
    connect_to_any(&address, &options).await
}
