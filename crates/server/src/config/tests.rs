//! The configuration as a whole: files and command lines in, a `Config` or a refusal out.

use std::collections::BTreeSet;

use super::keys::{Form, Place, Row, Treatment};
use super::*;

const MINIMAL: &str = "dataDir=/data\nclientPort=2181\n";

fn load_with(text: &str, options: &[&str]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("zoo.cfg");
    std::fs::write(&file, text).expect("zoo.cfg");
    let mut args: Vec<OsString> = options.iter().map(OsString::from).collect();
    args.push(file.into());
    load(&args, &|_| None)
}

/// The minimal file and these lines.
fn file(lines: &str) -> Config {
    load_with(&format!("{MINIMAL}{lines}"), &[]).unwrap_or_else(|error| panic!("{lines}: {error}"))
}

/// The refusal of the minimal file and these lines, without the directory's name.
fn refusal(lines: &str) -> String {
    let error = load_with(&format!("{MINIMAL}{lines}"), &[])
        .err()
        .unwrap_or_else(|| panic!("{lines} was accepted"));
    short(&error.to_string())
}

fn short(message: &str) -> String {
    message
        .split_once("zoo.cfg")
        .map_or(message.to_owned(), |(_, rest)| format!("zoo.cfg{rest}"))
}

/// Notices that have `part` in them.
fn notices<'a>(config: &'a Config, part: &str) -> Vec<&'a str> {
    config
        .notices
        .iter()
        .map(String::as_str)
        .filter(|notice| notice.contains(part))
        .collect()
}

fn arguments(args: &[&str]) -> Result<Config, ConfigError> {
    load(
        &args.iter().map(OsString::from).collect::<Vec<_>>(),
        &|_| None,
    )
}

#[test]
fn what_is_not_set_has_apaches_default() {
    let config = file("");
    assert_eq!(config.client_port, 2181);
    assert_eq!(config.client_port_address, None);
    assert_eq!(config.listen_backlog, -1);
    assert_eq!(
        (config.data_dir.to_str(), config.data_log_dir.to_str()),
        (Some("/data"), Some("/data"))
    );
    assert_eq!(config.tick_time_ms, 3000);
    assert_eq!(
        (config.min_session_timeout_ms, config.max_session_timeout_ms),
        (6000, 60_000)
    );
    assert_eq!((config.max_client_cnxns, config.max_cnxns), (60, 0));
    assert_eq!(config.global_outstanding_limit, 1000);
    assert_eq!(
        (config.jute_max_buffer, config.jute_max_buffer_extra_size),
        (1_048_575, 1_048_575)
    );
    assert_eq!(
        (config.pre_alloc_size_kib, config.snap_count),
        (65_536, 100_000)
    );
    assert_eq!(
        (config.snap_size_limit_kib, config.txn_log_size_limit_kib),
        (4_194_304, 0)
    );
    assert_eq!(
        (config.force_sync, config.fsync_warning_threshold_ms),
        (true, 1000)
    );
    assert_eq!(
        config.autopurge,
        Autopurge {
            snap_retain_count: 3,
            purge_interval_hours: 0
        }
    );
    assert_eq!(config.snapshot_compression, SnapshotCompression::None);
    assert_eq!(
        (
            config.flush_delay_ms,
            config.max_write_queue_poll_time_ms,
            config.max_batch_size
        ),
        (0, 0, 1000)
    );
    assert_eq!(config.sessionless_cnxn_timeout_ms, 10_000);
    assert_eq!(
        config.four_letter_words,
        FourLetterWords::parse("srvr", false)
    );
    assert_eq!(
        config.large_requests,
        LargeRequests {
            max_bytes: 104_857_600,
            threshold: None
        }
    );
    assert_eq!(
        (
            config.connection_throttle.tokens,
            config.connection_throttle.weights
        ),
        (0, None)
    );
    assert_eq!(config.digest_auth.algorithm, DigestAlgorithm::Sha1);
    assert_eq!(config.digest_auth.super_digest, None);
    let on = [
        config.datadir_autocreate,
        config.db_autocreate,
        config.digest_enabled,
        config.digest_auth.enabled,
    ];
    assert_eq!(on, [true; 4]);
    assert!(config.serialize_last_processed_zxid_enabled && config.close_session_txn_enabled);
    let off = [
        config.snapshot_trust_empty,
        config.extended_types_enabled,
        config.emulate_353_ttl_nodes,
    ];
    assert_eq!(off, [false; 3]);
    assert!(
        !config.skip_acl
            && !config.enforce_quota
            && !config.enable_eager_acl_check
            && !config.ipv4_only
    );
}

