//! Where another server listens: a host name and a port, as its server line says.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::{ServerAddress, ServerLine};

/// A host and a port; the host may be a name, which is resolved at each use.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerAddress {
    /// A name or an address, IPv6 without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl PeerAddress {
    /// Where a server listens for elections.
    pub fn for_elections(line: &ServerLine) -> Vec<Self> {
        Self::of(line, |address| address.election_port)
    }

    /// Where a server listens for learners when it leads.
    pub(super) fn for_learners(line: &ServerLine) -> Vec<Self> {
        Self::of(line, |address| address.quorum_port)
    }

    fn of(line: &ServerLine, port: impl Fn(&ServerAddress) -> u16) -> Vec<Self> {
        let address = |address: &ServerAddress| PeerAddress {
            host: address.host.clone(),
            port: port(address),
        };
        line.addresses.iter().map(address).collect()
    }

    /// `host:port`, `[address]:port`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(bare) => bare,
            None if host.contains(':') => return None,
            None => host,
        };
        Some(PeerAddress {
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }

    /// 0.0.0.0 or ::, which nobody can connect to.
    pub(super) fn is_wildcard(&self) -> bool {
        self.host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_unspecified())
    }

    /// All addresses of the host, as the system knows them now; IPv4 first, as in Java. An empty host is the own machine.
    ///
    /// # Errors
    /// The name has no address, or nobody could be asked.
    pub(super) async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if self.host.is_empty() {
            return Ok(vec![(Ipv4Addr::LOCALHOST, self.port).into()]);
        }
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await?;
        let mut found: Vec<SocketAddr> = found.collect();
        found.sort_by_key(SocketAddr::is_ipv6); // stable: the order within a family is the system's
        match found.is_empty() {
            true => Err(io::Error::other("the name has no address")),
            false => Ok(found),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (host, text) in [
            ("zoo1.example", "zoo1.example:3888"),
            ("10.0.0.1", "10.0.0.1:3888"),
            ("fe80::1", "[fe80::1]:3888"),
        ] {
            let address = PeerAddress {
                host: host.to_owned(),
                port: 3888,
            };
            assert_eq!(address.to_string(), text);
            assert_eq!(PeerAddress::parse(text), Some(address));
        }
    }

    #[test]
    fn what_is_no_host_and_port_is_refused() {
        for text in [
            "",
            "zoo1",
            "zoo1:",
            "zoo1:x",
            "zoo1:65536",
            "a:1:2",
            "::1:3888",
            "[::1]",
        ] {
            assert_eq!(PeerAddress::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_unspecified_address_is_a_wildcard() {
        let wildcard = |text| PeerAddress::parse(text).is_some_and(|address| address.is_wildcard());
        assert!(wildcard("0.0.0.0:1") && wildcard("[::]:1"));
        assert!(!wildcard("127.0.0.1:1") && !wildcard("zoo1:1"));
    }
}
