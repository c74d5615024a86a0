//! The words that need neither connections nor watches: dirs, envi, gtmk, hash, stmk.

use std::collections::BTreeMap;

use super::*;
use crate::words::environment::java_arch;

#[test]
fn dirs_tells_both_sizes() {
    let told = ask(&alone(""), "dirs", None).expect("an answer");
    assert_eq!(told, "datadir_size: 3\nlogdir_size: 5\n");
    let keys = |text: &str| {
        let keys = text
            .lines()
            .map(|line| line.split(' ').next().map(str::to_owned));
        keys.collect::<Vec<_>>()
    };
    assert_eq!(keys(&told), keys(&golden("standalone.dirs")));
}

#[test]
fn a_tree_without_txns_has_no_digests() {
    assert_eq!(ask(&alone(""), "hash", None), Some(String::new()));
}

fn entries(envi: &str) -> Vec<(&str, &str)> {
    let lines = envi.lines().filter_map(|line| line.split_once('='));
    lines.collect()
}

#[test]
fn envi_has_apaches_keys_in_its_order() {
    let (told, expected) = (
        ask(&alone(""), "envi", None).expect("an answer"),
        golden("standalone.envi"),
    );
    let keys = |text| {
        let keys = entries(text).into_iter().map(|(key, _)| key);
        keys.collect::<Vec<_>>()
    };
    assert_eq!(keys(&told), keys(&expected));
    assert_eq!(told.lines().next(), expected.lines().next());
    let values: BTreeMap<_, _> = entries(&told).into_iter().collect();
    for key in [
        "java.version",
        "java.vendor",
        "java.home",
        "java.class.path",
        "java.compiler",
    ] {
        assert_eq!(values[key], "<NA>", "{key}");
    }
    assert_eq!(values["os.name"], "Linux");
    for key in ["os.memory.free", "os.memory.max", "os.memory.total"] {
        let number = values[key].strip_suffix("MB").expect("MB");
        assert!(number.parse::<u64>().is_ok(), "{key}: {number}");
    }
    assert_ne!(values["os.memory.total"], "0MB");
}

#[test]
fn machines_have_javas_names() {
    assert_eq!(
        [java_arch("x86_64"), java_arch("aarch64")],
        ["amd64", "aarch64"]
    );
}

#[test]
fn stmk_keeps_its_number_for_gtmk() {
    let server = alone("");
    assert_eq!(ask(&server, "gtmk", None), Some(golden("standalone.gtmk")));
    for mask in [0, i64::MIN, 306] {
        assert_eq!(ask(&server, "stmk", Some(mask)), Some(mask.to_string()));
        assert_eq!(ask(&server, "gtmk", None), Some(mask.to_string()));
    }
    assert_eq!(ask(&server, "stmk", None), None);
    assert_eq!(ask(&server, "gtmk", None), Some("306".to_owned()));
}

#[test]
fn stmk_has_a_number_only_where_it_is_allowed() {
    assert!(has_argument(&alone(""), *b"stmk"));
    let server = alone("ruok");
    assert!(!has_argument(&server, *b"stmk") && !has_argument(&alone(""), *b"gtmk"));
    let refused = "stmk is not executed because it is not in the whitelist.\n";
    assert_eq!(ask(&server, "stmk", None), Some(refused.to_owned()));
}

#[test]
fn each_word_has_an_answer_while_clients_are_served() {
    let captured = Captured::serving("leader", PeerState::Leading);
    for word in KNOWN.into_iter().filter(|word| *word != &TELNET_INTERRUPT) {
        let word = std::str::from_utf8(word).expect("letters");
        // The replica, which dump asks, is not there.
        if !["dump", "stmk"].contains(&word) {
            assert!(!captured.asks(word).contains(NOT_SERVING), "{word}");
        }
    }
}
