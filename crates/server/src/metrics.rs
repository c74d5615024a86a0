//! What the server measures, and how it is told: to mntr, to the admin server, to Prometheus.
//!
//! [`ServerMetrics`] is the one place where it stands; those who count add to it, and who asks sums it up. Nothing is kept per scrape,
//! and nothing waits to be scraped. Must not know how requests are served.
//!
//! `catalogue` says which metrics there are, `cells` and `labelled` hold them, `tally` gathers what a thread adds, `window` remembers ten minutes, `samples` puts them
//! into words; `gauges` is what is looked up when somebody asks, `process` what the system says; `text` and `page` are Prometheus' page.

mod catalogue;
mod cells;
pub(crate) mod gauges;
mod labelled;
pub(crate) mod namespaces;
pub(crate) mod page;
mod process;
pub(crate) mod samples;
mod tally;
mod text;
mod window;

pub use catalogue::ServerMetrics;
pub use tally::{Run, Tally};
pub use window::{TURN, Window};

use crate::config::MetricsProvider;
use crate::shared::Shared;
use crate::words::Role;
use samples::Samples;

/// All that Prometheus is told, also as mntr tells it with that provider. `role` is none while no client is served: then there
/// are no gauges, as Apache unregisters them.
pub(crate) fn for_prometheus(server: &Shared, role: Option<Role>) -> Vec<Samples> {
    server.refresh_metrics();
    let mut all = samples::for_prometheus(&server.metrics, &server.metrics_window);
    all.extend(
        role.into_iter()
            .flat_map(|role| gauges::for_prometheus(server, role)),
    );
    if let MetricsProvider::Prometheus(page) = server.config.metrics
        && page.export_jvm_info
    {
        all.extend(process::samples());
    }
    all.extend(gauges::own(server));
    all
}
