//! A client's writes and syncs, on their way in.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::{Bytes, BytesMut};
use processor::{Identities, Owner, Prepared, Requester, WriteRequest};
use proto::records::DeleteContainerRequest;
use proto::{Encode, ErrorCode, OpCode, SessionId};
use quorum::packet::Forwarded;

use super::Replica;
use super::duty::Duty;
use super::pipeline::{InFlight, Origin, Work};
use crate::clock;
use crate::connection::{Connection, Held};
use crate::stats::ServerStats;

/// A request that takes a zxid, or a sync.
#[derive(Debug)]
pub struct Submission {
    /// Who is answered.
    pub connection: Arc<Connection>,
    /// Whose it is.
    pub session: SessionId,
    /// What is asked.
    pub request: Held,
}

impl Replica {
    /// A request enters, unless too many are in progress (`RequestThrottler`).
    pub(super) fn request(&mut self, submission: Submission) {
        if !self.duty.is_for(&submission.connection) {
            return self.drop_submission(&submission);
        }
        self.measure_queued();
        if self.is_throttled() || !self.stalled.is_empty() {
            self.server.metrics.request_throttle_wait_count.add(1);
            return self.stalled.push_back(submission);
        }
        self.process(submission, 0);
    }

    fn is_throttled(&self) -> bool {
        let most = self.server.config.request_throttle.max_requests as usize;
        most > 0 && self.in_flight.len() >= most
    }

    /// Lets in what was held back, as far as there is room.
    pub(super) fn resume_stalled(&mut self) {
        while !self.is_throttled()
            && let Some(submission) = self.stalled.pop_front()
        {
            let metrics = &self.server.metrics;
            let waited_ms = clock::monotonic_ms() - submission.request.received_ms;
            if self.is_stale(&submission) {
                metrics.stale_requests.add(1);
                metrics.stale_requests_dropped.add(1);
                self.drop_submission(&submission);
            } else if !self.duty.is_for(&submission.connection) {
                self.drop_submission(&submission);
            } else {
                self.process(submission, waited_ms);
            }
        }
    }

    /// Has nobody an interest in the answer any more? (`Request.isStale`)
    fn is_stale(&self, submission: &Submission) -> bool {
        let settings = &self.server.config.request_throttle;
        let Submission {
            connection,
            request,
            ..
        } = submission;
        let age_ms = clock::monotonic_ms() - request.received_ms;
        let timeout_ms = connection
            .session
            .get()
            .map_or(0, |bound| bound.timeout_ms.into());
        let gone = settings.stale_connection_check && connection.is_closed();
        let late = settings.stale_latency_check && age_ms > timeout_ms;
        settings.drop_stale && (gone || late)
    }

    /// The connection ends: a later reply would take the place of this one.
    pub(super) fn drop_submission(&self, submission: &Submission) {
        self.drop_request(&submission.connection, &submission.request);
    }

    /// As [`Replica::drop_submission`].
    pub(super) fn drop_request(&self, connection: &Connection, request: &Held) {
        self.server.stats.in_process.fetch_sub(1, Relaxed);
        self.server.throttles.release_large(request.frame_bytes());
        connection.close_now();
    }

    /// `waited_ms` is how long it was held back.
    fn process(&mut self, submission: Submission, waited_ms: i64) {
        let Submission {
            connection,
            session,
            request,
        } = submission;
        self.measure_request(request.received_ms, waited_ms);
        let work = self.begin(session, &request);
        let origin = Origin::Request {
            connection,
            request,
        };
        self.enter(InFlight { work, origin });
    }

    fn begin(&mut self, session: SessionId, request: &Held) -> Work {
        let throttlable = !matches!(request.op, OpCode::CLOSE_SESSION | OpCode::CREATE_SESSION);
        if throttlable && self.server.throttles.waited_too_long(request.received_ms) {
            self.server.metrics.throttled_ops.add(1);
            return Work::Refused(ErrorCode::THROTTLED_OP);
        }
        if self.is_without_room(request.op) {
            return Work::Refused(ErrorCode::SYSTEM_ERROR);
        }
        if let Some(err) = self.eager_refusal(request) {
            return Work::RefusedEagerly(err);
        }
        if request.op == OpCode::CLOSE_SESSION && self.processor.sessions.is_local(session) {
            self.processor.sessions.set_closing(session);
            return Work::EndLocalSession;
        }
        match self.duty {
            Duty::Learns { .. } => self.forward_request(session, request),
            _ if request.op == OpCode::SYNC => self.sync_work(session),
            _ => {
                self.upgrade_for(session, request);
                let who = Requester {
                    session,
                    cxid: request.xid,
                    owner: Owner::HERE,
                    identities: &request.identities,
                };
                let prepared = self.prepare(&WriteRequest {
                    who,
                    op: request.op,
                    body: &request.body,
                });
                self.propose(prepared)
            }
        }
    }

