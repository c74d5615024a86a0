//! What Apache's servers say to each other, read and written again: the same bytes.
//!
//! The files are described in `compat-tests/golden/README.md`.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::{Bytes, BytesMut};
use proto::records::Id;
use proto::txn::TxnRecord;
use proto::{Epoch, OpCode, SessionId, Sid, Zxid};
use quorum::election::{Notification, PeerState, Proposal};
use quorum::packet::{
    Forwarded, Frame, Hello, LearnerKind, Limits, ToLeader, ToLearner, frame_length,
};
use serde_json::Value;

/// One line of a file: its first columns, the bytes, and what they say.
struct Row {
    columns: Vec<String>,
    bytes: Bytes,
    says: Value,
}

impl Row {
    fn name(&self) -> &str {
        &self.columns[0]
    }

    fn long(&self, field: &str) -> i64 {
        let long = self.says[field].as_i64();
        long.unwrap_or_else(|| panic!("{} has no number {field}", self.name()))
    }

    fn int(&self, field: &str) -> i32 {
        self.long(field).try_into().expect("an int")
    }

    fn zxid(&self) -> Zxid {
        Zxid(self.long("zxid"))
    }

    fn text(&self, field: &str) -> Bytes {
        let text = self.says[field].as_str().expect("a text");
        Bytes::copy_from_slice(text.as_bytes())
    }

    fn frame(&self) -> Frame {
        Frame::decode(&self.bytes, Limits::default())
            .unwrap_or_else(|e| panic!("{}: {e}", self.name()))
    }

    /// The last bytes of the packet's data, behind so many others.
    fn data_behind(&self, bytes: usize) -> Bytes {
        self.frame().data.expect("data").slice(bytes..)
    }
}

fn bytes_of_hex(hex: &str) -> Bytes {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    let pairs = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]);
    pairs.collect()
}

fn rows(file: &str) -> Vec<Row> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compat-tests/golden/quorum");
    let text = std::fs::read_to_string(golden.join(file)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &str| {
        let mut columns: Vec<String> = line.split('\t').map(str::to_owned).collect();
        columns.pop();
        let says = serde_json::from_str(&columns.pop().unwrap()).unwrap();
        let bytes = bytes_of_hex(&columns.pop().unwrap());
        Row {
            columns,
            bytes,
            says,
        }
    };
    lines.map(row).collect()
}

fn packets(direction: &str) -> Vec<Row> {
    let mut packets = rows("packets.tsv");
    packets.retain(|row| row.columns[1] == direction);
    packets
}

fn kinds(rows: &[Row]) -> BTreeSet<&str> {
    rows.iter().map(|row| row.columns[2].as_str()).collect()
}

fn to_leader(row: &Row) -> ToLeader {
    match row.columns[2].as_str() {
        "FOLLOWERINFO" => hello(row, LearnerKind::Follower),
        "OBSERVERINFO" => hello(row, LearnerKind::Observer),
        "ACKEPOCH" => ToLeader::AckEpoch {
            last_logged: row.zxid(),
            current_epoch: match row.long("currentEpoch") {
                -1 => None,
                epoch => Some(Epoch(epoch)),
            },
        },
        "ACK" => ToLeader::Ack(row.zxid()),
        "PING" => ToLeader::Ping {
            zxid: row.zxid(),
            touched: touched(row),
        },
        "REVALIDATE" => ToLeader::Revalidate {
            session: SessionId(row.long("session")),
            timeout_ms: row.int("timeout"),
        },
        "REQUEST" => ToLeader::Request(Forwarded {
            session: SessionId(row.long("session")),
            cxid: row.int("cxid"),
            op: OpCode(row.int("op")),
            body: bytes_of_hex(row.says["body"].as_str().expect("a body")),
            identities: identities(row),
        }),
        other => panic!("{other} is nothing that learners say"),
    }
}

fn hello(row: &Row, kind: LearnerKind) -> ToLeader {
    assert_eq!(row.long("protocolVersion"), 0x10000);
    ToLeader::Hello(Hello {
        kind,
        accepted_epoch: row.zxid().epoch(),
        sid: Sid(row.long("serverid")),
        config_version: row.long("configVersion"),
    })
}

fn touched(row: &Row) -> Vec<(SessionId, i32)> {
    let touched = row.says["touched"].as_array().expect("sessions").iter();
    let number = |value: &Value| value.as_i64().expect("a number");
    let one = |entry: &Value| {
        let timeout_ms = number(&entry["timeout"]).try_into().expect("an int");
        (SessionId(number(&entry["session"])), timeout_ms)
    };
    touched.map(one).collect()
}

fn identities(row: &Row) -> Vec<Id<'static>> {
    let ids = row.says["authinfo"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().map(|text| text.to_owned().into());
    ids.map(|id| Id {
        scheme: text(&id["scheme"]),
        id: text(&id["id"]),
    })
    .collect()
}

