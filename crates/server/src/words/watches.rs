//! wchs, wchc and wchp (`WatchCommand`): the watches of data and existence, as Apache shows those only.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use datatree::WatcherId;
use proto::SessionId;

use crate::limits;
use crate::shared::Shared;

/// The answer to wchs.
pub(super) fn summary(server: &Shared) -> String {
    let watchers = server.watchers.lock();
    let data = watchers.watches.data();
    let [connections, paths, watches] = [data.watcher_count(), data.path_count(), data.len()];
    drop(watchers);
    format!("{connections} connections watching {paths} paths\nTotal watches:{watches}\n")
}

/// The answer to wchc.
pub(super) async fn by_connection(server: &Shared) -> String {
    let mut text = String::new();
    for (session, paths) in take_down(server).await {
        let _ = writeln!(text, "{session}");
        for path in paths {
            let _ = writeln!(text, "\t{path}");
        }
    }
    text + "\n"
}

/// The answer to wchp.
pub(super) async fn by_path(server: &Shared) -> String {
    let mut by_path: BTreeMap<Arc<str>, BTreeSet<SessionId>> = BTreeMap::new();
    for (session, paths) in take_down(server).await {
        for path in paths {
            by_path.entry(path).or_default().insert(session);
        }
    }
    let mut text = String::new();
    for (path, sessions) in by_path {
        let _ = writeln!(text, "{path}");
        for session in sessions {
            let _ = writeln!(text, "\t{session}");
        }
    }
    text + "\n"
}

/// The paths that each connection watches, connections in the order in which they came. They are taken down one after the
/// other, not all in one moment.
pub(crate) async fn take_down(server: &Shared) -> Vec<(SessionId, Vec<Arc<str>>)> {
    let mut watchers: Vec<WatcherId> = server.watchers.lock().watches.data().watchers().collect();
    watchers.sort_unstable();
    let mut left = watchers.as_slice();
    let mut taken = Vec::new();
    while !left.is_empty() {
        left = take_slice(server, left, &mut taken);
        // Others wait for this thread too.
        tokio::task::yield_now().await;
    }
    taken
}

/// Takes some down under one lock; those that are left.
fn take_slice<'a>(
    server: &Shared,
    mut left: &'a [WatcherId],
    taken: &mut Vec<(SessionId, Vec<Arc<str>>)>,
) -> &'a [WatcherId] {
    let watchers = server.watchers.lock();
    let mut count = 0;
    while count < limits::WORD_WATCHES_SLICE
        && let Some((&watcher, rest)) = left.split_first()
    {
        left = rest;
        let paths: Vec<_> = watchers.watches.data().paths_of(watcher).cloned().collect();
        count += 1 + paths.len();
        // One that has ended meanwhile has none.
        if let (Some(connection), false) = (watchers.connections.get(&watcher), paths.is_empty()) {
            taken.push((connection.session_id(), paths));
        }
    }
    left
}
