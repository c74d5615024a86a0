//! Elections over a network that delays: every step follows from the seed.

use std::collections::BTreeMap;

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};
use quorum::election::{Election, Input, Notification, Output, PeerState};
use quorum::verifier::{QuorumVerifier, Quorums};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

/// The longest that a message is under way.
const MAX_DELAY_MS: u64 = 40;

/// What a server brings to an election.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    pub sid: Sid,
    pub zxid: Zxid,
    pub epoch: Epoch,
}

pub fn server(sid: i64, epoch: i64, zxid: i64) -> Server {
    Server {
        sid: Sid(sid),
        zxid: Zxid(zxid),
        epoch: Epoch(epoch),
    }
}

/// Servers 1 to `voters`, those that run and those that do not.
pub struct Net {
    pub now_ms: u64,
    voters: i64,
    rng: SmallRng,
    running: BTreeMap<Sid, Election>,
    /// By arrival; the number keeps apart what arrives together.
    under_way: BTreeMap<(u64, u64), (Sid, Sid, Notification)>,
    sent: u64,
    /// Servers that do not run say so at once.
    pub refusing: bool,
    pub elected: BTreeMap<Sid, (Sid, PeerState)>,
}

impl Net {
    pub fn new(seed: u64, voters: i64) -> Self {
        Net {
            now_ms: 0,
            voters,
            rng: SmallRng::seed_from_u64(seed),
            running: BTreeMap::new(),
            under_way: BTreeMap::new(),
            sent: 0,
            refusing: false,
            elected: BTreeMap::new(),
        }
    }

    pub fn rng(&mut self) -> &mut SmallRng {
        &mut self.rng
    }

    /// Starts a server, or has a running one look again.
    pub fn look(&mut self, server: Server) {
        let quorums = Quorums::of(QuorumVerifier::majority((1..=self.voters).map(Sid)));
        self.running.entry(server.sid).or_insert_with(|| {
            Election::new(server.sid, quorums, Bytes::from_static(b"version=0"))
        });
        self.elected.remove(&server.sid);
        self.handle(server.sid, Input::Look(server.zxid, server.epoch));
    }

    /// Ends a server; what it sent and has not arrived is lost with its connections.
    pub fn stop(&mut self, sid: Sid) {
        self.running.remove(&sid);
        self.elected.remove(&sid);
        self.under_way.retain(|_, (from, ..)| *from != sid);
    }

    /// Goes on until each running server has a leader; panics when that takes too long.
    pub fn elect(&mut self) {
        while self.elected.len() < self.running.len() {
            assert!(
                self.now_ms < 300_000,
                "no leader after 5 minutes: {:?}",
                self.elected
            );
            self.step();
        }
    }

    /// The next message or deadline.
    fn step(&mut self) {
        let message = self.under_way.first_key_value().map(|((at, _), _)| *at);
        let deadlines = self
            .running
            .iter()
            .filter_map(|(sid, server)| Some((server.deadline()?, *sid)));
        let deadline = deadlines.min();
        match (message, deadline) {
            (Some(at), deadline) if deadline.is_none_or(|(due, _)| at <= due) => self.deliver(),
            (_, Some((due, sid))) => {
                self.now_ms = self.now_ms.max(due);
                self.handle(sid, Input::Timeout);
            }
            (_, None) => panic!("nothing is left to happen"),
        }
    }

    fn deliver(&mut self) {
        let ((at, _), (from, to, notification)) = self.under_way.pop_first().expect("a message");
        self.now_ms = self.now_ms.max(at);
        if self.running.contains_key(&to) {
            self.handle(to, Input::Heard(from, notification));
        } else if self.refusing && self.running.contains_key(&from) {
            self.handle(from, Input::Refused(to));
        }
    }

    fn handle(&mut self, sid: Sid, input: Input) {
        let mut outputs = Vec::new();
        let server = self.running.get_mut(&sid).expect("it runs");
        server.handle(self.now_ms, input, &mut outputs);
        for output in outputs {
            match output {
                Output::Send(to, notification) => self.send(sid, to, notification),
                Output::Elected(leader, state) => {
                    self.elected.insert(sid, (leader, state));
                }
            }
        }
    }

    /// Messages of one link keep their order.
    fn send(&mut self, from: Sid, to: Sid, notification: Notification) {
        let read = Notification::decode(&notification.encode()).expect("what a server sends");
        assert_eq!(read, notification);
        let on_link = self
            .under_way
            .iter()
            .filter(|(_, message)| (message.0, message.1) == (from, to));
        let earliest = on_link.map(|((at, _), _)| *at).max().unwrap_or(0);
        let delay = self.rng.random_range(1..=MAX_DELAY_MS);
        self.sent += 1;
        let at = earliest.max(self.now_ms + delay);
        self.under_way
            .insert((at, self.sent), (from, to, notification));
    }
}
