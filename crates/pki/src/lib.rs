//! Certificates, key stores and trust as Java has them.
//!
//! Owns what is in a JKS, PKCS12 or PEM store, how Java writes a distinguished name, whether a chain is trusted, what a
//! revocation list or a responder says of a certificate, and whether one is for a host. Must not know files, sockets, TLS
//! or the time of day: bytes and time are arguments.

mod der;
pub mod hosts;
pub mod issue;
pub mod keys;
pub mod names;
pub mod revocation;
pub mod stores;
#[cfg(test)]
mod testing;
pub mod trust;

pub use rustls_pki_types::{CertificateDer, PrivateKeyDer, SignatureVerificationAlgorithm};
