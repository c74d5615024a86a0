//! The orders that a session must see, checked while its replies and events come in.
//!
//! Owns the rules ([`Rule`]), the requests that histories are made of ([`Ask`]) and the checker of
//! one session's history ([`History`]); sessions compare notes on a [`Board`]. Must not know how
//! bytes get to the server and back: the program of this crate uses sockets, the server's model
//! tests use none.

mod ask;
mod board;
mod frames;
mod history;
mod rule;
mod watches;

pub use ask::{Answer, Ask, GROUP_SIZE, Key, Kind, Part, Path, Seen, group_of, member};
pub use board::Board;
pub use history::{Event, History, Reply};
pub use rule::{Broken, Rule};