#[test]
fn each_key_reaches_its_field() {
    type Check = fn(&Config) -> bool;
    let cases: &[(&str, Check)] = &[
        ("dataLogDir=/log", |c| {
            c.data_log_dir.to_str() == Some("/log") && c.data_dir.to_str() == Some("/data")
        }),
        ("clientPort=0", |c| c.client_port == 0),
        ("clientPortAddress=127.0.0.1", |c| {
            c.client_port_address == "127.0.0.1".parse().ok()
        }),
        ("clientPortAddress=::1", |c| {
            c.client_port_address == "::1".parse().ok()
        }),
        ("clientPortAddress=[::1]", |c| {
            c.client_port_address == "::1".parse().ok()
        }),
        ("clientPortAddress=", |c| {
            c.client_port_address == "127.0.0.1".parse().ok()
        }),
        ("clientPortListenBacklog=10", |c| c.listen_backlog == 10),
        ("tickTime=100", |c| {
            (
                c.tick_time_ms,
                c.min_session_timeout_ms,
                c.max_session_timeout_ms,
            ) == (100, 200, 2000)
        }),
        ("minSessionTimeout=1", |c| {
            (c.min_session_timeout_ms, c.max_session_timeout_ms) == (1, 60_000)
        }),
        ("maxSessionTimeout=9000", |c| {
            (c.min_session_timeout_ms, c.max_session_timeout_ms) == (6000, 9000)
        }),
        ("minSessionTimeout=-1\nmaxSessionTimeout=-1", |c| {
            c.max_session_timeout_ms == 60_000
        }),
        ("maxClientCnxns=0", |c| c.max_client_cnxns == 0),
        ("maxClientCnxns=-3", |c| c.max_client_cnxns == 0),
        ("maxCnxns=9", |c| c.max_cnxns == 9),
        ("maxCnxns=-9", |c| c.max_cnxns == 0),
        (
            "autopurge.snapRetainCount=5\nautopurge.purgeInterval=24",
            |c| {
                c.autopurge
                    == Autopurge {
                        snap_retain_count: 5,
                        purge_interval_hours: 24,
                    }
            },
        ),
        (
            "autopurge.snapRetainCount=1\nautopurge.purgeInterval=-1",
            |c| {
                c.autopurge
                    == Autopurge {
                        snap_retain_count: 3,
                        purge_interval_hours: 0,
                    }
            },
        ),
        ("jute.maxbuffer.extrasize=2048", |c| {
            c.jute_max_buffer_extra_size == 2048
        }),
        ("jute.maxbuffer.extrasize=1", |c| {
            c.jute_max_buffer_extra_size == 1024
        }),
        ("globalOutstandingLimit=5", |c| {
            c.global_outstanding_limit == 5
        }),
        ("preAllocSize=64", |c| c.pre_alloc_size_kib == 64),
        ("preAllocSize=-1", |c| c.pre_alloc_size_kib == 0),
        ("preAllocSize=0x10", |c| c.pre_alloc_size_kib == 65_536),
        ("snapCount=10", |c| c.snap_count == 10),
        ("snapCount=1", |c| c.snap_count == 2),
        ("snapSizeLimitInKb=-1", |c| c.snap_size_limit_kib == 0),
        ("txnLogSizeLimitInKb=7", |c| c.txn_log_size_limit_kib == 7),
        ("forceSync=no", |c| !c.force_sync),
        ("forceSync=false", |c| c.force_sync),
        ("fsync.warningthresholdms=5", |c| {
            c.fsync_warning_threshold_ms == 5
        }),
        ("flushDelay=9", |c| {
            (c.flush_delay_ms, c.max_write_queue_poll_time_ms) == (9, 3)
        }),
        ("flushDelay=9\nmaxWriteQueuePollTime=1", |c| {
            c.max_write_queue_poll_time_ms == 1
        }),
        ("maxBatchSize=4", |c| c.max_batch_size == 4),
        ("snapshot.compression.method=GZ", |c| {
            c.snapshot_compression == SnapshotCompression::Gzip
        }),
        ("snapshot.compression.method=snappy", |c| {
            c.snapshot_compression == SnapshotCompression::Snappy
        }),
        ("snapshot.compression.method=lz4", |c| {
            c.snapshot_compression == SnapshotCompression::None
        }),
        ("snapshot.trust.empty=true", |c| c.snapshot_trust_empty),
        ("datadir.autocreate=false", |c| !c.datadir_autocreate),
        ("db.autocreate=false", |c| !c.db_autocreate),
        ("digest.enabled=false", |c| !c.digest_enabled),
        ("serializeLastProcessedZxid.enabled=false", |c| {
            !c.serialize_last_processed_zxid_enabled
        }),
        ("closeSessionTxn.enabled=false", |c| {
            !c.close_session_txn_enabled
        }),
        ("extendedTypesEnabled=true", |c| c.extended_types_enabled),
        ("emulate353TTLNodes=true", |c| c.emulate_353_ttl_nodes),
        ("enforceQuota=TRUE", |c| c.enforce_quota),
        ("enableEagerACLCheck=true", |c| c.enable_eager_acl_check),
        ("skipACL=yes", |c| c.skip_acl),
        ("skipACL=true", |c| !c.skip_acl),
        ("nio.sessionlessCnxnTimeout=50", |c| {
            c.sessionless_cnxn_timeout_ms == 50
        }),
        ("clientTcpKeepAlive=true", |c| c.client_tcp_keep_alive),
        ("4lw.commands.whitelist=*", |c| {
            c.four_letter_words == FourLetterWords::All
        }),
        ("4lw.commands.whitelist=ruok", |c| {
            c.four_letter_words.allows("ruok") && !c.four_letter_words.allows("mntr")
        }),
        ("admin.enableServer=false", |c| !c.admin_server_enabled),
        ("DigestAuthenticationProvider.enabled=false", |c| {
            !c.digest_auth.enabled
        }),
        ("DigestAuthenticationProvider.digestAlg=SHA-256", |c| {
            c.digest_auth.algorithm == DigestAlgorithm::Sha256
        }),
        ("DigestAuthenticationProvider.superDigest=super:x=", |c| {
            c.digest_auth.super_digest == Some(Secret::new("super:x="))
        }),
        ("largeRequestMaxBytes=5\nlargeRequestThreshold=4", |c| {
            c.large_requests
                == LargeRequests {
                    max_bytes: 5,
                    threshold: Some(4),
                }
        }),
        ("largeRequestMaxBytes=0\nlargeRequestThreshold=0", |c| {
            c.large_requests
                == LargeRequests {
                    max_bytes: 104_857_600,
                    threshold: None,
                }
        }),
        ("throttled_op_wait_time=3", |c| {
            c.throttled_op_wait_time_ms == 3
        }),
        ("request_throttle_max_requests=3", |c| {
            c.request_throttle.max_requests == 3
        }),
        ("request_throttle_stall_time=3", |c| {
            c.request_throttle.stall_time_ms == 3
        }),
        ("request_throttle_drop_stale=false", |c| {
            !c.request_throttle.drop_stale
        }),
        ("request_stale_connection_check=false", |c| {
            !c.request_throttle.stale_connection_check
        }),
        ("request_stale_latency_check=true", |c| {
            c.request_throttle.stale_latency_check
        }),
        ("request_throttler.shutdownTimeout=3", |c| {
            c.request_throttle.shutdown_timeout_ms == 3
        }),
        ("connection_throttle_tokens=3", |c| {
            c.connection_throttle.tokens == 3
        }),
        ("connection_throttle_fill_time=0", |c| {
            c.connection_throttle.fill_time_ms == 1
        }),
        ("connection_throttle_fill_count=3", |c| {
            c.connection_throttle.fill_count == 3
        }),
        ("connection_throttle_freeze_time=3", |c| {
            c.connection_throttle.freeze_time_ms == Some(3)
        }),
        ("connection_throttle_drop_increase=0.5", |c| {
            c.connection_throttle.drop_increase == 0.5
        }),
        ("connection_throttle_drop_decrease=0.5", |c| {
            c.connection_throttle.drop_decrease == 0.5
        }),
        ("connection_throttle_decrease_ratio=0.5", |c| {
            c.connection_throttle.decrease_ratio == 0.5
        }),
    ];
    for (lines, check) in cases {
        assert!(check(&file(lines)), "{lines}");
    }
}

