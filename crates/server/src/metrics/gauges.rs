//! What is looked up when somebody asks (`registerMetrics` of `ZooKeeperServer`, `QuorumZooKeeperServer`, `LeaderZooKeeperServer` and
//! `FollowerZooKeeperServer`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use datatree::{DataTree, LIMIT_NODE, QUOTA_ROOT, QuotaStats, STAT_NODE, trimmed_quota_path};
use listener::tls::Expiry;

use super::namespaces::top_namespace;
use super::samples::{Samples, sample};
use crate::clock;
use crate::serve::certificates::{Stores, seconds_to_expiry};
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
        (
            "outstanding_tls_handshake",
            Integer(
                server
                    .security
                    .tls
                    .as_ref()
                    .map_or(0, |tls| tls.handshakes()) as i64,
            ),
        ),
        (
            "auth_failed_count",
            Integer(stats.auth_failed.load(Relaxed) as i64),
        ),
        (
            "non_mtls_remote_conn_count",
            Integer(stats.plain_remote.load(Relaxed) as i64),
        ),
        (
            "non_mtls_local_conn_count",
            Integer(stats.plain_local.load(Relaxed) as i64),
        ),
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
        expiries(&server.security.stores(), clock::wall_ms() / 1000),
    ]
}

/// Days until each certificate of the stores expires, negative for one that has; `now_s` is in seconds since 1970. A store that
/// serves clients and servers alike is told once.
fn expiries(stores: &[Arc<dyn Stores>], now_s: i64) -> Samples {
    const DAY_S: f64 = 24.0 * 3600.0;
    let named = |(expiry, left_s): (Expiry, i64)| {
        let store = expiry.store.to_string_lossy().into_owned();
        ((store, expiry.alias), left_s as f64 / DAY_S)
    };
    let days: BTreeMap<_, _> = seconds_to_expiry(stores, now_s).map(named).collect();
    let labelled = |(names, days): (&(String, String), &f64)| {
        let (store, alias) = names;
        sample("", &[("store", store), ("alias", alias)], *days)
    };
    Samples {
        name: "ironkeeper_certificate_expiry_days".to_owned(),
        kind: "gauge",
        about: "days until a certificate of the key and trust stores expires".to_owned(),
        samples: days.iter().map(labelled).collect(),
    }
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

#[cfg(test)]
mod tests {
    use listener::tls::{Fingerprint, TlsError};

    use super::*;

    struct One(Arc<[Expiry]>);

    impl Stores for One {
        fn reloads(&self) -> bool {
            false
        }

        fn fingerprint(&self) -> Vec<Fingerprint> {
            Vec::new()
        }

        fn reload(&self) -> Result<(), TlsError> {
            Ok(())
        }

        fn expiries(&self) -> Arc<[Expiry]> {
            self.0.clone()
        }
    }

    #[test]
    fn a_certificate_of_a_store_that_is_used_twice_is_told_once_with_its_days() {
        const DAY_S: i64 = 24 * 3600;
        let expiry = Expiry {
            store: "/etc/zk.jks".into(),
            alias: "zk".to_owned(),
            at_s: 10 * DAY_S,
        };
        let stores: [Arc<dyn Stores>; 2] =
            [0, 1].map(|_| Arc::new(One([expiry.clone()].into())) as Arc<dyn Stores>);
        let told = expiries(&stores, 12 * DAY_S);
        let labels = [("store", "/etc/zk.jks"), ("alias", "zk")];
        assert_eq!(told.samples, [sample("", &labels, -2.0)]);
    }
}
