//! From a committed txn to changes of the tree (`DataTree.processTxn`).
//!
//! Total: a txn that the tree does not allow, which only replay over a fuzzy snapshot brings,
//! yields a code and leaves the tree sound.

use proto::records::{Acl, MultiTxn, Stat, Txn, TxnHeader};
use proto::txn::{TxnBody, TxnRecord};
use proto::{ErrorCode, OpCode, SessionId, Ustring};

use crate::acl::AclList;
use crate::changes::{NewNode, OnChange};
use crate::digest::{DIGEST_VERSION, DigestLogEntry};
use crate::owner::{MAX_TTL_MS, Owner};
use crate::tree::{DataTree, split_path};

/// A change of one znode, with the lists that say who may hear of it.
#[derive(Debug)]
#[allow(missing_docs)] // Paths and lists are those of the znode and of its parent ("" is the root).
pub enum Change<'a> {
    Created {
        path: &'a str,
        /// Of its data.
        bytes: usize,
        acl: &'a AclList,
        parent_path: &'a str,
        parent_acl: &'a AclList,
    },
    Deleted {
        path: &'a str,
        acl: &'a AclList,
        parent_path: &'a str,
        parent_acl: &'a AclList,
    },
    DataChanged {
        path: &'a str,
        /// Of the new data.
        bytes: usize,
        acl: &'a AclList,
    },
}

/// What became of a txn, for the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnResult<'a> {
    /// The txn's type; in a failed multi each part's is error.
    pub op: OpCode,
    /// OK, or why nothing changed.
    pub err: ErrorCode,
    /// The znode's path, where the txn has one.
    pub path: Ustring<'a>,
    /// The stat after the txn, where the reply has one.
    pub stat: Option<Stat>,
    /// One result for each part of a multi.
    pub parts: Vec<TxnResult<'a>>,
}

impl<'a> TxnResult<'a> {
    fn new(op: OpCode, path: Ustring<'a>) -> Self {
        TxnResult {
            op,
            err: ErrorCode::OK,
            path,
            stat: None,
            parts: Vec::new(),
        }
    }

    fn settle(mut self, outcome: Result<Option<Stat>, ErrorCode>) -> Self {
        match outcome {
            Ok(stat) => self.stat = stat,
            Err(err) => self.err = err,
        }
        self
    }
}

