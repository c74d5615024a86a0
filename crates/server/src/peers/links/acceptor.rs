//! A leader's port, and the links that learners make there.
//!
//! Apache: `Leader.createServerSocket`, `Leader.LearnerCnxAcceptor`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use listener::{AcceptTrouble, Accepted, AdmissionLimits, Admissions, accept_loop};
use quorum::packet::Limits;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::super::connect::set_options;
use super::super::guard::{GuardError, PeerStream};
use super::super::listen::listen;
use super::super::tasks::Tasks;
use super::super::{CannotListen, Guard, ListenSettings, PeerAddress};
use super::{AtLeader, Events, LinkEvent, link, new_link_id};
use crate::config::{PeerSettings, ServerLine};
use crate::limits::MAX_LEARNER_LINKS;

/// How learners are let in.
#[derive(Clone, Debug)]
pub struct AcceptorSettings {
    /// The own quorum addresses.
    pub listen: ListenSettings,
    /// TCP_NODELAY (`leader.nodelay`).
    pub no_delay: bool,
    /// What has to be passed on a connection.
    pub guard: Guard,
    /// For the other side to pass that.
    pub patience: Duration,
    /// What a packet may be.
    pub limits: Limits,
}

impl AcceptorSettings {
    /// Those of the server with this line.
    pub fn new(
        own: &ServerLine,
        config: &PeerSettings,
        ipv4_only: bool,
        limits: Limits,
        guard: Guard,
    ) -> Self {
        AcceptorSettings {
            listen: ListenSettings {
                addresses: PeerAddress::for_learners(own),
                on_all_ips: config.listen_on_all_ips,
                ipv4_only,
            },
            no_delay: config.leader_no_delay,
            guard,
            patience: Duration::from_millis(config.init_limit_ms.into()),
            limits,
        }
    }
}

/// An open quorum port. It and all its links end with this.
#[derive(Debug)]
pub struct LearnerAcceptor(Arc<Tasks>);

impl LearnerAcceptor {
    /// Listens; each connection is a link. `events` is called from tasks, for one link in the order of what happened, and must
    /// not wait.
    ///
    /// # Errors
    /// The quorum port cannot be had.
    ///
    /// # Panics
    /// Outside a runtime.
    pub async fn open(
        settings: AcceptorSettings,
        events: impl Fn(LinkEvent<AtLeader>) + Send + Sync + 'static,
    ) -> Result<Self, CannotListen> {
        let listeners = listen(&settings.listen).await?;
        let (tasks, events) = (Arc::new(Tasks::new()), Arc::new(events) as Events<AtLeader>);
        let admissions = Admissions::new(AdmissionLimits {
            per_address: 0,
            total: MAX_LEARNER_LINKS,
        });
        for listener in listeners {
            let accepting = Accepting {
                settings: settings.clone(),
                admissions: admissions.clone(),
                tasks: tasks.clone(),
                events: events.clone(),
            };
            tasks.spawn_free(accepting.run(listener));
        }
        Ok(LearnerAcceptor(tasks))
    }

    /// Closes the port and all links. No event comes afterwards.
    pub async fn close(self) {
        self.0.ended().await;
    }
}

impl Drop for LearnerAcceptor {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct Accepting {
    settings: AcceptorSettings,
    admissions: Admissions,
    tasks: Arc<Tasks>,
    events: Events<AtLeader>,
}

impl Accepting {
    async fn run(self, listener: TcpListener) {
        let trouble = |trouble| match trouble {
            AcceptTrouble::Refused(_) => tracing::warn!(
                "a connection to the quorum port was closed: {MAX_LEARNER_LINKS} are open. Check what connects there"
            ),
            AcceptTrouble::NoRoom(error) => tracing::error!(
                "cannot accept learners for now: {error}; raise the limit of open files"
            ),
        };
        accept_loop(
            &listener,
            &self.admissions,
            |accepted| self.accepted(accepted),
            trouble,
        )
        .await;
    }

    fn accepted(&self, accepted: Accepted) {
        let Accepted {
            stream,
            remote,
            admission,
        } = accepted;
        set_options(&stream, self.settings.no_delay, false);
        let (settings, events) = (self.settings.clone(), self.events.clone());
        self.tasks.spawn_free(async move {
            match let_in(&settings, stream, remote).await {
                Ok(stream) => {
                    let (id, end) = (new_link_id(), (stream, remote));
                    link::run(id, end, Arc::new(AtLeader), settings.limits, events).await;
                }
                Err(reason) => tracing::warn!("{remote} is closed on the quorum port: {reason}"),
            }
            drop(admission);
        });
    }
}

/// Apache asks a learner for its login before it reads its first packet (`LearnerHandler`).
async fn let_in(
    settings: &AcceptorSettings,
    stream: TcpStream,
    remote: SocketAddr,
) -> Result<PeerStream, GuardError> {
    let passing = async {
        let mut stream = settings.guard.accept(stream, remote).await?;
        settings.guard.let_in(&mut stream, remote).await?;
        Ok(stream)
    };
    let late = |_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into());
    timeout(settings.patience, passing)
        .await
        .unwrap_or_else(late)
}
