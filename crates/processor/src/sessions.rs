//! Sessions: their deadlines, in Apache's buckets (`SessionTrackerImpl`, `ExpiryQueue`).
//!
//! A deadline is the first multiple of the tick after now + timeout. Touching stores a number and
//! moves nothing; a session is looked at again when the bucket that it was put in is due.
//!
//! A session is global, which all servers know by its txn and the leader lets expire, or local: known to the server
//! that its client came to, and to no txn (`LocalSessionTracker`).

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

/// Through whom a session's requests come: this server's own clients, or one link of a learner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner(pub u64);

impl Owner {
    /// This server's own clients.
    pub const HERE: Owner = Owner(0);
}

/// What a server says of a session that it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// A server on its own: it has never been (`SessionTrackerImpl`).
    #[default]
    NeverWas,
    /// A leader: it has ended (`LeaderSessionTracker`).
    HasEnded,
    /// A leader where sessions can be local: one with this server's number has ended, any other may be local to
    /// another server (`LeaderSessionTracker.checkSession`).
    MayBeLocal {
        /// The number.
        server_id: i64,
    },
}

impl Unknown {
    fn verdict(self, id: SessionId) -> Result<(), ErrorCode> {
        match self {
            Unknown::NeverWas => Err(ErrorCode::UNKNOWN_SESSION),
            Unknown::MayBeLocal { server_id } if id.0 >> 56 != server_id => Ok(()),
            Unknown::HasEnded | Unknown::MayBeLocal { .. } => Err(ErrorCode::SESSION_EXPIRED),
        }
    }
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
    /// By its client, since the table was last asked.
    touched: AtomicBool,
}

impl SessionHandle {
    /// The client is heard of: puts the deadline off; false if the session is closing or gone.
    pub fn touch(&self, now_ms: i64, timeout_ms: i32) -> bool {
        let alive = self.put_off(now_ms, timeout_ms);
        if alive {
            self.shared.touched.store(true, Ordering::Release);
        }
        alive
    }

    fn put_off(&self, now_ms: i64, timeout_ms: i32) -> bool {
        if self.shared.closing.load(Ordering::Acquire) {
            return false;
        }
        let deadline = bucket_after(now_ms + i64::from(timeout_ms), self.tick_ms);
        self.shared.deadline_ms.store(deadline, Ordering::Release);
        true
    }

    /// When the session expires, as far as its client was heard of here; monotonic ms.
    pub fn deadline_ms(&self) -> i64 {
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
    timeout_ms: i32,
    /// Whoever asks first; a connect changes it.
    owner: Option<Owner>,
    is_local: bool,
}

impl Entry {
    fn is_closing(&self) -> bool {
        self.handle.shared.closing.load(Ordering::Acquire)
    }

    fn check(&mut self, owner: Owner) -> Result<(), ErrorCode> {
        if self.is_closing() {
            return Err(ErrorCode::SESSION_EXPIRED);
        }
        match *self.owner.get_or_insert(owner) == owner {
            true => Ok(()),
            false => Err(ErrorCode::SESSION_MOVED),
        }
    }
}

/// All sessions of a server.
#[derive(Debug)]
pub struct SessionTable {
    sessions: HashMap<SessionId, Entry>,
    buckets: BTreeMap<i64, Vec<SessionId>>,
    tick_ms: i64,
    next_id: SessionId,
    unknown: Unknown,
    /// Global sessions expire here.
    expires: bool,
    local_count: usize,
}

impl SessionTable {
    /// `first_id` as [`initial_session_id`] makes it; `tick_ms` is tickTime.
    pub fn new(first_id: SessionId, tick_ms: i64) -> Self {
        SessionTable {
            sessions: HashMap::new(),
            buckets: BTreeMap::new(),
            tick_ms,
            next_id: first_id,
            unknown: Unknown::default(),
            expires: true,
            local_count: 0,
        }
    }

    /// The table of a server that says this of unknown sessions.
    pub fn saying(self, unknown: Unknown) -> Self {
        SessionTable { unknown, ..self }
    }

    /// The table of a learner: its leader says when a global session is over.
    pub fn of_learner(self) -> Self {
        SessionTable {
            buckets: BTreeMap::new(),
            expires: false,
            ..self
        }
    }

    /// A new session, whose client is here, with an id that nobody has.
    pub fn create(&mut self, timeout_ms: i32, now_ms: i64) -> SessionId {
        while self.sessions.contains_key(&self.next_id) {
            self.next_id.0 += 1;
        }
        let id = self.next_id;
        self.next_id.0 += 1;
        let handle = self.track(id, timeout_ms, now_ms);
        handle.touch(now_ms, timeout_ms);
        id
    }

    /// As [`SessionTable::create`]; it is local, and expires here.
    pub fn create_local(&mut self, timeout_ms: i32, now_ms: i64) -> SessionId {
        let id = self.create(timeout_ms, now_ms);
        if let Some(entry) = self.sessions.get_mut(&id) {
            entry.is_local = true;
            self.local_count += 1;
        }
        self.place(id);
        id
    }

