//! A learner takes over its leader's history, from DIFF, TRUNC or SNAP to UPTODATE.
//!
//! All that comes goes to the disk at once, in its order; so when `currentEpoch` is durable, everything in front of NEWLEADER
//! is (ZOOKEEPER-3911, 4643, 4646, 4785). Nothing is applied before UPTODATE (ZOOKEEPER-2845), and no proposal is
//! acknowledged before it: a leader of Apache's takes the first ACK for NEWLEADER's (ZOOKEEPER-4685).
//! Apache: `Learner.syncWithLeader`.

use std::collections::VecDeque;

use proto::{Epoch, Zxid};

use super::broadcast::{Broadcast, Logging};
use crate::disk::{DiskOp, Ticket};
use crate::leave::Leave;
use crate::packet::{ToLeader, ToLearner};
use crate::state::Context;
use crate::violation::Violation;
use crate::{LinkId, Output};

#[derive(Debug)]
enum Step {
    /// DIFF, TRUNC or SNAP is next.
    Operation,
    /// The stream of a snapshot of this zxid.
    Snapshot(Zxid),
    /// The log is cut below the tree, and the tree read again; what comes meanwhile waits.
    Cutting {
        to: Zxid,
        ticket: Ticket,
        waiting: VecDeque<ToLearner>,
        link_is_down: bool,
    },
    /// Txns.
    History,
    /// NEWLEADER came: `currentEpoch` is on its way to the disk.
    NewLeader(Ticket),
    /// NEWLEADER is acknowledged.
    Acked,
}

#[derive(Debug)]
pub(super) struct Synchronisation {
    epoch: Epoch,
    step: Step,
    /// All up to this txn is the leader's history.
    committed: Zxid,
    /// The leader may send what a snapshot has as well: it was taken a moment later than the txns were queued.
    had_snapshot: bool,
    logging: VecDeque<Logging>,
}

impl Synchronisation {
    pub fn begin(cx: &Context<'_>, epoch: Epoch) -> Self {
        Synchronisation {
            epoch,
            step: Step::Operation,
            committed: cx.state.history.last_logged(),
            had_snapshot: false,
            logging: VecDeque::new(),
        }
    }

    pub fn has_acked(&self) -> bool {
        matches!(self.step, Step::Acked)
    }

    pub fn is_cutting(&self, cut: Ticket) -> bool {
        matches!(self.step, Step::Cutting { ticket, .. } if ticket == cut)
    }

    /// Whether the disk has to say first what became of the log; the link's end is then remembered.
    pub fn wait_for_cut(&mut self) -> bool {
        match &mut self.step {
            Step::Cutting { link_is_down, .. } => {
                *link_is_down = true;
                true
            }
            _ => false,
        }
    }

    /// DIFF, TRUNC or SNAP.
    pub fn operation(&mut self, cx: &mut Context<'_>, packet: ToLearner) -> Result<(), Violation> {
        match packet {
            ToLearner::Snap(zxid) => self.step = Step::Snapshot(zxid),
            ToLearner::Diff(_) | ToLearner::Trunc(_) if cx.state.needs_snapshot => {
                return Err(Violation::NoSnapshot(packet.name()));
            }
            ToLearner::Diff(_) => self.step = Step::History,
            ToLearner::Trunc(to) => return self.cut(cx, to),
            other => {
                return Err(Violation::OutOfOrder {
                    packet: other.name(),
                    when: "where DIFF, TRUNC or SNAP is due",
                });
            }
        }
        Ok(())
    }

    /// A cut of the tail leaves the tree alone. One below the tree's zxid, after a start only, may be refused by the disk.
    fn cut(&mut self, cx: &mut Context<'_>, to: Zxid) -> Result<(), Violation> {
        let ticket = cx.disk(DiskOp::Truncate(to));
        if cx.state.history.is_cut_of_tail(to) {
            self.step = Step::History;
            cx.state.history.cut_tail(to);
            return self.ends_with(cx.state.history.last_logged(), to);
        }
        self.step = Step::Cutting {
            to,
            ticket,
            waiting: VecDeque::new(),
            link_is_down: false,
        };
        Ok(())
    }

    /// A log that was cut ends where the leader would have it, unless it never had that txn. The beginning of an epoch is no
    /// txn: in front of it is all that the epoch's first txn stood on.
    fn ends_with(&mut self, last: Zxid, to: Zxid) -> Result<(), Violation> {
        self.committed = last;
        let is_beginning = to.is_beginning() && last < to;
        match last == to || is_beginning {
            true => Ok(()),
            false => Err(Violation::Cut { to, last }),
        }
    }

    pub fn snapshot_received(&mut self, cx: &mut Context<'_>) -> Result<(), Violation> {
        let Step::Snapshot(zxid) = self.step else {
            return Err(Violation::OutOfOrder {
                packet: "a snapshot",
                when: "without SNAP",
            });
        };
        cx.install_snapshot(zxid);
        self.committed = zxid;
        self.had_snapshot = true;
        self.step = Step::History;
        Ok(())
    }

