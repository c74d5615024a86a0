//! The tree: what is asked of it, and the four changes a znode can undergo.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use proto::records::{Acl, Stat, StatPersisted};
use proto::{ErrorCode, SessionId, Zxid};

use crate::acl::{AclId, AclList, AclTable, read_acl_unsafe};
use crate::apply::Change;
use crate::arena::{Arena, Node, Slot};
use crate::digest::{DigestLog, DigestLogEntry, node_digest};
use crate::ephemerals::Ephemerals;
use crate::owner::{Owner, OwnerRules};
use crate::quota::{LIMIT_NODE, QUOTA_ROOT, QuotaPaths, QuotaStats, STAT_NODE};
use crate::quota::{stat_path, trimmed_quota_path};
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
    pub(crate) last_digest: Option<DigestLogEntry>,
    pub(crate) digest_mismatches: u64,
    pub(crate) frozen: Option<Frozen>,
    ephemerals: Ephemerals,
    containers: BTreeSet<Slot>,
    ttls: BTreeSet<Slot>,
    quotas: QuotaPaths,
    data_bytes: i64,
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
            last_digest: None,
            digest_mismatches: 0,
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

    fn node_ref(&self, slot: Slot) -> NodeRef<'_> {
        NodeRef {
            tree: self,
            node: self.arena.node(slot),
            slot,
        }
    }

    fn stat_of(&self, slot: Slot) -> Stat {
        self.node_ref(slot).stat()
    }

    /// What the flags say.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The last txn that was applied.
    pub fn last_zxid(&self) -> Zxid {
        self.last_zxid
    }

    /// Sets the last txn, where it comes from a snapshot's name.
    pub fn set_last_zxid(&mut self, zxid: Zxid) {
        self.last_zxid = zxid;
    }

    /// The sum over all znodes; 0 with digests off.
    pub fn digest(&self) -> i64 {
        self.digest
    }

    /// How often a txn's digest was not the tree's.
    pub fn digest_mismatches(&self) -> u64 {
        self.digest_mismatches
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

// What a change touches besides the znode.
impl DataTree {
    fn path_size(path: &str) -> i64 {
        let units = if path.is_ascii() {
            path.len()
        } else {
            path.encode_utf16().count()
        };
        units as i64
    }

    /// Adds a new znode to the digest, the size, and the sets of its kind.
    pub(crate) fn count_in(&mut self, slot: Slot, path: &str) {
        let digest = self.digest_of(slot, path);
        let node = self.arena.node_mut(slot);
        node.digest = digest;
        self.digest = self.digest.wrapping_add(i64::from(digest));
        let data = node.data.as_ref().map_or(0, |data| data.len());
        self.data_bytes += Self::path_size(path) + data as i64;
        match self.options.owners.read(node.stat.ephemeral_owner) {
            Owner::Nobody => {}
            Owner::Container => drop(self.containers.insert(slot)),
            Owner::Ttl { .. } => drop(self.ttls.insert(slot)),
            Owner::Session(session) => self.ephemerals.insert(session, slot),
        }
    }

    fn count_out(&mut self, slot: Slot, path: &str) {
        let node = self.arena.node(slot);
        self.digest = self.digest.wrapping_sub(i64::from(node.digest));
        let data = node.data.as_ref().map_or(0, |data| data.len());
        self.data_bytes -= Self::path_size(path) + data as i64;
        match self.options.owners.read(node.stat.ephemeral_owner) {
            Owner::Nobody => {}
            Owner::Container => drop(self.containers.remove(&slot)),
            Owner::Ttl { .. } => drop(self.ttls.remove(&slot)),
            Owner::Session(session) => self.ephemerals.remove(session, slot),
        }
    }

    fn digest_of(&self, slot: Slot, path: &str) -> u32 {
        let node = self.arena.node(slot);
        if self.options.digest {
            node_digest(path, node.data.as_deref(), &node.stat)
        } else {
            0
        }
    }

    /// Changes a znode and its share of the digest.
    fn change<T>(&mut self, slot: Slot, path: &str, edit: impl FnOnce(&mut Node) -> T) -> T {
        self.keep_image(slot);
        let result = edit(self.arena.node_mut(slot));
        let digest = self.digest_of(slot, path);
        let before = std::mem::replace(&mut self.arena.node_mut(slot).digest, digest);
        self.digest = self
            .digest
            .wrapping_sub(i64::from(before))
            .wrapping_add(i64::from(digest));
        result
    }

    /// Counts a change of use against the quota that covers `path` (`DataTree.updateQuotaStat`).
    /// Text that is no quota is left alone, where Apache's server ends.
    fn count_use(&mut self, path: &str, bytes: i64, count: i64) {
        let Some(quota) = self.quotas.longest_prefix(path) else {
            return;
        };
        let Some(slot) = self.arena.find(&stat_path(quota)) else {
            return;
        };
        let text = self.arena.node(slot).data.as_deref().unwrap_or_default();
        let Some(mut stats) = QuotaStats::parse(text) else {
            return;
        };
        stats.set(
            QuotaStats::COUNT,
            stats.get(QuotaStats::COUNT).wrapping_add(count),
        );
        stats.set(
            QuotaStats::BYTES,
            stats.get(QuotaStats::BYTES).wrapping_add(bytes),
        );
        self.set_use(slot, &stats);
    }

    /// Use is changed in place: no version, no zxid, no digest.
    fn set_use(&mut self, slot: Slot, stats: &QuotaStats) {
        self.keep_image(slot);
        self.arena.node_mut(slot).data = Some(stats.to_text().into_bytes().into());
    }

    /// Counts afresh what is at and below `path` (`DataTree.updateQuotaForPath`).
    fn recount_use(&mut self, path: &str) {
        let Some(stat_slot) = self.arena.find(&stat_path(path)) else {
            return;
        };
        let (mut count, mut bytes) = (0, 0);
        let mut waiting: Vec<Slot> = self.arena.find(path).into_iter().collect();
        while let Some(slot) = waiting.pop() {
            count += 1;
            bytes += self
                .arena
                .node(slot)
                .data
                .as_ref()
                .map_or(0, |data| data.len() as i64);
            waiting.extend(self.arena.children(slot));
        }
        let mut stats = QuotaStats::default();
        stats.set(QuotaStats::COUNT, count);
        stats.set(QuotaStats::BYTES, bytes);
        self.set_use(stat_slot, &stats);
    }

    /// Finds all quotas and counts their use, after a snapshot was loaded (`DataTree.setupQuota`).
    pub(crate) fn set_up_quotas(&mut self) {
        let mut waiting: Vec<Slot> = self.arena.find(QUOTA_ROOT).into_iter().collect();
        while let Some(slot) = waiting.pop() {
            waiting.extend(self.arena.children(slot));
            if self.arena.node(slot).name() == LIMIT_NODE {
                let parent = self.arena.path(self.arena.node(slot).parent());
                let quota = trimmed_quota_path(&parent).unwrap_or_default().to_owned();
                self.recount_use(&quota);
                self.quotas.add(&quota);
            }
        }
    }

    fn note_quota_created(&mut self, parent: &str, name: &str) {
        let Some(quota) = trimmed_quota_path(parent) else {
            return;
        };
        match name {
            LIMIT_NODE => self.quotas.add(quota),
            STAT_NODE => self.recount_use(quota),
            _ => {}
        }
    }
}

/// What a create needs to know.
pub(crate) struct NewNode<'a> {
    pub path: &'a str,
    pub data: Option<&'a [u8]>,
    pub acl: Option<&'a [Acl<'a>]>,
    pub owner: i64,
    /// −1: one more than the parent has.
    pub parent_cversion: i32,
}

