//! What a JAAS file and the settings around it make of logins.

use tempfile::TempDir;

use processor::logged_in;
use sasl::Proven;

use super::*;
use crate::config::{self, ClientSasl, PeerSasl};

struct Place {
    dir: TempDir,
}

impl Place {
    fn new(jaas: &str) -> Self {
        let dir = TempDir::new().expect("a directory");
        std::fs::write(dir.path().join("jaas"), jaas).expect("written");
        Place { dir }
    }

    fn config(&self, lines: &str, options: &[&str]) -> Config {
        let file = self.dir.path().join("zoo.cfg");
        let data = self.dir.path().display();
        std::fs::write(&file, format!("clientPort=0\ndataDir={data}\n{lines}")).expect("written");
        let jaas = format!("-Djava.security.auth.login.config={data}/jaas");
        let mut args = vec![jaas.into()];
        args.extend(options.iter().map(|&option| option.into()));
        args.push(file.into());
        config::load(&args, &|_| None).expect("accepted")
    }

    fn clients(&self, lines: &str, options: &[&str]) -> Result<Option<ClientLogins>, CannotLogIn> {
        let config = self.config(lines, options);
        let sasl = &config.sasl;
        ClientLogins::read(jaas_file(&config)?.as_ref(), &sasl.clients, &sasl.kerberos)
    }

    fn peers(&self, settings: &PeerSasl) -> Result<PeerLogins, CannotLogIn> {
        let config = self.config("", &[]);
        let kerberos = &config.sasl.kerberos;
        PeerLogins::read(jaas_file(&config)?.as_ref(), settings, kerberos, &[])
    }
}

const USERS: &str = r#"Server {
    org.apache.zookeeper.server.auth.DigestLoginModule required
    user_super="adminsecret"
    user_bob="bobsecret";
};
"#;

fn proven(user: &str) -> Proven {
    Proven {
        user: user.to_owned(),
        asked: user.to_owned(),
    }
}

#[test]
fn users_of_the_section_may_log_in() {
    let logins = Place::new(USERS)
        .clients("", &[])
        .expect("good")
        .expect("a section");
    assert_eq!(logins.password_of("bob"), Some("bobsecret"));
    assert_eq!(logins.password_of("super"), Some("adminsecret"));
    assert_eq!(logins.password_of("eve"), None);
    let ids = logins.ids(&proven("bob")).expect("a name");
    assert_eq!(ids, logged_in("bob", false));
}

#[test]
fn a_property_holds_another_password_of_super_who_has_to_stand_in_the_file() {
    let option = &["-Dzookeeper.SASLAuthenticationProvider.superPassword=other"];
    let logins = Place::new(USERS)
        .clients("", option)
        .expect("good")
        .expect("a section");
    assert_eq!(logins.password_of("super"), Some("other"));
    assert_eq!(logins.password_of("bob"), Some("bobsecret"));
    let without = USERS.replace("user_super=\"adminsecret\"", "");
    let logins = Place::new(&without)
        .clients("", option)
        .expect("good")
        .expect("a section");
    assert_eq!(logins.password_of("super"), None);
}

#[test]
fn super_users_are_named_one_by_one() {
    let lines = "superUser=bob\nsuperUser.2=eve\nsuperUsers=mallory\n";
    let logins = Place::new(USERS)
        .clients(lines, &[])
        .expect("good")
        .expect("a section");
    for (name, is_super) in [
        ("bob", true),
        ("eve", true),
        ("mallory", false),
        ("super", false),
    ] {
        let ids = logins.ids(&proven(name)).expect("a name");
        assert_eq!(ids, logged_in(name, is_super), "{name}");
    }
}

#[test]
fn another_section_can_be_chosen_and_one_that_is_missing_lets_nobody_log_in() {
    let named = Place::new(&USERS.replace("Server {", "Zk {"));
    let logins = named.clients("sasl.serverconfig=Zk\n", &[]).expect("good");
    assert!(logins.is_some());
    assert!(named.clients("", &[]).expect("good").is_none());
}

