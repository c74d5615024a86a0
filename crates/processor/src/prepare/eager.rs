//! What a server can refuse before it asks the leader: the caller's rights, in the tree as it is here
//! (`enableEagerACLCheck`, `ZooKeeperServer.authWriteRequest`).

use datatree::DataTree;
use proto::{ErrorCode, Input, OpCode, Perms};

use super::Processor;
use super::write::{self, Write};
use crate::access::{check_access, fix_up_acl};
use crate::auth::Identities;
use crate::path::deletable_parent_of;

/// Whose list counts, and which right.
struct Needed<'a> {
    path: &'a str,
    perms: Perms,
}

/// `ZooKeeperServer.effectiveACLPath`, `effectiveACLPerms`: none for other requests, and where the leader will say
/// what is wrong with the path.
fn needed<'p>(op: OpCode, write: &'p Write<'_>) -> Option<Needed<'p>> {
    let (path, perms) = match (op, write) {
        (OpCode::CREATE | OpCode::CREATE2, Write::Create(_, request)) => (
            deletable_parent_of(request.path.as_deref()?).ok()?,
            Perms::CREATE,
        ),
        (_, Write::Delete(request)) => (
            deletable_parent_of(request.path.as_deref()?).ok()?,
            Perms::DELETE,
        ),
        (_, Write::SetData(request)) => (request.path.as_deref()?, Perms::WRITE),
        (_, Write::SetAcl(request)) => (request.path.as_deref()?, Perms::ADMIN),
        _ => return None,
    };
    Some(Needed { path, perms })
}

impl Processor {
    /// The refusal of a request that the caller has no right to, or whose new access control list is none. A znode that is
    /// not here yet may be at the leader.
    pub fn eager_refusal(
        &self,
        tree: &DataTree,
        (op, body): (OpCode, &[u8]),
        identities: &Identities,
    ) -> Option<ErrorCode> {
        let mut input = Input::with_limits(body, self.rules.limits);
        let write = write::parse(op, &mut input).ok()?;
        let needed = needed(op, &write)?;
        let access = &self.rules.access;
        let new_acl = match &write {
            Write::Create(_, request) => Some(&request.acl),
            Write::SetAcl(request) => Some(&request.acl),
            _ => None,
        };
        let list = new_acl.map(|acl| fix_up_acl(access, acl.as_deref(), identities));
        if let Some(Err(ErrorCode::INVALID_ACL)) = list {
            return Some(ErrorCode::INVALID_ACL);
        }
        let znode = tree.get(needed.path)?;
        check_access(access, znode.acl(), needed.perms, identities).err()
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use datatree::{open_acl_unsafe, read_acl_unsafe};
    use proto::records::{Acl, CreateRequest, DeleteRequest, SetACLRequest, SetDataRequest};
    use proto::{Encode, SessionId, Zxid};

    use super::super::{Prepared, Requester, Rules, WriteRequest};
    use super::*;
    use crate::sessions::{Owner, SessionTable};

    /// A tree with /read, which everyone may read, and what the check says of a request by nobody in particular.
    struct Bench {
        processor: Processor,
        tree: DataTree,
    }

    fn body(request: &impl Encode) -> BytesMut {
        let mut body = BytesMut::new();
        request.encode(&mut body);
        body
    }

    fn create(path: &'static str, acl: Vec<Acl<'static>>) -> CreateRequest<'static> {
        CreateRequest {
            path: Some(path.into()),
            data: None,
            acl: Some(acl),
            flags: 0,
        }
    }

    impl Bench {
        fn new() -> Self {
            let mut sessions = SessionTable::new(SessionId(1), 2000);
            let session = sessions.create(30_000, 0);
            let mut processor = Processor::new(Rules::default(), sessions, Zxid::ZERO);
            let mut tree = DataTree::default();
            let body = body(&create("/read", read_acl_unsafe().to_vec()));
            let request = WriteRequest {
                who: Requester {
                    session,
                    cxid: 1,
                    owner: Owner::HERE,
                    identities: &Identities::default(),
                },
                op: OpCode::CREATE,
                body: &body,
            };
            let Prepared::Txn { record, .. } = processor.prepare(&tree, &request, 7) else {
                panic!("a create is a txn");
            };
            let record = proto::txn::TxnRecord::decode(&record).unwrap();
            tree.apply(&record, &mut |_| {});
            Bench { processor, tree }
        }

        fn refusal(&self, op: OpCode, request: &impl Encode) -> Option<ErrorCode> {
            let body = body(request);
            let nobody = Identities::default();
            self.processor
                .eager_refusal(&self.tree, (op, &body), &nobody)
        }
    }

    #[test]
    fn what_the_list_here_forbids_is_refused() {
        let bench = Bench::new();
        let open = || open_acl_unsafe().to_vec();
        let refused = Some(ErrorCode::NO_AUTH);
        let path = Some("/read".into());
        let set = SetDataRequest {
            path: path.clone(),
            data: None,
            version: -1,
        };
        let set_acl = SetACLRequest {
            path,
            acl: Some(open()),
            version: -1,
        };
        let delete = DeleteRequest {
            path: Some("/read/a".into()),
            version: -1,
        };
        assert_eq!(
            bench.refusal(OpCode::CREATE, &create("/read/a", open())),
            refused
        );
        assert_eq!(bench.refusal(OpCode::DELETE, &delete), refused);
        assert_eq!(bench.refusal(OpCode::SET_DATA, &set), refused);
        assert_eq!(bench.refusal(OpCode::SET_ACL, &set_acl), refused);
        assert_eq!(bench.refusal(OpCode::CREATE, &create("/a", open())), None);
    }

    #[test]
    fn a_list_that_is_none_is_refused_before_any_right_is_looked_at() {
        let bench = Bench::new();
        let empty = create("/read/a", Vec::new());
        assert_eq!(
            bench.refusal(OpCode::CREATE2, &empty),
            Some(ErrorCode::INVALID_ACL)
        );
    }

    #[test]
    fn what_only_the_leader_can_judge_passes() {
        let bench = Bench::new();
        let open = || open_acl_unsafe().to_vec();
        assert_eq!(
            bench.refusal(OpCode::CREATE, &create("/new/a", open())),
            None
        );
        assert_eq!(bench.refusal(OpCode::CREATE, &create("a", open())), None);
        assert_eq!(bench.refusal(OpCode::SYNC, &true), None);
    }
}
