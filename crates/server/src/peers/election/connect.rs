//! Connections that this server makes.

use std::sync::Arc;

use proto::Sid;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::super::PeerAddress;
use super::super::connect::{ConnectOptions, NoConnection, connect_to_any};
use super::super::guard::PeerStream;
use super::hello::Hello;
use super::{ElectionEvent, Shared};

/// Connects, says who this server is, and keeps the connection or waits to be connected back to.
pub(super) async fn connect(shared: Arc<Shared>, sid: Sid, addresses: Vec<PeerAddress>) {
    let options = ConnectOptions {
        patience: shared.settings.connect_timeout,
        guard: shared.settings.guard.clone(),
        no_delay: true,
        keep_alive: shared.settings.keep_alive,
    };
    let mut stream = match connect_to_any(&addresses, &options).await {
        Ok((stream, _)) => stream,
        Err(error) => return failed(&shared, sid, &error),
    };
    if let Err(reasons) = introduce(&shared, sid, &mut stream).await {
        // It is said each time: it may be another reason than the one why there was no connection before.
        tracing::warn!("cannot speak to server {} for elections: {reasons}", sid.0);
        shared.table.lock().not_connected(sid);
        return;
    }
    let keeps_own = shared.table.lock().keeps_own(sid);
    if !keeps_own {
        wait_for_its_end(&shared, &mut stream.from).await;
        return shared.table.lock().knocked(sid);
    }
    let serial = shared.next_serial();
    let mut table = shared.table.lock();
    shared.open(&mut table, sid, stream, serial);
}

/// Says who this is, and proves it to a server of the configuration.
async fn introduce(shared: &Shared, sid: Sid, stream: &mut PeerStream) -> Result<(), String> {
    let hello = say_hello(shared, &mut stream.to).await;
    hello.map_err(|error| error.to_string())?;
    let Some(server) = shared.settings.peers.get(&sid) else {
        return Ok(());
    };
    let patience = shared.settings.handshake_timeout;
    match timeout(patience, shared.settings.guard.log_in(stream, server)).await {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err(format!("it has not answered a login for {patience:?}")),
    }
}

async fn say_hello(shared: &Shared, to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
    let hello = Hello {
        sid: shared.settings.me,
        addresses: shared.settings.listen.addresses.clone(),
    };
    to.write_all(&hello.encode()).await?;
    to.flush().await
}

/// The other side closes the connection when it has heard who knocks. Until then there is no use in knocking again.
async fn wait_for_its_end(shared: &Shared, from: &mut (impl AsyncRead + Unpin)) {
    let patience = shared.settings.handshake_timeout;
    let _ = timeout(patience, from.read_u8()).await;
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
