//! srvr, stat and srst (`StatCommand`, `StatResetCommand`).

use std::sync::atomic::Ordering::Relaxed;

use super::{Role, connections, version};
use crate::config::MetricsProvider;
use crate::connection::Connection;
use crate::shared::Shared;
use crate::standing::ProposalSizes;
use crate::stats::java_double;

/// The answer to srvr.
pub(super) fn brief(server: &Shared, role: Role) -> String {
    format!(
        "Zookeeper version: {}\n{}",
        version(),
        figures(server, role)
    )
}

/// The answer to stat.
pub(super) fn with_clients(server: &Shared, asker: &Connection, role: Role) -> String {
    let mut text = format!("Zookeeper version: {}\nClients:\n", version());
    for connection in server.connections_beside(asker) {
        text += &format!("{})\n", connections::brief(&connection));
    }
    text += "\n";
    text + &figures(server, role)
}

fn figures(server: &Shared, role: Role) -> String {
    let stats = &server.stats;
    let latency = &stats.latency_ms;
    let (zxid, nodes) = {
        let tree = server.tree.read();
        (tree.last_zxid(), tree.node_count())
    };
    let mean = java_double(latency.mean());
    let mut text = format!(
        "Latency min/avg/max: {}/{mean}/{}\nReceived: {}\nSent: {}\nConnections: {}\n\
         Outstanding: {}\nZxid: {zxid}\nMode: {}\nNode count: {nodes}\n",
        latency.least(),
        latency.most(),
        stats.packets_received.load(Relaxed),
        server.packets_sent(),
        server.admissions.open(),
        stats.in_process.load(Relaxed),
        role.name(),
    );
    if role == Role::Leader {
        let ProposalSizes { last, least, most } = server.standing.lock().proposals();
        text += &format!("Proposal sizes last/min/max: {last}/{least}/{most}\n");
    }
    text
}

/// The answer to srst. What connections count goes on, and so does the count of digests that did not fit: that a tree is
/// not what the log says must not be forgotten.
pub(super) fn reset(server: &Shared) -> String {
    forget(server);
    server.standing.lock().forget_proposals();
    "Server stats reset.\n".to_owned()
}

/// What srst forgets by way of the admin server, which leaves the sizes of proposals (`StatResetCommand` of either).
pub(crate) fn forget(server: &Shared) {
    server.reset_request_stats();
    // Prometheus' counters only ever grow (`PrometheusMetricsProvider.resetAllValues`).
    if server.config.metrics == MetricsProvider::Default {
        server.metrics.reset();
    }
}
