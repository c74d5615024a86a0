//! The first bytes of an election connection: who connects, and where it can be connected to.
//!
//! Apache: `QuorumCnxManager.InitialMessage`, `startConnection`, `handleConnection`.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};
use proto::Sid;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::super::PeerAddress;

/// Since 3.5: one address.
const ONE_ADDRESS: i64 = -65536;
/// Since 3.6, where servers may have several addresses.
const SEVERAL_ADDRESSES: i64 = -65535;
/// Longest text of addresses. Apache: `QuorumCnxManager.maxBuffer`.
const MAX_TEXT_BYTES: i32 = 2048;

/// What the connecting side says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// Who it is.
    pub sid: Sid,
    /// Where it listens for elections; none before 3.5, and none of those that nobody can connect to.
    pub addresses: Vec<PeerAddress>,
}

/// Why a connection is no server's.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadHello {
    /// A number of a version that is not known.
    #[error(
        "it begins with {0}, which is neither a server's number nor a version of the election protocol"
    )]
    Version(i64),
    /// No addresses, or too long a text.
    #[error("its addresses have {0} bytes; 1 to {MAX_TEXT_BYTES} are allowed")]
    Length(i32),
    /// Not `host:port`.
    #[error("{0:?} is no host:port")]
    Address(String),
    /// Nothing more comes.
    #[error("it ended before it had said who it is ({0})")]
    Ended(#[from] io::Error),
}

impl Hello {
    /// The form of 3.5, or where there are several addresses that of 3.6.
    pub(super) fn encode(&self) -> Bytes {
        let text: Vec<String> = self.addresses.iter().map(PeerAddress::to_string).collect();
        let text = text.join("|");
        let mut out = BytesMut::new();
        out.put_i64(match self.addresses.len() {
            0 | 1 => ONE_ADDRESS,
            _ => SEVERAL_ADDRESSES,
        });
        out.put_i64(self.sid.0);
        out.put_i32(i32::try_from(text.len()).expect("a server line is short"));
        out.put_slice(text.as_bytes());
        out.freeze()
    }

    /// Reads what any version since 3.3 says; not a byte more.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> Result<Self, BadHello> {
        match from.read_i64().await? {
            ONE_ADDRESS | SEVERAL_ADDRESSES => {}
            sid @ 0.. => {
                return Ok(Hello {
                    sid: Sid(sid),
                    addresses: Vec::new(),
                });
            }
            other => return Err(BadHello::Version(other)),
        }
        let sid = Sid(from.read_i64().await?);
        let length = from.read_i32().await?;
        if !(1..=MAX_TEXT_BYTES).contains(&length) {
            return Err(BadHello::Length(length));
        }
        let mut text = vec![0; length.unsigned_abs() as usize];
        from.read_exact(&mut text).await?;
        let addresses = addresses(&String::from_utf8_lossy(&text))?;
        Ok(Hello { sid, addresses })
    }
}

/// Addresses between bars.
fn addresses(text: &str) -> Result<Vec<PeerAddress>, BadHello> {
    let each = text.trim_end_matches('|').split('|').map(|address| {
        PeerAddress::parse(address).ok_or_else(|| BadHello::Address(address.to_owned()))
    });
    let all: Vec<PeerAddress> = each.collect::<Result<_, _>>()?;
    Ok(all
        .into_iter()
        .filter(|address| !address.is_wildcard())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> Result<Hello, BadHello> {
        Hello::read(&mut bytes).await
    }

    fn hello(sid: i64, addresses: &[&str]) -> Hello {
        let parse = |text: &&str| PeerAddress::parse(text).unwrap();
        Hello {
            sid: Sid(sid),
            addresses: addresses.iter().map(parse).collect(),
        }
    }

    /// As Apache lays it out.
    fn bytes(version: i64, sid: i64, text: &str) -> Vec<u8> {
        let mut out = version.to_be_bytes().to_vec();
        out.extend(sid.to_be_bytes());
        out.extend((text.len() as i32).to_be_bytes());
        out.extend(text.as_bytes());
        out
    }

    #[test]
    fn one_address_is_the_form_of_3_5_and_several_that_of_3_6() {
        let one = hello(3, &["zoo3:3888"]);
        assert_eq!(one.encode(), bytes(-65536, 3, "zoo3:3888"));
        let two = hello(3, &["zoo3:3888", "[fe80::3]:3888"]);
        assert_eq!(two.encode(), bytes(-65535, 3, "zoo3:3888|[fe80::3]:3888"));
    }

    #[tokio::test]
    async fn every_version_is_read() {
        let three_four = read(&7i64.to_be_bytes()).await.unwrap();
        assert_eq!(three_four, hello(7, &[]));
        for sent in [hello(1, &["a:1"]), hello(2, &["a:1", "b:2", "[::1]:3"])] {
            assert_eq!(read(&sent.encode()).await.unwrap(), sent);
        }
    }

    #[tokio::test]
    async fn addresses_that_nobody_can_connect_to_are_left_out() {
        let read = read(&bytes(-65535, 2, "0.0.0.0:1|[::]:2|a:3")).await;
        assert_eq!(read.unwrap(), hello(2, &["a:3"]));
    }

    #[tokio::test]
    async fn not_a_byte_more_is_read_than_the_hello_has() {
        let sent = hello(1, &["a:1"]).encode();
        let with_more = [&sent[..], b"more"].concat();
        let mut rest = &with_more[..];
        Hello::read(&mut rest).await.unwrap();
        assert_eq!(rest, b"more");
    }

    #[tokio::test]
    async fn what_is_no_hello_is_refused_with_its_reason() {
        assert!(matches!(
            read(&(-1i64).to_be_bytes()).await,
            Err(BadHello::Version(-1))
        ));
        assert!(matches!(
            read(b"GET / HTTP/1.1\r\n\r\n").await.map(|hello| hello.addresses),
            Ok(none) if none.is_empty() // a large number, which is a sid as far as anybody can tell
        ));
        for length in [0, -1, 2049, i32::MAX] {
            let mut bytes = bytes(-65536, 1, "");
            bytes[16..].copy_from_slice(&i32::to_be_bytes(length));
            assert!(matches!(read(&bytes).await, Err(BadHello::Length(l)) if l == length));
        }
        for text in ["zoo", "a:1||b:2", "a:1:2", "|"] {
            let outcome = read(&bytes(-65535, 1, text)).await;
            assert!(matches!(outcome, Err(BadHello::Address(_))), "{text}");
        }
    }

    #[tokio::test]
    async fn a_hello_that_is_cut_is_refused() {
        let whole = hello(1, &["a:1"]).encode();
        for length in 0..whole.len() {
            let outcome = read(&whole[..length]).await;
            assert!(matches!(outcome, Err(BadHello::Ended(_))), "{length}");
        }
    }
}
