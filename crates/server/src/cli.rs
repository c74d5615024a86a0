//! Owns the command line: sub-commands, usage text, and which exit code a wrong one gives.
//!
//! Must not know how a server runs. Arguments are read by hand, as JVM options (`-Dname=value`, `-Xmx1g`) stand among
//! them. `java` takes the command lines of a JVM, `describe` tells shells and the manual of the sub-commands.

pub mod describe;
mod java;

use std::ffi::OsString;
use std::path::PathBuf;

use toolkits::Tool;

use crate::certs::CertsOptions;
use crate::config::{self, Config, ConfigError};
use crate::word::Question;
use crate::words;

/// What `help` prints.
pub const USAGE: &str = "\
Usage: ironkeeper serve [-Dname=value]... <zoo.cfg>
       ironkeeper serve [-Dname=value]... <clientPort> <dataDir> [tickTime] [maxClientCnxns]
       ironkeeper check [-Dname=value]... <zoo.cfg>
       ironkeeper certs --out <directory> [--host <name or address>]...
       ironkeeper bench --workload <name> [--servers <host:port>,...] [option]...
       ironkeeper txnlog [-d] [-r [-v] [-y]] [-c -z <zxid>] <log>
       ironkeeper snapshot [-d|-json] <snapshot>
       ironkeeper snapshot-compare -l <snapshot> -r <snapshot> -b <bytes> -n <znodes> [-d] [-i]
       ironkeeper snapshot-summary <snapshot> <znode> <depth>
       ironkeeper purge <dataLogDir> [<dataDir>] -n <count>
       ironkeeper word [-Dname=value]... <host> <port> <word> [<with TLS: true or false>]
       ironkeeper completions <shell>
       ironkeeper man <directory>
       ironkeeper version
       ironkeeper help

serve    run a server until it is stopped by SIGTERM or SIGINT
check    tell what would work, differ or block if a server started on zoo.cfg now, and change nothing; the exit
         code is 0 where nothing blocks
certs    make certificates and stores for trying TLS out, and tell how to use them
bench    put load on a server of any kind; bench --help has the options
txnlog   print, repair (-r) or cut (-c) a transaction log; -h has the options
snapshot print a snapshot; snapshot-compare prints what differs between two, snapshot-summary counts and sizes
purge    remove all snapshots but the newest, and the logs behind them
word     ask a server a four letter word; the properties zookeeper.ssl.* are those of a client
completions, man
         write what a shell (bash, elvish, fish, powershell, zsh) completes, and the pages of the manual
version  print the version
help     print this text

A command line of Java is understood, too: options and org.apache.zookeeper.server.quorum.QuorumPeerMain, or another
class that Apache's scripts start, also where the binary is called java.

-D sets a property, as it does for a JVM. The variables SERVER_JVMFLAGS and JVMFLAGS are read before the
command line. Other JVM options are accepted and have no effect.
";

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Run a server.
    Serve(Box<Config>),
    /// Tell what a start would do.
    Check(Vec<OsString>),
    /// Make certificates for trying things out.
    Certs(CertsOptions),
    /// Put load on a server.
    Bench(Box<bench::Options>),
    /// Print the options of `bench`.
    BenchHelp(String),
    /// Run a tool on files.
    Tool {
        /// Which one.
        tool: Tool,
        /// Its own arguments.
        args: Vec<OsString>,
        /// Longest record or field that it reads, in bytes.
        max_field_bytes: u32,
    },
    /// Ask a four letter word.
    Word(Box<Question>),
    /// Write a script for a shell.
    Completions(clap_complete::Shell),
    /// Write the pages of the manual into a directory.
    Man(PathBuf),
    /// Print the version.
    Version,
    /// Print it as Apache's `VersionInfoMain` does.
    ApacheVersion,
    /// Print it as `java -version` does, which is asked for Java's.
    JavaVersion,
    /// Print the usage text.
    Help,
}

