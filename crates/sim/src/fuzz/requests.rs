//! Clients that ask for anything.

use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use datatree::{DIGEST_VERSION, DataTree, Options, OwnerRules, WatcherId, Watches};
use processor::{
    AccessRules, Identities, Owner, Prepared, Processor, Reader, Requester, Rules, SessionTable,
    WriteRequest, answer, encode_txn_reply,
};
use proto::records::CreateRequest;
use proto::txn::{TxnBody, TxnRecord};
use proto::{CreateMode, Decode, Input, Limits, OpCode, SessionId, Zxid};

use crate::{Contents, Script, server};

/// Requests in one run.
const MAX_REQUESTS: usize = 100;
/// Bytes of a field, small enough to be passed.
const LIMITS: Limits = Limits {
    max_field_bytes: 4096,
};
/// The events that make the tree which requests meet.
const EVENTS: usize = 120;
/// Marks an op code that follows as an int.
const ANY_OP: u8 = 0xff;
const CONNECTION: WatcherId = WatcherId(1);

/// What the replica makes txns of; all else is read.
const WRITES: [OpCode; 12] = [
    OpCode::CREATE,
    OpCode::CREATE2,
    OpCode::CREATE_CONTAINER,
    OpCode::CREATE_TTL,
    OpCode::DELETE,
    OpCode::DELETE_CONTAINER,
    OpCode::SET_DATA,
    OpCode::SET_ACL,
    OpCode::MULTI,
    OpCode::RECONFIG,
    OpCode::CREATE_SESSION,
    OpCode::CLOSE_SESSION,
];

/// One request as [`requests`] reads it. `session` counts through those that are there and two
/// that are not; after `flush` all that is outstanding is applied.
pub fn encode_request(op: OpCode, session: u8, flush: bool, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![ANY_OP];
    bytes.extend(op.0.to_be_bytes());
    bytes.extend([session, u8::from(flush)]);
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A request of a fuzzer.
struct Asked<'a> {
    op: OpCode,
    session: u8,
    flush: bool,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let op = match take::<1>(bytes)? {
            [ANY_OP] => OpCode(i32::from_be_bytes(take(bytes)?)),
            [index] => OpCode::ALL[usize::from(index) % OpCode::ALL.len()],
        };
        let [session, flush] = take(bytes)?;
        let length = usize::from(u16::from_be_bytes(take(bytes)?));
        let (body, rest) = bytes.split_at(length.min(bytes.len()));
        *bytes = rest;
        Some(Asked {
            op,
            session,
            flush: flush & 1 == 1,
            body,
        })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

/// Takes `bytes` for the server's flags (1) and requests. Whatever is asked: nothing panics, each
/// txn can be read back from its record, has the digest that the tree gets by it, and can be
/// answered; a refused read writes nothing; and in the end the tree is sound.
pub fn requests(bytes: &[u8]) {
    let Some((flags, mut bytes)) = bytes.split_first() else {
        return;
    };
    let mut clients = Clients::new(*flags);
    for _ in 0..MAX_REQUESTS {
        let Some(asked) = Asked::take(&mut bytes) else {
            break;
        };
        clients.ask(&asked);
        if asked.flush {
            clients.flush();
        }
    }
    clients.flush();
    clients.check();
}

/// A server as its clients know it.
struct Clients {
    tree: DataTree,
    processor: Processor,
    watches: Watches,
    identities: Identities,
    /// Prepared and not applied.
    batch: Vec<(Zxid, Bytes)>,
    /// The batch has a create whose flag and type disagree.
    odd: bool,
    mismatches: u64,
}

impl Clients {
    /// Each bit turns a flag from its default.
    fn new(flags: u8) -> Self {
        let flag = |bit: u8| flags >> bit & 1 == 0;
        let options = Options {
            digest: flag(0),
            owners: OwnerRules {
                extended_types: !flag(1),
                emulate_353: !flag(2),
            },
        };
        let tree = small_tree(options);
        let access = AccessRules {
            skip_acl: !flag(3),
            ..AccessRules::default()
        };
        let rules = Rules {
            access,
            enforce_quota: !flag(4),
            close_session_txn: flag(5),
            reconfig_enabled: !flag(6),
            limits: LIMITS,
        };
        let mut sessions = SessionTable::new(SessionId(1), 2000);
        for (&session, &timeout_ms) in tree.sessions() {
            sessions.track(session, timeout_ms, 0);
        }
        Clients {
            processor: Processor::new(rules, sessions, tree.last_zxid()),
            tree,
            watches: Watches::default(),
            identities: Identities::of_address("127.0.0.1"),
            batch: Vec::new(),
            odd: false,
            mismatches: 0,
        }
    }

    fn session(&self, number: u8) -> SessionId {
        let mut known: Vec<_> = self.tree.sessions().keys().copied().collect();
        known.sort_unstable();
        known.extend([SessionId::NONE, SessionId(i64::MAX)]);
        known[usize::from(number) % known.len()]
    }

    fn ask(&mut self, asked: &Asked<'_>) {
        let session = self.session(asked.session);
        if WRITES.contains(&asked.op) {
            self.write(session, asked);
        } else {
            self.read(session, asked);
        }
    }

    fn write(&mut self, session: SessionId, asked: &Asked<'_>) {
        let Asked { op, body, .. } = *asked;
        let cxid = 1;
        let identities = &self.identities;
        let who = Requester {
            session,
            cxid,
            owner: Owner::HERE,
            identities,
        };
        let time = 1_700_000_000_000;
        let prepared = match op {
            OpCode::CLOSE_SESSION => {
                let processor = &mut self.processor;
                processor.prepare_close_session(&self.tree, session, cxid, time)
            }
            _ => {
                let request = WriteRequest { who, op, body };
                let is_malformed = self.processor.is_malformed(op, body);
                let prepared = self.processor.prepare(&self.tree, &request, time);
                let is_refused = matches!(prepared, Prepared::Refused(_));
                assert_eq!(is_malformed, is_refused, "{op:?}");
                prepared
            }
        };
        if let Prepared::Txn { zxid, record } = prepared {
            let decoded = TxnRecord::decode(&record).expect("our own record can be read");
            assert_eq!(decoded.to_bytes(), record);
            self.odd |= is_odd(&decoded.body, asked);
            self.batch.push((zxid, record));
        }
    }

    fn read(&mut self, session: SessionId, asked: &Asked<'_>) {
        let access = self.processor.rules.access.clone();
        let reader = Reader {
            session,
            watcher: CONNECTION,
            identities: &self.identities,
            rules: &access,
            limits: LIMITS,
        };
        let mut out = BytesMut::from(&b"before"[..]);
        let (tree, watches) = (&self.tree, &mut self.watches);
        if answer(tree, watches, reader, asked.op, asked.body, &mut out).is_err() {
            assert_eq!(out, b"before"[..]);
        }
    }

    /// Applies what is outstanding. Its digests must fit, but for what comes after an odd create.
    fn flush(&mut self) {
        for (zxid, record) in std::mem::take(&mut self.batch) {
            let record = TxnRecord::decode(&record).expect("was read before");
            let watches = &mut self.watches;
            let result = self.tree.apply(&record, &mut |change| {
                watches.fire(change, &mut |event| assert_eq!(event.watcher, CONNECTION));
            });
            encode_txn_reply(1, zxid, &result, &mut BytesMut::new());
            self.processor.outstanding.applied(zxid);
            if record.header.r#type == OpCode::CLOSE_SESSION {
                self.processor.sessions.remove(record.header.client_id);
            }
        }
        assert!(self.processor.outstanding.is_empty());
        let mismatches = self.tree.digest_mismatches();
        assert!(mismatches == self.mismatches || self.odd, "a digest is off");
        (self.mismatches, self.odd) = (mismatches, false);
    }

    fn check(&mut self) {
        let contents = Contents::of(&self.tree);
        contents.check();
        let restored = restored(&mut self.tree);
        // Use is counted afresh when a tree is restored, whatever text stood there.
        let (live, restored) = (contents, Contents::of(&restored));
        assert_eq!(live.without_quota_use(), restored.without_quota_use());
    }
}

