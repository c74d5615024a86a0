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

/// All outstanding changes of a server.
#[derive(Debug, Default)]
pub struct Outstanding {
    by_path: HashMap<String, ChangeRecord>,
    order: VecDeque<(Zxid, String)>,
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
        self.order.push_back((zxid, path.clone()));
        let previous = self.by_path.insert(path.clone(), record);
        if let Some(undo) = &mut self.undo {
            undo.push((path, previous, before));
        }
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
            self.order.pop_back();
            self.digest = digest;
            match previous {
                Some(record) => drop(self.by_path.insert(path, record)),
                None => drop(self.by_path.remove(&path)),
            }
        }
    }

    /// The ephemeral znodes that a session will have, in the order in which Apache's closeSession
    /// lists them: that of a cloned hash set, to which what is outstanding was added.
    pub(crate) fn ephemerals(&self, tree: &DataTree, session: SessionId) -> Vec<String> {
        let applied = tree.ephemerals(session);
        let most = tree.most_ephemerals(session);
        let mut paths = HashSetOrder::new(applied, most).clone_as_java();
        for (zxid, path) in &self.order {
            let Some(record) = self.by_path.get(path) else {
                continue;
            };
            match &record.stat {
                Some(made) if made.czxid == *zxid => {
                    // What was there before is gone, whoever had it.
                    paths.remove(path);
                    if made.ephemeral_owner == session.0 {
                        paths.add(path.clone());
                    }
                }
                None if record.zxid == *zxid => paths.remove(path),
                _ => {}
            }
        }
        paths.into_list()
    }

    /// A txn was applied: its changes are in the tree now.
    pub fn applied(&mut self, zxid: Zxid) {
        while self
            .order
            .front()
            .is_some_and(|(changed, _)| *changed <= zxid)
        {
            let (changed, path) = self.order.pop_front().expect("checked above");
            if self
                .by_path
                .get(&path)
                .is_some_and(|record| record.zxid == changed)
            {
                self.by_path.remove(&path);
            }
        }
    }

    /// Nothing outstanding?
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}
