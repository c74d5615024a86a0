use crate::config::Listen;
use std::collections::BTreeSet;

use super::super::keys::{self, Treatment};
use super::super::settings::{Origin, Properties};
use super::super::source::{Source, is_member_key};
use super::super::{Config, load};
use super::*;

const LINES: &str = "clientPort=2181\ninitLimit=10\nsyncLimit=5\nserver.1=a:2888:3888\n\
                     server.2=b:2888:3888\nserver.3=c:2888:3888\nserver.4=d:2888:3888:observer\n";

/// Server `myid` of four, whose file has these other lines; `None` has no file myid.
fn load_as(myid: Option<&str>, lines: &str, options: &[&str]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().expect("a directory");
    if let Some(myid) = myid {
        std::fs::write(dir.path().join("myid"), myid).expect("myid");
    }
    let file = dir.path().join("zoo.cfg");
    let text = format!("dataDir={}\n{LINES}{lines}", dir.path().display());
    std::fs::write(&file, text).expect("zoo.cfg");
    let mut args: Vec<_> = options.iter().map(std::ffi::OsString::from).collect();
    args.push(file.into());
    load(&args, &|_| None)
}

fn config(myid: &str, lines: &str) -> Config {
    load_as(Some(myid), lines, &[]).unwrap_or_else(|error| panic!("{lines}: {error}"))
}

fn ensemble(lines: &str) -> Ensemble {
    config("2", lines).ensemble.expect("an ensemble")
}

fn refusal(lines: &str, options: &[&str]) -> String {
    let refused = load_as(Some("2"), lines, options).err();
    refused
        .unwrap_or_else(|| panic!("{lines} was accepted"))
        .to_string()
}

#[test]
fn what_is_not_set_has_apaches_default() {
    let ensemble = ensemble("");
    assert_eq!(
        (ensemble.me, ensemble.kind),
        (Sid(2), LearnerKind::Follower)
    );
    assert_eq!(
        ensemble.verifier,
        QuorumVerifier::majority([1, 2, 3].map(Sid))
    );
    assert_eq!(ensemble.servers.len(), 4);
    assert_eq!(
        (ensemble.init_limit_ticks, ensemble.sync_limit_ticks),
        (10, 5)
    );
    assert_eq!(ensemble.peers.init_limit_ms, 30_000);
    assert_eq!(ensemble.committed_log, CommittedLogLimits::default());
    assert_eq!(ensemble.snapshot_size_factor, 0.33);
    assert!(!ensemble.force_snapshot_sync && ensemble.leader_serves);
    assert_eq!(ensemble.line_of(Sid(3)).map(|line| line.sid), Some(3));
    assert_eq!(ensemble.line_of(Sid(5)), None);
}

#[test]
fn the_core_gets_what_is_configured() {
    let settings =
        ensemble("commitLogCount=700\nforceSnapshotSync=true\nversion=1f").settings(2000);
    assert_eq!(
        (settings.me, settings.kind),
        (Sid(2), LearnerKind::Follower)
    );
    assert_eq!(settings.quorums.voters(), [1, 2, 3].map(Sid).into());
    assert_eq!(
        (
            settings.tick_time_ms,
            settings.init_limit,
            settings.sync_limit
        ),
        (2000, 10, 5)
    );
    assert_eq!(
        (settings.committed_log.txns, settings.force_snapshot),
        (700, true)
    );
    assert_eq!(settings.resends, Resends::default());
    let waits = Waits {
        before_election_ms: 200,
        ..Waits::default()
    };
    assert_eq!(settings.waits, waits);
    assert_eq!(settings.config_version, 0x1f);
    assert!(settings.config.ends_with(b":observer\nversion=1f"));
}

#[test]
fn each_setting_reaches_its_field() {
    type Check = fn(&Ensemble) -> bool;
    let cases: [(&str, Check); 21] = [
        ("commitLogCount=1000", |e| e.committed_log.txns == 1000),
        ("commitLogCount=499", |e| e.committed_log.txns == 500),
        ("commitLogCount=many", |e| e.committed_log.txns == 500),
        ("snapshotSizeFactor=0.5", |e| e.snapshot_size_factor == 0.5),
        ("snapshotSizeFactor=-1", |e| e.snapshot_size_factor == -1.0),
        ("snapshotSizeFactor=1.5", |e| e.snapshot_size_factor == 0.33),
        ("snapshotSizeFactor=x", |e| e.snapshot_size_factor == 0.33),
        ("leader.ackLoggingFrequency=7", |e| {
            e.ack_logging_frequency == 7
        }),
        ("leader.ackLoggingFrequency=-1", |e| {
            e.ack_logging_frequency == 0
        }),
        ("forceSnapshotSync=TRUE", |e| e.force_snapshot_sync),
        ("fastleader.minNotificationInterval=7", |e| {
            (e.resends.first_ms, e.resends.longest_ms) == (7, 60_000)
        }),
        ("fastleader.maxNotificationInterval=900", |e| {
            (e.resends.first_ms, e.resends.longest_ms) == (200, 900)
        }),
        ("fastleader.maxNotificationInterval=-5", |e| {
            e.resends.longest_ms == 1
        }),
        ("observer.election.DelayMs=7", |e| {
            e.waits.before_election_ms == 7
        }),
        ("observer.reconnectDelayMs=-7", |e| {
            e.waits.before_connecting_ms == 0
        }),
        ("observer.reconnectDelayMs=900", |e| {
            e.waits.before_connecting_ms == 900
        }),
        ("leader.maxTimeToWaitForEpoch=0", |e| {
            e.waits.for_epoch_ms == Some(0)
        }),
        ("leaderServes=no", |e| !e.leader_serves),
        ("leaderServes=false", |e| e.leader_serves),
        ("cnxTimeout=7", |e| e.peers.cnx_timeout_ms == 7),
        ("connectToLearnerMasterLimit=2", |e| {
            e.peers.connect_to_leader_ms == 6000
        }),
    ];
    for (line, check) in cases {
        assert!(check(&ensemble(line)), "{line}");
    }
}

