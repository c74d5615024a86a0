//! Connections, sessions and watches.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use proto::SessionId;
use serde_json::{Map, Value, json};

use crate::connection::Connection;
use crate::shared::Shared;
use crate::words::connections::interest;
use crate::words::{Role, dump, watches};

/// cons.
pub(super) fn connections(server: &Shared) -> Value {
    by_port(server, whole)
}

/// The connections of each port, described by `describe`.
pub(super) fn by_port(server: &Shared, describe: fn(&Connection) -> Value) -> Value {
    let (secure, plain): (Vec<_>, Vec<_>) = server
        .connections()
        .into_iter()
        .partition(|connection| connection.on_secure_port);
    let all = |connections: Vec<Arc<Connection>>| -> Value {
        connections
            .iter()
            .map(|connection| describe(connection))
            .collect()
    };
    json!({"connections": all(plain), "secure_connections": all(secure)})
}

/// `ServerCnxn.getConnectionInfo`, brief.
pub(super) fn brief(connection: &Connection) -> Value {
    let traffic = &connection.traffic;
    json!({
        "remote_socket_address": jackson_address(connection.remote),
        "interest_ops": interest(connection),
        "outstanding_requests": traffic.outstanding.load(Relaxed).max(0),
        "packets_received": traffic.received.load(Relaxed),
        "packets_sent": traffic.sent.load(Relaxed),
    })
}

fn whole(connection: &Connection) -> Value {
    let (figures, _) = connection.figures();
    let timeout_ms = connection.session.get().map_or(0, |bound| bound.timeout_ms);
    // Where Java has no object, a text of the same name stands in the word cons.
    let operation = Some(figures.last_name).filter(|name| *name != "null");
    let mut value = brief(connection);
    let more = json!({
        "session_id": connection.session_id().0,
        "last_operation": operation,
        "established": connection.established_ms,
        "session_timeout": timeout_ms,
        "last_cxid": figures.last_cxid,
        "last_zxid": figures.last_zxid.0,
        "last_response_time": figures.last_response_ms,
        "last_latency": figures.last_latency_ms,
        "min_latency": figures.least_ms(),
        "avg_latency": figures.mean_ms(),
        "max_latency": figures.most_ms,
    });
    if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
        value.extend(more);
    }
    value
}

/// As Jackson writes an `InetSocketAddress` without a name.
pub(super) fn jackson_address(address: SocketAddr) -> String {
    let host = listener::java_host_address(address.ip());
    match host.contains(':') {
        true => format!("[{host}]:{}", address.port()),
        false => format!("{host}:{}", address.port()),
    }
}

/// dump: a learner's sessions expire elsewhere. None where the server has stopped meanwhile.
pub(super) async fn dump(server: &Shared, role: Role) -> Option<Value> {
    let mut expiring: BTreeMap<i64, Vec<SessionId>> = BTreeMap::new();
    let decides = matches!(role, Role::Standalone | Role::Leader);
    if decides && server.config.has_local_sessions() {
        expiring = dump::expiring(server, true).await?;
    }
    if decides {
        for (time, sessions) in dump::expiring(server, false).await? {
            expiring.entry(time).or_default().extend(sessions);
        }
    }
    let times = expiring.into_iter();
    let times: Map<_, _> = times
        .map(|(time, sessions)| (time.to_string(), numbers(sessions)))
        .collect();
    let ephemerals = dump::all_ephemerals(server).await.into_iter();
    let ephemerals: Map<_, _> = ephemerals
        .map(|(session, paths)| (session.0.to_string(), Value::from(paths)))
        .collect();
    Some(json!({"expiry_time_to_session_ids": times, "session_id_to_ephemeral_paths": ephemerals}))
}

fn numbers(sessions: impl IntoIterator<Item = SessionId>) -> Value {
    sessions
        .into_iter()
        .map(|session| Value::from(session.0))
        .collect()
}

/// wchc.
pub(super) async fn watches(server: &Shared) -> Value {
    let mut by_session: BTreeMap<SessionId, BTreeSet<Arc<str>>> = BTreeMap::new();
    for (session, paths) in watches::take_down(server).await {
        by_session.entry(session).or_default().extend(paths);
    }
    let sessions: Map<_, _> = by_session
        .into_iter()
        .map(|(session, paths)| {
            let paths = paths.iter().map(|path| Value::from(&**path));
            (session.0.to_string(), paths.collect())
        })
        .collect();
    json!({"session_id_to_watched_paths": sessions})
}

/// wchp.
pub(super) async fn watches_by_path(server: &Shared) -> Value {
    let mut by_path: BTreeMap<Arc<str>, BTreeSet<SessionId>> = BTreeMap::new();
    for (session, paths) in watches::take_down(server).await {
        for path in paths {
            by_path.entry(path).or_default().insert(session);
        }
    }
    let paths = by_path.into_iter();
    let paths: Map<_, _> = paths
        .map(|(path, sessions)| (path.to_string(), numbers(sessions)))
        .collect();
    json!({"path_to_session_ids": paths})
}

/// wchs.
pub(super) fn watch_summary(server: &Shared) -> Value {
    let watchers = server.watchers.lock();
    let data = watchers.watches.data();
    json!({
        "num_connections": data.watcher_count(),
        "num_paths": data.path_count(),
        "num_total_watches": data.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_jackson_writes_them() {
        for (address, text) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[0:0:0:0:0:0:0:1]:80"),
        ] {
            assert_eq!(jackson_address(address.parse().expect("an address")), text);
        }
    }
}
