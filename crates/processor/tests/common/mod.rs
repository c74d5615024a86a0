//! The golden histories, and a server made of this crate and the tree alone that plays them.
//!
//! The files are described in `compat-tests/golden/README.md`.

pub mod golden;
pub mod replica;