#[test]
fn what_is_corrected_is_said() {
    for line in [
        "commitLogCount=499",
        "snapshotSizeFactor=1.5",
        "leaderServes=false",
    ] {
        let said = config("2", line).notices;
        let about = said.iter().filter(|notice| notice.contains(line)).count();
        assert_eq!(about, 1, "{said:?}");
    }
}

#[test]
fn the_server_line_says_what_the_server_is() {
    let kind = |myid, lines| {
        let config = config(myid, lines);
        let said = config
            .notices
            .iter()
            .filter(|notice| notice.contains("peerType="));
        (
            config.ensemble.as_ref().expect("an ensemble").kind,
            said.count(),
        )
    };
    assert_eq!(kind("4", ""), (LearnerKind::Observer, 0));
    assert_eq!(kind("4", "peerType=Observer"), (LearnerKind::Observer, 0));
    assert_eq!(
        kind("4", "peerType=participant"),
        (LearnerKind::Observer, 1)
    );
    assert_eq!(kind("1", "peerType=observer"), (LearnerKind::Follower, 1));
}

#[test]
fn the_own_number_must_be_in_a_line() {
    let refused = |myid| load_as(myid, "", &[]).expect_err("refused").to_string();
    assert!(
        refused(None).contains("myid: No such file"),
        "{}",
        refused(None)
    );
    for (myid, part) in [
        ("5", "no server line has the number 5"),
        ("two", "\"two\" is not a number"),
        ("", "\"\" is not a number"),
    ] {
        let message = refused(Some(myid));
        assert!(
            message.contains("/myid: ") && message.contains(part),
            "{message}"
        );
    }
}

#[test]
fn a_number_past_a_byte_does_not_go_with_ttl_nodes() {
    let own = "server.255=e:2888:3888\n";
    let load = |lines: &str| load_as(Some("255"), &format!("{own}{lines}"), &[]);
    let ensemble = load("").expect("accepted").ensemble.expect("an ensemble");
    assert_eq!(ensemble.me, Sid(255));
    let message = load("extendedTypesEnabled=true")
        .expect_err("refused")
        .to_string();
    assert!(message.contains("255 is past 254"), "{message}");
}

#[test]
fn the_limits_must_be_set() {
    for key in ["initLimit", "syncLimit"] {
        let source = source(LINES, key);
        let mut reader = Reader::new(&source);
        let error = ticks(&mut reader, key, "zoo.cfg")
            .expect_err("refused")
            .to_string();
        assert!(
            error.starts_with(&format!("zoo.cfg: {key} is not set; ")),
            "{error}"
        );
    }
    for line in ["initLimit=0", "syncLimit=-1"] {
        let message = refusal(line, &[]);
        assert!(
            message.contains(&format!("{line} is not positive")),
            "{message}"
        );
    }
}

/// The keys of these lines without one.
fn source(lines: &str, without: &str) -> Source {
    let mut keys = Properties::default();
    for (key, value) in lines.lines().filter_map(|line| line.split_once('=')) {
        if key != without {
            keys.set(key, value, Origin::CommandLine);
        }
    }
    Source {
        keys,
        ..Source::default()
    }
}

#[test]
fn what_works_on_a_standalone_server_only_is_refused() {
    assert!(refusal("reconfigEnabled=true", &[]).contains("reconfiguration"));
    assert!(refusal("", &["-Dreadonlymode.enabled=true"]).contains("read-only mode"));
    config("2", "reconfigEnabled=false");
    load_as(Some("2"), "", &["-Dreadonlymode.enabled=false"]).expect("accepted");
}

