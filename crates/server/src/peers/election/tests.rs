//! Election connections on loopback: between servers, and with peers that are none.

use bytes::Bytes;
use proto::{Epoch, Zxid};
use quorum::election::{PeerState, Proposal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::super::testing::{Port, peer_settings, server_line, soon};
use super::hello::Hello;
use super::*;

mod between_servers;
mod strange_peers;

const HANDSHAKE: Duration = Duration::from_secs(10);

/// Servers that need not run: nobody else gets their ports, which refuse connections meanwhile.
struct Ensemble {
    ports: BTreeMap<Sid, Port>,
}

impl Ensemble {
    fn of(sids: &[i64]) -> Self {
        let reserve = |sid: &i64| (Sid(*sid), Port::reserve());
        Ensemble {
            ports: sids.iter().map(reserve).collect(),
        }
    }

    fn address(&self, sid: i64) -> PeerAddress {
        self.ports[&Sid(sid)].address()
    }

    fn settings(&self, me: i64) -> ElectionSettings {
        let peer = |(sid, port): (&Sid, &Port)| (*sid, vec![port.address()]);
        ElectionSettings {
            me: Sid(me),
            listen: self.ports[&Sid(me)].listen(),
            bind_tries: 1,
            peers: self.ports.iter().map(peer).collect(),
            connect_timeout: Duration::from_secs(5),
            handshake_timeout: HANDSHAKE,
            guard: Guard::default(),
            keep_alive: true,
        }
    }

    async fn start(&self, me: i64) -> Running {
        let (sender, events) = unbounded_channel();
        let settings = self.settings(me);
        let links = ElectionLinks::start(settings, move |event| drop(sender.send(event)));
        Running {
            links: links.await.expect("the port is free"),
            events,
        }
    }

    /// As a server that makes a connection to `to` and says `hello`.
    async fn connect(&self, to: i64, hello: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.address(to).port))
            .await
            .expect("it listens");
        stream.write_all(hello).await.expect("it reads");
        stream
    }
}

struct Running {
    links: ElectionLinks,
    events: UnboundedReceiver<ElectionEvent>,
}

impl Running {
    fn send(&self, to: i64, round: i64) {
        self.links.send(Sid(to), &notification(round));
    }

    /// The next notification, by its sender and its round.
    async fn heard(&mut self) -> (i64, i64) {
        loop {
            match soon(self.events.recv()).await.expect("runs") {
                ElectionEvent::Heard(heard) => return (heard.from.0, heard.notification.round),
                ElectionEvent::Refused(_) => {}
            }
        }
    }

    async fn refused(&mut self) -> i64 {
        loop {
            match soon(self.events.recv()).await.expect("runs") {
                ElectionEvent::Heard(_) => {}
                ElectionEvent::Refused(sid) => return sid.0,
            }
        }
    }

    fn open_links(&self) -> BTreeMap<Sid, u64> {
        self.links.0.table.lock().links()
    }
}

fn notification(round: i64) -> Notification {
    Notification {
        state: PeerState::Looking,
        proposal: Proposal {
            epoch: Epoch(1),
            zxid: Zxid(0x1_0000_0001),
            leader: Sid(1),
        },
        round,
        version: 2,
        config: Some(Bytes::from_static(b"version=0")),
    }
}

fn frame(message: &[u8]) -> Vec<u8> {
    let mut frame = (message.len() as i32).to_be_bytes().to_vec();
    frame.extend(message);
    frame
}

async fn read_notification(from: &mut TcpStream) -> Notification {
    let length = soon(from.read_i32()).await.expect("a frame");
    let mut message = vec![0; length as usize];
    from.read_exact(&mut message).await.expect("a whole frame");
    Notification::decode(&message.into()).expect("a notification")
}

/// Waits until the other side has closed the connection.
async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await; // a reset is an end too
}

#[test]
fn the_settings_are_those_of_the_configuration() {
    let servers = [server_line(1), server_line(2)];
    let address = |sid| vec![PeerAddress::parse(&format!("zoo{sid}:3888")).unwrap()];
    let mut config = peer_settings();
    let settings = ElectionSettings::new(Sid(2), &servers, &config, true, Guard::default());
    assert_eq!(settings.me, Sid(2));
    let listen = ListenSettings {
        addresses: address(2),
        on_all_ips: true,
        ipv4_only: true,
    };
    assert_eq!(settings.listen, listen);
    assert_eq!(
        settings.peers,
        [(Sid(1), address(1)), (Sid(2), address(2))].into()
    );
    assert_eq!((settings.bind_tries, settings.keep_alive), (5, true));
    assert_eq!(settings.connect_timeout, Duration::from_millis(6));
    assert_eq!(settings.handshake_timeout, Duration::from_millis(7));

    config.cnx_timeout_ms = 0;
    let settings = ElectionSettings::new(Sid(2), &servers, &config, true, Guard::default());
    assert_eq!(settings.connect_timeout, Duration::MAX, "0 is no limit");
}
