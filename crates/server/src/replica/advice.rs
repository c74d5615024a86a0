//! What an operator can do about another server that breaks a rule: what the core says is what happened, and no more.

use quorum::{Leave, Violation};

/// Behind the reason why a role was left; empty where time or the next election mends it.
pub(super) fn on_leaving(leave: &Leave) -> &'static str {
    match leave {
        Leave::Leader(violation) => on_violation(violation),
        _ => "",
    }
}

/// Behind the rule that was broken.
pub(super) fn on_violation(violation: &Violation) -> &'static str {
    match violation {
        Violation::OldEpoch { .. } => {
            "; is the dataDir that of another ensemble? Then give this server its own; it follows no older epoch, and keeps \
             its data as they are"
        }
        Violation::Cut { .. } => {
            "; is the dataDir that of another ensemble, or does the leader have other data than before? Look at both before \
             one of them loses its data: to take the leader's, move version-2 of this server away"
        }
        Violation::Gap { .. } => {
            "; the leader leaves txns out (ZOOKEEPER-4925, in Apache up to 3.9.3): restart the leader, which then reads them \
             from its log. Nothing from behind the gap was kept here"
        }
        Violation::AheadOfLeader { .. } => {
            "; is its dataDir that of another ensemble, or has this one lost data? Look at both before one of them loses its \
             data. Neither was changed"
        }
        _ => "",
    }
}
