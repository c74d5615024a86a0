//! What a learner does not let its leader do, and what it has to.

#[path = "model/settings.rs"]
mod settings;

use bytes::Bytes;
use proto::{Epoch, Sid, Zxid};
use quorum::election::{Notification, PeerState, Proposal};
use quorum::packet::{ToLeader, ToLearner};
use quorum::{DiskOp, Found, Input, Leave, LinkId, Output, Peer, Ticket, Txn, Violation};
use settings::settings;

const LINK: LinkId = LinkId(1);

fn txn(zxid: i64) -> Txn {
    Txn {
        zxid: Zxid(zxid),
        record: Bytes::from_static(b"txn"),
    }
}

/// Server 1 of three, which follows server 3; its disk writes at once.
struct Follower {
    peer: Peer,
    now_ms: u64,
    outputs: Vec<Output>,
}

impl Follower {
    /// With these txns in the log of epoch 1, as a start finds them; it has said ACKEPOCH to the leader of epoch 2.
    fn in_sync_with(log: &[i64]) -> Self {
        let found = Found {
            accepted_epoch: Epoch(1),
            current_epoch: Epoch(1),
            last_zxid: Zxid(log.last().copied().unwrap_or_default()),
            recent: log.iter().copied().map(txn).collect(),
        };
        let mut follower = Follower {
            peer: Peer::member(settings(1, 3), found),
            now_ms: 0,
            outputs: Vec::new(),
        };
        follower.give(Input::Start);
        follower.follow();
        follower
    }

    /// Finds the leader, and the link to it.
    fn follow(&mut self) {
        self.hear_of_the_leader();
        self.give(Input::Connected(LINK));
        self.told(ToLearner::LeaderInfo(Epoch(2)));
    }

