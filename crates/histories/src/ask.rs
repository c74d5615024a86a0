//! Requests, and what their replies show.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::BytesMut;
use proto::records::{
    Acl, AddWatchRequest, CreateRequest, CreateResponse, DeleteRequest, ExistsRequest,
    ExistsResponse, GetChildren2Request, GetChildren2Response, GetDataRequest, GetDataResponse, Id,
    MultiHeader, RequestHeader, SetDataRequest, SetDataResponse, SetWatches2, Stat, SyncRequest,
};
use proto::{
    AddWatchMode, CreateMode, Decode, Encode, ErrorCode, EventType, Input, OpCode, Perms, Zxid,
};

/// A znode's path.
pub type Path = Arc<str>;

/// Ephemerals that one session makes in one multi.
pub const GROUP_SIZE: usize = 3;

/// The name of the nth of a group.
pub fn member(group: u64, n: usize) -> String {
    format!("group-{group}-{n}")
}

/// The group that a child belongs to, if it is one's.
pub fn group_of(name: &str) -> Option<u64> {
    let (group, _) = name.strip_prefix("group-")?.split_once('-')?;
    group.parse().ok()
}

/// Which of a znode's two counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Its data: version and mzxid.
    Data,
    /// Its list of children: cversion and pzxid.
    Children,
}

/// What has a version.
pub type Key = (Path, Part);

/// What a reply shows of a part of a znode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Goes up with each change.
    pub version: i32,
    /// The last change.
    pub zxid: Zxid,
    /// The data as a number, or a hash of the names; none where the reply does not tell.
    pub content: Option<u64>,
}

/// A request. Data is a number of eight bytes.
#[allow(
    missing_docs,
    reason = "the fields are the request's own, in ZooKeeper's words"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// getData.
    Get { path: Path, watch: bool },
    /// exists, of a znode that does.
    Exists { path: Path, watch: bool },
    /// setData.
    Set { path: Path, value: u64 },
    /// A multi that sets both.
    SetPair { pair: [Path; 2], value: u64 },
    /// A multiRead of both.
    GetPair { pair: [Path; 2] },
    /// getChildren2.
    Children { path: Path, watch: bool },
    /// create, of a znode that is not there.
    Create { path: Path },
    /// delete, of one that is.
    Delete { path: Path },
    /// A multi that creates the ephemerals of a group.
    CreateGroup { parent: Path, group: u64 },
    /// addWatch.
    Watch { path: Path, mode: AddWatchMode },
    /// setWatches2, after a reconnect.
    Rewatch {
        since: Zxid,
        data: Vec<Path>,
        children: Vec<Path>,
        persistent: Vec<Path>,
        recursive: Vec<Path>,
    },
    /// sync.
    Sync { path: Path },
    /// A heart-beat.
    Ping,
    /// A write that is refused, with a zxid of its own: a delete of a path without its slash.
    Refused,
    /// A multi whose second part fails, with a zxid of its own.
    RefusedMulti { pair: [Path; 2] },
    /// closeSession.
    Close,
}

/// Requests that change, requests that show, and others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Makes new versions.
    Write,
    /// Shows versions.
    Read,
    /// Neither.
    Other,
}

/// What a reply shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The parts of znodes.
    pub seen: Vec<(Key, Seen)>,
    /// Of a list of children.
    pub names: Option<BTreeSet<String>>,
}

const PING_XID: i32 = -2;

fn open() -> Option<Vec<Acl<'static>>> {
    let id = Id {
        scheme: Some("world".into()),
        id: Some("anyone".into()),
    };
    Some(vec![Acl {
        perms: Perms::ALL.0,
        id,
    }])
}

fn part(op: OpCode, out: &mut BytesMut) {
    let (done, err) = (false, ErrorCode(-1));
    MultiHeader {
        r#type: op,
        done,
        err,
    }
    .encode(out);
}

