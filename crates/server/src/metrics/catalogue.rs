//! Every metric that Apache's servers have beside their gauges (`ServerMetrics`), by Apache's names.
//!
//! Owns which there are and of which kind. What is counted is the business of who counts. A metric of a part that is not built
//! as Apache's stays 0 and says why, for dashboards ask for its name.

use super::cells::{Counter, Detail, Summary};
use super::labelled::{CounterSet, SummarySet};

/// A metric, by its kind.
#[derive(Clone, Copy, Debug)]
pub enum Metric<'a> {
    /// One number.
    Counter(&'a Counter),
    /// A number for each key.
    CounterSet(&'a CounterSet),
    /// Values.
    Summary(&'a Summary),
    /// Values of each key.
    SummarySet(&'a SummarySet),
}

impl Metric<'_> {
    fn reset(self) {
        match self {
            Metric::Counter(counter) => counter.reset(),
            Metric::CounterSet(set) => set.reset(),
            Metric::Summary(summary) => summary.reset(),
            Metric::SummarySet(set) => set.reset(),
        }
    }
}

/// A metric with its name and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Family<'a> {
    /// Apache's name.
    pub name: &'static str,
    /// What it says, with its unit.
    pub about: &'static str,
    /// What is counted.
    pub metric: Metric<'a>,
}

macro_rules! kind {
    (type counter) => {
        Counter
    };
    (type counter_set) => {
        CounterSet
    };
    (type basic) => {
        Summary
    };
    (type advanced) => {
        Summary
    };
    (type basic_set) => {
        SummarySet
    };
    (type advanced_set) => {
        SummarySet
    };
    (new counter) => {
        Counter::default()
    };
    (new counter_set) => {
        CounterSet::default()
    };
    (new basic) => {
        Summary::new(Detail::Basic)
    };
    (new advanced) => {
        Summary::new(Detail::Advanced)
    };
    (new basic_set) => {
        SummarySet::new(Detail::Basic)
    };
    (new advanced_set) => {
        SummarySet::new(Detail::Advanced)
    };
    (of counter $metric:expr) => {
        Metric::Counter($metric)
    };
    (of counter_set $metric:expr) => {
        Metric::CounterSet($metric)
    };
    (of basic $metric:expr) => {
        Metric::Summary($metric)
    };
    (of advanced $metric:expr) => {
        Metric::Summary($metric)
    };
    (of basic_set $metric:expr) => {
        Metric::SummarySet($metric)
    };
    (of advanced_set $metric:expr) => {
        Metric::SummarySet($metric)
    };
}

macro_rules! server_metrics {
    ($($kind:ident $name:ident $about:literal)*) => {
        /// What the server counts beside its [`ServerStats`](crate::stats::ServerStats).
        #[derive(Debug)]
        pub struct ServerMetrics {
            $(#[doc = $about] pub $name: kind!(type $kind),)*
        }

        impl Default for ServerMetrics {
            fn default() -> Self {
                ServerMetrics { $($name: kind!(new $kind),)* }
            }
        }

        impl ServerMetrics {
            /// All of them, in Apache's order.
            pub fn families(&self) -> Vec<Family<'_>> {
                vec![$(Family {
                    name: stringify!($name),
                    about: $about,
                    metric: kind!(of $kind &self.$name),
                },)*]
            }
        }
    };
}

server_metrics! {
    // Disk.
    basic fsynctime "ms of each fsync of the txn log"
    basic snapshottime "ms of each snapshot to disk"
    counter snapshot_error_count "snapshots by the admin server that failed"
    counter snapshot_rate_limited_count "snapshots by the admin server that came too soon"
    basic restore_time "ms of each restore by the admin server"
    counter restore_error_count "restores by the admin server that failed"
    counter restore_rate_limited_count "restores by the admin server that came too soon"
    basic dbinittime "ms until the data was read at the start"
    basic startup_txns_loaded "txns read from the log at the start"
    basic startup_txns_load_time "ms of reading them"
    basic startup_snap_load_time "ms of reading the snapshot at the start"
    // Requests.
    advanced readlatency "ms from a read's arrival to its reply"
    advanced updatelatency "ms from a write's arrival to its reply"
    advanced propagation_latency "ms from the making of a txn, by the leader's clock, to its application, by this server's"
    basic_set write_per_namespace "bytes of path and data of each change, by the first name of the path"
    basic_set read_per_namespace "bytes of path, data or children, and stat of each read, by the first name of the path"
    counter_set quota_exceeded_error_per_namespace "writes that a hard quota refused, by the first name of the path"
    counter response_bytes "bytes of replies"
    counter watch_bytes "bytes of watch events"
    counter response_packet_cache_hits "stays 0: replies are not cached"
    counter response_packet_cache_misses "stays 0: replies are not cached"
    counter response_packet_get_children_cache_hits "stays 0: replies are not cached"
    counter response_packet_get_children_cache_misses "stays 0: replies are not cached"
    counter throttled_ops "requests that waited longer than zookeeper.throttled_op_wait_time"
    counter stale_requests "requests whose client had gone or whose time was over when they came out of the throttle"
    counter stale_requests_dropped "those of them that were dropped"
    counter stale_replies "stays 0: who is stale is not answered"
    advanced request_throttle_queue_time_ms "ms that requests waited for request_throttle_max_requests"
    counter request_throttle_wait_count "times that a request had to wait there"
    counter large_requests_rejected "requests that largeRequestMaxBytes refused"
    // Connections and sessions.
    counter connection_request_count "clients that asked for a session"
    basic connection_token_deficit "tokens that connection_throttle_tokens lacks, for each of them"
    counter connection_rejected "connections that a limit turned away"
    counter connection_drop_count "connections of clients that ended"
    counter connection_revalidate_count "clients that came again with a session"
    counter sessionless_connections_expired "connections that asked for no session in time"
    counter stale_sessions_expired "sessions that expired"
    counter bytes_received_count "bytes of frames and four-letter words that came"
    counter unrecoverable_error_count "errors that end the server"
    counter unsuccessful_handshake "TLS handshakes of clients that failed"
    counter tls_handshake_exceeded "TLS connections that were turned away because too many were in their handshake"
    counter cnxn_closed_without_zk_server_running "connections that came while no client is served"
    counter insecure_admin_count "requests without TLS to an admin server that has it"
    basic netty_queued_buffer_capacity "stays 0: there is no Netty"
    counter ensemble_auth_success "clients that named this ensemble"
    counter ensemble_auth_fail "clients that named another ensemble"
    counter ensemble_auth_skip "clients whose ensemble was not looked at"
    // Watches.
    basic node_created_watch_count "watchers told of each znode that was made, where there are any"
    basic node_deleted_watch_count "watchers told of each znode that was deleted, where there are any"
    basic node_changed_watch_count "watchers told of each change of data, where there are any"
    basic node_children_watch_count "watchers told of each change of children, where there are any"
    counter add_dead_watcher_stall_time "stays 0: watches go with their connection"
    counter dead_watchers_queued "stays 0: watches go with their connection"
    counter dead_watchers_cleared "stays 0: watches go with their connection"
    advanced dead_watchers_cleaner_latency "stays empty: watches go with their connection"
    // The way of a write.
    advanced prep_processor_queue_time_ms "ms from a write's arrival until its txn is made"
    basic prep_processor_queue_size "requests and other inputs that the replica's thread takes at once"
    counter prep_processor_request_queued "requests that the replica's thread was given"
    counter outstanding_changes_queued "txns that were made and wait to be applied"
    counter outstanding_changes_removed "those of them that were applied"
    basic prep_process_time "ms of making a txn"
    basic proposal_process_time "ms of handing a txn to disk and learners"
    advanced close_session_prep_time "ms of making the txn that ends a session"
    advanced sync_processor_queue_and_flush_time_ms "ms from a txn's way to the disk until it is durable"
    basic sync_processor_queue_size "txns that the disk's thread takes at once"
    counter sync_processor_request_queued "txns that the disk's thread was given"
    advanced sync_processor_queue_time_ms "ms that txns waited for the disk's thread"
    advanced sync_processor_queue_flush_time_ms "ms of each write and fsync of a batch"
    basic sync_process_time "ms of adding a batch of txns to the log, without the fsync"
    basic sync_processor_batch_size "txns of each fsync"
    // The order of replies, in an ensemble (CommitProcessor).
    basic requests_in_session_queue "requests of a session that wait, when the oldest of them is answered"
    basic pending_session_queue_size "clients' requests on their way, when txns were applied: their sessions are not counted apart"
    basic reads_after_write_in_session_queue "reads that waited behind a write, when it is answered"
    basic reads_issued_from_session_queue "reads that went on when txns were applied"
    basic session_queues_drained "sessions whose requests went on when txns were applied"
    basic time_waiting_empty_pool_in_commit_processor_read_ms "stays empty: reads do not wait for a thread"
    basic write_batch_time_in_commit_processor "ms of applying a batch of txns"
    basic concurrent_request_processing_in_commit_processor "requests in the pipeline when txns are applied"
    basic read_commit_proc_req_queued "reads of a connection that wait behind its writes, when one more has to"
    basic write_commit_proc_req_queued "writes that wait for their txn, when txns are applied"
    basic commit_commit_proc_req_queued "txns that are committed and not applied, when txns are applied"
    counter request_commit_queued "txns that were committed"
    basic read_commit_proc_issued "reads of one wake-up of a connection that were executed at once"
    basic write_commit_proc_issued "txns that are applied in a batch"
    advanced read_commitproc_time_ms "ms from a read's arrival until it is executed"
    advanced write_commitproc_time_ms "ms from a write's way into the pipeline until it is answered"
    advanced local_write_committed_time_ms "ms from the commit of a write of this server's client until it is answered"
    advanced server_write_committed_time_ms "ms from the commit of another server's write until it is applied"
    basic commit_process_time "ms of applying what was committed at once"
    advanced read_final_proc_time_ms "ms of executing a read"
    advanced write_final_proc_time_ms "ms of applying a txn"
    counter requests_not_forwarded_to_commit_processor "requests of learners, which are not answered here"
    // Elections and roles.
    basic follower_sync_time "ms from the election until a follower serves"
    basic observer_sync_time "ms from the election until an observer serves"
    basic election_time "ms of each election"
    counter looking_count "times that this server looked for a leader"
    basic unavailable_time "ms without service, at its end"
    basic leader_unavailable_time "ms without service, on who leads at its end"
    counter quit_leading_due_to_disloyal_voter "times that a leader gave up for a voter that changed its mind"
    // Leaders.
    counter diff_count "learners brought in sync with DIFF or TRUNC"
    counter snap_count "learners brought in sync with SNAP"
    basic inflight_snap_count "learners that get a snapshot, when one begins or has got it"
    basic inflight_diff_count "learners that get a DIFF, when one begins or has got it"
    counter proposal_count "proposals"
    counter commit_count "commits of proposals"
    advanced quorum_ack_latency "ms from a proposal until a quorum has it"
    advanced_set ack_latency "ms from a proposal to each server's ACK, by server; of those that leader.ackLoggingFrequency chooses"
    basic_set learner_handler_qp_size "packets that wait for a learner when one is queued, by server"
    advanced_set learner_handler_qp_time_ms "ms that packets wait for a learner, by server"
    counter revalidate_count "sessions that learners asked about"
    // Learners.
    counter learner_proposal_received_count "proposals that came"
    counter learner_commit_received_count "commits that came"
    advanced proposal_latency "ms from the making of a proposal, by the leader's clock, to its arrival, by this server's"
    advanced proposal_ack_creation_latency "ms from the making of a proposal, by the leader's clock, to its ACK, by this server's"
    advanced commit_propagation_latency "ms from the making of a proposal, by the leader's clock, to its commit's arrival, by this server's"
    basic learner_request_processor_queue_size "requests that wait for the leader, when one more is sent to it"
    counter skip_learner_request_to_next_processor_count "stays 0: a request is sent to the leader while its client is there"
    advanced om_proposal_process_time_ms "stays empty: there are no observer masters"
    advanced om_commit_process_time_ms "stays empty: there are no observer masters"
    basic socket_closing_time "stays empty: sockets between servers are closed without waiting"
    // The process.
    counter digest_mismatches_count "txns whose digest was another than the leader's"
    advanced jvm_pause_time_ms "stays empty: there is no JVM"
}

impl ServerMetrics {
    /// srst forgets all of it with the default provider; each key of a set stays (`DefaultMetricsContext.reset`).
    pub fn reset(&self) {
        self.families()
            .iter()
            .for_each(|family| family.metric.reset());
    }
}
