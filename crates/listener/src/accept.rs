//! Accepting connections, and what to do when the system has no room for more.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::{Admission, Admissions, Refusal};

/// How long no connection is accepted after the system refused one. The ones that wait stay in
/// the backlog meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

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
    /// The system has no room (descriptors, memory): accepting pauses. Told once for each time
    /// that it runs out.
    NoRoom(io::Error),
}

/// Accepts connections for ever. Ends when the future is dropped.
pub async fn accept_loop(
    listener: &TcpListener,
    admissions: &Admissions,
    mut accepted: impl FnMut(Accepted),
    mut trouble: impl FnMut(AcceptTrouble),
) {
    let mut has_room = true;
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                has_room = true;
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
                if std::mem::replace(&mut has_room, false) {
                    trouble(AcceptTrouble::NoRoom(error));
                }
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
