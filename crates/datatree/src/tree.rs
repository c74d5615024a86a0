//! The tree: what it holds, and what is asked of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use proto::records::{Stat, StatPersisted};
use proto::{ErrorCode, SessionId, Zxid};

use crate::acl::{AclId, AclList, AclTable, read_acl_unsafe};
use crate::arena::{Arena, Node, Slot};
use crate::digest::{DigestLog, DigestLogEntry};
use crate::ephemerals::Ephemerals;
use crate::owner::{Owner, OwnerRules};
use crate::quota::QuotaPaths;
use crate::snapshot::Frozen;

/// The znode that holds the ensemble's configuration.
pub const CONFIG_NODE: &str = "/zookeeper/config";

/// What a server's flags change in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `zookeeper.digest.enabled`.
    pub digest: bool,
    /// How `ephemeralOwner` is read.
    pub owners: OwnerRules,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            digest: true,
            owners: OwnerRules::default(),
        }
    }
}

/// The znodes of one server, as of one zxid.
#[derive(Debug)]
pub struct DataTree {
    pub(crate) arena: Arena,
    pub(crate) acls: AclTable,
    pub(crate) options: Options,
    pub(crate) sessions: HashMap<SessionId, i32>,
    pub(crate) last_zxid: Zxid,
    pub(crate) digest: i64,
    pub(crate) digest_log: DigestLog,
    /// The digest of the snapshot that was loaded, until its zxid is reached: before that the
    /// tree is fuzzy and digests in txns do not fit it.
    pub(crate) awaited_digest: Option<DigestLogEntry>,
    pub(crate) digest_mismatches: u64,
    pub(crate) last_digest_fits: bool,
    pub(crate) frozen: Option<Frozen>,
    pub(crate) ephemerals: Ephemerals,
    pub(crate) containers: BTreeSet<Slot>,
    pub(crate) ttls: BTreeSet<Slot>,
    pub(crate) quotas: QuotaPaths,
    pub(crate) data_bytes: i64,
}

/// A change that the tree's present state does not allow; the code is the reply's.
pub(crate) type Refused = ErrorCode;

/// Parent path (the root's as "") and name.
pub(crate) fn split_path(path: &str) -> (&str, &str) {
    let slash = path.rfind('/').unwrap_or(0);
    (&path[..slash], path.get(slash + 1..).unwrap_or_default())
}

/// What a client sees, from what is stored: cversion counts children made and gone
/// (`DataNode.copyStat`).
pub fn client_stat(
    stored: &StatPersisted,
    data_length: usize,
    num_children: usize,
    owners: OwnerRules,
) -> Stat {
    let num_children = num_children as i32;
    Stat {
        czxid: stored.czxid,
        mzxid: stored.mzxid,
        ctime: stored.ctime,
        mtime: stored.mtime,
        version: stored.version,
        cversion: stored.cversion.wrapping_mul(2).wrapping_sub(num_children),
        aversion: stored.aversion,
        ephemeral_owner: owners.shown(stored.ephemeral_owner),
        data_length: data_length as i32,
        num_children,
        pzxid: stored.pzxid,
    }
}

/// One znode of the tree.
#[derive(Clone, Copy)]
pub struct NodeRef<'a> {
    tree: &'a DataTree,
    node: &'a Node,
    slot: Slot,
}

impl<'a> NodeRef<'a> {
    /// The data; null is not empty.
    pub fn data(self) -> Option<&'a [u8]> {
        self.node.data.as_deref()
    }

    /// What a client sees.
    pub fn stat(self) -> Stat {
        let data_length = self.data().map_or(0, <[u8]>::len);
        client_stat(
            &self.node.stat,
            data_length,
            self.child_count(),
            self.tree.options.owners,
        )
    }

    /// What a snapshot holds.
    pub fn stored_stat(self) -> &'a StatPersisted {
        &self.node.stat
    }

    /// Who may do what.
    pub fn acl(self) -> &'a AclList {
        self.tree.acls.list(self.node.acl)
    }

    /// What ends this znode.
    pub fn owner(self) -> Owner {
        self.tree
            .options
            .owners
            .read(self.node.stat.ephemeral_owner)
    }

    /// How many children there are.
    pub fn child_count(self) -> usize {
        self.node.child_count as usize
    }

    /// The children's names, in no order that means anything.
    pub fn children(self) -> impl Iterator<Item = &'a str> {
        let arena = &self.tree.arena;
        arena
            .children(self.slot)
            .map(|slot| arena.node(slot).name())
    }

    /// This znode's share of the tree's digest.
    pub fn digest(self) -> u32 {
        self.node.digest
    }
}

impl Default for DataTree {
    fn default() -> Self {
        DataTree::new(Options::default())
    }
}

impl DataTree {
    /// An empty tree: the root, /zookeeper, /zookeeper/quota and /zookeeper/config.
    pub fn new(options: Options) -> Self {
        let mut tree = DataTree::bare(options);
        let zookeeper = tree.add_fixed(Slot::ROOT, "zookeeper");
        tree.add_fixed(zookeeper, "quota");
        tree.add_config_node();
        tree
    }

    /// A tree with nothing but the root.
    pub(crate) fn bare(options: Options) -> Self {
        let mut tree = DataTree {
            arena: Arena::new(Some(Arc::new([])), AclId::OPEN),
            acls: AclTable::default(),
            options,
            sessions: HashMap::new(),
            last_zxid: Zxid::ZERO,
            digest: 0,
            digest_log: DigestLog::default(),
            awaited_digest: None,
            digest_mismatches: 0,
            last_digest_fits: true,
            frozen: None,
            ephemerals: Ephemerals::default(),
            containers: BTreeSet::new(),
            ttls: BTreeSet::new(),
            quotas: QuotaPaths::default(),
            data_bytes: 0,
        };
        tree.count_in(Slot::ROOT, "");
        tree
    }

