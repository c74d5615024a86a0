//! A relay between clients and a server: an address that stays while the server behind it is
//! restarted, and connections that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards connections on an address of its own. Must be made and used within a runtime.
pub struct Relay {
    address: SocketAddr,
    target: Arc<watch::Sender<Option<SocketAddr>>>,
    accepting: JoinHandle<()>,
}

impl Relay {
    /// A relay to `target`.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("is bound");
        let target = Arc::new(watch::Sender::new(Some(target)));
        let accepting = tokio::spawn(accept(listener, target.clone()));
        Relay {
            address,
            target,
            accepting,
        }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections. New ones go to `target`; without one they end at once.
    pub fn switch_to(&self, target: Option<SocketAddr>) {
        self.target.send_replace(target);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: Arc<watch::Sender<Option<SocketAddr>>>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(forward(client, target.subscribe()));
    }
}

async fn forward(mut client: TcpStream, mut target: watch::Receiver<Option<SocketAddr>>) {
    let address = *target.borrow_and_update();
    let Some(address) = address else { return };
    let Ok(mut server) = TcpStream::connect(address).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = target.changed() => {}
    }
}
