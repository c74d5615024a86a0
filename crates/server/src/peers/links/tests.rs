//! Links on loopback: between a leader and learners, and with peers that are none.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proto::Zxid;
use quorum::packet::{Limits, ToLeader, ToLearner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::super::testing::{Port, peer_settings, server_line, soon};
use super::super::{Guard, ListenSettings, PeerAddress};
use super::*;

mod both_ends;
mod connecting;
mod logins;
mod strange_learners;

/// A snapshot for tests: its length, then its bytes, which are taken when all are there.
#[derive(Debug)]
pub(super) struct LengthFirst {
    zxid: Zxid,
    snapshot: Bytes,
}

impl LengthFirst {
    pub(super) fn new(zxid: Zxid) -> Self {
        LengthFirst {
            zxid,
            snapshot: Bytes::new(),
        }
    }
}

const NOT_YET: Fed = Fed {
    taken: 0,
    is_complete: false,
};

impl SnapshotSink for LengthFirst {
    type Snapshot = (Zxid, Bytes);

    fn feed(&mut self, bytes: &[u8]) -> Result<Fed, BadSnapshot> {
        let Some((length, rest)) = bytes.split_first_chunk() else {
            return Ok(NOT_YET);
        };
        let length = usize::try_from(i32::from_be_bytes(*length))
            .map_err(|_| BadSnapshot("a negative length".to_owned()))?;
        let Some(snapshot) = rest.get(..length) else {
            return Ok(NOT_YET);
        };
        self.snapshot = Bytes::copy_from_slice(snapshot);
        Ok(Fed {
            taken: 4 + length,
            is_complete: true,
        })
    }

    fn finish(self) -> Result<(Zxid, Bytes), BadSnapshot> {
        match &self.snapshot[..] {
            b"broken" => Err(BadSnapshot("it is broken".to_owned())),
            _ => Ok((self.zxid, self.snapshot)),
        }
    }
}

/// The events of one end.
struct Events<S: Side>(UnboundedReceiver<LinkEvent<S>>);

impl<S: Side> Events<S> {
    async fn next(&mut self) -> LinkEvent<S> {
        soon(self.0.recv()).await.expect("there is more to come")
    }

    async fn up(&mut self) -> Arc<Link<S>> {
        match self.next().await {
            LinkEvent::Up(link) => link,
            other => panic!("not up: {other:?}"),
        }
    }

    /// The next batch.
    async fn packets(&mut self) -> Vec<S::Received> {
        match self.next().await {
            LinkEvent::Packets { packets, .. } => packets,
            other => panic!("no packets: {other:?}"),
        }
    }

    /// So many packets, in however many batches.
    async fn all_of(&mut self, count: usize) -> Vec<S::Received> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.packets().await);
        }
        all
    }

    async fn down(&mut self) -> DownReason {
        match self.next().await {
            LinkEvent::Down { reason, .. } => reason,
            other => panic!("not down: {other:?}"),
        }
    }

    /// All senders are gone.
    async fn ended(&mut self) {
        if let Some(event) = soon(self.0.recv()).await {
            panic!("after the end: {event:?}");
        }
    }
}

struct Leader {
    port: Port,
    acceptor: LearnerAcceptor,
    events: Events<AtLeader>,
}

impl Leader {
    async fn open() -> Self {
        Self::open_on(Port::reserve()).await
    }

    async fn open_on(port: Port) -> Self {
        Self::guarded(port, Guard::default()).await
    }

    async fn guarded(port: Port, guard: Guard) -> Self {
        let settings = AcceptorSettings {
            listen: port.listen(),
            no_delay: true,
            guard,
            patience: PATIENCE,
            limits: Limits::default(),
        };
        let (sender, events) = unbounded_channel();
        let acceptor = LearnerAcceptor::open(settings, move |event| drop(sender.send(event)));
        Leader {
            acceptor: acceptor.await.expect("the port is free"),
            port,
            events: Events(events),
        }
    }

    /// As a learner that is none of ours.
    async fn stranger(&mut self) -> (TcpStream, Arc<Link<AtLeader>>) {
        let stream = TcpStream::connect(("127.0.0.1", self.port.number)).await;
        (stream.expect("it listens"), self.events.up().await)
    }
}

struct Learner {
    connector: LeaderConnector,
    events: Events<AtLearner<LengthFirst>>,
}

const PAUSE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(20);

impl Learner {
    fn connect(ports: &[&Port], pause: Duration) -> Self {
        Self::guarded(ports, pause, Guard::default())
    }

    fn guarded(ports: &[&Port], pause: Duration, guard: Guard) -> Self {
        let settings = ConnectorSettings {
            addresses: ports.iter().map(|port| port.address()).collect(),
            pause,
            patience: PATIENCE,
            no_delay: true,
            guard,
            limits: Limits::default(),
        };
        let (sender, events) = unbounded_channel();
        let side = AtLearner::new(LengthFirst::new);
        let connector =
            LeaderConnector::start(settings, side, move |event| drop(sender.send(event)));
        Learner {
            connector,
            events: Events(events),
        }
    }
}

/// Both ends of a link, which is up.
async fn pair() -> (
    Leader,
    Arc<Link<AtLeader>>,
    Learner,
    Arc<Link<AtLearner<LengthFirst>>>,
) {
    let mut leader = Leader::open().await;
    let mut learner = Learner::connect(&[&leader.port], PAUSE);
    let to_leader = learner.events.up().await;
    let to_learner = leader.events.up().await;
    (leader, to_learner, learner, to_leader)
}

fn ack(zxid: i64) -> ToLeader {
    ToLeader::Ack(Zxid(zxid))
}

fn encoded(packets: &[ToLeader]) -> BytesMut {
    let mut out = BytesMut::new();
    packets.iter().for_each(|packet| packet.encode(&mut out));
    out
}

fn proposal(zxid: i64, bytes: usize) -> ToLearner {
    ToLearner::Proposal {
        zxid: Zxid(zxid),
        record: Bytes::from(vec![zxid as u8; bytes]),
    }
}

#[test]
fn the_settings_are_those_of_the_configuration() {
    let (line, config, limits) = (server_line(2), peer_settings(), Limits::default());
    let address = PeerAddress::parse("zoo2:2888").unwrap();
    let acceptor = AcceptorSettings::new(&line, &config, true, limits, Guard::default());
    let listen = ListenSettings {
        addresses: vec![address.clone()],
        on_all_ips: true,
        ipv4_only: true,
    };
    assert_eq!((acceptor.listen, acceptor.no_delay), (listen, false));
    let connector = ConnectorSettings::new(&line, &config, limits, Guard::default());
    assert_eq!(
        (connector.addresses, connector.no_delay),
        (vec![address], true)
    );
    assert_eq!(connector.pause, Duration::from_millis(4));
    assert_eq!(connector.patience, Duration::from_millis(3));
}