    /// Makes a local session global, for the txn that will tell all servers of it; its timeout in ms. `None` where it
    /// is not local.
    pub fn upgrade(&mut self, id: SessionId) -> Option<i32> {
        let entry = self.sessions.get_mut(&id).filter(|entry| entry.is_local)?;
        entry.is_local = false;
        self.local_count -= 1;
        Some(entry.timeout_ms)
    }

    /// Whether the session is local.
    pub fn is_local(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(|entry| entry.is_local)
    }

    /// How many are local.
    pub fn local_len(&self) -> usize {
        self.local_count
    }

    /// Keeps a session that is known, or knows it from now on, with a full timeout. It is global.
    pub fn track(&mut self, id: SessionId, timeout_ms: i32, now_ms: i64) -> SessionHandle {
        self.upgrade(id);
        let new = || Entry {
            handle: SessionHandle {
                shared: Arc::default(),
                tick_ms: self.tick_ms,
            },
            bucket_ms: i64::MAX,
            timeout_ms,
            owner: None,
            is_local: false,
        };
        let entry = self.sessions.entry(id).or_insert_with(new);
        entry.timeout_ms = timeout_ms;
        let handle = entry.handle.clone();
        handle.put_off(now_ms, timeout_ms);
        self.place(id);
        handle
    }

