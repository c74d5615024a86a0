//! The four changes that a znode can undergo, and what each touches besides the znode: its parent,
//! the digest, the sets of its kind.

use std::sync::Arc;

use proto::records::{Acl, Stat, StatPersisted};
use proto::{ErrorCode, Zxid};

use crate::apply::Change;
use crate::arena::{Node, Slot};
use crate::digest::node_digest;
use crate::owner::Owner;
use crate::quota::{LIMIT_NODE, trimmed_quota_path};
use crate::tree::{DataTree, Refused, split_path};

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
    pub(crate) fn change<T>(
        &mut self,
        slot: Slot,
        path: &str,
        edit: impl FnOnce(&mut Node) -> T,
    ) -> T {
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
}

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
            bytes: new.data.map_or(0, <[u8]>::len),
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

    /// Unlinks a znode. It has children only in replay over a fuzzy snapshot, which can show those
    /// that came after it was deleted and made again. They become unreachable in Apache, until
    /// replay makes them again; here they go too.
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
        self.forget_use(slot, path);
    }

    /// What is unlinked is no quota any more, and counts for none.
    fn forget_use(&mut self, slot: Slot, path: &str) {
        let (parent_path, name) = split_path(path);
        if parent_path.starts_with("/zookeeper") && name == LIMIT_NODE {
            self.quotas
                .remove(trimmed_quota_path(parent_path).unwrap_or_default());
        }
        let data = self.arena.node(slot).data.as_ref();
        let bytes = data.map_or(0, |data| data.len() as i64);
        self.count_use(path, -bytes, -1);
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
        let bytes = data.map_or(0, <[u8]>::len);
        on_change(&Change::DataChanged { path, bytes, acl });
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
