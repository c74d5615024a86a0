//! Owns which name a host has for DNS, as Java finds it (`InetAddress`). Must not know what the name is for.
//!
//! Asks the system, which may take long: not to be called where a task runs.

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
    Ok(name_of(address).unwrap_or_else(|| host.to_owned()))
}

/// The name that DNS gives for the address, where the name leads back to it (`InetAddress.getHostName`).
pub fn name_of(address: IpAddr) -> Option<String> {
    let name = dns_lookup::lookup_addr(&address).ok()?;
    let leads_back = name.parse::<IpAddr>().is_err() && addresses(&name).ok()?.contains(&address);
    leads_back.then_some(name)
}

/// What the host of a service's name is to Java: a short name gets its domain, any other one stays
/// (`sun.security.krb5.PrincipalName`, `KRB_NT_SRV_HST`).
#[cfg(feature = "gssapi")]
pub fn qualified(host: &str) -> String {
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
        #[cfg(feature = "gssapi")]
        assert_eq!(qualified("No.Such.Host.invalid"), "no.such.host.invalid");
    }

    #[test]
    fn an_address_has_no_name_that_does_not_lead_back() {
        // Of a block for documentation: whoever answers for it, no name leads there.
        assert_eq!(name_of(IpAddr::from([192, 0, 2, 1])), None);
    }

    #[test]
    fn the_own_machine_is_called_by_no_address() {
        let name = canonical_host("localhost").expect("an address");
        assert!(name.parse::<IpAddr>().is_err(), "{name}");
        #[cfg(feature = "gssapi")]
        assert!(qualified("localhost").starts_with("localhost"));
    }
}
