//! What fuzzers run: bytes in place of what comes from outside, and what must hold whatever they
//! are.
//!
//! `cargo fuzz` calls these with bytes of its own choice, a test with seeded damage to what was
//! sound.

mod files;
mod frames;
mod requests;

pub use files::{Gathered, any_snapshot, any_transfer, snapshot, transfer, txn_log};
pub use frames::frames;
pub use requests::{encode_request, requests, small_tree};
