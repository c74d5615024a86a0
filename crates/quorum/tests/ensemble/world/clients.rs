//! What clients ask.

use bytes::Bytes;
use proto::{OpCode, SessionId};
use quorum::Input;
use quorum::election::PeerState;
use quorum::packet::Forwarded;
use rand::Rng;

use super::{Event, World};
use crate::model::net::Who;

impl World {
    /// Every server takes a write.
    pub fn write_everywhere(&mut self) {
        for sid in self.sids() {
            let who = (sid, self.nodes[&sid].incarnation);
            self.write(who);
        }
    }

    pub(super) fn client(&mut self) {
        if self.calm {
            return;
        }
        let wait = self.delay(40);
        self.after(wait, Event::Client);
        let serving: Vec<Who> = self
            .nodes
            .iter()
            .filter(|(_, node)| {
                node.process
                    .as_ref()
                    .is_some_and(|process| process.serving.is_some())
            })
            .map(|(sid, node)| (*sid, node.incarnation))
            .collect();
        if serving.is_empty() {
            return;
        }
        let who = serving[self.rng.random_range(0..serving.len())];
        for _ in 0..self.rng.random_range(1..6) {
            self.write(who);
        }
    }

    pub(super) fn write(&mut self, who: Who) {
        self.written += 1;
        let record = Bytes::copy_from_slice(&self.written.to_be_bytes());
        let Some(process) = &mut self.node(who.0).process else {
            return;
        };
        let Some((state, _)) = process.serving else {
            return;
        };
        process.waiting.insert(record.clone());
        let input = if state == PeerState::Leading {
            let zxid = process.next_zxid();
            Input::Propose { zxid, record }
        } else {
            Input::Forward(Forwarded {
                session: SessionId(who.0.0),
                cxid: 1,
                op: OpCode::SET_DATA,
                body: record,
                identities: Vec::new(),
            })
        };
        self.input(who, input);
    }
}
