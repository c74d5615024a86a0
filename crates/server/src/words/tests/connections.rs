//! cons, crst and srst, and what a new role forgets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use processor::{AuthRules, SessionTable};
use proto::{ErrorCode, OpCode, SessionId, Zxid};

use super::*;
use crate::clock;
use crate::connection::figures::{Answered, Figures, name};
use crate::connection::{Bound, Connection};
use crate::words::connections::of_session;

/// A connection with this session, which the server knows.
pub(super) fn joined(server: &Shared, number: u64, session: SessionId) -> Arc<Connection> {
    joined_on(false, server, number, session)
}

/// The same, on the port with TLS or the plain one.
pub(super) fn joined_on(
    secure_port: bool,
    server: &Shared,
    number: u64,
    session: SessionId,
) -> Arc<Connection> {
    let remote = SocketAddr::from(([127, 0, 0, 1], 40_000 + number as u16));
    let mut connection = Connection::new(number, remote, None, &AuthRules::default());
    connection.on_secure_port = secure_port;
    let connection = Arc::new(connection);
    let mut sessions = SessionTable::new(SessionId(1), 2000);
    let bound = Bound {
        id: session,
        timeout_ms: 20_000,
        handle: sessions.track(session, 20_000, clock::monotonic_ms()),
    };
    connection.session.set(bound).expect("no session yet");
    let mut watchers = server.watchers.lock();
    watchers
        .connections
        .insert(connection.id, connection.clone());
    connection
}

/// What stands behind a key in a line of cons.
fn field<'a>(line: &'a str, key: &str) -> &'a str {
    let (_, behind) = line.split_once(&format!("{key}=")).expect("the key");
    behind.split([',', ')']).next().expect("a value")
}

fn number(line: &str, key: &str) -> i64 {
    let text = field(line, key);
    match text.strip_prefix("0x") {
        Some(hex) => i64::from_str_radix(hex, 16).expect("hexadecimal"),
        None => text.parse().expect("a number"),
    }
}

/// As the captured session was: reset by crst, then one request, a ping or another one.
fn figures(line: &str) -> Figures {
    let (op, xid) = match line.contains("lcxid") {
        true => (OpCode::GET_DATA, number(line, "lcxid") as i32),
        false => (OpCode::PING, -2),
    };
    let response_ms = number(line, "lresp");
    let answered = Answered {
        name: name(op, ErrorCode::OK),
        xid,
        zxid: Zxid(number(line, "lzxid")),
        received_ms: response_ms - number(line, "llat"),
        is_update: false,
    };
    let mut figures = Figures::reset();
    figures.add(&answered, response_ms);
    figures
}

#[test]
fn cons_tells_of_a_session_as_apache_to_the_letter() {
    let golden = golden("standalone.cons");
    let lines: Vec<&str> = golden
        .lines()
        .filter(|line| line.contains("sid="))
        .collect();
    assert_eq!(lines.len(), 2);
    for line in lines {
        let bound = Bound {
            id: SessionId(number(line, "sid")),
            timeout_ms: number(line, "to") as i32,
            handle: SessionTable::new(SessionId(1), 2000).track(SessionId(1), 1, 0),
        };
        let text = of_session(&bound, number(line, "est"), &figures(line));
        let (_, expected) = line.split_once(",sid=").expect("a session");
        assert_eq!(text, format!(",sid={}", expected.trim_end_matches(')')));
    }
}

