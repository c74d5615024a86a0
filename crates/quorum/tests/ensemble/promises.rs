//! What must be on disk when a packet leaves a server, and which rules its peers never break.

use proto::Sid;
use quorum::packet::{ToLeader, ToLearner};
use quorum::{DiskOp, Leave, Output, Txn, Violation};

use crate::model::disk::Disk;

/// Looks at an output before it is carried out.
pub fn check(sid: Sid, disk: &Disk, output: &Output) {
    match output {
        Output::ToLeader(_, packet) => to_leader(sid, disk, packet),
        Output::ToLearner(_, ToLearner::LeaderInfo(epoch)) => assert!(
            disk.files.accepted_epoch >= *epoch,
            "{sid:?} asks for {epoch:?} before its own promise is on disk"
        ),
        Output::Serve(_, epoch) => {
            let entered = disk.files.current_epoch == *epoch;
            assert!(entered, "{sid:?} serves before {epoch:?} is on disk");
        }
        Output::Drop(_, violation) | Output::Left(Leave::Leader(violation)) => {
            assert!(can_happen(violation), "{sid:?} says of a peer: {violation}");
        }
        _ => {}
    }
}

fn to_leader(sid: Sid, disk: &Disk, packet: &ToLeader) {
    match packet {
        ToLeader::AckEpoch { .. } => {
            let waits = disk.waits(|op| matches!(op, DiskOp::AcceptedEpoch(_)));
            assert!(!waits, "{sid:?} promises before that is on disk");
        }
        ToLeader::Ack(zxid) if zxid.counter() == 0 => {
            let entered = disk.files.current_epoch == zxid.epoch();
            let waits = disk.waits(|op| matches!(op, DiskOp::CurrentEpoch(_)));
            assert!(
                entered && !waits,
                "{sid:?} acknowledges NEWLEADER before {zxid} is on disk"
            );
        }
        ToLeader::Ack(zxid) => {
            let last = disk.files.last_zxid();
            assert!(
                last >= *zxid,
                "{sid:?} acknowledges {zxid}, and {last} is on disk"
            );
        }
        _ => {}
    }
}

/// Peers that keep the rules are silent, slow, deposed, elected too early, or back before their old link's end has shown;
/// nothing else is to be said of them.
fn can_happen(violation: &Violation) -> bool {
    matches!(
        violation,
        Violation::Silent(_)
            | Violation::SlowAck { .. }
            | Violation::NotLeading
            | Violation::Replaced(_)
            | Violation::OldEpoch { .. }
            | Violation::AheadOfLeader { .. }
    )
}

/// What is committed survives the crash of any minority: it is on the disks of a majority.
pub fn survives<'a>(txn: &Txn, disks: impl ExactSizeIterator<Item = &'a Disk>) {
    let voters = disks.len();
    let holders = disks.filter(|disk| disk.files.has(txn)).count();
    assert!(
        holders > voters / 2,
        "{} is committed and on {holders} disks of {voters}",
        txn.zxid
    );
}
