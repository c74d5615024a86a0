//! The configuration as a whole: files and command lines in, a `Config` or a refusal out.

use super::keys::{Form, Place, Row, Treatment};
use super::*;

mod refusals;
mod sources;
mod treatment;
mod typed;

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

fn port(config: &Config) -> u16 {
    config.clients.expect("a port").port
}

fn address(config: &Config) -> Option<std::net::IpAddr> {
    config.clients.expect("a port").address
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
