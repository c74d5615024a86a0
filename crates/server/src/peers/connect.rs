//! Connecting to one of a server's addresses.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PeerAddress;

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

/// Connects to the first address that lets us, in their order; names are resolved now. `patience` is for each address.
pub(super) async fn connect_to_any(
    addresses: &[PeerAddress],
    patience: Duration,
) -> Result<TcpStream, NoConnection> {
    let mut failures = Vec::new();
    for address in addresses {
        match within(patience, address.resolve()).await {
            Ok(resolved) => {
                for address in resolved {
                    match within(patience, TcpStream::connect(address)).await {
                        Ok(stream) => return Ok(stream),
                        Err(error) => failures.push((address.to_string(), error)),
                    }
                }
            }
            Err(error) => failures.push((address.to_string(), error)),
        }
    }
    Err(no_connection(&failures))
}

async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut));
    timeout(patience, work).await.unwrap_or_else(late)
}

fn no_connection(failures: &[(String, io::Error)]) -> NoConnection {
    let is_refusal = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
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

/// The other end; an IPv4 address is never written as IPv6.
pub(super) fn remote(stream: &TcpStream) -> Option<SocketAddr> {
    let remote = stream.peer_addr().ok()?;
    Some(SocketAddr::new(remote.ip().to_canonical(), remote.port()))
}
