//! What is committed, in order, and what follows from it: the tree at each zxid, and who changed it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bytes::Bytes;
use datatree::{Change, DataTree};
use proto::records::Stat;
use proto::txn::TxnRecord;
use proto::{Epoch, ErrorCode, EventType, OpCode, SessionId, Sid, Zxid};

use super::Answered;
use crate::Contents;
use crate::server::tree_options;

/// A znode at some zxid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub stat: Stat,
    pub data: Vec<u8>,
}

/// A committed txn.
#[derive(Debug)]
struct Committed {
    zxid: Zxid,
    session: SessionId,
    cxid: i32,
    /// What its client is told; OK for a multi, whose parts have results of their own.
    err: ErrorCode,
    /// Of the tree behind it.
    digest: i64,
}

/// What is committed.
pub struct History {
    /// Every txn that a leader made; no zxid is used twice.
    proposed: BTreeMap<Zxid, Bytes>,
    /// The last txn in front of an epoch.
    beginnings: BTreeMap<Epoch, Zxid>,
    leaders: BTreeMap<Epoch, Sid>,
    committed: Vec<Committed>,
    tree: DataTree,
    /// What each path was, from each zxid on that changed it.
    versions: HashMap<String, Vec<(Zxid, Option<Seen>)>>,
    /// What watches of each path would have heard.
    changes: HashMap<String, Vec<(Zxid, EventType)>>,
    /// The last request of each session that changed something.
    last_cxids: HashMap<SessionId, i32>,
    /// Sessions that a leader began to close.
    ending: BTreeSet<SessionId>,
    /// In which epoch a session began.
    begun: BTreeMap<SessionId, Epoch>,
    ended: BTreeSet<SessionId>,
}

impl Default for History {
    fn default() -> Self {
        let mut history = History {
            proposed: BTreeMap::new(),
            beginnings: [(Epoch(0), Zxid::ZERO)].into(),
            leaders: BTreeMap::new(),
            committed: Vec::new(),
            tree: DataTree::new(tree_options()),
            versions: HashMap::new(),
            changes: HashMap::new(),
            last_cxids: HashMap::new(),
            ending: BTreeSet::new(),
            begun: BTreeMap::new(),
            ended: BTreeSet::new(),
        };
        history.keep_version("/", Zxid::ZERO);
        history
    }
}