    /// Returns the next phase at UPTODATE.
    pub fn packet(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        packet: ToLearner,
    ) -> Result<Option<Broadcast>, Violation> {
        if let Step::Cutting { waiting, .. } = &mut self.step {
            waiting.push_back(packet);
            return Ok(None);
        }
        match (&self.step, packet) {
            (_, ToLearner::Ping(_)) => Ok(()), // an answer would be taken for the ACK that is due
            (Step::Operation, packet) => self.operation(cx, packet),
            (Step::History, ToLearner::NewLeader { epoch, .. }) => self.new_leader(cx, epoch),
            (Step::Acked, ToLearner::UpToDate) => return Ok(Some(self.up_to_date(cx, link))),
            (
                Step::History | Step::NewLeader(_) | Step::Acked,
                ToLearner::Proposal { zxid, record },
            ) => self.log(cx, zxid, record),
            (
                Step::History | Step::NewLeader(_) | Step::Acked,
                ToLearner::Inform { zxid, record },
            ) => {
                self.log(cx, zxid, record)?;
                self.commit(cx, zxid)
            }
            (Step::History | Step::NewLeader(_) | Step::Acked, ToLearner::Commit(zxid)) => {
                self.commit(cx, zxid)
            }
            (_, packet) => Err(Violation::OutOfOrder {
                packet: packet.name(),
                when: "while this learner was brought in sync",
            }),
        }?;
        Ok(None)
    }

    fn log(
        &mut self,
        cx: &mut Context<'_>,
        zxid: Zxid,
        record: bytes::Bytes,
    ) -> Result<(), Violation> {
        let last = cx.state.history.last_logged();
        if self.had_snapshot && zxid <= last {
            return Ok(());
        }
        if !follows(zxid, last) {
            return Err(Violation::Gap { got: zxid, last });
        }
        let ticket = cx.log(zxid, record);
        self.logging.push_back(Logging { zxid, ticket });
        Ok(())
    }

    /// The commit is remembered: it is carried out at UPTODATE.
    fn commit(&mut self, cx: &Context<'_>, zxid: Zxid) -> Result<(), Violation> {
        if self.had_snapshot && zxid <= self.committed {
            return Ok(());
        }
        let expected = cx.state.history.next_in_tail(self.committed);
        if expected != Some(zxid) {
            return Err(Violation::Commit {
                got: zxid,
                expected,
            });
        }
        self.committed = zxid;
        Ok(())
    }

    fn new_leader(&mut self, cx: &mut Context<'_>, epoch: Epoch) -> Result<(), Violation> {
        if epoch != self.epoch {
            return Err(Violation::OtherEpoch {
                got: epoch,
                expected: self.epoch,
            });
        }
        self.step = Step::NewLeader(cx.enter_epoch(epoch));
        Ok(())
    }

    pub fn durable(&mut self, cx: &mut Context<'_>, link: LinkId) {
        match &self.step {
            Step::NewLeader(ticket) if cx.state.tickets.is_durable(*ticket) => {
                self.step = Step::Acked;
                cx.tell_leader(link, ToLeader::Ack(Zxid::beginning_of(self.epoch)));
            }
            Step::Cutting { to, ticket, .. } if cx.state.tickets.is_durable(*ticket) => {
                cx.emit(Output::Reload(*to));
            }
            _ => {}
        }
    }

    /// The tree was read again: what came meanwhile has its turn.
    ///
    /// # Errors
    ///
    /// [`Leave`], where the link went down while the log was cut, and for what came meanwhile.
    pub fn reloaded(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        last: Zxid,
    ) -> Result<(), Leave> {
        let Step::Cutting {
            to,
            waiting,
            link_is_down,
            ..
        } = std::mem::replace(&mut self.step, Step::History)
        else {
            panic!("nobody asked for the tree to be read again");
        };
        cx.state.history.reloaded(last);
        if link_is_down {
            return Err(Leave::LinkDown);
        }
        self.ends_with(last, to).map_err(Leave::Leader)?;
        for packet in waiting {
            let next = self.packet(cx, link, packet).map_err(Leave::Leader)?;
            assert!(next.is_none(), "NEWLEADER waits for the disk");
        }
        Ok(())
    }

    /// The history is committed: it goes into the tree, clients may come. What is not committed yet is acknowledged as it
    /// becomes durable.
    fn up_to_date(&mut self, cx: &mut Context<'_>, link: LinkId) -> Broadcast {
        cx.tell_leader(link, ToLeader::Ack(Zxid::beginning_of(self.epoch)));
        cx.apply(self.committed);
        let mut logging = std::mem::take(&mut self.logging);
        logging.retain(|txn| txn.zxid > self.committed);
        let mut broadcast = Broadcast::new(logging);
        cx.emit(Output::Serve(cx.settings().learner_state(), self.epoch));
        broadcast.durable(cx, link);
        broadcast
    }
}

/// Whether nothing is missing between two txns: the next one, or the first of a later epoch (`Learner.enforceContinuousProposal`,
/// which lets any txn of a later epoch pass).
pub(super) fn follows(zxid: Zxid, last: Zxid) -> bool {
    zxid == last.next() || (zxid.epoch() > last.epoch() && zxid.counter() == 1)
}