    fn add_fixed(&mut self, parent: Slot, name: &str) -> Slot {
        let stat = StatPersisted::default();
        let slot = self
            .arena
            .insert(parent, name, Some(Arc::new([])), AclId::OPEN, stat);
        let path = self.arena.path(slot);
        self.count_in(slot, &path);
        slot
    }

    /// Adds /zookeeper/config where it is missing: readable by all, aversion −1
    /// (`DataTree.addConfigNode`).
    pub(crate) fn add_config_node(&mut self) {
        let Some(zookeeper) = self.arena.find("/zookeeper") else {
            return;
        };
        let slot = match self.arena.child(zookeeper, "config") {
            Some(slot) => slot,
            None => self.add_fixed(zookeeper, "config"),
        };
        self.acls.remove_use(self.arena.node(slot).acl);
        let acl = self.acls.intern(Some(&read_acl_unsafe()));
        let node = self.arena.node_mut(slot);
        node.acl = acl;
        node.stat.aversion = -1;
    }

    /// The znode at `path`; "" and "/" are both the root.
    pub fn get(&self, path: &str) -> Option<NodeRef<'_>> {
        self.arena.find(path).map(|slot| self.node_ref(slot))
    }

    pub(crate) fn node_ref(&self, slot: Slot) -> NodeRef<'_> {
        NodeRef {
            tree: self,
            node: self.arena.node(slot),
            slot,
        }
    }

    pub(crate) fn stat_of(&self, slot: Slot) -> Stat {
        self.node_ref(slot).stat()
    }

    /// A leader's reign begins at this zxid, which no txn has (`Leader.startZkServer`).
    pub fn begin_epoch(&mut self, zxid: Zxid) {
        let last = self.last_zxid;
        assert!(
            zxid.is_beginning() && zxid > last,
            "{zxid} begins an epoch behind {last}"
        );
        self.last_zxid = zxid;
    }

    /// Writes the ensemble's configuration into its znode, outside txns and the digest, as each server does for itself
    /// (`ZKDatabase.initConfigInZKDatabase`). `version` is the configuration's, `time` in ms since 1970.
    pub fn set_config(&mut self, config: &[u8], version: Zxid, time: i64) {
        self.add_missing_config_node();
        let written = self.set_data(CONFIG_NODE, Some(config), -1, (version, time), &mut |_| {});
        assert!(written.is_ok(), "the configuration's znode is there");
    }

    /// What the flags say.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The last txn that was applied.
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// The sum over all znodes; 0 with digests off.
    pub fn digest(&self) -> i64 {
        self.digest
    }

    /// How often a txn's digest was not the tree's.
    pub fn digest_mismatches(&self) -> u64 {
        self.digest_mismatches
    }

    /// Whether the newest digest that was compared was the tree's; true where none was. A server of Apache's that was sent the tree
    /// of a leader at work may write a snapshot whose own digest is wrong, and the tree is right behind it.
    pub fn last_digest_fits(&self) -> bool {
        self.last_digest_fits
    }

    /// The digests that servers compare, oldest first.
    pub fn digest_log(&self) -> impl Iterator<Item = DigestLogEntry> + '_ {
        self.digest_log.entries()
    }

    /// Znodes as Apache counts them: the root twice.
    pub fn node_count(&self) -> usize {
        self.arena.len() + 1
    }

    /// Ephemeral znodes of all sessions.
    pub fn ephemeral_count(&self) -> usize {
        self.ephemerals.len()
    }

    /// Characters of all paths and bytes of all data, the root's twice
    /// (`DataTree.approximateDataSize`).
    pub fn approximate_data_size(&self) -> i64 {
        let root = self
            .arena
            .node(Slot::ROOT)
            .data
            .as_ref()
            .map_or(0, |data| data.len());
        self.data_bytes + 1 + root as i64
    }

    /// Sessions and their timeouts in milliseconds.
    pub fn sessions(&self) -> &HashMap<SessionId, i32> {
        &self.sessions
    }

    /// The paths of a session's ephemeral znodes, in the order in which they came.
    pub fn ephemerals(&self, session: SessionId) -> impl Iterator<Item = String> + '_ {
        self.ephemerals
            .of(session)
            .map(|slot| self.arena.path(slot))
    }

    /// The most ephemeral znodes that a session has had at a time, since it had none.
    pub fn most_ephemerals(&self, session: SessionId) -> usize {
        self.ephemerals.most(session)
    }

    /// Sessions that have ephemeral znodes, ascending.
    pub fn sessions_with_ephemerals(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.ephemerals.sessions()
    }

    /// How many znodes are below `path` (`DataTree.getAllChildrenNumber`, its counting of the
    /// root's two names included).
    pub fn descendants(&self, path: &str) -> usize {
        match self.arena.find(path) {
            Some(Slot::ROOT) if path.is_empty() => self.arena.len(),
            Some(slot) => self.arena.descendants(slot),
            None => 0,
        }
    }

    /// Containers and TTL znodes that are childless, with what the reaper asks of them.
    pub fn reapable(&self) -> impl Iterator<Item = (String, NodeRef<'_>)> + '_ {
        self.containers
            .iter()
            .chain(&self.ttls)
            .map(|&slot| self.node_ref(slot))
            .filter(|node| node.child_count() == 0)
            .map(|node| (self.arena.path(node.slot), node))
    }

    /// The path whose quota counts `path`, if any.
    pub fn quota_path(&self, path: &str) -> Option<&str> {
        self.quotas.longest_prefix(path)
    }
}
