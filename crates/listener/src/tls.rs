//! TLS on a listener: from the options of Apache's `X509Util` to what answers a handshake.
//!
//! Owns the files of key and trust stores and when they are read again, and the asking whether certificates are revoked. What is in them and whom they trust is `pki`'s.

mod context;
mod identity;
mod options;
mod revocation;
mod stores;
mod suites;
mod verifier;

/// What a client's first message of TLS begins with.
pub const HANDSHAKE_BYTE: u8 = 0x16;

pub use context::{Context, Handshake, HandshakeError};
pub use options::{ClientAuth, ClientHosts, Password, Protocol, StoreOptions, TlsOptions};
pub use revocation::{RevocationError, RevocationSource};
pub use stores::{Expiry, Fingerprint, TlsError};
pub use suites::{SuiteError, Suites};