    fn hear_of_the_leader(&mut self) {
        for (from, state) in [(2, PeerState::Following), (3, PeerState::Leading)] {
            self.give(Input::Vote(
                Sid(from),
                Notification {
                    state,
                    proposal: Proposal {
                        epoch: Epoch(2),
                        zxid: Zxid(0x1_0000_0009),
                        leader: Sid(3),
                    },
                    round: 9,
                    version: 2,
                    config: None,
                },
            ));
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.give(Input::Timeout);
    }

    /// What it has become last.
    fn state(&self) -> PeerState {
        let became = self.outputs.iter().rev().find_map(|output| match output {
            Output::Become(state) => Some(*state),
            _ => None,
        });
        became.expect("a state")
    }

    fn told(&mut self, packet: ToLearner) {
        self.give(Input::ToLearner(LINK, packet));
    }

    fn give(&mut self, input: Input) {
        let mut outputs = Vec::new();
        self.peer.handle(self.now_ms, input, &mut outputs);
        self.outputs.extend(outputs.iter().cloned());
        for output in outputs {
            if let Output::Disk(ticket, op) = output
                && !matches!(op, DiskOp::Truncate(_))
            {
                self.give(Input::Durable(ticket));
            }
        }
    }

    fn cut_asked(&self) -> Ticket {
        let cut = self.outputs.iter().find_map(|output| match output {
            Output::Disk(ticket, DiskOp::Truncate(_)) => Some(*ticket),
            _ => None,
        });
        cut.expect("the log is to be cut")
    }

    fn left(&self) -> Vec<&Leave> {
        let outputs = self.outputs.iter();
        let left = outputs.filter_map(|output| match output {
            Output::Left(leave) => Some(leave),
            _ => None,
        });
        left.collect()
    }

    /// The zxid that it has said last in ACKEPOCH.
    fn claimed(&self) -> Zxid {
        let claimed = self.outputs.iter().rev().find_map(|output| match output {
            Output::ToLeader(_, ToLeader::AckEpoch { last_logged, .. }) => Some(*last_logged),
            _ => None,
        });
        claimed.expect("an ACKEPOCH")
    }
}

/// Leaders of Apache's send one there (ZOOKEEPER-4394).
#[test]
fn a_commit_between_newleader_and_uptodate_is_carried_out_at_uptodate() {
    let first = Zxid(0x2_0000_0001);
    let mut follower = Follower::in_sync_with(&[0x1_0000_0001]);
    follower.told(ToLearner::Diff(Zxid(0x1_0000_0001)));
    let record = Bytes::from_static(b"txn");
    follower.told(ToLearner::Proposal {
        zxid: first,
        record,
    });
    let (epoch, config) = (Epoch(2), Bytes::new());
    follower.told(ToLearner::NewLeader { epoch, config });
    follower.told(ToLearner::Commit(first));
    let apply = Output::Apply { up_to: first };
    assert!(!follower.outputs.contains(&apply));
    follower.told(ToLearner::UpToDate);
    assert!(follower.outputs.contains(&apply));
    assert!(follower.left().is_empty());
}

#[test]
fn a_cut_to_a_txn_that_the_log_never_had_ends_the_link() {
    let mut follower = Follower::in_sync_with(&[0x1_0000_0001, 0x1_0000_0002]);
    follower.told(ToLearner::Trunc(Zxid(0x1_0000_0005)));
    let (to, last) = (Zxid(0x1_0000_0005), Zxid(0x1_0000_0002));
    let expected = Leave::Leader(Violation::Cut { to, last });
    assert_eq!(follower.left(), [&expected]);
}

#[test]
fn a_cut_below_the_tree_is_checked_when_the_tree_was_read_again() {
    let mut follower = Follower::in_sync_with(&[0x1_0000_0001, 0x1_0000_0003]);
    follower.told(ToLearner::Trunc(Zxid(0x1_0000_0002)));
    follower.give(Input::Durable(follower.cut_asked()));
    assert_eq!(
        follower.outputs.last(),
        Some(&Output::Reload(Zxid(0x1_0000_0002)))
    );
    follower.give(Input::Reloaded(Zxid(0x1_0000_0001)));
    let (to, last) = (Zxid(0x1_0000_0002), Zxid(0x1_0000_0001));
    let expected = Leave::Leader(Violation::Cut { to, last });
    assert_eq!(follower.left(), [&expected]);
}

#[test]
fn a_snapshot_that_comes_while_the_log_is_cut_ends_the_role_when_the_cut_is_done() {
    let mut follower = Follower::in_sync_with(&[0x1_0000_0001, 0x1_0000_0003]);
    follower.told(ToLearner::Trunc(Zxid(0x1_0000_0001)));
    follower.told(ToLearner::Snap(Zxid(0x1_0000_0009)));
    follower.give(Input::SnapshotReceived(LINK));
    assert!(
        follower.left().is_empty(),
        "the disk has not said what became of the log"
    );
    follower.give(Input::Durable(follower.cut_asked()));
    let reload = Output::Reload(Zxid(0x1_0000_0001));
    assert!(follower.outputs.contains(&reload));
    follower.give(Input::Reloaded(Zxid(0x1_0000_0001)));
    assert_eq!(follower.left().len(), 1);
}

#[test]
fn a_leader_whose_snapshot_comes_slowly_is_not_silent() {
    let mut follower = Follower::in_sync_with(&[]);
    follower.told(ToLearner::Snap(Zxid(0x1_0000_0009)));
    let mut now_ms = 0;
    let mut wait = |follower: &mut Follower, input| {
        now_ms += 15_000;
        for input in [input, Input::Timeout] {
            follower.peer.handle(now_ms, input, &mut follower.outputs);
        }
    };
    (0..5).for_each(|_| wait(&mut follower, Input::Progress(LINK)));
    assert!(follower.left().is_empty());
    (0..2).for_each(|_| wait(&mut follower, Input::Timeout));
    assert_eq!(follower.left().len(), 1, "nothing comes any more");
}

#[test]
fn a_cut_to_the_beginning_of_an_epoch_leaves_what_was_before_it() {
    let mut follower = Follower::in_sync_with(&[]);
    follower.told(ToLearner::Diff(Zxid::ZERO));
    let Txn { zxid, record } = txn(0x2_0000_0001);
    follower.told(ToLearner::Proposal { zxid, record });
    follower.give(Input::LinkDown(LINK));
    follower.follow();
    assert_eq!(follower.claimed(), zxid);
    follower.told(ToLearner::Trunc(Zxid(0x2_0000_0000)));
    follower.told(ToLearner::NewLeader {
        epoch: Epoch(2),
        config: Bytes::new(),
    });
    follower.told(ToLearner::UpToDate);
    assert_eq!(follower.left(), [&Leave::LinkDown]);
    let serves = Output::Serve(PeerState::Following, Epoch(2));
    assert_eq!(follower.outputs.last(), Some(&serves));
}

#[test]
fn what_comes_while_the_log_is_cut_waits_for_the_tree() {
    let mut follower = Follower::in_sync_with(&[0x1_0000_0001, 0x1_0000_0002]);
    follower.told(ToLearner::Trunc(Zxid(0x1_0000_0001)));
    let Txn { zxid, record } = txn(0x1_0000_0002);
    let before = follower.outputs.len();
    follower.told(ToLearner::Proposal {
        zxid,
        record: record.clone(),
    });
    assert_eq!(follower.outputs.len(), before);
    follower.give(Input::Durable(follower.cut_asked()));
    follower.give(Input::Reloaded(Zxid(0x1_0000_0001)));
    let append = DiskOp::Append { zxid, record };
    let last = follower.outputs.last();
    assert!(matches!(last, Some(Output::Disk(_, op)) if *op == append));
}

#[test]
fn a_log_that_cannot_be_cut_gives_way_to_a_snapshot_and_to_nothing_else() {
    let mut follower = Follower::in_sync_with(&[0x1_0000_0001, 0x1_0000_0002]);
    follower.told(ToLearner::Trunc(Zxid(0x1_0000_0001)));
    follower.give(Input::CutRefused(follower.cut_asked()));
    assert_eq!(follower.left(), [&Leave::CannotTruncate]);
    follower.follow();
    assert_eq!(follower.claimed(), Zxid::ZERO);
    follower.told(ToLearner::Diff(Zxid::ZERO));
    let expected = Leave::Leader(Violation::NoSnapshot("DIFF"));
    assert_eq!(follower.left().last(), Some(&&expected));
    follower.follow();
    follower.told(ToLearner::Snap(Zxid(0x1_0000_0001)));
    follower.give(Input::SnapshotReceived(LINK));
    assert_eq!(follower.left().len(), 2);
}

#[test]
fn a_leader_that_broke_a_rule_is_joined_again_only_when_votes_are_sent_again() {
    let mut follower = Follower::in_sync_with(&[0x1_0000_0001]);
    follower.told(ToLearner::LeaderInfo(Epoch(1)));
    assert!(matches!(follower.left()[..], [Leave::Leader(_)]));
    follower.hear_of_the_leader();
    follower.pass(199);
    follower.hear_of_the_leader();
    assert_eq!(follower.state(), PeerState::Looking);
    follower.pass(1);
    follower.hear_of_the_leader();
    assert_eq!(follower.state(), PeerState::Following);
}