#[test]
fn what_cannot_be_met_stops_the_start() {
    let module = "org.apache.zookeeper.server.auth.DigestLoginModule";
    for (other, expected) in [
        (
            kerberos::MODULE,
            "the section Server asks for Kerberos: it needs useKeyTab=true",
        ),
        (
            "com.example.Login",
            "the section Server names the Java class com.example.Login",
        ),
    ] {
        let error = Place::new(&USERS.replace(module, other)).clients("", &[]);
        let error = error.expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
    let error = Place::new("Server {")
        .clients("", &[])
        .expect_err("refused")
        .to_string();
    assert!(error.contains("jaas line 1: the file ends"), "{error}");
    let place = Place::new(USERS);
    std::fs::remove_file(place.dir.path().join("jaas")).expect("removed");
    let error = place.clients("", &[]).expect_err("refused").to_string();
    assert!(error.contains("jaas: No such file"), "{error}");
    let settings = ClientSasl {
        is_chosen: true,
        section: "Zk".into(),
        ..ClientSasl::default()
    };
    let error = ClientLogins::read(None, &settings, &Kerberos::default())
        .expect_err("refused")
        .to_string();
    assert!(
        error.starts_with("Zk is to be a section of a JAAS file"),
        "{error}"
    );
}

#[test]
fn a_password_is_in_no_message() {
    let logins = Place::new(USERS).clients("", &[]).expect("good");
    let text = format!("{logins:?}");
    assert!(!text.contains("secret"), "{text}");
}

fn between_servers() -> PeerSasl {
    PeerSasl {
        is_required: true,
        is_offered: true,
        is_fips: false,
        own_section: "QuorumLearner".into(),
        others_section: "QuorumServer".into(),
        service: "zkquorum/localhost".into(),
        service_realm: None,
        canonical_hosts: false,
    }
}

const SERVERS: &str = r#"QuorumServer {
    org.apache.zookeeper.server.auth.DigestLoginModule required user_zk="peersecret";
};
QuorumLearner {
    org.apache.zookeeper.server.auth.DigestLoginModule required username="zk" password="peersecret";
};
"#;

#[test]
fn servers_have_a_section_for_either_side() {
    let logins = Place::new(SERVERS).peers(&between_servers()).expect("good");
    assert!(logins.own_exchange("h1").expect("it may").is_some());
    assert_eq!(logins.password_of("zk"), Some("peersecret"));
    let one_sided = PeerSasl {
        is_required: false,
        is_offered: false,
        ..between_servers()
    };
    let logins = Place::new(SERVERS).peers(&one_sided).expect("good");
    assert!(logins.own_exchange("h1").expect("it may").is_none());
}

#[test]
fn in_fips_mode_no_password_is_used_to_log_in() {
    let settings = PeerSasl {
        is_fips: true,
        ..between_servers()
    };
    let logins = Place::new(SERVERS).peers(&settings).expect("good");
    let error = logins.own_exchange("h1").expect_err("it may not");
    assert!(error.to_string().contains("fips-mode=false"), "{error}");
}

#[test]
fn a_realm_that_is_needed_and_missing_is_a_reason_not_to_start() {
    let place = Place::new("");
    let conf = place.dir.path().join("krb5.conf");
    let conf = format!("-Djava.security.krb5.conf={}", conf.display());
    let options = [&conf, "-Dzookeeper.requireKerberosConfig=true"];
    let error = check_realm(&place.config("", &options).sasl.kerberos).expect_err("refused");
    assert!(
        error
            .to_string()
            .contains("krb5.conf says no default_realm")
    );
    check_realm(&place.config("", &options[..1]).sasl.kerberos).expect("nobody needs it");
    let with_realm = [&options[..], &["-Djava.security.krb5.realm=HOME"]].concat();
    check_realm(&place.config("", &with_realm).sasl.kerberos).expect("there is one");
}

#[test]
fn a_server_without_its_sections_does_not_start() {
    for (from, to, expected) in [
        ("QuorumServer", "Other", "no section QuorumServer"),
        ("QuorumLearner", "Other", "no section QuorumLearner"),
        ("username=\"zk\"", "", "has no username and password"),
    ] {
        let place = Place::new(&SERVERS.replacen(from, to, 1));
        let error = place
            .peers(&between_servers())
            .expect_err("refused")
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}
