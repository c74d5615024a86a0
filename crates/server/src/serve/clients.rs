//! The ports for clients: plain, with TLS, or one for both.

use std::sync::Arc;

use listener::{AcceptTrouble, Accepted, BindError, ListenOn, accept_loop, bind};
use tokio::net::TcpListener;

use crate::config::{Config, Listen};
use crate::connection::secure::Tls;
use crate::connection::{secure, task};
use crate::shared::Server;

/// Where clients come in.
pub struct ClientPorts {
    plain: Option<TcpListener>,
    secure: Option<TcpListener>,
    tls: Option<Arc<Tls>>,
}

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum CannotServe {
    /// It is taken, or not ours.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The runtime does not take the socket.
    #[error("cannot listen: {0}")]
    Io(#[from] std::io::Error),
}

impl ClientPorts {
    /// Binds the ports of the configuration.
    pub fn open(server: &Server) -> Result<Self, CannotServe> {
        let config = &server.config;
        let plain = config.clients.map(|on| listen(config, on)).transpose()?;
        let secure = config
            .secure_clients
            .map(|on| listen(config, on))
            .transpose()?;
        for (listener, port) in [
            (&plain, &server.client_port),
            (&secure, &server.secure_client_port),
        ] {
            if let Some(listener) = listener {
                let _ = port.set(listener.local_addr()?.port());
            }
        }
        Ok(ClientPorts {
            plain,
            secure,
            tls: server.security.tls.clone(),
        })
    }

    /// Lets clients in for ever.
    pub async fn accept(&self, server: &Server) {
        tokio::join!(
            accept_on(self.plain.as_ref(), server, |accepted| {
                self.accept_plain(server, accepted);
            }),
            accept_on(self.secure.as_ref(), server, |accepted| {
                if let Some(tls) = &self.tls {
                    drop(tokio::spawn(secure::serve(
                        server.clone(),
                        accepted,
                        tls.clone(),
                    )));
                }
            }),
        );
    }

    fn accept_plain(&self, server: &Server, accepted: Accepted) {
        let Some(tls) = &self.tls else {
            return drop(tokio::spawn(task::serve(server.clone(), accepted)));
        };
        server.stats.came_plain(accepted.remote.ip());
        match tls.is_unified() {
            false => drop(tokio::spawn(task::serve(server.clone(), accepted))),
            true => drop(tokio::spawn(secure::serve_either(
                server.clone(),
                accepted,
                tls.clone(),
            ))),
        }
    }
}

fn listen(config: &Config, on: Listen) -> Result<TcpListener, CannotServe> {
    let listener = bind(ListenOn {
        address: on.address,
        port: on.port,
        backlog: config.listen_backlog,
        ipv4_only: config.ipv4_only,
    })?;
    Ok(TcpListener::from_std(listener)?)
}

async fn accept_on(
    listener: Option<&TcpListener>,
    server: &Server,
    accepted: impl FnMut(Accepted),
) {
    let trouble = |trouble| match trouble {
        AcceptTrouble::Refused(refusal) => {
            server.metrics.connection_rejected.add(1);
            tracing::warn!("connection refused: {refusal}");
        }
        AcceptTrouble::NoRoom(error) => {
            tracing::error!(
                "cannot accept connections for now: {error}; raise the limit of open files"
            );
        }
    };
    if let Some(listener) = listener {
        accept_loop(listener, &server.admissions, accepted, trouble).await;
    }
}
