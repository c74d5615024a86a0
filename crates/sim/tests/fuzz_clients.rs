//! A short seeded run of the fuzz targets that stand for clients: requests that are right, and
//! the same with damage.

mod common;

use bytes::BytesMut;
use common::damage;
use datatree::DataTree;
use proto::records::{
    AddWatchRequest, CheckWatchesRequest, ExistsRequest, GetACLRequest, GetEphemeralsRequest,
    MultiHeader, SetWatches2,
};
use proto::txn::owned;
use proto::{Encode, ErrorCode, OpCode, SessionId, Zxid};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use sim::server::tree_options;
use sim::{Event, Script, fuzz};

const ROUNDS: u64 = 2_000;
const REQUESTS: usize = 40;

/// A stream of frames, in pieces as the first bytes say.
fn sound_frames(random: &mut SmallRng) -> Vec<u8> {
    let limit: u16 = random.random_range(1..200);
    let mut bytes = limit.to_be_bytes().to_vec();
    bytes.extend((0..8).map(|_| [0, 1, 3, 50, 255][random.random_range(0..5)]));
    for _ in 0..random.random_range(0..10) {
        let length = random.random_range(0..=limit);
        bytes.extend(i32::from(length).to_be_bytes());
        bytes.extend((0..length).map(|index| index as u8));
    }
    bytes
}

#[test]
fn frames_come_out_as_they_went_in_whatever_the_pieces() {
    let mut random = SmallRng::seed_from_u64(1);
    for _ in 0..ROUNDS {
        let mut bytes = sound_frames(&mut random);
        fuzz::frames(&bytes);
        let range = 0..bytes.len();
        damage(&mut bytes, range, &mut random);
        fuzz::frames(&bytes);
    }
}

fn bytes_of(record: &impl Encode) -> Vec<u8> {
    let mut out = BytesMut::new();
    record.encode(&mut out);
    out.to_vec()
}

fn read(random: &mut SmallRng) -> (OpCode, Vec<u8>) {
    let paths = ["/", "/a", "/b/c", "/zookeeper/quota", "/é", ""];
    let chosen = paths[random.random_range(0..paths.len())];
    let path = || owned(chosen);
    let paths = || Some(vec![path(), owned("/b"), owned("/none")]);
    let number = random.random_range(0..6);
    let watch = random.random();
    match random.random_range(0..12) {
        0 => (
            OpCode::EXISTS,
            bytes_of(&ExistsRequest {
                path: path(),
                watch,
            }),
        ),
        1 => (
            OpCode::GET_DATA,
            bytes_of(&ExistsRequest {
                path: path(),
                watch,
            }),
        ),
        2 => (
            OpCode::GET_CHILDREN,
            bytes_of(&ExistsRequest {
                path: path(),
                watch,
            }),
        ),
        3 => (
            OpCode::GET_CHILDREN2,
            bytes_of(&ExistsRequest {
                path: path(),
                watch,
            }),
        ),
        4 => (OpCode::GET_ACL, bytes_of(&GetACLRequest { path: path() })),
        5 => (
            OpCode::GET_ALL_CHILDREN_NUMBER,
            bytes_of(&GetACLRequest { path: path() }),
        ),
        6 => {
            let request = GetEphemeralsRequest {
                prefix_path: path(),
            };
            (OpCode::GET_EPHEMERALS, bytes_of(&request))
        }
        7 => {
            let request = AddWatchRequest {
                path: path(),
                mode: number,
            };
            (OpCode::ADD_WATCH, bytes_of(&request))
        }
        8 => {
            let request = CheckWatchesRequest {
                path: path(),
                r#type: number,
            };
            (OpCode::REMOVE_WATCHES, bytes_of(&request))
        }
        9 => {
            let request = SetWatches2 {
                relative_zxid: Zxid(i64::from(number) * 20),
                data_watches: paths(),
                exist_watches: paths(),
                child_watches: paths(),
                persistent_watches: paths(),
                persistent_recursive_watches: paths(),
            };
            (OpCode::SET_WATCHES2, bytes_of(&request))
        }
        10 => (OpCode::MULTI_READ, multi_read(&[path(), owned("/none")])),
        _ => (OpCode::WHO_AM_I, Vec::new()),
    }
}

fn multi_read(paths: &[proto::Ustring<'static>]) -> Vec<u8> {
    let header = |r#type, done| MultiHeader {
        r#type,
        done,
        err: ErrorCode(-1),
    };
    let mut bytes = Vec::new();
    for path in paths {
        bytes.extend(bytes_of(&header(OpCode::GET_DATA, false)));
        let request = ExistsRequest {
            path: path.clone(),
            watch: false,
        };
        bytes.extend(bytes_of(&request));
    }
    bytes.extend(bytes_of(&header(OpCode::ERROR, true)));
    bytes
}

/// Flags and requests, a third of them reads.
fn sound_requests(script: &mut Script, tree: &DataTree) -> Vec<u8> {
    let mut bytes = vec![script.random().random()];
    for _ in 0..REQUESTS {
        let (op, body) = match script.next(tree, &[SessionId(1)]) {
            Event::Write(request) if script.random().random_range(0..3) > 0 => {
                (request.op, request.body.to_vec())
            }
            _ => read(script.random()),
        };
        let (session, flush) = (script.random().random(), script.random().random());
        bytes.extend(fuzz::encode_request(op, session, flush, &body));
    }
    bytes
}

#[test]
fn whatever_is_asked_the_tree_stays_sound() {
    let tree = fuzz::small_tree(tree_options());
    let mut script = Script::new(3);
    for round in 0..ROUNDS {
        let mut bytes = sound_requests(&mut script, &tree);
        for _ in 0..round % 8 {
            let at = script.random().random_range(0..bytes.len().max(1));
            let range = at..(at + 12).min(bytes.len());
            if !range.is_empty() {
                damage(&mut bytes, range, script.random());
            }
        }
        fuzz::requests(&bytes);
    }
}
