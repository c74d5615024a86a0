//! Stores that keytool and openssl wrote (`fixtures/make.sh`).

use super::*;
use crate::names;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../fixtures/", $name)).as_slice()
    };
}

/// Alias and subjects of the chain, of each key.
fn summary(keys: &[KeyEntry]) -> Vec<(String, Vec<String>)> {
    let chain = |entry: &KeyEntry| entry.chain.iter().filter_map(names::subject).collect();
    keys.iter()
        .map(|entry| (entry.alias.clone(), chain(entry)))
        .collect()
}

fn own(alias: &str, names: &[&str]) -> (String, Vec<String>) {
    (
        alias.to_owned(),
        names
            .iter()
            .map(|name| format!("CN={name},O=Tests"))
            .collect(),
    )
}

fn aliases(trusted: &[TrustedEntry]) -> Vec<&str> {
    trusted.iter().map(|entry| entry.alias.as_str()).collect()
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, StoreError>) -> String {
    outcome.expect_err("refused").to_string()
}

#[test]
fn a_jks_store_gives_its_keys_and_what_it_trusts() {
    let store = fixture!("key.jks");
    let found = keys(store, None, "changeit").unwrap();
    assert_eq!(
        summary(&found),
        [own("second", &["two"]), own("first", &["one"])]
    );
    assert_eq!(
        aliases(&trusted(store, None, "changeit").unwrap()),
        ["friend"]
    );
}

#[test]
fn a_password_need_not_be_ascii() {
    let found = keys(fixture!("password.jks"), Some(StoreType::Jks), "sécret €").unwrap();
    assert_eq!(summary(&found), [own("first", &["one"])]);
}

#[test]
fn the_content_tells_the_type_and_not_the_name() {
    let store = fixture!("really-pkcs12.jks");
    for declared in [None, Some(StoreType::Jks), Some(StoreType::Pkcs12)] {
        let found = keys(store, declared, "changeit").unwrap();
        assert_eq!(summary(&found), [own("first", &["one"])]);
        assert_eq!(
            aliases(&trusted(store, declared, "changeit").unwrap()),
            ["friend"]
        );
    }
    let refused = refusal(keys(store, Some(StoreType::Pem), "changeit"));
    assert!(
        refused.contains("written as PKCS12") && refused.contains("says PEM"),
        "{refused}"
    );
}

#[test]
fn openssls_stores_give_the_key_with_its_issuer() {
    let found = keys(fixture!("openssl.p12"), None, "changeit").unwrap();
    assert_eq!(summary(&found), [own("leaf", &["leaf", "ca"])]);
    let found = keys(fixture!("legacy.p12"), None, "changeit").unwrap();
    assert_eq!(summary(&found), [own("1", &["leaf", "ca"])]);
    let found = keys(fixture!("empty-password.p12"), None, "").unwrap();
    assert_eq!(summary(&found), [own("1", &["leaf"])]);
}

#[test]
fn what_openssl_puts_into_a_store_is_not_trusted() {
    let refused = refusal(trusted(fixture!("openssl-trust.p12"), None, "changeit"));
    assert!(refused.contains("keytool -importcert"), "{refused}");
}

#[test]
fn pem_may_have_words_between_and_a_password() {
    for (store, password) in [
        (fixture!("plain.pem"), ""),
        (fixture!("encrypted.pem"), "changeit"),
        (fixture!("encrypted-as-java-reads.pem"), "changeit"),
        (fixture!("sec1.pem"), ""),
    ] {
        let found = keys(store, None, password).unwrap();
        assert_eq!(summary(&found)[0].1[0], "CN=leaf,O=Tests");
    }
    let found = trusted(fixture!("plain.pem"), Some(StoreType::Pem), "").unwrap();
    assert_eq!(aliases(&found), ["CN=leaf,O=Tests", "CN=ca,O=Tests"]);
}

#[test]
fn a_wrong_password_is_told_from_a_key_with_its_own() {
    for store in [
        fixture!("key.jks"),
        fixture!("really-pkcs12.jks"),
        fixture!("openssl.p12"),
        fixture!("legacy.p12"),
        fixture!("encrypted.pem"),
    ] {
        assert_eq!(
            refusal(keys(store, None, "wrong")),
            StoreError::PasswordOrDamage.to_string()
        );
    }
    let refused = refusal(keys(fixture!("other-key-password.jks"), None, "changeit"));
    assert!(
        refused.contains("\"first\"") && refused.contains("-keypasswd"),
        "{refused}"
    );
    assert_eq!(
        refusal(keys(fixture!("plain.pem"), None, "changeit")),
        "its key is not encrypted and there is a password: remove the password, or encrypt the key"
    );
    assert_eq!(
        refusal(keys(fixture!("encrypted.pem"), None, "")),
        StoreError::NoPassword.to_string()
    );
}

#[test]
fn what_is_no_store_is_named() {
    assert_eq!(refusal(keys(b"", None, "")), StoreError::Empty.to_string());
    assert_eq!(
        refusal(keys(b"words", None, "")),
        StoreError::UnknownFormat.to_string()
    );
    assert!(refusal(keys(fixture!("key.jceks"), None, "changeit")).contains("JCEKS"));
    assert_eq!(
        refusal(keys(fixture!("ca.pem"), None, "")),
        StoreError::NoKey.to_string()
    );
    assert!(refusal(StoreType::from_property("bcfks")).contains("BCFKS"));
    assert!(refusal(StoreType::from_property("zip")).contains("\"zip\""));
}

#[test]
fn a_store_cut_anywhere_is_refused() {
    for store in [
        fixture!("key.jks"),
        fixture!("really-pkcs12.jks"),
        fixture!("openssl.p12"),
        fixture!("plain.pem"),
    ] {
        for length in 0..store.len() - 60 {
            // A PEM file may end behind its key and a certificate.
            let whole = StoreType::of(store).unwrap() != StoreType::Pem;
            assert!(
                keys(&store[..length], None, "changeit").is_err() || !whole,
                "{length}"
            );
        }
    }
}
