//! Deletes, data, access control lists, version checks.

use std::sync::Arc;

use datatree::{AclList, DataTree, Owner};
use proto::records::{
    CheckVersionRequest, CheckVersionTxn, CreateRequest, CreateSessionTxn, CreateTTLRequest,
    DeleteContainerRequest, DeleteRequest, DeleteTxn, ReconfigRequest, SetACLRequest, SetACLTxn,
    SetDataRequest, SetDataTxn,
};
use proto::txn::TxnBody;
use proto::{ErrorCode, Input, OpCode, Perms, Ustring};

use super::{Making, Outcome, Processor};
use crate::access::{check_access, fix_up_acl};
use crate::path::{deletable_parent_of, validate_path};

/// A parsed request.
#[derive(Debug)]
pub(crate) enum Write<'a> {
    Create(OpCode, CreateRequest<'a>),
    CreateTtl(CreateTTLRequest<'a>),
    Delete(DeleteRequest<'a>),
    DeleteContainer(DeleteContainerRequest<'a>),
    SetData(SetDataRequest<'a>),
    SetAcl(SetACLRequest<'a>),
    Check(CheckVersionRequest<'a>),
    CreateSession(CreateSessionTxn),
    Reconfig,
    CloseSession,
}

/// No write at all, a body that is none, or one on which Apache stumbles before it has taken a zxid.
pub(super) struct Malformed;

impl From<jute::Error> for Malformed {
    fn from(_: jute::Error) -> Self {
        Malformed
    }
}

pub(super) fn parse<'a>(op: OpCode, input: &mut Input<'a>) -> Result<Write<'a>, Malformed> {
    Ok(match op {
        OpCode::CREATE_TTL => Write::CreateTtl(input.read()?),
        OpCode::DELETE => Write::Delete(input.read()?),
        OpCode::DELETE_CONTAINER => {
            let request: DeleteContainerRequest<'a> = input.read()?;
            request.path.as_ref().ok_or(Malformed)?;
            Write::DeleteContainer(request)
        }
        OpCode::SET_DATA => Write::SetData(input.read()?),
        OpCode::SET_ACL => Write::SetAcl(input.read()?),
        OpCode::CHECK => Write::Check(input.read()?),
        OpCode::CREATE_SESSION => Write::CreateSession(input.read()?),
        OpCode::CLOSE_SESSION => Write::CloseSession,
        OpCode::RECONFIG => {
            input.read::<ReconfigRequest<'a>>()?;
            Write::Reconfig
        }
        OpCode::CREATE | OpCode::CREATE2 | OpCode::CREATE_CONTAINER => {
            Write::Create(op, input.read()?)
        }
        _ => return Err(Malformed),
    })
}

/// A path that must not be null: on null Apache stumbles, and answers so.
pub(super) fn some<'p>(path: &'p Ustring<'_>) -> Result<&'p str, ErrorCode> {
    path.as_deref().ok_or(ErrorCode::MARSHALLING_ERROR)
}

/// A path that is as it must be; null is not (`PathUtils.validatePath`).
fn valid<'p>(path: &'p Ustring<'_>) -> Result<&'p str, ErrorCode> {
    let path = path.as_deref().ok_or(ErrorCode::BAD_ARGUMENTS)?;
    validate_path(path)?;
    Ok(path)
}

/// −1 fits any version (`PrepRequestProcessor.checkAndIncVersion`).
fn next_version(present: i32, expected: i32) -> Result<i32, ErrorCode> {
    if expected != -1 && expected != present {
        return Err(ErrorCode::BAD_VERSION);
    }
    Ok(present.wrapping_add(1))
}

impl Processor {
    pub(super) fn make<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        write: &Write<'a>,
    ) -> Outcome<'a> {
        match write {
            Write::Create(op, request) => self.create(tree, making, *op, request),
            Write::CreateTtl(request) => self.create_ttl(tree, making, request),
            Write::Delete(request) => self.delete(tree, making, request),
            Write::DeleteContainer(request) => self.delete_container(tree, making, request),
            Write::SetData(request) => self.set_data(tree, making, request),
            Write::SetAcl(request) => self.set_acl(tree, making, request),
            Write::Check(request) => self.check(tree, making, request),
            Write::CreateSession(request) => self.create_session_again(making, request),
            Write::CloseSession => Ok(self.close_session(tree, making)),
            Write::Reconfig => Err(self.reconfig(making)),
        }
    }

    fn delete<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        request: &DeleteRequest<'a>,
    ) -> Outcome<'a> {
        self.sessions.check(making.who.session, making.who.owner)?;
        let path = some(&request.path)?;
        let parent_path = deletable_parent_of(path)?;
        let parent = self.outstanding.get(tree, parent_path)?;
        check_access(
            &self.rules.access,
            &parent.acl,
            Perms::DELETE,
            making.who.identities,
        )?;
        let node = self.outstanding.get(tree, path)?;
        next_version(node.stat().version, request.version)?;
        if node.child_count > 0 {
            return Err(ErrorCode::NOT_EMPTY);
        }
        self.will_be_gone(tree, making, parent_path, path);
        Ok(TxnBody::Delete(DeleteTxn {
            path: request.path.clone(),
        }))
    }

    /// Asked by the reaper; a client's is accepted too, as Apache's: no session, no ACL.
    fn delete_container<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        request: &DeleteContainerRequest<'a>,
    ) -> Outcome<'a> {
        let path = some(&request.path)?;
        let parent_path = deletable_parent_of(path)?;
        let node = self.outstanding.get(tree, path)?;
        if node.child_count > 0 {
            return Err(ErrorCode::NOT_EMPTY);
        }
        let owner = tree.options().owners.read(node.stat().ephemeral_owner);
        if matches!(owner, Owner::Session(_)) {
            return Err(ErrorCode::BAD_VERSION);
        }
        self.outstanding.get(tree, parent_path)?;
        self.will_be_gone(tree, making, parent_path, path);
        Ok(TxnBody::Delete(DeleteTxn {
            path: request.path.clone(),
        }))
    }

    /// Notes that a znode will go, and what that does to its parent.
    pub(super) fn will_be_gone(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        parent_path: &str,
        path: &str,
    ) {
        if let Ok(mut parent) = self.outstanding.get(tree, parent_path) {
            parent.child_count -= 1;
            parent.stat_mut().pzxid = making.zxid;
            self.outstanding
                .change(tree, parent_path, making.zxid, parent);
        }
        self.outstanding.delete(tree, path, making.zxid);
    }

    fn set_data<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        request: &SetDataRequest<'a>,
    ) -> Outcome<'a> {
        self.sessions.check(making.who.session, making.who.owner)?;
        let path = valid(&request.path)?;
        let mut node = self.outstanding.get(tree, path)?;
        check_access(
            &self.rules.access,
            &node.acl,
            Perms::WRITE,
            making.who.identities,
        )?;
        let length = request.data.map_or(0, <[u8]>::len);
        self.check_quota(tree, path, length as i64 - node.data_length as i64, 0)?;
        let version = next_version(node.stat().version, request.version)?;
        let stat = node.stat_mut();
        stat.version = version;
        stat.mtime = making.time;
        stat.mzxid = making.zxid;
        node.data_length = length;
        node.content = datatree::ContentDigest::new(path, request.data);
        self.outstanding.change(tree, path, making.zxid, node);
        Ok(TxnBody::SetData(SetDataTxn {
            path: request.path.clone(),
            data: request.data,
            version,
        }))
    }

    fn set_acl<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        request: &SetACLRequest<'a>,
    ) -> Outcome<'a> {
        self.sessions.check(making.who.session, making.who.owner)?;
        let path = valid(&request.path)?;
        let acl = fix_up_acl(
            &self.rules.access,
            request.acl.as_deref(),
            making.who.identities,
        )?;
        let mut node = self.outstanding.get(tree, path)?;
        check_access(
            &self.rules.access,
            &node.acl,
            Perms::ADMIN,
            making.who.identities,
        )?;
        let version = next_version(node.stat().aversion, request.version)?;
        node.stat_mut().aversion = version;
        // The list itself is not outstanding: in Apache, too, it counts from when it is applied
        // (`PrepRequestProcessor.pRequest2Txn`, setACL).
        self.outstanding.change(tree, path, making.zxid, node);
        Ok(TxnBody::SetAcl(SetACLTxn {
            path: request.path.clone(),
            acl: Some(acl),
            version,
        }))
    }

    fn check<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        request: &CheckVersionRequest<'a>,
    ) -> Outcome<'a> {
        self.sessions.check(making.who.session, making.who.owner)?;
        let path = valid(&request.path)?;
        let node = self.outstanding.get(tree, path)?;
        check_access(
            &self.rules.access,
            &node.acl,
            Perms::READ,
            making.who.identities,
        )?;
        let version = next_version(node.stat().version, request.version)?;
        Ok(TxnBody::CheckVersion(CheckVersionTxn {
            path: request.path.clone(),
            version,
        }))
    }

    /// Switched off wins over not having an ensemble.
    fn reconfig(&mut self, making: &Making<'_>) -> ErrorCode {
        if !self.rules.reconfig_enabled {
            return ErrorCode::RECONFIG_DISABLED;
        }
        self.sessions
            .check(making.who.session, making.who.owner)
            .err()
            .unwrap_or(ErrorCode::UNIMPLEMENTED)
    }
}

/// A list that lives on its own.
pub(super) fn shared(acl: &[proto::records::Acl<'_>]) -> AclList {
    acl.iter().map(datatree::owned_acl).collect::<Arc<[_]>>()
}
