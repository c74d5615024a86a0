//! A leader that a test drives by hand.

use proto::{Epoch, Sid, Zxid};
use quorum::election::{Notification, PeerState, Proposal};
use quorum::packet::{Hello, LearnerKind, ToLeader};
use quorum::{DiskOp, Found, Input, LinkId, Output, Peer, Settings, Ticket};

use super::settings::settings;

pub const EPOCH: Epoch = Epoch(1);
pub const FIRST: Zxid = Zxid(0x1_0000_0001);

/// Server 3 of three, which leads; its log is written when a test says so, all else at once.
pub struct Leader {
    pub peer: Peer,
    pub now_ms: u64,
    pub outputs: Vec<Output>,
    pub logged: Option<Ticket>,
}

impl Leader {
    pub fn new() -> Self {
        Leader::with(settings(3, 3))
    }

    pub fn with(settings: Settings) -> Self {
        let found = Found {
            accepted_epoch: Epoch(0),
            current_epoch: Epoch(0),
            last_zxid: Zxid::ZERO,
            recent: Vec::new(),
        };
        let mut leader = Leader {
            peer: Peer::member(settings, found),
            now_ms: 0,
            outputs: Vec::new(),
            logged: None,
        };
        leader.give(Input::Start);
        for from in [1, 2] {
            leader.give(Input::Vote(Sid(from), vote()));
        }
        leader
    }

    pub fn give(&mut self, input: Input) {
        let mut outputs = Vec::new();
        self.peer.handle(self.now_ms, input, &mut outputs);
        self.outputs.extend(outputs.iter().cloned());
        for output in outputs {
            match output {
                Output::Disk(ticket, DiskOp::Append { .. }) => self.logged = Some(ticket),
                Output::Disk(ticket, _) => self.give(Input::Durable(ticket)),
                _ => {}
            }
        }
    }

    pub fn told(&mut self, link: LinkId, packet: ToLeader) {
        self.give(Input::ToLeader(link, packet));
    }

    /// A server comes, and is brought to the history.
    pub fn joined_by(&mut self, sid: i64, link: LinkId, last_logged: Zxid, accepted_epoch: Epoch) {
        self.give(Input::Accepted(link));
        self.told(
            link,
            ToLeader::Hello(Hello {
                kind: LearnerKind::Follower,
                accepted_epoch,
                sid: Sid(sid),
                config_version: 0,
            }),
        );
        let current_epoch = (accepted_epoch < EPOCH).then_some(accepted_epoch);
        self.told(
            link,
            ToLeader::AckEpoch {
                last_logged,
                current_epoch,
            },
        );
    }
}

pub fn vote() -> Notification {
    Notification {
        state: PeerState::Looking,
        proposal: Proposal {
            epoch: Epoch(0),
            zxid: Zxid::ZERO,
            leader: Sid(3),
        },
        round: 1,
        version: 2,
        config: None,
    }
}
