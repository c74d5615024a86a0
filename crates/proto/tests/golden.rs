//! What Apache's servers and clients wrote, read and written again: the same bytes.
//!
//! The files are described in `compat-tests/golden/README.md`.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use jute::Error;
use proto::connect::{Connect, encode_response};
use proto::records::*;
use proto::txn::TxnRecord;
use proto::{Decode, Encode, ErrorCode, Input, OpCode};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compat-tests/golden")
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// One line of a frames file.
struct Row {
    place: String,
    is_request: bool,
    op: String,
    frame: Vec<u8>,
}

fn rows(file: &str) -> Vec<Row> {
    let text = std::fs::read_to_string(golden().join(file)).unwrap();
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| !line.starts_with('#'))
        .map(|(number, line)| {
            let columns: Vec<&str> = line.split('\t').collect();
            Row {
                place: format!("{file}:{}", number + 1),
                is_request: columns[1] == "request",
                op: columns[2].to_owned(),
                frame: bytes_of_hex(columns[3]),
            }
        })
        .collect()
}

fn all_rows() -> Vec<Row> {
    let files = [
        "apache-3.9.5/frames.tsv",
        "requests.tsv",
        "cases/frames.tsv",
        "cases-defaults/frames.tsv",
    ];
    files.into_iter().flat_map(rows).collect()
}

/// Reads a `T` and writes it again.
fn again<'a, T: Decode<'a> + Encode>(
    input: &mut Input<'a>,
    out: &mut BytesMut,
) -> Result<T, Error> {
    let value: T = input.read()?;
    value.encode(out);
    Ok(value)
}

/// Passes the record of each op on; the rest of the ops have an empty body.
macro_rules! body_again {
    ($op:expr, $input:expr, $out:expr, $($record:ty: $first:ident $(| $more:ident)*;)*) => {
        match $op {
            $(OpCode::$first $(| OpCode::$more)* => again::<$record>($input, $out).map(drop),)*
            _ => Ok(()),
        }
    };
}

fn request_body(op: OpCode, input: &mut Input<'_>, out: &mut BytesMut) -> Result<(), Error> {
    if matches!(op, OpCode::MULTI | OpCode::MULTI_READ) {
        return parts(input, out, request_body);
    }
    body_again!(op, input, out,
        CreateRequest<'_>: CREATE | CREATE2 | CREATE_CONTAINER;
        CreateTTLRequest<'_>: CREATE_TTL;
        DeleteRequest<'_>: DELETE;
        DeleteContainerRequest<'_>: DELETE_CONTAINER;
        ExistsRequest<'_>: EXISTS;
        GetDataRequest<'_>: GET_DATA;
        SetDataRequest<'_>: SET_DATA;
        GetACLRequest<'_>: GET_ACL;
        SetACLRequest<'_>: SET_ACL;
        GetChildrenRequest<'_>: GET_CHILDREN;
        GetChildren2Request<'_>: GET_CHILDREN2;
        SyncRequest<'_>: SYNC;
        CheckVersionRequest<'_>: CHECK;
        ReconfigRequest<'_>: RECONFIG;
        CheckWatchesRequest<'_>: CHECK_WATCHES;
        RemoveWatchesRequest<'_>: REMOVE_WATCHES;
        AuthPacket<'_>: AUTH;
        SetWatches<'_>: SET_WATCHES;
        SetWatches2<'_>: SET_WATCHES2;
        AddWatchRequest<'_>: ADD_WATCH;
        GetEphemeralsRequest<'_>: GET_EPHEMERALS;
        GetAllChildrenNumberRequest<'_>: GET_ALL_CHILDREN_NUMBER;
        CreateSessionTxn: CREATE_SESSION;
    )
}

fn reply_body(op: OpCode, input: &mut Input<'_>, out: &mut BytesMut) -> Result<(), Error> {
    if matches!(op, OpCode::MULTI | OpCode::MULTI_READ) {
        return parts(input, out, reply_body);
    }
    body_again!(op, input, out,
        CreateResponse<'_>: CREATE;
        Create2Response<'_>: CREATE2 | CREATE_CONTAINER | CREATE_TTL;
        ExistsResponse: EXISTS;
        GetDataResponse<'_>: GET_DATA;
        SetDataResponse: SET_DATA;
        GetACLResponse<'_>: GET_ACL;
        SetACLResponse: SET_ACL;
        GetChildrenResponse<'_>: GET_CHILDREN;
        GetChildren2Response<'_>: GET_CHILDREN2;
        SyncResponse<'_>: SYNC;
        ErrorResponse: ADD_WATCH | ERROR;
        GetEphemeralsResponse<'_>: GET_EPHEMERALS;
        GetAllChildrenNumberResponse: GET_ALL_CHILDREN_NUMBER;
        WhoAmIResponse<'_>: WHO_AM_I;
    )
}

