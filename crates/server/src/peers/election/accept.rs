//! Connections that other servers make.

use std::net::SocketAddr;
use std::sync::Arc;

use listener::{AcceptTrouble, Accepted, AdmissionLimits, Admissions, accept_loop};
use proto::Sid;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::super::connect::set_options;
use super::super::guard::{GuardError, PeerStream};
use super::Shared;
use super::hello::{BadHello, Hello};
use super::table::Verdict;
use crate::limits::{MAX_ELECTION_HANDSHAKES, MAX_ELECTION_HANDSHAKES_OF_ADDRESS};

/// Accepts for ever.
pub(super) async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let admissions = Admissions::new(AdmissionLimits {
        per_address: MAX_ELECTION_HANDSHAKES_OF_ADDRESS,
        total: MAX_ELECTION_HANDSHAKES,
    });
    let accepted = |accepted: Accepted| {
        let serial = shared.next_serial();
        let greeted = greet(shared.clone(), accepted, serial);
        shared.tasks.spawn_free(greeted);
    };
    let trouble = |trouble| match trouble {
        AcceptTrouble::Refused(_) => tracing::warn!(
            "a connection to the election port was closed: {MAX_ELECTION_HANDSHAKES} in all or \
             {MAX_ELECTION_HANDSHAKES_OF_ADDRESS} of its address have not said yet whose they are. Check what connects there"
        ),
        AcceptTrouble::NoRoom(error) => tracing::error!(
            "cannot accept election connections for now: {error}; raise the limit of open files"
        ),
    };
    accept_loop(&listener, &admissions, accepted, trouble).await;
}

/// Hears who has connected, and decides what becomes of the connection.
async fn greet(shared: Arc<Shared>, accepted: Accepted, serial: u64) {
    let Accepted {
        stream,
        remote,
        admission,
    } = accepted;
    set_options(&stream, true, shared.settings.keep_alive);
    let patience = shared.settings.handshake_timeout;
    let (hello, stream) = match timeout(patience, introduction(&shared, stream, remote)).await {
        Ok(Ok(introduced)) => introduced,
        Ok(Err(error)) => {
            return tracing::warn!("{remote} is closed on the election port: {error}");
        }
        Err(_) => {
            return tracing::warn!(
                "{remote} is closed on the election port: it has not said who it is for {patience:?}. Only servers of the \
                 ensemble may connect there"
            );
        }
    };
    drop(admission);
    decide(&shared, hello, stream, remote, serial);
}

/// Why nobody knows who has connected.
#[derive(Debug, thiserror::Error)]
enum Unknown {
    #[error("{0}. Only servers of the ensemble may connect there")]
    Hello(#[from] BadHello),
    #[error("{0}")]
    Guard(#[from] GuardError),
}

/// Who it says it is, and that it has proven what it must.
async fn introduction(
    shared: &Shared,
    stream: TcpStream,
    remote: SocketAddr,
) -> Result<(Hello, PeerStream), Unknown> {
    let guard = &shared.settings.guard;
    let mut stream = guard.accept(stream, remote).await?;
    let hello = Hello::read(&mut stream.from).await?;
    guard.let_in(&mut stream, remote).await?;
    Ok((hello, stream))
}

fn decide(shared: &Arc<Shared>, hello: Hello, stream: PeerStream, remote: SocketAddr, serial: u64) {
    let sid = hello.sid.0;
    let mut table = shared.table.lock();
    match table.hello(hello, serial) {
        Verdict::Keep(sid) => shared.open(&mut table, sid, stream, serial),
        Verdict::ConnectBack(sid, addresses) => {
            drop(stream);
            shared.connect(&mut table, sid, addresses);
        }
        Verdict::Unreachable(sid) => unknown(sid),
        Verdict::Own => tracing::warn!(
            "{remote} says that it is server {sid}, which this one is. Check the files myid of both"
        ),
        Verdict::Old => tracing::debug!("{remote}, server {sid}, has connected anew meanwhile"),
        Verdict::Crowded => tracing::warn!(
            "{remote} says that it is server {sid}, which is in no server line; too many such are connected. Add it to the \
             server lines, or stop it"
        ),
    }
}

/// Nobody has said where the server is.
pub(super) fn unknown(sid: Sid) {
    tracing::warn!(
        "cannot connect to server {}, which is in no server line. Add it there, or stop it",
        sid.0
    );
}
