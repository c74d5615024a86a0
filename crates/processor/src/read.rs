//! Reads, and what else is answered without a txn (`FinalRequestProcessor`).
//!
//! Runs under the shared lock of the tree, on whichever thread has the request; watches are
//! behind a lock of their own, taken inside.

use bytes::{BufMut, BytesMut};
use datatree::{DataTree, NodeRef, WatcherId, Watches};
use proto::records::{
    AddWatchRequest, CheckWatchesRequest, ErrorResponse, ExistsRequest, ExistsResponse,
    GetACLRequest, GetACLResponse, GetAllChildrenNumberRequest, GetAllChildrenNumberResponse,
    GetChildren2Request, GetChildrenRequest, GetDataRequest, GetDataResponse, GetEphemeralsRequest,
    GetEphemeralsResponse, MultiHeader, RemoveWatchesRequest, SetWatches, SetWatches2, SyncRequest,
    SyncResponse, WhoAmIResponse,
};
use proto::{
    AddWatchMode, Encode, ErrorCode, EventType, Input, OpCode, Perms, SessionId, Ustring,
    WatcherType,
};

use crate::access::{AccessRules, check_access, without_hashes};
use crate::auth::Identities;
use crate::prepare::{MalformedMulti, Parts};
use crate::reply::end_of_parts;
use crate::rewatch::{rewatch, watched};

/// Bytes of the largest reply to a multiRead, whose request can ask for the same data many
/// thousand times. It is answered with BadArguments instead.
pub const MAX_MULTI_READ_BYTES: usize = 64 << 20;

/// Who reads.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The session.
    pub session: SessionId,
    /// The connection, as a watcher.
    pub watcher: WatcherId,
    /// The identities of the connection when the request was read.
    pub identities: &'a Identities,
    /// The server's rules.
    pub rules: &'a AccessRules,
    /// Bounds of a request's fields.
    pub limits: jute::Limits,
}

/// What comes of a read besides its reply's body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// OK, but where Apache stumbles half way: then what was done so far stays, and a multiRead
    /// has a code and a body.
    pub err: ErrorCode,
    /// Events that setWatches finds missed; they go out before the reply.
    pub missed: Vec<(EventType, String)>,
}

/// Why there is no body: a code for the header.
type Refused = ErrorCode;

impl From<Malformed> for ErrorCode {
    fn from(_: Malformed) -> Self {
        ErrorCode::MARSHALLING_ERROR
    }
}

/// A body that cannot be parsed, or holds null where Java stumbles.
pub(crate) struct Malformed;

impl From<jute::Error> for Malformed {
    fn from(_: jute::Error) -> Self {
        Malformed
    }
}

impl From<MalformedMulti> for ErrorCode {
    fn from(_: MalformedMulti) -> Self {
        ErrorCode::MARSHALLING_ERROR
    }
}

pub(crate) fn some<'p>(path: &'p Ustring<'_>) -> Result<&'p str, Malformed> {
    path.as_deref().ok_or(Malformed)
}

/// A way to the watches, taken only by reads that have to do with them: they are behind a lock
/// that most reads should not wait for. It also hears what was read, to count it.
pub trait WatchAccess {
    /// Does something with the watches.
    fn with<T>(&mut self, what: impl FnOnce(&mut Watches) -> T) -> T;

    /// A znode was read, and so many bytes of its data, or of its children's names (`DataTree.updateReadStat`).
    fn has_read(&mut self, _path: &str, _bytes: usize) {}
}

impl WatchAccess for Watches {
    fn with<T>(&mut self, what: impl FnOnce(&mut Watches) -> T) -> T {
        what(self)
    }
}

/// A tree and its watches, for one read.
struct Read<'r, W> {
    tree: &'r DataTree,
    watches: &'r mut W,
    reader: Reader<'r>,
}

/// Answers a read: its reply's body goes to `out`, or nothing but a code comes back. Reads do not
/// check their paths: what no znode has is NoNode.
pub fn answer<W: WatchAccess>(
    tree: &DataTree,
    watches: &mut W,
    reader: Reader<'_>,
    op: OpCode,
    body: &[u8],
    out: &mut BytesMut,
) -> Result<Answer, ErrorCode> {
    let mut input = Input::with_limits(body, reader.limits);
    let before = out.len();
    let outcome = Read {
        tree,
        watches,
        reader,
    }
    .dispatch(op, &mut input, out);
    if outcome.is_err() {
        out.truncate(before);
    }
    outcome
}

fn read<'a, T: proto::Decode<'a>>(input: &mut Input<'a>) -> Result<T, Malformed> {
    Ok(input.read()?)
}

