//! Requests to txns, sessions, access control, and the bytes of replies.
//!
//! Owns the rules: what a request must fulfil, in which order they are asked, which txn comes of
//! it, who may read what, when a session expires. Reads the tree and never changes it. Must not
//! know sockets, files or threads; time comes as an argument.

mod access;
mod auth;
mod java;
mod outstanding;
mod path;
mod prepare;
mod quota;
mod read;
mod reply;
mod rewatch;
mod sessions;
mod x500;

pub use access::{AccessRules, check_access};
pub use auth::{
    AuthRules, DigestAlgorithm, Ensemble, Identities, Peer, Sasl, Verdict, X509, authenticate,
    logged_in,
};
pub use java::password;
pub use outstanding::Outstanding;
pub use path::{parent_of, validate_path};
pub use prepare::{Prepared, Processor, Requester, Rules, WriteRequest, is_write};
pub use read::{Answer, MAX_MULTI_READ_BYTES, Reader, WatchAccess, answer};
pub use reply::{encode_header, encode_txn_reply};
pub use sessions::{Owner, SessionHandle, SessionTable, Unknown, initial_session_id};
