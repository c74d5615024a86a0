//! The bytes of what clients ask.

use bytes::{Bytes, BytesMut};
use proto::records::{
    CheckVersionRequest, CreateRequest, DeleteRequest, MultiHeader, SetDataRequest, SetWatches2,
};
use proto::txn::owned;
use proto::{CreateMode, Encode, ErrorCode, OpCode, Zxid};
use rand::Rng;
use rand::rngs::SmallRng;

use super::checks::Watch;

/// Few, so that writes meet.
const PARENTS: [&str; 4] = ["/a", "/b", "/c", "/d"];
const NAMES: [&str; 3] = ["x", "y", "z"];

pub fn path(random: &mut SmallRng) -> String {
    let parent = PARENTS[random.random_range(0..PARENTS.len())];
    match random.random() {
        true => parent.to_owned(),
        false => format!("{parent}/{}", NAMES[random.random_range(0..NAMES.len())]),
    }
}

pub fn create(path: &str, data: [u8; 12], random: &mut SmallRng) -> (OpCode, Bytes) {
    let modes = [
        CreateMode::Persistent,
        CreateMode::Persistent,
        CreateMode::Ephemeral,
        CreateMode::PersistentSequential,
        CreateMode::EphemeralSequential,
    ];
    let flags = modes[random.random_range(0..modes.len())] as i32;
    let op = match random.random() {
        true => OpCode::CREATE,
        false => OpCode::CREATE2,
    };
    let request = CreateRequest {
        path: owned(path),
        data: Some(&data),
        acl: Some(datatree::open_acl_unsafe().to_vec()),
        flags,
    };
    (op, bytes_of(&request))
}

pub fn set_data(path: &str, data: [u8; 12]) -> Bytes {
    bytes_of(&SetDataRequest {
        path: owned(path),
        data: Some(&data),
        version: -1,
    })
}

pub fn delete(path: &str) -> Bytes {
    bytes_of(&DeleteRequest {
        path: owned(path),
        version: -1,
    })
}

/// A check that may fail, and two writes.
pub fn multi(path: &str, data: [u8; 12], random: &mut SmallRng) -> Bytes {
    let check = CheckVersionRequest {
        path: owned(path),
        version: -1,
    };
    let (create_op, create_body) = create(&format!("{path}/m"), data, random);
    let parts = [
        (OpCode::CHECK, bytes_of(&check)),
        (OpCode::SET_DATA, set_data(path, data)),
        (create_op, create_body),
    ];
    let header = |op, done| MultiHeader {
        r#type: op,
        done,
        err: ErrorCode(-1),
    };
    let mut out = BytesMut::new();
    for (op, body) in parts {
        header(op, false).encode(&mut out);
        out.extend_from_slice(&body);
    }
    header(OpCode::ERROR, true).encode(&mut out);
    out.freeze()
}

pub fn set_watches(since: Zxid, watches: &[Watch]) -> Bytes {
    let paths = |is_its: fn(&Watch) -> bool| {
        let its = watches.iter().filter(|watch| is_its(watch));
        Some(its.map(|watch| owned(watch.path())).collect())
    };
    bytes_of(&SetWatches2 {
        relative_zxid: since,
        data_watches: paths(Watch::is_of_data),
        exist_watches: paths(Watch::is_of_existence),
        child_watches: paths(Watch::is_of_children),
        persistent_watches: Some(Vec::new()),
        persistent_recursive_watches: Some(Vec::new()),
    })
}

pub fn bytes_of(record: &impl Encode) -> Bytes {
    let mut out = BytesMut::new();
    record.encode(&mut out);
    out.freeze()
}
