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
    /// Reads the line of the server `sid`, which is what stands behind `server.`. It may have more than one address where
    /// `several` says so.
    pub fn read(
        name: &str,
        sid: &str,
        setting: &Setting,
        several: bool,
    ) -> Result<Self, ConfigError> {
        let invalid = |reason, advice: &str| ConfigError::invalid(name, setting, reason, advice);
        let line = ServerLine::parse(sid, &setting.value).map_err(|reason| {
            let advice = "write server.N=host:quorumPort:electionPort[:participant|:observer][;[host:]clientPort]";
            invalid(reason, advice)
        })?;
        if line.addresses.len() > 1 && !several {
            // Apache's own lines are read with the property alone.
            let advice = "start with -Dzookeeper.multiAddress.enabled=true, in SERVER_JVMFLAGS for one; multiAddress.enabled in the file does not count here, on Apache ZooKeeper neither";
            return Err(invalid("has several addresses", advice));
        }
        Ok(Member {
            name: name.to_owned(),
            setting: setting.clone(),
            line,
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
        let mut addresses = Vec::new();
        let mut voting = None;
        for text in server.trim_end_matches('|').split('|') {
            let (address, role) = address_and_role(text)?;
            addresses.push(address);
            voting = match (voting, role) {
                (Some(one), Some(other)) if one != other => return Err("names two roles"),
                (one, other) => one.or(other),
            };
        }
        let client = match client {
            Some(client) => {
                Some(client_address(client).ok_or("has no client port behind the semicolon")?)
            }
            None => None,
        };
        Ok(ServerLine {
            sid,
            voting: voting.unwrap_or(true),
            addresses,
            client,
        })
    }
}

/// One of the addresses, and whether it votes where it says that.
fn address_and_role(text: &str) -> Result<(ServerAddress, Option<bool>), &'static str> {
    if text.starts_with('[') && !text.contains(']') {
        return Err("begins with [ and has no ] behind its address");
    }
    let parts = host_and_rest(text);
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
    Ok((address, is_voting(role)?))
}

fn is_voting(role: &[&str]) -> Result<Option<bool>, &'static str> {
    let [role] = role else {
        return match role {
            [] => Ok(None),
            _ => Err("has more behind its role"),
        };
    };
    match role.trim().to_ascii_lowercase().as_str() {
        "participant" => Ok(Some(true)),
        "observer" => Ok(Some(false)),
        _ => Err("names a role that is neither participant nor observer"),
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

/// The line's value as Apache writes it: addresses by their hosts. A client port that stands elsewhere is not in it.
impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut addresses: Vec<&ServerAddress> = self.line.addresses.iter().collect();
        addresses.sort_by_key(|address| java_name(&address.host));
        for (at, address) in addresses.into_iter().enumerate() {
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

/// A host with its port behind it: an IPv6 address is in brackets.
struct Host<'a>(&'a str);

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match java_name(self.0) {
            address if address.contains(':') => write!(f, "[{address}]"),
            name => f.write_str(&name),
        }
    }
}

/// A host as Java writes it: an IPv6 address with all its parts.
fn java_name(host: &str) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(address) => {
            let parts = address.segments().map(|part| format!("{part:x}"));
            parts.join(":")
        }
        Err(_) => host.to_owned(),
    }
}
