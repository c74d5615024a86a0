//! A follower's or observer's role, from its leader's election to the loss of the link (`Learner`, `Follower`, `Observer`).
//!
//! [`discovery`] accepts the leader's epoch, [`synchronisation`] takes over its history, [`broadcast`] logs and applies what
//! is new. Owns the link to the leader. Must not know what a request or a txn says.

mod broadcast;
mod discovery;
mod synchronisation;

use proto::{Sid, Zxid};

use crate::disk::Ticket;
use crate::leave::Leave;
use crate::packet::{Forwarded, ToLeader, ToLearner};
use crate::state::Context;
use crate::violation::Violation;
use crate::{LinkId, Output};
use broadcast::Broadcast;
use discovery::Discovery;
use synchronisation::Synchronisation;

#[derive(Debug)]
enum Phase {
    Connecting,
    Discovery(Discovery),
    Synchronisation(Synchronisation),
    Broadcast(Broadcast),
}

#[derive(Debug)]
pub(crate) struct Learning {
    link: Option<LinkId>,
    phase: Phase,
    /// The leader has to be heard by then.
    heard_by_ms: u64,
    /// When it is connected to, until then.
    connects_at: Option<(u64, Sid)>,
}

impl Learning {
    /// Goes to the leader.
    pub fn new(cx: &mut Context<'_>, leader: Sid) -> Self {
        let most_ms = cx.settings().waits.before_connecting_ms;
        let at_ms = cx.settings().observer_time(cx.now_ms, most_ms);
        let mut learning = Learning {
            link: None,
            phase: Phase::Connecting,
            heard_by_ms: u64::MAX, // how often it is tried to connect is not this role's
            connects_at: Some((at_ms, leader)),
        };
        learning.connect(cx);
        learning
    }

    pub fn deadline(&self) -> u64 {
        self.connects_at
            .map_or(self.heard_by_ms, |(at_ms, _)| at_ms)
    }

    fn connect(&mut self, cx: &mut Context<'_>) {
        if let Some((_, leader)) = self.connects_at.take_if(|(at_ms, _)| *at_ms <= cx.now_ms) {
            cx.emit(Output::Connect(leader));
        }
    }

    pub fn is_serving(&self) -> bool {
        matches!(self.phase, Phase::Broadcast(_))
    }

    pub fn link(&self) -> Option<LinkId> {
        self.link
    }

    pub fn connected(&mut self, cx: &mut Context<'_>, link: LinkId) {
        self.link = Some(link);
        self.heard_by_ms = cx.now_ms + cx.settings().init_limit_ms();
        self.phase = Phase::Discovery(Discovery::begin(cx, link));
    }

    /// # Errors
    ///
    /// [`Leave::LinkDown`], unless another link is meant, or the disk has to say first what became of the log.
    pub fn link_down(&mut self, link: LinkId) -> Result<(), Leave> {
        match self.link == Some(link) && !self.waits_for_cut() {
            true => Err(Leave::LinkDown),
            false => Ok(()),
        }
    }

    /// # Errors
    ///
    /// [`Leave::Leader`] when the leader was silent.
    pub fn timeout(&mut self, cx: &mut Context<'_>) -> Result<(), Leave> {
        self.connect(cx);
        if cx.now_ms < self.heard_by_ms {
            return Ok(());
        }
        self.heard_by_ms = u64::MAX;
        let limit_ms = limit_ms(&self.phase, cx);
        match self.waits_for_cut() {
            true => Ok(()),
            false => Err(Leave::Leader(Violation::Silent(limit_ms))),
        }
    }

    /// Whether the disk has to say first what became of the log; that the link has ended is remembered.
    fn waits_for_cut(&mut self) -> bool {
        match &mut self.phase {
            Phase::Synchronisation(sync) => sync.wait_for_cut(),
            _ => false,
        }
    }

    /// # Errors
    ///
    /// [`Leave`] when the learner must look for a leader again.
    pub fn packet(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        packet: ToLearner,
    ) -> Result<(), Leave> {
        if self.link != Some(link) {
            return Ok(()); // of a link that was left
        }
        self.heard_by_ms = cx.now_ms + limit_ms(&self.phase, cx);
        self.take(cx, link, packet).map_err(Leave::Leader)
    }