fn end_of_parts(out: &mut BytesMut) {
    let (r#type, done, err) = (OpCode::ERROR, true, ErrorCode(-1));
    MultiHeader { r#type, done, err }.encode(out);
}

fn set(path: &str, value: u64, version: i32, out: &mut BytesMut) {
    SetDataRequest {
        path: Some(path.into()),
        data: Some(&value.to_be_bytes()),
        version,
    }
    .encode(out);
}

fn create(path: &str, mode: CreateMode, out: &mut BytesMut) {
    CreateRequest {
        path: Some(path.into()),
        data: Some(&0_u64.to_be_bytes()),
        acl: open(),
        flags: mode as i32,
    }
    .encode(out);
}

fn get(path: &str, watch: bool, out: &mut BytesMut) {
    let path = Some(path.into());
    GetDataRequest { path, watch }.encode(out);
}

/// A version that no znode of a history has.
const NEVER: i32 = i32::MAX;

impl Ask {
    /// Appends the request, header and body.
    pub fn encode(&self, xid: i32, out: &mut BytesMut) {
        let r#type = self.op();
        RequestHeader { xid, r#type }.encode(out);
        match self {
            Ask::Get { path, watch } => get(path, *watch, out),
            Ask::Exists { path, watch } => ExistsRequest {
                path: Some(path.as_ref().into()),
                watch: *watch,
            }
            .encode(out),
            Ask::Set { path, value } => set(path, *value, -1, out),
            Ask::Children { path, watch } => GetChildren2Request {
                path: Some(path.as_ref().into()),
                watch: *watch,
            }
            .encode(out),
            Ask::Create { path } => create(path, CreateMode::Persistent, out),
            Ask::Delete { path } => delete(path, out),
            Ask::Watch { path, mode } => AddWatchRequest {
                path: Some(path.as_ref().into()),
                mode: *mode as i32,
            }
            .encode(out),
            Ask::Sync { path } => {
                let path = Some(path.as_ref().into());
                SyncRequest { path }.encode(out);
            }
            Ask::Refused => delete("no-slash", out),
            Ask::Ping | Ask::Close => {}
            Ask::Rewatch { .. } => self.encode_rewatch(out),
            _ => self.encode_parts(out),
        }
    }

    fn encode_rewatch(&self, out: &mut BytesMut) {
        let Ask::Rewatch {
            since,
            data,
            children,
            persistent,
            recursive,
        } = self
        else {
            return;
        };
        let list = |paths: &[Path]| {
            let text = |path: &Path| Some(path.to_string().into());
            Some(paths.iter().map(text).collect())
        };
        SetWatches2 {
            relative_zxid: *since,
            data_watches: list(data),
            exist_watches: Some(Vec::new()),
            child_watches: list(children),
            persistent_watches: list(persistent),
            persistent_recursive_watches: list(recursive),
        }
        .encode(out);
    }

    fn encode_parts(&self, out: &mut BytesMut) {
        match self {
            Ask::SetPair { pair, value } => pair.iter().for_each(|path| {
                part(OpCode::SET_DATA, out);
                set(path, *value, -1, out);
            }),
            Ask::RefusedMulti { pair } => {
                for (path, version) in pair.iter().zip([-1, NEVER]) {
                    part(OpCode::SET_DATA, out);
                    set(path, 0, version, out);
                }
            }
            Ask::GetPair { pair } => pair.iter().for_each(|path| {
                part(OpCode::GET_DATA, out);
                get(path, false, out);
            }),
            Ask::CreateGroup { parent, group } => (0..GROUP_SIZE).for_each(|n| {
                part(OpCode::CREATE, out);
                let path = format!("{parent}/{}", member(*group, n));
                create(&path, CreateMode::Ephemeral, out);
            }),
            _ => unreachable!("{self:?} has no parts"),
        }
        end_of_parts(out);
    }

    fn op(&self) -> OpCode {
        match self {
            Ask::Get { .. } => OpCode::GET_DATA,
            Ask::Exists { .. } => OpCode::EXISTS,
            Ask::Set { .. } => OpCode::SET_DATA,
            Ask::SetPair { .. } | Ask::CreateGroup { .. } | Ask::RefusedMulti { .. } => {
                OpCode::MULTI
            }
            Ask::GetPair { .. } => OpCode::MULTI_READ,
            Ask::Children { .. } => OpCode::GET_CHILDREN2,
            Ask::Create { .. } => OpCode::CREATE,
            Ask::Delete { .. } | Ask::Refused => OpCode::DELETE,
            Ask::Watch { .. } => OpCode::ADD_WATCH,
            Ask::Rewatch { .. } => OpCode::SET_WATCHES2,
            Ask::Sync { .. } => OpCode::SYNC,
            Ask::Ping => OpCode::PING,
            Ask::Close => OpCode::CLOSE_SESSION,
        }
    }

    /// The number that its reply has, where requests are numbered `xid`.
    pub fn reply_xid(&self, xid: i32) -> i32 {
        if *self == Ask::Ping { PING_XID } else { xid }
    }

    /// The code in its reply's header.
    pub fn outcome(&self) -> ErrorCode {
        match self {
            Ask::Refused => ErrorCode::BAD_ARGUMENTS,
            _ => ErrorCode::OK,
        }
    }

    /// Does it change what it answers with?
    pub fn kind(&self) -> Kind {
        match self {
            Ask::Set { .. } | Ask::SetPair { .. } => Kind::Write,
            Ask::Get { .. } | Ask::Exists { .. } | Ask::GetPair { .. } | Ask::Children { .. } => {
                Kind::Read
            }
            _ => Kind::Other,
        }
    }

    /// What its reply, once it has come, leaves a one-shot watch on.
    pub fn watched(&self) -> Option<Key> {
        match self {
            Ask::Get { path, watch: true } | Ask::Exists { path, watch: true } => {
                Some((path.clone(), Part::Data))
            }
            Ask::Children { path, watch: true } => Some((path.clone(), Part::Children)),
            _ => None,
        }
    }

    /// What it will show, as far as that has a version.
    pub fn keys(&self) -> Vec<Key> {
        match self {
            Ask::Get { path, .. } | Ask::Exists { path, .. } | Ask::Set { path, .. } => {
                vec![(path.clone(), Part::Data)]
            }
            Ask::SetPair { pair, .. } | Ask::GetPair { pair } => {
                pair.iter().map(|path| (path.clone(), Part::Data)).collect()
            }
            Ask::Children { path, .. } => vec![(path.clone(), Part::Children)],
            _ => Vec::new(),
        }
    }

    /// Reads the body of its reply.
    pub fn read_answer(&self, input: &mut Input<'_>) -> Result<Answer, String> {
        let bad = |error| format!("the reply to {self:?} cannot be read: {error}");
        match self {
            Ask::Get { path, .. } => {
                let reply = GetDataResponse::decode(input).map_err(bad)?;
                Ok(one(path, of_data(&reply.stat, value(reply.data))))
            }
            Ask::Exists { path, .. } => {
                let reply = ExistsResponse::decode(input).map_err(bad)?;
                Ok(one(path, of_data(&reply.stat, None)))
            }
            Ask::Set { path, value } => {
                let reply = SetDataResponse::decode(input).map_err(bad)?;
                Ok(one(path, of_data(&reply.stat, Some(*value))))
            }
            Ask::Children { path, .. } => {
                let reply = GetChildren2Response::decode(input).map_err(bad)?;
                Ok(of_children(path, reply))
            }
            Ask::SetPair { .. } | Ask::GetPair { .. } | Ask::CreateGroup { .. } => {
                self.read_parts(input)
            }
            Ask::RefusedMulti { .. } => self.read_refused_parts(input),
            _ => Ok(Answer::default()),
        }
    }

    fn read_parts(&self, input: &mut Input<'_>) -> Result<Answer, String> {
        let mut answer = Answer::default();
        let mut keys = self.keys().into_iter();
        loop {
            let header: MultiHeader = input.read().map_err(|error| error.to_string())?;
            if header.done {
                return Ok(answer);
            }
            let seen = self.read_part(header.r#type, input)?;
            answer.seen.extend(keys.next().zip(seen));
        }
    }

    fn read_part(&self, op: OpCode, input: &mut Input<'_>) -> Result<Option<Seen>, String> {
        let bad = |error| format!("a part of the reply to {self:?} cannot be read: {error}");
        let seen = match (op, self) {
            (OpCode::SET_DATA, Ask::SetPair { value, .. }) => {
                let reply = SetDataResponse::decode(input).map_err(bad)?;
                Some(of_data(&reply.stat, Some(*value)))
            }
            (OpCode::GET_DATA, Ask::GetPair { .. }) => {
                let reply = GetDataResponse::decode(input).map_err(bad)?;
                Some(of_data(&reply.stat, value(reply.data)))
            }
            (OpCode::CREATE, Ask::CreateGroup { .. }) => {
                CreateResponse::decode(input).map_err(bad)?;
                None
            }
            _ => return Err(format!("{op:?} as a part of the reply to {self:?}")),
        };
        Ok(seen)
    }

    /// The codes of the two parts.
    fn read_refused_parts(&self, input: &mut Input<'_>) -> Result<Answer, String> {
        let mut codes = Vec::new();
        loop {
            let header: MultiHeader = input.read().map_err(|error| error.to_string())?;
            if header.done {
                break;
            }
            codes.push(input.read().map_err(|error| error.to_string())?);
        }
        match codes[..] {
            [ErrorCode::OK, ErrorCode::BAD_VERSION] => Ok(Answer::default()),
            _ => Err(format!("{codes:?} for {self:?}")),
        }
    }
}

fn delete(path: &str, out: &mut BytesMut) {
    let path = Some(path.into());
    DeleteRequest { path, version: -1 }.encode(out);
}

fn value(data: Option<&[u8]>) -> Option<u64> {
    Some(u64::from_be_bytes(data?.try_into().ok()?))
}

fn of_data(stat: &Stat, content: Option<u64>) -> Seen {
    Seen {
        version: stat.version,
        zxid: stat.mzxid,
        content,
    }
}

fn one(path: &Path, seen: Seen) -> Answer {
    Answer {
        seen: vec![((path.clone(), Part::Data), seen)],
        names: None,
    }
}

fn of_children(path: &Path, reply: GetChildren2Response<'_>) -> Answer {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let names = reply.children.into_iter().flatten().flatten();
    let names: BTreeSet<String> = names.map(Into::into).collect();
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
    let seen = Seen {
        version: reply.stat.cversion,
        zxid: reply.stat.pzxid,
        content: Some(hasher.finish()),
    };
    Answer {
        seen: vec![((path.clone(), Part::Children), seen)],
        names: Some(names),
    }
}

/// What a change event says has a new version.
pub(crate) fn changed(kind: EventType, path: &Path) -> Option<Key> {
    match kind {
        EventType::NodeDataChanged => Some((path.clone(), Part::Data)),
        EventType::NodeChildrenChanged => Some((path.clone(), Part::Children)),
        _ => None,
    }
}
