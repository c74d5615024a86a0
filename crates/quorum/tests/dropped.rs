//! Whom a leader drops, and whom not: a server that comes again on a new link, one that is silent, one that says what cannot be,
//! one that says it early.

#[path = "model/leader.rs"]
mod leader;
#[path = "model/settings.rs"]
mod settings;

use bytes::Bytes;
use leader::{EPOCH, FIRST, Leader};
use proto::{Epoch, Sid, Zxid};
use quorum::packet::{ToLeader, ToLearner};
use quorum::{Input, LinkId, Output, Settings, Violation};
use settings::settings;

impl Leader {
    /// A second goes by; the server on this link answers pings.
    fn wait(&mut self, alive: LinkId) {
        self.now_ms += 1000;
        let (zxid, touched) = (Zxid::ZERO, Vec::new());
        self.told(alive, ToLeader::Ping { zxid, touched });
        self.give(Input::Timeout);
    }

    fn has_dropped(&self, link: LinkId) -> bool {
        let dropped = |output: &Output| matches!(output, Output::Drop(of, _) if *of == link);
        self.outputs.iter().any(dropped)
    }

    fn has_said(&self, link: LinkId, packet: &ToLearner) -> bool {
        let said = |output: &Output| matches!(output, Output::ToLearner(to, said) if *to == link && said == packet);
        self.outputs.iter().any(said)
    }

    fn has_applied(&self) -> bool {
        self.outputs.contains(&Output::Apply { up_to: FIRST })
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

#[test]
fn a_learner_that_waits_for_its_snapshot_or_takes_it_slowly_is_not_silent() {
    let (synced, slow) = (LinkId(1), LinkId(2));
    let mut leader = Leader::with(Settings {
        force_snapshot: true,
        resends: Default::default(),
        ..settings(3, 3)
    });
    leader.joined_by(1, synced, Zxid::ZERO, Epoch(0));
    leader.give(Input::SnapshotReady(synced));
    leader.told(synced, ToLeader::Ack(Zxid::beginning_of(EPOCH)));
    leader.joined_by(2, slow, Zxid::ZERO, EPOCH);
    assert!(leader.outputs.contains(&Output::TakeSnapshot(slow)));
    (0..60).for_each(|_| leader.wait(synced));
    assert!(!leader.has_dropped(slow), "it is the leader's turn");
    leader.give(Input::SnapshotReady(slow));
    for _ in 0..60 {
        leader.wait(synced);
        leader.give(Input::Progress(slow));
    }
    assert!(!leader.has_dropped(slow), "it takes what it is sent");
    (0..60).for_each(|_| leader.wait(synced));
    assert!(leader.has_dropped(slow), "it takes nothing any more");
}

#[test]
fn an_epoch_behind_which_there_is_none_is_not_taken_from_a_learner() {
    let link = LinkId(1);
    let mut leader = Leader::new();
    leader.joined_by(1, link, Zxid::ZERO, Epoch::LAST);
    let expected = Output::Drop(link, Violation::LastEpoch(Epoch::LAST));
    assert!(leader.outputs.contains(&expected));
    leader.joined_by(1, LinkId(2), Zxid::ZERO, Epoch(0));
    assert!(leader.has_said(LinkId(2), &ToLearner::LeaderInfo(EPOCH)));
}

#[test]
fn a_txn_that_is_acknowledged_before_newleader_counts_behind_that() {
    let (follower, late) = (LinkId(1), LinkId(2));
    let mut leader = Leader::new();
    leader.joined_by(1, follower, Zxid::ZERO, Epoch(0));
    leader.told(follower, ToLeader::Ack(Zxid::beginning_of(EPOCH)));
    leader.give(Input::Propose {
        zxid: FIRST,
        record: Bytes::from_static(b"first"),
    });
    let written = leader.logged.expect("the proposal goes to the log");
    leader.give(Input::Durable(written));
    leader.joined_by(2, late, Zxid::beginning_of(EPOCH), EPOCH);
    leader.told(late, ToLeader::Ack(FIRST));
    assert!(!leader.has_dropped(late));
    assert!(!leader.has_applied(), "NEWLEADER is not acknowledged");
    leader.told(late, ToLeader::Ack(Zxid::beginning_of(EPOCH)));
    assert!(leader.has_said(late, &ToLearner::UpToDate));
    assert!(leader.has_applied());
}

#[test]
fn a_learner_that_acknowledges_what_it_was_not_sent_is_dropped_before_newleader_too() {
    let (follower, late) = (LinkId(1), LinkId(2));
    let mut leader = Leader::new();
    leader.joined_by(1, follower, Zxid::ZERO, Epoch(0));
    leader.told(follower, ToLeader::Ack(Zxid::beginning_of(EPOCH)));
    leader.joined_by(2, late, Zxid::beginning_of(EPOCH), EPOCH);
    assert!(!leader.has_dropped(late));
    leader.told(late, ToLeader::Ack(FIRST));
    assert!(leader.has_dropped(late));
}
