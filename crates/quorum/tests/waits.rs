//! Waits that are configured: of an observer that has lost its leader, of a leader whose voters change their minds.

#[path = "model/settings.rs"]
mod settings;

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};
use quorum::election::{Notification, PeerState, Proposal};
use quorum::{Found, Input, Leave, LinkId, Output, Peer, Settings, Waits};
use settings::settings;

const LINK: LinkId = LinkId(1);

/// A member of three voters and an observer, at some time.
struct Member {
    peer: Peer,
    now_ms: u64,
}

impl Member {
    fn started(sid: i64, waits: Waits) -> Self {
        let found = Found {
            accepted_epoch: Epoch(0),
            current_epoch: Epoch(0),
            last_zxid: Zxid::ZERO,
            recent: Vec::new(),
        };
        let settings = Settings {
            waits,
            ..settings(sid, 3)
        };
        let mut member = Member {
            peer: Peer::member(settings, found),
            now_ms: 5000,
        };
        member.give(Input::Start);
        member
    }

    fn give(&mut self, input: Input) -> Vec<Output> {
        let mut outputs = Vec::new();
        self.peer.handle(self.now_ms, input, &mut outputs);
        outputs
    }

    fn hears(&mut self, from: i64, state: PeerState) -> Vec<Output> {
        let proposal = Proposal {
            epoch: Epoch(0),
            zxid: Zxid::ZERO,
            leader: Sid(3),
        };
        let vote = Notification {
            state,
            proposal,
            round: 1,
            version: 2,
            config: Some(Bytes::from_static(b"version=0")),
        };
        self.give(Input::Vote(Sid(from), vote))
    }

    /// What it does when its deadline comes, and after how many ms that is.
    fn at_its_deadline(&mut self) -> (u64, Vec<Output>) {
        let deadline_ms = self.peer.deadline().expect("it waits for something");
        let waited_ms = deadline_ms - self.now_ms;
        self.now_ms = deadline_ms;
        (waited_ms, self.give(Input::Timeout))
    }
}

fn connects(outputs: &[Output]) -> bool {
    outputs.contains(&Output::Connect(Sid(3)))
}

fn asks_for_votes(outputs: &[Output]) -> bool {
    outputs
        .iter()
        .any(|output| matches!(output, Output::Vote(..)))
}

fn observer(waits: Waits) -> (Member, Vec<Output>) {
    let mut observer = Member::started(4, waits);
    observer.hears(3, PeerState::Leading);
    let outputs = observer.hears(1, PeerState::Following);
    (observer, outputs)
}

#[test]
fn an_observer_that_has_lost_its_leader_looks_for_one_when_its_wait_is_over() {
    let (mut observer, outputs) = observer(Waits {
        before_election_ms: 1000,
        ..Waits::default()
    });
    assert!(connects(&outputs));
    observer.give(Input::Connected(LINK));
    let lost = observer.give(Input::LinkDown(LINK));
    assert!(lost.contains(&Output::Left(Leave::LinkDown)));
    assert!(lost.contains(&Output::Become(PeerState::Looking)));
    assert!(!asks_for_votes(&lost));
    assert!(!asks_for_votes(&observer.give(Input::Timeout)), "too early");
    let (waited_ms, outputs) = observer.at_its_deadline();
    assert!((1..1000).contains(&waited_ms), "{waited_ms}");
    assert!(asks_for_votes(&outputs));
}

#[test]
fn an_observer_that_has_found_a_leader_connects_when_its_wait_is_over() {
    let (mut observer, outputs) = observer(Waits {
        before_connecting_ms: 1000,
        ..Waits::default()
    });
    assert!(outputs.contains(&Output::Become(PeerState::Observing)));
    assert!(!connects(&outputs));
    let (waited_ms, outputs) = observer.at_its_deadline();
    assert!((1..1000).contains(&waited_ms), "{waited_ms}");
    assert!(connects(&outputs));
    assert!(!connects(&observer.give(Input::Timeout)), "once is enough");
}

#[test]
fn a_follower_waits_for_nothing() {
    let mut follower = Member::started(
        1,
        Waits {
            before_election_ms: 1000,
            before_connecting_ms: 1000,
            for_epoch_ms: None,
        },
    );
    follower.hears(3, PeerState::Leading);
    let outputs = follower.hears(2, PeerState::Following);
    assert!(connects(&outputs));
    assert!(asks_for_votes(&follower.give(Input::Unreachable)));
}

fn leader(for_epoch_ms: Option<u64>) -> Member {
    let mut leader = Member::started(
        3,
        Waits {
            for_epoch_ms,
            ..Waits::default()
        },
    );
    leader.hears(1, PeerState::Looking);
    let (_, outputs) = leader.at_its_deadline();
    assert!(outputs.contains(&Output::Become(PeerState::Leading)));
    leader
}

#[test]
fn a_leader_without_an_epoch_gives_up_when_a_voter_changes_its_mind_after_its_wait() {
    let gives_up = |outputs: &[Output]| outputs.contains(&Output::Left(Leave::VoterLooks));
    let mut patient = leader(None);
    patient.now_ms += 9000;
    assert!(!gives_up(&patient.hears(1, PeerState::Looking)));
    let mut leader = leader(Some(500));
    leader.now_ms += 500;
    assert!(!gives_up(&leader.hears(1, PeerState::Looking)), "too early");
    leader.now_ms += 1;
    assert!(!gives_up(&leader.hears(1, PeerState::Following)));
    assert!(
        !gives_up(&leader.hears(2, PeerState::Looking)),
        "it has not elected this server"
    );
    let outputs = leader.hears(1, PeerState::Looking);
    assert!(gives_up(&outputs));
    assert!(asks_for_votes(&outputs));
}
