//! mntr (`MonitorCommand`).

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use super::{Role, version};
use crate::clock;
use crate::shared::Shared;
use crate::standing::Standing;
use crate::stats::java_double;

/// A value of mntr.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Integer(i64),
    Double(f64),
    Text(String),
}

/// `MonitorCommand`: what this version counts, in the default provider's dialect.
pub(super) fn all(server: &Shared, role: Role) -> String {
    let mut text = String::new();
    for (key, value) in values(server, role) {
        let _ = match value {
            Value::Integer(value) => writeln!(text, "zk_{key}\t{value}"),
            Value::Double(value) => writeln!(text, "zk_{key}\t{}", java_double(value)),
            Value::Text(value) => writeln!(text, "zk_{key}\t{value}"),
        };
    }
    text
}

/// What mntr tells, in its order; keys without `zk_`.
pub(crate) fn values(server: &Shared, role: Role) -> Vec<(String, Value)> {
    let stats = &server.stats;
    let standing = server.standing.lock().clone();
    let [last, least, most] = stats.reply_sizes.values();
    let (descriptors, most_descriptors) = descriptors();
    let watch_count = server.watchers.lock().watches.len();
    let tree = server.tree.read();
    let integers = [
        ("max_latency", stats.latency_ms.most()),
        ("min_latency", stats.latency_ms.least()),
        (
            "packets_received",
            stats.packets_received.load(Relaxed) as i64,
        ),
        ("packets_sent", server.packets_sent() as i64),
        ("num_alive_connections", server.admissions.open().into()),
        ("outstanding_requests", stats.in_process.load(Relaxed)),
        ("uptime", clock::monotonic_ms() - standing.role_since_ms()),
        ("znode_count", tree.node_count() as i64),
        ("watch_count", watch_count as i64),
        ("ephemerals_count", tree.ephemeral_count() as i64),
        ("approximate_data_size", tree.approximate_data_size()),
        ("global_sessions", stats.sessions.load(Relaxed)),
        ("local_sessions", stats.local_sessions.load(Relaxed)),
        ("open_file_descriptor_count", descriptors),
        ("max_file_descriptor_count", most_descriptors),
        ("last_client_response_size", last),
        ("max_client_response_size", most),
        ("min_client_response_size", least),
        ("outstanding_tls_handshake", 0),
        ("auth_failed_count", stats.auth_failed.load(Relaxed) as i64),
        ("non_mtls_remote_conn_count", 0),
        ("non_mtls_local_conn_count", 0),
        (
            "connection_rejected",
            stats.connections_rejected.load(Relaxed) as i64,
        ),
        ("digest_mismatches_count", tree.digest_mismatches() as i64),
        (
            "fsync_threshold_exceed_count",
            stats.slow_fsyncs.load(Relaxed) as i64,
        ),
    ];
    let mut values = head(&standing, role);
    let mut add = |key: &str, value| values.push((key.to_owned(), value));
    add("avg_latency", Value::Double(stats.latency_ms.mean()));
    let drop_probability = server.throttles.drop_probability();
    add(
        "connection_drop_probability",
        Value::Double(drop_probability),
    );
    for (key, value) in integers.into_iter().chain(of_role(server, &standing, role)) {
        add(key, Value::Integer(value));
    }
    for (namespace, count) in stats.quota_refusals.lock().iter() {
        let key = format!("{namespace}_quota_exceeded_error_per_namespace");
        add(&key, Value::Integer(*count as i64));
    }
    values
}

fn head(standing: &Standing, role: Role) -> Vec<(String, Value)> {
    let text = |key: &str, value: &str| (key.to_owned(), Value::Text(value.to_owned()));
    let mut values = vec![
        text("version", &version()),
        text("server_state", role.name()),
    ];
    // Who serves is in Apache's phase of broadcast.
    values.extend(match role {
        Role::Standalone => None,
        Role::Leader => Some(text("peer_state", "leading - broadcast")),
        Role::Follower => Some(text("peer_state", "following - broadcast")),
        Role::Observer => Some(text("peer_state", "observing - broadcast")),
    });
    if let (Role::Observer, Some(leader)) = (role, standing.leader()) {
        values.push(("observer_master_id".to_owned(), Value::Integer(leader.0)));
    }
    values
}

/// What only members have (`QuorumZooKeeperServer`, `LeaderZooKeeperServer`: `registerMetrics`).
fn of_role(server: &Shared, standing: &Standing, role: Role) -> Vec<(&'static str, i64)> {
    let Some(ensemble) = &server.config.ensemble else {
        return Vec::new();
    };
    let mut values = vec![("quorum_size", ensemble.verifier.voters().count() as i64)];
    if role == Role::Leader {
        let learners = standing.learners();
        let sizes = standing.proposals();
        values.extend([
            ("learners", learners.all as i64),
            ("synced_followers", learners.synced_followers as i64),
            (
                "synced_non_voting_followers",
                learners.synced_non_voting_followers as i64,
            ),
            ("synced_observers", learners.synced_observers as i64),
            ("pending_syncs", learners.pending_syncs as i64),
            (
                "leader_uptime",
                clock::monotonic_ms() - standing.serving_since_ms(),
            ),
            ("last_proposal_size", sizes.last),
            ("max_proposal_size", sizes.most),
            ("min_proposal_size", sizes.least),
        ]);
    }
    values
}

/// Open descriptors, and how many there may be.
fn descriptors() -> (i64, i64) {
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as i64);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    (open, limit.map_or(-1, |limit| limit as i64))
}
