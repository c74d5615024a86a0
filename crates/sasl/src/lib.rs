//! Owns SASL as ZooKeeper uses it: the exchanges of DIGEST-MD5 and GSSAPI, the files that say who may log in, and what
//! becomes of a name.
//!
//! Must not know sockets, files or randomness: tokens and texts go in and come out, a nonce is an argument.

pub mod digest_md5;
mod directives;
mod exchange;
pub mod gssapi;
pub mod jaas;
pub mod names;

pub use exchange::{Evaluated, Proven, Refused};
