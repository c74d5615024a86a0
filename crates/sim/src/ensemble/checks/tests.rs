//! Every check finds what it is for.

use bytes::Bytes;
use proto::records::{CloseSessionTxn, CreateSessionTxn};
use proto::records::{CreateTxn, ErrorTxn, SetDataTxn, TxnHeader};
use proto::txn::{TxnBody, TxnRecord, owned};
use proto::{Epoch, EventType, Sid};

use super::*;

const ME: SessionId = SessionId(7);
const SID: Sid = Sid(1);
const OTHER: Sid = Sid(2);

fn z(epoch: i64, counter: i64) -> Zxid {
    Zxid(epoch << 32 | counter)
}

fn create(path: &str, ephemeral: bool) -> (OpCode, TxnBody<'static>) {
    let txn = CreateTxn {
        path: owned(path),
        data: Some(b"old"),
        acl: Some(datatree::open_acl_unsafe().to_vec()),
        ephemeral,
        parent_c_version: -1,
    };
    (OpCode::CREATE, TxnBody::Create(txn))
}

fn set_data(path: &str) -> (OpCode, TxnBody<'static>) {
    let txn = SetDataTxn {
        path: owned(path),
        data: Some(b"new"),
        version: 1,
    };
    (OpCode::SET_DATA, TxnBody::SetData(txn))
}

fn create_session() -> (OpCode, TxnBody<'static>) {
    let txn = CreateSessionTxn { time_out: 1000 };
    (OpCode::CREATE_SESSION, TxnBody::CreateSession(txn))
}

fn close_session() -> (OpCode, TxnBody<'static>) {
    let txn = CloseSessionTxn {
        paths2_delete: Some(Vec::new()),
    };
    (OpCode::CLOSE_SESSION, TxnBody::CloseSession(txn))
}

fn error(err: ErrorCode) -> (OpCode, TxnBody<'static>) {
    (OpCode::ERROR, TxnBody::Error(ErrorTxn { err }))
}

/// A history of epoch 1, beside a tree that every server has.
struct Stage {
    checks: Checks,
    tree: datatree::DataTree,
    records: Vec<(Zxid, Bytes, i64)>,
}

impl Stage {
    /// Epoch 1 has begun.
    fn new() -> Self {
        let mut stage = Stage {
            checks: Checks::default(),
            tree: datatree::DataTree::new(crate::server::tree_options()),
            records: Vec::new(),
        };
        stage.checks.history.begins(Epoch(1), SID, Zxid::ZERO);
        stage
            .checks
            .history
            .serves(SID, true, Epoch(1), Zxid::ZERO, 0);
        stage
    }

    fn propose(&mut self, zxid: Zxid, cxid: i32, (op, body): (OpCode, TxnBody<'static>)) {
        let header = TxnHeader {
            client_id: ME,
            cxid,
            zxid,
            time: 1,
            r#type: op,
        };
        let record = TxnRecord {
            header,
            body,
            digest: None,
        };
        self.tree.apply(&record, &mut |_| {});
        let bytes = record.to_bytes();
        self.checks.history.proposed(zxid, bytes.clone());
        self.records.push((zxid, bytes, self.tree.digest()));
    }

    /// The leader makes a txn, and it is committed.
    fn commit(&mut self, counter: i64, cxid: i32, txn: (OpCode, TxnBody<'static>)) {
        self.propose(z(1, counter), cxid, txn);
        self.apply(SID, self.records.len() - 1);
    }

    fn apply(&mut self, sid: Sid, index: usize) {
        let (zxid, record, digest) = self.records[index].clone();
        self.checks.history.applied(sid, zxid, &record, digest);
    }

    fn answer<'a>(&self, op: OpCode, zxid: Zxid, err: ErrorCode, body: &'a [u8]) -> Answered<'a> {
        Answered {
            session: ME,
            xid: 1,
            op,
            path: "/a",
            zxid,
            err,
            body,
        }
    }

    fn hear(&mut self, answered: &Answered<'_>, newest: Zxid) {
        let counts = &mut Counts::default();
        self.checks.answered(answered, newest, counts);
    }
}

