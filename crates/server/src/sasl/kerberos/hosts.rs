//! Owns which name a host has for DNS, as Java finds it (`InetAddress.getCanonicalHostName`).
//!
//! Asks the system, which may take long.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// The name that DNS gives for the host's address; the host itself where it gives none, or one that is not at that address.
///
/// # Errors
/// The host has no address.
pub fn canonical_host(host: &str) -> io::Result<String> {
    let Some(address) = addresses(host)?.into_iter().next() else {
        return Err(io::Error::other("the name has no address"));
    };
    let named = dns_lookup::lookup_addr(&address).ok();
    let is_at_address = |name: &String| {
        name.parse::<IpAddr>().is_err()
            && addresses(name).is_ok_and(|found| found.contains(&address))
    };
    Ok(named
        .filter(is_at_address)
        .unwrap_or_else(|| host.to_owned()))
}

/// What the host of a service's name is to Java: a short name gets its domain, any other one stays
/// (`sun.security.krb5.PrincipalName`, `KRB_NT_SRV_HST`).
pub(super) fn qualified(host: &str) -> String {
    let host = host.to_lowercase();
    match canonical_host(&host) {
        Ok(name) if name.to_lowercase().starts_with(&format!("{host}.")) => name.to_lowercase(),
        _ => host,
    }
}

/// IPv4 first, as in Java.
fn addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    let found = (host, 0).to_socket_addrs()?;
    let mut found: Vec<IpAddr> = found.map(|address: SocketAddr| address.ip()).collect();
    found.sort_by_key(IpAddr::is_ipv6);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_an_address_has_no_name() {
        assert!(canonical_host("no.such.host.invalid").is_err());
        assert_eq!(qualified("No.Such.Host.invalid"), "no.such.host.invalid");
    }

    #[test]
    fn the_own_machine_is_called_by_no_address() {
        let name = canonical_host("localhost").expect("an address");
        assert!(name.parse::<IpAddr>().is_err(), "{name}");
        assert!(qualified("localhost").starts_with("localhost"));
    }
}
