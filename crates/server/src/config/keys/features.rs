//! The keys of features that are not built yet, other than security.

use super::Treatment::{Dormant, NotYet};
use super::{Feature, Row, file, key};

pub(in super::super) const RECONFIG: Feature = Feature {
    name: "a reconfiguration of the ensemble at run time",
    advice: "finish it on Apache ZooKeeper, then remove reconfigEnabled or set it to false",
};
pub(in super::super) const READ_ONLY: Feature = Feature {
    name: "read-only mode without a quorum",
    advice: "remove readonlymode.enabled or set it to false",
};
pub(super) const ORACLE: Feature = Feature {
    name: "an oracle",
    advice: "remove the line and run three servers, or stay on Apache ZooKeeper for this ensemble",
};
pub(super) const OBSERVER_MASTER: Feature = Feature {
    name: "serving observers on a follower",
    advice: "remove the line; observers then follow the leader",
};
pub(super) const OBSERVER_WITHOUT_LOG: Feature = Feature {
    name: "an observer without log and snapshots",
    advice: "remove the line or set it to true",
};
pub(super) const MESSAGE_TRACKER: Feature = Feature {
    name: "the message tracker",
    advice: "remove the line or set it to false",
};
const ADMIN_SERVER: Feature = Feature {
    name: "the admin server",
    advice: "remove the line and ask by four letter words",
};
const METRICS: Feature = Feature {
    name: "a metrics provider other than the default one",
    advice: "remove the metricsProvider lines and read the metrics with the four letter word mntr",
};
const PATH_STATS: Feature = Feature {
    name: "statistics of busy paths",
    advice: "remove the line or set pathStats.enabled=false",
};

const FALSE: &[&str] = &["false"];

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    file("oraclePath", "", NotYet(&ORACLE, &[]), "file that decides for an ensemble of two servers"),
    file("metricsProvider.className", "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider", NotYet(&METRICS, &["org.apache.zookeeper.metrics.impl.DefaultMetricsProvider"]), "back end of the metrics"),
    file("metricsProvider.*", "", Dormant(&METRICS), "a setting of the metrics provider"),
    file("metricsProvider.httpHost", "0.0.0.0", Dormant(&METRICS), "address of the Prometheus page"),
    file("metricsProvider.httpPort", "7000", Dormant(&METRICS), "port of the Prometheus page"),
    file("metricsProvider.exportJvmInfo", "true", Dormant(&METRICS), "process figures on the Prometheus page"),
    file("metricsProvider.numWorkerThreads", "1", Dormant(&METRICS), "threads that record summaries"),
    file("metricsProvider.maxQueueSize", "1000000", Dormant(&METRICS), "summaries that wait to be recorded"),
    file("metricsProvider.workerShutdownTimeoutMs", "1000", Dormant(&METRICS), "ms to stop those threads"),
    key("admin.serverAddress", "0.0.0.0", Dormant(&ADMIN_SERVER), "address of the admin server"),
    key("admin.serverPort", "8080", Dormant(&ADMIN_SERVER), "port of the admin server"),
    key("admin.idleTimeout", "30000", Dormant(&ADMIN_SERVER), "ms after which an idle HTTP connection is closed"),
    key("admin.commandURL", "/commands", Dormant(&ADMIN_SERVER), "path of the commands"),
    key("admin.httpVersion", "11", Dormant(&ADMIN_SERVER), "HTTP version under TLS"),
    key("admin.rateLimiterIntervalInMS", "300000", Dormant(&ADMIN_SERVER), "ms between two snapshot or restore commands"),
    key("admin.snapshot.enabled", "true", Dormant(&ADMIN_SERVER), "the command snapshot"),
    key("admin.restore.enabled", "true", Dormant(&ADMIN_SERVER), "the command restore"),
    key("admin.portUnification", "false", NotYet(&ADMIN_SERVER, FALSE), "HTTP and HTTPS on one port"),
    key("admin.forceHttps", "false", NotYet(&ADMIN_SERVER, FALSE), "HTTPS only"),
    key("admin.needClientAuth", "false", NotYet(&ADMIN_SERVER, FALSE), "a client certificate for the admin server"),
    key("IPAuthenticationProvider.usexforwardedfor", "false", NotYet(&ADMIN_SERVER, FALSE), "take the address of an admin client from X-Forwarded-For"),
    key("pathStats.enabled", "false", NotYet(&PATH_STATS, FALSE), "log the busiest paths"),
    key("pathStats.slotCapacity", "60", Dormant(&PATH_STATS), "slots kept"),
    key("pathStats.slotDuration", "15", Dormant(&PATH_STATS), "s of one slot"),
    key("pathStats.maxDepth", "6", Dormant(&PATH_STATS), "parts of a path that count"),
    key("pathStats.sampleRate", "0.1", Dormant(&PATH_STATS), "share of requests counted"),
    key("pathStats.initialDelay", "5", Dormant(&PATH_STATS), "minutes to the first report"),
    key("pathStats.delay", "5", Dormant(&PATH_STATS), "minutes between reports"),
    key("pathStats.topPathMax", "20", Dormant(&PATH_STATS), "paths in a report"),
];
