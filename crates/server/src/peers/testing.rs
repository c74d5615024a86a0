//! Ports for tests.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::{ListenSettings, PeerAddress};
use crate::config::{PeerSettings, ServerAddress, ServerLine};

/// A port of 127.0.0.1 on which nobody listens but whoever the test starts: it is bound, so that nobody else gets it.
#[derive(Debug)]
pub(super) struct Port {
    _bound: Socket,
    pub number: u16,
}

impl Port {
    pub(super) fn reserve() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).unwrap();
        let number = socket.local_addr().unwrap().as_socket().unwrap().port();
        Port {
            _bound: socket,
            number,
        }
    }

    pub(super) fn address(&self) -> PeerAddress {
        PeerAddress {
            host: "127.0.0.1".to_owned(),
            port: self.number,
        }
    }

    pub(super) fn listen(&self) -> ListenSettings {
        ListenSettings {
            addresses: vec![self.address()],
            on_all_ips: false,
            ipv4_only: false,
        }
    }
}

/// What a test waits for; it comes at once, or never.
pub(super) async fn soon<T>(work: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(Duration::from_secs(60), work).await;
    outcome.expect("it comes within a minute")
}

/// server.N=zooN:2888:3888
pub(super) fn server_line(sid: i64) -> ServerLine {
    ServerLine {
        sid,
        voting: true,
        addresses: vec![ServerAddress {
            host: format!("zoo{sid}"),
            quorum_port: 2888,
            election_port: 3888,
        }],
        client: None,
    }
}

/// Numbers that are all different.
pub(super) fn peer_settings() -> PeerSettings {
    PeerSettings {
        init_limit_ms: 1,
        sync_limit_ms: 2,
        connect_to_leader_ms: 3,
        leader_connect_delay_ms: 4,
        listen_on_all_ips: true,
        election_port_bind_retry: 5,
        cnx_timeout_ms: 6,
        quorum_cnxn_timeout_ms: 7,
        tcp_keep_alive: true,
        leader_no_delay: false,
        follower_no_delay: true,
        tls: None,
    }
}