#[test]
fn properties_without_a_key_are_set_by_d() {
    let options = [
        "-Djute.maxbuffer=5000",
        "-Dreadonlymode.enabled=true",
        "-Dznode.container.checkIntervalMs=5",
        "-Dznode.container.maxPerMinute=6",
        "-Dznode.container.maxNeverUsedIntervalMs=7",
        "-Djava.net.preferIPv4Stack=true",
        "-Dfsync.warningthresholdms=8",
    ];
    let config = load_with(MINIMAL, &options).expect("accepted");
    assert_eq!(
        (config.jute_max_buffer, config.jute_max_buffer_extra_size),
        (5000, 5000)
    );
    let expected = Containers {
        check_interval_ms: 5,
        max_per_minute: 6,
        max_never_used_interval_ms: 7,
    };
    assert_eq!(config.containers, expected);
    assert!(config.read_only_mode && config.four_letter_words.allows("isro"));
    assert!(config.ipv4_only);
    assert_eq!(config.fsync_warning_threshold_ms, 8);
}

#[test]
fn weights_are_corrected_and_multiply_the_bucket() {
    let throttle = |lines: &str| {
        file(&format!("connection_throttle_weight_enabled=true\n{lines}")).connection_throttle
    };
    let weights = |global_session, local_session, renew_session| {
        Some(ConnectionWeights {
            global_session,
            local_session,
            renew_session,
        })
    };
    assert_eq!(throttle("").weights, weights(3, 1, 2));
    assert_eq!(
        throttle("connection_throttle_local_session_weight=5").weights,
        weights(5, 5, 5)
    );
    let wrong = "connection_throttle_global_session_weight=0\nconnection_throttle_local_session_weight=-1\n\
                 connection_throttle_renew_session_weight=0";
    assert_eq!(throttle(wrong).weights, weights(3, 1, 2));
    let bucket = throttle("connection_throttle_tokens=10\nconnection_throttle_fill_count=2");
    assert_eq!((bucket.tokens, bucket.fill_count), (30, 6));
}

