//! The part that a snapshot's file and a leader's stream have in common: sessions, access control
//! lists, nodes (`SerializeUtils.serializeSnapshot`).
//!
//! Owns its bytes, both ways. It is read item by item from whatever bytes are there, so that a
//! file can be pulled and a socket can push. Must not know where the bytes come from.

use bytes::BytesMut;
use proto::records::{Acl, Id, StatPersisted};
use proto::{Decode, Encode, Input, Limits, SessionId, Ustring};

use crate::Restore;

/// The path behind the last node.
pub(super) const END_PATH: &str = "/";
/// A session's id and timeout.
const SESSION_BYTES: usize = 8 + 4;
/// A list's id and count.
const ACL_HEAD_BYTES: usize = 8 + 4;
/// ACL id and stat of a node.
const NODE_TAIL_BYTES: usize = 8 + 60;

/// Sessions with their timeouts in ms, and the ACL table, in the order given.
pub(super) fn put_head<'a>(
    sessions: &[(SessionId, i32)],
    acls: impl ExactSizeIterator<Item = (i64, &'a [Acl<'a>])>,
    out: &mut BytesMut,
) {
    put_count(sessions.len(), out);
    for (id, timeout_ms) in sessions {
        id.encode(out);
        timeout_ms.encode(out);
    }
    put_count(acls.len(), out);
    for (id, list) in acls {
        id.encode(out);
        put_count(list.len(), out);
        list.iter().for_each(|acl| acl.encode(out));
    }
}

fn put_count(items: usize, out: &mut BytesMut) {
    let items = i32::try_from(items).expect("fewer than 2^31 items are in memory");
    items.encode(out);
}

pub(super) fn put_node(
    path: &str,
    data: Option<&[u8]>,
    acl_id: i64,
    stat: &StatPersisted,
    out: &mut BytesMut,
) {
    path.encode(out);
    data.encode(out);
    acl_id.encode(out);
    stat.encode(out);
}

/// What a step through the bytes came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing was taken: at least so many bytes are needed, those that are there included.
    Need(usize),
    /// An item of so many bytes.
    Took(usize),
    /// The end of the body, of so many bytes.
    End(usize),
}

/// Why the next item is none. `at` counts from the item's beginning.
#[derive(Debug)]
pub(super) enum BodyError<E> {
    Damaged { at: usize, what: String },
    TooLong { at: usize, length: i32 },
    Refused(E),
}

/// How far the body is read.
pub(super) struct Body {
    max_field_bytes: u32,
    part: Part,
    /// Sessions or lists to come.
    left: i32,
    list: AclList,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Part {
    SessionCount,
    Session,
    AclCount,
    AclHead,
    AclEntry,
    Node,
}

/// The list that is being read.
#[derive(Default)]
struct AclList {
    id: i64,
    entries: Vec<Acl<'static>>,
    /// Entries to come.
    left: i32,
    /// Bytes of the entries so far.
    bytes: usize,
}

/// Why there is no item.
enum Stop<E> {
    /// Fewer than so many bytes are there.
    Need(usize),
    Error(BodyError<E>),
}

impl<E> Stop<E> {
    fn damaged(at: usize, what: &str) -> Self {
        let what = what.to_owned();
        Stop::Error(BodyError::Damaged { at, what })
    }
}

impl Body {
    /// At the beginning. Longer fields than `max_field_bytes` are refused.
    pub(super) fn new(max_field_bytes: u32) -> Self {
        Body {
            max_field_bytes,
            part: Part::SessionCount,
            left: 0,
            list: AclList::default(),
        }
    }

