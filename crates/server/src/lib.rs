//! The ironkeeper server: the parts behind the binary of that name.

pub mod cli;
pub mod config;
pub mod exit_code;
