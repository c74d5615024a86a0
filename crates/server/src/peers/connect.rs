//! Connecting to one of a server's addresses.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::guard::PeerStream;
use super::{Guard, GuardError, PeerAddress};

/// None of a server's addresses could be connected to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reasons}")]
pub struct NoConnection {
    /// All of them refused: nobody listens there.
    pub refused: bool,
    /// What each said.
    reasons: String,
}

impl NoConnection {
    /// A reason that is no attempt's.
    pub(super) fn because(reasons: String) -> Self {
        NoConnection {
            refused: false,
            reasons,
        }
    }
}

/// How a server is connected to.
#[derive(Clone, Debug)]
pub(super) struct ConnectOptions {
    /// For each address.
    pub patience: Duration,
    /// What has to be passed.
    pub guard: Guard,
    /// Small packets leave at once.
    pub no_delay: bool,
    /// The system may ask whether the other side is still there.
    pub keep_alive: bool,
}

/// Connects to the first address that lets us, in their order; names are resolved now.
pub(super) async fn connect_to_any(
    addresses: &[PeerAddress],
    options: &ConnectOptions,
) -> Result<(PeerStream, SocketAddr), NoConnection> {
    let mut failures = Vec::new();
    for address in addresses {
        match within(options.patience, address.resolve()).await {
            Ok(resolved) => {
                for to in resolved {
                    match connect_to(address, to, options).await {
                        Ok(stream) => return Ok((stream, canonical(to))),
                        Err(error) => failures.push((to.to_string(), error)),
                    }
                }
            }
            Err(error) => failures.push((address.to_string(), error.into())),
        }
    }
    Err(no_connection(&failures))
}

async fn connect_to(
    address: &PeerAddress,
    to: SocketAddr,
    options: &ConnectOptions,
) -> Result<PeerStream, GuardError> {
    let stream = within(options.patience, TcpStream::connect(to)).await?;
    set_options(&stream, options.no_delay, options.keep_alive);
    options.guard.connect(stream, address).await
}

async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut));
    timeout(patience, work).await.unwrap_or_else(late)
}

fn no_connection(failures: &[(String, GuardError)]) -> NoConnection {
    let is_refusal = |error: &GuardError| matches!(error, GuardError::Lost(error) if error.kind() == io::ErrorKind::ConnectionRefused);
    let reasons: Vec<String> = failures
        .iter()
        .map(|(address, error)| format!("{address}: {error}"))
        .collect();
    NoConnection {
        refused: !failures.is_empty() && failures.iter().all(|(_, error)| is_refusal(error)),
        reasons: reasons.join(", "),
    }
}

/// Small packets leave at once; `keep_alive` lets the system ask whether the other side is still there.
pub(super) fn set_options(stream: &TcpStream, no_delay: bool, keep_alive: bool) {
    let outcome = stream
        .set_nodelay(no_delay)
        .and_then(|()| socket2::SockRef::from(stream).set_keepalive(keep_alive));
    if let Err(error) = outcome {
        tracing::debug!("cannot set the options of a socket, which works without them: {error}");
    }
}

/// An IPv4 address is never written as IPv6.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
