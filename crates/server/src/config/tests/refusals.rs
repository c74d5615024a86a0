//! What is refused, and in which words.

use super::*;

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
        (
            "admin.serverPort=65536",
            "line 3: admin.serverPort=65536 is not a port; set a number from 1 to 65535, or 0 for a free port",
        ),
        (
            "admin.commandURL=commands",
            "line 3: admin.commandURL=commands is no path; set one that begins with a slash and does not end with one, such \
             as /commands",
        ),
        (
            "ssl.quorum.keyStore.location=/k\nadmin.httpVersion=20\nadmin.forceHttps=true",
            "line 4: admin.httpVersion=20 is a version that is not spoken under TLS; set 11, for HTTP/1.1, or remove the line",
        ),
        (
            "admin.portUnification=true",
            "line 3: admin.portUnification=true needs a key store; add lines such as \
             ssl.quorum.keyStore.location=/etc/zookeeper/peer.jks and ssl.quorum.trustStore.location=/etc/zookeeper/trust.jks, \
             with their passwords",
        ),
        (
            "admin.forceHttps=true\nadmin.needClientAuth=true\nssl.quorum.keyStore.location=/k",
            "line 3: admin.forceHttps=true needs a trust store, as admin.needClientAuth is true; add lines such as \
             ssl.quorum.keyStore.location=/etc/zookeeper/peer.jks and ssl.quorum.trustStore.location=/etc/zookeeper/trust.jks, \
             with their passwords",
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
            "enforce.auth.enabled=true",
            "line 3: enforce.auth.enabled=true needs enforce.auth.schemes; add a line such as \
             enforce.auth.schemes=digest",
        ),
        (
            "enforce.auth.enabled=true\nenforce.auth.schemes=digest,sasl",
            "line 4: enforce.auth.schemes=digest,sasl asks for sasl, which is no scheme here; name digest, ip, or one \
             that an authProvider line brings",
        ),
        (
            "authProvider.1=com.example.Provider",
            "line 3: authProvider.1=com.example.Provider names a Java class, which cannot be loaded; remove the line if \
             nobody authenticates by its scheme; what is open to that scheme alone is then closed",
        ),
        (
            "sessionRequireClientSASLAuth=true",
            "line 3: sessionRequireClientSASLAuth=true asks for sasl, which is no scheme here; add \
             authProvider.sasl=org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
        ),
        (
            "security.auth_to_local=nonsense",
            "line 3: security.auth_to_local=nonsense cannot be used: \"nonsense\" is no rule; write DEFAULT, or \
             rules such as RULE:[1:$1@$0](.*@EXAMPLE.COM)s/@.*//",
        ),
        (
            "quorum.auth.serverRequireSasl=true",
            "line 3: quorum.auth.serverRequireSasl=true needs quorum.auth.enableSasl=true; add that line, or set \
             quorum.auth.serverRequireSasl=false",
        ),
        (
            "quorum.auth.learnerRequireSasl=true",
            "line 3: quorum.auth.learnerRequireSasl=true needs quorum.auth.enableSasl=true; add that line, or set \
             quorum.auth.learnerRequireSasl=false",
        ),
        (
            "quorum.auth.enableSasl=true\nquorum.auth.serverRequireSasl=true",
            "line 4: quorum.auth.serverRequireSasl=true needs quorum.auth.learnerRequireSasl=true; add that line, or \
             set quorum.auth.serverRequireSasl=false",
        ),
        (
            "quorum.auth.saslContext=true",
            "line 3: quorum.auth.saslContext=true asks for a setting of SASL between servers that nobody knows, which is \
             not built yet; correct its name or remove the line",
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
    let notices = file("ssl.quorum.keyStore.password=s3cret").notices.concat();
    assert!(
        notices.contains("ssl.quorum.keyStore.password") && !notices.contains("s3cret"),
        "{notices}"
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
fn an_audit_logger_of_the_operators_own_is_refused() {
    let message = refusal("audit.impl.class=com.example.Logger");
    assert!(
        message.contains("audit.impl.class=com.example.Logger is a Java class"),
        "{message}"
    );
    for class in [
        "",
        "audit.impl.class=org.apache.zookeeper.audit.Slf4jAuditLogger\n",
    ] {
        assert!(file(&format!("{class}audit.enable=true\n")).audit);
    }
}

#[test]
fn a_format_of_the_log_that_is_not_known_is_refused() {
    let message = refusal("ironkeeper.log.format=xml");
    assert!(message.contains("set text or json"), "{message}");
}
