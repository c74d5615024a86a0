//! A right history breaks no rule; for each rule, a history that is wrong in one place does.

use std::sync::Arc;

use histories::{
    Answer, Ask, Board, Broken, Event, GROUP_SIZE, History, Part, Path, Reply, Rule, Seen, member,
};
use proto::{AddWatchMode, ErrorCode, EventType, Zxid};

const NODE: &str = "/a";

fn node() -> Path {
    NODE.into()
}

/// One session, with requests numbered from 1.
struct Session {
    history: History,
    asked: i32,
    answered: i32,
}

type Outcome = Result<(), Broken>;

impl Session {
    fn on(board: &Arc<Board>) -> Self {
        Session {
            history: History::new(board.clone()),
            asked: 0,
            answered: 0,
        }
    }

    fn new() -> Self {
        Session::on(&Arc::default())
    }

    fn ask(&mut self, ask: Ask) {
        self.asked += 1;
        self.history.ask(self.asked, ask);
    }

    /// The next reply.
    fn answer(&mut self, zxid: i64, answer: Answer) -> Outcome {
        self.answered += 1;
        self.reply(self.answered, zxid, ErrorCode::OK, answer)
    }

    fn reply(&mut self, xid: i32, zxid: i64, err: ErrorCode, answer: Answer) -> Outcome {
        let zxid = Zxid(zxid);
        self.history.reply(&Reply {
            xid,
            zxid,
            err,
            answer,
        })
    }

    /// A request and its reply.
    fn call(&mut self, ask: Ask, zxid: i64, answer: Answer) -> Outcome {
        self.ask(ask);
        self.answer(zxid, answer)
    }

    fn event(&mut self, kind: EventType, path: &str, zxid: i64) -> Outcome {
        let (path, zxid) = (path.into(), Zxid(zxid));
        self.history.event(&Event { kind, path, zxid })
    }

    fn changed(&mut self, zxid: i64) -> Outcome {
        self.event(EventType::NodeDataChanged, NODE, zxid)
    }
}

fn get(watch: bool) -> Ask {
    Ask::Get {
        path: node(),
        watch,
    }
}

fn set() -> Ask {
    Ask::Set {
        path: node(),
        value: 7,
    }
}

fn watch(path: &str, mode: AddWatchMode) -> Ask {
    let path = path.into();
    Ask::Watch { path, mode }
}

fn list() -> Ask {
    let (path, watch) = ("/groups".into(), false);
    Ask::Children { path, watch }
}

fn nothing() -> Answer {
    Answer::default()
}

/// A version that came with the txn of this zxid.
fn seen(version: i32, zxid: i64) -> Answer {
    with_content(version, zxid, u64::from(version.unsigned_abs()))
}

fn with_content(version: i32, zxid: i64, content: u64) -> Answer {
    let content = Some(content);
    let zxid = Zxid(zxid);
    let seen = Seen {
        version,
        zxid,
        content,
    };
    Answer {
        seen: vec![((node(), Part::Data), seen)],
        names: None,
    }
}

fn names(version: i32, zxid: i64, names: &[String]) -> Answer {
    let mut answer = seen(version, zxid);
    answer.seen[0].0 = ("/groups".into(), Part::Children);
    answer.names = Some(names.iter().cloned().collect());
    answer
}

fn members(group: u64) -> Vec<String> {
    (0..GROUP_SIZE).map(|n| member(group, n)).collect()
}

fn create_group(group: u64) -> Ask {
    let parent = "/groups".into();
    Ask::CreateGroup { parent, group }
}

#[track_caller]
fn breaks(outcome: Outcome, rule: Rule) {
    assert_eq!(outcome.map_err(|broken| broken.rule), Err(rule));
}

#[test]
fn a_right_history_breaks_nothing() -> Outcome {
    let board = Arc::default();
    let (mut one, mut two) = (Session::on(&board), Session::on(&board));
    one.call(get(true), 5, seen(0, 1))?;
    two.call(watch(NODE, AddWatchMode::Persistent), 5, nothing())?;
    two.call(get(false), 5, seen(0, 1))?;
    one.ask(set());
    one.ask(get(false));
    one.changed(6)?;
    one.answer(6, with_content(1, 6, 7))?;
    two.changed(6)?;
    one.answer(6, with_content(1, 6, 7))?;
    two.call(get(false), 6, with_content(1, 6, 7))?;
    one.history.end()
}

#[test]
fn a_reply_that_overtakes_another_is_found() {
    let mut session = Session::new();
    session.ask(get(false));
    session.ask(get(false));
    breaks(session.reply(2, 5, ErrorCode::OK, seen(0, 1)), Rule::Order);
}

#[test]
fn a_reply_to_nothing_is_found() {
    breaks(Session::new().answer(5, nothing()), Rule::Order);
}

#[test]
fn a_request_without_a_reply_is_found() {
    let mut session = Session::new();
    session.ask(set());
    breaks(session.history.end(), Rule::Answered);
}

