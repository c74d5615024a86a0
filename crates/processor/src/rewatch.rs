//! Watches after a reconnect: what was missed is told, the rest is watched again
//! (`DataTree.setWatches`). Nobody asks for READ here.

use datatree::{DataTree, WatcherId, Watches};
use proto::records::SetWatches2;
use proto::{AddWatchMode, EventType, Ustring, Vector, Zxid};

use crate::read::{Malformed, some};

/// Adds the missed events to `missed`, in the order of the lists.
pub(crate) fn rewatch(
    tree: &DataTree,
    watches: &mut Watches,
    watcher: WatcherId,
    request: &SetWatches2<'_>,
    missed: &mut Vec<(EventType, String)>,
) -> Result<(), Malformed> {
    let since = request.relative_zxid;
    for path in paths(&request.data_watches)? {
        let path = some(path)?;
        match data_event(tree, path, since) {
            Some(event) => missed.push((event, path.to_owned())),
            None => watches.watch_data(path, watcher),
        }
    }
    for path in paths(&request.exist_watches)? {
        let path = some(path)?;
        match tree.get(path) {
            Some(_) => missed.push((EventType::NodeCreated, path.to_owned())),
            None => watches.watch_data(path, watcher),
        }
    }
    for path in paths(&request.child_watches)? {
        let path = some(path)?;
        match children_event(tree, path, since) {
            Some(event) => missed.push((event, path.to_owned())),
            None => watches.watch_children(path, watcher),
        }
    }
    for path in paths(&request.persistent_watches)? {
        watches.add(watched(path), watcher, AddWatchMode::Persistent);
    }
    for path in paths(&request.persistent_recursive_watches)? {
        watches.add(watched(path), watcher, AddWatchMode::PersistentRecursive);
    }
    Ok(())
}

fn paths<'p, 'a>(list: &'p Vector<Ustring<'a>>) -> Result<&'p [Ustring<'a>], Malformed> {
    list.as_deref().ok_or(Malformed)
}

/// Null is a key like others in Apache's tables of watches. Here it is the same as "": no event
/// ever names either.
pub(crate) fn watched<'p>(path: &'p Ustring<'_>) -> &'p str {
    path.as_deref().unwrap_or_default()
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