    /// Reads the next item off the front of `bytes`, and hands it to `into`.
    pub(super) fn step<R: Restore>(
        &mut self,
        bytes: &[u8],
        into: &mut R,
    ) -> Result<Step, BodyError<R::Error>> {
        let item = match self.part {
            Part::SessionCount => self.count(bytes, Part::Session, Part::AclCount),
            Part::Session => self.session(bytes, into),
            Part::AclCount => self.count(bytes, Part::AclHead, Part::Node),
            Part::AclHead => self.acl_head(bytes, into),
            Part::AclEntry => self.acl_entry(bytes, into),
            Part::Node => self.node(bytes, into),
        };
        match item {
            Ok(step) => Ok(step),
            Err(Stop::Need(size)) => Ok(Step::Need(size)),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// How many `items` come before the part `behind` them; less than none is none.
    fn count<E>(&mut self, bytes: &[u8], items: Part, behind: Part) -> Result<Step, Stop<E>> {
        self.left = int(bytes, 0)?;
        self.part = if self.left > 0 { items } else { behind };
        Ok(Step::Took(4))
    }

    fn session<R: Restore>(&mut self, bytes: &[u8], into: &mut R) -> Result<Step, Stop<R::Error>> {
        let mut input = whole(bytes, SESSION_BYTES)?;
        into.session(read(&mut input), read(&mut input));
        self.left -= 1;
        if self.left == 0 {
            self.part = Part::AclCount;
        }
        Ok(Step::Took(SESSION_BYTES))
    }

    fn acl_head<R: Restore>(&mut self, bytes: &[u8], into: &mut R) -> Result<Step, Stop<R::Error>> {
        let mut input = whole(bytes, ACL_HEAD_BYTES)?;
        self.list.id = read(&mut input);
        self.list.left = read(&mut input);
        if self.list.left == -1 {
            return Err(Stop::damaged(ACL_HEAD_BYTES, "an ACL list that is null"));
        }
        self.part = Part::AclEntry;
        self.end_list(into);
        Ok(Step::Took(ACL_HEAD_BYTES))
    }

    /// A list came in one request: all of it is no longer than a field may be.
    fn acl_entry<R: Restore>(
        &mut self,
        bytes: &[u8],
        into: &mut R,
    ) -> Result<Step, Stop<R::Error>> {
        let mut size = 4;
        for _ in ["scheme", "id"] {
            size += self.field_size(bytes, size)?;
        }
        let acl: Acl<'_> = read(&mut whole(bytes, size)?);
        let list = &mut self.list;
        list.entries.push(owned(acl));
        list.left -= 1;
        list.bytes += size;
        if list.bytes > self.max_field_bytes as usize {
            return Err(Stop::damaged(size, "an ACL list that is too long"));
        }
        self.end_list(into);
        Ok(Step::Took(size))
    }

    /// Hands the list out if it is whole.
    fn end_list(&mut self, into: &mut impl Restore) {
        if self.list.left > 0 {
            return;
        }
        let list = std::mem::take(&mut self.list);
        into.acl(list.id, list.entries);
        self.left -= 1;
        self.part = if self.left > 0 {
            Part::AclHead
        } else {
            Part::Node
        };
    }

    fn node<R: Restore>(&mut self, bytes: &[u8], into: &mut R) -> Result<Step, Stop<R::Error>> {
        let path_size = self.field_size(bytes, 0)?;
        let path: Ustring<'_> = read(&mut whole(bytes, path_size)?);
        if path.as_deref() == Some(END_PATH) {
            return Ok(Step::End(path_size));
        }
        let data_size = self.field_size(bytes, path_size)?;
        let size = path_size + data_size + NODE_TAIL_BYTES;
        let mut input = whole(bytes, size)?;
        let (path, data): (Ustring<'_>, _) = (read(&mut input), read(&mut input));
        let (acl_id, stat): (i64, StatPersisted) = (read(&mut input), read(&mut input));
        let path = path.ok_or_else(|| Stop::damaged(0, "a path that is null"))?;
        into.node(&path, data, acl_id, &stat)
            .map_err(|error| Stop::Error(BodyError::Refused(error)))?;
        Ok(Step::Took(size))
    }

    /// The bytes of a counted field that begins `at` bytes from the front, the count included.
    /// Null counts 4.
    fn field_size<E>(&self, bytes: &[u8], at: usize) -> Result<usize, Stop<E>> {
        let length = int(bytes, at)?;
        match u32::try_from(length) {
            Err(_) if length == -1 => Ok(4),
            Ok(size) if size <= self.max_field_bytes => Ok(4 + size as usize),
            Ok(_) => Err(Stop::Error(BodyError::TooLong { at, length })),
            Err(_) => Err(Stop::damaged(at, &format!("unreasonable length {length}"))),
        }
    }
}

fn int<E>(bytes: &[u8], at: usize) -> Result<i32, Stop<E>> {
    let end = at + 4;
    let found = bytes.get(at..end).ok_or(Stop::Need(end))?;
    Ok(i32::from_be_bytes(found.try_into().expect("four bytes")))
}

/// The first `size` bytes. Field lengths were checked before.
fn whole<E>(bytes: &[u8], size: usize) -> Result<Input<'_>, Stop<E>> {
    let found = bytes.get(..size).ok_or(Stop::Need(size))?;
    let max_field_bytes = i64::from(i32::MAX);
    Ok(Input::with_limits(found, Limits { max_field_bytes }))
}

fn read<'a, T: Decode<'a>>(input: &mut Input<'a>) -> T {
    input.read().expect("all its bytes are there")
}

fn owned(acl: Acl<'_>) -> Acl<'static> {
    let owned = |text: Ustring<'_>| text.map(|text| text.into_owned().into());
    Acl {
        perms: acl.perms,
        id: Id {
            scheme: owned(acl.id.scheme),
            id: owned(acl.id.id),
        },
    }
}
