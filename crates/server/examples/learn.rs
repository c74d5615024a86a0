//! Connects to the leader of an ensemble as an observer would, and prints what it is told.
//!
//! ```sh
//! cargo run -p server --example learn -- 127.0.0.1 2881 3
//! ```
//!
//! The arguments are the leader's host and quorum port and an own number. It keeps nothing, and ends when the link ends.

use proto::{Epoch, Sid, Zxid};
use quorum::packet::{Hello, LearnerKind, Limits, ToLeader, ToLearner};
use server::config::{PeerSettings, ServerAddress, ServerLine};
use server::peers::Guard;
use server::peers::links::{
    AtLearner, BadSnapshot, ConnectorSettings, Fed, LeaderConnector, Link, LinkEvent, SnapshotSink,
};
use tokio::sync::mpsc::unbounded_channel;

/// Finds the end of a snapshot by the text that stands there.
#[derive(Debug)]
struct EndFinder {
    zxid: Zxid,
    bytes: usize,
}

/// A ustring of ten bytes.
const SIGNATURE: &[u8] = b"\0\0\0\x0aBenWasHere";

impl SnapshotSink for EndFinder {
    type Snapshot = EndFinder;

    fn feed(&mut self, bytes: &[u8]) -> Result<Fed, BadSnapshot> {
        let found = bytes
            .windows(SIGNATURE.len())
            .position(|part| part == SIGNATURE);
        let taken = match found {
            Some(at) => at + SIGNATURE.len(),
            None => bytes.len().saturating_sub(SIGNATURE.len() - 1),
        };
        self.bytes += taken;
        let is_complete = found.is_some();
        Ok(Fed { taken, is_complete })
    }

    fn finish(self) -> Result<EndFinder, BadSnapshot> {
        Ok(self)
    }
}

type Failure = Box<dyn std::error::Error>;

fn leader() -> Result<(ServerLine, Sid), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, me] = args.as_slice() else {
        return Err("name the leader's host and quorum port, and an own number".into());
    };
    let address = ServerAddress {
        host: host.clone(),
        quorum_port: port.parse()?,
        election_port: 0,
    };
    let line = ServerLine {
        sid: 0,
        voting: true,
        addresses: vec![address],
        client: None,
    };
    Ok((line, Sid(me.parse()?)))
}

fn settings() -> PeerSettings {
    PeerSettings {
        init_limit_ms: 20_000,
        sync_limit_ms: 10_000,
        connect_to_leader_ms: 20_000,
        leader_connect_delay_ms: 100,
        listen_on_all_ips: false,
        election_port_bind_retry: 3,
        cnx_timeout_ms: 5000,
        quorum_cnxn_timeout_ms: 10_000,
        tcp_keep_alive: false,
        leader_no_delay: true,
        follower_no_delay: true,
        tls: None,
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let (line, me) = leader()?;
    let settings = ConnectorSettings::new(&line, &settings(), Limits::default(), Guard::default());
    let (sender, mut events) = unbounded_channel();
    let side = AtLearner::new(|zxid| EndFinder { zxid, bytes: 0 });
    let _connector = LeaderConnector::start(settings, side, move |event| drop(sender.send(event)));
    let mut link = None;
    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Up(up) => {
                up.send(ToLeader::Hello(Hello {
                    kind: LearnerKind::Observer,
                    accepted_epoch: Epoch(0),
                    sid: me,
                    config_version: 0,
                }));
                link = Some(up);
            }
            LinkEvent::Packets { packets, .. } => {
                println!("{} packets:", packets.len());
                let link = link.as_ref().expect("it is up");
                packets.iter().for_each(|packet| answer(link, packet));
            }
            LinkEvent::SnapshotReceived { snapshot, .. } => {
                println!("a snapshot of {}, {} bytes", snapshot.zxid, snapshot.bytes);
            }
            LinkEvent::SnapshotComes(_) => println!("more of the snapshot"),
            LinkEvent::Down { reason, .. } => println!("down: {reason}"),
        }
    }
    Ok(())
}

/// What an observer answers that has nothing and keeps nothing.
fn answer(link: &Link<AtLearner<EndFinder>>, packet: &ToLearner) {
    println!("  {packet:?}");
    match packet {
        ToLearner::LeaderInfo(_) => link.send(ToLeader::AckEpoch {
            last_logged: Zxid(0),
            current_epoch: Some(Epoch(0)),
        }),
        ToLearner::NewLeader { epoch, .. } => link.send(ToLeader::Ack(Zxid::beginning_of(*epoch))),
        ToLearner::Ping(zxid) => link.send(ToLeader::Ping {
            zxid: *zxid,
            touched: Vec::new(),
        }),
        _ => {}
    }
}