/// Receives each change of a znode, for watches.
pub(crate) type OnChange<'f> = &'f mut dyn FnMut(&Change<'_>);

// The changes.
impl DataTree {
    /// `DataTree.createNode`.
    pub(crate) fn create(
        &mut self,
        new: &NewNode<'_>,
        zxid: Zxid,
        time: i64,
        on_change: OnChange<'_>,
    ) -> Result<Stat, Refused> {
        let (parent_path, name) = split_path(new.path);
        let parent = self.arena.find(parent_path).ok_or(ErrorCode::NO_NODE)?;
        // A fuzzy snapshot may hold the znode without its list: the list is taken in either case.
        let acl = self.acls.intern(new.acl);
        if let Some(existing) = self.arena.find(new.path) {
            let before = std::mem::replace(&mut self.arena.node_mut(existing).acl, acl);
            self.acls.remove_use(before);
            return Err(ErrorCode::NODE_EXISTS);
        }
        self.raise_cversion(parent, parent_path, new.parent_cversion, zxid);
        let stat = StatPersisted {
            czxid: zxid,
            mzxid: zxid,
            pzxid: zxid,
            ctime: time,
            mtime: time,
            ephemeral_owner: new.owner,
            ..StatPersisted::default()
        };
        self.keep_image(parent);
        let slot = self
            .arena
            .insert(parent, name, new.data.map(Arc::from), acl, stat);
        self.count_in(slot, new.path);
        let stat = self.stat_of(slot);
        self.note_quota_created(parent_path, name);
        self.count_use(new.path, new.data.map_or(0, |data| data.len() as i64), 1);
        let parent_acl = self.acls.list(self.arena.node(parent).acl);
        let acl = self.acls.list(acl);
        on_change(&Change::Created {
            path: new.path,
            acl,
            parent_path,
            parent_acl,
        });
        Ok(stat)
    }

    /// The parent's cversion only rises: replay over a fuzzy snapshot must not turn it back.
    pub(crate) fn raise_cversion(&mut self, slot: Slot, path: &str, cversion: i32, zxid: Zxid) {
        let present = self.arena.node(slot).stat.cversion;
        let cversion = if cversion == -1 {
            present.wrapping_add(1)
        } else {
            cversion
        };
        if cversion > present {
            self.change(slot, path, |node| {
                node.stat.cversion = cversion;
                node.stat.pzxid = zxid;
            });
        }
    }

    /// `DataTree.deleteNode`. The parent's pzxid moves even when the znode is gone already.
    pub(crate) fn delete(
        &mut self,
        path: &str,
        zxid: Zxid,
        on_change: OnChange<'_>,
    ) -> Result<(), Refused> {
        let (parent_path, name) = split_path(path);
        let parent = self.arena.find(parent_path).ok_or(ErrorCode::NO_NODE)?;
        if zxid > self.arena.node(parent).stat.pzxid {
            self.change(parent, parent_path, |node| node.stat.pzxid = zxid);
        }
        let slot = self.arena.child(parent, name).ok_or(ErrorCode::NO_NODE)?;
        self.keep_image(parent);
        self.remove_subtree(slot, path);
        let node = self.arena.node(slot);
        let acl_id = node.acl;
        let data = node.data.as_ref().map_or(0, |data| data.len() as i64);
        if parent_path.starts_with("/zookeeper") && name == LIMIT_NODE {
            self.quotas
                .remove(trimmed_quota_path(parent_path).unwrap_or_default());
        }
        self.count_use(path, -data, -1);
        let acl = self.acls.list(acl_id).clone();
        let parent_acl = self.acls.list(self.arena.node(parent).acl);
        on_change(&Change::Deleted {
            path,
            acl: &acl,
            parent_path,
            parent_acl,
        });
        self.acls.remove_use(acl_id);
        self.release(slot);
        Ok(())
    }

    /// Unlinks a znode. Children, which only a log of a faulty server can leave it with, become
    /// unreachable in Apache; here they go too.
    fn remove_subtree(&mut self, slot: Slot, path: &str) {
        let children: Vec<Slot> = self.arena.children(slot).collect();
        for child in children {
            let child_path = format!("{path}/{}", self.arena.node(child).name());
            self.remove_subtree(child, &child_path);
            self.acls.remove_use(self.arena.node(child).acl);
            self.release(child);
        }
        self.count_out(slot, path);
        self.arena.unlink(slot);
    }

    /// `DataTree.setData`.
    pub(crate) fn set_data(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        version: i32,
        (zxid, time): (Zxid, i64),
        on_change: OnChange<'_>,
    ) -> Result<Stat, Refused> {
        let slot = self.arena.find(path).ok_or(ErrorCode::NO_NODE)?;
        let before = self.change(slot, path, |node| {
            node.stat.mtime = time;
            node.stat.mzxid = zxid;
            node.stat.version = version;
            std::mem::replace(&mut node.data, data.map(Arc::from))
        });
        let length = |data: Option<&[u8]>| data.map_or(0, <[u8]>::len) as i64;
        let grown = length(data) - length(before.as_deref());
        let stat = self.stat_of(slot);
        self.data_bytes += grown;
        self.count_use(path, grown, 0);
        let acl = self.acls.list(self.arena.node(slot).acl);
        on_change(&Change::DataChanged { path, acl });
        Ok(stat)
    }

    /// `DataTree.setACL`.
    pub(crate) fn set_acl(
        &mut self,
        path: &str,
        acl: Option<&[Acl<'_>]>,
        version: i32,
    ) -> Result<Stat, Refused> {
        let slot = self.arena.find(path).ok_or(ErrorCode::NO_NODE)?;
        let acl = self.acls.intern(acl);
        let before = self.change(slot, path, |node| {
            node.stat.aversion = version;
            std::mem::replace(&mut node.acl, acl)
        });
        self.acls.remove_use(before);
        Ok(self.stat_of(slot))
    }
}
