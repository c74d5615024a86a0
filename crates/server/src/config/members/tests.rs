use std::path::PathBuf;
use std::sync::Arc;

use super::super::settings::Origin;
use super::super::source::Source;
use quorum::verifier::{Hierarchy, Voter};

use super::*;

struct Fixture {
    dir: tempfile::TempDir,
    keys: Properties,
    properties: Properties,
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
            properties: Properties::default(),
        }
    }

    fn with_several_addresses(mut self) -> Fixture {
        self.properties
            .set(SEVERAL_ADDRESSES, "True", Origin::CommandLine);
        self
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

    fn source(&self) -> Source {
        Source {
            keys: self.keys.clone(),
            properties: self.properties.clone(),
            ..Source::default()
        }
    }

    fn members(&self) -> Result<Members, ConfigError> {
        let file = self.dir.path().join("zoo.cfg");
        Members::read(&mut Reader::new(&self.source()), &file, &self.keys)
    }

    /// The client address of a standalone server.
    fn run(&self) -> Result<Option<(Option<String>, u16)>, ConfigError> {
        let members = self.members()?;
        assert!(!members.is_ensemble);
        let own = read_myid(self.dir.path(), false)?.and_then(|me| members.client_of(me));
        Ok(own.map(|address| (address.host, address.port)))
    }

    fn ensemble(&self) -> Members {
        let members = self.members().unwrap_or_else(|error| panic!("{error}"));
        assert!(members.is_ensemble);
        members
    }

    fn notices(&self) -> Vec<String> {
        let source = self.source();
        let mut reader = Reader::new(&source);
        Members::read(&mut reader, Path::new("zoo.cfg"), &self.keys).expect("accepted");
        reader.notices
    }

    fn refusal(&self) -> String {
        self.run().expect_err("refused").to_string()
    }
}

#[test]
fn one_server_line_is_a_standalone_server() {
    let fixture = Fixture::new(&[("server.1", "localhost:2888:3888")]);
    assert_eq!(fixture.run().expect("standalone"), None);
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
        ("localhost:2888:3888: Participant:;2181;", (None, 2181)),
    ] {
        let fixture = Fixture::new(&[("server.7", value)]).myid("7\n");
        assert_eq!(fixture.run().expect(value), Some(expected), "{value}");
    }
}

#[test]
fn a_server_line_says_where_the_others_reach_it() {
    for (value, host, client) in [
        ("zoo7:2888:3888", "zoo7", None),
        ("[::1]:2888:3888;2181", "::1", Some((None, 2181))),
    ] {
        let fixture = Fixture::new(&[("server.7", value)]);
        let line = ServerLine {
            sid: 7,
            voting: true,
            addresses: vec![ServerAddress {
                host: host.to_owned(),
                quorum_port: 2888,
                election_port: 3888,
            }],
            client,
        };
        assert_eq!(fixture.members().expect(value).servers(), [line]);
    }
}

