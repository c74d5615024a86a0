//! `ironkeeper check`: what would happen if a server started on this zoo.cfg now, without starting one.
//!
//! Changes nothing: files are read only, ports are tried and left. Judges by the same code as a start, so that it cannot say
//! something else. Must not know how a server runs.

mod data;
mod lines;
mod peers;
mod ports;
mod report;
mod security;

use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::config::{self, Config, Examined};
pub use report::Report;

/// Looks at the configuration that `args` name as those of `serve` do, at the data, at the own ports and at the other servers.
pub fn check(args: &[OsString], env: &dyn Fn(&str) -> Option<String>) -> Report {
    let mut report = Report::default();
    let Examined { config, refused } = match config::examine(args, env) {
        Ok(examined) => examined,
        Err(error) => {
            report.blocks(error);
            return report;
        }
    };
    refused.into_iter().for_each(|error| report.blocks(error));
    match config {
        Ok(config) => look(&config, &mut report),
        Err(error) => report.blocks(error),
    }
    report
}

fn look(config: &Config, report: &mut Report) {
    for notice in &config.notices {
        report.differs(notice);
    }
    data::look(config, report);
    security::look(config, report);
    ports::look(config, report);
    if let Some(ensemble) = &config.ensemble {
        peers::look(ensemble, config.clients.map(|on| on.port), report);
    }
}

/// All addresses of a host: at least one.
fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    match found.is_empty() {
        true => Err(io::Error::other("the name has no address")),
        false => Ok(found),
    }
}
