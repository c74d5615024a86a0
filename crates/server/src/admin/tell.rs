//! What each command tells, as keys and values (Apache: the classes in `Commands`).

mod clients;
mod members;
mod stats;

use std::sync::atomic::Ordering::Relaxed;

use persistence::{Dir, find_snapshots};
use serde_json::{Map, Value, json};

use super::Admin;
use super::commands::{Answer, What};
use super::request::Asked;
use crate::config::properties::{self, Entry};
use crate::config::shown;
use crate::replica::Input;
use crate::words::configuration::{absolute, port};
use crate::words::{Role, environment, monitor, status};

/// What a command other than snapshot and restore says; `role` is there for those that need one.
pub(super) async fn answer(admin: &Admin, what: What, role: Option<Role>, asked: &Asked) -> Answer {
    let fields = match (role, what) {
        (_, What::Environment) => environment(),
        (_, What::GetTraceMask) => trace_mask(admin),
        (_, What::SetTraceMask) => set_trace_mask(admin, asked),
        (_, What::SystemProperties) => system_properties(admin),
        (role, What::ZabState) => members::zab_state(&admin.server, role),
        (Some(role), what) => match of_role(admin, what, role).await {
            Some(value) => value,
            None => return Answer::refused(hyper::StatusCode::OK, crate::words::NOT_SERVING),
        },
        (None, _) => unreachable!("a command that needs a role is refused without one"),
    };
    match fields {
        Value::Object(fields) => Answer::told(fields),
        other => unreachable!("{what:?} tells {other}"),
    }
}

/// None where the server has stopped meanwhile.
async fn of_role(admin: &Admin, what: What, role: Role) -> Option<Value> {
    let server = &admin.server;
    Some(match what {
        What::Configuration => configuration(admin),
        What::ConnectionStatReset => {
            server.reset_all_connection_stats();
            json!({})
        }
        What::Connections => clients::connections(server),
        What::Dirs => {
            let [data, log] = (server.sizes)();
            json!({"datadir_size": data, "logdir_size": log})
        }
        What::Dump => clients::dump(server, role).await?,
        What::Hash => digests(admin),
        What::InitialConfiguration => json!({"initial_configuration": admin.initial_configuration}),
        What::IsReadOnly => json!({"read_only": false}),
        What::LastSnapshot => last_snapshot(admin),
        What::Leader => members::leader(server, role).await,
        What::Monitor => monitor(admin, role),
        What::ObserverConnectionStatReset => {
            server.replica.push(Input::ResetObservers);
            json!({})
        }
        What::Observers => members::observers(server, role).await?,
        What::Ruok => json!({}),
        What::ServerStats => Value::Object(stats::of_server(server, role)),
        What::Stats => stats::with_connections(server, role),
        What::StatReset => {
            status::forget(server);
            json!({})
        }
        What::VotingView => members::voting_view(server),
        What::Watches => clients::watches(server).await,
        What::WatchesByPath => clients::watches_by_path(server).await,
        What::WatchSummary => clients::watch_summary(server),
        other => unreachable!("{other:?} is answered elsewhere"),
    })
}

/// `ZooKeeperServerConf.toMap`.
fn configuration(admin: &Admin) -> Value {
    let config = &admin.server.config;
    json!({
        "client_port": port(&admin.server.client_port, config.clients),
        "data_dir": absolute(&config.data_dir),
        "data_log_dir": absolute(&config.data_log_dir),
        "tick_time": config.tick_time_ms,
        "max_client_cnxns": config.max_client_cnxns,
        "min_session_timeout": config.min_session_timeout_ms,
        "max_session_timeout": config.max_session_timeout_ms,
        "server_id": members::own_id(&admin.server),
        "client_port_listen_backlog": config.listen_backlog,
    })
}

fn environment() -> Value {
    let values = environment::values().into_iter();
    values
        .map(|(key, value)| (key, Value::from(value)))
        .collect()
}

fn trace_mask(admin: &Admin) -> Value {
    json!({"tracemask": admin.server.trace_mask.load(Relaxed)})
}

/// The mask is only kept: what is logged is a matter of the configuration of logs.
fn set_trace_mask(admin: &Admin, asked: &Asked) -> Value {
    const WANTED: &str = "setTraceMask requires long traceMask argument";
    let Some(text) = asked.parameters.get("traceMask") else {
        return json!({"error": WANTED});
    };
    let Ok(mask) = text.parse::<i64>() else {
        return json!({"error": format!("{WANTED}, got {text}")});
    };
    admin.server.trace_mask.store(mask, Relaxed);
    json!({"tracemask": mask})
}

/// There is no JVM: what the operator has set. Passwords are not for everybody who asks.
fn system_properties(admin: &Admin) -> Value {
    let properties = admin.server.config.properties.iter();
    properties
        .map(|(name, setting)| (name, Value::from(shown(name, &setting.value))))
        .collect()
}

