//! srvr and stat (`StatCommand`).

use std::sync::atomic::Ordering::Relaxed;

use super::{Role, version};
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
pub(super) fn with_clients(server: &Shared, role: Role) -> String {
    let mut text = format!("Zookeeper version: {}\nClients:\n", version());
    for connection in server.watchers.lock().connections.values() {
        text += &client_line(connection);
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
        packets_sent(server),
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

pub(super) fn packets_sent(server: &Shared) -> u64 {
    let watchers = server.watchers.lock();
    let open: u64 = watchers
        .connections
        .values()
        .map(|connection| connection.traffic.sent.load(Relaxed))
        .sum();
    open + server.stats.packets_sent.load(Relaxed)
}

/// `ServerCnxn.dumpConnectionInfo`, the short form. The interest set is Java's: reading.
fn client_line(connection: &Connection) -> String {
    let traffic = &connection.traffic;
    let [queued, received, sent] = [
        u64::try_from(traffic.outstanding.load(Relaxed)).unwrap_or_default(),
        traffic.received.load(Relaxed),
        traffic.sent.load(Relaxed),
    ];
    let (address, port) = (&connection.address, connection.remote.port());
    format!(" /{address}:{port}[1](queued={queued},recved={received},sent={sent})\n")
}
