//! Owns the audit: a line for each change that a client asked for here, each ephemeral znode that went with its session, and
//! each start and stop (`AuditHelper`, `ZKAuditProvider`). Fields, their order and their texts are Apache's.
//!
//! Must not know where the log goes. A line is written before its reply is queued. Replay of the log at a start writes
//! none, for what it replays has its lines already.

use std::collections::HashMap;
use std::fmt::{Display, Write};
use std::sync::LazyLock;

use datatree::TxnResult;
use processor::AuthRules;
use proto::records::{
    Acl, CheckVersionRequest, CreateRequest, CreateTTLRequest, DeleteRequest, MultiHeader,
    SetACLRequest, SetDataRequest,
};
use proto::{Decode, ErrorCode, Input, OpCode, SessionId};

use crate::connection::{Connection, Held};
use crate::logs::AUDIT;
use crate::words;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Success,
    /// It was refused, or went wrong.
    Failure,
    /// It was begun.
    Invoked,
}

/// The fields of a line, in their order; those without a value are left out.
#[derive(Clone, Copy, Debug, Default)]
struct Line<'a> {
    session: Option<SessionId>,
    user: Option<&'a str>,
    ip: Option<&'a str>,
    operation: &'a str,
    znode: Option<&'a str>,
    znode_type: Option<&'a str>,
    acl: Option<&'a str>,
}

impl Line<'_> {
    fn text(&self, outcome: Outcome) -> String {
        let mut text = String::new();
        let mut put = |name, value: Option<&dyn Display>| {
            if let Some(value) = value {
                let _ = write!(text, "{name}={value}\t");
            }
        };
        put("session", self.session.as_ref().map(|id| id as _));
        put("user", self.user.as_ref().map(|user| user as _));
        put("ip", self.ip.as_ref().map(|ip| ip as _));
        put("operation", Some(&self.operation));
        put("znode", self.znode.as_ref().map(|path| path as _));
        put("znode_type", self.znode_type.as_ref().map(|kind| kind as _));
        put("acl", self.acl.as_ref().map(|acl| acl as _));
        text + match outcome {
            Outcome::Success => "result=success",
            Outcome::Failure => "result=failure",
            Outcome::Invoked => "result=invoked",
        }
    }

    fn log(&self, outcome: Outcome) {
        let text = self.text(outcome);
        match outcome {
            Outcome::Failure => tracing::error!(target: AUDIT, "{text}"),
            Outcome::Success | Outcome::Invoked => tracing::info!(target: AUDIT, "{text}"),
        }
    }
}

/// Who runs the server; to ask the system for it takes time, and nothing is to wait for that with each line.
static USER: LazyLock<String> = LazyLock::new(words::user_name);

/// `serverStart` and `serverStop`.
pub fn server(operation: &str, outcome: Outcome) {
    Line {
        user: Some(&USER),
        operation,
        ..Line::default()
    }
    .log(outcome);
}

/// An ephemeral znode has gone with its session, which the server itself sees to.
pub fn ephemeral_deleted(session: SessionId, path: &str) {
    Line {
        session: Some(session),
        user: Some(&USER),
        operation: "ephemeralZNodeDeletionOnSessionCloseOrExpire",
        znode: Some(path),
        ..Line::default()
    }
    .log(Outcome::Success);
}

/// A client's request is about to be answered: with a txn's result, or with a refusal where there is none.
pub fn request(
    rules: &AuthRules,
    connection: &Connection,
    request: &Held,
    result: Option<&TxnResult<'_>>,
) {
    let Some(operation) = operation(request.op) else {
        return;
    };
    let user = request.identities.users(rules);
    let line = Line {
        session: Some(connection.session_id()),
        user: user.as_deref(),
        ip: Some(&connection.address),
        operation,
        ..Line::default()
    };
    let done = result.filter(|result| result.op != OpCode::ERROR);
    let told = match (request.op, done) {
        (OpCode::MULTI, Some(result)) => multi(line, &request.body, result),
        _ => single(line, request, done),
    };
    if let Err(error) = told {
        tracing::debug!(
            operation,
            "no line in the audit for a request that cannot be read: {error}"
        );
    }
}

