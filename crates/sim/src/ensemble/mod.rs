//! Whole ensembles on one thread from one seed: servers of the real parts, a network, disks and clocks that fail, clients with
//! sessions, and checks that see all of it.
//!
//! A run is a function of its seed. [`World`] owns what happens when; a [`process::Process`] is one server's driver, as small
//! as the rules of the driver allow, around the real peer, processor, tree, log and snapshots.

mod answers;
mod asks;
mod checks;
mod client;
mod clients;
mod connections;
mod counts;
mod faults;
mod frame;
mod network;
mod node;
mod outputs;
mod process;
mod seeds;
mod settings;
mod steps;
mod world;

pub use counts::Counts;
pub use counts::FLOOR;
pub use seeds::{run_seed, run_seed_without_sync, run_seeds};
pub use steps::STEPS;
