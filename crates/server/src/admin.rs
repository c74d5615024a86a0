//! The admin server: commands over HTTP, as Apache's `JettyAdminServer` and `Commands` have them.
//!
//! `connection` is a socket, `request` a request on it, `commands` the table of what can be asked, `tell` what is answered, `json` its
//! text; `access` says who may, `rate` how often; `snapshot` and `restore` move the data. Must not know how the server comes to
//! what is told.

mod access;
mod commands;
mod connection;
mod content;
mod json;
mod rate;
mod request;
mod restore;
mod snapshot;
mod tell;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;

use listener::{
    AcceptTrouble, AdmissionLimits, Admissions, BindError, ListenOn, accept_loop, bind,
};
use persistence::DataDirs;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::config::AdminSettings;
use crate::limits;
use crate::shared::Server;
use rate::Rate;
pub use tls::Tls;

/// What all connections share.
struct Admin {
    server: Server,
    settings: AdminSettings,
    directories: Arc<DataDirs>,
    /// The text of the configuration file at the start; `None` where there is none, and in an ensemble, as in Apache.
    initial_configuration: Option<String>,
    snapshots: Rate,
    restores: Rate,
    /// Places for [`limits::MAX_LISTINGS`].
    listings: Arc<Semaphore>,
    /// One restore at a time: each has a second tree in memory.
    restoring: Semaphore,
}

/// The admin server of a server, listening.
pub struct AdminServer {
    admin: Arc<Admin>,
    listener: TcpListener,
}

/// The admin server cannot have its port.
#[derive(Debug, thiserror::Error)]
pub enum CannotListen {
    /// Somebody has chosen the port: the server is not to start.
    #[error(
        "the admin server cannot listen on {address}: {source}. Stop what listens there, change admin.serverPort, or set admin.enableServer=false"
    )]
    Chosen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// It is the default's: the server does without.
    #[error(
        "no admin server: cannot listen on {address}: {source}. To have one set admin.serverPort, to silence this line set admin.enableServer=false"
    )]
    Default {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

impl AdminServer {
    /// Binds the port; none where the admin server is off.
    ///
    /// # Errors
    /// The port is taken, or not ours.
    pub fn open(
        server: &Server,
        directories: &Arc<DataDirs>,
    ) -> Result<Option<Self>, CannotListen> {
        let Some(settings) = server.config.admin.clone() else {
            return Ok(None);
        };
        let listener = listen(&settings, server.config.ipv4_only).map_err(|error| {
            let BindError { address, source } = error;
            match settings.port_is_chosen {
                true => CannotListen::Chosen { address, source },
                false => CannotListen::Default { address, source },
            }
        })?;
        if let Ok(address) = listener.local_addr() {
            let scheme = match &settings.tls {
                None => "http",
                Some(tls) if tls.only => "https",
                Some(_) => "http and https",
            };
            tracing::info!(
                "the admin server is at {address}{} ({scheme})",
                settings.command_url
            );
        }
        let admin = Admin {
            server: server.clone(),
            directories: directories.clone(),
            initial_configuration: initial_configuration(server),
            snapshots: Rate::new(settings.rates.snapshot_interval),
            restores: Rate::new(settings.rates.restore_interval),
            listings: Arc::new(Semaphore::new(limits::MAX_LISTINGS)),
            restoring: Semaphore::new(1),
            settings,
        };
        Ok(Some(AdminServer {
            admin: Arc::new(admin),
            listener,
        }))
    }

    /// Lets in who asks, for ever.
    pub async fn serve(self) {
        let admissions = Admissions::new(AdmissionLimits {
            per_address: 0,
            total: limits::MAX_ADMIN_CONNECTIONS,
        });
        let accepted = |accepted| {
            tokio::spawn(connection::serve(self.admin.clone(), accepted));
        };
        let trouble = |trouble| match trouble {
            AcceptTrouble::Refused(refusal) => {
                tracing::debug!("admin server: connection refused: {refusal}")
            }
            AcceptTrouble::NoRoom(error) => {
                tracing::error!("the admin server cannot accept connections for now: {error}");
            }
        };
        accept_loop(&self.listener, &admissions, accepted, trouble).await;
    }
}

fn listen(settings: &AdminSettings, ipv4_only: bool) -> Result<TcpListener, BindError> {
    const ANY_BACKLOG: i32 = 0;
    let listener = bind(ListenOn {
        address: settings.on.address,
        port: settings.on.port,
        backlog: ANY_BACKLOG,
        ipv4_only,
    })?;
    let address = listener.local_addr();
    TcpListener::from_std(listener).map_err(|source| BindError {
        address: address.unwrap_or_else(|_| ([0, 0, 0, 0], settings.on.port).into()),
        source,
    })
}

/// A file that cannot be read any more was read a moment ago: it is left out.
fn initial_configuration(server: &Server) -> Option<String> {
    let file = server.config.file.as_ref()?;
    match &server.config.ensemble {
        Some(_) => None,
        None => Some(tell::without_secrets(&std::fs::read_to_string(file).ok()?)),
    }
}
