//! Several writes as one txn: all or none.

use bytes::BytesMut;
use datatree::DataTree;
use proto::records::{
    CreateRequest, CreateTTLRequest, ErrorTxn, GetDataRequest, MultiHeader, MultiTxn, Txn,
};
use proto::txn::TxnBody;
use proto::{CreateMode, Encode, ErrorCode, Input, OpCode, Ustring};

use super::write::Write;
use super::{Making, Outcome, Prepared, Processor, WriteRequest, write};

/// A multi whose bytes are none.
pub(crate) enum Malformed {
    /// To the eye of Apache's parser: the refusal of a multi takes a zxid.
    Bytes,
    /// Null where Java stumbles outside of it, before a zxid is taken.
    Null,
}

impl From<jute::Error> for Malformed {
    fn from(_: jute::Error) -> Self {
        Malformed::Bytes
    }
}

impl From<write::Malformed> for Malformed {
    fn from(_: write::Malformed) -> Self {
        Malformed::Bytes
    }
}

/// The parts of a multi or multiRead; Apache parses both alike. None at all are writes.
pub(crate) enum Parts<'a> {
    Writes(Vec<(OpCode, Write<'a>)>),
    Reads(Vec<(OpCode, Ustring<'a>)>),
}

impl<'a> Parts<'a> {
    /// `MultiOperationRecord.deserialize`.
    pub fn parse(input: &mut Input<'a>) -> Result<Self, Malformed> {
        let (mut writes, mut reads) = (Vec::new(), Vec::new());
        loop {
            let MultiHeader { r#type, done, .. } = input.read()?;
            match r#type {
                _ if done => break,
                OpCode::GET_DATA | OpCode::GET_CHILDREN => {
                    let GetDataRequest { path, .. } = input.read()?;
                    reads.push((r#type, path));
                }
                _ => writes.push(parse_write(r#type, input)?),
            }
            if !reads.is_empty() && !writes.is_empty() {
                return Err(Malformed::Bytes);
            }
        }
        Ok(match reads.is_empty() {
            true => Parts::Writes(writes),
            false => Parts::Reads(reads),
        })
    }

    /// Apache looks at the paths of a multi before all else, and stumbles on null.
    fn has_null_path(&self) -> bool {
        match self {
            Parts::Writes(writes) => writes.iter().any(|(_, write)| path_of(write).is_none()),
            Parts::Reads(reads) => reads.iter().any(|(_, path)| path.is_none()),
        }
    }
}

fn parse_write<'a>(op: OpCode, input: &mut Input<'a>) -> Result<(OpCode, Write<'a>), Malformed> {
    match op {
        OpCode::CREATE | OpCode::CREATE2 | OpCode::CREATE_CONTAINER => {
            create_part(op, input.read()?)
        }
        OpCode::CREATE_TTL => ttl_part(input.read()?),
        OpCode::DELETE | OpCode::SET_DATA | OpCode::CHECK => Ok((op, write::parse(op, input)?)),
        _ => Err(Malformed::Bytes),
    }
}

/// The flag decides over the type; a TTL flag has no TTL here.
fn create_part<'a>(
    op: OpCode,
    request: CreateRequest<'a>,
) -> Result<(OpCode, Write<'a>), Malformed> {
    let mode = CreateMode::from_wire(request.flags).ok_or(Malformed::Bytes)?;
    if request.acl.is_none() {
        return Err(Malformed::Null);
    }
    if mode.is_ttl() {
        return Err(Malformed::Bytes);
    }
    let op = if mode == CreateMode::Container {
        OpCode::CREATE_CONTAINER
    } else {
        op
    };
    Ok((op, Write::Create(op, request)))
}

/// Without a TTL flag it is an ordinary create (`Op.create` with a ttl).
fn ttl_part<'a>(request: CreateTTLRequest<'a>) -> Result<(OpCode, Write<'a>), Malformed> {
    let mode = CreateMode::from_wire(request.flags).unwrap_or(CreateMode::Persistent);
    if mode.is_ttl() {
        return Ok((OpCode::CREATE_TTL, Write::CreateTtl(request)));
    }
    let container = mode == CreateMode::Container;
    let op = if container {
        OpCode::CREATE_CONTAINER
    } else {
        OpCode::CREATE
    };
    let CreateTTLRequest {
        path,
        data,
        acl,
        flags,
        ..
    } = request;
    Ok((
        op,
        Write::Create(
            op,
            CreateRequest {
                path,
                data,
                acl,
                flags,
            },
        ),
    ))
}

fn path_of<'p>(write: &'p Write<'_>) -> Option<&'p str> {
    let path = match write {
        Write::Create(_, request) => &request.path,
        Write::CreateTtl(request) => &request.path,
        Write::Delete(request) => &request.path,
        Write::SetData(request) => &request.path,
        Write::Check(request) => &request.path,
        _ => &None,
    };
    path.as_deref()
}

fn borrowed((op, data): &(OpCode, Vec<u8>)) -> Txn<'_> {
    Txn {
        r#type: *op,
        data: Some(data),
    }
}

fn bytes_of(record: &impl Encode) -> Vec<u8> {
    let mut out = BytesMut::new();
    record.encode(&mut out);
    out.into()
}

impl Processor {
    pub(super) fn prepare_multi(
        &mut self,
        tree: &DataTree,
        request: &WriteRequest<'_>,
        time: i64,
    ) -> Prepared {
        let mut input = Input::with_limits(request.body, self.rules.limits);
        let parts = Parts::parse(&mut input);
        let err = ErrorCode::MARSHALLING_ERROR;
        if matches!(parts, Err(Malformed::Null)) {
            return Prepared::Refused(err);
        }
        let making = Making {
            who: request.who,
            zxid: self.next_zxid(),
            time,
        };
        match parts.ok().filter(|parts| !parts.has_null_path()) {
            None => self.finish(tree, &making, request.op, Err(err)),
            Some(Parts::Reads(_)) => {
                // Apache stumbles so late that this refusal has a digest.
                let body = TxnBody::Error(ErrorTxn { err });
                let digest = self.digest(tree);
                self.record(&making, OpCode::ERROR, &body, digest)
            }
            Some(Parts::Writes(parts)) => {
                let txns = self.make_parts(tree, &making, &parts);
                let body = txns.as_ref().map(|txns| {
                    TxnBody::Multi(MultiTxn {
                        txns: Some(txns.iter().map(borrowed).collect()),
                    })
                });
                self.finish(tree, &making, request.op, body.map_err(|err| *err))
            }
        }
    }

    /// Each part's txn; after the first refusal nothing is tried any more and all is taken back.
    ///
    /// A part on which Java stumbles, such as a digest id that is null, is the refusal of the whole:
    /// `pRequestHelper` takes a KeeperException for a part's, and any other exception for its own.
    fn make_parts(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        parts: &[(OpCode, Write<'_>)],
    ) -> Result<Vec<(OpCode, Vec<u8>)>, ErrorCode> {
        self.outstanding.begin_multi();
        let mut failed = false;
        let mut txns = Vec::with_capacity(parts.len());
        for (op, part) in parts {
            let outcome: Outcome<'_> = match failed {
                true => Err(ErrorCode::RUNTIME_INCONSISTENCY),
                false => self.make(tree, making, part),
            };
            if let Err(err @ ErrorCode::MARSHALLING_ERROR) = outcome {
                self.outstanding.end_multi(false);
                return Err(err);
            }
            failed |= outcome.is_err();
            txns.push(match outcome {
                Ok(body) => (*op, bytes_of(&body)),
                Err(err) => (OpCode::ERROR, bytes_of(&ErrorTxn { err })),
            });
        }
        self.outstanding.end_multi(!failed);
        Ok(txns)
    }
}
