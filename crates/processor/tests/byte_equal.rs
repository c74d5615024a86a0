//! Given the stamps of Apache's log, the same requests make the same records and replies.

mod common;

use common::golden::Golden;
use common::replica::{Apply, Replica};
use proto::ErrorCode;

fn play(golden: &Golden, apply: Apply) -> Replica<'_> {
    Replica::new(golden, apply).play()
}

fn assert_equal(replica: &Replica<'_>) {
    let found = &replica.differences;
    let first: Vec<&str> = found.iter().take(20).map(String::as_str).collect();
    assert!(
        found.is_empty(),
        "{} differences, the first ones:\n{}",
        found.len(),
        first.join("\n")
    );
}

/// Plays a history with each txn applied at once, then with some outstanding; all must give
/// Apache's records and replies. Where Apache's own digest does not fit its tree, the next txn
/// goes on from the tree, so nothing may be outstanding there.
fn check(golden: &Golden, records: usize, replies: usize) {
    let at_once = play(golden, Apply::AtOnce);
    assert_equal(&at_once);
    assert!(at_once.records_compared >= records);
    assert!(at_once.replies_compared >= replies);
    assert_eq!(at_once.tree().digest_mismatches(), golden.digest_mismatches);
    for most in [2, 7] {
        let late = Apply::Late(most, at_once.mismatches.clone());
        assert_equal(&play(golden, late));
    }
}

/// Leaves all txns outstanding. Not for a history with hard quotas: they are asked of the tree.
fn check_without_tree(golden: &Golden) {
    let mismatches = play(golden, Apply::AtOnce).mismatches;
    assert_equal(&play(golden, Apply::Never(mismatches)));
}

#[test]
fn the_history_of_all_txn_types_makes_apaches_bytes() {
    let golden = Golden::read("apache-3.9.5");
    check(&golden, 70, 80);
    check_without_tree(&golden);
}

#[test]
fn every_case_makes_apaches_bytes() {
    check(&Golden::read("cases"), 900, 1800);
}

#[test]
fn every_case_makes_apaches_bytes_with_default_settings() {
    let golden = Golden::read("cases-defaults");
    check(&golden, 900, 1800);
    check_without_tree(&golden);
}

#[test]
fn a_counter_of_children_at_its_end_makes_apaches_bytes() {
    check(&Golden::read("overflow"), 10, 15);
}

/// Each rule is broken somewhere: else the cases prove nothing.
#[test]
fn the_cases_have_every_refusal_of_every_kind_of_request() {
    use ErrorCode as E;
    let refusals = Golden::read("cases").refusals();
    let create = [
        E::INVALID_ACL,
        E::NODE_EXISTS,
        E::NO_CHILDREN_FOR_EPHEMERALS,
        E::NO_AUTH,
        E::NO_NODE,
        E::QUOTA_EXCEEDED,
        E::BAD_ARGUMENTS,
        E::MARSHALLING_ERROR,
    ];
    let change = [
        E::BAD_VERSION,
        E::NO_AUTH,
        E::NO_NODE,
        E::BAD_ARGUMENTS,
        E::MARSHALLING_ERROR,
    ];
    let read = [E::NO_AUTH, E::NO_NODE, E::MARSHALLING_ERROR];
    let expected: [(&str, &[ErrorCode]); 9] = [
        ("create", &create),
        ("delete", &[&change[..], &[E::NOT_EMPTY]].concat()),
        ("setData", &[&change[..], &[E::QUOTA_EXCEEDED]].concat()),
        ("setACL", &[&change[..], &[E::INVALID_ACL]].concat()),
        ("exists", &[&read[..], &[E::BAD_ARGUMENTS]].concat()),
        ("getData", &read),
        ("getACL", &read),
        ("removeWatches", &[E::NO_WATCHER, E::MARSHALLING_ERROR]),
        ("reconfig", &[E::RECONFIG_DISABLED, E::MARSHALLING_ERROR]),
    ];
    for (op, codes) in expected {
        assert_eq!(refusals[op], codes.iter().copied().collect(), "{op}");
    }
    let without_ttl = Golden::read("cases-defaults").refusals();
    assert!(without_ttl["createTTL"].contains(&E::UNIMPLEMENTED));
}
