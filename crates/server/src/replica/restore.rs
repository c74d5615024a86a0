//! The tree gives way to that of a snapshot, by an operator's wish (`ZooKeeperServer.restoreFromSnapshot`).
//!
//! In Apache what was restored is gone with the next start, unless the operator has moved the old files away, and zxids can go back.
//! Here the tree that was restored takes the old one's zxid, so that it comes behind all that is in the log, and it is
//! on disk before who asked is answered.

use std::sync::atomic::Ordering::Relaxed;

use proto::Zxid;
use tokio::sync::oneshot;

use super::as_learner::Whole;
use super::duty::Duty;
use super::snapshots::{Asker, SnapshotEnd};
use super::{Replica, Stuck, session_table};
use crate::disk::Item;

/// Somebody wants this tree to be the server's.
#[derive(Debug)]
pub struct RestoreRequest {
    /// As of the zxid of its snapshot.
    pub tree: Whole,
    /// Hears of it when it is on disk; with the zxid that the server is at then.
    pub asker: oneshot::Sender<Result<Zxid, String>>,
}

impl Replica {
    /// Clients have to find their sessions in the new tree, so their connections end. A server on its own lets go what is on its
    /// way to the log first.
    pub(super) fn restore(&mut self, request: RestoreRequest) {
        if self.server.guards.is_disk_full() {
            let why = "there is no room on the disk for another snapshot".to_owned();
            return drop(request.asker.send(Err(why)));
        }
        match self.duty {
            Duty::Nothing => {
                let why = "this server serves no clients at the moment".to_owned();
                drop(request.asker.send(Err(why)));
            }
            Duty::Alone => {
                self.send_clients_away();
                self.duty = Duty::Nothing;
                self.restoring = Some(request);
                self.go_on_restoring();
            }
            Duty::Leads { .. } | Duty::Learns { .. } => {
                let zxid = self.server.tree.read().last_zxid();
                if let Some(why) = is_of_later(request.tree.0.last_zxid(), zxid) {
                    return drop(request.asker.send(Err(why)));
                }
                self.send_clients_away();
                self.put_in_place(request, zxid);
            }
        }
    }

    /// For a server on its own: all that was logged has to be applied. Its zxids go on behind those of the tree. It serves
    /// nobody until the tree is on disk.
    pub(super) fn go_on_restoring(&mut self) {
        if !self.tail.is_empty() {
            return;
        }
        if let Some(request) = self.restoring.take() {
            let zxid = request.tree.0.last_zxid();
            self.put_in_place(request, zxid.max(self.processor.last_zxid()));
        }
    }

    fn put_in_place(&mut self, request: RestoreRequest, zxid: Zxid) {
        let RestoreRequest { tree, asker } = request;
        let mut tree = *tree.0;
        let of = tree.last_zxid();
        tree.take_place_at(zxid);
        tree.end_dead_sessions();
        self.give_up_snapshot();
        let sessions = session_table(&self.server.config, &tree);
        match self.duty {
            Duty::Leads { .. } => {
                self.processor.sessions = sessions.saying(self.unknown_to_leader());
            }
            Duty::Learns { .. } => self.processor.sessions = sessions.of_learner(),
            Duty::Alone | Duty::Nothing => self.processor.begin_epoch(zxid, sessions),
        }
        self.replace_tree(tree);
        self.unsaved_since = Some(self.snapshots.last_number());
        tracing::warn!(
            "restored from a snapshot of {of}, at {zxid}: what came behind that snapshot is gone"
        );
        // Also where the operator has moved the files away, what comes now is beside the snapshot.
        self.for_disk.push(Item::Roll);
        self.snapshots.ask_for(Asker(asker));
    }

    /// A snapshot has ended. Where the restored tree cannot be on disk the process ends, for who is answered from it would see
    /// another one after the next start.
    pub(super) fn see_whether_saved(&mut self, number: u64, end: &Result<SnapshotEnd, String>) {
        if self.unsaved_since.is_none_or(|since| number <= since) {
            return;
        }
        match end {
            Ok(SnapshotEnd::Written(_)) => {
                self.unsaved_since = None;
                if self.sockets.is_none() {
                    let tree = self.server.tree.read();
                    self.processor.sessions = session_table(&self.server.config, &tree);
                    drop(tree);
                    self.duty = Duty::Alone;
                }
            }
            // It was for a learner, or the tree has given way to another, or the server stops.
            Ok(SnapshotEnd::Sent | SnapshotEnd::GivenUp) => {}
            Err(error) => self.failed = Some(Stuck::NotRestored(error.clone())),
        }
    }

    /// A learner that is being sent one may not take more of it: its link ends, and it comes again.
    fn give_up_snapshot(&mut self) {
        if let (Some(link), Some(sockets)) = (self.snapshots.receiver(), &mut self.sockets) {
            sockets.close(link);
        }
        self.snapshots.give_up();
    }

    /// Clients have to come anew, and who is here is not served any more.
    fn send_clients_away(&mut self) {
        self.drop_clients();
        let first = self.server.next_connection.load(Relaxed);
        match &mut self.duty {
            Duty::Leads { first: since } | Duty::Learns { first: since } => {
                *since = first.max(*since)
            }
            Duty::Alone | Duty::Nothing => {}
        }
    }
}

/// Why a snapshot of this zxid cannot be restored by a member that is at another. Znodes may not be newer than their tree: its
/// snapshots would be without them. A member's zxids are its ensemble's, and do not go forward for it alone.
fn is_of_later(of: Zxid, at: Zxid) -> Option<String> {
    (of > at).then(|| {
        format!(
            "the snapshot is of {of}, and this member of an ensemble is only at {at}: \
             stop all members, put the snapshot into the directory dataDir/version-2 of each as snapshot.{:x} \
             in the place of the snapshots and logs that are there, and start them",
            of.0
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_refuses_a_snapshot_of_a_higher_zxid_and_says_where_to_put_it() {
        let at = Zxid(0x1_0000_0007);
        for of in [Zxid(0x1), Zxid(0x1_0000_0006), at] {
            assert_eq!(is_of_later(of, at), None, "{of}");
        }
        let why = is_of_later(Zxid(0x1_0000_0008), at).expect("refused");
        assert!(
            why.contains("version-2") && why.contains("snapshot.100000008"),
            "{why}"
        );
    }
}