impl History {
    /// A leader made a txn.
    pub fn proposed(&mut self, zxid: Zxid, record: Bytes) {
        let header = TxnRecord::decode(&record)
            .expect("a leader's own record")
            .header;
        if header.r#type == OpCode::CLOSE_SESSION {
            self.ending.insert(header.client_id);
        }
        if header.r#type == OpCode::CREATE_SESSION {
            self.begun.insert(header.client_id, zxid.epoch());
        }
        let other = self.proposed.insert(zxid, record);
        assert!(other.is_none(), "{zxid} is proposed twice");
    }

    /// A quorum has promised this epoch to a leader, whose history ends here: no other leader has such a quorum.
    pub fn begins(&mut self, epoch: Epoch, leader: Sid, last: Zxid) {
        let other = self.beginnings.insert(epoch, self.last_txn(last));
        assert!(
            other.is_none(),
            "{leader:?} is a second leader with a quorum's promises of {epoch:?}"
        );
    }

    /// A server serves, its tree being of this zxid: that is a beginning of the history. A leader's holds all of earlier epochs,
    /// and what it has beyond is committed from now on; a later epoch may have begun, of which it has not heard.
    pub fn serves(&mut self, sid: Sid, leads: bool, epoch: Epoch, last: Zxid, digest: i64) {
        let last = self.last_txn(last);
        if leads {
            let other = self.leaders.insert(epoch, sid);
            assert!(
                other.is_none(),
                "{sid:?} is a second leader that serves in {epoch:?}"
            );
            let behind = self
                .committed
                .partition_point(|txn| txn.zxid < Zxid::beginning_of(epoch));
            let committed = behind
                .checked_sub(1)
                .map_or(Zxid::ZERO, |at| self.committed[at].zxid);
            assert!(
                last >= committed,
                "{sid:?} leads with {last}, but {committed} is committed"
            );
        }
        self.commit(sid, last);
        self.has_digest(sid, last, digest);
    }

    /// A server has put a txn into its tree.
    pub fn applied(&mut self, sid: Sid, zxid: Zxid, record: &Bytes, digest: i64) {
        let proposed = self.proposed.get(&zxid);
        assert!(
            proposed == Some(record),
            "{sid:?} applies another {zxid} than was proposed"
        );
        self.commit(sid, zxid);
        self.has_digest(sid, zxid, digest);
    }

    fn has_digest(&self, sid: Sid, zxid: Zxid, digest: i64) {
        let expected = self.find(zxid).map_or(0, |txn| txn.digest);
        let is_empty = zxid == Zxid::ZERO;
        assert!(
            is_empty || digest == expected,
            "{sid:?} has another tree at {zxid}"
        );
    }

    fn find(&self, zxid: Zxid) -> Option<&Committed> {
        let at = self.committed.binary_search_by_key(&zxid, |txn| txn.zxid);
        Some(&self.committed[at.ok()?])
    }

    fn last_committed(&self) -> Zxid {
        self.committed.last().map_or(Zxid::ZERO, |txn| txn.zxid)
    }

    /// The beginning of an epoch is no txn: in front of it is the last one of its leader's history.
    fn last_txn(&self, zxid: Zxid) -> Zxid {
        match zxid.is_beginning() {
            true => self.beginnings[&zxid.epoch()],
            false => zxid,
        }
    }

    /// The txn in front of one.
    fn previous(&self, zxid: Zxid) -> Zxid {
        self.last_txn(Zxid(zxid.0 - 1))
    }

    /// All up to this txn is committed: it is in the history, or goes on from its end.
    fn commit(&mut self, sid: Sid, zxid: Zxid) {
        let last = self.last_committed();
        let mut new = Vec::new();
        let mut at = zxid;
        while at > last {
            new.push(at);
            at = self.previous(at);
        }
        let is_known = at == Zxid::ZERO || self.find(at).is_some();
        let goes_on = new.is_empty() || at == last;
        assert!(
            is_known && goes_on,
            "{sid:?} has {zxid}, whose history has {at} where {last} is committed"
        );
        new.into_iter().rev().for_each(|zxid| self.push(zxid));
    }

    fn push(&mut self, zxid: Zxid) {
        let record = self.proposed.get(&zxid).cloned();
        let record = record.unwrap_or_else(|| panic!("{zxid} was never proposed"));
        let record = TxnRecord::decode(&record).expect("a leader's own record");
        let mut changed = Vec::new();
        let result = self
            .tree
            .apply(&record, &mut |change| note_change(change, &mut changed));
        let (err, parts_fail) = match result.op {
            OpCode::MULTI => (ErrorCode::OK, result.err != ErrorCode::OK),
            _ => (result.err, false),
        };
        drop(result);
        for (path, event) in changed {
            self.keep_version(&path, zxid);
            self.changes.entry(path).or_default().push((zxid, event));
        }
        let header = record.header;
        if err == ErrorCode::OK && !parts_fail {
            self.session_acted(header.client_id, header.cxid, header.r#type);
        }
        self.check_ephemerals(zxid);
        self.committed.push(Committed {
            zxid,
            session: header.client_id,
            cxid: header.cxid,
            err,
            digest: self.tree.digest(),
        });
    }

    fn keep_version(&mut self, path: &str, zxid: Zxid) {
        let seen = self.tree.get(path).map(|node| Seen {
            stat: node.stat(),
            data: node.data().unwrap_or_default().to_vec(),
        });
        let versions = self.versions.entry(path.to_owned()).or_default();
        versions.retain(|(at, _)| *at != zxid);
        versions.push((zxid, seen));
    }

    /// A session's requests take effect in their order, also where it moves to another server, and none does when it has ended.
    fn session_acted(&mut self, session: SessionId, cxid: i32, op: OpCode) {
        if op == OpCode::CLOSE_SESSION {
            self.ended.insert(session); // perhaps again: nobody asks whether it is there when it is closed
        } else {
            assert!(
                !self.ended.contains(&session),
                "{session} has ended, and does something"
            );
        }
        if cxid > 0 {
            let before = self.last_cxids.insert(session, cxid);
            assert!(
                before < Some(cxid),
                "{session}: request {cxid} takes effect behind {before:?}"
            );
        }
    }

    /// Whoever owns an ephemeral znode is there.
    fn check_ephemerals(&self, zxid: Zxid) {
        for owner in self.tree.sessions_with_ephemerals() {
            let is_there = self.tree.sessions().contains_key(&owner);
            assert!(
                is_there,
                "{owner} has ended by {zxid}, its ephemeral znodes have not"
            );
        }
    }

    /// A client was told of a write: it is committed, and this is its result.
    pub fn acknowledged(&self, answered: &Answered<'_>) {
        let txn = self.find(answered.zxid);
        let is_its = txn.is_some_and(|txn| {
            (txn.session, txn.cxid, txn.err) == (answered.session, answered.xid, answered.err)
        });
        assert!(
            is_its,
            "{answered:?} is acknowledged, and {txn:?} committed"
        );
    }

    /// A client is told by a server of this epoch that its session is gone: a leader had begun to close it, or it is of a later
    /// epoch, of which the server has not heard.
    pub fn is_ending(&self, session: SessionId, epoch: Epoch) {
        let is_later = self.begun.get(&session).is_some_and(|begun| *begun > epoch);
        assert!(
            is_later || self.ending.contains(&session),
            "{session} is said to be gone"
        );
    }

    /// Whether a session has ended.
    pub fn has_ended(&self, session: SessionId) -> bool {
        self.ended.contains(&session)
    }

    /// A path as it was.
    pub fn seen(&self, path: &str, zxid: Zxid) -> Option<&Seen> {
        let versions = self.versions.get(path)?;
        let behind = versions.partition_point(|(at, _)| *at <= zxid);
        versions[behind.checked_sub(1)?].1.as_ref()
    }

    /// What a path went through after a zxid.
    pub fn changes_after(&self, path: &str, since: Zxid) -> &[(Zxid, EventType)] {
        let changes = self.changes.get(path).map_or(&[][..], Vec::as_slice);
        &changes[changes.partition_point(|(at, _)| *at <= since)..]
    }

    /// The tree that the history makes.
    pub fn contents(&self) -> Contents {
        Contents::of(&self.tree)
    }

    /// Writes that were refused because their session was elsewhere.
    pub fn refused_as_moved(&self) -> usize {
        let refused = |txn: &&Committed| txn.err == ErrorCode::SESSION_MOVED;
        self.committed.iter().filter(refused).count()
    }

    /// Every session is one of these.
    pub fn has_only_sessions(&self, live: &[SessionId]) {
        let left = self
            .tree
            .sessions()
            .keys()
            .find(|session| !live.contains(session));
        assert!(
            left.is_none(),
            "the session {left:?} of nobody is still there"
        );
    }
}

/// What a change is to whom: a path's own watchers, and its parent's.
fn note_change(change: &Change<'_>, changed: &mut Vec<(String, EventType)>) {
    let (path, event, parent) = match change {
        Change::Created {
            path, parent_path, ..
        } => (path, EventType::NodeCreated, Some(parent_path)),
        Change::Deleted {
            path, parent_path, ..
        } => (path, EventType::NodeDeleted, Some(parent_path)),
        Change::DataChanged { path, .. } => (path, EventType::NodeDataChanged, None),
    };
    changed.push(((*path).to_owned(), event));
    if let Some(parent) = parent {
        let parent = if parent.is_empty() { "/" } else { parent };
        changed.push((parent.to_owned(), EventType::NodeChildrenChanged));
    }
}