impl<'r, W: WatchAccess> Read<'r, W> {
    fn dispatch(
        mut self,
        op: OpCode,
        input: &mut Input<'_>,
        out: &mut BytesMut,
    ) -> Result<Answer, Refused> {
        match op {
            OpCode::EXISTS => self.exists(&read(input)?, out)?,
            OpCode::GET_DATA => {
                let GetDataRequest { path, watch } = read(input)?;
                self.get_data(some(&path)?, watch, out)?;
            }
            OpCode::GET_ACL => self.get_acl(&read(input)?, out)?,
            OpCode::GET_CHILDREN => {
                let GetChildrenRequest { path, watch } = read(input)?;
                self.get_children(some(&path)?, watch, out)?;
            }
            OpCode::GET_CHILDREN2 => {
                let GetChildren2Request { path, watch } = read(input)?;
                self.get_children(some(&path)?, watch, out)?
                    .stat()
                    .encode(out);
            }
            OpCode::GET_ALL_CHILDREN_NUMBER => self.get_all_children_number(&read(input)?, out)?,
            OpCode::GET_EPHEMERALS => self.get_ephemerals(&read(input)?, out)?,
            OpCode::MULTI_READ => return self.multi_read(Parts::parse(input)?, out),
            OpCode::WHO_AM_I => self.who_am_i(out),
            OpCode::SYNC => {
                let SyncRequest { path } = read(input)?;
                SyncResponse { path }.encode(out);
            }
            OpCode::CHECK_WATCHES => self.check_watches(&read(input)?)?,
            OpCode::REMOVE_WATCHES => self.remove_watches(&read(input)?)?,
            OpCode::ADD_WATCH => self.add_watch(&read(input)?, out)?,
            OpCode::SET_WATCHES => {
                let old: SetWatches<'_> = read(input)?;
                return Ok(self.set_watches(&SetWatches2 {
                    relative_zxid: old.relative_zxid,
                    data_watches: old.data_watches,
                    exist_watches: old.exist_watches,
                    child_watches: old.child_watches,
                    persistent_watches: Some(Vec::new()),
                    persistent_recursive_watches: Some(Vec::new()),
                }));
            }
            OpCode::SET_WATCHES2 => return Ok(self.set_watches(&read(input)?)),
            OpCode::PING => {}
            _ => return Err(ErrorCode::UNIMPLEMENTED),
        }
        Ok(Answer::default())
    }

    fn may(&self, node: NodeRef<'_>, perms: Perms) -> Result<(), Refused> {
        check_access(self.reader.rules, node.acl(), perms, self.reader.identities)
    }