#[test]
fn every_key_that_works_is_read() {
    let source = Source::default();
    let mut reader = Reader::new(&source);
    let keys = &mut Properties::default();
    keys.set("dataDir", "/data", Origin::CommandLine);
    keys.set("clientPort", "1", Origin::CommandLine);
    let with_keys = Source {
        keys: keys.clone(),
        ..Source::default()
    };
    let mut file_reader = Reader::new(&with_keys);
    let basics = file_basics(&mut file_reader, "zoo.cfg".into(), keys).expect("accepted");
    build(&mut reader, basics).expect("accepted");
    let asked: BTreeSet<String> = reader.asked.into_iter().chain(file_reader.asked).collect();
    for row in keys::rows()
        .filter(|row| matches!(row.treatment, Treatment::Used) && row.name != "server.*")
    {
        let name = row.property().unwrap_or(row.name.to_owned());
        assert!(
            asked.contains(&name),
            "{name} is said to work, but nothing reads it"
        );
    }
    for name in &asked {
        let row = keys::by_property(name).or(keys::by_key(name));
        assert!(
            row.is_some_and(|row| matches!(row.treatment, Treatment::Used)),
            "{name} is read, but not said to work"
        );
    }
}

/// Lines of the file and options by which `row` is set to `value`.
fn ways(row: &Row, value: &str) -> Vec<(String, String)> {
    let fill = |name: &str| name.replace('*', "some");
    let mut ways = Vec::new();
    // The first letters of a server line go before everything else.
    if row.place != Place::Property && !source::is_member_key(row.name) {
        ways.push((format!("{}={value}", fill(row.name)), String::new()));
    }
    if let Some(property) = row.property() {
        ways.push((String::new(), format!("-D{}={value}", fill(&property))));
    }
    ways
}

