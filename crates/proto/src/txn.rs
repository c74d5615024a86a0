//! A txn: header, body and digest, as the log and the quorum carry it.
//!
//! The type in the header says which record the body is (`SerializeUtils.deserializeTxn`).

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use jute::{Decode, Encode, Input, Vector};

use crate::OpCode;
use crate::records::{
    CheckVersionTxn, CloseSessionTxn, CreateContainerTxn, CreateSessionTxn, CreateTTLTxn,
    CreateTxn, CreateTxnV0, DeleteTxn, ErrorTxn, MultiTxn, SetACLTxn, SetDataTxn, Txn, TxnDigest,
    TxnHeader,
};

/// A record that is in the log was accepted once: its fields are not limited again.
const UNLIMITED: jute::Limits = jute::Limits {
    max_field_bytes: i32::MAX as i64,
};

/// Why a record of the log is not a txn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxnError {
    /// The bytes are not the record that the header's type calls for.
    #[error(transparent)]
    Jute(#[from] jute::Error),
    /// A type that no server writes.
    #[error("unsupported txn type {}", .0.0)]
    UnknownType(OpCode),
}

/// What a txn changes. One variant for a record; `TxnHeader::r#type` tells apart the types that
/// share one (create and create2, delete and deleteContainer, setData and reconfig).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Each variant is the record of the same name.
pub enum TxnBody<'a> {
    Create(CreateTxn<'a>),
    CreateContainer(CreateContainerTxn<'a>),
    CreateTtl(CreateTTLTxn<'a>),
    Delete(DeleteTxn<'a>),
    SetData(SetDataTxn<'a>),
    SetAcl(SetACLTxn<'a>),
    CheckVersion(CheckVersionTxn<'a>),
    CreateSession(CreateSessionTxn),
    /// Null paths: a txn of 3.5 and older, which deletes by owner.
    CloseSession(CloseSessionTxn<'a>),
    Error(ErrorTxn),
    Multi(MultiTxn<'a>),
}

impl<'a> TxnBody<'a> {
    fn decode(op: OpCode, input: &mut Input<'a>) -> Result<Self, TxnError> {
        Ok(match op {
            OpCode::CREATE => TxnBody::Create(decode_create(input)?),
            OpCode::CREATE2 => TxnBody::Create(input.read()?),
            OpCode::CREATE_CONTAINER => TxnBody::CreateContainer(input.read()?),
            OpCode::CREATE_TTL => TxnBody::CreateTtl(input.read()?),
            OpCode::DELETE | OpCode::DELETE_CONTAINER => TxnBody::Delete(input.read()?),
            OpCode::SET_DATA | OpCode::RECONFIG => TxnBody::SetData(input.read()?),
            OpCode::SET_ACL => TxnBody::SetAcl(input.read()?),
            OpCode::CREATE_SESSION => TxnBody::CreateSession(input.read()?),
            OpCode::CLOSE_SESSION => TxnBody::CloseSession(decode_close_session(input)?),
            OpCode::ERROR => TxnBody::Error(input.read()?),
            OpCode::MULTI => TxnBody::Multi(input.read()?),
            other => return Err(TxnError::UnknownType(other)),
        })
    }

    /// Reads one part of a multi (`DataTree.processTxn`).
    pub fn decode_part(part: &Txn<'a>) -> Result<Self, TxnError> {
        let mut input = Input::with_limits(part.data.unwrap_or_default(), UNLIMITED);
        match part.r#type {
            OpCode::CHECK => Ok(TxnBody::CheckVersion(input.read()?)),
            OpCode::MULTI | OpCode::CREATE_SESSION | OpCode::CLOSE_SESSION => {
                Err(TxnError::UnknownType(part.r#type))
            }
            other => TxnBody::decode(other, &mut input),
        }
    }
}

impl Encode for TxnBody<'_> {
    fn encode(&self, out: &mut BytesMut) {
        match self {
            TxnBody::Create(txn) => txn.encode(out),
            TxnBody::CreateContainer(txn) => txn.encode(out),
            TxnBody::CreateTtl(txn) => txn.encode(out),
            TxnBody::Delete(txn) => txn.encode(out),
            TxnBody::SetData(txn) => txn.encode(out),
            TxnBody::SetAcl(txn) => txn.encode(out),
            TxnBody::CheckVersion(txn) => txn.encode(out),
            TxnBody::CreateSession(txn) => txn.encode(out),
            TxnBody::CloseSession(txn) if txn.paths2_delete.is_none() => {}
            TxnBody::CloseSession(txn) => txn.encode(out),
            TxnBody::Error(txn) => txn.encode(out),
            TxnBody::Multi(txn) => txn.encode(out),
        }
    }
}

/// A create, or one of 3.3 and older that lacks the parent's cversion.
fn decode_create<'a>(input: &mut Input<'a>) -> Result<CreateTxn<'a>, jute::Error> {
    let start = input.clone();
    match input.read() {
        Err(jute::Error::Truncated { .. }) => {
            *input = start;
            let old: CreateTxnV0<'a> = input.read()?;
            Ok(CreateTxn {
                path: old.path,
                data: old.data,
                acl: old.acl,
                ephemeral: old.ephemeral,
                parent_c_version: -1,
            })
        }
        outcome => outcome,
    }
}

/// A closeSession with its paths, or an empty one, with or without a digest behind it.
///
/// Twelve bytes that begin with the digest's version are a digest: a list of two paths is longer.
fn decode_close_session<'a>(input: &mut Input<'a>) -> Result<CloseSessionTxn<'a>, jute::Error> {
    const DIGEST_BYTES: usize = 12;
    let rest = input.rest();
    let only_digest = rest.len() == DIGEST_BYTES && rest.starts_with(&[0, 0, 0, 2]);
    if rest.is_empty() || only_digest {
        return Ok(CloseSessionTxn {
            paths2_delete: None,
        });
    }
    let paths: Vector<_> = input.read()?;
    Ok(CloseSessionTxn {
        paths2_delete: Some(paths.unwrap_or_default()),
    })
}

/// One txn as it stands in a record of the log, and in a PROPOSAL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnRecord<'a> {
    /// Who asked, and which number the txn has.
    pub header: TxnHeader,
    /// What it changes.
    pub body: TxnBody<'a>,
    /// The tree's digest after it; none from servers before 3.6 or with digests off.
    pub digest: Option<TxnDigest>,
}

impl<'a> TxnRecord<'a> {
    /// Reads a record's bytes. Bytes behind the digest are ignored, as Apache does.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, TxnError> {
        Self::read(Input::with_limits(bytes, UNLIMITED))
    }

    /// Reads a record that this server made and has not read from a file or another server.
    ///
    /// Apache applies the object that it made (`FinalRequestProcessor`), so characters beyond
    /// U+FFFF, which do not survive being written, are in its tree until a restart. The parts of
    /// a multi are bytes for it, too.
    pub fn decode_own(bytes: &'a [u8]) -> Result<Self, TxnError> {
        Self::read(Input::with_limits(bytes, UNLIMITED).own())
    }

    fn read(mut input: Input<'a>) -> Result<Self, TxnError> {
        let header: TxnHeader = input.read()?;
        let body = TxnBody::decode(header.r#type, &mut input)?;
        let digest = TxnDigest::decode(&mut input).ok();
        Ok(TxnRecord {
            header,
            body,
            digest,
        })
    }

    /// The record's bytes.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.header.encode(&mut out);
        self.body.encode(&mut out);
        if let Some(digest) = &self.digest {
            digest.encode(&mut out);
        }
        out.freeze()
    }
}

/// Text that stays: a borrowed field of a record made to live on its own.
pub fn owned(text: &str) -> Option<Cow<'static, str>> {
    Some(Cow::Owned(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCode, SessionId, Zxid};

    fn record(op: OpCode, body: TxnBody<'static>, digest: Option<TxnDigest>) -> TxnRecord<'static> {
        let header = TxnHeader {
            client_id: SessionId(1),
            cxid: 2,
            zxid: Zxid(3),
            time: 4,
            r#type: op,
        };
        TxnRecord {
            header,
            body,
            digest,
        }
    }

    const DIGEST: Option<TxnDigest> = Some(TxnDigest {
        version: 2,
        tree_digest: -5,
    });

    #[test]
    fn only_who_made_a_txn_keeps_characters_beyond_the_basic_plane() {
        let id = |text: &'static str| crate::records::Id {
            scheme: Some("digest".into()),
            id: Some(text.into()),
        };
        let set_acl = |text| {
            let acl = vec![crate::records::Acl {
                perms: 31,
                id: id(text),
            }];
            TxnBody::SetAcl(SetACLTxn {
                path: Some("/a".into()),
                acl: Some(acl),
                version: 1,
            })
        };
        let bytes = record(OpCode::SET_ACL, set_acl("😀:x"), DIGEST).to_bytes();
        let body = |record: Result<TxnRecord<'_>, _>| record.unwrap().body == set_acl("😀:x");
        assert!(body(TxnRecord::decode_own(&bytes)));
        assert!(!body(TxnRecord::decode(&bytes)));
    }

    #[test]
    fn a_record_comes_back_as_it_went() {
        let bodies = [
            (
                OpCode::ERROR,
                TxnBody::Error(ErrorTxn {
                    err: ErrorCode::NO_NODE,
                }),
            ),
            (
                OpCode::DELETE,
                TxnBody::Delete(DeleteTxn { path: owned("/a") }),
            ),
            (
                OpCode::CLOSE_SESSION,
                TxnBody::CloseSession(CloseSessionTxn {
                    paths2_delete: Some(vec![owned("/e")]),
                }),
            ),
        ];
        for (op, body) in bodies {
            for digest in [None, DIGEST] {
                let record = record(op, body.clone(), digest);
                assert_eq!(TxnRecord::decode(&record.to_bytes()), Ok(record));
            }
        }
    }

    #[test]
    fn an_empty_close_session_is_read_with_and_without_a_digest() {
        for digest in [None, DIGEST] {
            let body = TxnBody::CloseSession(CloseSessionTxn {
                paths2_delete: None,
            });
            let record = record(OpCode::CLOSE_SESSION, body, digest);
            assert_eq!(TxnRecord::decode(&record.to_bytes()), Ok(record));
        }
    }

    #[test]
    fn a_create_of_3_3_has_no_parent_cversion() {
        let mut bytes = BytesMut::new();
        record(OpCode::CREATE, TxnBody::Error(ErrorTxn::default()), None)
            .header
            .encode(&mut bytes);
        let old = CreateTxnV0 {
            path: owned("/a"),
            acl: Some(vec![]),
            ..CreateTxnV0::default()
        };
        old.encode(&mut bytes);
        match TxnRecord::decode(&bytes).unwrap().body {
            TxnBody::Create(txn) => assert_eq!(txn.parent_c_version, -1),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_unknown_type_is_an_error() {
        let mut bytes = BytesMut::new();
        record(OpCode(77), TxnBody::Error(ErrorTxn::default()), None)
            .header
            .encode(&mut bytes);
        assert_eq!(
            TxnRecord::decode(&bytes),
            Err(TxnError::UnknownType(OpCode(77)))
        );
    }
}
