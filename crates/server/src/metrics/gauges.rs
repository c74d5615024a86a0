//! What is looked up when somebody asks (`registerMetrics` of `ZooKeeperServer`, `QuorumZooKeeperServer`, `LeaderZooKeeperServer` and
//! `FollowerZooKeeperServer`).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use datatree::{DataTree, LIMIT_NODE, QUOTA_ROOT, QuotaStats, STAT_NODE, trimmed_quota_path};

use super::namespaces::top_namespace;
use super::samples::{Samples, sample};
use crate::clock;
use crate::shared::Shared;
use crate::standing::Standing;
use crate::words::{Role, Value};

/// A gauge of Apache's by its name; none where Apache's has no value, which the default provider leaves out and Prometheus' takes
/// for 0.
pub type Gauge = (&'static str, Option<Value>);

/// All without a label.
pub fn all(server: &Shared, role: Role) -> Vec<Gauge> {
    let mut gauges = of_every_server(server);
    gauges.extend(of_role(server, role));
    gauges
}

fn of_every_server(server: &Shared) -> Vec<Gauge> {
    use Value::{Double, Integer};
    let stats = &server.stats;
    let role_since_ms = server.standing.lock().role_since_ms();
    let [last, least, most] = stats.reply_sizes.values();
    let (descriptors, most_descriptors) = super::process::descriptors();
    let watch_count = server.watchers.lock().watches.len();
    let packets_sent = server.packets_sent() as i64;
    let tree = server.tree.read();
    let values = [
        ("avg_latency", Double(stats.latency_ms.mean())),
        ("max_latency", Integer(stats.latency_ms.most())),
        ("min_latency", Integer(stats.latency_ms.least())),
        (
            "packets_received",
            Integer(stats.packets_received.load(Relaxed) as i64),
        ),
        ("packets_sent", Integer(packets_sent)),
        (
            "num_alive_connections",
            Integer(server.admissions.open().into()),
        ),
        (
            "outstanding_requests",
            Integer(stats.in_process.load(Relaxed)),
        ),
        ("uptime", Integer(clock::monotonic_ms() - role_since_ms)),
        ("znode_count", Integer(tree.node_count() as i64)),
        ("watch_count", Integer(watch_count as i64)),
        ("ephemerals_count", Integer(tree.ephemeral_count() as i64)),
        (
            "approximate_data_size",
            Integer(tree.approximate_data_size()),
        ),
        ("global_sessions", Integer(stats.sessions.load(Relaxed))),
        (
            "local_sessions",
            Integer(stats.local_sessions.load(Relaxed)),
        ),
        ("open_file_descriptor_count", Integer(descriptors)),
        ("max_file_descriptor_count", Integer(most_descriptors)),
        (
            "connection_drop_probability",
            Double(server.throttles.drop_probability()),
        ),
        ("last_client_response_size", Integer(last)),
        ("max_client_response_size", Integer(most)),
        ("min_client_response_size", Integer(least)),
        ("outstanding_tls_handshake", Integer(0)),
        (
            "auth_failed_count",
            Integer(stats.auth_failed.load(Relaxed) as i64),
        ),
        ("non_mtls_remote_conn_count", Integer(0)),
        ("non_mtls_local_conn_count", Integer(0)),
    ];
    values
        .into_iter()
        .map(|(name, value)| (name, Some(value)))
        .collect()
}

/// What only members have.
fn of_role(server: &Shared, role: Role) -> Vec<Gauge> {
    let Some(ensemble) = &server.config.ensemble else {
        return Vec::new();
    };
    let mut gauges = vec![whole(
        "quorum_size",
        ensemble.verifier.voters().count() as i64,
    )];
    match role {
        Role::Leader => gauges.extend(of_leader(&server.standing.lock())),
        // A follower counts observers where it serves some, which it does not here.
        Role::Follower => gauges.push(("synced_observers", None)),
        Role::Observer | Role::Standalone => {}
    }
    gauges
}

fn of_leader(standing: &Standing) -> [Gauge; 9] {
    let (learners, sizes) = (standing.learners(), standing.proposals());
    let uptime_ms = clock::monotonic_ms() - standing.serving_since_ms();
    [
        whole("learners", learners.all as i64),
        whole("synced_followers", learners.synced_followers as i64),
        whole(
            "synced_non_voting_followers",
            learners.synced_non_voting_followers as i64,
        ),
        whole("synced_observers", learners.synced_observers as i64),
        whole("pending_syncs", learners.pending_syncs as i64),
        whole("leader_uptime", uptime_ms),
        whole("last_proposal_size", sizes.last),
        whole("max_proposal_size", sizes.most),
        whole("min_proposal_size", sizes.least),
    ]
}

fn whole(name: &'static str, value: i64) -> Gauge {
    (name, Some(Value::Integer(value)))
}

/// For Prometheus, with those that have a label.
pub fn for_prometheus(server: &Shared, role: Role) -> Vec<Samples> {
    let single = |(name, value): Gauge| {
        Samples::single(
            name,
            "gauge",
            name,
            value.map_or(0.0, |value| value.number()),
        )
    };
    let labelled = |(name, values): (&'static str, BTreeMap<String, i64>)| Samples {
        name: name.to_owned(),
        kind: "gauge",
        about: name.to_owned(),
        samples: values
            .iter()
            .map(|(key, value)| sample("", &[("key", key)], *value as f64))
            .collect(),
    };
    let gauges = all(server, role).into_iter().map(single);
    gauges
        .chain(quotas(&server.tree.read()).into_iter().map(labelled))
        .collect()
}

/// What Apache's servers do not have.
pub fn own(server: &Shared) -> Vec<Samples> {
    let tree = server.tree.read();
    let zxid = tree.last_zxid().0;
    drop(tree);
    /// zxids of an epoch.
    const COUNTER_BITS: i64 = 0xffff_ffff;
    let (stats, guards) = (&server.stats, &server.guards);
    let headroom = COUNTER_BITS - (zxid & COUNTER_BITS);
    let gauge = |name, about, value: u64| Samples::single(name, "gauge", about, value as f64);
    let counter = |name, about, counted: &AtomicU64| {
        Samples::single(name, "counter", about, counted.load(Relaxed) as f64)
    };
    vec![
        gauge(
            "ironkeeper_zxid_headroom",
            "zxids that are left in this epoch",
            headroom.unsigned_abs(),
        ),
        gauge(
            "ironkeeper_disk_free_bytes",
            "bytes free on the fuller of the disks of dataDir and dataLogDir",
            guards.disk_free_bytes(),
        ),
        gauge(
            "ironkeeper_memory_limit_bytes",
            "bytes of resident memory above which writes are refused; 0: no limit",
            guards.memory_limit_bytes(),
        ),
        counter(
            "ironkeeper_refused_writes",
            "writes refused for want of disk or memory",
            &stats.refused_writes,
        ),
        counter(
            "ironkeeper_slow_requests",
            "requests above ironkeeper.slowRequestMs",
            &stats.slow_requests,
        ),
        counter(
            "ironkeeper_near_jute_maxbuffer_replies",
            "replies of nine tenths of jute.maxbuffer and more",
            &stats.large_replies,
        ),
        counter(
            "ironkeeper_fsync_threshold_exceed_count",
            "fsyncs above fsync.warningthresholdms",
            &stats.slow_fsyncs,
        ),
        counter(
            "ironkeeper_snapshots",
            "snapshots on disk since the start",
            &stats.snapshots,
        ),
    ]
}

/// Limits and uses of all quotas, summed up by the first name of their paths (`QuotaMetricsUtils`).
pub fn quotas(tree: &DataTree) -> [(&'static str, BTreeMap<String, i64>); 4] {
    let mut quotas = [
        ("quota_count_limit_per_namespace", BTreeMap::new()),
        ("quota_bytes_limit_per_namespace", BTreeMap::new()),
        ("quota_count_usage_per_namespace", BTreeMap::new()),
        ("quota_bytes_usage_per_namespace", BTreeMap::new()),
    ];
    let mut open = vec![QUOTA_ROOT.to_owned()];
    while let Some(path) = open.pop() {
        let Some(node) = tree.get(&path) else {
            continue;
        };
        open.extend(node.children().map(|child| format!("{path}/{child}")));
        let Some((parent, name)) = path.rsplit_once('/') else {
            continue;
        };
        let namespace = trimmed_quota_path(parent).and_then(top_namespace);
        let text = node.data().and_then(QuotaStats::parse);
        let (Some(namespace), Some(text), 0) = (namespace, text, node.child_count()) else {
            continue;
        };
        let (first, count, bytes) = match name {
            LIMIT_NODE => (
                0,
                limit(&text, QuotaStats::COUNT_HARD_LIMIT, QuotaStats::COUNT),
                limit(&text, QuotaStats::BYTE_HARD_LIMIT, QuotaStats::BYTES),
            ),
            STAT_NODE => (2, text.get(QuotaStats::COUNT), text.get(QuotaStats::BYTES)),
            _ => continue,
        };
        *quotas[first].1.entry(namespace.to_owned()).or_default() += count;
        *quotas[first + 1].1.entry(namespace.to_owned()).or_default() += bytes;
    }
    quotas
}

/// The hard limit comes first.
fn limit(text: &QuotaStats, hard: &str, soft: &str) -> i64 {
    match text.get(hard) {
        hard @ 0.. => hard,
        _ => text.get(soft),
    }
}
