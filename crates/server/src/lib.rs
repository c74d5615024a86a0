//! The ironkeeper server: configuration, threads, connections, four-letter words, command line.
//!
//! Owns all I/O and all threads; the rules are in the other crates. Lock order: the tree, the
//! watchers, a connection's queues.

mod admin;
mod audit;
pub mod certs;
pub mod check;
pub mod cli;
mod clock;
pub mod config;
mod connection;
mod disk;
pub mod exit_code;
mod guards;
mod inbox;
mod limits;
pub mod logs;
mod metrics;
#[cfg(all(test, feature = "shuttle"))]
mod model;
mod names;
pub mod peers;
mod replica;
mod sasl;
pub mod serve;
mod shared;
mod slow;
pub mod standing;
mod stats;
mod sync;
mod throttle;
pub mod word;
mod words;
