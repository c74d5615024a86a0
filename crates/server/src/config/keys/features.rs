//! The keys of features that are not built yet, other than security.

use super::Treatment::{Dormant, NotYet};
use super::{Feature, Row, file, key};

pub(in super::super) const RECONFIG: Feature = Feature {
    name: "a reconfiguration of the ensemble at run time",
    advice: "finish it on Apache ZooKeeper, then remove reconfigEnabled or set it to false",
};
pub(in super::super) const READ_ONLY: Feature = Feature {
    name: "read-only mode without a quorum",
    advice: "remove readonlymode.enabled or set it to false",
};
pub(super) const ORACLE: Feature = Feature {
    name: "an oracle",
    advice: "remove the line and run three servers, or stay on Apache ZooKeeper for this ensemble",
};
pub(super) const OBSERVER_MASTER: Feature = Feature {
    name: "serving observers on a follower",
    advice: "remove the line; observers then follow the leader",
};
pub(super) const OBSERVER_WITHOUT_LOG: Feature = Feature {
    name: "an observer without log and snapshots",
    advice: "remove the line or set it to true",
};
pub(super) const MESSAGE_TRACKER: Feature = Feature {
    name: "the message tracker",
    advice: "remove the line or set it to false",
};
const PATH_STATS: Feature = Feature {
    name: "statistics of busy paths",
    advice: "remove the line or set pathStats.enabled=false",
};

const FALSE: &[&str] = &["false"];

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    file("oraclePath", "", NotYet(&ORACLE, &[]), "file that decides for an ensemble of two servers"),
    key("pathStats.enabled", "false", NotYet(&PATH_STATS, FALSE), "log the busiest paths"),
    key("pathStats.slotCapacity", "60", Dormant(&PATH_STATS), "slots kept"),
    key("pathStats.slotDuration", "15", Dormant(&PATH_STATS), "s of one slot"),
    key("pathStats.maxDepth", "6", Dormant(&PATH_STATS), "parts of a path that count"),
    key("pathStats.sampleRate", "0.1", Dormant(&PATH_STATS), "share of requests counted"),
    key("pathStats.initialDelay", "5", Dormant(&PATH_STATS), "minutes to the first report"),
    key("pathStats.delay", "5", Dormant(&PATH_STATS), "minutes between reports"),
    key("pathStats.topPathMax", "20", Dormant(&PATH_STATS), "paths in a report"),
];