    /// A connection takes the session over: touches it; none if it is closing or gone.
    pub fn reopen(&mut self, id: SessionId, timeout_ms: i32, now_ms: i64) -> Option<SessionHandle> {
        let entry = self.sessions.get_mut(&id)?;
        let handle = entry.handle.clone();
        if !handle.touch(now_ms, timeout_ms) {
            return None;
        }
        entry.timeout_ms = timeout_ms;
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
        if (self.expires || entry.is_local) && deadline_ms < entry.bucket_ms {
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
        self.upgrade(id);
        self.sessions.remove(&id);
    }

    /// May the session do something, and here? It is the owner's who asks first (`SessionTrackerImpl.checkSession`).
    ///
    /// # Errors
    /// UNKNOWN_SESSION or SESSION_EXPIRED as [`Unknown`] says; SESSION_EXPIRED while it is closing; SESSION_MOVED where
    /// another owner has it.
    pub fn check(&mut self, id: SessionId, owner: Owner) -> Result<(), ErrorCode> {
        match self.sessions.get_mut(&id) {
            Some(entry) => entry.check(owner),
            None => self.unknown.verdict(id),
        }
    }

    /// May the session own an ephemeral znode? As [`SessionTable::check`], but it must be global
    /// (`LeaderSessionTracker.checkGlobalSession`).
    ///
    /// # Errors
    /// EPHEMERAL_ON_LOCAL_SESSION where it is local to this server; SESSION_EXPIRED where it is not known.
    pub fn check_global(&mut self, id: SessionId, owner: Owner) -> Result<(), ErrorCode> {
        match self.sessions.get_mut(&id) {
            Some(entry) if entry.is_local => Err(ErrorCode::EPHEMERAL_ON_LOCAL_SESSION),
            Some(entry) => entry.check(owner),
            None => Err(ErrorCode::SESSION_EXPIRED),
        }
    }

    /// Whether the session is known and not closing.
    pub fn is_alive(&self, id: SessionId) -> bool {
        self.sessions
            .get(&id)
            .is_some_and(|entry| !entry.is_closing())
    }

    /// The session's requests come through this owner from now on: its client has connected there.
    pub fn set_owner(&mut self, id: SessionId, owner: Owner) {
        if let Some(entry) = self.sessions.get_mut(&id) {
            entry.owner = Some(owner);
        }
    }

    /// The global sessions whose clients were heard of here since this was last asked, and their timeouts in ms: what a
    /// learner tells its leader.
    pub fn take_touched(&mut self) -> Vec<(SessionId, i32)> {
        let touched = |entry: &Entry| {
            !entry.is_local && entry.handle.shared.touched.swap(false, Ordering::AcqRel)
        };
        let sessions = self.sessions.iter().filter(|(_, entry)| touched(entry));
        sessions
            .map(|(id, entry)| (*id, entry.timeout_ms))
            .collect()
    }

    /// The sessions by the times at which they expire if nothing is heard of them, the next ones first: the local ones, or
    /// the others.
    pub fn by_deadline(&self, local: bool) -> BTreeMap<i64, Vec<SessionId>> {
        let mut buckets: BTreeMap<i64, Vec<SessionId>> = BTreeMap::new();
        let wanted = self
            .sessions
            .iter()
            .filter(|(_, entry)| entry.is_local == local);
        for (&id, entry) in wanted {
            let deadline_ms = entry.handle.deadline_ms();
            buckets.entry(deadline_ms).or_default().push(id);
        }
        buckets
    }

    /// How many there are, local ones among them.
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
        let is_stale = entry.bucket_ms != bucket_ms;
        let expires = self.expires || entry.is_local;
        if is_stale || !expires || entry.is_closing() {
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
        assert_eq!(
            table.check(ID, Owner::HERE),
            Err(ErrorCode::SESSION_EXPIRED)
        );
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
    fn sessions_are_listed_by_when_they_expire_also_those_that_were_touched() {
        let mut table = table();
        let handle = table.track(ID, 3000, 0);
        table.track(SessionId(8), 1000, 0);
        table.track(SessionId(9), 1000, 0);
        let mut listed = table.by_deadline(false);
        listed.values_mut().for_each(|sessions| sessions.sort());
        let early = vec![SessionId(8), SessionId(9)];
        assert_eq!(listed, [(2000, early), (4000, vec![ID])].into());
        handle.touch(2500, 3000);
        assert_eq!(table.by_deadline(false).get(&6000), Some(&vec![ID]));
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
    fn a_session_is_of_whoever_asks_first_until_it_connects_elsewhere() {
        let mut table = table();
        table.track(ID, 3000, 0);
        assert_eq!(table.check(ID, Owner(1)), Ok(()));
        assert_eq!(table.check(ID, Owner(2)), Err(ErrorCode::SESSION_MOVED));
        table.set_owner(ID, Owner(2));
        assert_eq!(table.check(ID, Owner(2)), Ok(()));
        assert_eq!(table.check(ID, Owner(1)), Err(ErrorCode::SESSION_MOVED));
    }

    #[test]
    fn touched_sessions_are_told_once_with_their_newest_timeout() {
        let mut table = table();
        let handle = table.track(ID, 3000, 0);
        table.track(SessionId(8), 9000, 0);
        assert_eq!(table.take_touched(), [], "their clients are elsewhere");
        handle.touch(10, 3000);
        assert_eq!(table.take_touched(), [(ID, 3000)]);
        assert_eq!(table.take_touched(), []);
        table.reopen(ID, 5000, 20);
        assert_eq!(table.take_touched(), [(ID, 5000)]);
    }

    #[test]
    fn a_learner_lets_no_session_expire_and_keeps_nothing_for_it() {
        let mut table = table();
        table.track(ID, 3000, 0);
        let mut table = table.of_learner();
        for id in 8..100 {
            table.track(SessionId(id), 3000, 0);
        }
        assert_eq!(
            (table.next_deadline_ms(), table.expire(9000)),
            (None, vec![])
        );
        assert!(table.buckets.is_empty() && table.is_alive(ID));
    }

    #[test]
    fn a_local_session_expires_at_a_learner_which_tells_nobody_of_it() {
        let mut table = table().of_learner();
        let id = table.create_local(3000, 0);
        assert_eq!((table.local_len(), table.take_touched()), (1, vec![]));
        assert_eq!(table.expire(4000), [id]);
        table.remove(id);
        assert_eq!(table.local_len(), 0);
    }

    #[test]
    fn a_session_that_became_global_does_not_expire_at_a_learner_and_is_told_of() {
        let mut table = table().of_learner();
        let id = table.create_local(3000, 0);
        assert_eq!(table.upgrade(id), Some(3000));
        assert_eq!(table.upgrade(id), None);
        assert_eq!(table.expire(9000), []);
        assert_eq!(table.take_touched(), [(id, 3000)]);
        assert_eq!((table.is_local(id), table.local_len()), (false, 0));
    }

    #[test]
    fn the_txn_of_a_local_session_makes_it_global() {
        let mut table = table();
        let id = table.create_local(3000, 0);
        assert_eq!(
            table.check_global(id, Owner::HERE),
            Err(ErrorCode::EPHEMERAL_ON_LOCAL_SESSION)
        );
        assert_eq!(table.check(id, Owner::HERE), Ok(()));
        table.track(id, 3000, 0);
        assert_eq!(table.check_global(id, Owner::HERE), Ok(()));
        assert_eq!(table.local_len(), 0);
    }

    #[test]
    fn a_leader_takes_an_unknown_session_for_one_that_is_local_elsewhere_unless_it_is_its_own() {
        let mut table = table().saying(Unknown::MayBeLocal { server_id: 3 });
        let (own, other) = (SessionId(3 << 56), SessionId(2 << 56));
        assert_eq!(table.check(own, Owner(9)), Err(ErrorCode::SESSION_EXPIRED));
        assert_eq!(table.check(other, Owner(9)), Ok(()));
        assert_eq!(
            table.check_global(other, Owner(9)),
            Err(ErrorCode::SESSION_EXPIRED)
        );
    }

    #[test]
    fn a_session_that_ended_is_unknown() {
        let mut table = table();
        let handle = table.track(ID, 3000, 0);
        table.remove(ID);
        assert_eq!(
            table.check(ID, Owner::HERE),
            Err(ErrorCode::UNKNOWN_SESSION)
        );
        let mut table = table.saying(Unknown::HasEnded);
        assert_eq!(
            table.check(ID, Owner::HERE),
            Err(ErrorCode::SESSION_EXPIRED)
        );
        assert!(!handle.touch(0, 3000));
        assert_eq!(table.expire(i64::MAX - 1), []);
    }
}
