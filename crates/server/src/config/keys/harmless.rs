//! The keys that cannot matter here.

use super::Form::{Any, Bool, Int, Long, OneOf};
use super::Treatment::Harmless;
use super::Why::{Client, Jvm, Logging, OtherEngine, Tests};
use super::{Row, file, key, property};

/// Both of Apache's socket engines; TLS, which only the second has, is refused by its own keys.
const FACTORIES: &[&str] = &[
    "org.apache.zookeeper.server.NIOServerCnxnFactory",
    "org.apache.zookeeper.server.NettyServerCnxnFactory",
];

/// Both of Apache's watch tables: they differ in memory only.
const WATCH_MANAGERS: &[&str] = &[
    "org.apache.zookeeper.server.watch.WatchManager",
    "org.apache.zookeeper.server.watch.WatchManagerOptimized",
];

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    file("jvm.pause.monitor", "false", Harmless(Jvm, Bool), "log pauses of the JVM"),
    file("jvm.pause.info-threshold.ms", "1000", Harmless(Jvm, Long), "ms of a pause that is logged"),
    file("jvm.pause.warn-threshold.ms", "10000", Harmless(Jvm, Long), "ms of a pause that is warned about"),
    file("jvm.pause.sleep.time.ms", "500", Harmless(Jvm, Long), "ms between measurements"),
    property("zookeeper.jmx.log4j.disable", "false", Harmless(Jvm, Any), "no JMX bean for logging"),
    property("zookeeper.jmx.log4j.mbean", "log4j:hierarchy=default", Harmless(Jvm, Any), "name of that bean"),
    property("java.security.login.auth.config", "", Harmless(Jvm, Any), "a misspelt name that stands in one message of Apache's"),
    key("nio.directBufferBytes", "65536", Harmless(Jvm, Any), "bytes of Java's write buffer"),
    key("request_throttle_stall_time", "100", Harmless(OtherEngine, Any), "ms between looks whether a waiting request may go on"),
    key("request_throttler.shutdownTimeout", "10000", Harmless(OtherEngine, Any), "ms to finish requests when the server stops"),
    key("serverCnxnFactory", "org.apache.zookeeper.server.NIOServerCnxnFactory", Harmless(OtherEngine, OneOf(FACTORIES)), "Java class that serves sockets; both of Apache's are accepted"),
    key("watchManagerName", "org.apache.zookeeper.server.watch.WatchManager", Harmless(OtherEngine, OneOf(WATCH_MANAGERS)), "Java class that holds watches; both of Apache's are accepted"),
    key("watcherCleanThreadsNum", "2", Harmless(OtherEngine, Any), "threads that clean up watches"),
    key("watcherCleanThreshold", "1000", Harmless(OtherEngine, Any), "dead watchers cleaned up at once"),
    key("watcherCleanIntervalInSeconds", "600", Harmless(OtherEngine, Any), "s between clean-ups"),
    key("maxInProcessingDeadWatchers", "-1", Harmless(OtherEngine, Any), "dead watchers that may wait"),
    key("bitHashCacheSize", "10", Harmless(OtherEngine, Any), "entries cached per set of watchers"),
    key("maxResponseCacheSize", "400", Harmless(OtherEngine, Any), "cached getData replies"),
    key("maxGetChildrenResponseCacheSize", "400", Harmless(OtherEngine, Any), "cached getChildren replies"),
    key("intBufferStartingSizeBytes", "1024", Harmless(OtherEngine, Any), "bytes of a reply buffer at first"),
    key("nio.numSelectorThreads", "by cores", Harmless(OtherEngine, Any), "threads that watch sockets"),
    key("nio.numWorkerThreads", "2 x cores", Harmless(OtherEngine, Any), "threads that read and write sockets"),
    key("nio.shutdownTimeout", "5000", Harmless(OtherEngine, Any), "ms to stop those threads"),
    key("netty.advancedFlowControl.enabled", "false", Harmless(OtherEngine, Any), "flow control of the Netty engine"),
    key("server.principal", "", Harmless(Client, Any), "the server's Kerberos name, for clients"),
    file("metricsProvider.numWorkerThreads", "1", Harmless(OtherEngine, Int), "threads that record summaries"),
    file("metricsProvider.maxQueueSize", "1000000", Harmless(OtherEngine, Int), "summaries that wait to be recorded"),
    file("metricsProvider.workerShutdownTimeoutMs", "1000", Harmless(OtherEngine, Long), "ms to stop those threads"),
    file("metricsProvider.*", "", Harmless(OtherEngine, Any), "another setting, which no provider of Apache's reads"),
    property("zookeeper.client.secure", "false", Harmless(Client, Any), "TLS in the Java client"),
    property("zookeeper.clientCnxnSocket", "NIO", Harmless(Client, Any), "socket engine of the Java client"),
    property("zookeeper.disableAutoWatchReset", "false", Harmless(Client, Any), "no SetWatches by the Java client"),
    property("zookeeper.request.timeout", "0", Harmless(Client, Any), "ms that the Java client waits for a reply"),
    property("zookeeper.sasl.client", "true", Harmless(Client, Any), "SASL in the Java client"),
    property("zookeeper.sasl.client.canonicalize.hostname", "true", Harmless(Client, Any), "host names in the Java client's SASL"),
    property("zookeeper.sasl.client.username", "zookeeper", Harmless(Client, Any), "service name that the Java client expects"),
    property("zookeeper.sasl.clientconfig", "Client", Harmless(Client, Any), "JAAS section of the Java client"),
    property("zookeeper.log.dir", "logs", Harmless(Logging, Any), "directory of Java's logs"),
    property("zookeeper.log.file", "by user and host", Harmless(Logging, Any), "name of Java's log"),
    key("controllerPort", "", Harmless(Tests, Any), "port that controls Apache's test server"),
    property("zookeeper.clientPortAddress", "", Harmless(Tests, Any), "address of Apache's test server; the key clientPortAddress is another thing"),
    property("zookeeper.test.allowDiscontinuousProposals", "false", Harmless(Tests, Any), "no check that zxids follow each other"),
    property("zookeeper.testingonly.initialZxid", "", Harmless(Tests, Any), "first zxid of a new leader"),
    property("zookeeper.configuration", "", Harmless(Tests, Any), "no setting: a mark in the log of the embedded server"),
    property("zookeeper.version", "", Harmless(Tests, Any), "no setting: a line of the four letter word envi"),
];