/// The tree that requests meet: a few dozen znodes of all kinds.
pub fn small_tree(options: Options) -> DataTree {
    static RECORDS: OnceLock<Vec<Bytes>> = OnceLock::new();
    let mut tree = DataTree::new(options);
    for record in RECORDS.get_or_init(records_of_small_tree) {
        let record = TxnRecord::decode(record).expect("our own record can be read");
        tree.apply(&record, &mut |_| {});
    }
    tree
}

fn records_of_small_tree() -> Vec<Bytes> {
    let mut tree = DataTree::new(server::tree_options());
    let mut processor = server::processor_for(&tree);
    let mut script = Script::new(2);
    let mut records = Vec::new();
    for _ in 0..EVENTS {
        let mut sessions: Vec<_> = tree.sessions().keys().copied().collect();
        sessions.sort_unstable();
        let event = script.next(&tree, &sessions);
        if let Prepared::Txn { zxid, record } = server::prepare(&mut processor, &tree, &event) {
            server::apply(&mut processor, &mut tree, zxid, &record);
            records.push(record);
        }
    }
    records
}

/// The tree by way of a snapshot.
fn restored(tree: &mut DataTree) -> DataTree {
    let (head, mut cursor) = tree.begin_snapshot(0);
    let mut restored = DataTree::for_restore(tree.options());
    for (session, timeout_ms) in head.sessions {
        restored.restore_session(session, timeout_ms);
    }
    for (id, list) in head.acls {
        restored.restore_acl(id, &list);
    }
    let mut add = |path: &str, image: datatree::NodeImage| {
        let data = image.data.as_deref();
        let added = restored.restore_node(path, data, image.acl_id, &image.stat);
        added.expect("parents come first, and each znode once");
    };
    tree.snapshot_slice(&mut cursor, usize::MAX, &mut add);
    let digest = tree.end_snapshot().digest;
    restored.restore_digest(head.zxid, digest.zxid, DIGEST_VERSION, digest.digest);
    restored.finish_restore(head.zxid);
    assert_eq!(restored.digest_mismatches(), 0);
    restored
}

/// A create whose flag says another kind than its type: the digest is that of the flag's, the
/// znode the type's, as in Apache. In a multi any container may be one.
fn is_odd(txn: &TxnBody<'_>, asked: &Asked<'_>) -> bool {
    match txn {
        TxnBody::Multi(multi) => {
            let parts = multi.txns.iter().flatten();
            parts
                .into_iter()
                .any(|part| part.r#type == OpCode::CREATE_CONTAINER)
        }
        TxnBody::Create(_) | TxnBody::CreateContainer(_) => {
            let request = CreateRequest::decode(&mut Input::new(asked.body));
            let flags = request.map_or(0, |request| request.flags);
            let is_container = CreateMode::from_wire(flags) == Some(CreateMode::Container);
            is_container != (asked.op == OpCode::CREATE_CONTAINER)
        }
        _ => false,
    }
}