    /// Counted where it is.
    pub(super) fn is_without_room(&self, op: OpCode) -> bool {
        let is_refused = self.server.guards.refuse(op);
        if is_refused {
            ServerStats::count(&self.server.stats.refused_writes);
        }
        is_refused
    }

    /// What is not even ordered, where the operator wants that (`enableEagerACLCheck`).
    fn eager_refusal(&self, request: &Held) -> Option<ErrorCode> {
        let ensemble = self.server.config.ensemble.as_ref();
        ensemble.filter(|ensemble| ensemble.eager_acl_check)?;
        let asked = (request.op, &request.body[..]);
        let tree = self.server.tree.read();
        self.processor
            .eager_refusal(&tree, asked, &request.identities)
    }

    fn sync_work(&mut self, session: SessionId) -> Work {
        match self.processor.sessions.check(session, Owner::HERE) {
            Ok(()) => Work::Sync(self.processor.last_zxid()),
            Err(err) => Work::Refused(err),
        }
    }

    /// What the leader cannot read would get no answer from it.
    fn forward_request(&mut self, session: SessionId, request: &Held) -> Work {
        let is_sync = request.op == OpCode::SYNC;
        if !is_sync && self.processor.is_malformed(request.op, &request.body) {
            return Work::Refused(ErrorCode::MARSHALLING_ERROR);
        }
        let refusal = self.upgrade_for(session, request);
        self.forward(Forwarded {
            session,
            cxid: request.xid,
            op: request.op,
            body: request.body.clone(),
            identities: request.identities.ids().to_vec(),
        });
        match is_sync {
            true => Work::ForwardedSync,
            false => Work::Forwarded {
                session,
                cxid: request.xid,
                refusal,
            },
        }
    }

    pub(super) fn forward(&mut self, request: Forwarded) {
        let waiting = self.in_flight.len() as u64;
        let metrics = &self.server.metrics;
        metrics.learner_request_processor_queue_size.add(waiting);
        self.drive(quorum::Input::Forward(request));
    }

    pub(super) fn prepare(&mut self, write: &WriteRequest<'_>) -> Prepared {
        let tree = self.server.tree.read();
        let prepared = self.processor.prepare(&tree, write, clock::wall_ms());
        drop(tree);
        self.measure_prepared(write.op == OpCode::CLOSE_SESSION);
        let refusals = self.processor.take_quota_refusals();
        for (namespace, count) in refusals {
            let refused = &self.server.metrics.quota_exceeded_error_per_namespace;
            refused.add(&namespace, count);
        }
        prepared
    }

    /// Hands a txn to the role. Where it has just ended, so have its clients' connections.
    pub(super) fn propose(&mut self, prepared: Prepared) -> Work {
        match prepared {
            Prepared::Refused(err) => Work::Refused(err),
            Prepared::Txn { zxid, record } => {
                if matches!(self.duty, Duty::Leads { .. }) {
                    self.server.standing.lock().proposed(record.len());
                }
                if self.duty.makes_txns() {
                    self.drive(quorum::Input::Propose { zxid, record });
                    self.measure_proposed();
                }
                Work::Txn(zxid)
            }
        }
    }

    /// Only who makes txns reaps.
    pub(super) fn reap(&mut self, path: &str) {
        if !self.duty.makes_txns() {
            return;
        }
        let body = encoded(&DeleteContainerRequest {
            path: Some(path.into()),
        });
        let who = Requester {
            session: SessionId::NONE,
            cxid: 0,
            owner: Owner::HERE,
            identities: &Identities::default(),
        };
        let prepared = self.prepare(&WriteRequest {
            who,
            op: OpCode::DELETE_CONTAINER,
            body: &body,
        });
        self.propose(prepared);
    }
}

/// The bytes of a record.
pub(super) fn encoded(record: &impl Encode) -> Bytes {
    let mut bytes = BytesMut::new();
    record.encode(&mut bytes);
    bytes.freeze()
}