impl DataTree {
    /// Applies one txn and reports each changed znode to `on_change`.
    pub fn apply<'a>(
        &mut self,
        record: &TxnRecord<'a>,
        on_change: &mut dyn FnMut(&Change<'_>),
    ) -> TxnResult<'a> {
        let header = &record.header;
        let result = self.apply_body(header, &record.body, on_change);
        self.last_zxid = self.last_zxid.max(header.zxid);
        self.check_digest(record);
        result
    }

    fn apply_body<'a>(
        &mut self,
        header: &TxnHeader,
        body: &TxnBody<'a>,
        on_change: OnChange<'_>,
    ) -> TxnResult<'a> {
        let stamp = (header.zxid, header.time);
        let session_owner = |ephemeral| if ephemeral { header.client_id.0 } else { 0 };
        match body {
            TxnBody::Create(txn) => {
                let owner = session_owner(txn.ephemeral);
                let new = new_node(&txn.path, txn.data, &txn.acl, owner, txn.parent_c_version);
                self.apply_create(header, &new, &txn.path, on_change)
            }
            TxnBody::CreateContainer(txn) => {
                let owner = Owner::Container.stored();
                let new = new_node(&txn.path, txn.data, &txn.acl, owner, txn.parent_c_version);
                self.apply_create(header, &new, &txn.path, on_change)
            }
            TxnBody::CreateTtl(txn) => {
                // Apache logs a TTL that it refuses to apply, and then cannot start: an ordinary
                // znode is made of it.
                let valid = (1..=MAX_TTL_MS).contains(&txn.ttl);
                let owner = if valid {
                    Owner::Ttl { ttl_ms: txn.ttl }
                } else {
                    Owner::Nobody
                };
                let owner = owner.stored();
                let new = new_node(&txn.path, txn.data, &txn.acl, owner, txn.parent_c_version);
                self.apply_create(header, &new, &txn.path, on_change)
            }
            TxnBody::Delete(txn) => {
                let path = txn.path.as_deref().unwrap_or_default();
                let outcome = self.delete(path, header.zxid, on_change);
                TxnResult::new(header.r#type, txn.path.clone()).settle(outcome.map(|()| None))
            }
            TxnBody::SetData(txn) => {
                let path = txn.path.as_deref().unwrap_or_default();
                let outcome = self.set_data(path, txn.data, txn.version, stamp, on_change);
                TxnResult::new(header.r#type, txn.path.clone()).settle(outcome.map(Some))
            }
            TxnBody::SetAcl(txn) => {
                let path = txn.path.as_deref().unwrap_or_default();
                let outcome = self.set_acl(path, txn.acl.as_deref(), txn.version);
                TxnResult::new(header.r#type, txn.path.clone()).settle(outcome.map(Some))
            }
            TxnBody::CheckVersion(txn) => TxnResult::new(header.r#type, txn.path.clone()),
            TxnBody::CreateSession(txn) => {
                self.sessions.insert(header.client_id, txn.time_out);
                TxnResult::new(header.r#type, None)
            }
            TxnBody::CloseSession(txn) => {
                let paths = txn.paths2_delete.iter().flatten().flatten();
                self.close_session(header, paths.map(AsRef::as_ref), on_change);
                TxnResult::new(header.r#type, None)
            }
            TxnBody::Error(txn) => TxnResult::new(header.r#type, None).settle(Err(txn.err)),
            TxnBody::Multi(txn) => self.apply_multi(header, txn, on_change),
        }
    }

    fn apply_create<'a>(
        &mut self,
        header: &TxnHeader,
        new: &NewNode<'_>,
        path: &Ustring<'a>,
        on_change: OnChange<'_>,
    ) -> TxnResult<'a> {
        let outcome = self.create(new, header.zxid, header.time, on_change);
        if header.r#type == OpCode::CREATE && outcome == Err(ErrorCode::NODE_EXISTS) {
            // Replay over a fuzzy snapshot that has the child but an older parent.
            let (parent_path, _) = split_path(new.path);
            if let Some(parent) = self.arena.find(parent_path) {
                self.raise_cversion(parent, parent_path, new.parent_cversion, header.zxid);
            }
        }
        TxnResult::new(header.r#type, path.clone()).settle(outcome.map(Some))
    }

    /// Deletes the paths that the txn names, then what is left of the session's ephemerals: a
    /// txn of 3.5 and older names none (`DataTree.killSession`).
    fn close_session<'p>(
        &mut self,
        header: &TxnHeader,
        paths: impl Iterator<Item = &'p str>,
        on_change: OnChange<'_>,
    ) {
        self.sessions.remove(&header.client_id);
        for path in paths {
            // Gone already only in replay over a fuzzy snapshot.
            let _ = self.delete(path, header.zxid, on_change);
        }
        let left: Vec<String> = self.ephemerals(header.client_id).collect();
        for path in left {
            let _ = self.delete(&path, header.zxid, on_change);
        }
    }

    /// All parts, or none: with one error among them each part is an error, 0 before the one that
    /// failed and RuntimeInconsistency after it.
    fn apply_multi<'a>(
        &mut self,
        header: &TxnHeader,
        multi: &MultiTxn<'a>,
        on_change: OnChange<'_>,
    ) -> TxnResult<'a> {
        let parts = multi.txns.as_deref().unwrap_or_default();
        let mut result = TxnResult::new(header.r#type, None);
        result.parts = match parts.iter().position(|part| part.r#type == OpCode::ERROR) {
            Some(failed) => failed_parts(parts, failed),
            None => parts
                .iter()
                .map(|part| self.apply_part(header, part, on_change))
                .collect(),
        };
        let first_error = result.parts.iter().find(|part| part.err != ErrorCode::OK);
        result.err = first_error.map_or(ErrorCode::OK, |part| part.err);
        result
    }

    fn apply_part<'a>(
        &mut self,
        header: &TxnHeader,
        part: &Txn<'a>,
        on_change: OnChange<'_>,
    ) -> TxnResult<'a> {
        let header = TxnHeader {
            r#type: part.r#type,
            ..header.clone()
        };
        match TxnBody::decode_part(part) {
            Ok(body) => self.apply_body(&header, &body, on_change),
            // Our own processor never writes one; in a foreign log it changes nothing.
            Err(_) => TxnResult::new(part.r#type, None).settle(Err(ErrorCode::MARSHALLING_ERROR)),
        }
    }

    /// Compares the txn's digest with the tree's, unless the tree is still fuzzy
    /// (`DataTree.compareDigest` and `compareSnapshotDigests`).
    fn check_digest(&mut self, record: &TxnRecord<'_>) {
        if !self.options.digest {
            return;
        }
        let present = DigestLogEntry {
            zxid: record.header.zxid,
            digest: self.digest,
        };
        if let Some(awaited) = self.awaited_digest {
            if awaited.zxid <= present.zxid {
                self.awaited_digest = None;
            }
            if awaited.zxid == present.zxid {
                self.compare_digest(awaited.digest);
            }
            return;
        }
        self.digest_log.record(present.zxid, present.digest);
        if let Some(told) = record
            .digest
            .as_ref()
            .filter(|told| told.version == DIGEST_VERSION)
        {
            self.compare_digest(told.tree_digest);
        }
    }

    pub(crate) fn compare_digest(&mut self, told: i64) {
        self.last_digest_fits = told == self.digest;
        self.digest_mismatches += u64::from(!self.last_digest_fits);
    }

    /// Ends sessions that have ephemeral znodes but no entry of their own, as Apache does after
    /// loading (`ZooKeeperServer.loadData`): a log cut off, or TTL znodes with extended types off.
    pub fn end_dead_sessions(&mut self) -> Vec<SessionId> {
        let alive = |session: &SessionId| self.sessions.contains_key(session);
        let dead: Vec<_> = self
            .sessions_with_ephemerals()
            .filter(|id| !alive(id))
            .collect();
        for &session in &dead {
            let paths: Vec<String> = self.ephemerals(session).collect();
            for path in paths {
                let _ = self.delete(&path, self.last_zxid, &mut |_| {});
            }
        }
        dead
    }
}

fn new_node<'a>(
    path: &'a Ustring<'_>,
    data: Option<&'a [u8]>,
    acl: &'a Option<Vec<Acl<'a>>>,
    owner: i64,
    parent_cversion: i32,
) -> NewNode<'a> {
    let path = path.as_deref().unwrap_or_default();
    NewNode {
        path,
        data,
        acl: acl.as_deref(),
        owner,
        parent_cversion,
    }
}

fn failed_parts<'a>(parts: &[Txn<'a>], failed: usize) -> Vec<TxnResult<'a>> {
    let code = |index: usize, part: &Txn<'a>| match TxnBody::decode_part(part) {
        Ok(TxnBody::Error(txn)) => txn.err,
        _ if index < failed => ErrorCode::OK,
        _ => ErrorCode::RUNTIME_INCONSISTENCY,
    };
    let result = |(index, part): (usize, &Txn<'a>)| {
        TxnResult::new(OpCode::ERROR, None).settle(match code(index, part) {
            ErrorCode::OK => Ok(None),
            err => Err(err),
        })
    };
    parts.iter().enumerate().map(result).collect()
}
