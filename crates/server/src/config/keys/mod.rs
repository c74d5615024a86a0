//! Owns the table of every configuration key and property of Apache ZooKeeper 3.9: what it means and how this version
//! treats it.
//!
//! Must not know any value's type (that is `build`'s) nor where a setting came from. `docs/configuration.md` is made
//! from this table, and a test compares the table with the inventory of Apache's keys.

mod ensemble;
mod features;
mod harmless;
mod own;
mod security;
mod standalone;

pub(super) use features::{READ_ONLY, RECONFIG};

/// One key or property.
#[derive(Debug)]
pub struct Row {
    /// The key in zoo.cfg, or the whole property name for [`Place::Property`]. `.*` at the end stands for any suffix.
    pub name: &'static str,
    /// Where it can be set.
    pub place: Place,
    /// The default, in words where it depends on something.
    pub default: &'static str,
    /// What this version does with it.
    pub treatment: Treatment,
    /// What it sets, with its unit.
    pub about: &'static str,
}

/// Where a setting can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In zoo.cfg only: `QuorumPeerConfig` reads the key itself.
    File,
    /// In zoo.cfg, where `QuorumPeerConfig` reads the key itself, or as this property.
    FileOr(&'static str),
    /// In zoo.cfg, or as the property `zookeeper.` and the key. zoo.cfg wins.
    Both,
    /// As a property only, by `-D`.
    Property,
}

/// What this version does with a setting.
#[derive(Debug, Clone, Copy)]
pub enum Treatment {
    /// It works: a field of [`Config`](super::Config) holds it.
    Used,
    /// It cannot matter here, for this reason. Accepted, and said once.
    Harmless(Why, Form),
    /// It works in an ensemble. On a standalone server, of Apache's too, it has no effect; accepted there, and said once.
    Ensemble(Form),
    /// It turns on a feature of ensembles that is not built yet: in an ensemble only these values are accepted. On a
    /// standalone server it has no effect; accepted there, and said once.
    EnsembleNotYet(&'static Feature, &'static [&'static str], Form),
    /// It tunes a feature that is not built yet and that something else turns on. Accepted, and said once.
    Dormant(&'static Feature),
    /// It turns on a feature that is not built yet: only these values, which leave the feature off, are accepted.
    NotYet(&'static Feature, &'static [&'static str]),
}

/// Why a setting cannot matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It tunes the JVM.
    Jvm,
    /// It tunes threads, buffers or caches that are built in another way here.
    OtherEngine,
    /// It chooses the library for TLS.
    TlsLibrary,
    /// It is about negotiating again on a connection with TLS.
    Renegotiation,
    /// Apache has it for connections of clients, too, but never asks for it there (`UnifiedServerSocket` is for servers).
    Unread,
    /// Only clients read it.
    Client,
    /// It is set by Apache's scripts for Java's logging.
    Logging,
    /// It belongs to Apache's own tests, or is no setting at all.
    Tests,
    /// It tunes how a leader brings learners in sync.
    Syncs,
    /// It is for servers with several addresses.
    Race,
    /// It is about the server's own tickets.
    OwnKerberos,
}

impl Why {
    /// The reason as a notice gives it.
    pub fn text(self) -> &'static str {
        match self {
            Why::Jvm => "no effect without a JVM",
            Why::OtherEngine => {
                "no effect, as threads, buffers and caches are built in another way"
            }
            Why::TlsLibrary => "no effect, as rustls is the library",
            Why::Renegotiation => "no effect, as no client may negotiate again",
            Why::Unread => "no effect, in Apache neither",
            Why::Client => "no effect, as only clients read it",
            Why::Logging => "no effect, as logging is not Java's",
            Why::Tests => "no effect outside Apache's own tests",
            Why::Syncs => "no effect, as a leader brings its learners in sync in another way",
            Why::Race => "no effect, as all addresses of a server are tried at once",
            Why::OwnKerberos => {
                "no effect, as the system's library has the tickets, and takes a new one when half of an old one's time is over"
            }
        }
    }
}

/// The values that Apache accepts for a setting that has no effect here.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// Anything.
    Any,
    /// A 32 bit decimal number.
    Int,
    /// A 64 bit decimal number.
    Long,
    /// `true` or `false` in any case.
    Bool,
    /// One of these, in any case.
    OneOf(&'static [&'static str]),
}

/// A feature that is not built yet.
#[derive(Debug, PartialEq, Eq)]
pub struct Feature {
    /// What it is, as a message names it.
    pub name: &'static str,
    /// What the operator can do.
    pub advice: &'static str,
}

impl Row {
    /// The name of the property, if there is one.
    pub fn property(&self) -> Option<String> {
        match self.place {
            Place::File => None,
            Place::FileOr(property) => Some(property.to_owned()),
            Place::Both => Some(format!("zookeeper.{}", self.name)),
            Place::Property => Some(self.name.to_owned()),
        }
    }