/// The text of a configuration file with its passwords hidden. Where one stands in another way than as `name=value` on a line
/// of its own, only what the file says is told, without its comments and in its plainest form.
pub(super) fn without_secrets(text: &str) -> String {
    let entries = match properties::parse(text.as_bytes()) {
        Ok(entries) => entries,
        Err(error) => return format!("# {error}\n"),
    };
    let has_lone_cr = text.replace("\r\n", "\n").contains('\r');
    let lines: Vec<&str> = text.lines().collect();
    let is_plain = |entry: &Entry| {
        let line = lines.get(entry.line - 1);
        line.is_some_and(|line| is_plain(entry, line))
    };
    let is_hidden = |entry: &Entry| shown_entry(&entry.key, &entry.value) != entry.value;
    if has_lone_cr || !entries.iter().filter(|e| is_hidden(e)).all(is_plain) {
        let told = |entry: &Entry| {
            let value = shown_entry(&entry.key, &entry.value);
            format!("{}={value}\n", entry.key)
        };
        return entries.iter().map(told).collect();
    }
    text.split_inclusive('\n').map(hidden_line).collect()
}

/// Whether this line is the whole entry, and has it as it means it.
fn is_plain(entry: &Entry, line: &str) -> bool {
    let parts = line.split_once('=');
    parts.is_some_and(|(name, value)| name.trim() == entry.key && value.trim_start() == entry.value)
}

fn shown_entry<'a>(key: &str, value: &'a str) -> &'a str {
    shown(&format!("zookeeper.{}", key.trim()), value)
}

/// With its line end. What is commented out may be a password as well, written in any way.
fn hidden_line(line: &str) -> String {
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (line, ""),
    };
    let comment = text.trim_start().strip_prefix(['#', '!']);
    match comment.map(|comment| properties::parse(comment.as_bytes())) {
        Some(Ok(entries)) => match entries.first() {
            Some(entry) if shown_entry(&entry.key, &entry.value) != entry.value => {
                format!("#{}=(hidden){end}", entry.key)
            }
            _ => line.to_owned(),
        },
        _ => match text.split_once('=') {
            Some((name, value)) => format!("{name}={}{end}", shown_entry(name, value)),
            None => line.to_owned(),
        },
    }
}

/// `DataTree.getDigestLog`.
fn digests(admin: &Admin) -> Value {
    let entries: Vec<_> = admin.server.tree.read().digest_log().collect();
    let entry = |entry: datatree::DigestLogEntry| {
        json!({
            "zxid": entry.zxid.0,
            "digest_version": datatree::DIGEST_VERSION,
            "digest": entry.digest,
        })
    };
    json!({"digests": entries.into_iter().map(entry).collect::<Vec<_>>()})
}

/// The newest that is on disk; of the time when it was written, seconds since 1970.
fn last_snapshot(admin: &Admin) -> Value {
    let (zxid, timestamp) =
        tokio::task::block_in_place(|| newest_snapshot(admin)).unwrap_or((-1, -1));
    json!({"zxid": format!("{zxid:x}"), "timestamp": timestamp})
}

fn newest_snapshot(admin: &Admin) -> Option<(i64, i64)> {
    let directory = &admin.directories.snapshots;
    let (zxid, name) = find_snapshots(directory).ok()?.into_iter().next()?;
    let changed = std::fs::metadata(directory.path().join(name))
        .ok()?
        .modified()
        .ok()?;
    let since = changed.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some((zxid.0, i64::try_from(since.as_secs()).ok()?))
}

fn monitor(admin: &Admin, role: Role) -> Value {
    let values = monitor::values(&admin.server, role).into_iter();
    let fields = values.map(|(key, value)| {
        let value = match value {
            monitor::Value::Integer(value) => value.into(),
            // As Jackson writes what is no number in JSON.
            monitor::Value::Double(value) if value.is_nan() => "NaN".into(),
            monitor::Value::Double(value) => value.into(),
            monitor::Value::Text(value) => value.into(),
        };
        (key, value)
    });
    Value::Object(Map::from_iter(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        let text = "# ssl.keyStore.password=a\nssl.keyStore.password = s3cret\n\nclientPort=2181\n\
                    DigestAuthenticationProvider.superDigest=super:s3cret=";
        let told = without_secrets(text);
        assert!(
            !told.contains("s3cret") && told.contains("clientPort=2181\n"),
            "{told}"
        );
        assert_eq!(told.lines().count(), text.lines().count());
        assert_eq!(without_secrets("a=b\n\n"), "a=b\n\n");
        for entry in [
            "ssl.keyStore.password: s3cret",
            "ssl.keyStore.password s3cret",
            "ssl.keyStore.password\ts3cret",
            "ssl.keyStore.password=\\\n  s3cret",
            "ssl.keyStore.password=a\\\r\n  s3cret",
            "ssl.keyStore.pass\\\nword=s3cret",
            "ssl.keyStore.pass\\u0077ord=s3cret",
            "ssl.keyStore.password:abc=s3cret",
            "ssl.keyStore.password=s3cret\\u0041",
            "syncLimit=5\rssl.keyStore.password=a=s3cret\rx=y",
            "#ssl.keyStore.password: s3cret",
            " ! ssl.keyStore.password s3cret",
            "ssl.keyStore.password = s3cret\r",
        ] {
            let told = without_secrets(&format!("tickTime=1\n{entry}\ninitLimit=2\n"));
            assert!(!told.contains("s3cret"), "{entry:?}: {told}");
            for kept in ["tickTime=1\n", "(hidden)", "initLimit=2\n"] {
                assert!(told.contains(kept), "{entry:?}: {told}");
            }
        }
        let bad = without_secrets("password=s3cret\nx=\\uzz\n");
        assert!(
            bad.starts_with("# line 2") && !bad.contains("s3cret"),
            "{bad}"
        );
    }
}
