//! The options of the command line.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// Read data of znodes
    Get,
    /// Write data of znodes
    Set,
    /// Make znodes, up to a thousand below one parent
    Create,
    /// Reads and writes of data, --read-percent of them reads
    Mixed,
    /// Heart-beats: the cost of a round trip
    Ping,
    /// All connections watch one znode (persistent watches, ZooKeeper 3.6 or later); another one writes it
    /// again when all have the event. Requests are events; latency is the time to the last of a write's events
    Watch,
    /// Sessions that only send their heart-beats, three in a session timeout
    Idle,
}

/// Puts load on a ZooKeeper server and says how it was answered.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "ironkeeper bench",
    no_binary_name = true,
    about = "Puts load on a ZooKeeper server, of any kind, and says how it was answered.",
    after_help = "Each connection has a session of its own and always --in-flight requests outstanding, so a slow \
                  server is asked less. The work is done below a new znode ironkeeper-bench-..., which is removed at \
                  the end, also after SIGINT. One thread makes the load: on the server's machine it takes a core from it.\n\n\
                  Exit code: 0 if all requests were answered with OK, 1 if not, 2 for wrong options.",
    max_term_width = 100
)]
pub struct Options {
    /// The servers, host:port with commas between; connections are dealt out in turn
    #[arg(long, value_delimiter = ',', default_value = "127.0.0.1:2181", value_parser = server)]
    pub servers: Vec<String>,
    /// Connect with TLS: a store (JKS, PKCS12, PEM) with the client's key and certificate
    #[arg(long, requires = "tls_trust_store", value_name = "FILE")]
    pub tls_key_store: Option<PathBuf>,
    /// ... and one with the certificates of those whom to trust
    #[arg(long, requires = "tls_key_store", value_name = "FILE")]
    pub tls_trust_store: Option<PathBuf>,
    /// ... and a file with the password of both; none: they have none
    #[arg(long, requires = "tls_key_store", value_name = "FILE")]
    pub tls_password_file: Option<PathBuf>,
    /// What is asked
    #[arg(long, value_enum)]
    pub workload: Workload,
    /// Connections, each with a session
    #[arg(long, default_value_t = 16, value_parser = at_least_one)]
    pub connections: usize,
    /// Requests outstanding on each connection
    #[arg(long, default_value_t = 1, value_parser = at_least_one)]
    pub in_flight: usize,
    /// How long to measure
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub seconds: Duration,
    /// How long to run before measuring
    #[arg(long, default_value = "2", value_parser = seconds)]
    pub warm_up_seconds: Duration,
    /// Measure so many requests, however long they take, without a warm-up
    #[arg(long, conflicts_with_all = ["seconds", "warm_up_seconds"], value_parser = at_least_one)]
    pub requests: Option<usize>,
    /// Bytes of data in a znode
    #[arg(long, default_value_t = 100)]
    pub value_bytes: usize,
    /// Znodes that get, set and mixed choose from
    #[arg(long, default_value_t = 1000, value_parser = at_least_one)]
    pub znodes: usize,
    /// Share of reads in mixed
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub read_percent: u8,
    /// The znode below which the work is done
    #[arg(long, default_value = "/", value_parser = znode)]
    pub parent: String,
    /// Leave the znodes where they are
    #[arg(long)]
    pub keep: bool,
    /// Session timeout to ask for, in ms
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(i32).range(1000..))]
    pub session_timeout_ms: i32,
    /// Process id of a server on this machine: its CPU time is measured too (Linux)
    #[arg(long)]
    pub server_pid: Option<u32>,
    /// Print one line of JSON
    #[arg(long)]
    pub json: bool,
}

fn server(text: &str) -> Result<String, String> {
    let (host, port) = text.rsplit_once(':').ok_or("expected host:port")?;
    if host.is_empty() || port.parse::<u16>().is_err() {
        return Err("expected host:port".to_owned());
    }
    Ok(text.to_owned())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a whole number above 0".to_owned()),
        Ok(number) => Ok(number),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "expected a number of seconds, such as 10 or 0.5".to_owned())
}

fn znode(text: &str) -> Result<String, String> {
    match text.strip_prefix('/') {
        Some("") => Ok(String::new()),
        Some(rest) if !rest.ends_with('/') => Ok(text.to_owned()),
        _ => Err("expected a znode's path, such as /apps".to_owned()),
    }
}

/// What the options ask for.
#[derive(Debug)]
pub enum Parsed {
    /// A run.
    Run(Box<Options>),
    /// This text.
    Help(String),
}

/// Options that are wrong; the text says which, and shows the usage.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

/// The options, for shells that complete them and for the manual.
pub fn describe() -> clap::Command {
    Options::command()
}

/// Reads the options that stand behind the sub-command's name.
///
/// # Errors
/// What is wrong with them.
pub fn parse(args: &[OsString]) -> Result<Parsed, UsageError> {
    match Options::try_parse_from(args) {
        Ok(options) => Ok(Parsed::Run(Box::new(options))),
        Err(error) if error.kind() == ErrorKind::DisplayHelp => Ok(Parsed::Help(error.to_string())),
        Err(error) => {
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            Err(UsageError(text.trim_end().to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Options, String> {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        match parse(&args) {
            Ok(Parsed::Run(options)) => Ok(*options),
            Ok(Parsed::Help(text)) => Err(text),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn only_the_workload_must_be_said() {
        let options = run("--workload get").unwrap();
        assert_eq!((options.connections, options.in_flight), (16, 1));
        assert_eq!(options.servers, ["127.0.0.1:2181"]);
        let error = run("").unwrap_err();
        assert!(error.contains("--workload"), "{error}");
    }

    #[test]
    fn servers_stand_with_commas_between() {
        let options = run("--workload set --servers a:1,[::1]:2 --seconds 0.5").unwrap();
        assert_eq!(options.servers, ["a:1", "[::1]:2"]);
        assert_eq!(options.seconds, Duration::from_millis(500));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_is_expected() {
        for (line, expected) in [
            ("--servers a", "expected host:port"),
            ("--connections 0", "expected a whole number above 0"),
            ("--seconds -1", "unexpected argument"),
            ("--seconds=-1", "expected a number of seconds"),
            ("--parent apps", "expected a znode's path"),
            ("--read-percent 101", "101"),
            ("--requests 5 --seconds 5", "cannot be used with"),
            ("--tls-key-store a.jks", "--tls-trust-store"),
            ("--session-timeout-ms 1", "1000"),
        ] {
            let error = run(&format!("--workload get {line}")).expect_err(line);
            assert!(error.contains(expected), "{line}: {error}");
            assert!(!error.starts_with("error"), "{error}");
        }
    }

    #[test]
    fn help_is_no_error() {
        let help = run("--help").unwrap_err();
        assert!(
            help.contains("--in-flight") && help.contains("Usage: ironkeeper bench"),
            "{help}"
        );
    }
}