/// None for what changes no znode.
fn operation(op: OpCode) -> Option<&'static str> {
    Some(match op {
        OpCode::CREATE | OpCode::CREATE2 | OpCode::CREATE_CONTAINER | OpCode::CREATE_TTL => {
            "create"
        }
        OpCode::DELETE | OpCode::DELETE_CONTAINER => "delete",
        OpCode::SET_DATA => "setData",
        OpCode::SET_ACL => "setAcl",
        OpCode::MULTI => "multiOperation",
        OpCode::RECONFIG => "reconfig",
        _ => return None,
    })
}

/// A field that Apache fails at, which then writes no line.
#[derive(Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Bytes(#[from] jute::Error),
    #[error("flags {0}")]
    Flags(i32),
    #[error("no ACL")]
    Acl,
}

/// `done` is the result of what was not refused: its path is the one that the znode got.
fn single(line: Line<'_>, request: &Held, done: Option<&TxnResult<'_>>) -> Result<(), Unreadable> {
    // What is done is named by its result; only the rest has to be read.
    let asked = match (request.op, done) {
        (OpCode::DELETE | OpCode::DELETE_CONTAINER | OpCode::SET_DATA, Some(_)) => Asked::default(),
        _ => Asked::read(request.op, &request.body)?,
    };
    let line = Line {
        acl: asked.acl.as_deref(),
        znode_type: asked.znode_type,
        znode: match done {
            Some(result) => result.path.as_deref(),
            None => asked.path.as_deref(),
        },
        ..line
    };
    let is_done = done.is_some_and(|result| result.err == ErrorCode::OK);
    line.log(if is_done {
        Outcome::Success
    } else {
        Outcome::Failure
    });
    Ok(())
}

/// What a request names.
#[derive(Debug, Default)]
struct Asked {
    path: Option<String>,
    znode_type: Option<&'static str>,
    acl: Option<String>,
}

impl Asked {
    fn read(op: OpCode, body: &[u8]) -> Result<Asked, Unreadable> {
        let input = &mut Input::new(body);
        let (path, znode_type, acl) = match op {
            OpCode::CREATE | OpCode::CREATE2 | OpCode::CREATE_CONTAINER => {
                let CreateRequest { path, flags, .. } = CreateRequest::decode(input)?;
                (path, Some(mode(flags)?), None)
            }
            OpCode::CREATE_TTL => {
                let CreateTTLRequest { path, flags, .. } = CreateTTLRequest::decode(input)?;
                (path, Some(mode(flags)?), None)
            }
            OpCode::DELETE | OpCode::DELETE_CONTAINER => {
                (DeleteRequest::decode(input)?.path, None, None)
            }
            OpCode::SET_DATA => (SetDataRequest::decode(input)?.path, None, None),
            OpCode::SET_ACL => {
                let SetACLRequest { path, acl, .. } = SetACLRequest::decode(input)?;
                let acl = acl.ok_or(Unreadable::Acl)?;
                (path, None, Some(acl_text(&acl)))
            }
            _ => (None, None, None),
        };
        Ok(Asked {
            path: path.map(|path| path.into_owned()),
            znode_type,
            acl,
        })
    }
}

/// A line for each part, or one for all where one of them failed. A znode's type is known by the path that was asked for:
/// those of sequential and TTL znodes have none (`AuditHelper.getCreateModes`).
fn multi(line: Line<'_>, body: &[u8], result: &TxnResult<'_>) -> Result<(), Unreadable> {
    let modes = create_modes(body)?;
    if result.err != ErrorCode::OK || result.parts.iter().any(|part| part.op == OpCode::ERROR) {
        line.log(Outcome::Failure);
        return Ok(());
    }
    for part in &result.parts {
        let znode = part.path.as_deref();
        let Some(operation) = operation(part.op) else {
            continue;
        };
        let znode_type = match operation {
            "create" => znode.and_then(|path| modes.get(path).copied()),
            _ => None,
        };
        Line {
            operation,
            znode,
            znode_type,
            ..line
        }
        .log(Outcome::Success);
    }
    Ok(())
}

