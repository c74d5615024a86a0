//! Connections that this server makes.

use std::sync::Arc;

use proto::Sid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::PeerAddress;
use super::super::connect::{NoConnection, connect_to_any, set_options};
use super::hello::Hello;
use super::{ElectionEvent, Shared};

/// Connects, says who this server is, and keeps the connection or waits to be connected back to.
pub(super) async fn connect(shared: Arc<Shared>, sid: Sid, addresses: Vec<PeerAddress>) {
    let patience = shared.settings.connect_timeout;
    let mut stream = match connect_to_any(&addresses, patience).await {
        Ok(stream) => stream,
        Err(error) => return failed(&shared, sid, &error),
    };
    set_options(&stream, true, shared.settings.keep_alive);
    if let Err(error) = say_hello(&shared, &mut stream).await {
        return failed(&shared, sid, &NoConnection::because(error.to_string()));
    }
    let keeps_own = shared.table.lock().keeps_own(sid);
    if !keeps_own {
        wait_for_its_end(&shared, &mut stream).await;
        return shared.table.lock().knocked(sid);
    }
    let serial = shared.next_serial();
    let mut table = shared.table.lock();
    shared.open(&mut table, sid, stream, serial);
}

async fn say_hello(shared: &Shared, stream: &mut TcpStream) -> std::io::Result<()> {
    let hello = Hello {
        sid: shared.settings.me,
        addresses: shared.settings.listen.addresses.clone(),
    };
    stream.write_all(&hello.encode()).await
}

/// The other side closes the connection when it has heard who knocks. Until then there is no use in knocking again.
async fn wait_for_its_end(shared: &Shared, stream: &mut TcpStream) {
    let patience = shared.settings.handshake_timeout;
    let _ = timeout(patience, stream.read_u8()).await;
}

fn failed(shared: &Shared, sid: Sid, error: &NoConnection) {
    let news = shared.table.lock().not_connected(sid);
    if news {
        tracing::warn!("cannot connect to server {} for elections: {error}", sid.0);
    }
    if error.refused {
        (shared.events)(ElectionEvent::Refused(sid));
    }
}
