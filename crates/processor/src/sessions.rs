//! Sessions: their deadlines, in Apache's buckets (`SessionTrackerImpl`, `ExpiryQueue`).
//!
//! A deadline is the first multiple of the tick after now + timeout. Touching stores a number and
//! moves nothing; a session is looked at again when the bucket that it was put in is due.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use proto::{ErrorCode, SessionId};

/// The first id that a server gives: milliseconds in the middle, the server's id in the top byte
/// (`SessionTrackerImpl.initializeNextSessionId`).
pub fn initial_session_id(server_id: i64, now_ms: i64) -> SessionId {
    let id = ((now_ms << 24) as u64 >> 8) as i64 | server_id << 56;
    // Long.MIN_VALUE is the owner of containers.
    SessionId(if id == i64::MIN { id + 1 } else { id })
}

/// One session's deadline, for the connection that touches it.
#[derive(Clone, Debug)]
pub struct SessionHandle {
    shared: Arc<Shared>,
    tick_ms: i64,
}

#[derive(Debug, Default)]
struct Shared {
    deadline_ms: AtomicI64,
    closing: AtomicBool,
}

impl SessionHandle {
    /// Puts the deadline off; false if the session is closing or gone.
    pub fn touch(&self, now_ms: i64, timeout_ms: i32) -> bool {
        if self.shared.closing.load(Ordering::Acquire) {
            return false;
        }
        let deadline = bucket_after(now_ms + i64::from(timeout_ms), self.tick_ms);
        self.shared.deadline_ms.store(deadline, Ordering::Release);
        true
    }

    fn deadline_ms(&self) -> i64 {
        self.shared.deadline_ms.load(Ordering::Acquire)
    }
}

fn bucket_after(time_ms: i64, tick_ms: i64) -> i64 {
    (time_ms / tick_ms + 1) * tick_ms
}

#[derive(Debug)]
struct Entry {
    handle: SessionHandle,
    /// The bucket that will look at the session next; entries for it in others are stale.
    bucket_ms: i64,
}

/// All sessions of a server.
#[derive(Debug)]
pub struct SessionTable {
    sessions: HashMap<SessionId, Entry>,
    buckets: BTreeMap<i64, Vec<SessionId>>,
    tick_ms: i64,
    next_id: SessionId,
}

impl SessionTable {
    /// `first_id` as [`initial_session_id`] makes it; `tick_ms` is tickTime.
    pub fn new(first_id: SessionId, tick_ms: i64) -> Self {
        SessionTable {
            sessions: HashMap::new(),
            buckets: BTreeMap::new(),
            tick_ms,
            next_id: first_id,
        }
    }

    /// A new session with an id that nobody has.
    pub fn create(&mut self, timeout_ms: i32, now_ms: i64) -> SessionId {
        while self.sessions.contains_key(&self.next_id) {
            self.next_id.0 += 1;
        }
        let id = self.next_id;
        self.next_id.0 += 1;
        self.track(id, timeout_ms, now_ms);
        id
    }

    /// Keeps a session that is known, or knows it from now on, with a full timeout.
    pub fn track(&mut self, id: SessionId, timeout_ms: i32, now_ms: i64) -> SessionHandle {
        let new = || Entry {
            handle: SessionHandle {
                shared: Arc::default(),
                tick_ms: self.tick_ms,
            },
            bucket_ms: i64::MAX,
        };
        let handle = self.sessions.entry(id).or_insert_with(new).handle.clone();
        handle.touch(now_ms, timeout_ms);
        self.place(id);
        handle
    }

    /// A connection takes the session over: touches it; none if it is closing or gone.
    pub fn reopen(&mut self, id: SessionId, timeout_ms: i32, now_ms: i64) -> Option<SessionHandle> {
        let handle = self.sessions.get(&id)?.handle.clone();
        if !handle.touch(now_ms, timeout_ms) {
            return None;
        }
        // Its timeout may have become shorter: it may be due before the bucket that it is in.
        self.place(id);
        Some(handle)
    }

    /// Sees to it that a bucket no later than the deadline looks at the session.
    fn place(&mut self, id: SessionId) {
        let Some(entry) = self.sessions.get_mut(&id) else {
            return;
        };
        let deadline_ms = entry.handle.deadline_ms();
        if deadline_ms < entry.bucket_ms {
            entry.bucket_ms = deadline_ms;
            self.buckets.entry(deadline_ms).or_default().push(id);
        }
    }

