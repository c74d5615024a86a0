//! The keys that matter only in an ensemble. Apache's standalone server does not read them either.

use super::Form::{Any, Bool, Int, OneOf};
use super::Treatment::Ensemble;
use super::{Place, Row, file, key, property};

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    file("initLimit", "must be set in an ensemble", Ensemble(Int), "ticks for a follower to connect and sync"),
    file("syncLimit", "must be set in an ensemble", Ensemble(Int), "ticks that a follower may lag behind"),
    file("connectToLearnerMasterLimit", "initLimit", Ensemble(Int), "ticks to connect to the leader"),
    file("electionAlg", "3", Ensemble(OneOf(&["3"])), "election algorithm; there is only one"),
    file("peerType", "participant", Ensemble(OneOf(&["observer", "participant"])), "role; the server line decides"),
    file("quorumListenOnAllIPs", "false", Ensemble(Bool), "listen on all addresses for other servers"),
    file("observerMasterPort", "0", Ensemble(Int), "port where a follower serves observers; 0: none"),
    Row {
        name: "syncEnabled", place: Place::FileOr("zookeeper.observer.syncEnabled"), default: "true",
        treatment: Ensemble(Bool), about: "observers write log and snapshots",
    },
    file("quorum.cnxn.threads.size", "20", Ensemble(Int), "threads for election connections"),
    file("version", "0", Ensemble(Any), "version of the ensemble's configuration"),
    Row {
        name: "multiAddress.reachabilityCheckTimeoutMs", place: Place::FileOr("zookeeper.multiAddress.reachabilityCheckTimeoutMs"), default: "1000",
        treatment: Ensemble(Int), about: "ms to find an address of a server that answers",
    },
    Row {
        name: "multiAddress.reachabilityCheckEnabled", place: Place::FileOr("zookeeper.multiAddress.reachabilityCheckEnabled"), default: "true",
        treatment: Ensemble(Bool), about: "look for an address of a server that answers",
    },
    property("leader.nodelay", "true", Ensemble(Any), "TCP_NODELAY at the leader"),
    property("follower.nodelay", "true", Ensemble(Any), "TCP_NODELAY at followers"),
    key("commitLogCount", "500", Ensemble(Any), "committed txns kept in memory for followers"),
    key("snapshotSizeFactor", "0.33", Ensemble(Any), "share of a snapshot up to which logs are sent instead"),
    key("fastleader.minNotificationInterval", "200", Ensemble(Any), "ms of the first wait in an election"),
    key("fastleader.maxNotificationInterval", "60000", Ensemble(Any), "ms of the longest wait in an election"),
    key("leader.maxConcurrentSnapSyncs", "10", Ensemble(Any), "snapshots sent at once"),
    key("leader.maxConcurrentDiffSyncs", "100", Ensemble(Any), "logs sent at once"),
    key("learner.closeSocketAsync", "false", Ensemble(Any), "close the leader's socket in the background"),
    property("learner.closeSocketAsync", "false", Ensemble(Any), "old name of zookeeper.learner.closeSocketAsync"),
    key("leader.closeSocketAsync", "false", Ensemble(Any), "close followers' sockets in the background"),
    property("leader.closeSocketAsync", "false", Ensemble(Any), "old name of zookeeper.leader.closeSocketAsync"),
    key("learner.asyncSending", "false", Ensemble(Any), "a thread of its own for what a follower sends"),
    property("learner.asyncSending", "false", Ensemble(Any), "old name of zookeeper.learner.asyncSending"),
    key("forward_learner_requests_to_commit_processor_disabled", "false", Ensemble(Any), "keep followers' requests out of the leader's commit queue"),
    key("follower.skipLearnerRequestToNextProcessor", "false", Ensemble(Any), "keep observers' requests out of the follower's queue"),
    key("leader.maxTimeToWaitForEpoch", "-1", Ensemble(Any), "ms that a new leader waits for a quorum"),
    key("leader.ackLoggingFrequency", "1000", Ensemble(Any), "acks of which one is measured"),
    key("leaderServes", "yes", Ensemble(Any), "the leader serves clients"),
    key("cnxTimeout", "5000", Ensemble(Any), "ms to connect for an election"),
    key("quorumCnxnTimeoutMs", "syncLimit x tickTime", Ensemble(Any), "ms to read on an election connection"),
    key("leaderConnectDelayDuringRetryMs", "100", Ensemble(Any), "ms between attempts to reach the leader"),
    key("tcpKeepAlive", "false", Ensemble(Any), "TCP keepalive for elections"),
    key("electionPortBindRetry", "3", Ensemble(Any), "attempts to listen for elections; 0: no limit"),
    key("observer.reconnectDelayMs", "0", Ensemble(Any), "ms an observer waits before it reconnects"),
    key("observer.election.DelayMs", "200", Ensemble(Any), "ms an observer waits before an election"),
    key("observerMaster.sizeLimit", "33554432", Ensemble(Any), "bytes of txns that a follower keeps for observers"),
    key("forceSnapshotSync", "false", Ensemble(Any), "always send a snapshot to followers"),
    key("commitProcessor.numWorkerThreads", "cores", Ensemble(Any), "threads that execute requests"),
    key("commitProcessor.maxReadBatchSize", "-1", Ensemble(Any), "reads before a commit"),
    key("commitProcessor.maxCommitBatchSize", "1", Ensemble(Any), "commits before reads"),
    key("commitProcessor.shutdownTimeout", "5000", Ensemble(Any), "ms to stop those threads"),
    key("messageTracker.Enabled", "false", Ensemble(Any), "keep the last messages between servers for the log"),
    key("messageTracker.BufferSize", "10", Ensemble(Any), "messages kept"),
];
