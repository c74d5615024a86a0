//! Watches: who hears of which change (`WatchManager`, `DataTree`'s triggers).
//!
//! A watcher is a connection. A one-shot watch is used up by the event even when the watcher may
//! not see it; who may see it is asked outside, with the list that comes with the event.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use proto::{AddWatchMode, EventType, WatcherType};

use crate::acl::AclList;
use crate::apply::Change;

/// A connection that watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatcherId(pub u64);

/// An event for one watcher.
#[derive(Debug)]
pub struct Event<'a> {
    /// Who hears of it, if `acl` lets it read.
    pub watcher: WatcherId,
    /// What happened.
    pub kind: EventType,
    /// To which znode.
    pub path: &'a str,
    /// Whose READ decides.
    pub acl: &'a AclList,
}

/// Modes of one watcher on one path, as bits (`WatchStats`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Modes(u8);

impl Modes {
    const STANDARD: Modes = Modes(1);
    const PERSISTENT: Modes = Modes(2);
    const RECURSIVE: Modes = Modes(4);
    const ANY: Modes = Modes(7);

    fn has(self, mode: Modes) -> bool {
        self.0 & mode.0 != 0
    }

    fn without(self, mode: Modes) -> Modes {
        Modes(self.0 & !mode.0)
    }
}

/// One table of watches: of data, or of children.
#[derive(Debug, Default)]
pub struct WatchTable {
    by_path: HashMap<Arc<str>, BTreeMap<WatcherId, Modes>>,
    by_watcher: HashMap<WatcherId, HashSet<Arc<str>>>,
    recursive: usize,
    /// Pairs of watcher and path.
    count: usize,
}

impl WatchTable {
    fn add(&mut self, path: &str, watcher: WatcherId, mode: Modes) {
        let key = match self.by_path.get_key_value(path) {
            Some((key, _)) => key.clone(),
            None => Arc::from(path),
        };
        let watchers = self.by_path.entry(key.clone()).or_default();
        let modes = watchers.entry(watcher).or_default();
        self.count += usize::from(*modes == Modes::default());
        self.recursive += usize::from(mode == Modes::RECURSIVE && !modes.has(mode));
        modes.0 |= mode.0;
        self.by_watcher.entry(watcher).or_default().insert(key);
    }

    fn has(&self, path: &str, watcher: WatcherId, mode: Modes) -> bool {
        let modes = self
            .by_path
            .get(path)
            .and_then(|watchers| watchers.get(&watcher));
        modes.is_some_and(|modes| modes.has(mode))
    }

    /// Removes the modes asked for; was there any?
    fn remove(&mut self, path: &str, watcher: WatcherId, mode: Modes) -> bool {
        let Some(watchers) = self.by_path.get_mut(path) else {
            return false;
        };
        let Some(modes) = watchers.get_mut(&watcher) else {
            return false;
        };
        let before = *modes;
        *modes = modes.without(mode);
        self.recursive -= usize::from(before.has(Modes::RECURSIVE) && !modes.has(Modes::RECURSIVE));
        let changed = *modes != before;
        if *modes == Modes::default() {
            watchers.remove(&watcher);
            self.count -= 1;
            self.forget(path, watcher);
        }
        changed
    }

    /// After a watcher's last mode on a path went: drops empty entries.
    fn forget(&mut self, path: &str, watcher: WatcherId) {
        if self.by_path.get(path).is_some_and(BTreeMap::is_empty) {
            self.by_path.remove(path);
        }
        if let Some(paths) = self.by_watcher.get_mut(&watcher) {
            paths.remove(path);
            if paths.is_empty() {
                self.by_watcher.remove(&watcher);
            }
        }
    }

    fn remove_watcher(&mut self, watcher: WatcherId) {
        for path in self.by_watcher.remove(&watcher).into_iter().flatten() {
            let Some(watchers) = self.by_path.get_mut(&path) else {
                continue;
            };
            let modes = watchers.remove(&watcher).unwrap_or_default();
            self.count -= 1;
            self.recursive -= usize::from(modes.has(Modes::RECURSIVE));
            if watchers.is_empty() {
                self.by_path.remove(&path);
            }
        }
    }

    /// Who hears of a change at `path`: those on it, whose one-shot watches are used up, and the
    /// recursive ones above it.
    fn trigger(&mut self, path: &str) -> BTreeSet<WatcherId> {
        let mut heard: BTreeSet<WatcherId> = BTreeSet::new();
        if let Some(watchers) = self.by_path.get(path) {
            heard.extend(watchers.keys());
        }
        for &watcher in &heard {
            self.remove(path, watcher, Modes::STANDARD);
        }
        if self.recursive > 0 {
            for parent in parents(path) {
                let watchers = self.by_path.get(parent).into_iter().flatten();
                let recursive = watchers.filter(|(_, modes)| modes.has(Modes::RECURSIVE));
                heard.extend(recursive.map(|(&watcher, _)| watcher));
            }
        }
        heard
    }

