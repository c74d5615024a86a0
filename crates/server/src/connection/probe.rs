//! Connections that are no ZooKeeper clients: four-letter words, and strangers.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use parking_lot::Mutex;

use crate::limits;

/// Addresses that were told about.
static STRANGERS: LazyLock<Mutex<HashSet<(IpAddr, &'static str)>>> = LazyLock::new(Mutex::default);

/// What speaks another protocol on this port, by its first four bytes.
pub(super) fn other_protocol(word: [u8; 4]) -> Option<&'static str> {
    match &word {
        b"GET " | b"POST" | b"PUT " | b"HEAD" | b"OPTI" | b"DELE" | b"PRI " => Some("HTTP"),
        [0x16, 0x03, 0..=4, _] => Some("TLS"),
        _ => None,
    }
}

/// Says once for each address that something else than a client is there.
pub(super) fn tell_stranger(protocol: &'static str, address: IpAddr) {
    let mut told = STRANGERS.lock();
    if told.len() < limits::MAX_STRANGERS && told.insert((address, protocol)) {
        let advice = match protocol {
            "TLS" => "this port speaks plain text: let the client connect without TLS",
            _ => {
                "this port is for ZooKeeper clients, not for a browser or a load balancer's HTTP check"
            }
        };
        tracing::warn!(%address, "{protocol} on the client port; {advice}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_and_tls_are_known_by_their_first_bytes() {
        assert_eq!(other_protocol(*b"GET "), Some("HTTP"));
        assert_eq!(other_protocol([0x16, 0x03, 0x01, 0x02]), Some("TLS"));
        assert_eq!(other_protocol([0, 0, 0, 45]), None);
        assert_eq!(other_protocol(*b"ruok"), None);
    }
}
