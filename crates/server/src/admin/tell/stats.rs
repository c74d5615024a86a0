//! srvr and stat (`SrvrCommand`, `StatCommand`).

use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Map, Value, json};

use super::clients;
use crate::clock;
use crate::shared::Shared;
use crate::standing::ProposalSizes;
use crate::words::{Role, version};

/// srvr.
pub(super) fn of_server(server: &Shared, role: Role) -> Map<String, Value> {
    let (zxid, nodes) = {
        let tree = server.tree.read();
        (tree.last_zxid(), tree.node_count())
    };
    let [last, least, most] = server.stats.reply_sizes.values();
    let replies = sizes(last, least, most);
    let mut fields = Map::new();
    let mut add = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    add("version", version().into());
    add("read_only", false.into());
    add("server_stats", server_stats(server, role, zxid.0, &replies));
    add("client_response", replies);
    if role == Role::Leader {
        let ProposalSizes { last, least, most } = server.standing.lock().proposals();
        add("proposal_stats", sizes(last, least, most));
    }
    add("node_count", nodes.into());
    fields
}

/// stat.
pub(super) fn with_connections(server: &Shared, role: Role) -> Value {
    let mut fields = of_server(server, role);
    if let Value::Object(connections) = clients::by_port(server, clients::brief) {
        fields.extend(connections);
    }
    Value::Object(fields)
}

/// `BufferStats`.
fn sizes(last: i64, least: i64, most: i64) -> Value {
    json!({"last_buffer_size": last, "min_buffer_size": least, "max_buffer_size": most})
}

/// `ServerStats`, each getter.
fn server_stats(server: &Shared, role: Role, zxid: i64, replies: &Value) -> Value {
    let stats = &server.stats;
    let [data_size, log_size] = (server.sizes)();
    json!({
        "packets_sent": server.packets_sent(),
        "packets_received": stats.packets_received.load(Relaxed),
        "fsync_threshold_exceed_count": stats.slow_fsyncs.load(Relaxed),
        "client_response_stats": replies,
        "data_dir_size": data_size,
        "log_dir_size": log_size,
        "provider_null": false,
        "last_processed_zxid": zxid,
        "outstanding_requests": stats.in_process.load(Relaxed),
        "server_state": role.name(),
        "avg_latency": stats.latency_ms.mean(),
        "max_latency": stats.latency_ms.most(),
        "min_latency": stats.latency_ms.least(),
        "num_alive_client_connections": server.admissions.open(),
        "uptime": clock::monotonic_ms() - server.standing.lock().role_since_ms(),
        "auth_failed_count": stats.auth_failed.load(Relaxed),
        "non_mtlsremote_conn_count": stats.plain_remote.load(Relaxed),
        "non_mtlslocal_conn_count": stats.plain_local.load(Relaxed),
    })
}
