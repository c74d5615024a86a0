//! dump, with a thread in the replica's place.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proto::SessionId;

use super::connections::joined;
use super::*;
use crate::clock;
use crate::replica::Input;
use crate::words::dump::{PATIENCE, java_date};

/// The answer to dump, when these sessions expire in so many ms.
fn dumped(server: &Shared, sessions: &[(i64, i64)]) -> String {
    let now_ms = clock::monotonic_ms();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut inputs = Vec::new();
            server.replica.take(&mut inputs, Some(PATIENCE));
            for input in inputs {
                let Input::ListSessions { asker, .. } = input else {
                    panic!("something else than a question: {input:?}");
                };
                let mut listed: BTreeMap<i64, Vec<SessionId>> = BTreeMap::new();
                for &(session, left_ms) in sessions {
                    let bucket = listed.entry(now_ms + left_ms).or_default();
                    bucket.push(SessionId(session));
                }
                asker.send(listed).expect("somebody asks");
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let asker = asker();
        let answer = answer(server, &asker, *b"dump", None);
        let answer = runtime.expect("a runtime").block_on(answer);
        answer.expect("an answer")
    })
}

#[test]
fn sessions_and_connections_stand_where_apache_has_them() {
    let server = alone("");
    joined(&server, 1, SessionId(0x1_0000_0000_0001));
    let told = dumped(&server, &[(0x22, 9000), (0x21, 9000), (0x23, 4000)]);
    // Dates are looked at below.
    let told: Vec<&str> = told
        .lines()
        .map(|line| line.find(" expire at ").map_or(line, |end| &line[..end]))
        .collect();
    let expected = [
        "SessionTracker dump:",
        "Session Sets (2)/(3):",
        "1",
        "\t0x23",
        "2",
        "\t0x21",
        "\t0x22",
        "ephemeral nodes dump:",
        "Sessions with Ephemerals (0):",
        "Connections dump:",
        "Connections Sets (1)/(1):",
        "1",
        "\tip: /127.0.0.1:40001 sessionId: 0x1000000000001",
    ];
    assert_eq!(told, expected);
    let titles =
        |line: &&str| line.ends_with("dump:") || line.contains("Sets") || line.contains("with");
    let title = |line: &str| line.split('(').next().map(str::to_owned);
    let golden = golden("standalone.dump");
    let captured: Vec<_> = golden.lines().filter(titles).map(title).collect();
    let expected: Vec<_> = expected.into_iter().filter(titles).map(title).collect();
    assert_eq!(captured, expected);
}

#[test]
fn times_are_written_as_java_writes_dates() {
    // The machine's zone; here two that do not need its files.
    let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
    for (wall_ms, zone, text) in [
        (
            1_795_871_810_286,
            TimeZone::UTC,
            "Sat Nov 28 13:16:50 UTC 2026",
        ),
        (
            1_795_871_810_286,
            berlin.clone(),
            "Sat Nov 28 14:16:50 CET 2026",
        ),
        (1_780_272_000_000, berlin, "Mon Jun 01 02:00:00 CEST 2026"),
    ] {
        assert_eq!(java_date(wall_ms, &zone), text);
    }
}

#[test]
fn a_learner_tells_timeouts_and_asks_nobody() {
    let captured = Captured::serving("follower", PeerState::Following);
    let told = captured.asks("dump");
    let begin = "SessionTracker dump:\nGlobal Sessions(0):\nephemeral nodes dump:\n";
    assert!(told.starts_with(begin), "{told}");
}

#[test]
fn a_replica_that_has_stopped_is_not_waited_for_without_end() {
    let told = ask(&alone(""), "dump", None);
    assert_eq!(told, Some(format!("{NOT_SERVING}\n")));
}
