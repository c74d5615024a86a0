//! HTTPS of the admin server: with the stores that servers use between each other.

use std::net::SocketAddr;
use std::sync::Arc;

use listener::tls::{Context, Expiry, Fingerprint, Handshake, HandshakeError, TlsError};
use tokio::net::TcpStream;

use crate::config::AdminTls;
use crate::serve::certificates::Stores;

/// What does the handshakes.
#[derive(Debug)]
pub struct Tls {
    context: Context,
    reload: bool,
}

impl Tls {
    /// Reads the stores.
    ///
    /// # Errors
    /// One of them, or what is in it, cannot be used.
    pub fn open(settings: &AdminTls) -> Result<Self, TlsError> {
        Ok(Tls {
            context: Context::new(settings.options.clone())?,
            reload: settings.reload,
        })
    }

    pub(super) async fn accept(
        &self,
        stream: TcpStream,
        remote: SocketAddr,
    ) -> Result<Handshake<TcpStream>, HandshakeError> {
        let address = listener::java_host_address(remote.ip());
        self.context.accept(stream, &address).await
    }
}

impl Stores for Tls {
    fn reloads(&self) -> bool {
        self.reload
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
