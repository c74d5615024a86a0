//! A leader's port, and the links that learners make there.
//!
//! Apache: `Leader.createServerSocket`, `Leader.LearnerCnxAcceptor`.

use std::sync::Arc;

use listener::{AcceptTrouble, Accepted, AdmissionLimits, Admissions, accept_loop};
use quorum::packet::Limits;
use tokio::net::TcpListener;

use super::super::connect::set_options;
use super::super::listen::listen;
use super::super::tasks::Tasks;
use super::super::{CannotListen, ListenSettings, PeerAddress};
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
    /// What a packet may be.
    pub limits: Limits,
}

impl AcceptorSettings {
    /// Those of the server with this line.
    pub fn new(own: &ServerLine, config: &PeerSettings, ipv4_only: bool, limits: Limits) -> Self {
        AcceptorSettings {
            listen: ListenSettings {
                addresses: PeerAddress::for_learners(own),
                on_all_ips: config.listen_on_all_ips,
                ipv4_only,
            },
            no_delay: config.leader_no_delay,
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
        let (id, end) = (new_link_id(), (stream, remote));
        let running = link::run(
            id,
            end,
            Arc::new(AtLeader),
            self.settings.limits,
            self.events.clone(),
        );
        self.tasks.spawn_free(async move {
            running.await;
            drop(admission);
        });
    }
}
