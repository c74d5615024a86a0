//! What a leader forwards to a learner that comes while it serves.

#[path = "model/leader.rs"]
mod leader;
#[path = "model/settings.rs"]
mod settings;

use bytes::Bytes;
use leader::{EPOCH, FIRST, Leader};
use proto::{Epoch, Zxid};
use quorum::packet::{ToLeader, ToLearner};
use quorum::{Input, LinkId, Output};

const NEW_LEADER: Zxid = Zxid(0x1_0000_0000);
const BEFORE: LinkId = LinkId(1);
const COMER: LinkId = LinkId(2);

impl Leader {
    /// With one follower, which has what there is.
    fn serving() -> Self {
        let mut leader = Leader::new();
        leader.joined_by(1, BEFORE, Zxid::ZERO, Epoch(0));
        leader.told(BEFORE, ToLeader::Ack(NEW_LEADER));
        leader
    }

    fn proposes(&mut self, zxid: Zxid) {
        let record = Bytes::from_static(b"txn");
        self.give(Input::Propose { zxid, record });
    }

    /// The newest txn is on the leader's disk and on the first follower's.
    fn commits(&mut self, zxid: Zxid) {
        let ticket = self.logged.take().expect("it was logged");
        self.give(Input::Durable(ticket));
        self.told(BEFORE, ToLeader::Ack(zxid));
    }

    /// Proposals, commits, NEWLEADER and UPTODATE on a link, in short.
    fn said(&self, link: LinkId) -> Vec<String> {
        let packet = |output: &Output| match output {
            Output::ToLearner(to, packet) if *to == link => Some(packet.clone()),
            _ => None,
        };
        let short = |packet| match packet {
            ToLearner::Proposal { zxid, .. } => Some(format!("PROPOSAL {}", zxid.counter())),
            ToLearner::Commit(zxid) => Some(format!("COMMIT {}", zxid.counter())),
            ToLearner::NewLeader { .. } => Some("NEWLEADER".to_owned()),
            ToLearner::UpToDate => Some("UPTODATE".to_owned()),
            _ => None,
        };
        self.outputs
            .iter()
            .filter_map(packet)
            .filter_map(short)
            .collect()
    }
}

/// Apache's learners before 3.9.4 take a COMMIT there for one of what came in front of NEWLEADER, which they no longer have in
/// hand: they leave, and apply some txns twice (ZOOKEEPER-4394).
#[test]
fn between_newleader_and_uptodate_there_is_no_commit() {
    let second = FIRST.next();
    let mut leader = Leader::serving();
    leader.proposes(FIRST);
    leader.joined_by(2, COMER, NEW_LEADER, EPOCH);
    leader.commits(FIRST);
    leader.proposes(second);
    leader.commits(second);
    let newest = second.next();
    leader.proposes(newest);
    assert_eq!(
        leader.said(COMER),
        ["PROPOSAL 1", "NEWLEADER", "PROPOSAL 2", "PROPOSAL 3"]
    );
    leader.told(COMER, ToLeader::Ack(NEW_LEADER));
    assert_eq!(
        leader.said(COMER)[4..],
        ["UPTODATE", "COMMIT 1", "COMMIT 2"]
    );
    leader.commits(newest);
    assert_eq!(leader.said(COMER)[7..], ["COMMIT 3"]);
    assert_eq!(
        leader.said(BEFORE)[2..],
        [
            "PROPOSAL 1",
            "COMMIT 1",
            "PROPOSAL 2",
            "COMMIT 2",
            "PROPOSAL 3",
            "COMMIT 3"
        ]
    );
}

#[test]
fn a_learner_that_has_all_hears_of_what_follows_only() {
    let mut leader = Leader::serving();
    leader.proposes(FIRST);
    leader.commits(FIRST);
    leader.joined_by(2, COMER, FIRST, EPOCH);
    leader.told(COMER, ToLeader::Ack(NEW_LEADER));
    assert_eq!(leader.said(COMER), ["NEWLEADER", "UPTODATE"]);
    leader.proposes(FIRST.next());
    leader.commits(FIRST.next());
    assert_eq!(leader.said(COMER)[2..], ["PROPOSAL 2", "COMMIT 2"]);
}
