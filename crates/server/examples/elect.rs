//! Takes part in the election of an ensemble, with data that never wins by itself, and prints what it hears.
//!
//! ```sh
//! cargo run -p server --example elect -- 3 1=127.0.0.1:2881:3881 2=127.0.0.1:2882:3882 3=127.0.0.1:2883:3883
//! ```
//!
//! The first argument is the own number, the others are all servers' quorum and election addresses; the servers have to have
//! this one in a server line. Where it is elected it listens for learners, and prints what they say first. It ends 10 s after
//! it has heard who leads.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proto::{Epoch, Sid, Zxid};
use quorum::election::{Election, Input, Output, PeerState};
use quorum::packet::Limits;
use quorum::verifier::{QuorumVerifier, Quorums};
use server::peers::election::{ElectionEvent, ElectionLinks, ElectionSettings};
use server::peers::links::{AcceptorSettings, LearnerAcceptor, LinkEvent};
use server::peers::{Guard, ListenSettings, PeerAddress};
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

/// How long it goes on when it has a leader.
const AFTERWARDS: Duration = Duration::from_secs(10);

type Failure = Box<dyn std::error::Error>;

/// Where each server listens for learners, and how elections are held.
struct Ensemble {
    quorum: BTreeMap<Sid, PeerAddress>,
    settings: ElectionSettings,
}

fn ensemble() -> Result<Ensemble, Failure> {
    let mut args = std::env::args().skip(1);
    let me = Sid(args.next().ok_or("name the own number")?.parse()?);
    let (mut quorum, mut peers) = (BTreeMap::new(), BTreeMap::new());
    for server in args {
        let form = "write sid=host:quorumPort:electionPort";
        let (sid, addresses) = server.split_once('=').ok_or(form)?;
        let [host, learners, elections] = addresses.split(':').collect::<Vec<_>>()[..] else {
            return Err(form.into());
        };
        let address = |port: &str| -> Result<PeerAddress, Failure> {
            let (host, port) = (host.to_owned(), port.parse()?);
            Ok(PeerAddress { host, port })
        };
        let sid = Sid(sid.parse()?);
        quorum.insert(sid, address(learners)?);
        peers.insert(sid, vec![address(elections)?]);
    }
    let settings = ElectionSettings {
        me,
        listen: listen_on(peers.get(&me).ok_or("name the own addresses too")?.clone()),
        bind_tries: 3,
        peers,
        connect_timeout: Duration::from_secs(5),
        handshake_timeout: Duration::from_secs(10),
        keep_alive: false,
        guard: Guard::default(),
    };
    Ok(Ensemble { quorum, settings })
}

fn listen_on(addresses: Vec<PeerAddress>) -> ListenSettings {
    ListenSettings {
        addresses,
        on_all_ips: false,
        ipv4_only: false,
    }
}

/// A leader's port, which says what comes there.
async fn lead(address: PeerAddress) -> Result<LearnerAcceptor, Failure> {
    let settings = AcceptorSettings {
        listen: listen_on(vec![address]),
        no_delay: true,
        guard: Guard::default(),
        patience: Duration::from_secs(20),
        limits: Limits::default(),
    };
    let opened = LearnerAcceptor::open(settings, |event| match event {
        LinkEvent::Up(link) => println!("a learner has connected: {}", link.remote()),
        LinkEvent::Packets { packets, .. } => println!("  {packets:?}"),
        LinkEvent::SnapshotReceived { snapshot, .. } => match snapshot {},
        LinkEvent::SnapshotComes(_) => {} // no learner sends one
        LinkEvent::Down { reason, .. } => println!("  down: {reason}"),
    });
    Ok(opened.await?)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Ensemble { quorum, settings } = ensemble()?;
    let own = quorum[&settings.me].clone();
    let voters = QuorumVerifier::majority(quorum.keys().copied());
    let config = server_lines(&quorum, &settings);
    let mut election = Election::new(settings.me, Quorums::of(voters), config.into());
    let (sender, mut events) = unbounded_channel();
    let links = ElectionLinks::start(settings, move |event| drop(sender.send(event))).await?;
    let began = Instant::now();
    let now_ms = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut outputs = Vec::new();
    election.handle(now_ms(), Input::Look(Zxid(0), Epoch(0)), &mut outputs);
    let (mut end, mut leading) = (None, None);
    while end.is_none_or(|end| Instant::now() < end) {
        for output in outputs.drain(..) {
            match output {
                Output::Send(to, notification) => links.send(to, &notification),
                Output::Elected(leader, state) => {
                    println!(
                        "{} ms: leader {}, this server is {state:?}",
                        now_ms(),
                        leader.0
                    );
                    end.get_or_insert(Instant::now() + AFTERWARDS);
                    if state == PeerState::Leading {
                        leading = Some(lead(own.clone()).await?);
                    }
                }
            }
        }
        let wait = match election.deadline() {
            Some(deadline) => Duration::from_millis(deadline.saturating_sub(now_ms())),
            None => AFTERWARDS / 10,
        };
        let input = match timeout(wait, events.recv()).await {
            Ok(Some(event)) => told(now_ms(), event),
            Ok(None) => break,
            Err(_) => Input::Timeout,
        };
        election.handle(now_ms(), input, &mut outputs);
    }
    links.stop().await;
    drop(leading);
    Ok(())
}

/// The configuration as it is sent: Apache reads it, and takes it where it is newer than its own.
fn server_lines(quorum: &BTreeMap<Sid, PeerAddress>, settings: &ElectionSettings) -> String {
    let lines = quorum.iter().map(|(sid, address)| {
        let election = settings.peers[sid][0].port;
        format!("server.{}={address}:{election}:participant\n", sid.0)
    });
    format!("{}version=0", lines.collect::<String>())
}

fn told(now_ms: u64, event: ElectionEvent) -> Input {
    match event {
        ElectionEvent::Heard(heard) => {
            let said = &heard.notification;
            println!(
                "{now_ms} ms: server {} is {:?}, round {}, would have {:?}, version {}",
                heard.from.0, said.state, said.round, said.proposal, said.version
            );
            Input::Heard(heard.from, heard.notification)
        }
        ElectionEvent::Refused(sid) => {
            println!("{now_ms} ms: server {} refuses connections", sid.0);
            Input::Refused(sid)
        }
    }
}