/// Why the command line is refused. The exit code is that for an invalid invocation.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The first word is no sub-command.
    #[error("{0} is no command")]
    Unknown(String),
    /// There is no word at all.
    #[error("a command is missing")]
    Missing,
    /// `version` or `help` has an argument.
    #[error("{command} takes no argument, but has {argument}")]
    Extra {
        /// The sub-command.
        command: String,
        /// Its first argument.
        argument: String,
    },
    /// An option of `certs` that it does not have.
    #[error("certs has no option {0}")]
    Option(String),
    /// The class of a JVM's command line is none of ZooKeeper's server.
    #[error(
        "this is ironkeeper, not a Java virtual machine, and has no class {0}; it takes the place of ZooKeeper's server \
         and of its tools on files. For clients such as zkCli.sh, install Java and name it by JAVA_HOME"
    )]
    Class(String),
    /// A JVM's command line without a class.
    #[error(
        "a command line of Java needs a class, such as org.apache.zookeeper.server.quorum.QuorumPeerMain"
    )]
    NoClass,
    /// A sub-command has not the arguments that it needs.
    #[error("{command} needs {needs}")]
    Arguments {
        /// The sub-command.
        command: &'static str,
        /// What.
        needs: &'static str,
    },
    /// One that lacks its value.
    #[error("{0} needs a value")]
    Value(String),
    /// The configuration of `serve` is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The options of `bench` are refused; the text has its own usage.
    #[error(transparent)]
    Bench(#[from] bench::UsageError),
}

impl CommandError {
    /// True if the usage text helps.
    pub fn is_about_usage(&self) -> bool {
        match self {
            CommandError::Config(error) => matches!(error, ConfigError::Usage { .. }),
            CommandError::Bench(_) | CommandError::Class(_) => false,
            _ => true,
        }
    }
}

