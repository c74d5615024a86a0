//! Sessions begin and end.

use std::borrow::Cow;

use datatree::DataTree;
use proto::records::{CloseSessionTxn, CreateSessionTxn};
use proto::txn::TxnBody;

use super::{Making, Outcome, Processor};
use crate::path::parent_of;

pub(super) fn create_session(timeout_ms: i32) -> TxnBody<'static> {
    TxnBody::CreateSession(CreateSessionTxn {
        time_out: timeout_ms,
    })
}

impl Processor {
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
