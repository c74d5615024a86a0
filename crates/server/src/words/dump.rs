//! dump (`DumpCommand`): sessions, their ephemeral znodes, and connections, with the times at which they expire.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::SessionId;
use tokio::sync::oneshot;

use super::Role;
use crate::clock;
use crate::connection::Connection;
use crate::limits;
use crate::replica::Input;
use crate::shared::Shared;

/// How long the replica may take to tell its sessions. It does so between two txns, unless it is stopping.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The answer to dump; none where the server has stopped meanwhile.
pub(super) async fn all(server: &Shared, asker: &Connection, role: Role) -> Option<String> {
    let mut text = "SessionTracker dump:\n".to_owned();
    let has_local = server.config.has_local_sessions();
    if has_local {
        text += &own_sessions(server, "Local Session", true).await?;
    }
    text += &match role {
        Role::Follower | Role::Observer => leaders_sessions(server),
        Role::Leader if has_local => own_sessions(server, "Global Session", false).await?,
        Role::Standalone | Role::Leader => own_sessions(server, "Session", false).await?,
    };
    text += "ephemeral nodes dump:\n";
    text += &ephemerals(server).await;
    text += "Connections dump:\n";
    text += &connections(server, asker);
    Some(text)
}

/// Those that this server lets expire: in its buckets (`SessionTrackerImpl.dumpSessions`).
async fn own_sessions(server: &Shared, title: &str, local: bool) -> Option<String> {
    Some(buckets(title, &expiring(server, local).await?))
}

/// The sessions that this server lets expire, by monotonic ms; none where the server has stopped meanwhile.
pub(crate) async fn expiring(
    server: &Shared,
    local: bool,
) -> Option<BTreeMap<i64, Vec<SessionId>>> {
    let (asker, told) = oneshot::channel();
    server.replica.push(Input::ListSessions { local, asker });
    let mut sessions = tokio::time::timeout(PATIENCE, told).await.ok()?.ok()?;
    sessions.values_mut().for_each(|ids| ids.sort_unstable());
    Some(sessions)
}

/// Of a learner: it knows their timeouts, its leader when they expire (`LearnerSessionTracker.dumpSessions`).
fn leaders_sessions(server: &Shared) -> String {
    let sessions = server.tree.read().sessions().clone();
    let mut text = format!("Global Sessions({}):\n", sessions.len());
    for (session, timeout_ms) in BTreeMap::from_iter(sessions) {
        let _ = writeln!(text, "{session}\t{timeout_ms}ms");
    }
    text
}

/// `DataTree.dumpEphemerals`.
async fn ephemerals(server: &Shared) -> String {
    let sessions = all_ephemerals(server).await;
    let mut text = format!("Sessions with Ephemerals ({}):\n", sessions.len());
    for (session, paths) in sessions {
        let _ = writeln!(text, "{session}:");
        for path in paths {
            let _ = writeln!(text, "\t{path}");
        }
    }
    text
}

/// The ephemeral znodes of each session, taken down one after the other, not all in one moment.
pub(crate) async fn all_ephemerals(server: &Shared) -> Vec<(SessionId, Vec<String>)> {
    let sessions: Vec<SessionId> = server.tree.read().sessions_with_ephemerals().collect();
    let mut left = sessions.as_slice();
    let mut taken = Vec::new();
    while !left.is_empty() {
        taken.extend(take_ephemerals(server, &mut left));
        // Others wait for this thread too.
        tokio::task::yield_now().await;
    }
    taken
}

/// Those of some sessions, which are no longer left then.
fn take_ephemerals(server: &Shared, left: &mut &[SessionId]) -> Vec<(SessionId, Vec<String>)> {
    let tree = server.tree.read();
    let mut taken = Vec::new();
    let mut count = 0;
    while count < limits::WORD_EPHEMERALS_SLICE
        && let Some((&session, rest)) = left.split_first()
    {
        *left = rest;
        let paths: Vec<String> = tree.ephemerals(session).collect();
        count += 1 + paths.len();
        taken.push((session, paths));
    }
    taken
}

/// `NIOServerCnxnFactory.dumpConnections`: a connection ends with its session; one without a session when the time is over in
/// which it has to ask for one. Apache looks at them in intervals of that time.
fn connections(server: &Shared, asker: &Connection) -> String {
    let interval_ms = i64::from(server.config.sessionless_cnxn_timeout_ms).max(1);
    let mut by_end: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for connection in server.connections_beside(asker) {
        let end_ms = match connection.session.get() {
            Some(bound) => bound.handle.deadline_ms(),
            None => elapsed(connection.established_ms) + interval_ms,
        };
        let bucket_ms = (end_ms / interval_ms + 1) * interval_ms;
        by_end.entry(bucket_ms).or_default().push(name(&connection));
    }
    buckets("Connections", &by_end)
}

fn name(connection: &Connection) -> String {
    let (address, port) = (&connection.address, connection.remote.port());
    let session = connection.session_id();
    format!("ip: /{address}:{port} sessionId: {session}")
}

/// `ExpiryQueue.dump`; by monotonic ms.
fn buckets<T: Display>(title: &str, buckets: &BTreeMap<i64, Vec<T>>) -> String {
    let count: usize = buckets.values().map(Vec::len).sum();
    let mut text = format!("{title} Sets ({})/({count}):\n", buckets.len());
    let zone = TimeZone::system();
    for (&time_ms, elements) in buckets {
        let wall_ms = clock::wall_ms() + time_ms - clock::monotonic_ms();
        let date = java_date(wall_ms, &zone);
        let _ = writeln!(text, "{} expire at {date}:", elements.len());
        for element in elements {
            let _ = writeln!(text, "\t{element}");
        }
    }
    text
}

/// On the monotonic clock.
fn elapsed(wall_ms: i64) -> i64 {
    wall_ms - clock::wall_ms() + clock::monotonic_ms()
}

/// As Java's `Date.toString`.
pub(super) fn java_date(wall_ms: i64, zone: &TimeZone) -> String {
    let time = Timestamp::from_millisecond(wall_ms).unwrap_or(Timestamp::MAX);
    let time = time.to_zoned(zone.clone());
    time.strftime("%a %b %d %H:%M:%S %Z %Y").to_string()
}
