//! A history as Apache recorded it: frames, log records and the server's settings.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io::Read;
use std::path::{Path, PathBuf};

use datatree::{Options, OwnerRules};
use processor::{AccessRules, AuthRules, Rules};
use proto::records::{ReplyHeader, TxnHeader};
use proto::{ErrorCode, Input, Zxid};

/// The super user that all captured servers had.
const SUPER_DIGEST: &str = "super:D/InIHSb7yEEbrWz8b9l71RjZJU=";

/// One line of a frames file.
#[derive(Debug)]
pub struct Row {
    pub line: usize,
    pub connection: String,
    pub is_request: bool,
    pub op: String,
    pub frame: Vec<u8>,
    /// Of a request: the line's index of its reply; none if the connection was cut before.
    pub reply: Option<usize>,
}

/// One record of the log.
#[derive(Debug)]
pub struct Logged {
    pub header: TxnHeader,
    pub bytes: Vec<u8>,
}

/// One directory of `golden/`.
pub struct Golden {
    pub rows: Vec<Row>,
    /// Records that were there before the first frame.
    pub start: Vec<Logged>,
    pub log: Vec<Logged>,
    pub rules: Rules,
    pub options: Options,
    /// How often Apache found a txn's digest not to be its tree's.
    pub digest_mismatches: u64,
}

impl Golden {
    pub fn read(name: &str) -> Golden {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../compat-tests/golden")
            .join(name);
        let state = std::fs::read_to_string(dir.join("state.json")).unwrap();
        let state: serde_json::Value = serde_json::from_str(&state).unwrap();
        let is_on = |key: &str, default| match &state["properties"][key] {
            serde_json::Value::String(value) => value == "true",
            _ => default,
        };
        let extended_types = is_on("zookeeper.extendedTypesEnabled", false);
        let auth = AuthRules {
            super_digest: Some(SUPER_DIGEST.to_owned()),
            ..AuthRules::default()
        };
        let mut start = log(&dir.join("version-2"));
        let log = start.split_off(state["start_records"].as_u64().unwrap() as usize);
        Golden {
            rows: rows(&dir.join("frames.tsv")),
            start,
            log,
            rules: Rules {
                access: AccessRules {
                    auth,
                    ..AccessRules::default()
                },
                enforce_quota: is_on("zookeeper.enforceQuota", false),
                ..Rules::default()
            },
            options: Options {
                digest: is_on("zookeeper.digest.enabled", true),
                owners: OwnerRules {
                    extended_types,
                    ..OwnerRules::default()
                },
            },
            digest_mismatches: state["digest_mismatches"].as_u64().unwrap(),
        }
    }

    /// The zxid in a request's captured reply.
    pub fn reply_zxid(&self, row: &Row) -> Option<Zxid> {
        let reply = &self.rows[row.reply?];
        let header: ReplyHeader = Input::new(&reply.frame).read().ok()?;
        Some(header.zxid)
    }

    /// The codes with which requests of each kind were refused.
    pub fn refusals(&self) -> BTreeMap<String, BTreeSet<ErrorCode>> {
        let mut refusals: BTreeMap<String, BTreeSet<ErrorCode>> = BTreeMap::new();
        let is_reply = |row: &&Row| !row.is_request && row.op != "event" && row.op != "connect";
        for row in self.rows.iter().filter(is_reply) {
            let header: ReplyHeader = Input::new(&row.frame).read().unwrap();
            let codes = refusals.entry(row.op.clone()).or_default();
            if header.err != ErrorCode::OK {
                codes.insert(header.err);
            }
        }
        refusals
    }
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn rows(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().enumerate();
    let mut rows: Vec<Row> = lines
        .filter(|(_, line)| !line.starts_with('#'))
        .map(|(line, text)| {
            let columns: Vec<&str> = text.split('\t').collect();
            Row {
                line: line + 1,
                connection: columns[0].to_owned(),
                is_request: columns[1] == "request",
                op: columns[2].to_owned(),
                frame: bytes_of_hex(columns[3]),
                reply: None,
            }
        })
        .collect();
    find_replies(&mut rows);
    rows
}

/// A connection's replies come in the order of its requests.
fn find_replies(rows: &mut [Row]) {
    let mut waiting: HashMap<String, VecDeque<usize>> = HashMap::new();
    for index in 0..rows.len() {
        let of_connection = waiting.entry(rows[index].connection.clone()).or_default();
        if rows[index].is_request {
            of_connection.push_back(index);
        } else if rows[index].op != "event" {
            let request = of_connection.pop_front().unwrap();
            rows[request].reply = Some(index);
        }
    }
}

fn log(dir: &Path) -> Vec<Logged> {
    let zxid_in_name = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?.strip_prefix("log.")?;
        i64::from_str_radix(name, 16).ok()
    };
    let entries = std::fs::read_dir(dir).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| zxid_in_name(path).is_some());
    files.sort_by_key(zxid_in_name);
    files.iter().flat_map(|path| records(path)).collect()
}

/// The records of a log file without padding.
fn records(path: &Path) -> Vec<Logged> {
    const FILE_HEADER_BYTES: usize = 16;
    let mut bytes = Vec::new();
    let mut file = std::fs::OpenOptions::new().read(true).open(path).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let mut input = Input::new(&bytes[FILE_HEADER_BYTES..]);
    let mut records = Vec::new();
    while !input.is_empty() {
        let _checksum: i64 = input.read().unwrap();
        let bytes: proto::Buffer<'_> = input.read().unwrap();
        let bytes = bytes.unwrap().to_vec();
        let _end: bool = input.read().unwrap();
        let header = Input::new(&bytes).read().unwrap();
        records.push(Logged { header, bytes });
    }
    records
}
