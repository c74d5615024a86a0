//! The tree and its files: recovery into it, and snapshots of it, to a file or over a link
//! (`ZKDatabase`).
//!
//! `persistence` does not know the tree and `datatree` knows no files; this is where the two
//! meet, for the server and for simulations of it alike, so that a crash proof runs over the same
//! code as the server. Must not know threads, locks or clocks: who holds the tree says when a
//! slice of it is read.

mod restore;
mod snapshot;
mod transfer;

pub use restore::TreeRestore;
pub use snapshot::{SealRules, TreeSnapshot, install_tree};
pub use transfer::{TreeReceiver, TreeSender};