    /// Watches, counted once for each watcher and path.
    pub fn len(&self) -> usize {
        self.count
    }

    /// No watches at all?
    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }

    /// Connections that watch.
    pub fn watcher_count(&self) -> usize {
        self.by_watcher.len()
    }

    /// Which these are, in no order.
    pub fn watchers(&self) -> impl Iterator<Item = WatcherId> + '_ {
        self.by_watcher.keys().copied()
    }

    /// The paths that one watches, in no order.
    pub fn paths_of(&self, watcher: WatcherId) -> impl Iterator<Item = &Arc<str>> {
        self.by_watcher.get(&watcher).into_iter().flatten()
    }

    /// Paths that are watched.
    pub fn path_count(&self) -> usize {
        self.by_path.len()
    }
}

/// The paths above one, nearest first, the root last.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| match path.rfind('/')? {
        0 if path.len() == 1 => None,
        0 => Some("/"),
        slash => Some(&path[..slash]),
    })
    .skip(1)
}

/// All watches of a server.
#[derive(Debug, Default)]
pub struct Watches {
    data: WatchTable,
    children: WatchTable,
}

impl Watches {
    /// Leaves a one-shot watch of data and existence.
    pub fn watch_data(&mut self, path: &str, watcher: WatcherId) {
        self.data.add(path, watcher, Modes::STANDARD);
    }

    /// Leaves a one-shot watch of the children.
    pub fn watch_children(&mut self, path: &str, watcher: WatcherId) {
        self.children.add(path, watcher, Modes::STANDARD);
    }

    /// Adds a persistent watch (`DataTree.addWatch`).
    pub fn add(&mut self, path: &str, watcher: WatcherId, mode: AddWatchMode) {
        match mode {
            AddWatchMode::Persistent => {
                self.data.add(path, watcher, Modes::PERSISTENT);
                self.children.add(path, watcher, Modes::PERSISTENT);
            }
            AddWatchMode::PersistentRecursive => self.data.add(path, watcher, Modes::RECURSIVE),
        }
    }

    /// Is there a watch of that type? (`DataTree.containsWatcher`)
    pub fn contains(&self, path: &str, watcher: WatcherId, kind: WatcherType) -> bool {
        match kind {
            WatcherType::Children => self.children.has(path, watcher, Modes::STANDARD),
            WatcherType::Data => self.data.has(path, watcher, Modes::STANDARD),
            WatcherType::Persistent => self.data.has(path, watcher, Modes::PERSISTENT),
            WatcherType::PersistentRecursive => self.data.has(path, watcher, Modes::RECURSIVE),
            WatcherType::Any => {
                self.children.has(path, watcher, Modes::ANY)
                    || self.data.has(path, watcher, Modes::ANY)
            }
        }
    }

    /// Removes the watches of that type; was there any? (`DataTree.removeWatch`)
    pub fn remove(&mut self, path: &str, watcher: WatcherId, kind: WatcherType) -> bool {
        let (children, data) = match kind {
            WatcherType::Children => (Modes::STANDARD, Modes::default()),
            WatcherType::Data => (Modes::default(), Modes::STANDARD),
            WatcherType::Persistent => (Modes::PERSISTENT, Modes::PERSISTENT),
            WatcherType::PersistentRecursive => (Modes::default(), Modes::RECURSIVE),
            WatcherType::Any => (Modes::ANY, Modes::ANY),
        };
        let from_children = self.children.remove(path, watcher, children);
        let from_data = self.data.remove(path, watcher, data);
        from_children || from_data
    }

    /// Removes all watches of a connection that has ended.
    pub fn remove_watcher(&mut self, watcher: WatcherId) {
        self.data.remove_watcher(watcher);
        self.children.remove_watcher(watcher);
    }

    /// The table of data watches: the words wchs, wchc and wchp show this one only.
    pub fn data(&self) -> &WatchTable {
        &self.data
    }

    /// Watches of both tables: a persistent watch is in both.
    pub fn len(&self) -> usize {
        self.data.len() + self.children.len()
    }

    /// No watches at all?
    pub fn is_empty(&self) -> bool {
        self.data.is_empty() && self.children.is_empty()
    }

