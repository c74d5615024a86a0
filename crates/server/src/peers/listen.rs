//! The own sockets of a server line, to be connected to.

use std::collections::BTreeSet;
use std::io;

use listener::{ListenOn, bind};
use tokio::net::TcpListener;

use super::PeerAddress;

/// Where a server listens for the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenSettings {
    /// The addresses of the own server line.
    pub addresses: Vec<PeerAddress>,
    /// Their ports on all addresses of the machine instead (`quorumListenOnAllIPs`).
    pub on_all_ips: bool,
    /// No IPv6 on all addresses.
    pub ipv4_only: bool,
}

/// None of the own addresses can be listened on.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot listen for other servers on {reasons}. Stop what listens there, or correct the own server line: its host has to \
     be an address of this machine, or quorumListenOnAllIPs=true"
)]
pub struct CannotListen {
    reasons: String,
}

/// Listens on the addresses that can be had; what cannot is logged where another one can.
///
/// # Errors
/// None can be had.
pub(super) async fn listen(settings: &ListenSettings) -> Result<Vec<TcpListener>, CannotListen> {
    let (mut listeners, mut reasons) = (Vec::new(), Vec::new());
    let mut ports = BTreeSet::new();
    for address in &settings.addresses {
        let is_known = !ports.insert(address.port);
        if settings.on_all_ips && is_known {
            continue; // it is listened on already
        }
        match listen_on(address, settings).await {
            Ok(listener) => listeners.push(listener),
            Err(error) => reasons.push(format!("{address}: {error}")),
        }
    }
    let failure = CannotListen {
        reasons: reasons.join(", "),
    };
    if listeners.is_empty() {
        return Err(failure);
    }
    if !failure.reasons.is_empty() {
        tracing::error!("{failure}");
    }
    Ok(listeners)
}

/// The first address of a name is listened on, as in Java.
async fn listen_on(address: &PeerAddress, settings: &ListenSettings) -> io::Result<TcpListener> {
    let ip = match settings.on_all_ips {
        true => None,
        false => Some(address.resolve().await?[0].ip()),
    };
    let on = ListenOn {
        address: ip,
        port: address.port,
        backlog: 0,
        ipv4_only: settings.ipv4_only,
    };
    TcpListener::from_std(bind(on).map_err(|error| error.source)?)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::super::testing::Port;
    use super::*;

    fn on_all_ips(addresses: Vec<PeerAddress>) -> ListenSettings {
        ListenSettings {
            addresses,
            on_all_ips: true,
            ipv4_only: true,
        }
    }

    #[tokio::test]
    async fn on_all_addresses_the_hosts_do_not_matter_and_a_port_counts_once() {
        // Not reserved as for other tests: the reservation is of 127.0.0.1 only.
        let free = |_| std::net::TcpListener::bind(("0.0.0.0", 0)).unwrap();
        let ports = [0, 1]
            .map(free)
            .map(|free| free.local_addr().unwrap().port());
        let address = |port| PeerAddress {
            host: "nowhere.invalid".to_owned(),
            port,
        };
        let addresses = [ports[0], ports[0], ports[1]].map(address);
        let listeners = listen(&on_all_ips(addresses.to_vec())).await.unwrap();
        assert_eq!(listeners.len(), 2);
        for port in ports {
            TcpStream::connect(("127.0.0.2", port)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn one_address_of_several_is_enough_and_none_is_an_error_that_names_all() {
        let (port, taken) = (Port::reserve(), Port::reserve());
        let holder = listen(&taken.listen()).await.unwrap();
        let mut settings = port.listen();
        settings.addresses.push(taken.address());
        assert_eq!(listen(&settings).await.unwrap().len(), 1);

        settings.addresses.swap_remove(0);
        settings.addresses.push(PeerAddress {
            host: "nowhere.invalid".to_owned(),
            port: 1,
        });
        let error = listen(&settings).await.unwrap_err().to_string();
        let taken = taken.address().to_string();
        assert!(
            error.contains(&taken) && error.contains("nowhere.invalid:1"),
            "{error}"
        );
        drop(holder);
    }
}
