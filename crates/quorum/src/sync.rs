//! How a learner is brought to its leader's history: one decision, from two logs.
//!
//! Apache: `LearnerHandler.syncFollower` and `queueCommittedProposals`, whose cases are numbered as there.

use proto::Zxid;

/// What a learner gets before NEWLEADER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// DIFF, and the txns behind this one.
    Diff {
        /// The last txn that both have.
        after: Zxid,
    },
    /// TRUNC to this txn, and those behind it.
    Trunc {
        /// The last txn that both have.
        to: Zxid,
    },
    /// SNAP.
    Snap,
    /// It may be that the log on disk reaches back to the learner: look there, and ask again.
    ReadLog,
}

/// What a leader knows of its own history.
#[derive(Clone, Debug)]
pub struct Known<'a> {
    /// `zookeeper.forceSnapshotSync`.
    pub force_snapshot: bool,
    /// The last zxid: of a committed txn, or of the epoch that has begun.
    pub last: Zxid,
    /// Committed txns in memory, oldest first.
    pub memory: &'a [Zxid],
    /// What the log on disk has.
    pub disk: Disk<'a>,
}

/// What is known of the log on disk.
#[derive(Clone, Copy, Debug)]
pub enum Disk<'a> {
    /// Nobody has looked.
    Unread,
    /// It does not reach back to the learner, or by too many bytes, or it is not to be used (`zookeeper.snapshotSizeFactor`
    /// below 0).
    Useless,
    /// Txns from the last one that is not behind the learner's on, oldest first.
    Txns(&'a [Zxid]),
}

/// The plan for a learner whose log ends with `peer`.
pub fn plan(peer: Zxid, known: &Known<'_>) -> Plan {
    let (first, last) = match known.memory {
        [] => (known.last, known.last),
        [first, .., last] | [first @ last] => (*first, *last),
    };
    if known.force_snapshot {
        Plan::Snap // case 1
    } else if peer == known.last {
        Plan::Diff { after: peer } // case 2
    } else if peer > last && !peer.is_beginning() {
        Plan::Trunc { to: last } // case 3
    } else if first <= peer && peer <= last {
        within(peer, known.memory) // case 4
    } else if peer < first {
        from_disk(peer, first, known.disk) // case 5
    } else {
        Plan::Snap
    }
}

/// The beginning of an epoch is in no log: a leader's tree has it before the first proposal, and so has whoever got a snapshot of
/// that tree.
fn within(peer: Zxid, txns: &[Zxid]) -> Plan {
    let behind = txns.partition_point(|zxid| *zxid <= peer);
    let common = behind.checked_sub(1).map(|index| txns[index]);
    if common == Some(peer) || peer.is_beginning() {
        return Plan::Diff { after: peer };
    }
    let next = txns.get(behind);
    match (common, next) {
        // Apache's learners take no cut into an earlier epoch.
        (_, Some(next)) if next.epoch() != peer.epoch() => Plan::Snap,
        (Some(to), _) => Plan::Trunc { to },
        (None, _) => Plan::Snap,
    }
}

