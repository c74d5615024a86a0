//! Asks the other servers: are they there, and what are they?

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::lines;
use super::report::Report;
use super::resolve;
use crate::config::{Ensemble, ServerLine};

/// For each step of a connection.
const PATIENCE: Duration = Duration::from_secs(2);

/// Longest answer to a four-letter word that is read.
const MAX_ANSWER_BYTES: u64 = 1 << 16;

/// Apache's lines with which a mixed ensemble was tried.
const TRIED: [&str; 5] = ["3.5.", "3.6.", "3.7.", "3.8.", "3.9."];

/// Asks all of them side by side; one that is down costs no more than a few seconds.
pub(super) fn look(ensemble: &Ensemble, client_port: Option<u16>, report: &mut Report) {
    let (own, others): (Vec<_>, Vec<_>) = ensemble
        .servers
        .iter()
        .partition(|line| line.sid == ensemble.me.0);
    let guess = Guess {
        client_port,
        own_host: own.first().map_or("", |line| &line.addresses[0].host),
    };
    std::thread::scope(|scope| {
        let asked: Vec<_> = others
            .iter()
            .map(|line| scope.spawn(move || ask(line, guess)))
            .collect();
        for (line, asked) in others.iter().zip(asked) {
            if let Ok(seen) = asked.join() {
                tell(line, &seen, report);
                tell_lines(line, &seen.lines, &ensemble.servers, report);
            }
        }
    });
}

/// What another server let see.
struct Seen {
    /// Whether its election port takes connections.
    elections: io::Result<()>,
    /// Its answer to srvr, where clients may connect to it.
    status: Option<Status>,
    /// Its server lines, where it answers conf.
    lines: Vec<ServerLine>,
}

/// The part of srvr's answer that counts here.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    version: String,
    mode: Option<String>,
}

/// Where the clients of a server connect whose line does not say so: servers of one ensemble tend to have one zoo.cfg, but for
/// those on one machine.
#[derive(Clone, Copy)]
struct Guess<'a> {
    /// None: clients have to use TLS.
    client_port: Option<u16>,
    own_host: &'a str,
}

impl Guess<'_> {
    fn client_address(self, line: &ServerLine) -> Option<(&str, u16)> {
        let host = line.addresses[0].host.as_str();
        match &line.client {
            Some((Some(client_host), port)) if !is_wildcard(client_host) => {
                Some((client_host, *port))
            }
            Some((_, port)) => Some((host, *port)),
            None if host == self.own_host => None,
            None => Some((host, self.client_port?)),
        }
    }
}

fn ask(line: &ServerLine, guess: Guess<'_>) -> Seen {
    let address = &line.addresses[0];
    let client = guess.client_address(line);
    let answer = |word| match client {
        Some((host, port)) => ask_word(host, port, word).unwrap_or_default(),
        None => String::new(),
    };
    Seen {
        elections: connect(&address.host, address.election_port).map(drop),
        status: parse_status(&answer("srvr")),
        lines: lines::parse(&answer("conf")),
    }
}

fn is_wildcard(host: &str) -> bool {
    host.parse()
        .is_ok_and(|address: std::net::IpAddr| address.is_unspecified())
}

fn tell(line: &ServerLine, seen: &Seen, report: &mut Report) {
    let address = &line.addresses[0];
    let name = format!(
        "server {} at {}:{}",
        line.sid, address.host, address.election_port
    );
    if let Err(error) = &seen.elections {
        return report.differs(format!(
            "{name} cannot be reached: {error}; see whether it runs, and what is between"
        ));
    }
    match &seen.status {
        None => report.works(format!(
            "{name} takes connections; what it is was not told, as srvr was not answered on its client port"
        )),
        Some(Status { version, mode }) => {
            let mode = mode.as_deref().unwrap_or("without a quorum");
            let text = format!("{name} is of version {version}, {mode}");
            match TRIED.iter().any(|tried| version.starts_with(tried)) {
                true => report.works(text),
                false => report.differs(format!(
                    "{text}: ironkeeper was tried with 3.5 to 3.9; take this ensemble to one of them first"
                )),
            }
        }
    }
}

/// A server whose lines are other ones counts other votes.
fn tell_lines(line: &ServerLine, theirs: &[ServerLine], ours: &[ServerLine], report: &mut Report) {
    if theirs.is_empty() {
        return;
    }
    if let Some(difference) = lines::difference(ours, theirs) {
        report.blocks(format!(
            "server {} has other server lines: {difference}; give all servers the same ones",
            line.sid
        ));
    }
}

fn ask_word(host: &str, port: u16, word: &str) -> io::Result<String> {
    let mut stream = connect(host, port)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(word.as_bytes())?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER_BYTES).read_to_string(&mut answer)?;
    Ok(answer)
}

/// A server without a quorum answers with a sentence, which has no version.
fn parse_status(answer: &str) -> Option<Status> {
    let value = |name: &str| {
        let found = answer.lines().find_map(|line| line.strip_prefix(name));
        found.map(str::to_owned)
    };
    let version = value("Zookeeper version: ")?;
    let version = version.split([',', '-']).next().unwrap_or_default();
    Some(Status {
        version: version.to_owned(),
        mode: value("Mode: "),
    })
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = None;
    for address in resolve(host, port)? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("the name has no address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_mode_are_read_from_srvr() {
        let answer = "Zookeeper version: 3.8.6-9d8d8f01, built on 2026-01-01 UTC\nMode: follower\nNode count: 5\n";
        let status = Status {
            version: "3.8.6".to_owned(),
            mode: Some("follower".to_owned()),
        };
        assert_eq!(parse_status(answer), Some(status));
        let without = "This ZooKeeper instance is not currently serving requests\n";
        assert_eq!(parse_status(without), None);
    }
}