fn load_way((line, option): &(String, String)) -> Result<Config, ConfigError> {
    let options: Vec<&str> = [option.as_str()]
        .into_iter()
        .filter(|option| !option.is_empty())
        .collect();
    load_with(&format!("{MINIMAL}{line}\n"), &options)
}

#[test]
fn a_feature_that_is_not_built_is_refused_unless_off() {
    for row in keys::rows() {
        let Treatment::NotYet(feature, off) = row.treatment else {
            continue;
        };
        for way in ways(row, "something") {
            let message = load_way(&way).expect_err(row.name).to_string();
            assert!(
                message.contains(feature.name) && message.contains(feature.advice),
                "{way:?}: {message}"
            );
            assert!(
                message.contains(&row.name.replace('*', "some")),
                "{way:?}: {message}"
            );
        }
        for way in off.iter().flat_map(|value| ways(row, value)) {
            let config = load_way(&way).unwrap_or_else(|error| panic!("{way:?}: {error}"));
            assert!(
                notices(&config, row.name).is_empty(),
                "{way:?}: {:?}",
                config.notices
            );
        }
    }
}

#[test]
fn a_key_without_effect_is_accepted_and_said_once() {
    for row in keys::rows() {
        let value = match row.treatment {
            Treatment::Harmless(_, form) | Treatment::Ensemble(form) => match form {
                Form::Any | Form::Int | Form::Long => "12",
                Form::Bool => "TRUE",
                Form::OneOf(known) => known[known.len() - 1],
            },
            Treatment::Dormant(_) => "12",
            Treatment::Used | Treatment::NotYet(..) => continue,
        };
        for way in ways(row, value) {
            let config = load_way(&way).unwrap_or_else(|error| panic!("{way:?}: {error}"));
            let name = row.name.replace('*', "some");
            assert_eq!(
                notices(&config, &name).len(),
                1,
                "{way:?}: {:?}",
                config.notices
            );
        }
    }
}

