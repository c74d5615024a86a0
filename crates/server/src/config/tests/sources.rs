//! Which of several places wins, and whole files as they are found in the wild.

use super::*;

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
fn the_own_server_line_goes_before_the_client_port() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("myid"), "1\n").expect("myid");
    let load = |lines: &str| load_with(&format!("dataDir={}\n{lines}", dir.path().display()), &[]);
    let listen = |lines: &str| load(lines).map(|config| (address(&config), port(&config)));

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
fn options_of_the_environment_count() {
    let env =
        |name: &str| (name == "JVMFLAGS").then(|| "-Xmx1g -Dzookeeper.snapCount=5".to_owned());
    let config = load(&["2181".into(), "/data".into()], &env).expect("accepted");
    assert_eq!(config.snap_count, 5);
    assert_eq!(
        notices(&config, "-Xmx1g"),
        ["JVMFLAGS: -Xmx1g is an option of the JVM and has no effect here"]
    );
    let jaas = |name: &str| {
        (name == "JAVA_TOOL_OPTIONS").then(|| "-Djava.security.auth.login.config=/j".to_owned())
    };
    let config = load(&["2181".into(), "/data".into()], &jaas).expect("accepted");
    assert_eq!(config.sasl.jaas_file, Some("/j".into()));
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
        assert_eq!(port(&config), 2181);
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
    assert_eq!(port(&load_with(&text, &[]).expect("accepted")), 2181);
}

#[test]
fn the_projects_own_sample_starts_in_silence() {
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conf/zoo.cfg");
    let config = arguments(&[sample]).expect("conf/zoo.cfg");
    assert_eq!((port(&config), config.tick_time_ms), (2181, 2000));
    assert_eq!(config.data_dir.to_str(), Some("./data"));
    for word in ["srvr", "ruok", "stat", "mntr", "isro", "conf"] {
        assert!(config.four_letter_words.allows(word), "{word}");
    }
    assert!(config.notices.is_empty(), "{:?}", config.notices);
}

#[test]
fn a_directory_relative_to_nothing_is_said() {
    let said = |text| {
        let config = load_with(text, &[]).expect("accepted");
        notices(&config, "is taken from the working directory").len()
    };
    assert_eq!(said("dataDir=data\nclientPort=1\n"), 1);
    assert_eq!(said("dataDir=data\ndataLogDir=../log\nclientPort=1\n"), 2);
    assert_eq!(said("dataDir=./data\nclientPort=1\n"), 0);
}
