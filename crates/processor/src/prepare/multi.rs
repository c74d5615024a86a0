//! Several writes as one txn: all or none.

use bytes::BytesMut;
use datatree::DataTree;
use proto::records::{CreateRequest, CreateTTLRequest, ErrorTxn, MultiHeader, MultiTxn, Txn};
use proto::txn::TxnBody;
use proto::{CreateMode, Encode, ErrorCode, Input, OpCode};

use super::write::{Write, some};
use super::{Making, Outcome, Prepared, Processor, WriteRequest, write};

/// A multi that is none.
enum Malformed {
    /// The bytes say so: the refusal takes a zxid.
    Bytes,
    /// Null where Java stumbles before a zxid is taken.
    Null,
}

impl From<jute::Error> for Malformed {
    fn from(_: jute::Error) -> Self {
        Malformed::Bytes
    }
}

/// `MultiOperationRecord.deserialize`. Only writes: one with reads is accepted by its parser and
/// then stumbled on, which comes to the same answer.
fn parse_parts<'a>(input: &mut Input<'a>) -> Result<Vec<(OpCode, Write<'a>)>, Malformed> {
    let mut parts = Vec::new();
    loop {
        let header: MultiHeader = input.read()?;
        if header.done {
            return Ok(parts);
        }
        parts.push(parse_part(header.r#type, input)?);
    }
}

fn parse_part<'a>(op: OpCode, input: &mut Input<'a>) -> Result<(OpCode, Write<'a>), Malformed> {
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

/// Is this a multi of writes, at least one?
pub(crate) fn is_write_multi(input: &Input<'_>) -> bool {
    parse_parts(&mut input.clone()).is_ok_and(|parts| !parts.is_empty())
}

fn path_of<'p>(write: &'p Write<'_>) -> Result<&'p str, ErrorCode> {
    some(match write {
        Write::Create(_, request) => &request.path,
        Write::CreateTtl(request) => &request.path,
        Write::Delete(request) => &request.path,
        Write::SetData(request) => &request.path,
        Write::Check(request) => &request.path,
        _ => &None,
    })
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
        let parts = parse_parts(&mut input);
        if matches!(parts, Err(Malformed::Null)) {
            return Prepared::Refused(ErrorCode::MARSHALLING_ERROR);
        }
        let making = Making {
            who: request.who,
            zxid: self.next_zxid(),
            time,
        };
        let parts = parts
            .ok()
            .filter(|parts| parts.iter().all(|(_, part)| path_of(part).is_ok()));
        match parts {
            None => self.finish(tree, &making, request.op, Err(ErrorCode::MARSHALLING_ERROR)),
            Some(parts) => {
                let txns = self.make_parts(tree, &making, &parts);
                let borrowed = txns.iter().map(|(op, data)| Txn {
                    r#type: *op,
                    data: Some(data),
                });
                let body = TxnBody::Multi(MultiTxn {
                    txns: Some(borrowed.collect()),
                });
                self.finish(tree, &making, request.op, Ok(body))
            }
        }
    }

    /// Each part's txn; after the first refusal nothing is tried any more and all is taken back.
    fn make_parts(
        &mut self,
        tree: &DataTree,
        making: &Making<'_>,
        parts: &[(OpCode, Write<'_>)],
    ) -> Vec<(OpCode, Vec<u8>)> {
        self.outstanding.begin_multi();
        let mut failed = false;
        let mut txns = Vec::with_capacity(parts.len());
        for (op, part) in parts {
            let outcome: Outcome<'_> = match failed {
                true => Err(ErrorCode::RUNTIME_INCONSISTENCY),
                false => self.make(tree, making, part),
            };
            failed |= outcome.is_err();
            txns.push(match outcome {
                Ok(body) => (*op, bytes_of(&body)),
                Err(err) => (OpCode::ERROR, bytes_of(&ErrorTxn { err })),
            });
        }
        self.outstanding.end_multi(!failed);
        txns
    }
}
