//! Where to listen.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// Java's backlog where none is set.
const DEFAULT_BACKLOG: i32 = 50;

/// An address, a port, and how to hold them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenOn {
    /// None: all addresses of both families.
    pub address: Option<IpAddr>,
    /// 0 takes a free one.
    pub port: u16,
    /// Connections that wait to be accepted; below 1: 50, as Java.
    pub backlog: i32,
    /// No IPv6, also where no address is given.
    pub ipv4_only: bool,
}

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen on {address}: {source}. Stop what listens there, or change clientPort and clientPortAddress"
)]
pub struct BindError {
    /// Where.
    pub address: SocketAddr,
    /// Why.
    pub source: io::Error,
}

/// Binds one socket; without an address it takes IPv4 and IPv6, where the machine has both.
pub fn bind(on: ListenOn) -> Result<std::net::TcpListener, BindError> {
    let all_v4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let all_v6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match on.address.filter(|address| !address.is_unspecified()) {
        Some(address) => bind_to(address, on),
        None if on.ipv4_only => bind_to(all_v4, on),
        None => match bind_to(all_v6, on) {
            Err(error) if is_without_ipv6(&error.source) => bind_to(all_v4, on),
            outcome => outcome,
        },
    }
}

fn is_without_ipv6(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.raw_os_error() == Some(EAFNOSUPPORT) || error.kind() == io::ErrorKind::AddrNotAvailable
}

fn bind_to(address: IpAddr, on: ListenOn) -> Result<std::net::TcpListener, BindError> {
    let address = SocketAddr::new(address, on.port);
    open(address, on.backlog).map_err(|source| BindError { address, source })
}

fn open(address: SocketAddr, backlog: i32) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(if backlog < 1 {
        DEFAULT_BACKLOG
    } else {
        backlog
    })?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// An address as Java's `InetAddress.getHostAddress` writes it: IPv6 in eight groups without
/// leading zeros, never shortened. It is the id of the `ip` scheme.
pub fn java_host_address(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address
            .segments()
            .map(|group| format!("{group:x}"))
            .join(":"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_address_both_families_are_served() {
        let on = ListenOn {
            address: None,
            port: 0,
            backlog: -1,
            ipv4_only: false,
        };
        let listener = bind(on).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        if listener.local_addr().unwrap().is_ipv6() {
            std::net::TcpStream::connect((Ipv6Addr::LOCALHOST, port)).unwrap();
        }
    }

    #[test]
    fn a_port_that_is_taken_is_told_with_its_address() {
        let on = |port| ListenOn {
            address: Some(Ipv4Addr::LOCALHOST.into()),
            port,
            backlog: 1,
            ipv4_only: false,
        };
        let taken = bind(on(0)).unwrap().local_addr().unwrap().port();
        let holder = bind(on(taken)).unwrap();
        let error = bind(on(taken)).unwrap_err();
        assert!(
            error.to_string().contains(&format!("127.0.0.1:{taken}")),
            "{error}"
        );
        drop(holder);
    }

    #[test]
    fn addresses_are_written_as_java_writes_them() {
        for (address, java) in [
            ("127.0.0.1", "127.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("::1", "0:0:0:0:0:0:0:1"),
            ("fe80::1:20", "fe80:0:0:0:0:0:1:20"),
        ] {
            assert_eq!(java_host_address(address.parse().unwrap()), java);
        }
    }
}