fn two_creates() -> Stage {
    let mut stage = Stage::new();
    stage.commit(1, 1, create("/a", false));
    stage.commit(2, 2, create("/b", false));
    stage
}

#[test]
fn a_sound_history_passes() {
    let mut stage = two_creates();
    (0..2).for_each(|index| stage.apply(OTHER, index));
    let digest = stage.tree.digest();
    let history = &mut stage.checks.history;
    history.begins(Epoch(2), OTHER, z(1, 2));
    history.serves(OTHER, true, Epoch(2), z(1, 2), digest);
    history.serves(SID, false, Epoch(2), z(2, 0), digest);
    let answered = stage.answer(OpCode::CREATE, z(1, 1), ErrorCode::OK, b"");
    stage.hear(&answered, Zxid::ZERO);
    let missing = stage.answer(OpCode::EXISTS, Zxid::ZERO, ErrorCode::NO_NODE, b"");
    stage.hear(&missing, Zxid::ZERO);
}

#[test]
#[should_panic(expected = "a second leader that serves")]
fn two_leaders_of_an_epoch_are_found() {
    let mut stage = Stage::new();
    stage
        .checks
        .history
        .serves(OTHER, true, Epoch(1), Zxid::ZERO, 0);
}

#[test]
#[should_panic(expected = "a second leader with a quorum's promises")]
fn two_quorums_of_promises_are_found() {
    let mut stage = Stage::new();
    stage.checks.history.begins(Epoch(1), OTHER, Zxid::ZERO);
}

#[test]
#[should_panic(expected = "is committed")]
fn a_leader_that_lacks_what_is_committed_is_found() {
    let mut stage = two_creates();
    stage.checks.history.begins(Epoch(2), OTHER, z(1, 1));
    stage
        .checks
        .history
        .serves(OTHER, true, Epoch(2), z(1, 1), 0);
}

#[test]
#[should_panic(expected = "whose history has 0x100000001 where 0x100000002 is committed")]
fn another_history_is_found() {
    let mut stage = two_creates();
    stage.checks.history.begins(Epoch(2), OTHER, z(1, 1));
    stage.propose(z(2, 1), 3, create("/c", false));
    stage.apply(OTHER, 2);
}

#[test]
#[should_panic(expected = "applies another")]
fn another_txn_of_the_same_zxid_is_found() {
    let mut stage = two_creates();
    let (_, record, digest) = stage.records[0].clone();
    stage
        .checks
        .history
        .applied(OTHER, z(1, 2), &record, digest);
}

#[test]
#[should_panic(expected = "another tree at")]
fn another_tree_is_found() {
    let mut stage = two_creates();
    let (zxid, record, digest) = stage.records[1].clone();
    stage
        .checks
        .history
        .applied(OTHER, zxid, &record, digest + 1);
}

#[test]
#[should_panic(expected = "is acknowledged")]
fn an_answer_to_what_is_not_committed_is_found() {
    let mut stage = two_creates();
    stage.propose(z(1, 3), 3, create("/c", false));
    let answered = stage.answer(OpCode::CREATE, z(1, 3), ErrorCode::OK, b"");
    stage.hear(&answered, Zxid::ZERO);
}

#[test]
#[should_panic(expected = "is acknowledged")]
fn an_answer_of_another_result_is_found() {
    let mut stage = Stage::new();
    stage.commit(1, 1, error(ErrorCode::NO_NODE));
    let answered = stage.answer(OpCode::CREATE, z(1, 1), ErrorCode::OK, b"");
    stage.hear(&answered, Zxid::ZERO);
}

#[test]
#[should_panic(expected = "takes effect behind")]
fn a_request_behind_a_later_one_of_its_session_is_found() {
    let mut stage = two_creates();
    stage.commit(3, 1, create("/c", false));
}

#[test]
#[should_panic(expected = "has ended, and does something")]
fn a_session_that_goes_on_after_its_end_is_found() {
    let mut stage = Stage::new();
    stage.commit(1, 1, close_session());
    stage.commit(2, 2, create("/a", false));
}

#[test]
#[should_panic(expected = "its ephemeral znodes have not")]
fn an_ephemeral_znode_without_its_session_is_found() {
    Stage::new().commit(1, 1, create("/a", true));
}

