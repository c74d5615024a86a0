//! A simulated world to run servers in, on one thread, from one seed.
//!
//! Owns what is outside a server: so far the disk. Must not know what a server does with it.

mod disk;
pub mod fuzz;

pub use disk::{Crash, SimDir, SimDisk, SimFile};
