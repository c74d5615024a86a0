use super::*;

const ME: Sid = Sid(5);

fn address(text: &str) -> PeerAddress {
    PeerAddress::parse(text).unwrap()
}

/// Server 5, which knows servers 1 and 9.
fn table() -> Table {
    let server = |sid: i64| (Sid(sid), vec![address(&format!("zoo{sid}:3888"))]);
    Table::new(ME, &[1, 5, 9].map(server).into())
}

fn hello(sid: i64, addresses: &[&str]) -> Hello {
    Hello {
        sid: Sid(sid),
        addresses: addresses.iter().map(|text| address(text)).collect(),
    }
}

fn open(table: &mut Table, sid: i64, serial: u64) -> Arc<Notify> {
    let wake = Arc::new(Notify::new());
    let link = OpenLink {
        serial,
        wake: wake.clone(),
        _task: None,
    };
    table.open(Sid(sid), link);
    wake
}

fn message(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn the_newest_message_wins() {
    let mut table = table();
    let way = Way::Connect(vec![address("zoo1:3888")]);
    assert_eq!(table.queue(Sid(1), message("old")), way);
    assert_eq!(table.queue(Sid(1), message("new")), way);
    open(&mut table, 1, 0);
    assert_eq!(table.first_message(Sid(1)), Some(message("new")));
    assert_eq!(table.next_message(Sid(1)), None);
}

#[test]
fn a_new_connection_begins_with_the_last_message_unless_there_is_a_newer_one() {
    let mut table = table();
    open(&mut table, 9, 0);
    assert_eq!(table.first_message(Sid(9)), None);
    assert_eq!(table.queue(Sid(9), message("one")), Way::Clear);
    assert_eq!(table.next_message(Sid(9)), Some(message("one")));
    assert_eq!(table.ended(Sid(9), 0), Way::Clear);
    open(&mut table, 9, 1);
    assert_eq!(table.first_message(Sid(9)), Some(message("one")));
    assert_eq!(table.ended(Sid(9), 1), Way::Clear);
    table.queue(Sid(9), message("two"));
    open(&mut table, 9, 2);
    assert_eq!(table.first_message(Sid(9)), Some(message("two")));
}

#[test]
fn the_connection_of_the_larger_sid_is_kept() {
    let mut table = table();
    assert_eq!(table.hello(hello(9, &["told:1"]), 0), Verdict::Keep(Sid(9)));
    assert!(!table.keeps_own(Sid(9)) && table.keeps_own(Sid(1)));
}

#[test]
fn a_smaller_sid_is_connected_back_to_where_it_says_else_where_it_is_configured() {
    let mut table = table();
    open(&mut table, 1, 0);
    let back = |texts: &[&str]| {
        Verdict::ConnectBack(Sid(1), texts.iter().map(|text| address(text)).collect())
    };
    let verdict = table.hello(hello(1, &["told:1"]), 1);
    assert_eq!(verdict, back(&["told:1", "zoo1:3888"]));
    assert!(table.links().is_empty(), "the other side has lost it");
    assert_eq!(table.hello(hello(1, &[]), 2), back(&["zoo1:3888"]));
}

#[test]
fn the_own_sid_is_refused() {
    assert_eq!(table().hello(hello(5, &["told:1"]), 0), Verdict::Own);
}

#[test]
fn a_newer_connection_replaces_an_older_one_and_never_the_other_way() {
    let mut table = table();
    open(&mut table, 9, 4);
    assert_eq!(table.hello(hello(9, &[]), 3), Verdict::Old);
    assert_eq!(table.hello(hello(9, &[]), 5), Verdict::Keep(Sid(9)));
    open(&mut table, 9, 5);
    assert_eq!(table.ended(Sid(9), 4), Way::Clear);
    assert_eq!(table.links(), [(Sid(9), 5)].into());
}

#[test]
fn what_is_pending_when_a_connection_ends_asks_for_another() {
    let mut table = table();
    let wake = open(&mut table, 1, 0);
    assert_eq!(table.queue(Sid(1), message("one")), Way::Clear);
    drop(wake);
    let way = Way::Connect(vec![address("zoo1:3888")]);
    assert_eq!(table.ended(Sid(1), 0), way);
}

#[tokio::test]
async fn one_connection_is_made_at_a_time() {
    let tasks = super::super::super::tasks::Tasks::new();
    let mut table = table();
    table.connecting(Sid(1), || tasks.spawn(std::future::pending()));
    table.connecting(Sid(1), || panic!("a second one"));
    assert_eq!(table.queue(Sid(1), message("one")), Way::Clear);
    table.knocked(Sid(1));
    assert_ne!(table.queue(Sid(1), message("two")), Way::Clear);
}

#[test]
fn an_unreachable_server_is_news_once_until_it_was_reached() {
    let mut table = table();
    assert!(table.not_connected(Sid(1)));
    assert!(!table.not_connected(Sid(1)));
    open(&mut table, 1, 0);
    assert!(table.not_connected(Sid(1)));
}

#[test]
fn observers_without_a_number_get_one_each() {
    let mut table = table();
    for sid in [-1, -2, -3] {
        let verdict = table.hello(hello(i64::MAX, &["told:1"]), 0);
        let back = Verdict::ConnectBack(Sid(sid), vec![address("told:1")]);
        assert_eq!(verdict, back);
    }
    let nowhere = table.hello(hello(i64::MAX, &[]), 0);
    assert_eq!(nowhere, Verdict::Unreachable(Sid(-4)));
}

#[test]
fn a_server_in_no_server_line_is_spoken_to_while_it_is_connected() {
    let mut table = table();
    assert_eq!(table.queue(Sid(7), message("lost")), Way::Unknown);
    assert_eq!(table.hello(hello(7, &[]), 0), Verdict::Keep(Sid(7)));
    open(&mut table, 7, 0);
    assert_eq!(table.queue(Sid(7), message("answer")), Way::Clear);
    assert_eq!(table.first_message(Sid(7)), Some(message("answer")));
    assert_eq!(table.ended(Sid(7), 0), Way::Clear);
    assert_eq!(table.queue(Sid(7), message("lost")), Way::Unknown);
}

#[test]
fn servers_in_no_server_line_are_bounded_and_keep_nobody_else_out() {
    let mut table = table();
    for stranger in 0..MAX_ELECTION_STRANGERS as i64 {
        let sid = 100 + stranger;
        assert_eq!(table.hello(hello(sid, &[]), 0), Verdict::Keep(Sid(sid)));
        open(&mut table, sid, 0);
    }
    assert_eq!(table.hello(hello(10, &[]), 0), Verdict::Crowded);
    assert_eq!(table.hello(hello(9, &[]), 0), Verdict::Keep(Sid(9)));
    assert_eq!(table.hello(hello(100, &[]), 1), Verdict::Keep(Sid(100)));
    table.ended(Sid(100), 0);
    assert_eq!(table.hello(hello(10, &[]), 0), Verdict::Keep(Sid(10)));
}
