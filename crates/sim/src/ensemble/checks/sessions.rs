//! Who was heard when: no session expires that its leader has heard of in time.

use std::collections::BTreeMap;

use proto::SessionId;

use crate::ensemble::frame::Who;

/// Clocks are up to a tenth fast, and show whole milliseconds.
const LEAST_OF_A_HUNDRED: u64 = 88;

/// What each server has heard.
#[derive(Debug, Default)]
pub struct Sessions {
    /// At a learner, since it has last answered a PING.
    heard: BTreeMap<Who, BTreeMap<SessionId, i32>>,
    /// At a leader: when last, and each session's timeout.
    reached: BTreeMap<(Who, SessionId), (u64, i32)>,
}

impl Sessions {
    /// A client was heard at a learner.
    pub fn heard(&mut self, who: Who, session: SessionId, timeout_ms: i32) {
        self.heard
            .entry(who)
            .or_default()
            .insert(session, timeout_ms);
    }

    /// A learner tells its leader of sessions: of all that it has heard since it did so last, but for those that have ended.
    pub fn told(
        &mut self,
        who: Who,
        sessions: &[(SessionId, i32)],
        has_ended: impl Fn(SessionId) -> bool,
    ) {
        for (session, _) in self.heard.remove(&who).into_iter().flatten() {
            let is_told = sessions.iter().any(|(told, _)| *told == session);
            assert!(
                is_told || has_ended(session),
                "{who:?} has heard of {session}, and does not tell its leader"
            );
        }
    }

    /// A server's clients are gone.
    pub fn stopped(&mut self, who: Who) {
        self.heard.remove(&who);
    }

    /// A leader hears of sessions.
    pub fn reached(&mut self, leader: Who, sessions: &[(SessionId, i32)], now_ms: u64) {
        for (session, timeout_ms) in sessions {
            self.reached
                .insert((leader, *session), (now_ms, *timeout_ms));
        }
    }

    /// A leader begins to close a session.
    pub fn expired(&self, leader: Who, session: SessionId, now_ms: u64) {
        let (reached_ms, timeout_ms) = self.reached[&(leader, session)];
        let silent_ms = now_ms - reached_ms;
        assert!(
            silent_ms * 100 >= u64::from(timeout_ms.unsigned_abs()) * LEAST_OF_A_HUNDRED,
            "{session} expires, of which {leader:?} heard {silent_ms} ms ago; its timeout is {timeout_ms} ms"
        );
    }
}
