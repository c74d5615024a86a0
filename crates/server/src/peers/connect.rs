//! Connecting to one of a server's addresses.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
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

/// Connects to an address that lets us, most likely the first: where it takes longer than `HEAD_START`, or cannot be reached,
/// the next one is tried beside it. Names are resolved now.
pub(super) async fn connect_to_any(
    addresses: &[PeerAddress],
    options: &ConnectOptions,
) -> Result<(PeerStream, SocketAddr), NoConnection> {
    let (mut rest, mut attempts, mut failures) = (addresses.iter(), JoinSet::new(), Vec::new());
    loop {
        match rest.next() {
            Some(address) => drop(attempts.spawn(reach(address.clone(), options.patience))),
            None if attempts.is_empty() => return Err(no_connection(&failures)),
            None => {}
        }
        match next_outcome(&mut attempts, rest.len() > 0).await {
            Some(Ok(reached)) => match pass(&reached.address, reached.stream, options).await {
                Ok(stream) => return Ok((stream, canonical(reached.to))),
                Err(error) => failures.push((reached.to.to_string(), error)),
            },
            Some(Err(unreachable)) => failures.extend(unreachable),
            None => {}
        }
    }
}

/// How long an address is tried before the next one.
const HEAD_START: Duration = Duration::from_millis(250);

type Failure = (String, GuardError);

/// A connection to one of a host's addresses.
struct Reached {
    address: PeerAddress,
    to: SocketAddr,
    stream: TcpStream,
}

/// What became of an attempt; none where another one may begin.
async fn next_outcome(
    attempts: &mut JoinSet<Result<Reached, Vec<Failure>>>,
    is_another_left: bool,
) -> Option<Result<Reached, Vec<Failure>>> {
    let outcome = match is_another_left {
        true => timeout(HEAD_START, attempts.join_next()).await.ok()?,
        false => attempts.join_next().await,
    };
    Some(outcome?.expect("an attempt only connects"))
}

/// Tries the addresses of a host one by one.
async fn reach(address: PeerAddress, patience: Duration) -> Result<Reached, Vec<Failure>> {
    let resolved = within(patience, address.resolve()).await;
    let resolved = resolved.map_err(|error| vec![(address.to_string(), error.into())])?;
    let mut failures = Vec::new();
    for to in resolved {
        match within(patience, TcpStream::connect(to)).await {
            Ok(stream) => {
                return Ok(Reached {
                    address,
                    to,
                    stream,
                });
            }
            Err(error) => failures.push((to.to_string(), error.into())),
        }
    }
    Err(failures)
}

async fn pass(
    address: &PeerAddress,
    stream: TcpStream,
    options: &ConnectOptions,
) -> Result<PeerStream, GuardError> {
    set_options(&stream, options.no_delay, options.keep_alive);
    options.guard.connect(stream, address).await
}

async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| Err(io::Error::from(io::ErrorKind::TimedOut));
    timeout(patience, work).await.unwrap_or_else(late)
}

fn no_connection(failures: &[Failure]) -> NoConnection {
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

#[cfg(test)]
mod tests {
    use super::super::testing::{Port, soon};
    use super::*;

    fn options() -> ConnectOptions {
        ConnectOptions {
            patience: Duration::from_secs(600),
            guard: Guard::default(),
            no_delay: true,
            keep_alive: false,
        }
    }

    /// A port whose backlog is full: who connects hears nothing. It is so until the connections end.
    fn silent() -> (Port, socket2::Socket, Vec<socket2::Socket>) {
        let port = Port::reserve();
        let address = SocketAddr::from(([127, 0, 0, 1], port.number)).into();
        let stream = || {
            let domain = socket2::Domain::IPV4;
            let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None).unwrap();
            socket.set_reuse_address(true).unwrap();
            socket
        };
        let listener = stream();
        listener.bind(&address).unwrap();
        listener.listen(0).unwrap();
        let mut held = Vec::new();
        loop {
            let socket = stream();
            match socket.connect_timeout(&address, Duration::from_millis(100)) {
                Ok(()) => held.push(socket),
                Err(_) => return (port, listener, held),
            }
        }
    }

    #[tokio::test]
    async fn an_address_that_says_nothing_holds_up_no_other() {
        let (dead, _listener, _held) = silent();
        let alive = Port::reserve();
        let _listening = super::super::listen::listen(&alive.listen()).await.unwrap();
        let addresses = [dead.address(), alive.address()];
        let (_, to) = soon(connect_to_any(&addresses, &options())).await.unwrap();
        assert_eq!(to.port(), alive.number);
    }

    #[tokio::test]
    async fn where_none_can_be_reached_each_says_why() {
        let ports = [Port::reserve(), Port::reserve()];
        let addresses = ports.each_ref().map(Port::address);
        let Err(error) = soon(connect_to_any(&addresses, &options())).await else {
            panic!("nobody listens there");
        };
        assert!(error.refused);
        for address in addresses {
            let address = address.to_string();
            assert!(error.to_string().contains(&address), "{error}");
        }
    }
}