/// Reads the command line. `program` is the name by which the binary was called, `args` what stands behind it.
///
/// # Errors
/// See [`CommandError`].
pub fn parse(
    program: &OsString,
    args: &[OsString],
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Command, CommandError> {
    if java::is_meant(program, args) {
        return java::parse(args, env);
    }
    let (word, rest) = args.split_first().ok_or(CommandError::Missing)?;
    let word = word.to_string_lossy();
    let wants_help = |args: &[OsString]| {
        args.first()
            .is_some_and(|arg| arg == "--help" || arg == "-h")
    };
    match &*word {
        "serve" if wants_help(rest) => Ok(Command::Help),
        "serve" => Ok(Command::Serve(Box::new(config::load(rest, env)?))),
        "check" if wants_help(rest) => Ok(Command::Help),
        "check" if rest.is_empty() => Err(ConfigError::usage("name a configuration file").into()),
        "check" => Ok(Command::Check(rest.to_vec())),
        "certs" if wants_help(rest) => Ok(Command::Help),
        "certs" => certs(rest).map(Command::Certs),
        "bench" => Ok(match bench::parse(rest)? {
            bench::Parsed::Run(options) => Command::Bench(options),
            bench::Parsed::Help(text) => Command::BenchHelp(text),
        }),
        "word" => java::question(rest, env),
        "completions" => describe::shell(rest),
        "man" => match rest {
            [directory] => Ok(Command::Man(directory.into())),
            _ => Err(CommandError::Arguments {
                command: "man",
                needs: "a directory",
            }),
        },
        "version" | "--version" | "-V" => without_arguments(&word, rest, Command::Version),
        "help" | "--help" | "-h" => without_arguments(&word, rest, Command::Help),
        _ => match tool(&word) {
            Some(tool) => java::tool_command(tool, &[], rest, env),
            None => Err(CommandError::Unknown(word.into_owned())),
        },
    }
}

/// The tools by their sub-commands.
fn tool(word: &str) -> Option<Tool> {
    Some(match word {
        "txnlog" => Tool::TxnLogToolkit,
        "snapshot" => Tool::SnapshotFormatter,
        "snapshot-compare" => Tool::SnapshotComparer,
        "snapshot-summary" => Tool::SnapshotRecursiveSummary,
        "purge" => Tool::PurgeTxnLog,
        _ => return None,
    })
}

fn certs(args: &[OsString]) -> Result<CertsOptions, CommandError> {
    let (mut out, mut hosts) = (None, Vec::new());
    for option in args.chunks(2) {
        let name = option[0].to_string_lossy();
        match (&*name, option.get(1)) {
            ("--out", Some(directory)) => out = Some(directory.into()),
            ("--host", Some(host)) => hosts.push(host.to_string_lossy().into_owned()),
            ("--out" | "--host", None) => return Err(CommandError::Value(name.into_owned())),
            _ => return Err(CommandError::Option(name.into_owned())),
        }
    }
    let out = out.ok_or_else(|| CommandError::Value("--out".to_owned()))?;
    Ok(CertsOptions { out, hosts })
}

fn without_arguments(
    word: &str,
    rest: &[OsString],
    command: Command,
) -> Result<Command, CommandError> {
    match rest.first() {
        None => Ok(command),
        Some(argument) => Err(CommandError::Extra {
            command: word.to_owned(),
            argument: argument.to_string_lossy().into_owned(),
        }),
    }
}

/// The line that Apache's `VersionInfoMain` prints, with the version that `srvr` shows.
pub fn apache_version() -> String {
    let version = words::version().replace(", built on", "");
    format!("Apache ZooKeeper, version {version}")
}

/// What `java -version` is asked for: a line with `version "N` in it, as scripts look for one (Kafka's kafka-run-class.sh).
/// 17 is the Java of Apache's images.
pub fn java_version() -> String {
    format!(
        "ironkeeper version \"17\" ({}, not a Java virtual machine)",
        version()
    )
}

/// The line that `version` prints.
pub fn version() -> String {
    format!(
        "ironkeeper {}, in place of Apache ZooKeeper 3.9.5",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str]) -> Result<Command, CommandError> {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        parse(&"ironkeeper".into(), &args, &|_| None)
    }

    #[test]
    fn help_and_version_have_their_usual_names() {
        for word in ["help", "--help", "-h"] {
            assert!(matches!(run(&[word]), Ok(Command::Help)), "{word}");
        }
        for word in ["version", "--version", "-V"] {
            assert!(matches!(run(&[word]), Ok(Command::Version)), "{word}");
        }
        assert!(matches!(run(&["serve", "--help"]), Ok(Command::Help)));
    }

    #[test]
    fn a_wrong_command_line_is_told_the_usage() {
        for args in [
            &[][..],
            &["start"],
            &["zoo.cfg"],
            &["help", "me"],
            &["serve"],
            &["serve", "1", "d", "1", "1", "1"],
        ] {
            let error = run(args).expect_err("refused");
            assert!(error.is_about_usage(), "{args:?}: {error}");
        }
    }

    #[test]
    fn a_wrong_value_is_not_answered_with_the_usage() {
        let error = run(&["serve", "port", "data"]).expect_err("refused");
        assert!(!error.is_about_usage());
        assert_eq!(
            error.to_string(),
            "command line: clientPort=port is not a whole number of 32 bits; write digits only, without a unit"
        );
    }

    #[test]
    fn bench_has_options_and_help_of_its_own() {
        let Ok(Command::Bench(options)) = run(&["bench", "--workload", "get"]) else {
            panic!("refused")
        };
        assert_eq!(options.workload, bench::Workload::Get);
        assert!(matches!(
            run(&["bench", "--help"]),
            Ok(Command::BenchHelp(_))
        ));
        let error = run(&["bench", "--workload", "fly"]).expect_err("refused");
        assert!(!error.is_about_usage(), "{error}");
    }

    #[test]
    fn serve_takes_a_port_and_a_directory() {
        let Ok(Command::Serve(config)) = run(&["serve", "-Xmx1g", "2181", "data"]) else {
            panic!("refused")
        };
        assert_eq!(config.clients.expect("a port").port, 2181);
        assert_eq!(config.data_dir.as_os_str(), "data");
    }
}
