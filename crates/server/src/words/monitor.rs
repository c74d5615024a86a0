//! mntr (`MonitorCommand`).

use std::fmt::Write;

use super::{Role, version};
use crate::config::MetricsProvider;
use crate::metrics::samples::{Plain, Sample, by_default_provider};
use crate::metrics::{for_prometheus, gauges};
use crate::shared::Shared;
use crate::stats::java_double;

/// What a key of mntr, and of the admin server, is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A whole number.
    Integer(i64),
    /// Another one.
    Double(f64),
    /// Words.
    Text(String),
}

impl Value {
    /// As Prometheus wants it; words are no number.
    pub fn number(&self) -> f64 {
        match self {
            Value::Integer(value) => *value as f64,
            Value::Double(value) => *value,
            Value::Text(_) => f64::NAN,
        }
    }

    /// As Java writes it.
    fn text(&self) -> String {
        match self {
            Value::Integer(value) => value.to_string(),
            Value::Double(value) => java_double(*value),
            Value::Text(text) => text.clone(),
        }
    }
}

/// The answer.
pub(super) fn all(server: &Shared, role: Role) -> String {
    let mut text = String::new();
    for (key, value) in values(server, role) {
        let _ = writeln!(text, "zk_{key}\t{}", value.text());
    }
    text
}

/// Every key without `zk_` and its value, in mntr's order: what the server is, then what the metrics provider tells.
pub(crate) fn values(server: &Shared, role: Role) -> Vec<(String, Value)> {
    let mut values = head(server, role);
    match server.config.metrics {
        MetricsProvider::Null => {}
        MetricsProvider::Default => values.extend(of_default_provider(server, role)),
        MetricsProvider::Prometheus(_) => {
            for family in for_prometheus(server, Some(role)) {
                let line = |sample| prometheus_line(&family.name, sample);
                values.extend(family.samples.iter().map(line));
            }
        }
    }
    values
}

/// What stands in front (`dumpMonitorValues`).
fn head(server: &Shared, role: Role) -> Vec<(String, Value)> {
    let text = |key: &str, text: &str| (key.to_owned(), Value::Text(text.to_owned()));
    let mut values = vec![
        text("version", &version()),
        text("server_state", role.name()),
    ];
    // Who serves is in Apache's phase of broadcast.
    let state = match role {
        Role::Standalone => None,
        Role::Leader => Some("leading - broadcast"),
        Role::Follower => Some("following - broadcast"),
        Role::Observer => Some("observing - broadcast"),
    };
    values.extend(state.map(|state| text("peer_state", state)));
    if let (Role::Observer, Some(leader)) = (role, server.standing.lock().leader()) {
        let master = Value::Integer(leader.0);
        values.push(("observer_master_id".to_owned(), master));
    }
    values
}

/// Gauges, counters, summaries. It also has what only we count, for who looked there before there was a page.
fn of_default_provider(server: &Shared, role: Role) -> Vec<(String, Value)> {
    server.refresh_metrics();
    let gauges = gauges::all(server, role).into_iter();
    let gauges = gauges.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let mut values: Vec<_> = gauges.collect();
    for (name, by_namespace) in gauges::quotas(&server.tree.read()) {
        let by_namespace = by_namespace.into_iter();
        values.extend(
            by_namespace.map(|(key, value)| (format!("{key}_{name}"), Value::Integer(value))),
        );
    }
    let slow_fsyncs = server
        .stats
        .slow_fsyncs
        .load(std::sync::atomic::Ordering::Relaxed);
    values.push((
        "fsync_threshold_exceed_count".to_owned(),
        Value::Integer(slow_fsyncs as i64),
    ));
    let metrics = by_default_provider(&server.metrics).into_iter();
    values.extend(metrics.map(|(key, value)| (key, Value::from(value))));
    values
}

impl From<Plain> for Value {
    fn from(value: Plain) -> Self {
        match value {
            Plain::Integer(value) => Value::Integer(value),
            Plain::Double(value) => Value::Double(value),
        }
    }
}

/// `PrometheusMetricsProvider.buildKeyForDump`: every number is a double there, and nothing in a label is escaped.
fn prometheus_line(name: &str, sample: &Sample) -> (String, Value) {
    let labels = sample
        .labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""));
    let labels: Vec<_> = labels.collect();
    let labels = match labels.is_empty() {
        true => String::new(),
        false => format!("{{{}}}", labels.join(",")),
    };
    let key = format!("{name}{}{labels}", sample.suffix);
    (key, Value::Double(sample.value))
}