fn parts(
    input: &mut Input<'_>,
    out: &mut BytesMut,
    part: fn(OpCode, &mut Input<'_>, &mut BytesMut) -> Result<(), Error>,
) -> Result<(), Error> {
    loop {
        let header: MultiHeader = again(input, out)?;
        if header.done {
            return Ok(());
        }
        part(header.r#type, input, out)?;
    }
}

fn op_named(name: &str) -> OpCode {
    let found = OpCode::ALL.iter().find(|op| op.name() == Some(name));
    *found.unwrap_or(&OpCode::NOTIFICATION)
}

/// The frame written again, with the bytes that a request has too many; an error if it is cut.
fn request_again(row: &Row) -> Result<BytesMut, Error> {
    let mut out = BytesMut::new();
    if row.op == "connect" {
        let connect = Connect::decode(&row.frame)?;
        connect.request.encode(&mut out);
        out.truncate(out.len() - usize::from(!connect.has_read_only));
        return Ok(out);
    }
    let mut input = Input::new(&row.frame);
    let header: RequestHeader = again(&mut input, &mut out)?;
    request_body(header.r#type, &mut input, &mut out)?;
    out.extend_from_slice(input.rest());
    Ok(out)
}

fn connect_response_again(frame: &[u8]) -> Result<BytesMut, Error> {
    const WITH_READ_ONLY: usize = 37;
    let mut input = Input::new(frame);
    let has_read_only = frame.len() == WITH_READ_ONLY;
    let response = ConnectResponse {
        protocol_version: input.read()?,
        time_out: input.read()?,
        session_id: input.read()?,
        passwd: input.read()?,
        read_only: has_read_only && input.read()?,
    };
    let mut out = BytesMut::new();
    encode_response(&response, has_read_only, &mut out);
    Ok(out)
}

fn reply_again(row: &Row) -> Result<BytesMut, Error> {
    const REPLY_HEADER_BYTES: usize = 16;
    let is_connect = matches!(row.op.as_str(), "connect" | "createSession");
    if is_connect && row.frame.len() > REPLY_HEADER_BYTES {
        return connect_response_again(&row.frame);
    }
    let mut out = BytesMut::new();
    let mut input = Input::new(&row.frame);
    let header: ReplyHeader = again(&mut input, &mut out)?;
    if row.op == "event" {
        again::<WatcherEvent<'_>>(&mut input, &mut out)?;
    } else if header.err == ErrorCode::OK || !input.is_empty() {
        // An error has a body in one case: of a multiRead that Apache stumbled on half way.
        reply_body(op_named(&row.op), &mut input, &mut out)?;
    }
    assert!(input.is_empty(), "{} has more than a reply", row.place);
    Ok(out)
}

/// Characters beyond U+FFFF do not come back as they went, from Apache neither: read as four
/// bytes, or as two unpaired surrogates, they are written as six bytes or as two U+FFFD.
fn is_beyond_the_basic_plane(bytes: &[u8]) -> bool {
    let four_bytes = |pair: &[u8]| pair == [0xf0, 0x9f];
    let surrogate = |pair: &[u8]| pair == [0xed, 0xa0];
    bytes
        .windows(2)
        .any(|pair| four_bytes(pair) || surrogate(pair))
}

#[test]
fn every_captured_request_is_written_again_as_it_was() {
    let mut kinds = BTreeMap::new();
    let mut cut_short = 0;
    for row in all_rows().iter().filter(|row| row.is_request) {
        let Ok(again) = request_again(row) else {
            cut_short += 1;
            continue;
        };
        if !is_beyond_the_basic_plane(&row.frame) {
            assert_eq!(again, row.frame, "{} {}", row.place, row.op);
        }
        *kinds.entry(row.op.clone()).or_insert(0) += 1;
    }
    assert!(kinds.len() > 28 && cut_short > 100, "{cut_short} {kinds:?}");
}

#[test]
fn every_captured_reply_and_event_is_written_again_as_it_was() {
    let mut kinds = BTreeMap::new();
    for row in all_rows().iter().filter(|row| !row.is_request) {
        let again = reply_again(row).unwrap();
        if !is_beyond_the_basic_plane(&row.frame) {
            assert_eq!(again, row.frame, "{} {}", row.place, row.op);
        }
        *kinds.entry(row.op.clone()).or_insert(0) += 1;
    }
    assert!(kinds.len() > 28, "only {kinds:?}");
}

/// The records of a log that has no padding.
fn log_records(path: &Path) -> Vec<Vec<u8>> {
    const FILE_HEADER_BYTES: usize = 16;
    let mut log = Vec::new();
    let mut file = std::fs::OpenOptions::new().read(true).open(path).unwrap();
    file.read_to_end(&mut log).unwrap();
    let mut input = Input::new(&log[FILE_HEADER_BYTES..]);
    let mut records = Vec::new();
    while !input.is_empty() {
        let _checksum: i64 = input.read().unwrap();
        let record: proto::Buffer<'_> = input.read().unwrap();
        records.push(record.unwrap().to_vec());
        let _end: bool = input.read().unwrap();
    }
    records
}

fn logs_of(dir: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(golden().join(dir).join("version-2")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "log"))
        .collect()
}

#[test]
fn every_record_of_the_logs_is_written_again_as_it_was() {
    let mut types = BTreeMap::new();
    let dirs = [
        "apache-3.9.5",
        "apache-3.9.5-no-digest",
        "apache-3.8.6",
        "cases",
        "cases-defaults",
    ];
    let logs = dirs.into_iter().flat_map(logs_of);
    for bytes in logs.flat_map(|path| log_records(&path)) {
        let record = TxnRecord::decode(&bytes).unwrap();
        *types.entry(record.header.r#type).or_insert(0) += 1;
        if !is_beyond_the_basic_plane(&bytes) {
            assert_eq!(record.to_bytes(), bytes, "{record:?}");
        }
    }
    assert_eq!(types.len(), 12, "every type but reconfig: {types:?}");
}
