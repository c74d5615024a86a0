//! Servers for tests: a peer, a disk that loses its queue in a crash, a tree that is the list of its txns, and links.
//!
//! Owns what one server does with what its peer says to disk and tree. Must not know what happens when: that is the test's.

pub mod disk;
pub mod net;
pub mod node;
pub mod settings;
