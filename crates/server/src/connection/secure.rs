//! The task that does the TLS handshake of a client, before that of its connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use listener::Accepted;
use listener::tls::{Context, Expiry, Fingerprint, HANDSHAKE_BYTE, Handshake, TlsError};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::task::{self, Arrival};
use crate::config::ClientTls;
use crate::serve::certificates::Stores;
use crate::shared::Server;
use crate::standing::State;
use crate::stats::ServerStats;

/// TLS of the ports for clients.
#[derive(Debug)]
pub struct Tls {
    context: Context,
    /// Places for handshakes, where their number is limited.
    handshakes: Option<Semaphore>,
    settings: ClientTls,
}

impl Tls {
    /// Reads the stores.
    pub fn open(settings: &ClientTls) -> Result<Self, TlsError> {
        let limit = settings.handshake_limit as usize;
        Ok(Tls {
            context: Context::new(settings.options.clone())?,
            handshakes: (limit > 0).then(|| Semaphore::new(limit)),
            settings: settings.clone(),
        })
    }

    /// Handshakes that go on, where their number is limited (`NettyServerCnxnFactory.getOutstandingHandshakeNum`); else 0.
    pub fn handshakes(&self) -> usize {
        let limit = self.settings.handshake_limit as usize;
        let places = self.handshakes.as_ref();
        places.map_or(0, |places| limit - places.available_permits())
    }

    /// Has the plain port TLS, too?
    pub fn is_unified(&self) -> bool {
        self.settings.unified
    }
}

impl Stores for Tls {
    fn reloads(&self) -> bool {
        self.settings.reload
    }

    fn fingerprint(&self) -> Vec<Fingerprint> {
        self.context.fingerprint()
    }

    fn reload(&self) -> Result<(), TlsError> {
        self.context.reload()
    }

    fn expiries(&self) -> Arc<[Expiry]> {
        self.context.expiries()
    }
}

/// Serves a client on the port with TLS.
pub async fn serve(server: Server, accepted: Accepted, tls: Arc<Tls>) {
    serve_over_tls(server, accepted, tls, true).await;
}

async fn serve_over_tls(server: Server, accepted: Accepted, tls: Arc<Tls>, on_secure_port: bool) {
    let Accepted {
        stream,
        remote,
        admission,
    } = accepted;
    task::set_options(&server, &stream);
    if !has_first_byte(&server, &stream).await {
        // A probe of the port; Apache's counts it too.
        ServerStats::count(&server.stats.auth_failed);
        return tracing::debug!(%remote, "connection lost before its TLS handshake");
    }
    let Some(Handshake { stream, subject }) = shake_hands(&server, &tls, stream, remote).await
    else {
        return;
    };
    let arrival = Arrival {
        remote,
        admission: Some(admission),
        subject,
        is_secure: true,
        on_secure_port,
    };
    let (reader, writer) = tokio::io::split(stream);
    task::serve_streams(&server, arrival, reader, writer).await;
}

/// Serves a client on a port with and without TLS: its first byte tells (`NettyServerCnxnFactory.DualModeSslHandler`). No frame
/// begins as TLS does: that one would be longer than 350 MB, and no four-letter word.
pub async fn serve_either(server: Server, accepted: Accepted, tls: Arc<Tls>) {
    let patience = Duration::from_millis(server.config.sessionless_cnxn_timeout_ms.into());
    let mut first = [0];
    match tokio::time::timeout(patience, accepted.stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == HANDSHAKE_BYTE => {
            serve_over_tls(server, accepted, tls, false).await;
        }
        Ok(Ok(1)) => task::serve(server, accepted).await,
        _ => tracing::debug!(remote = %accepted.remote, "connection lost before its first byte"),
    }
}

/// Whether the client begins, and does not just go.
async fn has_first_byte(server: &Server, stream: &TcpStream) -> bool {
    let patience = Duration::from_millis(server.config.sessionless_cnxn_timeout_ms.into());
    let peeked = tokio::time::timeout(patience, stream.peek(&mut [0])).await;
    matches!(peeked, Ok(Ok(1)))
}

async fn shake_hands(
    server: &Server,
    tls: &Tls,
    stream: TcpStream,
    remote: SocketAddr,
) -> Option<Handshake<TcpStream>> {
    if tls.settings.early_drop && matches!(server.standing.lock().state(), State::NotServing { .. })
    {
        let metrics = &server.metrics;
        metrics.cnxn_closed_without_zk_server_running.add(1);
        tracing::info!(%remote, "connection closed before its TLS handshake: the server does not serve");
        return None;
    }
    let _place = match &tls.handshakes {
        None => None,
        Some(places) => match places.try_acquire() {
            Ok(place) => Some(place),
            Err(_) => {
                server.metrics.tls_handshake_exceeded.add(1);
                tracing::debug!(%remote, "connection closed: too many TLS handshakes (netty.server.outstandingHandshake.limit)");
                return None;
            }
        },
    };
    let address = listener::java_host_address(remote.ip());
    let failure = match tls.context.accept(stream, &address).await {
        Ok(handshake) if tls.settings.can_know(&handshake) => return Some(handshake),
        Ok(_) => "a certificate was shown, and ssl.trustStore.location is not set. Set it, or ssl.clientAuth=none".to_owned(),
        Err(error) => error.to_string(),
    };
    server.metrics.unsuccessful_handshake.add(1);
    ServerStats::count(&server.stats.auth_failed);
    tracing::warn!(%remote, "TLS handshake failed: {failure}");
    None
}

impl ClientTls {
    /// A client is known by its certificate only where a trust store is named: those whom the system trusts are nobody in
    /// particular (`X509AuthenticationProvider.handleAuthentication`).
    fn can_know<S>(&self, handshake: &Handshake<S>) -> bool {
        handshake.subject.is_none() || self.options.trust_store.is_some()
    }
}