#[test]
fn an_error_that_must_not_be_is_found() {
    let mut session = Session::new();
    session.ask(set());
    let outcome = session.reply(1, 5, ErrorCode::NO_NODE, nothing());
    breaks(outcome, Rule::Outcome);
    let mut session = Session::new();
    breaks(session.call(Ask::Refused, 5, nothing()), Rule::Outcome);
}

#[test]
fn a_zxid_that_falls_is_found_also_over_a_reconnect() -> Outcome {
    let sync = || Ask::Sync { path: node() };
    let mut session = Session::new();
    session.call(sync(), 5, nothing())?;
    session.history.cut();
    breaks(session.call(sync(), 4, nothing()), Rule::Zxids);
    Ok(())
}

#[test]
fn a_reply_that_shows_what_is_past_its_zxid_is_found() {
    let read = Session::new().call(get(false), 5, seen(3, 6));
    breaks(read, Rule::NotAhead);
    let write = Session::new().call(set(), 6, seen(3, 5));
    breaks(write, Rule::NotAhead);
}

#[test]
fn a_znode_that_goes_back_is_found() -> Outcome {
    let mut session = Session::new();
    session.call(get(false), 5, seen(3, 5))?;
    breaks(session.call(get(false), 6, seen(2, 4)), Rule::Monotonic);
    Ok(())
}

#[test]
fn a_read_that_did_not_wait_for_its_sessions_write_is_found() -> Outcome {
    let mut session = Session::new();
    session.ask(set());
    session.ask(get(false));
    session.answer(6, seen(3, 6))?;
    breaks(session.answer(6, seen(2, 4)), Rule::OwnWrites);
    Ok(())
}

#[test]
fn a_list_without_the_sessions_own_child_is_found() -> Outcome {
    let mut session = Session::new();
    let path = "/groups/mine".into();
    session.ask(Ask::Create { path });
    session.ask(list());
    session.answer(6, nothing())?;
    breaks(session.answer(6, names(0, 1, &[])), Rule::OwnWrites);
    Ok(())
}

#[test]
fn a_read_that_shows_a_later_write_of_its_session_is_found() -> Outcome {
    let mut session = Session::new();
    session.ask(get(false));
    session.ask(set());
    session.answer(6, with_content(3, 6, 7))?;
    breaks(session.answer(6, with_content(3, 6, 7)), Rule::OwnLater);
    Ok(())
}

#[test]
fn a_read_that_misses_what_another_session_was_told_is_found() -> Outcome {
    let board = Arc::default();
    let (mut one, mut two) = (Session::on(&board), Session::on(&board));
    two.ask(get(false));
    one.call(set(), 6, with_content(3, 6, 7))?;
    two.answer(5, seen(2, 4))?;
    breaks(two.call(get(false), 6, seen(2, 4)), Rule::Fresh);
    Ok(())
}

#[test]
fn a_version_with_two_contents_is_found() -> Outcome {
    let board = Arc::default();
    let (mut one, mut two) = (Session::on(&board), Session::on(&board));
    one.call(get(false), 6, with_content(3, 6, 7))?;
    let other = two.call(get(false), 6, with_content(3, 6, 8));
    breaks(other, Rule::OneContent);
    let mut three = Session::on(&board);
    let other = three.call(get(false), 6, with_content(3, 5, 7));
    breaks(other, Rule::OneContent);
    Ok(())
}

#[test]
fn a_multi_that_is_read_half_is_found() {
    let pair: [Path; 2] = [node(), "/b".into()];
    let mut answer = seen(3, 6);
    let mut other = seen(2, 5).seen.remove(0);
    other.0.0 = pair[1].clone();
    answer.seen.push(other);
    let outcome = Session::new().call(Ask::GetPair { pair }, 6, answer);
    breaks(outcome, Rule::Together);
}

#[test]
fn a_read_that_overtakes_its_one_shot_event_is_found() -> Outcome {
    let mut session = Session::new();
    session.call(get(true), 5, seen(2, 4))?;
    breaks(session.call(get(false), 6, seen(3, 6)), Rule::EventFirst);
    Ok(())
}

#[test]
fn a_change_missed_while_disconnected_must_be_told() -> Outcome {
    let mut session = Session::new();
    session.call(get(true), 5, seen(2, 4))?;
    let rewatch = session.history.cut();
    session.call(rewatch, 6, nothing())?;
    breaks(session.call(get(false), 6, seen(3, 6)), Rule::EventFirst);
    let mut session = Session::new();
    session.call(get(true), 5, seen(2, 4))?;
    let rewatch = session.history.cut();
    session.ask(rewatch);
    session.changed(-1)?;
    session.answer(6, nothing())?;
    session.call(get(false), 6, seen(3, 6))
}

