//! The bytes of a reply to a write.

use bytes::BytesMut;
use datatree::TxnResult;
use proto::records::{
    Create2Response, CreateResponse, ErrorResponse, MultiHeader, ReplyHeader, SetDataResponse,
};
use proto::{Encode, ErrorCode, OpCode, Zxid};

/// Appends a reply header.
pub fn encode_header(xid: i32, zxid: Zxid, err: ErrorCode, out: &mut BytesMut) {
    ReplyHeader { xid, zxid, err }.encode(out);
}

/// Appends header and body of the reply to a write (`FinalRequestProcessor`). A failed one has no
/// body; a failed multi has, and its header says OK.
pub fn encode_txn_reply(xid: i32, zxid: Zxid, result: &TxnResult<'_>, out: &mut BytesMut) {
    if result.op == OpCode::MULTI {
        encode_header(xid, zxid, ErrorCode::OK, out);
        return encode_parts(result, out);
    }
    encode_header(xid, zxid, result.err, out);
    if result.err == ErrorCode::OK {
        encode_body(result, out);
    }
}

fn encode_body(result: &TxnResult<'_>, out: &mut BytesMut) {
    let stat = || result.stat.clone().unwrap_or_default();
    match result.op {
        OpCode::CREATE => CreateResponse {
            path: result.path.clone(),
        }
        .encode(out),
        OpCode::CREATE2 | OpCode::CREATE_CONTAINER | OpCode::CREATE_TTL => {
            Create2Response {
                path: result.path.clone(),
                stat: stat(),
            }
            .encode(out);
        }
        // setACL's response has the same form.
        OpCode::SET_DATA | OpCode::SET_ACL => SetDataResponse { stat: stat() }.encode(out),
        OpCode::ERROR => ErrorResponse { err: result.err }.encode(out),
        _ => {}
    }
}

/// `MultiResponse.serialize`: all creates with a stat are told as create2.
fn encode_parts(result: &TxnResult<'_>, out: &mut BytesMut) {
    for part in &result.parts {
        let told = match part.op {
            OpCode::CREATE_CONTAINER | OpCode::CREATE_TTL => OpCode::CREATE2,
            OpCode::DELETE_CONTAINER => OpCode::DELETE,
            op => op,
        };
        MultiHeader {
            r#type: told,
            done: false,
            err: part.err,
        }
        .encode(out);
        encode_body(part, out);
    }
    end_of_parts(out);
}

pub(crate) fn end_of_parts(out: &mut BytesMut) {
    MultiHeader {
        r#type: OpCode::ERROR,
        done: true,
        err: ErrorCode(-1),
    }
    .encode(out);
}
