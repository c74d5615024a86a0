//! Creates, in all modes.

use std::borrow::Cow;

use datatree::{DataTree, MAX_TTL_MS, Owner};
use proto::records::{
    CreateContainerTxn, CreateRequest, CreateTTLRequest, CreateTTLTxn, CreateTxn, StatPersisted,
};
use proto::txn::TxnBody;
use proto::{Buffer, CreateMode, ErrorCode, OpCode, Perms, Ustring, Vector};

use super::write::{shared, some};
use super::{Making, Outcome, Processor};
use crate::access::{check_access, fix_up_acl};
use crate::outstanding::ChangeRecord;
use crate::path::{parent_of, validate_path};

/// What all requests to create have in common.
struct Asked<'r, 'a> {
    op: OpCode,
    path: &'r Ustring<'a>,
    data: Buffer<'a>,
    acl: &'r Vector<proto::records::Acl<'a>>,
    mode: CreateMode,
    /// −1 where the request has none.
    ttl_ms: i64,
}

impl Processor {
    pub(super) fn create<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        op: OpCode,
        request: &CreateRequest<'a>,
    ) -> Outcome<'a> {
        let mode = CreateMode::from_wire(request.flags).ok_or(ErrorCode::BAD_ARGUMENTS)?;
        let CreateRequest {
            path, data, acl, ..
        } = request;
        self.create_asked(
            tree,
            making,
            &Asked {
                op,
                path,
                data: *data,
                acl,
                mode,
                ttl_ms: -1,
            },
        )
    }

    /// A mode without TTL is refused here: Apache logs the txn and then ends, at every start.
    pub(super) fn create_ttl<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        request: &CreateTTLRequest<'a>,
    ) -> Outcome<'a> {
        let mode = CreateMode::from_wire(request.flags).ok_or(ErrorCode::BAD_ARGUMENTS)?;
        if !mode.is_ttl() {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let CreateTTLRequest {
            path,
            data,
            acl,
            ttl,
            ..
        } = request;
        let op = OpCode::CREATE_TTL;
        self.create_asked(
            tree,
            making,
            &Asked {
                op,
                path,
                data: *data,
                acl,
                mode,
                ttl_ms: *ttl,
            },
        )
    }

    /// `PrepRequestProcessor.pRequest2TxnCreate`.
    fn create_asked<'a>(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        asked: &Asked<'_, 'a>,
    ) -> Outcome<'a> {
        self.check_mode(tree, making, asked)?;
        let stem = some(asked.path)?;
        let parent_path = parent_of(stem)?;
        let identities = making.who.identities;
        let acl = fix_up_acl(&self.rules.access, asked.acl.as_deref(), identities)?;
        let parent = self.outstanding.get(tree, parent_path)?;
        check_access(&self.rules.access, &parent.acl, Perms::CREATE, identities)?;
        let path = full_path(asked, stem, parent.stat().cversion);
        validate_path(&path)?;
        if self.outstanding.exists(tree, &path) {
            return Err(ErrorCode::NODE_EXISTS);
        }
        let owners = tree.options().owners;
        if matches!(
            owners.read(parent.stat().ephemeral_owner),
            Owner::Session(_)
        ) {
            return Err(ErrorCode::NO_CHILDREN_FOR_EPHEMERALS);
        }
        self.check_quota(tree, &path, asked.data.map_or(0, <[u8]>::len) as i64, 1)?;
        let cversion = parent.stat().cversion.wrapping_add(1);
        let acl_list = shared(&acl);
        self.will_have_child(tree, making, parent_path, parent, cversion);
        let stat = new_stat(making, owner(making, asked));
        let record = ChangeRecord::new(&path, asked.data, stat, acl_list);
        self.outstanding.change(tree, &path, making.zxid, record);
        Ok(txn(asked, path, acl, cversion))
    }

    /// `PrepRequestProcessor.validateCreateRequest`.
    fn check_mode(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        asked: &Asked<'_, '_>,
    ) -> Result<(), ErrorCode> {
        if asked.mode.is_ttl() && !tree.options().owners.extended_types {
            return Err(ErrorCode::UNIMPLEMENTED);
        }
        if asked.mode.is_ttl() && !(1..=MAX_TTL_MS).contains(&asked.ttl_ms) {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let (session, owner) = (making.who.session, making.who.owner);
        match asked.mode.is_ephemeral() {
            true => self.sessions.check_global(session, owner),
            false => self.sessions.check(session, owner),
        }
    }

    fn will_have_child(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        path: &str,
        mut parent: ChangeRecord,
        cversion: i32,
    ) {
        parent.child_count += 1;
        let stat = parent.stat_mut();
        stat.cversion = cversion;
        stat.pzxid = making.zxid;
        self.outstanding.change(tree, path, making.zxid, parent);
    }
}

/// With the parent's cversion behind it where the mode asks for it; the suffix is signed, as
/// Java's `%010d`.
fn full_path<'a>(asked: &Asked<'_, 'a>, stem: &str, parent_cversion: i32) -> Cow<'a, str> {
    if asked.mode.is_sequential() {
        Cow::Owned(format!("{stem}{parent_cversion:010}"))
    } else {
        asked.path.clone().unwrap_or_default()
    }
}

/// The owner that the request's mode means. What the txn makes follows from its type: create with
/// a container's flag makes an ordinary znode, and one digest that does not fit, as in Apache.
fn owner(making: &Making<'_>, asked: &Asked<'_, '_>) -> Owner {
    match asked.mode {
        CreateMode::Container => Owner::Container,
        mode if mode.is_ttl() => Owner::Ttl {
            ttl_ms: asked.ttl_ms,
        },
        mode if mode.is_ephemeral() => Owner::Session(making.who.session),
        _ => Owner::Nobody,
    }
}

fn new_stat(making: &Making<'_>, owner: Owner) -> StatPersisted {
    StatPersisted {
        czxid: making.zxid,
        mzxid: making.zxid,
        pzxid: making.zxid,
        ctime: making.time,
        mtime: making.time,
        ephemeral_owner: owner.stored(),
        ..StatPersisted::default()
    }
}

fn txn<'a>(
    asked: &Asked<'_, 'a>,
    path: Cow<'a, str>,
    acl: Vec<proto::records::Acl<'a>>,
    parent_c_version: i32,
) -> TxnBody<'a> {
    let (path, data, acl) = (Some(path), asked.data, Some(acl));
    match asked.op {
        OpCode::CREATE_CONTAINER => TxnBody::CreateContainer(CreateContainerTxn {
            path,
            data,
            acl,
            parent_c_version,
        }),
        OpCode::CREATE_TTL => {
            let ttl = asked.ttl_ms;
            TxnBody::CreateTtl(CreateTTLTxn {
                path,
                data,
                acl,
                parent_c_version,
                ttl,
            })
        }
        _ => {
            let ephemeral = asked.mode.is_ephemeral();
            TxnBody::Create(CreateTxn {
                path,
                data,
                acl,
                ephemeral,
                parent_c_version,
            })
        }
    }
}