#[test]
fn without_its_own_number_the_line_gives_no_port() {
    let lines = [("server.7", "localhost:2888:3888;2181")];
    assert_eq!(
        Fixture::new(&lines).run().expect("standalone"),
        None,
        "no myid"
    );
    assert_eq!(
        Fixture::new(&lines).myid("8").run().expect("standalone"),
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

const THREE: [(&str, &str); 3] = [
    ("server.1", "a:2888:3888"),
    ("server.2", "b:2888:3888"),
    ("server.3", "c:2888:3888"),
];

fn and<'a>(lines: &[(&'a str, &'a str)]) -> Fixture {
    Fixture::new(&[&THREE[..], lines].concat())
}

#[test]
fn several_participants_are_an_ensemble_in_the_order_of_their_numbers() {
    let lines = [
        ("server.10", "a:2888:3888"),
        ("server.2", "b:2888:3888:observer"),
        ("server.1", "c:2888:3888"),
    ];
    let members = Fixture::new(&lines).ensemble();
    let servers = members.servers();
    let sids: Vec<_> = servers.iter().map(|line| (line.sid, line.voting)).collect();
    assert_eq!(sids, [(1, true), (2, false), (10, true)]);
    let voters = [proto::Sid(1), proto::Sid(10)];
    assert_eq!(members.verifier(), QuorumVerifier::majority(voters));
}

#[test]
fn one_participant_with_observers_is_neither() {
    let lines = [
        ("server.1", "a:2888:3888"),
        ("server.2", "b:2888:3888:observer"),
    ];
    let error = Fixture::new(&lines).refusal();
    assert!(
        error.contains("server.2=b:2888:3888:observer is an observer, and one participant"),
        "{error}"
    );
}

#[test]
fn standalone_switched_off_is_an_ensemble_even_of_one() {
    let off = ("standaloneEnabled", "false");
    Fixture::new(&[off, ("server.1", "a:2888:3888")]).ensemble();
    Fixture::new(&[
        off,
        ("server.1", "a:2888:3888"),
        ("server.2", "b:2888:3888:observer"),
    ])
    .ensemble();
    let error = Fixture::new(&[off]).refusal();
    assert!(
        error.contains("standaloneEnabled=false asks for an ensemble, and no server line"),
        "{error}"
    );
}

#[test]
fn who_can_lose_no_server_is_told() {
    let said = |lines: &[(&str, &str)]| Fixture::new(lines).notices();
    assert!(said(&THREE[..2])[0].contains("cannot lose any server"));
    assert!(said(&THREE).is_empty());
    let four = [&THREE[..], &[("server.4", "d:2888:3888")]].concat();
    assert!(said(&four)[0].contains("no more servers than one of 3"));
    let observed = [&THREE[..], &[("server.4", "d:2888:3888:observer")]].concat();
    assert!(said(&observed).is_empty());
    assert!(said(&THREE[..1]).is_empty(), "standalone");
}

#[test]
fn a_number_stands_once_and_is_not_negative() {
    let error = and(&[("server.01", "d:2888:3888")]).refusal();
    assert!(error.contains("is the same server as server.01"), "{error}");
    let error = and(&[("server.-1", "d:2888:3888")]).refusal();
    assert!(error.contains("has a negative number"), "{error}");
}

#[test]
fn groups_and_weights_make_a_hierarchy() {
    let members = and(&[("group.1", "1:2"), ("group.2", "3"), ("weight.2", "0")]).ensemble();
    let voter = |sid, group, weight| (proto::Sid(sid), Voter { group, weight });
    let voters = [voter(1, 1, 1), voter(2, 1, 0), voter(3, 2, 1)];
    assert_eq!(
        members.verifier(),
        QuorumVerifier::Hierarchical(Hierarchy::new(voters.into()))
    );
}

#[test]
fn an_observer_with_a_weight_weighs_in_its_group() {
    let lines = [
        ("server.4", "d:2888:3888:observer"),
        ("group.1", "1:2:3:4"),
        ("weight.4", "3"),
    ];
    let QuorumVerifier::Hierarchical(hierarchy) = and(&lines).ensemble().verifier() else {
        panic!("groups are a hierarchy");
    };
    let verifier = QuorumVerifier::Hierarchical(hierarchy);
    assert!(!verifier.is_voter(proto::Sid(4)));
    let all = [1, 2, 3].map(proto::Sid);
    assert!(!verifier.is_quorum(&all.into()), "half of the weight");
}

#[test]
fn a_standalone_server_may_have_groups() {
    let lines = [("server.1", "a:2888:3888"), ("group.1", "1")];
    assert_eq!(Fixture::new(&lines).run().expect("standalone"), None);
}

#[test]
fn malformed_groups_and_weights_name_themselves() {
    for (lines, part) in [
        (
            &[("groups", "1")][..],
            "groups=1 has no number behind a dot",
        ),
        (&[("weighty", "1")], "weighty=1 has no number behind a dot"),
        (&[("group.x", "1")], "group.x=1 has no number behind a dot"),
        (
            &[("group.1", "")],
            "group.1= has \"\", which is no server number",
        ),
        (&[("group.1", "1,2")], "group.1=1,2 has \"1,2\""),
        (
            &[("group.1", "1: 2")],
            "has \" 2\", which is no server number",
        ),
        (
            &[("group.1", "1:2"), ("group.2", "2:3")],
            "group.2=2:3 names server 2, which is in a group already",
        ),
        (&[("group.1", "1:2")], "server.3=c:2888:3888 is in no group"),
        (&[("weight.1", "2")], "server.1=a:2888:3888 is in no group"),
        (
            &[("group.1", "1:2:3:9")],
            "group.1=1:2:3:9 names server 9, which is no participant",
        ),
        (
            &[("group.1", "1:2:3"), ("weight.1", "-1")],
            "weight.1=-1 is no weight",
        ),
    ] {
        let error = and(lines).refusal();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_text_is_apaches() {
    let lines = [
        ("server.3", "c:2888:3888;2181"),
        ("server.1", "[::1]:2888:3888"),
        ("server.18", "zoo:2888:3888:observer;[::1]:2182"),
        ("server.2", ":2888:3888;127.0.0.1:2181"),
    ];
    assert_eq!(
        Fixture::new(&lines).ensemble().text(),
        "server.1=[0:0:0:0:0:0:0:1]:2888:3888:participant\n\
         server.2=localhost:2888:3888:participant;127.0.0.1:2181\n\
         server.18=zoo:2888:3888:observer;[0:0:0:0:0:0:0:1]:2182\n\
         server.3=c:2888:3888:participant;0.0.0.0:2181\n\
         version=0"
    );
    let groups = [("group.2", "3"), ("group.1", "2:1"), ("weight.3", "5")];
    let text = and(&groups).ensemble().text();
    let (_, behind) = text
        .split_once("server.3=c:2888:3888:participant\n")
        .unwrap();
    assert_eq!(
        behind,
        "group.1=1:2\ngroup.2=3\nweight.1=1\nweight.2=1\nweight.3=5\nversion=0"
    );
}

#[test]
fn the_text_is_that_of_the_captured_ones() {
    let files = ["packets.tsv", "election.tsv"].map(golden);
    let mut texts = std::collections::BTreeSet::new();
    for line in files.iter().flat_map(|file| file.lines()) {
        if let Some(config) = line.split("\"config\": \"").nth(1) {
            let text = config.split('"').next().unwrap_or_default();
            texts.insert(text.replace("\\n", "\n"));
        }
    }
    assert!(texts.len() > 1, "{texts:?}");
    for text in texts {
        let lines: Vec<(&str, &str)> = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        assert_eq!(Fixture::new(&lines).members().expect(&text).text(), text);
    }
}

fn golden(name: &str) -> String {
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../compat-tests/golden/quorum"
    );
    let path = Path::new(golden).join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_version_is_hexadecimal() {
    assert_eq!(and(&[]).ensemble().version, 0);
    let members = and(&[("version", "10000000a")]).ensemble();
    assert_eq!(members.version, 0x1_0000_000a);
    assert!(members.text().ends_with("\nversion=10000000a"));
    let error = and(&[("version", "v1")]).refusal();
    assert!(error.contains("version=v1 is no hexadecimal"), "{error}");
}

#[test]
fn a_dynamic_file_has_its_version_in_its_name() {
    for (name, version) in [
        ("/etc/zoo.cfg.dynamic", 0),
        ("/etc/zoo.cfg.dynamic.10000001f", 0x1_0000_001f),
        ("/etc/zoo.cfg.dynamic.0", 0),
        ("/etc.1/members", 0),
        ("members", 0),
    ] {
        assert_eq!(version_of_name(name), version, "{name}");
    }
}

#[test]
fn a_reconfig_that_is_under_way_is_not_built() {
    let fixture = Fixture::new(&[]).dynamic("server.1=a:1:2\nserver.2=b:1:2\n");
    fixture.ensemble();
    std::fs::write(fixture.dir.path().join("zoo.cfg.dynamic.next"), "").unwrap();
    assert!(fixture.refusal().contains("reconfiguration"));
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
        ("server.1", "a:2888:3888||b:2888:3888"),
        ("server.1", "a:2888:3888:observer|b:2888:3888:participant"),
    ] {
        let error = Fixture::new(&[(key, value)]).refusal();
        assert!(
            error.starts_with(&format!("zoo.cfg line 1: {key}={value} ")),
            "{error}"
        );
    }
}

#[test]
fn a_server_has_several_addresses_where_the_property_allows_it() {
    let lines = [
        ("server.1", "zoo:1:2|[::1]:3:4:observer|abc:5:6|;2181"),
        ("server.2", "a:1:2:participant|b:1:2|"),
        ("server.3", "c:1:2"),
    ];
    let members = Fixture::new(&lines).with_several_addresses().ensemble();
    let servers = members.servers();
    let addresses = servers[0].addresses.iter();
    let addresses: Vec<_> = addresses
        .map(|each| (each.host.as_str(), each.quorum_port, each.election_port))
        .collect();
    assert_eq!(addresses, [("zoo", 1, 2), ("::1", 3, 4), ("abc", 5, 6)]);
    assert_eq!((servers[0].voting, servers[1].voting), (false, true));
    let text = members.text();
    let first = text.lines().next().expect("a line");
    let sorted = "server.1=[0:0:0:0:0:0:0:1]:3:4|abc:5:6|zoo:1:2:observer;0.0.0.0:2181";
    assert_eq!(first, sorted);

    let mut in_the_file = lines.to_vec();
    in_the_file.push(("multiAddress.enabled", "true"));
    let refusal = Fixture::new(&in_the_file).refusal();
    assert!(
        refusal.contains("server.1") && refusal.contains("start with -Dzookeeper.multiAddress"),
        "{refusal}"
    );
}

#[test]
fn an_open_bracket_is_named() {
    let error = Fixture::new(&[("server.1", "[::1:2888:3888")]).refusal();
    assert!(error.contains("begins with [ and has no ]"), "{error}");
}

#[test]
fn the_dynamic_file_holds_the_server_line() {
    let fixture = Fixture::new(&[])
        .myid("1")
        .dynamic("server.1=localhost:2888:3888:participant;0.0.0.0:2181\n");
    assert_eq!(
        fixture.run().expect("standalone"),
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
