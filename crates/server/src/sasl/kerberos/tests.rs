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

fn service(principal: &str) -> Result<Service, Unusable> {
    let principal = ("principal", principal);
    let options = [KEYS[0], KEYS[1], principal, ("keyTab", "/keys")];
    Service::read(&module(&options), &at_home())
}

#[test]
fn a_principal_is_of_the_own_realm_where_it_does_not_say_another() {
    for (principal, whole) in [
        ("zookeeper/h1", "zookeeper/h1@HOME"),
        ("zookeeper/h1@AWAY", "zookeeper/h1@AWAY"),
    ] {
        let service = service(principal).expect("a principal");
        assert_eq!(service.principal, whole);
        assert_eq!(service.keytab.as_deref(), Some("/keys"));
    }
}

#[test]
fn a_principal_without_a_host_is_refused() {
    for principal in ["zookeeper", "zookeeper@HOME", "*"] {
        let error = service(principal).expect_err("refused").to_string();
        assert!(error.contains("write zookeeper/host@REALM"), "{error}");
    }
    let error = Service::read(&module(&KEYS), &at_home());
    assert!(matches!(error, Err(Unusable::Principal(_))), "{error:?}");
}

#[test]
fn a_section_without_keys_is_refused() {
    for (missing, kept) in [("useKeyTab", KEYS[1]), ("storeKey", KEYS[0])] {
        let error = Service::read(&module(&[kept]), &at_home()).expect_err("refused");
        assert!(error.to_string().contains(missing), "{error}");
    }
}

#[test]
fn the_default_realm_is_that_of_the_kerberos_file() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("krb5.conf");
    let settings = Kerberos {
        conf: Some(path.clone()),
        realm: None,
    };
    assert_eq!(settings.default_realm(), "");
    let text =
        "[realms]\n default_realm = NO\n[libdefaults]\n dns = false\n default_realm = YES.COM \n";
    std::fs::write(&path, text).expect("written");
    assert_eq!(settings.default_realm(), "YES.COM");
    assert_eq!(at_home().default_realm(), "HOME");
}