    /// Finds who hears of a change, in Apache's order of tables.
    pub fn fire(&mut self, change: &Change<'_>, hear: &mut dyn FnMut(Event<'_>)) {
        match *change {
            Change::Created {
                path,
                acl,
                parent_path,
                parent_acl,
                ..
            } => {
                Self::tell(
                    self.data.trigger(path),
                    EventType::NodeCreated,
                    path,
                    acl,
                    hear,
                );
                self.children_changed(parent_path, parent_acl, hear);
            }
            Change::DataChanged { path, acl, .. } => {
                Self::tell(
                    self.data.trigger(path),
                    EventType::NodeDataChanged,
                    path,
                    acl,
                    hear,
                );
            }
            Change::Deleted {
                path,
                acl,
                parent_path,
                parent_acl,
            } => {
                let told = self.data.trigger(path);
                // One who watches both data and children hears of it once.
                let also = &self.children.trigger(path) - &told;
                Self::tell(told, EventType::NodeDeleted, path, acl, hear);
                Self::tell(also, EventType::NodeDeleted, path, acl, hear);
                self.children_changed(parent_path, parent_acl, hear);
            }
        }
    }

    fn children_changed(&mut self, path: &str, acl: &AclList, hear: &mut dyn FnMut(Event<'_>)) {
        let path = if path.is_empty() { "/" } else { path };
        let told = self.children.trigger(path);
        Self::tell(told, EventType::NodeChildrenChanged, path, acl, hear);
    }

    fn tell(
        told: BTreeSet<WatcherId>,
        kind: EventType,
        path: &str,
        acl: &AclList,
        hear: &mut dyn FnMut(Event<'_>),
    ) {
        for watcher in told {
            hear(Event {
                watcher,
                kind,
                path,
                acl,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::open_acl_unsafe;

    const ME: WatcherId = WatcherId(1);
    const OTHER: WatcherId = WatcherId(2);

    fn fire(watches: &mut Watches, change: &Change<'_>) -> Vec<(u64, EventType, String)> {
        let mut events = Vec::new();
        watches.fire(change, &mut |event| {
            events.push((event.watcher.0, event.kind, event.path.to_owned()));
        });
        events
    }

    fn created(
        watches: &mut Watches,
        parent_path: &str,
        path: &str,
    ) -> Vec<(u64, EventType, String)> {
        let acl = &open_acl_unsafe();
        fire(
            watches,
            &Change::Created {
                path,
                bytes: 0,
                acl,
                parent_path,
                parent_acl: acl,
            },
        )
    }

    fn deleted(
        watches: &mut Watches,
        parent_path: &str,
        path: &str,
    ) -> Vec<(u64, EventType, String)> {
        let acl = &open_acl_unsafe();
        fire(
            watches,
            &Change::Deleted {
                path,
                acl,
                parent_path,
                parent_acl: acl,
            },
        )
    }

    #[test]
    fn a_one_shot_watch_fires_once() {
        let mut watches = Watches::default();
        watches.watch_data("/a", ME);
        assert_eq!(
            created(&mut watches, "", "/a"),
            [(1, EventType::NodeCreated, "/a".into())]
        );
        assert_eq!(created(&mut watches, "", "/a"), []);
        assert!(watches.is_empty());
    }

    #[test]
    fn data_and_child_watch_of_one_connection_hear_of_a_deletion_once() {
        let mut watches = Watches::default();
        watches.watch_data("/a", ME);
        watches.watch_children("/a", ME);
        watches.watch_children("/a", OTHER);
        let events = deleted(&mut watches, "", "/a");
        let gone = |who| (who, EventType::NodeDeleted, "/a".to_owned());
        assert_eq!(events, [gone(1), gone(2)]);
        assert!(watches.is_empty());
    }

    #[test]
    fn a_recursive_watch_hears_of_all_below_but_never_of_children_changed() {
        let mut watches = Watches::default();
        watches.add("/", ME, AddWatchMode::PersistentRecursive);
        watches.add("/a", OTHER, AddWatchMode::Persistent);
        for _ in 0..2 {
            let events = created(&mut watches, "/a", "/a/b");
            assert_eq!(
                events,
                [
                    (1, EventType::NodeCreated, "/a/b".into()),
                    (2, EventType::NodeChildrenChanged, "/a".into()),
                ]
            );
        }
    }

    #[test]
    fn removal_takes_the_modes_asked_for_and_says_if_there_were_any() {
        let mut watches = Watches::default();
        watches.watch_data("/a", ME);
        watches.add("/a", ME, AddWatchMode::Persistent);
        assert!(!watches.remove("/a", ME, WatcherType::Children));
        assert!(watches.remove("/a", ME, WatcherType::Data));
        assert!(!watches.remove("/a", ME, WatcherType::Data));
        assert!(watches.contains("/a", ME, WatcherType::Persistent));
        assert!(watches.contains("/a", ME, WatcherType::Any));
        assert!(watches.remove("/a", ME, WatcherType::Any));
        assert!(watches.is_empty());
    }

    #[test]
    fn a_connection_that_ends_leaves_nothing() {
        let mut watches = Watches::default();
        watches.add("/a", ME, AddWatchMode::PersistentRecursive);
        watches.watch_children("/b", ME);
        watches.remove_watcher(ME);
        assert!(watches.is_empty());
        assert_eq!(created(&mut watches, "/a", "/a/b"), []);
        assert_eq!(watches.data.recursive, 0);
    }

    #[test]
    fn the_parents_of_a_path_end_with_the_root() {
        assert_eq!(parents("/a/b").collect::<Vec<_>>(), ["/a", "/"]);
        assert_eq!(parents("/a").collect::<Vec<_>>(), ["/"]);
        assert_eq!(parents("/").count(), 0);
    }
}
