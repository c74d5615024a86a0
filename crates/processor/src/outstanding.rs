//! Outstanding changes: what the tree will be when all that is proposed is applied.
//!
//! Each request is checked against these first and the tree second (`PrepRequestProcessor`'s
//! change records). Whatever a path will hold is either here or in the tree, never half in both.

use std::collections::{HashMap, VecDeque};

use datatree::{AclList, ContentDigest, DataTree, NodeRef};
use proto::records::StatPersisted;
use proto::{ErrorCode, SessionId, Zxid};

use crate::java::HashSetOrder;

/// A znode as it will be.
#[derive(Clone, Debug)]
pub(crate) struct ChangeRecord {
    zxid: Zxid,
    /// None: it will be gone.
    pub stat: Option<StatPersisted>,
    pub child_count: i64,
    pub acl: AclList,
    pub data_length: usize,
    pub content: ContentDigest,
    /// Its share of the tree's digest.
    digest: u32,
}

impl ChangeRecord {
    fn of(path: &str, node: NodeRef<'_>) -> Self {
        ChangeRecord {
            zxid: Zxid(-1),
            stat: Some(node.stored_stat().clone()),
            child_count: node.child_count() as i64,
            acl: node.acl().clone(),
            data_length: node.data().map_or(0, <[u8]>::len),
            content: ContentDigest::new(path, node.data()),
            digest: node.digest(),
        }
    }

    /// A new znode without children.
    pub fn new(path: &str, data: Option<&[u8]>, stat: StatPersisted, acl: AclList) -> Self {
        ChangeRecord {
            zxid: stat.czxid,
            stat: Some(stat),
            child_count: 0,
            acl,
            data_length: data.map_or(0, <[u8]>::len),
            content: ContentDigest::new(path, data),
            digest: 0,
        }
    }

    /// The stat of a znode that will be there.
    pub fn stat(&self) -> &StatPersisted {
        self.stat.as_ref().expect("looked up as present")
    }

    /// The same, to be changed.
    pub fn stat_mut(&mut self) -> &mut StatPersisted {
        self.stat.as_mut().expect("looked up as present")
    }
}

/// "/" and "" are one znode.
fn key(path: &str) -> &str {
    if path == "/" { "" } else { path }
}

/// One change, in the order of all.
#[derive(Debug)]
struct Change {
    zxid: Zxid,
    path: String,
    /// The session, if this makes an ephemeral znode.
    maker: Option<SessionId>,
}

/// An ephemeral znode in the making: when, and its path.
type Made = (Zxid, String);

/// All outstanding changes of a server.
#[derive(Debug, Default)]
pub struct Outstanding {
    by_path: HashMap<String, ChangeRecord>,
    order: VecDeque<Change>,
    /// The ephemeral znodes that each session makes, in the order of the changes.
    made: HashMap<SessionId, VecDeque<Made>>,
    /// The tree's digest when all of them are applied.
    digest: i64,
    /// What a multi that fails must put back: for each change its path, what was there before,
    /// and the digest before.
    undo: Option<Vec<(String, Option<ChangeRecord>, i64)>>,
}

impl Outstanding {
    /// The znode at `path` as it will be.
    pub(crate) fn get(&self, tree: &DataTree, path: &str) -> Result<ChangeRecord, ErrorCode> {
        let record = match self.by_path.get(key(path)) {
            Some(record) => Some(record.clone()),
            None => tree.get(path).map(|node| ChangeRecord::of(path, node)),
        };
        record
            .filter(|record| record.stat.is_some())
            .ok_or(ErrorCode::NO_NODE)
    }

    /// Will there be a znode at `path`?
    pub(crate) fn exists(&self, tree: &DataTree, path: &str) -> bool {
        match self.by_path.get(key(path)) {
            Some(record) => record.stat.is_some(),
            None => tree.get(path).is_some(),
        }
    }

    /// The tree's digest when all is applied; 0 with digests off.
    pub fn digest(&self, tree: &DataTree) -> i64 {
        if self.order.is_empty() {
            tree.digest()
        } else {
            self.digest
        }
    }

    fn present_digest_of(&self, tree: &DataTree, path: &str) -> u32 {
        match self.by_path.get(key(path)) {
            Some(record) => record.digest,
            None => tree.get(path).map_or(0, NodeRef::digest),
        }
    }

    /// A znode will change, or come to be.
    pub(crate) fn change(
        &mut self,
        tree: &DataTree,
        path: &str,
        zxid: Zxid,
        mut record: ChangeRecord,
    ) {
        record.zxid = zxid;
        record.digest = match (&record.stat, tree.options().digest) {
            (Some(stat), true) => record.content.with_stat(stat),
            _ => 0,
        };
        let before = self.digest(tree);
        let replaced = self.present_digest_of(tree, path);
        self.digest = before
            .wrapping_sub(i64::from(replaced))
            .wrapping_add(i64::from(record.digest));
        let path = key(path).to_owned();
        self.note(&record, &path);
        let previous = self.by_path.insert(path.clone(), record);
        if let Some(undo) = &mut self.undo {
            undo.push((path, previous, before));
        }
    }

