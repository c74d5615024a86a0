//! The sockets between the servers of an ensemble: they move bytes and say what came.
//!
//! Owns connections, their tasks and their bounds. Must not know what a notification or a packet means: whoever owns the
//! election and the roles hears of them by events, and says what to send. Apache: `QuorumCnxManager`,
//! `Leader.LearnerCnxAcceptor`, `Learner.connectToLeader`.

mod address;
mod connect;
pub mod election;
mod guard;
pub mod links;
mod listen;
mod login;
mod room;
mod tasks;
#[cfg(test)]
mod testing;

pub use address::PeerAddress;
pub use connect::NoConnection;
pub use guard::{Guard, GuardError, PeerContext};
pub use listen::{CannotListen, ListenSettings};
pub use room::Taken;