#[test]
fn cons_lists_each_connection_and_ends_with_an_empty_line() {
    let server = alone("");
    joined(&server, 2, SessionId(0x1_0000_0000_0002));
    joined(&server, 1, SessionId(0x1_0000_0000_0001));
    let cons = ask(&server, "cons", None).expect("an answer");
    let begin = " /127.0.0.1:40001[1](queued=0,recved=0,sent=0,sid=0x1000000000001,lop=null,est=";
    assert!(cons.starts_with(begin), "{cons}");
    assert_eq!(
        cons.lines()
            .filter(|line| line.ends_with(",maxlat=0)"))
            .count(),
        2
    );
    assert!(cons.ends_with(")\n\n"), "{cons}");
    // One that brought a word waits for nothing.
    let server = alone("");
    let word = joined(&server, 1, SessionId(1)).traffic.word.set(*b"cons");
    assert_eq!(word, Ok(()));
    assert!(
        ask(&server, "cons", None)
            .expect("an answer")
            .contains(":40001[0](")
    );
}

#[test]
fn refused_writes_have_no_name_and_negative_numbers_are_not_remembered() {
    assert_eq!(name(OpCode::CREATE_TTL, ErrorCode::OK), "CREA");
    assert_eq!(name(OpCode::CREATE_TTL, ErrorCode::NO_NODE), "NA");
    let answered = |xid, received_ms| Answered {
        name: "GETD",
        xid,
        zxid: Zxid(7),
        received_ms,
        is_update: false,
    };
    let mut figures = Figures::default();
    assert_eq!(
        (figures.least_ms(), figures.mean_ms(), figures.most_ms),
        (0, 0, 0)
    );
    figures.add(&answered(3, 90), 100);
    figures.add(&answered(-8, 95), 100);
    assert_eq!((figures.last_cxid, figures.last_zxid), (3, Zxid(7)));
    assert_eq!(
        (figures.least_ms(), figures.mean_ms(), figures.most_ms),
        (5, 7, 10)
    );
}

/// Frames of the server, and of the connection.
fn sent(server: &Shared, connection: &Connection) -> (u64, u64) {
    (server.packets_sent(), connection.traffic.sent.load(Relaxed))
}

#[test]
fn crst_and_srst_forget_each_its_own() {
    let server = alone("");
    let connection = joined(&server, 1, SessionId(1));
    let send = |count| {
        for _ in 0..count {
            connection.send(|_| {});
        }
    };
    server.stats.packets_sent.fetch_add(10, Relaxed); // of connections that have ended
    send(3);
    assert_eq!(sent(&server, &connection), (13, 3));
    assert_eq!(ask(&server, "crst", None), Some(golden("standalone.crst")));
    assert_eq!(sent(&server, &connection), (13, 0));
    send(2);
    assert_eq!(ask(&server, "srst", None), Some(golden("standalone.srst")));
    assert_eq!(sent(&server, &connection), (0, 2));
    send(1);
    assert_eq!(sent(&server, &connection), (1, 3));
}

#[test]
fn srst_forgets_counters_but_no_namespace() {
    let server = alone("");
    let stats = &server.stats;
    stats.latency_ms.add(7, 1);
    for counter in [&stats.auth_failed, &stats.packets_received] {
        crate::stats::ServerStats::count(counter);
    }
    let metrics = &server.metrics;
    metrics.quota_exceeded_error_per_namespace.add("app", 3);
    metrics.connection_rejected.add(1);
    metrics.readlatency.add(5);
    ask(&server, "srst", None);
    let mntr = ask(&server, "mntr", None).expect("an answer");
    for line in [
        "zk_max_latency\t0",
        "zk_packets_received\t0",
        "zk_connection_rejected\t0",
        "zk_max_readlatency\t0",
        "zk_app_quota_exceeded_error_per_namespace\t0",
        "zk_auth_failed_count\t1",
    ] {
        assert!(mntr.contains(&format!("{line}\n")), "{line}: {mntr}");
    }
}

#[test]
fn srst_forgets_the_sizes_of_a_leaders_proposals() {
    let captured = Captured::serving("leader", PeerState::Leading);
    propose(&captured.server, &golden("leader.srvr"));
    captured.asks("srst");
    let srvr = captured.asks("srvr");
    assert!(
        srvr.ends_with("\nProposal sizes last/min/max: -1/-1/-1\n"),
        "{srvr}"
    );
}