fn from_disk(peer: Zxid, first_in_memory: Zxid, disk: Disk<'_>) -> Plan {
    let txns = match disk {
        Disk::Unread => return Plan::ReadLog,
        Disk::Useless => return Plan::Snap,
        Disk::Txns(txns) => txns,
    };
    let reaches_back = txns.first().is_some_and(|first| *first <= peer);
    let meets_memory = txns.last().is_some_and(|last| *last >= first_in_memory);
    match reaches_back && meets_memory {
        true => within(peer, txns),
        false => Plan::Snap, // case 6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn z(epoch: i64, counter: i64) -> Zxid {
        Zxid(epoch << 32 | counter)
    }

    const MEMORY: &[Zxid] = &[z(7, 4), z(7, 5), z(7, 6)];
    const TWO_EPOCHS: &[Zxid] = &[z(7, 4), z(7, 5), z(9, 1)];
    const ONE_MISSING: &[Zxid] = &[z(7, 4), z(7, 6)];
    const REACHES_BACK: &[Zxid] = &[z(7, 1), z(7, 2), z(7, 3), z(7, 4)];
    const LACKS_ONE: &[Zxid] = &[z(7, 1), z(7, 3), z(7, 4)];
    const ENDS_TOO_EARLY: &[Zxid] = &[z(7, 1), z(7, 2)];
    const BEGINS_TOO_LATE: &[Zxid] = &[z(7, 3), z(7, 4)];

    /// A leader with these txns in memory.
    fn known<'a>(memory: &'a [Zxid], disk: Disk<'a>) -> Known<'a> {
        Known {
            force_snapshot: false,
            last: memory.last().copied().unwrap_or(z(7, 6)),
            memory,
            disk,
        }
    }

    fn diff(after: Zxid) -> Plan {
        Plan::Diff { after }
    }

    fn trunc(to: Zxid) -> Plan {
        Plan::Trunc { to }
    }

    #[test]
    fn every_case_of_sync_follower_has_its_plan() {
        let unread = Disk::Unread;
        let forced = Known {
            force_snapshot: true,
            ..known(MEMORY, unread)
        };
        let in_new_epoch = Known {
            last: z(8, 0),
            ..known(MEMORY, unread)
        };
        let rows = [
            ("1: a snapshot is forced", z(7, 6), forced, Plan::Snap),
            ("2: in sync", z(7, 6), known(MEMORY, unread), diff(z(7, 6))),
            (
                "2: in sync, the epoch has begun",
                z(8, 0),
                in_new_epoch.clone(),
                diff(z(8, 0)),
            ),
            (
                "2: in sync, nothing in memory",
                z(7, 6),
                known(&[], unread),
                diff(z(7, 6)),
            ),
            (
                "3: newer than all",
                z(7, 9),
                known(MEMORY, unread),
                trunc(z(7, 6)),
            ),
            (
                "3: newer, nothing in memory",
                z(7, 9),
                known(&[], unread),
                trunc(z(7, 6)),
            ),
            (
                "3: a foreign epoch's txn",
                z(8, 1),
                in_new_epoch.clone(),
                trunc(z(7, 6)),
            ),
            (
                "not 3: a foreign epoch's beginning, which no log has",
                z(9, 0),
                known(MEMORY, unread),
                Plan::Snap,
            ),
            (
                "4: the oldest in memory",
                z(7, 4),
                known(MEMORY, unread),
                diff(z(7, 4)),
            ),
            (
                "4: one within",
                z(7, 5),
                known(TWO_EPOCHS, unread),
                diff(z(7, 5)),
            ),
            (
                "4: the newest, the epoch has begun",
                z(7, 6),
                in_new_epoch,
                diff(z(7, 6)),
            ),
            (
                "4: an epoch's beginning within",
                z(8, 0),
                known(TWO_EPOCHS, unread),
                diff(z(8, 0)),
            ),
            (
                "4: a foreign tail in an earlier epoch",
                z(7, 6),
                known(TWO_EPOCHS, unread),
                Plan::Snap,
            ),
            (
                "4: one that is missing here",
                z(7, 5),
                known(ONE_MISSING, unread),
                trunc(z(7, 4)),
            ),
            (
                "5: older than memory",
                z(7, 2),
                known(MEMORY, unread),
                Plan::ReadLog,
            ),
            (
                "5: older, nothing in memory",
                z(7, 2),
                known(&[], unread),
                Plan::ReadLog,
            ),
            (
                "5: the log reaches back",
                z(7, 2),
                known(MEMORY, Disk::Txns(REACHES_BACK)),
                diff(z(7, 2)),
            ),
            (
                "5: the log does not have it",
                z(7, 2),
                known(MEMORY, Disk::Txns(LACKS_ONE)),
                trunc(z(7, 1)),
            ),
            (
                "6: the log is of no use",
                z(7, 2),
                known(MEMORY, Disk::Useless),
                Plan::Snap,
            ),
            (
                "6: the log begins too late",
                z(7, 2),
                known(MEMORY, Disk::Txns(BEGINS_TOO_LATE)),
                Plan::Snap,
            ),
            (
                "6: a gap between log and memory",
                z(7, 2),
                known(MEMORY, Disk::Txns(ENDS_TOO_EARLY)),
                Plan::Snap,
            ),
        ];
        for (case, peer, known, expected) in rows {
            assert_eq!(plan(peer, &known), expected, "{case}");
        }
    }
}
