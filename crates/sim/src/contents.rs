//! All that a tree holds, to compare trees by.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use datatree::{AclList, DataTree, NodeRef, QUOTA_ROOT, STAT_NODE, node_digest};
use proto::records::StatPersisted;
use proto::{SessionId, Zxid};

/// What a znode holds, its list spelled out: numbers of lists differ between equal trees.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Znode {
    data: Option<Vec<u8>>,
    stat: StatPersisted,
    acl: AclList,
    children: usize,
    /// The path whose quota counts it.
    quota: Option<String>,
}

/// A tree's whole contents at one zxid, learned through what it tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contents {
    /// The last txn.
    pub last_zxid: Zxid,
    /// The sum that the tree keeps.
    pub digest: i64,
    znodes: BTreeMap<String, Znode>,
    sessions: BTreeMap<SessionId, i32>,
    ephemerals: BTreeMap<SessionId, BTreeSet<String>>,
    ephemeral_count: usize,
    reapable: BTreeSet<String>,
    node_count: usize,
}

impl Contents {
    /// Reads all of a tree.
    pub fn of(tree: &DataTree) -> Self {
        let mut znodes = BTreeMap::new();
        let mut waiting = vec![String::new()];
        while let Some(path) = waiting.pop() {
            let node = tree.get(&path).expect("a child that is listed");
            let children = node.children().map(|name| format!("{path}/{name}"));
            waiting.extend(children);
            znodes.insert(path.clone(), Znode::of(tree, &path, node));
        }
        let owned = |id| (id, tree.ephemerals(id).collect());
        Contents {
            last_zxid: tree.last_zxid(),
            digest: tree.digest(),
            znodes,
            sessions: tree.sessions().iter().map(|(&id, &ms)| (id, ms)).collect(),
            ephemerals: tree.sessions_with_ephemerals().map(owned).collect(),
            ephemeral_count: tree.ephemeral_count(),
            reapable: tree.reapable().map(|(path, _)| path).collect(),
            node_count: tree.node_count(),
        }
    }

    /// A number that equal contents have in common.
    pub fn sum(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// The digest as it follows from the znodes alone.
    pub fn reckoned_digest(&self) -> i64 {
        let shares = self
            .znodes
            .iter()
            .map(|(path, znode)| i64::from(node_digest(path, znode.data.as_deref(), &znode.stat)));
        shares.fold(0, i64::wrapping_add)
    }

    /// The same but for the text that counts the use of quotas.
    pub fn without_quota_use(mut self) -> Self {
        let is_use = |path: &str| path.starts_with(QUOTA_ROOT) && path.ends_with(STAT_NODE);
        for (_, znode) in self.znodes.iter_mut().filter(|(path, _)| is_use(path)) {
            znode.data = None;
        }
        self
    }

    /// Asserts what holds for every tree, whatever was done to it.
    pub fn check(&self) {
        // 0 with digests off.
        if self.digest != 0 {
            assert_eq!(self.digest, self.reckoned_digest(), "{self:#?}");
        }
        // Apache counts the root twice.
        assert_eq!(self.node_count, self.znodes.len() + 1, "{self:#?}");
        let ephemerals: usize = self.ephemerals.values().map(BTreeSet::len).sum();
        assert_eq!(self.ephemeral_count, ephemerals, "{self:#?}");
        for (path, znode) in &self.znodes {
            let children = self.children(path);
            assert_eq!(znode.children, children, "{path} in {self:#?}");
        }
    }

    fn children(&self, parent: &str) -> usize {
        let below = |path: &&String| {
            path.rfind('/')
                .is_some_and(|slash| path[..slash] == *parent)
        };
        self.znodes.keys().filter(below).count()
    }
}

impl Znode {
    fn of(tree: &DataTree, path: &str, node: NodeRef<'_>) -> Self {
        Znode {
            data: node.data().map(<[u8]>::to_vec),
            stat: node.stored_stat().clone(),
            acl: node.acl().clone(),
            children: node.child_count(),
            quota: tree.quota_path(path).map(str::to_owned),
        }
    }
}
