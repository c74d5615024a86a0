//! wchs, wchc and wchp.

use std::collections::{BTreeMap, BTreeSet};

use datatree::WatcherId;
use proto::SessionId;

use super::connections::joined;
use super::*;
use crate::limits;

/// The lines that are not indented, each with those below it.
fn blocks(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut blocks: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut head = "";
    for line in text.lines() {
        match line.strip_prefix('\t') {
            Some(below) => drop(blocks.entry(head).or_default().insert(below)),
            None => {
                head = line;
                assert!(
                    blocks.insert(line, BTreeSet::new()).is_none(),
                    "{line} twice"
                );
            }
        }
    }
    blocks
}

/// A server with the captured watches, and some of children, which the words do not show.
fn captured() -> Shared {
    let server = alone("");
    let golden = golden("standalone.wchc");
    for (number, (session, paths)) in (1..).zip(blocks(golden.trim_end())) {
        let session = i64::from_str_radix(&session[2..], 16).expect("an id");
        let connection = joined(&server, number, SessionId(session));
        let watches = &mut server.watchers.lock().watches;
        for path in paths {
            watches.watch_data(path, connection.id);
        }
        watches.watch_children("/child", connection.id);
    }
    server
}

#[test]
fn the_watches_of_data_are_told_as_apache_tells_them() {
    let server = captured();
    let ask = |word| ask(&server, word, None).expect("an answer");
    assert_eq!(ask("wchs"), golden("standalone.wchs"));
    for word in ["wchc", "wchp"] {
        let (told, expected) = (ask(word), golden(&format!("standalone.{word}")));
        assert_eq!(blocks(&told), blocks(&expected), "{word}");
        assert_eq!(told.len(), expected.len(), "{word}: {told}");
        assert!(told.ends_with("\n\n"), "{word}: {told}");
    }
}

#[test]
fn watches_that_are_more_than_one_slice_are_all_told() {
    let server = alone("");
    let paths = limits::WORD_WATCHES_SLICE / 2 + 1;
    for number in 1..=5 {
        let session = SessionId(number as i64);
        let connection = joined(&server, number, session);
        let watches = &mut server.watchers.lock().watches;
        (0..paths).for_each(|path| watches.watch_data(&format!("/{path}"), connection.id));
    }
    let told = ask(&server, "wchc", None).expect("an answer");
    let told = blocks(told.trim_end());
    assert_eq!(told.len(), 5);
    assert!(told.values().all(|of_one| of_one.len() == paths));
    let told = ask(&server, "wchp", None).expect("an answer");
    let told = blocks(told.trim_end());
    assert_eq!(told.len(), paths);
    assert!(told.values().all(|sessions| sessions.len() == 5));
}

#[test]
fn watches_of_a_connection_that_has_gone_are_not_told() {
    let server = captured();
    let gone = WatcherId(1);
    let mut watchers = server.watchers.lock();
    watchers.watches.remove_watcher(gone);
    watchers.connections.remove(&gone);
    drop(watchers);
    let told = ask(&server, "wchs", None).expect("an answer");
    assert_eq!(told, "1 connections watching 2 paths\nTotal watches:2\n");
}
