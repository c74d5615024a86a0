//! One server line: `host:port:port[:type][|host:port:port[:type]...][;[host:]port]`.
//!
//! Apache: `QuorumPeer.QuorumServer`, its constructor and `toString`.

use std::fmt;
use std::net::Ipv6Addr;

use super::{ServerAddress, ServerLine};
use crate::config::error::ConfigError;
use crate::config::settings::Setting;

/// One server line.
#[derive(Clone)]
pub(in super::super) struct Member {
    /// The key.
    pub name: String,
    /// Its value and where it stands.
    pub setting: Setting,
    /// What it says.
    pub line: ServerLine,
}

impl Member {
    /// Reads the line of the server `sid`, which is what stands behind `server.`.
    pub fn read(name: &str, sid: &str, setting: &Setting) -> Result<Self, ConfigError> {
        ServerLine::parse(sid, &setting.value)
            .map(|line| Member {
                name: name.to_owned(),
                setting: setting.clone(),
                line,
            })
            .map_err(|reason| {
                let advice = "write server.N=host:quorumPort:electionPort[:participant|:observer][;[host:]clientPort]";
                ConfigError::invalid(name, setting, reason, advice)
            })
    }
}

impl ServerLine {
    /// Reads what stands behind `server.` and behind the equals sign.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub(crate) fn parse(sid: &str, value: &str) -> Result<Self, &'static str> {
        let sid = sid
            .parse()
            .map_err(|_| "has no server number behind the dot")?;
        let (server, client) = match value.trim_end_matches(';').split_once(';') {
            Some((server, client)) => (server, Some(client)),
            None => (value.trim_end_matches(';'), None),
        };
        if server.contains('|') {
            return Err("has several addresses, which multiAddress.enabled would have to allow");
        }
        if server.starts_with('[') && !server.contains(']') {
            return Err("begins with [ and has no ] behind its address");
        }
        let parts = host_and_rest(server);
        let [host, quorum, election, role @ ..] = parts.as_slice() else {
            return Err("has not the form host:port:port");
        };
        let address = ServerAddress {
            host: own_if_empty(host),
            quorum_port: port(quorum).ok_or("has no port between 0 and 65535 behind the host")?,
            election_port: port(election).ok_or("has no election port between 0 and 65535")?,
        };
        if address.quorum_port == address.election_port {
            return Err("has the same port twice");
        }
        let voting =
            is_voting(role).ok_or("names a role that is neither participant nor observer")?;
        let client = match client {
            Some(client) => {
                Some(client_address(client).ok_or("has no client port behind the semicolon")?)
            }
            None => None,
        };
        Ok(ServerLine {
            sid,
            voting,
            addresses: vec![address],
            client,
        })
    }
}

fn is_voting(role: &[&str]) -> Option<bool> {
    match role {
        [] => Some(true),
        [role] => match role.trim().to_ascii_lowercase().as_str() {
            "participant" => Some(true),
            "observer" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// `port` or `host:port`.
fn client_address(text: &str) -> Option<(Option<String>, u16)> {
    match host_and_rest(text).as_slice() {
        [only] => Some((None, port(only)?)),
        [host, last] => Some((Some(own_if_empty(host)), port(last)?)),
        _ => None,
    }
}

/// Java takes the empty name for the own host.
fn own_if_empty(host: &str) -> String {
    match host {
        "" => "localhost".to_owned(),
        host => host.to_owned(),
    }
}

/// Splits at colons, but not within the brackets of an IPv6 address, which are dropped. Java leaves out what is empty at
/// the end.
fn host_and_rest(text: &str) -> Vec<&str> {
    let text = text.trim_end_matches(':');
    match text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        Some((host, rest)) => std::iter::once(host)
            .chain(rest.split(':').skip(1))
            .collect(),
        None => text.split(':').collect(),
    }
}

fn port(text: &str) -> Option<u16> {
    text.parse().ok()
}

/// The line's value as Apache writes it. A client port that stands elsewhere is not in it.
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, address) in self.line.addresses.iter().enumerate() {
            let ServerAddress {
                host,
                quorum_port,
                election_port,
            } = address;
            let separator = if at > 0 { "|" } else { "" };
            let host = Host(host);
            write!(f, "{separator}{host}:{quorum_port}:{election_port}")?;
        }
        let role = if self.line.voting {
            "participant"
        } else {
            "observer"
        };
        write!(f, ":{role}")?;
        match &self.line.client {
            Some((host, port)) => {
                let host = Host(host.as_deref().unwrap_or("0.0.0.0"));
                write!(f, ";{host}:{port}")
            }
            None => Ok(()),
        }
    }
}

/// A host as Java writes it: an IPv6 address with all its parts, in brackets.
struct Host<'a>(&'a str);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.parse::<Ipv6Addr>() {
            Ok(address) => {
                let parts = address.segments().map(|part| format!("{part:x}"));
                write!(f, "[{}]", parts.join(":"))
            }
            Err(_) if self.0.contains(':') => write!(f, "[{}]", self.0),
            Err(_) => f.write_str(self.0),
        }
    }
}
