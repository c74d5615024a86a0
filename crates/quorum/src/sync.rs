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
    } else if peer > last && !begins_an_epoch(peer) {
        Plan::Trunc { to: last } // case 3
    } else if first <= peer && peer <= last {
        within(peer, known.memory) // case 4
    } else if peer < first {
        from_disk(peer, first, known.disk) // case 5
    } else {
        Plan::Snap
    }
}

/// A leader's tree has this zxid before its first proposal, and so has whoever got a snapshot of it: no log has a txn with it.
fn begins_an_epoch(zxid: Zxid) -> bool {
    zxid.counter() == 0
}

fn within(peer: Zxid, txns: &[Zxid]) -> Plan {
    let behind = txns.partition_point(|zxid| *zxid <= peer);
    let common = behind.checked_sub(1).map(|index| txns[index]);
    if common == Some(peer) || begins_an_epoch(peer) {
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