    fn note(&mut self, record: &ChangeRecord, path: &str) {
        let zxid = record.zxid;
        let made = record.stat.as_ref().filter(|stat| stat.czxid == zxid);
        let maker = made
            .map(|stat| SessionId(stat.ephemeral_owner))
            .filter(|owner| *owner != SessionId::NONE);
        if let Some(session) = maker {
            let of_session = self.made.entry(session).or_default();
            of_session.push_back((zxid, path.to_owned()));
        }
        let path = path.to_owned();
        self.order.push_back(Change { zxid, path, maker });
    }

    /// A znode will be gone.
    pub(crate) fn delete(&mut self, tree: &DataTree, path: &str, zxid: Zxid) {
        let gone = ChangeRecord {
            zxid,
            stat: None,
            child_count: -1,
            acl: AclList::from([]),
            data_length: 0,
            content: ContentDigest::NONE,
            digest: 0,
        };
        self.change(tree, path, zxid, gone);
    }

    /// From here on changes can be taken back.
    pub(crate) fn begin_multi(&mut self) {
        self.undo = Some(Vec::new());
    }

    /// The multi stands, or (`keep` false) it never was.
    pub(crate) fn end_multi(&mut self, keep: bool) {
        let undo = self.undo.take().unwrap_or_default();
        if keep {
            return;
        }
        for (path, previous, digest) in undo.into_iter().rev() {
            if let Some(Change { maker, .. }) = self.order.pop_back() {
                self.forget_made(maker, VecDeque::pop_back);
            }
            self.digest = digest;
            match previous {
                Some(record) => drop(self.by_path.insert(path, record)),
                None => drop(self.by_path.remove(&path)),
            }
        }
    }

    fn forget_made(
        &mut self,
        maker: Option<SessionId>,
        end: fn(&mut VecDeque<Made>) -> Option<Made>,
    ) {
        if let Some(session) = maker
            && let Some(of_session) = self.made.get_mut(&session)
        {
            end(of_session);
            if of_session.is_empty() {
                self.made.remove(&session);
            }
        }
    }

    /// The ephemeral znodes that a session will have, in the order in which Apache's closeSession
    /// lists them: that of a cloned hash set, from and to which what is outstanding was taken and
    /// added. Looks at the session's own changes only, for many sessions may end at once.
    pub(crate) fn ephemerals(&self, tree: &DataTree, session: SessionId) -> Vec<String> {
        let applied: Vec<String> = tree.ephemerals(session).collect();
        let gone = applied.iter().filter_map(|path| {
            let zxid = self.gone_since(tree, path)?;
            Some((zxid, false, path.clone()))
        });
        let made = self.made.get(&session).into_iter().flatten();
        let made = made.filter(|(zxid, path)| self.is_still_as_made(*zxid, path));
        let made = made.map(|(zxid, path)| (*zxid, true, path.clone()));
        let mut changes: Vec<_> = gone.chain(made).collect();
        changes.sort_by_key(|(zxid, is_made, _)| (*zxid, *is_made));

        let most = tree.most_ephemerals(session);
        let mut paths = HashSetOrder::new(applied.into_iter(), most).clone_as_java();
        for (_, is_made, path) in changes {
            match is_made {
                true => paths.add(path),
                false => paths.remove(&path),
            }
        }
        paths.into_list()
    }

    /// When the tree's znode at `path` will go, if it will; another may come in its place.
    fn gone_since(&self, tree: &DataTree, path: &str) -> Option<Zxid> {
        let record = self.by_path.get(path)?;
        match &record.stat {
            None => Some(record.zxid),
            Some(stat) => {
                let applied = tree.get(path)?.stored_stat().czxid;
                (stat.czxid != applied).then_some(stat.czxid)
            }
        }
    }

    fn is_still_as_made(&self, zxid: Zxid, path: &str) -> bool {
        let stat = self
            .by_path
            .get(path)
            .and_then(|record| record.stat.as_ref());
        stat.is_some_and(|stat| stat.czxid == zxid)
    }

    /// A txn was applied: its changes are in the tree now.
    pub fn applied(&mut self, zxid: Zxid) {
        while let Some(change) = self.order.pop_front() {
            if change.zxid > zxid {
                return self.order.push_front(change);
            }
            self.forget_made(change.maker, VecDeque::pop_front);
            if self
                .by_path
                .get(&change.path)
                .is_some_and(|record| record.zxid == change.zxid)
            {
                self.by_path.remove(&change.path);
            }
        }
    }

    /// Nothing outstanding?
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
