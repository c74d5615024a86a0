use listener::tls::RevocationSource;

use super::super::settings::Origin;
use super::super::source::Source;
use super::super::tls::PeerNames;
use super::*;

/// Lines `key=value` of zoo.cfg, and properties.
fn read(lines: &[&str], properties: &[&str]) -> Result<PeerSettings, ConfigError> {
    let source = source(lines, properties);
    PeerSettings::read(&mut Reader::new(&source), 2000, 10, 5)
}

fn source(lines: &[&str], properties: &[&str]) -> Source {
    let mut source = Source::default();
    for (texts, into) in [
        (lines, &mut source.keys),
        (properties, &mut source.properties),
    ] {
        for text in texts {
            let (name, value) = text.split_once('=').unwrap();
            into.set(name, value, Origin::CommandLine);
        }
    }
    source
}

#[test]
fn what_is_not_set_has_apaches_default() {
    let expected = PeerSettings {
        init_limit_ms: 20_000,
        sync_limit_ms: 10_000,
        connect_to_leader_ms: 20_000,
        leader_connect_delay_ms: 100,
        listen_on_all_ips: false,
        election_port_bind_retry: 3,
        cnx_timeout_ms: 5000,
        quorum_cnxn_timeout_ms: 10_000,
        tcp_keep_alive: false,
        leader_no_delay: true,
        follower_no_delay: true,
        tls: None,
    };
    assert_eq!(read(&[], &[]).unwrap(), expected);
}

#[test]
fn each_setting_is_read() {
    let lines = ["connectToLearnerMasterLimit=3", "quorumListenOnAllIPs=true"];
    let properties = [
        "zookeeper.leaderConnectDelayDuringRetryMs=7",
        "zookeeper.electionPortBindRetry=0",
        "zookeeper.cnxTimeout=800",
        "zookeeper.quorumCnxnTimeoutMs=900",
        "zookeeper.tcpKeepAlive=true",
        "leader.nodelay=false",
        "follower.nodelay=false",
    ];
    let expected = PeerSettings {
        init_limit_ms: 20_000,
        sync_limit_ms: 10_000,
        connect_to_leader_ms: 6000,
        leader_connect_delay_ms: 7,
        listen_on_all_ips: true,
        election_port_bind_retry: 0,
        cnx_timeout_ms: 800,
        quorum_cnxn_timeout_ms: 900,
        tcp_keep_alive: true,
        leader_no_delay: false,
        follower_no_delay: false,
        tls: None,
    };
    assert_eq!(read(&lines, &properties).unwrap(), expected);
}

#[test]
fn numbers_that_cannot_be_are_refused_or_unset_as_in_apache() {
    for value in ["x", "-1", "0x10", ""] {
        let error = read(&[], &[&format!("zookeeper.cnxTimeout={value}")]).unwrap_err();
        assert!(error.to_string().contains("cnxTimeout="), "{error}");
    }
    let properties = [
        "zookeeper.electionPortBindRetry=-1",
        "zookeeper.quorumCnxnTimeoutMs=0",
    ];
    let settings = read(&["connectToLearnerMasterLimit=-1"], &properties).unwrap();
    assert_eq!(settings, read(&[], &[]).unwrap());
}

#[test]
fn tls_is_there_for_who_connects_or_who_is_connected_to() {
    let store = "zookeeper.ssl.quorum.keyStore.location=/p.jks";
    let tls = read(&["sslQuorum=true"], &[store]).unwrap().tls.unwrap();
    assert!(tls.connects && !tls.lets_plain_in && !tls.reload);
    assert_eq!(tls.options.key_store.path.to_str(), Some("/p.jks"));
    assert_eq!(tls.detection_time.as_millis(), 5000);
    let tls = read(&["portUnification=true"], &[store])
        .unwrap()
        .tls
        .unwrap();
    assert!(!tls.connects && tls.lets_plain_in);
    for key in ["sslQuorum", "portUnification"] {
        let error = read(&[&format!("{key}=true")], &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(&format!("{key}=true needs a key store")),
            "{error}"
        );
    }
}

#[test]
fn hosts_are_looked_at_outside_fips_mode_only_as_in_apache() {
    let read = |properties: &[&str]| {
        let store = "zookeeper.ssl.quorum.keyStore.location=/p.jks";
        let properties = [&[store], properties].concat();
        let tls = read(&["sslQuorum=true"], &properties).unwrap().tls.unwrap();
        (tls.check_server_host, tls.check_client_host, tls.names)
    };
    let of_quorum = |key| format!("zookeeper.ssl.quorum.{key}=false");
    assert_eq!(read(&[]), (false, false, PeerNames::ServerLines));
    let fips = "zookeeper.fips-mode=false";
    assert_eq!(read(&[fips]), (true, true, PeerNames::ServerLines));
    assert_eq!(
        read(&[fips, &of_quorum("clientHostnameVerification")]),
        (true, false, PeerNames::ServerLines)
    );
    assert_eq!(
        read(&[fips, &of_quorum("hostnameVerification")]),
        (false, false, PeerNames::ServerLines)
    );
    assert_eq!(
        read(&[fips, &of_quorum("allowReverseDnsLookup")]),
        (true, true, PeerNames::Nothing)
    );
    assert_eq!(
        read(&[fips, "zookeeper.ssl.quorum.allowReverseDnsLookup=true"]),
        (true, true, PeerNames::Dns),
        "DNS is asked where somebody says so"
    );
}

#[test]
fn revocation_is_asked_of_lists_alone_or_of_responders_and_then_of_lists() {
    let source = |properties: &[&str]| {
        let store = "zookeeper.ssl.quorum.keyStore.location=/p.jks";
        let properties = [&[store], properties].concat();
        let tls = read(&["sslQuorum=true"], &properties).unwrap().tls.unwrap();
        tls.options.revocation
    };
    let (crl, ocsp) = (
        "zookeeper.ssl.quorum.crl=true",
        "zookeeper.ssl.quorum.ocsp=true",
    );
    assert_eq!(source(&[]), None);
    assert_eq!(
        source(&["zookeeper.ssl.crl=true"]),
        None,
        "that is of clients"
    );
    assert_eq!(source(&[crl]), Some(RevocationSource::Lists));
    for both in [&[ocsp][..], &[crl, ocsp]] {
        assert_eq!(source(both), Some(RevocationSource::RespondersThenLists));
    }
}
