//! Access control lists, each stored once (`ReferenceCountedACLCache`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use proto::Perms;
use proto::records::{Acl, Id};

/// A list that many znodes share.
pub type AclList = Arc<[Acl<'static>]>;

/// Number of a list in the table; the snapshot names lists by it. −1 is never stored: everyone
/// may do everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AclId(pub i64);

impl AclId {
    /// `ReferenceCountedACLCache.OPEN_UNSAFE_ACL_ID`.
    pub const OPEN: AclId = AclId(-1);
}

/// Everyone may do everything (`ZooDefs.Ids.OPEN_ACL_UNSAFE`).
pub fn open_acl_unsafe() -> AclList {
    world(Perms::ALL)
}

/// Everyone may read (`ZooDefs.Ids.READ_ACL_UNSAFE`).
pub fn read_acl_unsafe() -> AclList {
    world(Perms::READ)
}

fn world(perms: Perms) -> AclList {
    let id = Id {
        scheme: Some("world".into()),
        id: Some("anyone".into()),
    };
    Arc::new([Acl { perms: perms.0, id }])
}

/// A copy of an entry that does not borrow.
pub fn owned_acl(acl: &Acl<'_>) -> Acl<'static> {
    let text = |text: &proto::Ustring<'_>| text.as_deref().map(|text| text.to_owned().into());
    Acl {
        perms: acl.perms,
        id: Id {
            scheme: text(&acl.id.scheme),
            id: text(&acl.id.id),
        },
    }
}

#[derive(Debug)]
struct Entry {
    list: AclList,
    uses: u64,
}

#[derive(Debug)]
pub(crate) struct AclTable {
    by_id: BTreeMap<i64, Entry>,
    by_list: HashMap<AclList, i64>,
    last_id: i64,
    open: AclList,
    /// What a znode has whose list is not in its snapshot: nobody may do anything. A fuzzy
    /// snapshot can lack one; the replayed txn that made the znode brings it back.
    unknown: AclList,
}

impl Default for AclTable {
    fn default() -> Self {
        AclTable {
            by_id: BTreeMap::new(),
            by_list: HashMap::new(),
            last_id: 0,
            open: open_acl_unsafe(),
            unknown: world(Perms(0)),
        }
    }
}

impl AclTable {
    /// The list's number, one use more. Null stands for everyone.
    pub fn intern(&mut self, list: Option<&[Acl<'_>]>) -> AclId {
        let Some(list) = list else { return AclId::OPEN };
        if let Some(&id) = self.by_list.get(list) {
            self.add_use(AclId(id));
            return AclId(id);
        }
        self.last_id += 1;
        let list: AclList = list.iter().map(owned_acl).collect();
        self.by_list.insert(list.clone(), self.last_id);
        self.by_id.insert(self.last_id, Entry { list, uses: 1 });
        AclId(self.last_id)
    }

    /// The list with that number.
    pub fn list(&self, id: AclId) -> &AclList {
        match self.by_id.get(&id.0) {
            Some(entry) => &entry.list,
            None if id == AclId::OPEN => &self.open,
            None => &self.unknown,
        }
    }

    /// One znode more has this list.
    pub fn add_use(&mut self, id: AclId) {
        if let Some(entry) = self.by_id.get_mut(&id.0) {
            entry.uses += 1;
        }
    }

    /// One znode fewer has this list; the last one frees it.
    pub fn remove_use(&mut self, id: AclId) {
        let Some(entry) = self.by_id.get_mut(&id.0) else {
            return;
        };
        entry.uses = entry.uses.saturating_sub(1);
        if entry.uses == 0 {
            let entry = self.by_id.remove(&id.0).expect("found above");
            self.by_list.remove(&entry.list);
        }
    }

    /// Puts a list of a snapshot under the number it has there, unused.
    pub fn restore(&mut self, id: i64, list: &[Acl<'_>]) {
        let list: AclList = list.iter().map(owned_acl).collect();
        self.last_id = self.last_id.max(id);
        self.by_list.insert(list.clone(), id);
        self.by_id.insert(id, Entry { list, uses: 0 });
    }

    /// A znode of a snapshot has this list. A fuzzy snapshot can lack the list, for it was made
    /// after the snapshot began: its number is not given to another one, or the replayed txn that
    /// replaces it would take a use from that.
    pub fn restore_use(&mut self, id: AclId) {
        self.last_id = self.last_id.max(id.0);
        self.add_use(id);
    }

    /// Frees the lists that no znode has.
    pub fn purge_unused(&mut self) {
        let by_list = &mut self.by_list;
        self.by_id.retain(|_, entry| {
            if entry.uses == 0 {
                by_list.remove(&entry.list);
            }
            entry.uses > 0
        });
    }

    /// All lists with their numbers, in ascending order.
    pub fn all(&self) -> Vec<(i64, AclList)> {
        self.by_id
            .iter()
            .map(|(&id, entry)| (id, entry.list.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_share_a_number_until_the_last_use_goes() {
        let mut table = AclTable::default();
        let list = read_acl_unsafe();
        let id = table.intern(Some(&list));
        assert_eq!(table.intern(Some(&list)), id);
        table.remove_use(id);
        assert_eq!(table.list(id), &list);
        table.remove_use(id);
        assert!(table.all().is_empty());
        assert_ne!(
            table.intern(Some(&list)),
            id,
            "numbers are never used again"
        );
    }

    #[test]
    fn an_unknown_number_lets_nobody_in() {
        let table = AclTable::default();
        assert_eq!(table.list(AclId(99))[0].perms, 0);
        assert_eq!(table.list(AclId::OPEN), &open_acl_unsafe());
    }

    #[test]
    fn the_number_of_a_list_that_the_snapshot_lacks_is_not_given_to_another() {
        let mut table = AclTable::default();
        table.restore_use(AclId(1));
        let id = table.intern(Some(&read_acl_unsafe()));
        table.remove_use(AclId(1));
        assert_eq!(table.list(id), &read_acl_unsafe());
    }

    #[test]
    fn a_list_that_no_znode_of_the_snapshot_has_is_freed() {
        let mut table = AclTable::default();
        table.restore(7, &read_acl_unsafe());
        table.restore(9, &open_acl_unsafe());
        table.add_use(AclId(9));
        table.purge_unused();
        assert_eq!(table.all(), [(9, open_acl_unsafe())]);
        assert_eq!(table.intern(Some(&read_acl_unsafe())), AclId(10));
    }
}
