//! Which ephemeral znodes a session has, in the order in which they came.
//!
//! The order is of use to the closeSession txn alone: Apache lists a `HashSet` there, in which
//! what falls into one bucket stays in this order.

use std::collections::{BTreeMap, HashMap};

use proto::SessionId;

use crate::arena::Slot;

#[derive(Debug, Default)]
struct OfSession {
    /// By number of arrival.
    slots: BTreeMap<u64, Slot>,
    most: usize,
}

/// The ephemeral znodes of all sessions.
#[derive(Debug, Default)]
pub(crate) struct Ephemerals {
    sessions: BTreeMap<SessionId, OfSession>,
    arrivals: HashMap<Slot, u64>,
    next: u64,
}

impl Ephemerals {
    pub fn insert(&mut self, session: SessionId, slot: Slot) {
        let of_session = self.sessions.entry(session).or_default();
        of_session.slots.insert(self.next, slot);
        of_session.most = of_session.most.max(of_session.slots.len());
        self.arrivals.insert(slot, self.next);
        self.next += 1;
    }

    pub fn remove(&mut self, session: SessionId, slot: Slot) {
        let Some(arrival) = self.arrivals.remove(&slot) else {
            return;
        };
        if let Some(of_session) = self.sessions.get_mut(&session) {
            of_session.slots.remove(&arrival);
            if of_session.slots.is_empty() {
                self.sessions.remove(&session);
            }
        }
    }

    /// All sessions' together.
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }

    /// In the order of arrival.
    pub fn of(&self, session: SessionId) -> impl Iterator<Item = Slot> + '_ {
        let of_session = self.sessions.get(&session).into_iter();
        of_session.flat_map(|of_session| of_session.slots.values().copied())
    }

    /// The most that the session has had at a time, since it had none.
    pub fn most(&self, session: SessionId) -> usize {
        self.sessions
            .get(&session)
            .map_or(0, |of_session| of_session.most)
    }

    /// Sessions that have some, ascending.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.sessions.keys().copied()
    }
}
