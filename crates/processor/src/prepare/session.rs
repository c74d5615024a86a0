//! Sessions begin, become global, and end.

use std::borrow::Cow;

use datatree::DataTree;
use proto::records::{CloseSessionTxn, CreateSessionTxn};
use proto::txn::TxnBody;
use proto::{CreateMode, Input, OpCode};

use super::write::{self, Write};
use super::{Making, Outcome, Parts, Processor};
use crate::path::parent_of;

pub(super) fn create_session(timeout_ms: i32) -> TxnBody<'static> {
    TxnBody::CreateSession(CreateSessionTxn {
        time_out: timeout_ms,
    })
}

/// Types whose flags are looked at (`QuorumZooKeeperServer.checkUpgradeSession`).
fn creates_ephemeral(op: OpCode, write: &Write<'_>) -> bool {
    let (OpCode::CREATE | OpCode::CREATE2, Write::Create(_, request)) = (op, write) else {
        return false;
    };
    CreateMode::from_wire(request.flags).is_some_and(CreateMode::is_ephemeral)
}

impl Processor {
    /// Whether a local session has to become global before this request: it asks for an ephemeral znode.
    pub fn needs_global_session(&self, op: OpCode, body: &[u8]) -> bool {
        let mut input = Input::with_limits(body, self.rules.limits);
        match op {
            OpCode::CREATE | OpCode::CREATE2 => {
                write::parse(op, &mut input).is_ok_and(|write| creates_ephemeral(op, &write))
            }
            OpCode::MULTI => match Parts::parse(&mut input) {
                Ok(Parts::Writes(writes)) => writes
                    .iter()
                    .any(|(op, write)| creates_ephemeral(*op, write)),
                _ => false,
            },
            _ => false,
        }
    }

    /// A client may ask for its session once more (op code −10): the session is touched by the
    /// request itself, and the txn stores the timeout.
    pub(super) fn create_session_again<'a>(
        &mut self,
        making: &Making<'_>,
        request: &CreateSessionTxn,
    ) -> Outcome<'a> {
        self.sessions.check(making.who.session, making.who.owner)?;
        Ok(create_session(request.time_out))
    }

    /// Collects what the session has and will have, and refuses its later requests, in one step.
    pub(super) fn close_session<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
    ) -> TxnBody<'a> {
        let session = making.who.session;
        let paths = self.outstanding.ephemerals(tree, session);
        for path in &paths {
            let parent_path = parent_of(path).unwrap_or_default();
            self.will_be_gone(tree, making, parent_path, path);
        }
        self.sessions.set_closing(session);
        let named = paths
            .into_iter()
            .map(|path| Some(Cow::Owned(path)))
            .collect();
        let paths2_delete = self.rules.close_session_txn.then_some(named);
        TxnBody::CloseSession(CloseSessionTxn { paths2_delete })
    }
}
