//! A load generator for ZooKeeper servers of any kind: `ironkeeper bench`.
//!
//! Owns its options, its sessions on raw sockets, the znodes that it works on and the figures that
//! it prints. Must not know a server from inside: what it measures is what any client sees.

mod attend;
mod descriptors;
mod error;
mod histogram;
mod interval;
mod load;
mod options;
mod process;
mod report;
mod session;
mod transport;
mod znodes;

use tokio::runtime::Builder;

pub use error::Error;
use histogram::Histogram;
pub use options::{Options, Parsed, UsageError, Workload, describe, parse};
pub use report::Report;
use znodes::Znodes;

/// Does what the options say, on one thread, and removes its znodes, also when it is interrupted
/// (SIGINT) or fails.
///
/// # Errors
/// See [`Error`]. Requests that the server refused are no error, but counted in the report.
pub fn run(options: &Options) -> Result<Report, Error> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::Runtime)?.block_on(async {
        descriptors::raise(options.connections)?;
        let znodes = Znodes::make(options).await?;
        let measured = tokio::select! {
            measured = measure(options, &znodes) => measured,
            _ = tokio::signal::ctrl_c() => Err(Error::Interrupted),
        };
        if !options.keep {
            let removed = znodes.remove(options).await;
            return measured.and_then(|report| removed.map(|()| report));
        }
        measured
    })
}

async fn measure(options: &Options, znodes: &Znodes) -> Result<Report, Error> {
    match options.workload {
        Workload::Idle => attend::idle(options).await,
        Workload::Watch => attend::watch(options, znodes).await,
        _ => load::run(options, znodes).await,
    }
}
