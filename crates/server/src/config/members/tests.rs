use std::path::PathBuf;
use std::sync::Arc;

use super::super::settings::Origin;
use super::*;

struct Fixture {
    dir: tempfile::TempDir,
    keys: Properties,
}

impl Fixture {
    fn new(lines: &[(&str, &str)]) -> Fixture {
        let mut keys = Properties::default();
        let path: Arc<Path> = PathBuf::from("zoo.cfg").into();
        for (line, (key, value)) in lines.iter().enumerate() {
            keys.set(
                key,
                value,
                Origin::File {
                    path: Arc::clone(&path),
                    line: line + 1,
                },
            );
        }
        Fixture {
            dir: tempfile::tempdir().expect("a directory"),
            keys,
        }
    }

    fn myid(self, text: &str) -> Fixture {
        std::fs::write(self.dir.path().join("myid"), text).expect("myid");
        self
    }

    fn dynamic(mut self, text: &str) -> Fixture {
        let path = self.dir.path().join("zoo.cfg.dynamic");
        std::fs::write(&path, text).expect("the dynamic file");
        self.keys.set(
            "dynamicConfigFile",
            path.to_str().expect("utf-8"),
            Origin::CommandLine,
        );
        self
    }

    fn run(&self, standalone_enabled: bool) -> Result<Option<(Option<String>, u16)>, ConfigError> {
        let own = self.members(standalone_enabled)?.own;
        Ok(own.map(|address| (address.host, address.port)))
    }

    fn members(&self, standalone_enabled: bool) -> Result<Members, ConfigError> {
        let dynamic_file = self.keys.setting("dynamicConfigFile");
        read_members(
            &self.keys,
            dynamic_file,
            standalone_enabled,
            self.dir.path(),
        )
    }

    fn refusal(&self) -> String {
        self.run(true).expect_err("refused").to_string()
    }
}

#[test]
fn one_server_line_is_a_standalone_server() {
    let fixture = Fixture::new(&[("server.1", "localhost:2888:3888")]);
    assert_eq!(fixture.run(true).expect("standalone"), None);
}

#[test]
fn the_own_line_gives_the_client_port() {
    for (value, expected) in [
        ("localhost:2888:3888;2181", (None, 2181)),
        ("localhost:2888:3888:participant;2181", (None, 2181)),
        (
            "localhost:2888:3888;127.0.0.1:2181",
            (Some("127.0.0.1".to_owned()), 2181),
        ),
        ("[::1]:2888:3888;[::1]:2181", (Some("::1".to_owned()), 2181)),
    ] {
        let fixture = Fixture::new(&[("server.7", value)]).myid("7\n");
        assert_eq!(fixture.run(true).expect(value), Some(expected), "{value}");
    }
}

#[test]
fn a_server_line_says_where_the_others_reach_it() {
    for (value, host) in [("zoo7:2888:3888", "zoo7"), ("[::1]:2888:3888;2181", "::1")] {
        let fixture = Fixture::new(&[("server.7", value)]);
        let line = ServerLine {
            sid: 7,
            voting: true,
            addresses: vec![ServerAddress {
                host: host.to_owned(),
                quorum_port: 2888,
                election_port: 3888,
            }],
        };
        assert_eq!(fixture.members(true).expect(value).servers, [line]);
    }
}

#[test]
fn without_its_own_number_the_line_gives_no_port() {
    let lines = [("server.7", "localhost:2888:3888;2181")];
    assert_eq!(
        Fixture::new(&lines).run(true).expect("standalone"),
        None,
        "no myid"
    );
    assert_eq!(
        Fixture::new(&lines)
            .myid("8")
            .run(true)
            .expect("standalone"),
        None,
        "another number"
    );
}

#[test]
fn a_myid_that_is_no_number_is_refused() {
    for text in ["", "one", "1 "] {
        let error = Fixture::new(&[]).myid(text).refusal();
        assert!(
            error.contains("myid") && error.contains("is not a number"),
            "{error}"
        );
    }
}

