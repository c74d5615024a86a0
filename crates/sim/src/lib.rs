//! A simulated world to run servers in, on one thread, from one seed.
//!
//! Owns what is outside a server, the disk and what clients ask for, and a server of the real
//! parts without threads.

mod contents;
mod disk;
pub mod ensemble;
pub mod fuzz;
pub mod member;
mod script;
pub mod server;

pub use contents::Contents;
pub use disk::{Crash, SimDir, SimDisk, SimFile, Struck};
pub use script::Script;
pub use server::{Event, Layout, Request, SimServer};