#[test]
fn a_malformed_value_is_refused_even_if_it_has_no_effect() {
    for (line, wanted) in [
        ("initLimit=ten", "a whole number"),
        ("initLimit=2147483648", "a whole number"),
        ("electionAlg=0", "is not 3"),
        ("peerType=leader", "observer or participant"),
        ("quorumListenOnAllIPs=yes", "true or false"),
        ("jvm.pause.sleep.time.ms=1s", "a whole number"),
        (
            "serverCnxnFactory=com.example.Factory",
            "NIOServerCnxnFactory",
        ),
    ] {
        let message = refusal(line);
        assert!(
            message.starts_with(&format!("zoo.cfg line 3: {line} is not ")),
            "{message}"
        );
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn a_refusal_names_line_key_value_and_what_to_do() {
    for (lines, expected) in [
        (
            "tickTime=0",
            "line 3: tickTime=0 is not positive; set milliseconds such as tickTime=2000",
        ),
        (
            "tickTime=-1",
            "line 3: tickTime=-1 is not positive; set milliseconds such as tickTime=2000",
        ),
        (
            "tickTime=2s",
            "line 3: tickTime=2s is not a whole number of 32 bits; write digits only, without a unit",
        ),
        (
            "minSessionTimeout=5000\nmaxSessionTimeout=4000",
            "line 4: maxSessionTimeout=4000 leaves no session timeout between minSessionTimeout=5000 and \
             maxSessionTimeout=4000; set milliseconds with minSessionTimeout <= maxSessionTimeout",
        ),
        (
            "minSessionTimeout=60001",
            "line 3: minSessionTimeout=60001 leaves no session timeout between minSessionTimeout=60001 and \
             maxSessionTimeout=60000; set milliseconds with minSessionTimeout <= maxSessionTimeout",
        ),
        (
            "clientPort=65536",
            "line 3: clientPort=65536 is not a port; set a number from 1 to 65535, or 0 for a free port",
        ),
        ("dataDir=", "line 3: dataDir= names no directory; name one"),
        (
            "standaloneEnabled=1",
            "line 3: standaloneEnabled=1 is neither true nor false; set one of them",
        ),
        (
            "nio.sessionlessCnxnTimeout=0",
            "line 3: nio.sessionlessCnxnTimeout=0 is not positive; the default is 10000",
        ),
        (
            "connection_throttle_drop_increase=x",
            "line 3: connection_throttle_drop_increase=x is not a number; set a decimal number such as 0.02",
        ),
        (
            "DigestAuthenticationProvider.digestAlg=MD9",
            "line 3: DigestAuthenticationProvider.digestAlg=MD9 is no hash that is known; set SHA1, MD5, \
             SHA-224, SHA-256, SHA-384, SHA-512, SHA3-256 or SHA3-512",
        ),
        (
            "a=\\u00",
            "line 3: \\u must be followed by four hexadecimal digits; write a backslash itself as \\\\",
        ),
    ] {
        let message = refusal(lines);
        assert!(
            message.replacen("zoo.cfg: ", "zoo.cfg ", 1) == format!("zoo.cfg {expected}"),
            "{message}"
        );
    }
}

#[test]
fn what_must_be_set_is_asked_for() {
    for (text, expected) in [
        (
            "clientPort=2181\n",
            "zoo.cfg: dataDir is not set; add a line such as dataDir=/var/lib/zookeeper",
        ),
        (
            "dataDir=/data\n",
            "zoo.cfg: clientPort is not set; add a line such as clientPort=2181",
        ),
        (
            "dataDir=/data\nclientPortAddress=127.0.0.1\n",
            "zoo.cfg line 2: clientPortAddress=127.0.0.1 is set, but clientPort is not; add a line such as clientPort=2181",
        ),
        (
            "dataDir=/data\nserver.1=a:2888:3888;2181\n",
            "zoo.cfg: clientPort is not set; add a line such as clientPort=2181, or write the port behind a semicolon in \
             server.1 and its number in dataDir/myid",
        ),
    ] {
        assert_eq!(
            short(&load_with(text, &[]).expect_err(text).to_string()),
            expected
        );
    }
}

#[test]
fn a_host_name_that_does_not_resolve_is_refused() {
    let message = refusal("clientPortAddress=no..host");
    assert!(
        message.starts_with("zoo.cfg line 3: clientPortAddress=no..host cannot be resolved"),
        "{message}"
    );
}

#[test]
fn a_secret_is_not_repeated_in_a_message() {
    let message = refusal("ssl.keyStore.password=s3cret");
    assert!(
        message.contains("ssl.keyStore.password=(hidden)") && !message.contains("s3cret"),
        "{message}"
    );
    let config = file("DigestAuthenticationProvider.superDigest=super:s3cret");
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_missing_file_is_named() {
    let message = arguments(&["/nowhere/zoo.cfg"])
        .expect_err("refused")
        .to_string();
    assert!(
        message.starts_with("/nowhere/zoo.cfg: ")
            && message.ends_with("; name a zoo.cfg that can be read"),
        "{message}"
    );
}

#[test]
fn the_last_of_equal_keys_wins() {
    assert_eq!(
        file("tickTime=1\ntickTime = 7 \nsnapCount=3\nsnapCount=4").tick_time_ms,
        7
    );
}

#[test]
fn the_file_wins_against_d_and_says_so() {
    let config = load_with(
        &format!("{MINIMAL}snapCount=7\n"),
        &["-Dzookeeper.snapCount=9"],
    )
    .expect("accepted");
    assert_eq!(config.snap_count, 7);
    assert_eq!(config.properties.get("zookeeper.snapCount"), Some("7"));
    assert_eq!(
        notices(&config, "snapCount")
            .into_iter()
            .map(short)
            .collect::<Vec<_>>(),
        ["zoo.cfg line 3: snapCount=7 wins against -Dzookeeper.snapCount of the command line"]
    );
}

#[test]
fn an_unknown_key_is_one_warning_and_a_property() {
    let config = load_with(
        &format!("{MINIMAL}my.own.key = some value \n"),
        &["-Dzookeeper.my.own.key=x"],
    )
    .expect("accepted");
    assert_eq!(
        config.properties.get("zookeeper.my.own.key"),
        Some("some value")
    );
    let said: Vec<String> = notices(&config, "is not known")
        .into_iter()
        .map(short)
        .collect();
    assert_eq!(
        said,
        ["zoo.cfg line 3: my.own.key is not known and has no effect"]
    );
}

#[test]
fn a_key_that_does_nothing_in_the_file_gets_a_hint() {
    for (line, hint) in [
        (
            "jute.maxbuffer=4194304",
            "it can be set by -Djute.maxbuffer=... only",
        ),
        (
            "requestThrottleLimit=5",
            "the name that works is request_throttle_max_requests",
        ),
        (
            "zookeeper.snapCount=5",
            "in the file it is written without zookeeper. in front: snapCount",
        ),
        ("snapcount=5", "is snapCount meant? Capital letters count"),
    ] {
        let config = file(line);
        let said = notices(&config, "is not known and has no effect: ");
        assert!(
            said.len() == 1 && said[0].ends_with(hint),
            "{line}: {:?}",
            config.notices
        );
        assert_eq!(
            (config.jute_max_buffer, config.snap_count),
            (1_048_575, 100_000),
            "{line}"
        );
    }
}

#[test]
fn properties_of_nobody_are_said_once() {
    let options = [
        "-Dzookeeper.clientPort=1",
        "-Dcom.sun.management.jmxremote",
        "-Duser.timezone=UTC",
    ];
    let config = load_with(MINIMAL, &options).expect("accepted");
    assert_eq!(config.client_port, 2181);
    assert_eq!(notices(&config, "-D").len(), 2, "{:?}", config.notices);
    assert_eq!(
        notices(&config, "-Dzookeeper.clientPort"),
        ["not known, and no effect: -Dzookeeper.clientPort"]
    );
}

#[test]
fn the_admin_server_is_missed_once_unless_it_is_off() {
    assert_eq!(
        notices(&file(""), "the admin server is not built yet").len(),
        1
    );
    assert_eq!(
        notices(
            &file("admin.enableServer=true"),
            "the admin server is not built yet"
        )
        .len(),
        1
    );
    assert!(notices(&file("admin.enableServer=false"), "admin").is_empty());
}

#[test]
fn the_own_server_line_goes_before_the_client_port() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("myid"), "1\n").expect("myid");
    let load = |lines: &str| load_with(&format!("dataDir={}\n{lines}", dir.path().display()), &[]);
    let listen =
        |lines: &str| load(lines).map(|config| (config.client_port_address, config.client_port));

    let own = "server.1=localhost:2888:3888;127.0.0.1:2182\n";
    let expected = ("127.0.0.1".parse().ok(), 2182);
    assert_eq!(listen(own).expect("accepted"), expected);
    assert_eq!(
        listen(&format!("{own}clientPort=2182\n")).expect("accepted"),
        expected
    );
    for other in [
        "clientPort=2183",
        "clientPort=2182\nclientPortAddress=127.0.0.2",
    ] {
        let message = load(&format!("{own}{other}\n"))
            .expect_err(other)
            .to_string();
        assert!(message.contains("another client address"), "{message}");
    }
}

#[test]
fn a_port_and_a_directory_need_no_file() {
    let config = arguments(&["-Dzookeeper.snapCount=5", "2181", "/data"]).expect("accepted");
    assert_eq!(
        (config.client_port, config.file, config.snap_count),
        (2181, None, 5)
    );
    assert_eq!(
        (config.data_dir.to_str(), config.data_log_dir.to_str()),
        (Some("/data"), Some("/data"))
    );
    assert_eq!(
        (config.tick_time_ms, config.max_client_cnxns),
        (3000, 0),
        "no limit of 60 in this form"
    );
    let config = arguments(&["0", "/data", "500", "7"]).expect("accepted");
    assert_eq!(
        (
            config.client_port,
            config.tick_time_ms,
            config.max_client_cnxns
        ),
        (0, 500, 7)
    );
    assert_eq!(
        (config.min_session_timeout_ms, config.max_session_timeout_ms),
        (1000, 10_000)
    );
}

#[test]
fn a_wrong_number_of_arguments_is_refused() {
    for args in [
        &[][..],
        &["-Xmx1g"],
        &["1", "d", "1", "1", "1"],
        &["zoo.cfg", "-Da=b"],
    ] {
        assert!(
            matches!(arguments(args), Err(ConfigError::Usage { .. })),
            "{args:?}"
        );
    }
}

#[test]
fn wrong_arguments_name_what_they_stand_for() {
    for (args, part) in [
        (&["zoo.cfg", "d"][..], "clientPort=zoo.cfg"),
        (&["70000", "d"], "clientPort=70000"),
        (&["1", "d", "0"], "tickTime=0"),
        (&["1", "d", "x"], "tickTime=x"),
        (&["1", "d", "1", "x"], "maxClientCnxns=x"),
    ] {
        let message = arguments(args).expect_err(part).to_string();
        assert!(
            message.starts_with(&format!("command line: {part} ")),
            "{message}"
        );
    }
}

#[test]
fn options_of_the_environment_count() {
    let env =
        |name: &str| (name == "JVMFLAGS").then(|| "-Xmx1g -Dzookeeper.snapCount=5".to_owned());
    let config = load(&["2181".into(), "/data".into()], &env).expect("accepted");
    assert_eq!(config.snap_count, 5);
    assert_eq!(
        notices(&config, "-Xmx1g"),
        ["JVMFLAGS: -Xmx1g is an option of the JVM and has no effect here"]
    );
    let sasl = |name: &str| {
        (name == "JAVA_TOOL_OPTIONS").then(|| "-Djava.security.auth.login.config=/j".to_owned())
    };
    let message = load(&["2181".into(), "/data".into()], &sasl)
        .expect_err("refused")
        .to_string();
    assert!(
        message.starts_with("JAVA_TOOL_OPTIONS: java.security.auth.login.config=/j asks for SASL"),
        "{message}"
    );
}

#[test]
fn the_stock_files_of_other_projects_start() {
    let kafka =
        "dataDir=/tmp/zookeeper\nclientPort=2181\nmaxClientCnxns=0\nadmin.enableServer=false\n";
    let solr = "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/opt/zookeeper/data\nclientPort=2181\n\
                autopurge.snapRetainCount=3\nautopurge.purgeInterval=1\nadmin.enableServer=false\n";
    let sample =
        "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/tmp/zookeeper\nclientPort=2181\n";
    let bitnami = "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/bitnami/zookeeper/data\nclientPort=2181\n\
                   maxClientCnxns=60\nautopurge.snapRetainCount=3\nautopurge.purgeInterval=0\nmaxCnxns=0\n\
                   reconfigEnabled=false\nquorumListenOnAllIPs=false\n4lw.commands.whitelist=srvr, mntr\n\
                   maxSessionTimeout=40000\nadmin.serverPort=8080\nadmin.enableServer=true\nsnapCount=100000\n\
                   preAllocSize=65536\n";
    for text in [kafka, solr, sample, bitnami] {
        let config = load_with(text, &[]).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(config.client_port, 2181);
        assert!(
            notices(&config, "not known").is_empty(),
            "{:?}",
            config.notices
        );
        assert!(config.notices.len() <= 3, "{:?}", config.notices);
    }
    assert!(load_with(kafka, &[]).expect("accepted").notices.is_empty());
}

#[test]
fn a_stock_container_has_its_port_in_the_server_line() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("myid"), "1\n").expect("myid");
    let text = format!(
        "dataDir={0}\ndataLogDir={0}/log\ntickTime=2000\ninitLimit=5\nsyncLimit=2\nautopurge.snapRetainCount=3\n\
         autopurge.purgeInterval=0\nmaxClientCnxns=60\nstandaloneEnabled=true\nadmin.enableServer=true\n\
         server.1=localhost:2888:3888;2181\n",
        dir.path().display()
    );
    assert_eq!(load_with(&text, &[]).expect("accepted").client_port, 2181);
}

#[test]
fn the_projects_own_sample_starts_in_silence() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conf/zoo.cfg");
    let config = arguments(&[sample]).expect("conf/zoo.cfg");
    assert_eq!((config.client_port, config.tick_time_ms), (2181, 2000));
    assert_eq!(config.data_dir.to_str(), Some("./data"));
    for word in ["srvr", "ruok", "stat", "mntr", "isro", "conf"] {
        assert!(config.four_letter_words.allows(word), "{word}");
    }
    assert!(config.notices.is_empty(), "{:?}", config.notices);
}

#[test]
fn a_directory_relative_to_nothing_is_said() {
    let config = load_with("dataDir=data\nclientPort=1\n", &[]).expect("accepted");
    assert!(
        config
            .notices
            .contains(&"dataDir=data is taken from the working directory".to_owned())
    );
}