fn to_learner(row: &Row) -> ToLearner {
    let zxid = row.zxid();
    match row.columns[2].as_str() {
        "LEADERINFO" => ToLearner::LeaderInfo(zxid.epoch()),
        "DIFF" => ToLearner::Diff(zxid),
        "TRUNC" => ToLearner::Trunc(zxid),
        "SNAP" => ToLearner::Snap(zxid),
        "NEWLEADER" => ToLearner::NewLeader {
            epoch: zxid.epoch(),
            config: row.text("config"),
        },
        "UPTODATE" => ToLearner::UpToDate,
        "PROPOSAL" => ToLearner::Proposal {
            zxid,
            record: row.data_behind(0),
        },
        "COMMIT" => ToLearner::Commit(zxid),
        "INFORM" => ToLearner::Inform {
            zxid,
            record: row.data_behind(0),
        },
        "COMMITANDACTIVATE" => ToLearner::CommitAndActivate {
            zxid,
            leader: Sid(row.long("leader")),
        },
        "INFORMANDACTIVATE" => ToLearner::InformAndActivate {
            zxid,
            leader: Sid(row.long("leader")),
            record: row.data_behind(8),
        },
        "PING" => ToLearner::Ping(zxid),
        "REVALIDATE" => ToLearner::Revalidate {
            session: SessionId(row.long("session")),
            valid: row.says["valid"].as_bool().expect("a boolean"),
        },
        "SYNC" => ToLearner::Sync,
        other => panic!("{other} is nothing that leaders say"),
    }
}

#[test]
fn every_packet_is_found_whole_and_not_before_its_last_byte() {
    for row in rows("packets.tsv") {
        for cut in 0..row.bytes.len() {
            let found = frame_length(&row.bytes[..cut], Limits::default());
            assert_eq!(found, Ok(None), "{} cut to {cut} bytes", row.name());
        }
        let mut stream = row.bytes.to_vec();
        stream.extend([0; 20]);
        let found = frame_length(&stream, Limits::default());
        assert_eq!(found, Ok(Some(row.bytes.len())), "{}", row.name());
    }
}

#[test]
fn what_learners_say_is_read_as_what_it_is() {
    let rows = packets("to-leader");
    let all = "FOLLOWERINFO OBSERVERINFO ACKEPOCH ACK PING REVALIDATE REQUEST";
    assert_eq!(kinds(&rows), all.split(' ').collect());
    for row in rows {
        let read = ToLeader::try_from(row.frame());
        assert_eq!(read, Ok(to_leader(&row)), "{}", row.name());
    }
}

#[test]
fn what_leaders_say_is_read_as_what_it_is() {
    let rows = packets("to-learner");
    let all = "LEADERINFO DIFF TRUNC SNAP NEWLEADER UPTODATE PROPOSAL COMMIT COMMITANDACTIVATE INFORM INFORMANDACTIVATE \
               PING REVALIDATE SYNC";
    assert_eq!(kinds(&rows), all.split_whitespace().collect());
    for row in rows {
        let read = ToLearner::try_from(row.frame());
        assert_eq!(read, Ok(to_learner(&row)), "{}", row.name());
    }
}

#[test]
fn our_packets_are_apaches_byte_for_byte() {
    let written = |row: &Row, encode: &dyn Fn(&mut BytesMut)| {
        let mut out = BytesMut::new();
        encode(&mut out);
        assert_eq!(out, row.bytes, "{}", row.name());
    };
    for row in packets("to-leader") {
        written(&row, &|out| to_leader(&row).encode(out));
    }
    for row in packets("to-learner") {
        written(&row, &|out| to_learner(&row).encode(out));
    }
}

#[test]
fn the_zxid_of_a_proposal_is_that_of_its_txn() {
    let mut txns = 0;
    for row in packets("to-learner") {
        let (zxid, record) = match to_learner(&row) {
            ToLearner::Proposal { zxid, record }
            | ToLearner::Inform { zxid, record }
            | ToLearner::InformAndActivate { zxid, record, .. } => (zxid, record),
            _ => continue,
        };
        let txn = TxnRecord::decode(&record).unwrap_or_else(|e| panic!("{}: {e}", row.name()));
        assert_eq!(txn.header.zxid, zxid, "{}", row.name());
        txns += 1;
    }
    assert!(txns > 5, "{txns} txns");
}

fn notification(row: &Row) -> Notification {
    let states = [
        PeerState::Looking,
        PeerState::Following,
        PeerState::Leading,
        PeerState::Observing,
    ];
    Notification {
        state: states[usize::try_from(row.long("state")).expect("a state")],
        proposal: Proposal {
            epoch: Epoch(row.long("epoch")),
            zxid: row.zxid(),
            leader: Sid(row.long("leader")),
        },
        round: row.long("round"),
        version: row.int("version"),
        config: Some(row.text("config")),
    }
}

#[test]
fn notifications_are_read_and_written_as_apaches() {
    let mut states = BTreeSet::new();
    let mut rows = rows("election.tsv");
    rows.retain(|row| row.columns[1] == "notification");
    for row in rows {
        let expected = notification(&row);
        states.insert(row.long("state"));
        assert_eq!(expected.encode(), row.bytes, "{}", row.name());
        let read = Notification::decode(&row.bytes);
        assert_eq!(read, Ok(expected), "{}", row.name());
    }
    assert_eq!(states, BTreeSet::from([0, 1, 2, 3]));
}
