//! The keys that matter only in an ensemble. Apache's standalone server does not read them either.

use super::Form::{Any, Bool, Int, OneOf};
use super::Treatment::{Dormant, Ensemble, EnsembleNotYet, Harmless, Used};
use super::Why::{OtherEngine, Race, Syncs};
use super::features::{MESSAGE_TRACKER, OBSERVER_MASTER, OBSERVER_WITHOUT_LOG};
use super::{Place, Row, file, key, property};

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    file("group.*", "", Ensemble(Any), "servers that vote together, by colon; then each participant must be in one group"),
    file("weight.*", "1", Ensemble(Any), "weight of a server's vote in its group"),
    file("initLimit", "must be set in an ensemble", Ensemble(Int), "ticks for a follower to connect and sync"),
    file("syncLimit", "must be set in an ensemble", Ensemble(Int), "ticks that a follower may lag behind"),
    file("connectToLearnerMasterLimit", "initLimit", Ensemble(Int), "ticks to connect to the leader"),
    file("electionAlg", "3", Ensemble(OneOf(&["3"])), "election algorithm; there is only one"),
    file("peerType", "participant", Ensemble(OneOf(&["observer", "participant"])), "role; the server line decides"),
    file("quorumListenOnAllIPs", "false", Ensemble(Bool), "listen on all addresses for other servers"),
    file("localSessionsEnabled", "false", Ensemble(Bool), "new sessions are known to one server only"),
    file("localSessionsUpgradingEnabled", "false", Ensemble(Bool), "a local session becomes global with its first ephemeral znode"),
    file("observerMasterPort", "0", EnsembleNotYet(&OBSERVER_MASTER, &["0", "-1"], Int), "port where a follower serves observers; 0: none"),
    Row {
        name: "syncEnabled", place: Place::FileOr("zookeeper.observer.syncEnabled"), default: "true",
        treatment: EnsembleNotYet(&OBSERVER_WITHOUT_LOG, &["true"], Bool), about: "observers write log and snapshots",
    },
    file("quorum.cnxn.threads.size", "20", Harmless(OtherEngine, Int), "threads for election connections"),
    file("version", "0", Ensemble(Any), "version of the ensemble's configuration, hexadecimal; a dynamic file has it behind the last dot of its name"),
    Row {
        name: "multiAddress.enabled", place: Place::FileOr("zookeeper.multiAddress.enabled"), default: "false",
        treatment: Used, about: "several addresses in a server line, with bars between; lines go by the property alone",
    },
    Row {
        name: "multiAddress.reachabilityCheckTimeoutMs", place: Place::FileOr("zookeeper.multiAddress.reachabilityCheckTimeoutMs"), default: "1000",
        treatment: Harmless(Race, Int), about: "ms to find an address of a server that answers",
    },
    Row {
        name: "multiAddress.reachabilityCheckEnabled", place: Place::FileOr("zookeeper.multiAddress.reachabilityCheckEnabled"), default: "true",
        treatment: Harmless(Race, Bool), about: "look for an address of a server that answers",
    },
    property("leader.nodelay", "true", Ensemble(Any), "TCP_NODELAY at the leader"),
    property("follower.nodelay", "true", Ensemble(Any), "TCP_NODELAY at followers"),
    key("enableEagerACLCheck", "false", Ensemble(Any), "check ACLs before a request is sent to the leader"),
    key("commitLogCount", "500", Ensemble(Any), "committed txns kept in memory for learners that lag; at least 500, and 32 MiB of them at most"),
    key("snapshotSizeFactor", "0.33", Ensemble(Any), "share of a snapshot's size up to which the log on disk is sent instead; negative: never"),
    key("fastleader.minNotificationInterval", "200", Ensemble(Any), "ms of the first wait before votes are sent again; at least 1"),
    key("fastleader.maxNotificationInterval", "60000", Ensemble(Any), "ms of the longest wait before votes are sent again; at least 1"),
    key("leader.maxConcurrentSnapSyncs", "10", Harmless(Syncs, Any), "snapshots sent at once"),
    key("leader.maxConcurrentDiffSyncs", "100", Harmless(Syncs, Any), "logs sent at once"),
    key("learner.closeSocketAsync", "false", Harmless(OtherEngine, Any), "close the leader's socket in the background"),
    property("learner.closeSocketAsync", "false", Harmless(OtherEngine, Any), "old name of zookeeper.learner.closeSocketAsync"),
    key("leader.closeSocketAsync", "false", Harmless(OtherEngine, Any), "close followers' sockets in the background"),
    property("leader.closeSocketAsync", "false", Harmless(OtherEngine, Any), "old name of zookeeper.leader.closeSocketAsync"),
    key("learner.asyncSending", "false", Harmless(OtherEngine, Any), "a thread of its own for what a follower sends"),
    property("learner.asyncSending", "false", Harmless(OtherEngine, Any), "old name of zookeeper.learner.asyncSending"),
    key("forward_learner_requests_to_commit_processor_disabled", "false", Harmless(OtherEngine, Any), "keep followers' requests out of the leader's commit queue"),
    key("follower.skipLearnerRequestToNextProcessor", "false", Harmless(OtherEngine, Any), "keep observers' requests out of the follower's queue"),
    key("leader.maxTimeToWaitForEpoch", "-1", Ensemble(Any), "ms after which a leader that has no quorum yet gives up when a voter looks again; less than 0: never"),
    key("leader.ackLoggingFrequency", "1000", Ensemble(Any), "a leader measures the ACKs of txns whose zxid is a multiple of it; 0 or less: none"),
    key("leaderServes", "yes", Ensemble(Any), "exactly no: the leader serves no clients"),
    key("cnxTimeout", "5000", Ensemble(Any), "ms to connect for an election"),
    key("quorumCnxnTimeoutMs", "syncLimit x tickTime", Ensemble(Any), "ms to read on an election connection"),
    key("leaderConnectDelayDuringRetryMs", "100", Ensemble(Any), "ms between attempts to reach the leader"),
    key("tcpKeepAlive", "false", Ensemble(Any), "TCP keepalive for elections"),
    key("electionPortBindRetry", "3", Ensemble(Any), "attempts to listen for elections; 0: no limit"),
    key("observer.reconnectDelayMs", "0", Ensemble(Any), "ms that an observer waits at most before it connects to the leader"),
    key("observer.election.DelayMs", "200", Ensemble(Any), "ms that an observer waits at most before it looks for a leader"),
    key("observerMaster.sizeLimit", "33554432", Dormant(&OBSERVER_MASTER), "bytes of txns that a follower keeps for observers"),
    key("forceSnapshotSync", "false", Ensemble(Any), "always send a snapshot to followers"),
    key("commitProcessor.numWorkerThreads", "cores", Harmless(OtherEngine, Any), "threads that execute requests"),
    key("commitProcessor.maxReadBatchSize", "-1", Harmless(OtherEngine, Any), "reads before a commit"),
    key("commitProcessor.maxCommitBatchSize", "1", Harmless(OtherEngine, Any), "commits before reads"),
    key("commitProcessor.shutdownTimeout", "5000", Harmless(OtherEngine, Any), "ms to stop those threads"),
    key("messageTracker.Enabled", "false", EnsembleNotYet(&MESSAGE_TRACKER, &["false"], Any), "keep the last messages between servers for the log"),
    key("messageTracker.BufferSize", "10", Dormant(&MESSAGE_TRACKER), "messages kept"),
];