    /// From now on the session's requests are refused.
    pub fn set_closing(&mut self, id: SessionId) {
        if let Some(Entry { handle, .. }) = self.sessions.get(&id) {
            handle.shared.closing.store(true, Ordering::Release);
        }
    }

    /// Forgets a session whose end is committed.
    pub fn remove(&mut self, id: SessionId) {
        self.set_closing(id);
        self.sessions.remove(&id);
    }

    /// May the session do something? (`SessionTrackerImpl.checkSession`)
    pub fn check(&self, id: SessionId) -> Result<(), ErrorCode> {
        let entry = self.sessions.get(&id).ok_or(ErrorCode::UNKNOWN_SESSION)?;
        let closing = entry.handle.shared.closing.load(Ordering::Acquire);
        if closing {
            Err(ErrorCode::SESSION_EXPIRED)
        } else {
            Ok(())
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// None at all?
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// When [`SessionTable::expire`] has something to look at, if ever.
    pub fn next_deadline_ms(&self) -> Option<i64> {
        self.buckets.keys().next().copied()
    }

    /// The sessions whose deadline has come; they are closing from now on.
    pub fn expire(&mut self, now_ms: i64) -> Vec<SessionId> {
        let mut expired = Vec::new();
        while let Some(bucket) = self
            .buckets
            .first_entry()
            .filter(|bucket| *bucket.key() <= now_ms)
        {
            let (bucket_ms, ids) = bucket.remove_entry();
            expired.extend(
                ids.into_iter()
                    .filter(|&id| self.is_due(id, bucket_ms, now_ms)),
            );
        }
        for &id in &expired {
            self.set_closing(id);
        }
        expired
    }

    /// Is the session over? If it was touched, it goes to a later bucket.
    fn is_due(&mut self, id: SessionId, bucket_ms: i64, now_ms: i64) -> bool {
        let Some(entry) = self.sessions.get_mut(&id) else {
            return false;
        };
        let stale = entry.bucket_ms != bucket_ms;
        if stale || entry.handle.shared.closing.load(Ordering::Acquire) {
            return false;
        }
        if entry.handle.deadline_ms() <= now_ms {
            return true;
        }
        entry.bucket_ms = i64::MAX;
        self.place(id);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionId = SessionId(7);

    fn table() -> SessionTable {
        SessionTable::new(initial_session_id(1, 5), 1000)
    }

    #[test]
    fn ids_hold_the_server_and_the_time() {
        assert_eq!(
            initial_session_id(1, 0x0001_0203_0405),
            SessionId(0x0101_0203_0405_0000)
        );
        let mut table = table();
        let first = table.create(3000, 0);
        assert_eq!(table.create(3000, 0).0, first.0 + 1);
    }

    #[test]
    fn an_id_that_is_taken_is_not_given_again() {
        let mut table = table();
        let first = initial_session_id(1, 5);
        table.track(first, 3000, 0);
        assert_eq!(table.create(3000, 0).0, first.0 + 1);
    }

    #[test]
    fn a_session_expires_at_the_tick_after_its_timeout() {
        let mut table = table();
        table.track(ID, 3000, 500);
        assert_eq!(table.expire(3999), []);
        assert_eq!(table.expire(4000), [ID]);
        assert_eq!(table.expire(9000), [], "only once");
        assert_eq!(table.check(ID), Err(ErrorCode::SESSION_EXPIRED));
    }

    #[test]
    fn a_touch_puts_the_deadline_off() {
        let mut table = table();
        let handle = table.track(ID, 3000, 0);
        assert!(handle.touch(3500, 3000));
        assert_eq!(table.expire(4000), []);
        assert_eq!(table.next_deadline_ms(), Some(7000));
        assert_eq!(table.expire(7000), [ID]);
        assert!(!handle.touch(7000, 3000));
    }

    #[test]
    fn a_shorter_timeout_counts_at_once() {
        let mut table = table();
        table.track(ID, 30_000, 0);
        table.reopen(ID, 2000, 0).unwrap();
        assert_eq!(table.expire(3000), [ID]);
        assert!(table.reopen(ID, 2000, 3000).is_none());
    }

    #[test]
    fn a_session_that_ended_is_unknown() {
        let mut table = table();
        let handle = table.track(ID, 3000, 0);
        table.remove(ID);
        assert_eq!(table.check(ID), Err(ErrorCode::UNKNOWN_SESSION));
        assert!(!handle.touch(0, 3000));
        assert_eq!(table.expire(i64::MAX - 1), []);
    }
}
