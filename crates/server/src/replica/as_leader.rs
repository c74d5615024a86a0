//! What learners ask of their leader, and what it sends them beside packets.

use persistence::{LogRangeOptions, RealDir, log_range_limit, read_log_range};
use processor::{Identities, Owner, Prepared, Requester, WriteRequest};
use proto::{ErrorCode, Input as Bits, OpCode, SessionId, Zxid};
use quorum::packet::Forwarded;
use quorum::{LinkId, LogOnDisk, Txn};

use super::{Input, Replica};
use crate::clock;
use crate::limits;
use crate::shared::Shared;

/// A link made anew is another owner: what came on the old one is refused with SESSION_MOVED.
fn owner(link: LinkId) -> Owner {
    Owner(link.0)
}

impl Replica {
    /// A learner's client wants a write, or a sync. The learner knows the answer by the txn.
    pub(super) fn request_of_learner(&mut self, link: LinkId, request: Forwarded) {
        let metrics = &self.server.metrics;
        metrics.requests_not_forwarded_to_commit_processor.add(1);
        if request.op == OpCode::SYNC {
            return self.drive(quorum::Input::Sync(link));
        }
        let identities = Identities::of_forwarded(request.identities);
        let who = Requester {
            session: request.session,
            cxid: request.cxid,
            owner: owner(link),
            identities: &identities,
        };
        let prepared = match request.op {
            OpCode::CREATE_SESSION => self.begin_session_of_learner(who, &request.body),
            op if self.is_without_room(op) => Prepared::Refused(ErrorCode::SYSTEM_ERROR),
            op => self.prepare(&WriteRequest {
                who,
                op,
                body: &request.body,
            }),
        };
        let prepared = match prepared {
            Prepared::Refused(err) => {
                let time = clock::wall_ms();
                self.processor.prepare_refusal(who, err, time)
            }
            txn => txn,
        };
        self.propose(prepared);
    }

    fn begin_session_of_learner(&mut self, who: Requester<'_>, body: &[u8]) -> Prepared {
        let Ok(timeout_ms) = Bits::new(body).read::<i32>() else {
            return Prepared::Refused(ErrorCode::MARSHALLING_ERROR);
        };
        let sessions = &mut self.processor.sessions;
        sessions.track(who.session, timeout_ms, clock::monotonic_ms());
        sessions.set_owner(who.session, who.owner);
        let tree = self.server.tree.read();
        self.processor.prepare_create_session(
            &tree,
            (who.session, who.cxid),
            timeout_ms,
            clock::wall_ms(),
        )
    }

    /// A client has come to a learner with its session (`Leader.learnerHandler`, `LearnerHandler.revalidateSession`).
    pub(super) fn revalidate(&mut self, link: LinkId, session: SessionId, timeout_ms: i32) {
        self.server.metrics.revalidate_count.add(1);
        let sessions = &mut self.processor.sessions;
        let now_ms = clock::monotonic_ms();
        // One that is local to this server is nobody else's (`LeaderZooKeeperServer.checkIfValidGlobalSession`).
        let valid =
            !sessions.is_local(session) && sessions.reopen(session, timeout_ms, now_ms).is_some();
        if valid {
            sessions.set_owner(session, owner(link));
            // Its client has left this server.
            if let Some(connection) = self.by_session.remove(&session) {
                connection.close_now();
            }
        }
        self.drive(quorum::Input::Revalidated {
            link,
            session,
            valid,
        });
    }

    /// Sessions that a learner has heard of.
    pub(super) fn touched(&mut self, sessions: &[(SessionId, i32)]) {
        let now_ms = clock::monotonic_ms();
        for (session, timeout_ms) in sessions {
            self.processor
                .sessions
                .reopen(*session, *timeout_ms, now_ms);
        }
    }

    /// The role hears that the tree can be sent, for one learner after the other.
    pub(super) fn offer_snapshots(&mut self) {
        while let Some(link) = self.snapshots.take_next() {
            self.drive(quorum::Input::SnapshotReady(link));
        }
    }

    pub(super) fn stream_snapshot(&mut self, link: LinkId, zxid: Zxid) {
        let sockets = self.sockets.as_ref().expect("a member");
        let Some(source) = sockets.stream(link) else {
            return; // the link is gone
        };
        self.snapshots.send(zxid, link, source);
    }

    /// On a thread of its own: the log may be long.
    pub(super) fn read_log(&self, link: LinkId, after: Zxid, up_to: Zxid) {
        let (server, directories) = (self.server.clone(), self.snapshots.directories());
        let read = move || {
            let log = log_between(
                &server,
                &directories.snapshots,
                &directories.logs,
                (after, up_to),
            );
            server.replica.push(Input::LogRead(link, log));
        };
        let thread = std::thread::Builder::new().name("log reader".to_owned());
        if let Err(error) = thread.spawn(read) {
            tracing::error!("cannot read the log for a learner: {error}");
            self.server
                .replica
                .push(Input::LogRead(link, LogOnDisk::Useless));
        }
    }
}

/// What the log on disk has between two txns, if it is short next to a snapshot.
fn log_between(
    server: &Shared,
    snapshots: &RealDir,
    logs: &RealDir,
    (after, up_to): (Zxid, Zxid),
) -> LogOnDisk {
    let factor = server
        .config
        .ensemble
        .as_ref()
        .map_or(-1.0, |ensemble| ensemble.snapshot_size_factor);
    let range = log_range_limit(snapshots, factor).and_then(|limit| {
        let Some(max_bytes) = limit else {
            return Ok(None);
        };
        let options = LogRangeOptions {
            after,
            up_to,
            max_bytes: max_bytes.min(limits::MAX_LOG_RANGE_BYTES),
            max_record_bytes: server.config.max_field_bytes(),
        };
        read_log_range(snapshots, logs, &options)
    });
    match range {
        Ok(Some(range)) => LogOnDisk::Txns {
            base: range.base,
            txns: range
                .records
                .into_iter()
                .map(|(zxid, record)| Txn { zxid, record })
                .collect(),
        },
        Ok(None) => LogOnDisk::Useless,
        Err(error) => {
            tracing::warn!("{error}; the learner gets a snapshot");
            LogOnDisk::Useless
        }
    }
}