#[test]
fn several_server_lines_are_an_ensemble() {
    let lines = [
        ("server.1", "a:2888:3888"),
        ("server.2", "b:2888:3888"),
        ("server.3", "c:2888:3888"),
    ];
    let error = Fixture::new(&lines).refusal();
    assert_eq!(
        error,
        "zoo.cfg line 3: server.3=c:2888:3888 asks for an ensemble of several servers, which is not built yet; keep one \
         server line and standaloneEnabled=true, or stay on Apache ZooKeeper for this ensemble"
    );
    let lines = [
        ("server.1", "a:2888:3888"),
        ("server.2", "b:2888:3888:observer"),
    ];
    assert!(Fixture::new(&lines).refusal().contains("server.2"));
}

#[test]
fn standalone_switched_off_is_an_ensemble_even_of_one() {
    for lines in [
        &[("standaloneEnabled", "false"), ("server.1", "a:2888:3888")][..],
        &[("standaloneEnabled", "false")],
    ] {
        let error = Fixture::new(lines)
            .run(false)
            .expect_err("refused")
            .to_string();
        assert!(error.contains("standaloneEnabled=false"), "{error}");
    }
}

#[test]
fn groups_and_weights_are_an_ensemble() {
    for key in ["group.1", "weight.1", "groups", "weighty"] {
        let error = Fixture::new(&[("server.1", "a:2888:3888"), (key, "1")]).refusal();
        assert!(error.contains(key) && error.contains("ensemble"), "{error}");
    }
}

#[test]
fn an_observer_alone_is_refused() {
    assert!(
        Fixture::new(&[("server.1", "a:2888:3888:observer")])
            .refusal()
            .contains("no server line names a participant")
    );
}

#[test]
fn a_malformed_server_line_names_itself() {
    for (key, value) in [
        ("server.one", "a:2888:3888"),
        ("server.realm", "EXAMPLE.COM"),
        ("server.1", ""),
        ("server.1", "a:2888"),
        ("server.1", "a:x:3888"),
        ("server.1", "a:2888:65536"),
        ("server.1", "a:2888:2888"),
        ("server.1", "a:2888:3888:leader"),
        ("server.1", "a:2888:3888:observer:x"),
        ("server.1", "a:2888:3888;x"),
        ("server.1", "a:2888:3888;a:b:1"),
        ("server.1", "a:2888:3888;1;2"),
        ("server.1", "a:2888:3888|b:2888:3888"),
    ] {
        let error = Fixture::new(&[(key, value)]).refusal();
        assert!(
            error.starts_with(&format!("zoo.cfg line 1: {key}={value} ")),
            "{error}"
        );
    }
}

#[test]
fn the_dynamic_file_holds_the_server_line() {
    let fixture = Fixture::new(&[])
        .myid("1")
        .dynamic("server.1=localhost:2888:3888:participant;0.0.0.0:2181\n");
    assert_eq!(
        fixture.run(true).expect("standalone"),
        Some((Some("0.0.0.0".to_owned()), 2181))
    );
}

#[test]
fn a_dynamic_file_holds_nothing_else() {
    for (text, key) in [
        ("version=1\n", "version"),
        ("server.1=a:1:2\nclientPort=1", "clientPort"),
    ] {
        let error = Fixture::new(&[]).dynamic(text).refusal();
        assert!(
            error.contains("zoo.cfg.dynamic line") && error.contains(key),
            "{error}"
        );
    }
}

#[test]
fn server_lines_stand_in_one_file_only() {
    let error = Fixture::new(&[("server.1", "a:1:2")])
        .dynamic("server.1=a:1:2")
        .refusal();
    assert!(
        error.starts_with("zoo.cfg line 1: server.1=a:1:2 must stand in the dynamic file"),
        "{error}"
    );
}

#[test]
fn a_missing_dynamic_file_is_named() {
    let error = Fixture::new(&[("dynamicConfigFile", "/nowhere/zoo.cfg.dynamic")]).refusal();
    assert!(error.starts_with("/nowhere/zoo.cfg.dynamic: "), "{error}");
}