    fn take(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        packet: ToLearner,
    ) -> Result<(), Violation> {
        match &mut self.phase {
            Phase::Connecting => Ok(()),
            Phase::Discovery(discovery) => {
                if let Some(epoch) = discovery.packet(cx, link, &packet)? {
                    let mut sync = Synchronisation::begin(cx, epoch);
                    sync.operation(cx, packet)?;
                    self.phase = Phase::Synchronisation(sync);
                }
                Ok(())
            }
            Phase::Synchronisation(sync) => {
                if let Some(broadcast) = sync.packet(cx, link, packet)? {
                    self.phase = Phase::Broadcast(broadcast);
                }
                Ok(())
            }
            Phase::Broadcast(broadcast) => broadcast.packet(cx, link, packet),
        }
    }

    /// Some more of the stream behind SNAP has come: the leader is not silent.
    pub fn progressed(&mut self, cx: &Context<'_>, link: LinkId) {
        if self.link == Some(link) {
            self.heard_by_ms = cx.now_ms + limit_ms(&self.phase, cx);
        }
    }

    /// The stream behind SNAP is whole.
    ///
    /// # Errors
    ///
    /// [`Leave::Leader`] where none is due.
    pub fn snapshot_received(&mut self, cx: &mut Context<'_>, link: LinkId) -> Result<(), Leave> {
        if self.link == Some(link) && self.waits_for_cut() {
            return Ok(()); // it came too early, and ends the role when the disk has said so
        }
        match &mut self.phase {
            _ if self.link != Some(link) => Ok(()),
            Phase::Synchronisation(sync) => sync.snapshot_received(cx).map_err(Leave::Leader),
            _ => Err(Leave::Leader(Violation::OutOfOrder {
                packet: "a snapshot",
                when: "without SNAP",
            })),
        }
    }

    pub fn durable(&mut self, cx: &mut Context<'_>) {
        let Some(link) = self.link else {
            return;
        };
        match &mut self.phase {
            Phase::Connecting => {}
            Phase::Discovery(discovery) => discovery.durable(cx, link),
            Phase::Synchronisation(sync) => sync.durable(cx, link),
            Phase::Broadcast(broadcast) => broadcast.durable(cx, link),
        }
    }

    /// The tree was read again from the log that was cut, and has this zxid.
    ///
    /// # Errors
    ///
    /// [`Leave`] where the link went down meanwhile, and for what came.
    pub fn reloaded(&mut self, cx: &mut Context<'_>, last: Zxid) -> Result<(), Leave> {
        match (&mut self.phase, self.link) {
            (Phase::Synchronisation(sync), Some(link)) => sync.reloaded(cx, link, last),
            _ => panic!("nobody asked for the tree to be read again"),
        }
    }

    /// The disk has refused to cut the log: nothing was changed there.
    pub fn cut_refused(&mut self, cx: &mut Context<'_>, ticket: Ticket) -> Result<(), Leave> {
        match &self.phase {
            Phase::Synchronisation(sync) if sync.is_cutting(ticket) => {
                cx.state.needs_snapshot = true;
                Err(Leave::CannotTruncate)
            }
            _ => panic!("operation {ticket} is no cut that could be refused"),
        }
    }

    /// A write or a sync of a client: the leader's to order.
    pub fn forward(&self, cx: &mut Context<'_>, request: Forwarded) {
        self.ask(cx, ToLeader::Request(request));
    }

    /// Asks the leader something, if it serves: else the client has lost its connection anyhow.
    pub fn ask(&self, cx: &mut Context<'_>, packet: ToLeader) {
        if let (true, Some(link)) = (self.is_serving(), self.link) {
            cx.tell_leader(link, packet);
        }
    }
}

/// initLimit until NEWLEADER is acknowledged, then syncLimit.
fn limit_ms(phase: &Phase, cx: &Context<'_>) -> u64 {
    match phase {
        Phase::Broadcast(_) => cx.settings().sync_limit_ms(),
        Phase::Synchronisation(sync) if sync.has_acked() => cx.settings().sync_limit_ms(),
        _ => cx.settings().init_limit_ms(),
    }
}
