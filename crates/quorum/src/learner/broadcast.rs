//! A learner in sync: it logs, acknowledges and applies what its leader sends.
//!
//! Apache: `Follower.processPacket`, `Observer.processPacket`, `FollowerZooKeeperServer`.

use std::collections::VecDeque;

use bytes::Bytes;
use proto::Zxid;

use super::synchronisation::follows;
use crate::disk::Ticket;
use crate::packet::{LearnerKind, ToLeader, ToLearner};
use crate::queue::pop_front_if;
use crate::state::Context;
use crate::violation::Violation;
use crate::{LinkId, Output};

/// A proposal on its way to the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logging {
    pub zxid: Zxid,
    pub ticket: Ticket,
}

#[derive(Debug)]
pub(super) struct Broadcast {
    /// Not acknowledged yet.
    logging: VecDeque<Logging>,
}

impl Broadcast {
    pub fn new(logging: VecDeque<Logging>) -> Self {
        Broadcast { logging }
    }

    pub fn packet(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        packet: ToLearner,
    ) -> Result<(), Violation> {
        match packet {
            ToLearner::Proposal { zxid, record } => self.log(cx, zxid, record),
            ToLearner::Inform { zxid, record } => {
                self.log(cx, zxid, record)?;
                commit(cx, zxid)
            }
            ToLearner::Commit(zxid) => commit(cx, zxid),
            ToLearner::Ping(zxid) => {
                cx.emit(Output::Pong(link, zxid));
                Ok(())
            }
            ToLearner::Revalidate { session, valid } => {
                cx.emit(Output::Revalidated { session, valid });
                Ok(())
            }
            ToLearner::Sync => {
                cx.emit(Output::SyncDone);
                Ok(())
            }
            packet => Err(Violation::OutOfOrder {
                packet: packet.name(),
                when: "after UPTODATE",
            }),
        }
    }

    fn log(&mut self, cx: &mut Context<'_>, zxid: Zxid, record: Bytes) -> Result<(), Violation> {
        let last = cx.state.history.last_logged();
        if !follows(zxid, last) {
            return Err(Violation::Gap { got: zxid, last });
        }
        let ticket = cx.log(zxid, record);
        if cx.settings().kind == LearnerKind::Follower {
            self.logging.push_back(Logging { zxid, ticket });
        }
        Ok(())
    }

    /// Acknowledges what is on disk, each txn for itself: a leader of Apache's counts them one by one.
    pub fn durable(&mut self, cx: &mut Context<'_>, link: LinkId) {
        let is_durable = |cx: &Context<'_>, ticket| cx.state.tickets.is_durable(ticket);
        while let Some(txn) = pop_front_if(&mut self.logging, |txn| is_durable(cx, txn.ticket)) {
            cx.tell_leader(link, ToLeader::Ack(txn.zxid));
        }
    }
}

/// A commit out of order means that one of the two has lost count: the process ends, as Apache's does. Where nothing is
/// pending the txn was never sent on this link, and a new link brings it.
fn commit(cx: &mut Context<'_>, zxid: Zxid) -> Result<(), Violation> {
    let expected = cx.state.history.oldest_pending();
    if expected != Some(zxid) {
        if expected.is_some() {
            cx.emit(Output::UnmatchedCommit(zxid));
        }
        return Err(Violation::Commit {
            got: zxid,
            expected,
        });
    }
    cx.apply(zxid);
    Ok(())
}
