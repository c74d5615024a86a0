//! Each setting reaches its field, with Apache's default and bounds.

use std::collections::BTreeSet;

use processor::Ensemble;

use super::*;

#[test]
fn what_is_not_set_has_apaches_default() {
    let config = file("");
    assert_eq!((address(&config), port(&config)), (None, 2181));
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
    assert_eq!(config.snapshot_compression, Compression::None);
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
        !config.skip_acl && !config.enforce_quota && !config.reconfig_enabled && !config.ipv4_only
    );
}

#[test]
fn each_key_reaches_its_field() {
    type Check = fn(&Config) -> bool;
    let cases: &[(&str, Check)] = &[
        ("dataLogDir=/log", |c| {
            c.data_log_dir.to_str() == Some("/log") && c.data_dir.to_str() == Some("/data")
        }),
        ("clientPort=0", |c| port(c) == 0),
        ("clientPortAddress=127.0.0.1", |c| {
            address(c) == "127.0.0.1".parse().ok()
        }),
        ("clientPortAddress=::1", |c| {
            address(c) == "::1".parse().ok()
        }),
        ("clientPortAddress=[::1]", |c| {
            address(c) == "::1".parse().ok()
        }),
        ("clientPortAddress=[0:0:0:0:0:0:0:1%lo]", |c| {
            address(c) == "::1".parse().ok()
        }),
        ("clientPortAddress=", |c| {
            address(c) == "127.0.0.1".parse().ok()
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
            c.snapshot_compression == Compression::Gzip
        }),
        ("snapshot.compression.method=snappy", |c| {
            c.snapshot_compression == Compression::Snappy
        }),
        ("snapshot.compression.method=lz4", |c| {
            c.snapshot_compression == Compression::None
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
        ("reconfigEnabled=true", |c| c.reconfig_enabled),
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
        ("admin.enableServer=false", |c| c.admin.is_none()),
        ("admin.serverPort=0x10", |c| {
            c.admin
                .as_ref()
                .is_some_and(|admin| (admin.on.port, admin.port_is_chosen) == (16, true))
        }),
        ("admin.serverAddress=127.0.0.1", |c| {
            let address = c.admin.as_ref().and_then(|admin| admin.on.address);
            address == Some(std::net::Ipv4Addr::LOCALHOST.into())
        }),
        ("admin.idleTimeout=5", |c| {
            let five = Some(std::time::Duration::from_millis(5));
            c.admin
                .as_ref()
                .is_some_and(|admin| admin.idle_time == five)
        }),
        ("admin.idleTimeout=0", |c| {
            c.admin
                .as_ref()
                .is_some_and(|admin| admin.idle_time.is_none())
        }),
        ("admin.commandURL=/a/b", |c| {
            c.admin
                .as_ref()
                .is_some_and(|admin| admin.command_url == "/a/b")
        }),
        ("admin.rateLimiterIntervalInMS=5000", |c| {
            let rates = c.admin.as_ref().map(|admin| admin.rates);
            rates.is_some_and(|rates| {
                (
                    rates.snapshot_interval.as_millis(),
                    rates.restore_interval.as_millis(),
                ) == (5, 5000)
            })
        }),
        (
            "admin.snapshot.enabled=false\nadmin.restore.enabled=false",
            |c| {
                c.admin
                    .as_ref()
                    .is_some_and(|admin| !admin.snapshot_enabled && !admin.restore_enabled)
            },
        ),
        ("IPAuthenticationProvider.usexforwardedfor=true", |c| {
            c.admin
                .as_ref()
                .is_some_and(|admin| admin.uses_forwarded_for)
        }),
        (
            "admin.forceHttps=true\nssl.quorum.keyStore.location=/k",
            |c| {
                let tls = c.admin.as_ref().and_then(|admin| admin.tls.as_ref());
                tls.is_some_and(|tls| {
                    tls.only && tls.options.client_auth == listener::tls::ClientAuth::None
                })
            },
        ),
        (
            "admin.portUnification=true\nadmin.needClientAuth=true\nssl.quorum.keyStore.location=/k\nssl.quorum.trustStore.location=/t",
            |c| {
                let tls = c.admin.as_ref().and_then(|admin| admin.tls.as_ref());
                tls.is_some_and(|tls| {
                    !tls.only && tls.options.client_auth == listener::tls::ClientAuth::Need
                })
            },
        ),
        ("admin.enableServer=off", |c| {
            c.admin.as_ref().is_some_and(|admin| !admin.port_is_chosen)
        }),
        ("DigestAuthenticationProvider.enabled=false", |c| {
            !c.digest_auth.enabled
        }),
        ("DigestAuthenticationProvider.digestAlg=SHA-256", |c| {
            c.digest_auth.algorithm == DigestAlgorithm::Sha256
        }),
        ("DigestAuthenticationProvider.superDigest=super:x=", |c| {
            c.digest_auth.super_digest == Some(Secret::new("super:x="))
        }),
        (
            "authProvider.1=org.apache.zookeeper.server.auth.KeyAuthenticationProvider",
            |c| c.auth_schemes.key,
        ),
        (
            "DigestAuthenticationProvider.enabled=false\nauthProvider.1=org.apache.zookeeper.server.auth.DigestAuthenticationProvider",
            |c| c.auth_schemes.digest,
        ),
        (
            "authProvider.x=org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider\nensembleAuthName=a, b",
            |c| c.auth_schemes.ensemble == Some(Ensemble::named(Some("a,b"))),
        ),
        (
            "enforce.auth.enabled=true\nenforce.auth.schemes=digest, ip",
            |c| c.auth_schemes.enforced == ["digest", "ip"],
        ),
        (
            "enforce.auth.enabled=false\nenforce.auth.schemes=sasl",
            |c| c.auth_schemes.enforced.is_empty(),
        ),
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
        ("request_throttle_drop_stale=false", |c| {
            !c.request_throttle.drop_stale
        }),
        ("request_stale_connection_check=false", |c| {
            !c.request_throttle.stale_connection_check
        }),
        ("request_stale_latency_check=true", |c| {
            c.request_throttle.stale_latency_check
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
    let file = std::path::Path::new("zoo.cfg");
    let members = Members::read(&mut file_reader, file, keys).expect("accepted");
    let basics = file_basics(&mut file_reader, file.into(), keys, members).expect("accepted");
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
    for name in asked.iter().filter(|name| *name != "version") {
        let row = keys::by_property(name).or(keys::by_key(name));
        assert!(
            row.is_some_and(|row| matches!(row.treatment, Treatment::Used)),
            "{name} is read, but not said to work"
        );
    }
}

#[test]
fn a_port_and_a_directory_need_no_file() {
    let config = arguments(&["-Dzookeeper.snapCount=5", "2181", "/data"]).expect("accepted");
    assert_eq!(
        (port(&config), config.file, config.snap_count),
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
        (port(&config), config.tick_time_ms, config.max_client_cnxns),
        (0, 500, 7)
    );
    assert_eq!(
        (config.min_session_timeout_ms, config.max_session_timeout_ms),
        (1000, 10_000)
    );
}

#[test]
fn logins_between_servers_are_off_unless_they_are_enabled() {
    let lines = "quorum.auth.enableSasl=true\nquorum.auth.learnerRequireSasl=true\n";
    let expected = PeerSasl {
        is_required: false,
        is_offered: true,
        is_fips: false,
        own_section: "QuorumLearner".to_owned(),
        others_section: "QuorumServer".to_owned(),
        service: "zkquorum/localhost".to_owned(),
        service_realm: None,
        canonical_hosts: false,
    };
    let config = file(&format!("{lines}fips-mode=false"));
    assert_eq!(config.sasl.peers, Some(expected));
    assert!(file(lines).sasl.peers.is_some_and(|sasl| sasl.is_fips));
    assert_eq!(file("").sasl.peers, None);
}
