//! Owns the address where clients connect: from clientPort and clientPortAddress, or from the own server line.
//!
//! Must not open a socket; a host name is resolved, though, as Apache does at this point.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use super::error::ConfigError;
use super::members::ClientAddress;
use super::reader::{Reader, parse_int};
use super::settings::Setting;

/// Where clients connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// `None` and an unspecified address, 0.0.0.0 too, mean all addresses of both families, as in Java, but for
    /// [`Config::ipv4_only`](super::Config::ipv4_only).
    pub address: Option<IpAddr>,
    /// 0 takes a free one.
    pub port: u16,
}

/// The address of the file, over which that of the own server line wins (Apache: `QuorumPeerConfig.setupClientPort`).
pub(super) fn listen(
    reader: &mut Reader<'_>,
    own: Option<ClientAddress>,
) -> Result<Option<Listen>, ConfigError> {
    let fixed = file_listen(reader, "clientPort", "clientPortAddress")?;
    let Some(ClientAddress {
        host,
        port,
        name,
        setting,
    }) = own
    else {
        return Ok(fixed);
    };
    let address = match &host {
        Some(host) => Some(resolve(host, &name, &setting)?),
        None => None,
    };
    if let Some(fixed) = fixed {
        let any = |address: Option<IpAddr>| address.is_none_or(|address| address.is_unspecified());
        let same_address = any(fixed.address) || fixed.address == address;
        if fixed.port != port || !same_address {
            let reason = "has another client address than clientPort and clientPortAddress";
            return Err(ConfigError::invalid(
                &name,
                &setting,
                reason,
                "remove one of the two",
            ));
        }
    }
    Ok(Some(Listen { address, port }))
}

/// Where clients with TLS connect.
pub(super) fn secure_listen(reader: &mut Reader<'_>) -> Result<Option<Listen>, ConfigError> {
    file_listen(reader, "secureClientPort", "secureClientPortAddress")
}

/// The port and the address of these two keys.
fn file_listen(
    reader: &mut Reader<'_>,
    port_key: &str,
    address_key: &str,
) -> Result<Option<Listen>, ConfigError> {
    let port = reader
        .key(port_key)
        .map(|setting| parse_port(port_key, setting))
        .transpose()?;
    let host = reader.key(address_key);
    match (port, host) {
        (Some(port), Some(host)) => Ok(Some(Listen {
            address: Some(resolve(&host.value, address_key, host)?),
            port,
        })),
        (Some(port), None) => Ok(Some(Listen {
            address: None,
            port,
        })),
        (None, Some(host)) => {
            let reason = format!("is set, but {port_key} is not");
            let advice = format!("add a line such as {port_key}=2181");
            Err(ConfigError::invalid(address_key, host, reason, advice))
        }
        (None, None) => Ok(None),
    }
}

/// The first address of `host`, an IPv4 one if there is any; the empty name is the own host (Java's
/// `InetAddress.getByName`).
pub(super) fn resolve(host: &str, name: &str, setting: &Setting) -> Result<IpAddr, ConfigError> {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    if host.is_empty() {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    if let Some(address) = without_interface(host) {
        return Ok(address.into());
    }
    let refuse = |reason: String| {
        ConfigError::invalid(name, setting, reason, "name an address of this machine")
    };
    let found: Vec<SocketAddr> = (host, 0)
        .to_socket_addrs()
        .map_err(|error| refuse(format!("cannot be resolved ({error})")))?
        .collect();
    let first = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    first
        .map(SocketAddr::ip)
        .ok_or_else(|| refuse("has no address".to_owned()))
}

/// The address of `address%interface`, as Java writes addresses too, where it says all without the interface; one that is
/// link-local does not.
fn without_interface(host: &str) -> Option<Ipv6Addr> {
    let (address, _) = host.split_once('%')?;
    let address: Ipv6Addr = address.parse().ok()?;
    (!address.is_unicast_link_local()).then_some(address)
}

/// A port of a setting or an argument: 0 to 65535.
pub(super) fn parse_port(name: &str, setting: &Setting) -> Result<u16, ConfigError> {
    let number = parse_int(name, setting)?;
    number.try_into().map_err(|_| {
        ConfigError::invalid(
            name,
            setting,
            "is not a port",
            "set a number from 1 to 65535, or 0 for a free port",
        )
    })
}
