//! Accepting connections, and what to do when the system has no room for more.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};

use crate::{Admission, Admissions, Refusal};

/// How long no connection is accepted after the system refused one. The ones that wait stay in
/// the backlog meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// A shortage is a new one when there was room for so long. At the limit each connection that ends
/// makes room for one.
const CALM: Duration = Duration::from_secs(60);

/// A connection that was let in.
#[derive(Debug)]
pub struct Accepted {
    /// Its socket.
    pub stream: TcpStream,
    /// Who is at the other end; an IPv4 address is never written as IPv6.
    pub remote: SocketAddr,
    /// Counts it while it lasts.
    pub admission: Admission,
}

/// What goes wrong besides a connection that is let in.
#[derive(Debug)]
pub enum AcceptTrouble {
    /// A limit is reached; the connection was closed.
    Refused(Refusal),
    /// The system has no room (descriptors, memory): accepting pauses. Told once for each
    /// shortage.
    NoRoom(io::Error),
}

/// Accepts connections for ever. Ends when the future is dropped.
pub async fn accept_loop(
    listener: &TcpListener,
    admissions: &Admissions,
    mut accepted: impl FnMut(Accepted),
    mut trouble: impl FnMut(AcceptTrouble),
) {
    let mut last_refused: Option<Instant> = None;
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                let remote = SocketAddr::new(remote.ip().to_canonical(), remote.port());
                match admissions.admit(remote.ip()) {
                    Ok(admission) => accepted(Accepted {
                        stream,
                        remote,
                        admission,
                    }),
                    Err(refusal) => trouble(AcceptTrouble::Refused(refusal)),
                }
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if last_refused.is_none_or(|last| last.elapsed() > CALM) {
                    trouble(AcceptTrouble::NoRoom(error));
                }
                last_refused = Some(Instant::now());
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A connection that went away while it waited.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
