//! What a section has to say.

use tempfile::TempDir;

use super::*;

fn module(options: &[(&str, &str)]) -> LoginModule {
    let option = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    LoginModule {
        class: MODULE.to_owned(),
        options: options.iter().map(option).collect(),
    }
}

fn at_home() -> Kerberos {
    Kerberos {
        realm: Some("HOME".to_owned()),
        ..Kerberos::default()
    }
}

const KEYS: [(&str, &str); 2] = [("useKeyTab", "true"), ("storeKey", "TRUE")];

fn options(principal: &str) -> LoginModule {
    let principal = ("principal", principal);
    module(&[KEYS[0], KEYS[1], principal, ("keyTab", "/keys")])
}

fn that_accepts(principal: &str) -> Result<Principal, Unusable> {
    Principal::that_accepts(&options(principal), &at_home())
}

#[test]
fn a_principal_is_of_the_own_realm_where_it_does_not_say_another() {
    for (principal, whole) in [
        ("zookeeper/h1", "zookeeper/h1@HOME"),
        ("zookeeper/h1@AWAY", "zookeeper/h1@AWAY"),
    ] {
        let principal = that_accepts(principal).expect("a principal");
        assert_eq!(principal.name, whole);
        assert_eq!(principal.keytab.as_deref(), Some("/keys"));
    }
}

#[test]
fn a_principal_without_a_host_can_log_in_and_not_be_logged_in_to() {
    for principal in ["zookeeper", "zookeeper@HOME"] {
        let error = that_accepts(principal).expect_err("refused").to_string();
        assert!(error.contains("write service/host@REALM"), "{error}");
        let own = Principal::that_initiates(&options(principal), &at_home());
        assert_eq!(own.expect("a principal").name, "zookeeper@HOME");
    }
    for read in [Principal::that_accepts, Principal::that_initiates] {
        let error = read(&module(&KEYS), &at_home());
        assert!(matches!(error, Err(Unusable::Principal(_))), "{error:?}");
    }
}

#[test]
fn a_section_without_keys_is_refused() {
    for (missing, kept) in [("useKeyTab", KEYS[1]), ("storeKey", KEYS[0])] {
        let error = Principal::that_accepts(&module(&[kept]), &at_home());
        let error = error.expect_err("refused").to_string();
        assert!(error.contains(missing), "{error}");
    }
    let error = Principal::that_initiates(&module(&[KEYS[1]]), &at_home());
    assert!(matches!(error, Err(Unusable::NoKey("useKeyTab"))));
}

#[test]
fn the_default_realm_is_that_of_the_kerberos_file() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("krb5.conf");
    let settings = Kerberos {
        conf: Some(path.clone()),
        ..Kerberos::default()
    };
    assert_eq!(settings.default_realm(), "");
    let text =
        "[realms]\n default_realm = NO\n[libdefaults]\n dns = false\n default_realm = YES.COM \n";
    std::fs::write(&path, text).expect("written");
    assert_eq!(settings.default_realm(), "YES.COM");
    assert_eq!(at_home().default_realm(), "HOME");
}