#[test]
fn a_feature_of_ensembles_that_is_not_built_is_refused_there() {
    let mut refused = 0;
    for row in keys::rows() {
        let Treatment::EnsembleNotYet(feature, off, form) = row.treatment else {
            continue;
        };
        let on = match form {
            keys::Form::Bool if off == ["true"] => "false",
            keys::Form::Int => "1",
            _ => "true",
        };
        let message = refusal(&format!("{}={on}", row.name), &[]);
        assert!(message.contains(feature.name), "{message}");
        for off in off {
            let said = config("2", &format!("{}={off}", row.name)).notices;
            assert!(
                !said.iter().any(|notice| notice.contains(row.name)),
                "{said:?}"
            );
        }
        refused += 1;
    }
    assert!(refused > 2);
}

#[test]
fn what_works_in_an_ensemble_is_not_said_to_be_idle() {
    let said = config(
        "2",
        "quorumListenOnAllIPs=true\nleaderServes=no\nelectionAlg=3",
    )
    .notices;
    assert!(
        !said.iter().any(|notice| notice.contains("no effect")),
        "{said:?}"
    );
}

#[test]
fn every_key_that_works_in_an_ensemble_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("myid"), "2").expect("myid");
    let source = source(LINES, "");
    let mut reader = Reader::new(&source);
    let file = dir.path().join("zoo.cfg");
    let members = Members::read(&mut reader, &file, &source.keys).expect("accepted");
    let own = Own {
        place: "zoo.cfg",
        data_dir: dir.path(),
        tick_time_ms: 2000,
        extended_types_enabled: false,
    };
    Ensemble::read(&mut reader, &members, &own).expect("accepted");
    let works = keys::rows().filter(|row| matches!(row.treatment, Treatment::Ensemble(_)));
    // Group and weight lines are read as a whole; of electionAlg there is one value, which `judge` checks.
    let works = works.filter(|row| !is_member_key(row.name) && row.name != "electionAlg");
    let works: BTreeSet<String> = works
        .map(|row| row.property().unwrap_or(row.name.to_owned()))
        .collect();
    assert!(works.len() >= 15, "{works:?}");
    for name in &works {
        assert!(reader.asked.contains(name), "nothing reads {name}");
    }
    for name in &reader.asked {
        let row = keys::by_property(name).or(keys::by_key(name));
        let is_used = row.is_some_and(|row| matches!(row.treatment, Treatment::Used));
        assert!(
            works.contains(name) || is_used,
            "{name} is read, but not said to work"
        );
    }
}

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conf/ensemble");

/// One of the project's sample files, with its data elsewhere.
fn sample(sid: i64) -> Config {
    let path = format!("{SAMPLES}/zoo{sid}.cfg");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().display().to_string();
    std::fs::write(dir.path().join("myid"), sid.to_string()).expect("myid");
    let elsewhere = text.replace(&format!("./data/ensemble/{sid}"), &data);
    assert_ne!(elsewhere, text);
    let file = dir.path().join("zoo.cfg");
    std::fs::write(&file, elsewhere).expect("zoo.cfg");
    load(&[file.into()], &|_| None).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_projects_own_samples_are_one_ensemble_and_start_in_silence() {
    let samples = [1, 2, 3].map(sample);
    let text = &samples[0].ensemble.as_ref().expect("an ensemble").text;
    for (sid, sample) in (1..).zip(&samples) {
        let ensemble = sample.ensemble.as_ref().expect("an ensemble");
        assert_eq!((ensemble.me, &ensemble.text), (Sid(sid), text));
        assert!(sample.notices.is_empty(), "{:?}", sample.notices);
    }
    let ports: BTreeSet<u16> = samples
        .iter()
        .map(|sample| sample.clients.expect("a port").port)
        .collect();
    assert_eq!(ports, [2181, 2182, 2183].into());
}

#[test]
fn the_stock_file_of_a_container_is_a_member() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("myid"), "2\n").expect("myid");
    let text = format!(
        "dataDir={0}\ndataLogDir={0}/log\ntickTime=2000\ninitLimit=5\nsyncLimit=2\n\
         autopurge.snapRetainCount=3\nautopurge.purgeInterval=0\nmaxClientCnxns=60\n\
         standaloneEnabled=true\nadmin.enableServer=false\nserver.1=zoo1:2888:3888;2181\n\
         server.2=zoo2:2888:3888;2181\nserver.3=zoo3:2888:3888;2181\n",
        dir.path().display()
    );
    let file = dir.path().join("zoo.cfg");
    std::fs::write(&file, text).expect("zoo.cfg");
    let config = load(&[file.into()], &|_| None).expect("accepted");
    assert_eq!(
        config.clients,
        Some(Listen {
            address: None,
            port: 2181
        })
    );
    assert!(config.notices.is_empty(), "{:?}", config.notices);
    let ensemble = config.ensemble.expect("an ensemble");
    assert!(
        ensemble
            .text
            .starts_with("server.1=zoo1:2888:3888:participant;0.0.0.0:2181\n")
    );
}
