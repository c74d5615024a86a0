//! A learner and its leader agree on the epoch. Apache: `Learner.registerWithLeader`.

use proto::{Epoch, Zxid};

use crate::LinkId;
use crate::packet::{Hello, ToLeader, ToLearner};
use crate::state::Context;
use crate::violation::Violation;

#[derive(Debug)]
pub(super) enum Discovery {
    /// FOLLOWERINFO or OBSERVERINFO was sent.
    Hello,
    /// The leader's epoch is on its way to the disk; ACKEPOCH will carry this epoch of the history.
    Accepting {
        epoch: Epoch,
        current_epoch: Option<Epoch>,
    },
    /// ACKEPOCH was sent.
    Acked { epoch: Epoch },
}

impl Discovery {
    pub fn begin(cx: &mut Context<'_>, link: LinkId) -> Self {
        let hello = ToLeader::Hello(Hello {
            kind: cx.settings().kind,
            accepted_epoch: cx.state.accepted_epoch,
            sid: cx.settings().me,
            config_version: cx.settings().config_version,
        });
        cx.tell_leader(link, hello);
        Discovery::Hello
    }

    /// Returns the epoch when the packet belongs to the next phase.
    pub fn packet(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        packet: &ToLearner,
    ) -> Result<Option<Epoch>, Violation> {
        match (&self, packet) {
            (Discovery::Hello, ToLearner::LeaderInfo(epoch)) => {
                self.leader_info(cx, *epoch)?;
                self.durable(cx, link);
                Ok(None)
            }
            (Discovery::Acked { epoch }, _) => Ok(Some(*epoch)),
            _ => Err(Violation::OutOfOrder {
                packet: packet.name(),
                when: "before LEADERINFO was answered",
            }),
        }
    }

    fn leader_info(&mut self, cx: &mut Context<'_>, epoch: Epoch) -> Result<(), Violation> {
        let accepted = cx.state.accepted_epoch;
        if epoch < accepted {
            return Err(Violation::OldEpoch {
                offered: epoch,
                accepted,
            });
        }
        let is_new = epoch > accepted;
        if is_new {
            cx.accept_epoch(epoch);
        }
        *self = Discovery::Accepting {
            epoch,
            current_epoch: is_new.then_some(cx.state.current_epoch),
        };
        Ok(())
    }

    /// No promise leaves before it is on disk.
    pub fn durable(&mut self, cx: &mut Context<'_>, link: LinkId) {
        let &mut Discovery::Accepting {
            epoch,
            current_epoch,
        } = self
        else {
            return;
        };
        if !cx.state.has_promised() {
            return;
        }
        let last_logged = match cx.state.needs_snapshot {
            true => Zxid::ZERO,
            false => cx.state.history.last_logged(),
        };
        *self = Discovery::Acked { epoch };
        let ack = ToLeader::AckEpoch {
            last_logged,
            current_epoch,
        };
        cx.tell_leader(link, ack);
    }
}
