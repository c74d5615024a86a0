//! A small state to recover: a map of paths to data, and a sum over it for each zxid. Damage.
#![allow(dead_code)] // Each test file uses its own part.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use persistence::{Restore, SnapshotDigest};
use proto::records::{Acl, CreateTxn, DeleteTxn, SetDataTxn, StatPersisted, TxnHeader};
use proto::txn::{TxnBody, TxnRecord, owned};
use proto::{OpCode, SessionId, Zxid};
use rand::Rng;
use rand::rngs::SmallRng;

/// Paths to data. Txns apply to it whether or not it holds their effect already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub nodes: BTreeMap<String, Vec<u8>>,
    /// Of all nodes, whatever their order.
    pub sum: u64,
}

impl Model {
    fn node_sum(path: &str, data: &[u8]) -> u64 {
        let mut hasher = DefaultHasher::new();
        (path, data).hash(&mut hasher);
        hasher.finish()
    }

    fn set(&mut self, path: &str, data: &[u8]) {
        self.delete(path);
        self.sum = self.sum.wrapping_add(Self::node_sum(path, data));
        self.nodes.insert(path.to_owned(), data.to_vec());
    }

    fn delete(&mut self, path: &str) {
        if let Some(old) = self.nodes.remove(path) {
            self.sum = self.sum.wrapping_sub(Self::node_sum(path, &old));
        }
    }

    pub fn apply(&mut self, record: &TxnRecord<'_>) {
        match &record.body {
            TxnBody::Create(CreateTxn { path, data, .. })
            | TxnBody::SetData(SetDataTxn { path, data, .. }) => {
                self.set(path.as_deref().unwrap(), data.unwrap());
            }
            TxnBody::Delete(DeleteTxn { path }) => self.delete(path.as_deref().unwrap()),
            other => panic!("the script has no {other:?}"),
        }
    }
}

impl Restore for Model {
    type Error = Infallible;

    fn session(&mut self, _: SessionId, _: i32) {}

    fn acl(&mut self, _: i64, _: Vec<Acl<'static>>) {}

    fn node(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        _: i64,
        _: &StatPersisted,
    ) -> Result<(), Infallible> {
        self.set(path, data.unwrap());
        Ok(())
    }

    fn loaded(&mut self, _: Zxid, _: Option<SnapshotDigest>) -> Result<(), Infallible> {
        Ok(())
    }

    fn txn(&mut self, record: &TxnRecord<'_>) -> Result<(), Infallible> {
        self.apply(record);
        Ok(())
    }
}

/// What a txn does to a path.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Create,
    SetData,
    Delete,
}

/// The bytes of a txn.
pub fn txn(zxid: Zxid, change: Change, path: &str, data: &[u8]) -> Vec<u8> {
    let path = owned(path);
    let (r#type, body) = match change {
        Change::Create => (
            OpCode::CREATE,
            TxnBody::Create(CreateTxn {
                path,
                data: Some(data),
                acl: Some(vec![]),
                ephemeral: false,
                parent_c_version: 1,
            }),
        ),
        Change::SetData => (
            OpCode::SET_DATA,
            TxnBody::SetData(SetDataTxn {
                path,
                data: Some(data),
                version: 1,
            }),
        ),
        Change::Delete => (OpCode::DELETE, TxnBody::Delete(DeleteTxn { path })),
    };
    let header = TxnHeader {
        client_id: SessionId(1),
        cxid: 1,
        zxid,
        time: 1,
        r#type,
    };
    TxnRecord {
        header,
        body,
        digest: None,
    }
    .to_bytes()
    .to_vec()
}

/// Some damage within `range`.
pub fn damage(bytes: &mut Vec<u8>, range: Range<usize>, random: &mut SmallRng) {
    let at = random.random_range(range.clone());
    let end = random.random_range(at..range.end) + 1;
    match random.random_range(0..5) {
        0 => bytes[at] ^= 1 << random.random_range(0..8),
        1 => bytes[at..end].fill(0),
        2 => random.fill(&mut bytes[at..end]),
        3 => bytes[at..(at + 4).min(range.end)].fill([0xff, 0x7f, 0][random.random_range(0..3)]),
        _ => bytes.truncate(at),
    }
}