    fn readable(&self, path: &str) -> Result<NodeRef<'r>, Refused> {
        let node = self.tree.get(path).ok_or(ErrorCode::NO_NODE)?;
        self.may(node, Perms::READ)?;
        Ok(node)
    }

    /// The watch stays also when the znode is missing, but not when it may not be read
    /// (since 3.9.2).
    fn exists(&mut self, request: &ExistsRequest<'_>, out: &mut BytesMut) -> Result<(), Refused> {
        let path = some(&request.path)?;
        if path.contains('\0') {
            return Err(ErrorCode::BAD_ARGUMENTS);
        }
        let node = match self.readable(path) {
            Err(ErrorCode::NO_NODE) => None,
            outcome => Some(outcome?),
        };
        if request.watch {
            let watcher = self.reader.watcher;
            self.watches
                .with(|watches| watches.watch_data(path, watcher));
        }
        let stat = node.ok_or(ErrorCode::NO_NODE)?.stat();
        ExistsResponse { stat }.encode(out);
        self.watches.has_read(path, 0);
        Ok(())
    }

    fn get_data(&mut self, path: &str, watch: bool, out: &mut BytesMut) -> Result<(), Refused> {
        let node = self.readable(path)?;
        if watch {
            let watcher = self.reader.watcher;
            self.watches
                .with(|watches| watches.watch_data(path, watcher));
        }
        GetDataResponse {
            data: node.data(),
            stat: node.stat(),
        }
        .encode(out);
        self.watches
            .has_read(path, node.data().map_or(0, <[u8]>::len));
        Ok(())
    }

    /// The names go out one by one: no list of them is made.
    fn get_children(
        &mut self,
        path: &str,
        watch: bool,
        out: &mut BytesMut,
    ) -> Result<NodeRef<'r>, Refused> {
        let node = self.readable(path)?;
        if watch {
            let watcher = self.reader.watcher;
            self.watches
                .with(|watches| watches.watch_children(path, watcher));
        }
        const LENGTH_BYTES: usize = 4;
        let count = node.child_count();
        out.put_i32(count as i32);
        let before = out.len();
        for name in node.children() {
            name.encode(out);
        }
        let bytes = out.len() - before - count * LENGTH_BYTES;
        self.watches.has_read(path, bytes);
        Ok(node)
    }

    fn get_acl(&self, request: &GetACLRequest<'_>, out: &mut BytesMut) -> Result<(), Refused> {
        let node = self
            .tree
            .get(some(&request.path)?)
            .ok_or(ErrorCode::NO_NODE)?;
        self.may(node, Perms::READ.or(Perms::ADMIN))?;
        let acl = match self.may(node, Perms::ADMIN) {
            Ok(()) => node.acl().to_vec(),
            Err(_) => without_hashes(node.acl()),
        };
        GetACLResponse {
            acl: Some(acl),
            stat: node.stat(),
        }
        .encode(out);
        Ok(())
    }

    fn get_all_children_number(
        &self,
        request: &GetAllChildrenNumberRequest<'_>,
        out: &mut BytesMut,
    ) -> Result<(), Refused> {
        let path = some(&request.path)?;
        self.readable(path)?;
        let total_number = self.tree.descendants(path) as i32;
        GetAllChildrenNumberResponse { total_number }.encode(out);
        Ok(())
    }

    /// A blank prefix, or the root, means all; else it is text that the path begins with.
    fn get_ephemerals(
        &self,
        request: &GetEphemeralsRequest<'_>,
        out: &mut BytesMut,
    ) -> Result<(), Refused> {
        let prefix = request.prefix_path.as_deref().unwrap_or_default();
        // Java's trim takes off what is not above a space.
        let prefix = if matches!(prefix.trim_matches(|c| c <= ' '), "" | "/") {
            ""
        } else {
            prefix
        };
        let paths = self.tree.ephemerals(self.reader.session);
        let ephemerals = paths.filter(|path| path.starts_with(prefix));
        let ephemerals = Some(ephemerals.map(|path| Some(path.into())).collect());
        GetEphemeralsResponse { ephemerals }.encode(out);
        Ok(())
    }

    fn who_am_i(&self, out: &mut BytesMut) {
        let infos = self.reader.identities.client_infos(&self.reader.rules.auth);
        WhoAmIResponse {
            client_info: Some(infos),
        }
        .encode(out);
    }

    /// Each part has a result of its own; the watch flag of a part is dropped. Where Apache meets
    /// what it does not read, a write or a null path, its answer is what it has, and a code.
    fn multi_read(&mut self, parts: Parts<'_>, out: &mut BytesMut) -> Result<Answer, Refused> {
        let (reads, mut is_whole) = match parts {
            Parts::Reads(reads) => (reads, true),
            Parts::Writes(writes) => (Vec::new(), writes.is_empty()),
        };
        let before = out.len();
        for (op, path) in reads {
            if out.len() - before > MAX_MULTI_READ_BYTES {
                return Err(ErrorCode::BAD_ARGUMENTS);
            }
            let Some(path) = path else {
                is_whole = false;
                break;
            };
            self.read_part(op, &path, out);
        }
        end_of_parts(out);
        let err = match is_whole {
            true => ErrorCode::OK,
            false => ErrorCode::MARSHALLING_ERROR,
        };
        Ok(Answer {
            err,
            ..Answer::default()
        })
    }

    fn read_part(&mut self, op: OpCode, path: &str, out: &mut BytesMut) {
        let header_at = out.len();
        let header = |r#type, err| MultiHeader {
            r#type,
            done: false,
            err,
        };
        header(op, ErrorCode::OK).encode(out);
        let outcome = match op {
            OpCode::GET_DATA => self.get_data(path, false, out),
            _ => self.get_children(path, false, out).map(drop),
        };
        if let Err(err) = outcome {
            out.truncate(header_at);
            header(OpCode::ERROR, err).encode(out);
            ErrorResponse { err }.encode(out);
        }
    }

    fn check_watches(&mut self, request: &CheckWatchesRequest<'_>) -> Result<(), Refused> {
        let kind = WatcherType::from_wire(request.r#type).ok_or(Malformed)?;
        let (path, watcher) = (watched(&request.path), self.reader.watcher);
        let there = self
            .watches
            .with(|watches| watches.contains(path, watcher, kind));
        if there {
            Ok(())
        } else {
            Err(ErrorCode::NO_WATCHER)
        }
    }

    fn remove_watches(&mut self, request: &RemoveWatchesRequest<'_>) -> Result<(), Refused> {
        let kind = WatcherType::from_wire(request.r#type).ok_or(Malformed)?;
        let (path, watcher) = (watched(&request.path), self.reader.watcher);
        let removed = self
            .watches
            .with(|watches| watches.remove(path, watcher, kind));
        if removed {
            Ok(())
        } else {
            Err(ErrorCode::NO_WATCHER)
        }
    }

    fn add_watch(
        &mut self,
        request: &AddWatchRequest<'_>,
        out: &mut BytesMut,
    ) -> Result<(), Refused> {
        let mode = AddWatchMode::from_wire(request.mode).ok_or(Malformed)?;
        let (path, watcher) = (watched(&request.path), self.reader.watcher);
        self.watches
            .with(|watches| watches.add(path, watcher, mode));
        ErrorResponse { err: ErrorCode::OK }.encode(out);
        Ok(())
    }

    /// A null where Apache stumbles ends it half way.
    fn set_watches(&mut self, request: &SetWatches2<'_>) -> Answer {
        let (tree, watcher) = (self.tree, self.reader.watcher);
        let mut missed = Vec::new();
        let outcome = self
            .watches
            .with(|watches| rewatch(tree, watches, watcher, request, &mut missed));
        let err = match outcome {
            Ok(()) => ErrorCode::OK,
            Err(Malformed) => ErrorCode::MARSHALLING_ERROR,
        };
        Answer { err, missed }
    }
}
