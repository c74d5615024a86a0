//! Owns the log: the form of its lines, which levels are said, and the bound on lines that repeat.
//!
//! Must not know what is logged. Lines go to stderr, which Apache's scripts and images send to the same place as stdout.

mod bound;
mod form;
mod levels;

use std::io::stderr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{Config, LogFormat};
use bound::Bound;
use form::{Json, Text};
use levels::Levels;

/// The target of the audit's lines: Apache's logger `org.apache.zookeeper.audit.Slf4jAuditLogger`.
pub const AUDIT: &str = "audit";

/// Begins to log, as the configuration says; once in a process.
pub fn begin(config: &Config) {
    let myid = config
        .ensemble
        .as_ref()
        .map_or_else(String::new, |ensemble| ensemble.me.0.to_string());
    let (levels, notice) = Levels::find(config);
    let bound = Bound::begin();
    let lines = fmt::layer().with_writer(stderr).with_ansi(false);
    let lines = match config.log.format {
        LogFormat::Text => lines.event_format(Text { myid }).with_filter(bound).boxed(),
        LogFormat::Json => lines.event_format(Json { myid }).with_filter(bound).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter(&levels))
        .with(lines)
        .init();
    if let Some(notice) = notice {
        tracing::warn!("{notice}");
    }
}

/// RUST_LOG where it is set, for it can say more than Java's files can.
fn filter(levels: &Levels) -> EnvFilter {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) if !directives.is_empty() => builder.parse_lossy(directives),
        _ => builder.parse_lossy(levels.directives()),
    }
}
