//! Owns the command lines that were made for a JVM: `java [option]... CLASS [argument]...`.
//!
//! Start scripts, images and Kafka's zookeeper-server-start.sh have them. Options are read as `serve` reads them; the class
//! says what is wanted.

use std::ffi::OsString;
use std::path::Path;

use toolkits::Tool;

use super::{Command, CommandError};
use crate::config;
use crate::word::Question;

/// What a class is known by.
const PACKAGE: &str = "org.apache.zookeeper.";

/// Was the binary called as a JVM is: by the name `java`, or with an option or a class in front?
pub fn is_meant(program: &OsString, args: &[OsString]) -> bool {
    let is_java = Path::new(program)
        .file_name()
        .is_some_and(|name| name == "java");
    let first = args.first().map(|arg| arg.to_string_lossy());
    is_java
        || first.is_some_and(|first| {
            let is_own = ["-h", "-V", "--help", "--version"].contains(&&*first);
            first.starts_with(PACKAGE) || (first.starts_with('-') && !is_own)
        })
}

/// Reads such a command line.
pub fn parse(
    args: &[OsString],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Command, CommandError> {
    let at = config::count_options(args);
    let (options, rest) = args.split_at(at);
    let Some((class, rest)) = rest.split_first() else {
        let asks = |option: &OsString| ["-version", "--version"].iter().any(|word| option == word);
        return match options.iter().any(asks) {
            true => Ok(Command::JavaVersion),
            false => Err(CommandError::NoClass),
        };
    };
    let class = class.to_string_lossy();
    let of_server = class.strip_prefix(PACKAGE).unwrap_or_default();
    if let Some(tool) = tool_of(of_server) {
        return tool_command(tool, options, rest, env);
    }
    match of_server {
        "server.quorum.QuorumPeerMain" | "server.ZooKeeperServerMain" => {
            let args = [options, rest].concat();
            Ok(Command::Serve(Box::new(config::load(&args, env)?)))
        }
        "client.FourLetterWordMain" => question(&[options, rest].concat(), env),
        "version.VersionInfoMain" => Ok(Command::ApacheVersion),
        _ => Err(CommandError::Class(class.into_owned())),
    }
}

fn tool_of(class: &str) -> Option<Tool> {
    Some(match class {
        "server.persistence.TxnLogToolkit" => Tool::TxnLogToolkit,
        "server.SnapshotFormatter" => Tool::SnapshotFormatter,
        "server.SnapshotComparer" => Tool::SnapshotComparer,
        "server.SnapshotRecursiveSummary" => Tool::SnapshotRecursiveSummary,
        "server.PurgeTxnLog" => Tool::PurgeTxnLog,
        _ => return None,
    })
}

/// A tool with its arguments; `jute.maxbuffer` may stand among the options.
pub fn tool_command(
    tool: Tool,
    options: &[OsString],
    args: &[OsString],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Command, CommandError> {
    Ok(Command::Tool {
        tool,
        args: args.to_vec(),
        max_field_bytes: config::max_field_bytes(options, env)?,
    })
}

/// The arguments of `word`, as `FourLetterWordMain` takes them.
pub fn question(
    args: &[OsString],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Command, CommandError> {
    let at = config::count_options(args);
    let (options, rest) = args.split_at(at);
    let rest: Vec<_> = rest.iter().map(|word| word.to_string_lossy()).collect();
    let needs = |needs| CommandError::Arguments {
        command: "word",
        needs,
    };
    let (host, port, word, secure) = match rest.as_slice() {
        [host, port, word] => (host, port, word, false),
        [host, port, word, secure] => (host, port, word, secure.eq_ignore_ascii_case("true")),
        _ => return Err(needs("a host, a port and a word")),
    };
    let port = port.parse().map_err(|_| needs("a port from 0 to 65535"))?;
    let tls = match secure {
        true => Some(config::load_client_tls(options, env)?),
        false => None,
    };
    Ok(Command::Word(Box::new(Question {
        host: host.clone().into_owned(),
        port,
        word: word.clone().into_owned(),
        tls,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn run(program: &str, args: &[&str]) -> Result<Command, CommandError> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        cli::parse(&program.into(), &args, &|_| None)
    }

    /// As Kafka 3.9's zookeeper-server-start.sh makes it.
    const KAFKA: [&str; 11] = [
        "-Xmx512M",
        "-server",
        "-XX:+UseG1GC",
        "-Djava.awt.headless=true",
        "-Xlog:gc*:file=/l/zookeeper-gc.log:time,tags:filecount=10,filesize=100M",
        "-Dcom.sun.management.jmxremote",
        "-cp",
        "/kafka/libs/a.jar:/kafka/libs/b.jar",
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        "2181",
        "data",
    ];

    #[test]
    fn a_servers_command_line_is_understood_by_either_name() {
        for program in ["/usr/bin/java", "ironkeeper"] {
            for class in ["server.quorum.QuorumPeerMain", "server.ZooKeeperServerMain"] {
                let class = format!("{PACKAGE}{class}");
                let mut args = KAFKA;
                args[8] = &class;
                let Ok(Command::Serve(config)) = run(program, &args) else {
                    panic!("refused: {program} {class}")
                };
                assert_eq!(config.clients.expect("a port").port, 2181);
                let set = config.properties.get("java.awt.headless");
                assert_eq!(set, Some("true"));
            }
        }
    }

    #[test]
    fn a_class_that_is_not_here_is_named_with_what_to_do() {
        let error = run("java", &["-cp", "a", "org.apache.zookeeper.ZooKeeperMain"]);
        let text = error.expect_err("refused").to_string();
        assert!(
            text.contains("ZooKeeperMain") && text.contains("JAVA_HOME"),
            "{text}"
        );
        assert!(matches!(
            run("java", &["-Da=1"]),
            Err(CommandError::NoClass)
        ));
        assert!(matches!(
            run("java", &["-version"]),
            Ok(Command::JavaVersion)
        ));
    }

    #[test]
    fn each_tool_has_a_class_and_a_sub_command() {
        for (class, word) in [
            ("server.persistence.TxnLogToolkit", "txnlog"),
            ("server.SnapshotFormatter", "snapshot"),
            ("server.SnapshotComparer", "snapshot-compare"),
            ("server.SnapshotRecursiveSummary", "snapshot-summary"),
            ("server.PurgeTxnLog", "purge"),
        ] {
            let class = format!("{PACKAGE}{class}");
            let tools = [
                run("ironkeeper", &["-Djute.maxbuffer=5000", &class, "-d", "x"]),
                run("ironkeeper", &[word, "-d", "x"]),
            ];
            let [one, other] = tools.map(|command| match command {
                Ok(Command::Tool {
                    tool,
                    args,
                    max_field_bytes,
                }) => (tool, args, max_field_bytes),
                other => panic!("{word}: {other:?}"),
            });
            assert_eq!((one.0, &one.1), (other.0, &other.1));
            assert_eq!(
                (one.2, other.2),
                (10_000, persistence::DEFAULT_MAX_FIELD_BYTES)
            );
        }
    }

    #[test]
    fn a_word_goes_to_a_host_and_a_port() {
        let Ok(Command::Word(question)) = run("ironkeeper", &["word", "-Da=1", "h", "1", "srvr"])
        else {
            panic!("refused")
        };
        assert_eq!(
            (&*question.host, question.port, &*question.word),
            ("h", 1, "srvr")
        );
        for args in [&["word", "h", "1"][..], &["word", "h", "x", "srvr"]] {
            assert!(
                run("ironkeeper", args)
                    .expect_err("refused")
                    .is_about_usage()
            );
        }
        let error = run("ironkeeper", &["word", "h", "1", "srvr", "true"]).expect_err("no store");
        assert!(
            error
                .to_string()
                .contains("zookeeper.ssl.keyStore.location"),
            "{error}"
        );
    }
}
