//! Watches after a reconnect: what was missed is told, the rest is watched again
//! (`DataTree.setWatches`). Nobody asks for READ here.

use datatree::{DataTree, WatcherId, Watches};
use proto::records::SetWatches2;
use proto::{AddWatchMode, EventType, Ustring, Vector, Zxid};

use crate::read::{Malformed, some};

/// The missed events, in the order of the lists.
pub(crate) fn rewatch(
    tree: &DataTree,
    watches: &mut Watches,
    watcher: WatcherId,
    request: &SetWatches2<'_>,
) -> Result<Vec<(EventType, String)>, Malformed> {
    let mut missed = Vec::new();
    let since = request.relative_zxid;
    for path in paths(&request.data_watches)? {
        match data_event(tree, path, since) {
            Some(event) => missed.push((event, path.to_owned())),
            None => watches.watch_data(path, watcher),
        }
    }
    for path in paths(&request.exist_watches)? {
        match tree.get(path) {
            Some(_) => missed.push((EventType::NodeCreated, path.to_owned())),
            None => watches.watch_data(path, watcher),
        }
    }
    for path in paths(&request.child_watches)? {
        match children_event(tree, path, since) {
            Some(event) => missed.push((event, path.to_owned())),
            None => watches.watch_children(path, watcher),
        }
    }
    for path in paths(&request.persistent_watches)? {
        watches.add(path, watcher, AddWatchMode::Persistent);
    }
    for path in paths(&request.persistent_recursive_watches)? {
        watches.add(path, watcher, AddWatchMode::PersistentRecursive);
    }
    Ok(missed)
}

fn paths<'p>(list: &'p Vector<Ustring<'_>>) -> Result<Vec<&'p str>, Malformed> {
    list.as_ref().ok_or(Malformed)?.iter().map(some).collect()
}

fn data_event(tree: &DataTree, path: &str, since: Zxid) -> Option<EventType> {
    let Some(node) = tree.get(path) else {
        return Some(EventType::NodeDeleted);
    };
    (node.stored_stat().mzxid > since).then_some(EventType::NodeDataChanged)
}

fn children_event(tree: &DataTree, path: &str, since: Zxid) -> Option<EventType> {
    let Some(node) = tree.get(path) else {
        return Some(EventType::NodeDeleted);
    };
    (node.stored_stat().pzxid > since).then_some(EventType::NodeChildrenChanged)
}