#[test]
fn an_ephemeral_znode_that_goes_with_its_session_passes() {
    let mut stage = Stage::new();
    stage.commit(1, 0, create_session());
    stage.commit(2, 1, create("/a", true));
    stage.commit(3, 2, close_session());
    stage.checks.history.has_only_sessions(&[]);
}

#[test]
#[should_panic(expected = "of nobody is still there")]
fn a_session_that_never_ends_is_found() {
    let mut stage = Stage::new();
    stage.commit(1, 0, create_session());
    stage.checks.history.has_only_sessions(&[]);
}

#[test]
#[should_panic(expected = "is said to be gone")]
fn a_client_that_is_told_of_an_end_that_is_none_is_found() {
    let mut stage = Stage::new();
    stage.commit(1, 0, create_session());
    stage.checks.history.is_ending(ME, Epoch(1));
}

#[test]
fn a_server_need_not_know_of_a_session_of_a_later_epoch() {
    let mut stage = Stage::new();
    stage.commit(1, 0, create_session());
    stage.checks.history.is_ending(ME, Epoch(0));
}

#[test]
#[should_panic(expected = "a sync is through at")]
fn a_sync_that_is_through_too_early_is_found() {
    let mut stage = two_creates();
    let answered = stage.answer(OpCode::SYNC, z(1, 1), ErrorCode::OK, b"");
    stage.hear(&answered, z(1, 2));
}

#[test]
#[should_panic(expected = "shows None")]
fn a_read_that_does_not_show_a_write_is_found() {
    let mut stage = two_creates();
    let answered = stage.answer(OpCode::EXISTS, z(1, 1), ErrorCode::NO_NODE, b"");
    stage.hear(&answered, Zxid::ZERO);
}

fn watched() -> (Stage, Watch) {
    let mut stage = two_creates();
    let watch = Watch::left_by(OpCode::GET_DATA, "/a", z(1, 2), ErrorCode::OK);
    stage.commit(3, 3, set_data("/a"));
    (stage, watch.unwrap())
}

#[test]
fn a_watch_is_used_up_by_the_first_change_and_told_before_it_is_shown() {
    let (stage, watch) = watched();
    let history = &stage.checks.history;
    let watches = [watch];
    history.no_event_is_missing(&watches, z(1, 2));
    let fired = history.fired(&watches, z(1, 3), EventType::NodeDataChanged, "/a");
    assert_eq!(fired, watches);
}

#[test]
#[should_panic(expected = "was not told of")]
fn an_answer_that_comes_before_the_event_is_found() {
    let (stage, watch) = watched();
    stage.checks.history.no_event_is_missing(&[watch], z(1, 3));
}

#[test]
#[should_panic(expected = "which nobody watches")]
fn an_event_that_nobody_waits_for_is_found() {
    let (stage, _) = watched();
    let changed = EventType::NodeDataChanged;
    stage.checks.history.fired(&[], z(1, 3), changed, "/a");
}

#[test]
#[should_panic(expected = "is not what")]
fn an_event_of_no_change_is_found() {
    let (stage, watch) = watched();
    let changed = EventType::NodeDataChanged;
    stage.checks.history.fired(&[watch], z(1, 2), changed, "/a");
}

#[test]
fn a_session_may_expire_when_nobody_was_heard_of_it() {
    let mut sessions = Sessions::default();
    sessions.reached((SID, 1), &[(ME, 1000)], 500);
    sessions.expired((SID, 1), ME, 1500);
}

#[test]
#[should_panic(expected = "expires, of which")]
fn a_session_that_expires_though_it_was_heard_of_is_found() {
    let mut sessions = Sessions::default();
    sessions.reached((SID, 1), &[(ME, 1000)], 500);
    sessions.reached((SID, 1), &[(ME, 1000)], 900);
    sessions.expired((SID, 1), ME, 1500);
}

#[test]
#[should_panic(expected = "does not tell its leader")]
fn a_session_that_a_learner_keeps_to_itself_is_found() {
    let mut sessions = Sessions::default();
    sessions.heard((SID, 1), ME, 1000);
    sessions.told((SID, 1), &[], |_| false);
}