fn create_modes(body: &[u8]) -> Result<HashMap<String, &'static str>, Unreadable> {
    let input = &mut Input::new(body);
    let mut modes = HashMap::new();
    loop {
        let header = MultiHeader::decode(input)?;
        match header.r#type {
            _ if header.done => return Ok(modes),
            OpCode::CREATE | OpCode::CREATE2 | OpCode::CREATE_CONTAINER => {
                let CreateRequest { path, flags, .. } = CreateRequest::decode(input)?;
                modes.insert(path.unwrap_or_default().into_owned(), mode(flags)?);
            }
            OpCode::CREATE_TTL => drop(CreateTTLRequest::decode(input)?),
            OpCode::DELETE => drop(DeleteRequest::decode(input)?),
            OpCode::SET_DATA => drop(SetDataRequest::decode(input)?),
            OpCode::CHECK => drop(CheckVersionRequest::decode(input)?),
            _ => return Ok(modes),
        }
    }
}

/// `CreateMode.fromFlag`, in small letters.
fn mode(flags: i32) -> Result<&'static str, Unreadable> {
    Ok(match flags {
        0 => "persistent",
        1 => "ephemeral",
        2 => "persistent_sequential",
        3 => "ephemeral_sequential",
        4 => "container",
        5 => "persistent_with_ttl",
        6 => "persistent_sequential_with_ttl",
        _ => return Err(Unreadable::Flags(flags)),
    })
}

/// `ZKUtil.aclToString`: entries with nothing between them.
fn acl_text(acl: &[Acl<'_>]) -> String {
    let mut text = String::new();
    for entry in acl {
        let scheme = entry.id.scheme.as_deref().unwrap_or("null");
        let id = entry.id.id.as_deref().unwrap_or("null");
        let _ = write!(text, "{scheme}:{id}:");
        let perms = [(4, 'c'), (8, 'd'), (1, 'r'), (2, 'w'), (16, 'a')];
        text.extend(
            perms
                .iter()
                .filter(|(bit, _)| entry.perms & bit != 0)
                .map(|(_, letter)| letter),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use proto::Encode;
    use proto::records::Id;

    use super::*;

    #[test]
    fn fields_stand_in_apaches_order_and_those_without_a_value_are_left_out() {
        let line = Line {
            session: Some(SessionId(0x1a)),
            user: Some("bob"),
            ip: Some("127.0.0.1"),
            operation: "create",
            znode: Some("/a"),
            znode_type: Some("persistent"),
            acl: None,
        };
        let text = "session=0x1a\tuser=bob\tip=127.0.0.1\toperation=create\tznode=/a\tznode_type=persistent\tresult=success";
        assert_eq!(line.text(Outcome::Success), text);
    }

    #[test]
    fn an_acl_is_written_entry_behind_entry() {
        let entry = |id: &'static str, perms| Acl {
            perms,
            id: Id {
                scheme: Some("digest".into()),
                id: Some(id.into()),
            },
        };
        let text = acl_text(&[entry("a:x", 31), entry("b:y", 1)]);
        assert_eq!(text, "digest:a:x:cdrwadigest:b:y:r");
    }

    #[test]
    fn flags_that_are_no_mode_and_a_missing_acl_make_no_line() {
        let mut body = bytes::BytesMut::new();
        CreateRequest {
            path: Some("/a".into()),
            data: None,
            acl: None,
            flags: 77,
        }
        .encode(&mut body);
        assert!(Asked::read(OpCode::CREATE, &body).is_err());
        body.clear();
        SetACLRequest {
            path: Some("/a".into()),
            acl: None,
            version: 0,
        }
        .encode(&mut body);
        assert!(Asked::read(OpCode::SET_ACL, &body).is_err());
    }
}