    /// True if `QuorumPeerConfig` reads the key itself and does not turn it into a property.
    pub fn is_read_from_file(&self) -> bool {
        matches!(self.place, Place::File | Place::FileOr(_))
    }
}

/// All rows.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [
        standalone::ROWS,
        features::ROWS,
        security::ROWS,
        ensemble::ROWS,
        harmless::ROWS,
        own::ROWS,
    ]
    .into_iter()
    .flatten()
}

/// The row of a key of zoo.cfg.
pub fn by_key(key: &str) -> Option<&'static Row> {
    best_match(key, |row| {
        (row.place != Place::Property).then(|| row.name.to_owned())
    })
}

/// The row of a property.
pub fn by_property(property: &str) -> Option<&'static Row> {
    best_match(property, Row::property)
}

/// The row whose name is `wanted`, else the one with the longest matching `prefix.*`.
fn best_match(wanted: &str, name: impl Fn(&Row) -> Option<String>) -> Option<&'static Row> {
    rows()
        .filter_map(|row| {
            let name = name(row)?;
            let score = match name.strip_suffix('*') {
                Some(prefix) => wanted.starts_with(prefix).then_some(prefix.len()),
                None => (wanted == name).then_some(usize::MAX),
            };
            score.map(|score| (score, row))
        })
        .max_by_key(|(score, _)| *score)
        .map(|(_, row)| row)
}

/// Names by which Apache's administrator's guide calls a key in zoo.cfg, and which do nothing there, with the name
/// that works.
const MISNAMED: [(&str, &str); 19] = [
    ("connectionMaxTokens", "connection_throttle_tokens"),
    ("connectionTokenFillTime", "connection_throttle_fill_time"),
    ("connectionTokenFillCount", "connection_throttle_fill_count"),
    ("connectionFreezeTime", "connection_throttle_freeze_time"),
    (
        "connectionDropIncrease",
        "connection_throttle_drop_increase",
    ),
    (
        "connectionDropDecrease",
        "connection_throttle_drop_decrease",
    ),
    (
        "connectionDecreaseRatio",
        "connection_throttle_decrease_ratio",
    ),
    ("requestThrottleLimit", "request_throttle_max_requests"),
    ("requestThrottleStallTime", "request_throttle_stall_time"),
    ("requestThrottleDropStale", "request_throttle_drop_stale"),
    ("requestStaleLatencyCheck", "request_stale_latency_check"),
    (
        "requestStaleConnectionCheck",
        "request_stale_connection_check",
    ),
    ("throttledOpWaitTime", "throttled_op_wait_time"),
    (
        "advancedFlowControlEnabled",
        "netty.advancedFlowControl.enabled",
    ),
    (
        "outstandingHandshake.limit",
        "netty.server.outstandingHandshake.limit",
    ),
    ("maxConcurrentSnapSyncs", "leader.maxConcurrentSnapSyncs"),
    ("maxConcurrentDiffSyncs", "leader.maxConcurrentDiffSyncs"),
    ("maxTimeToWaitForEpoch", "leader.maxTimeToWaitForEpoch"),
    ("authProvider", "authProvider.1"),
];

/// What an operator who wrote the unknown key `key` in zoo.cfg may have meant.
pub fn hint(key: &str) -> Option<String> {
    if let Some((_, name)) = MISNAMED.iter().find(|(misnamed, _)| *misnamed == key) {
        return Some(format!("the name that works is {name}"));
    }
    if rows().any(|row| row.place == Place::Property && row.name == key) {
        return Some(format!("it can be set by -D{key}=... only"));
    }
    if let Some(bare) = key
        .strip_prefix("zookeeper.")
        .filter(|bare| by_key(bare).is_some())
    {
        return Some(format!(
            "in the file it is written without zookeeper. in front: {bare}"
        ));
    }
    let similar =
        rows().find(|row| row.place != Place::Property && row.name.eq_ignore_ascii_case(key))?;
    Some(format!("is {} meant? Capital letters count", similar.name))
}

const fn file(
    name: &'static str,
    default: &'static str,
    treatment: Treatment,
    about: &'static str,
) -> Row {
    Row {
        name,
        place: Place::File,
        default,
        treatment,
        about,
    }
}

const fn key(
    name: &'static str,
    default: &'static str,
    treatment: Treatment,
    about: &'static str,
) -> Row {
    Row {
        name,
        place: Place::Both,
        default,
        treatment,
        about,
    }
}

const fn property(
    name: &'static str,
    default: &'static str,
    treatment: Treatment,
    about: &'static str,
) -> Row {
    Row {
        name,
        place: Place::Property,
        default,
        treatment,
        about,
    }
}

#[cfg(test)]
mod tests;
