//! A server that comes again on a new link, while its leader still has the old one.

#[path = "model/settings.rs"]
mod settings;

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};
use quorum::election::{Notification, PeerState, Proposal};
use quorum::packet::{Hello, LearnerKind, ToLeader, ToLearner};
use quorum::{DiskOp, Found, Input, LinkId, Output, Peer, Ticket, Violation};
use settings::settings;

const EPOCH: Epoch = Epoch(1);
const FIRST: Zxid = Zxid(0x1_0000_0001);

/// Server 3 of three, which leads; its log is written when a test says so, all else at once.
struct Leader {
    peer: Peer,
    outputs: Vec<Output>,
    logged: Option<Ticket>,
}

impl Leader {
    fn new() -> Self {
        let found = Found {
            accepted_epoch: Epoch(0),
            current_epoch: Epoch(0),
            last_zxid: Zxid::ZERO,
            recent: Vec::new(),
        };
        let mut leader = Leader {
            peer: Peer::member(settings(3, 3), found),
            outputs: Vec::new(),
            logged: None,
        };
        leader.give(Input::Start);
        for from in [1, 2] {
            leader.give(Input::Vote(Sid(from), vote()));
        }
        leader
    }

    fn give(&mut self, input: Input) {
        let mut outputs = Vec::new();
        self.peer.handle(0, input, &mut outputs);
        self.outputs.extend(outputs.iter().cloned());
        for output in outputs {
            match output {
                Output::Disk(ticket, DiskOp::Append { .. }) => self.logged = Some(ticket),
                Output::Disk(ticket, _) => self.give(Input::Durable(ticket)),
                _ => {}
            }
        }
    }

    fn told(&mut self, link: LinkId, packet: ToLeader) {
        self.give(Input::ToLeader(link, packet));
    }

    /// A server comes, and is brought to the history.
    fn joined_by(&mut self, sid: i64, link: LinkId, last_logged: Zxid, accepted_epoch: Epoch) {
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

    fn has_said(&self, link: LinkId, packet: &ToLearner) -> bool {
        let said = |output: &Output| matches!(output, Output::ToLearner(to, said) if *to == link && said == packet);
        self.outputs.iter().any(said)
    }

    fn has_applied(&self) -> bool {
        self.outputs.contains(&Output::Apply { up_to: FIRST })
    }
}

fn vote() -> Notification {
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

#[test]
fn what_a_server_acknowledged_on_a_link_that_it_has_left_does_not_count() {
    let (old, new) = (LinkId(1), LinkId(2));
    let mut leader = Leader::new();
    leader.joined_by(1, old, Zxid::ZERO, Epoch(0));
    leader.told(old, ToLeader::Ack(Zxid::beginning_of(EPOCH)));
    leader.give(Input::Propose {
        zxid: FIRST,
        record: Bytes::from_static(b"first"),
    });
    leader.told(old, ToLeader::Ack(FIRST));
    assert!(
        !leader.has_applied(),
        "the leader's own log is not written yet"
    );

    leader.joined_by(1, new, FIRST, EPOCH);
    assert!(
        leader
            .outputs
            .contains(&Output::Drop(old, Violation::Replaced(Sid(1))))
    );
    assert!(
        leader.has_said(new, &ToLearner::Snap(Zxid::beginning_of(EPOCH)))
            || leader.has_said(new, &ToLearner::Trunc(Zxid::beginning_of(EPOCH)))
    );
    leader.give(Input::Durable(leader.logged.expect("a proposal")));
    assert!(
        !leader.has_applied(),
        "the server may have cut the txn from its log"
    );

    leader.told(new, ToLeader::Ack(Zxid::beginning_of(EPOCH)));
    leader.told(new, ToLeader::Ack(FIRST));
    assert!(leader.has_applied());
}