#[test]
fn a_read_that_overtakes_a_persistent_watchs_event_is_found() -> Outcome {
    for mode in [AddWatchMode::Persistent, AddWatchMode::PersistentRecursive] {
        let mut session = Session::new();
        session.call(watch(NODE, mode), 5, nothing())?;
        session.call(get(false), 5, seen(2, 4))?;
        breaks(session.call(get(false), 6, seen(3, 6)), Rule::EventFirst);
    }
    Ok(())
}

#[test]
fn a_recursive_watch_on_the_root_is_on_everything() -> Outcome {
    let mut session = Session::new();
    let recursive = watch("/", AddWatchMode::PersistentRecursive);
    session.call(recursive, 5, nothing())?;
    session.changed(6)
}

#[test]
fn an_event_before_the_reply_that_registers_its_watch_is_found() {
    let mut session = Session::new();
    session.ask(get(true));
    breaks(session.changed(6), Rule::Registered);
}

#[test]
fn a_one_shot_watch_that_fires_twice_is_found() -> Outcome {
    let mut session = Session::new();
    session.call(get(true), 5, seen(2, 4))?;
    session.changed(6)?;
    breaks(session.changed(7), Rule::Registered);
    Ok(())
}

#[test]
fn an_event_out_of_its_place_among_zxids_is_found() -> Outcome {
    let watching = || -> Result<Session, Broken> {
        let mut session = Session::new();
        session.call(watch(NODE, AddWatchMode::Persistent), 5, nothing())?;
        Ok(session)
    };
    breaks(watching()?.changed(5), Rule::EventZxids);
    let mut behind_another = watching()?;
    behind_another.changed(7)?;
    breaks(behind_another.changed(6), Rule::EventZxids);
    let mut behind_a_reply = watching()?;
    behind_a_reply.changed(7)?;
    let stale = behind_a_reply.call(get(false), 6, seen(2, 4));
    breaks(stale, Rule::EventZxids);
    breaks(watching()?.changed(-1), Rule::EventZxids);
    Ok(())
}

#[test]
fn an_event_that_comes_twice_or_for_no_change_is_found() -> Outcome {
    let mut session = Session::new();
    session.call(watch(NODE, AddWatchMode::Persistent), 5, nothing())?;
    session.call(get(false), 5, seen(2, 4))?;
    session.changed(6)?;
    session.changed(6)?;
    breaks(session.call(get(false), 6, seen(3, 6)), Rule::EachOnce);
    Ok(())
}

#[test]
fn a_list_that_events_did_not_tell_of_is_found() -> Outcome {
    let mut session = Session::new();
    let recursive = watch("/groups", AddWatchMode::PersistentRecursive);
    session.call(recursive, 5, nothing())?;
    session.call(list(), 5, names(0, 1, &[]))?;
    session.event(EventType::NodeCreated, "/groups/x", 6)?;
    let listed = session.call(list(), 6, names(1, 6, &["y".to_owned()]));
    breaks(listed, Rule::Children);
    Ok(())
}

#[test]
fn ephemerals_that_come_or_go_one_by_one_are_found() -> Outcome {
    let mut listing = Session::new();
    let some = &members(1)[1..];
    let listed = listing.call(list(), 6, names(1, 6, some));
    breaks(listed, Rule::Ephemerals);
    let mut watching = Session::new();
    let recursive = watch("/groups", AddWatchMode::PersistentRecursive);
    watching.call(recursive, 5, nothing())?;
    let path = |n| format!("/groups/{}", member(1, n));
    watching.event(EventType::NodeDeleted, &path(0), 6)?;
    let later = watching.event(EventType::NodeDeleted, &path(1), 7);
    breaks(later, Rule::Ephemerals);
    Ok(())
}

#[test]
fn a_reply_amid_the_events_of_one_txn_is_found() -> Outcome {
    let mut session = Session::new();
    let recursive = watch("/groups", AddWatchMode::PersistentRecursive);
    session.call(recursive, 5, nothing())?;
    let path = format!("/groups/{}", member(1, 0));
    session.event(EventType::NodeDeleted, &path, 6)?;
    let amid = session.call(get(false), 6, seen(2, 4));
    breaks(amid, Rule::Ephemerals);
    Ok(())
}

#[test]
fn ephemerals_of_an_ended_session_are_found() -> Outcome {
    let board = Arc::default();
    let (mut one, mut two) = (Session::on(&board), Session::on(&board));
    one.call(create_group(1), 6, nothing())?;
    two.call(list(), 6, names(1, 6, &members(1)))?;
    one.ask(Ask::Close);
    two.ask(list());
    one.answer(7, nothing())?;
    two.answer(6, names(1, 6, &members(1)))?;
    let after = two.call(list(), 7, names(1, 6, &members(1)));
    breaks(after, Rule::Closed);
    Ok(())
}

#[test]
fn ephemerals_that_are_gone_too_early_are_found() -> Outcome {
    let board = Arc::default();
    let (mut one, mut two) = (Session::on(&board), Session::on(&board));
    one.call(create_group(1), 6, nothing())?;
    breaks(two.call(list(), 6, names(0, 1, &[])), Rule::Closed);
    Ok(())
}
