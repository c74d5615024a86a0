//! A server without sockets: it plays the requests of a history, with the stamps of Apache's log,
//! and compares each record and each reply with Apache's.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use bytes::{Bytes, BytesMut};
use datatree::{DataTree, Event, WatcherId, Watches};
use processor::{
    AccessRules, Identities, Owner, Peer, Prepared, Processor, Reader, Requester, SessionTable,
    Verdict, WriteRequest, answer, authenticate, check_access, encode_header, encode_txn_reply,
    is_write, password,
};
use proto::connect::{Connect, encode_response};
use proto::records::{
    AuthPacket, ConnectResponse, ErrorTxn, ReplyHeader, RequestHeader, WatcherEvent,
};
use proto::txn::{TxnBody, TxnRecord};
use proto::{Encode, ErrorCode, EventType, Input, KeeperState, OpCode, Perms, SessionId, Zxid};

use super::golden::{Golden, Logged, Row};

/// The address that all captured clients had.
const ADDRESS: &str = "127.0.0.1";

/// When prepared txns are applied to the tree. A setACL always is, with those before it.
#[derive(Clone, Debug)]
pub enum Apply {
    /// Each before the next request, as a server without load does.
    AtOnce,
    /// When this many wait, before a read, and after these zxids.
    Late(usize, HashSet<Zxid>),
    /// Never: reads and replies are left out.
    Never(HashSet<Zxid>),
}

struct Connection {
    session: SessionId,
    timeout_ms: i32,
    identities: Identities,
    watcher: WatcherId,
    out: VecDeque<Vec<u8>>,
}

/// What was prepared and waits for its turn.
struct Waiting {
    connection: Option<String>,
    xid: i32,
    op: OpCode,
    outcome: Prepared,
}

pub struct Replica<'g> {
    golden: &'g Golden,
    apply: Apply,
    processor: Processor,
    tree: DataTree,
    watches: Watches,
    connections: HashMap<String, Connection>,
    next_record: usize,
    waiting: VecDeque<Waiting>,
    /// Differences that were found, in the order of the history.
    pub differences: Vec<String>,
    /// Txns whose digest was not the tree's when they were applied.
    pub mismatches: HashSet<Zxid>,
    pub records_compared: usize,
    pub replies_compared: usize,
}

impl<'g> Replica<'g> {
    pub fn new(golden: &'g Golden, apply: Apply) -> Self {
        let mut tree = DataTree::new(golden.options);
        for logged in &golden.start {
            let record = TxnRecord::decode(&logged.bytes).unwrap();
            tree.apply(&record, &mut |_| {});
        }
        let sessions = SessionTable::new(SessionId(1), 2000);
        Replica {
            golden,
            apply,
            processor: Processor::new(golden.rules.clone(), sessions, tree.last_zxid()),
            tree,
            watches: Watches::default(),
            connections: HashMap::new(),
            next_record: 0,
            waiting: VecDeque::new(),
            differences: Vec::new(),
            mismatches: HashSet::new(),
            records_compared: 0,
            replies_compared: 0,
        }
    }

    /// Plays the whole history, and what the log has besides it.
    pub fn play(mut self) -> Self {
        for row in &self.golden.rows {
            if row.is_request {
                self.server_made(row);
                self.request(row);
            } else if !matches!(self.apply, Apply::Never(_)) {
                self.compare_reply(row);
            }
        }
        while let Some(next) = self.peek() {
            self.foreign(next);
        }
        if !matches!(self.apply, Apply::Never(_)) {
            self.flush();
        }
        self
    }

    fn peek(&self) -> Option<&'g Logged> {
        self.golden.log.get(self.next_record)
    }

    fn next_time(&self) -> i64 {
        self.peek().map_or(0, |logged| logged.header.time)
    }

    /// Txns that the server made by itself before this request was processed.
    fn server_made(&mut self, row: &Row) {
        let is_read = !is_write(op_of(row));
        while let Some(next) = self.peek() {
            let came_later = is_read && self.golden.reply_zxid(row) < Some(next.header.zxid);
            if next.header.client_id != SessionId::NONE || came_later {
                return;
            }
            self.foreign(next);
        }
    }

    /// A txn that no captured request asked for: the server's own, or another client's session.
    fn foreign(&mut self, logged: &Logged) {
        let record = TxnRecord::decode(&logged.bytes).unwrap();
        let (header, tree) = (&record.header, &self.tree);
        let outcome = match &record.body {
            TxnBody::CreateSession(txn) => {
                let session = header.client_id;
                self.processor.sessions.track(session, txn.time_out, 0);
                self.processor
                    .prepare_create_session(tree, (session, 0), txn.time_out, header.time)
            }
            TxnBody::CloseSession(_) => {
                let session = header.client_id;
                self.processor
                    .prepare_close_session(tree, session, header.cxid, header.time)
            }
            TxnBody::Delete(txn) => {
                let mut body = BytesMut::new();
                txn.encode(&mut body);
                let request = WriteRequest {
                    who: Requester {
                        session: header.client_id,
                        cxid: header.cxid,
                        owner: Owner::HERE,
                        identities: &Identities::default(),
                    },
                    op: OpCode::DELETE_CONTAINER,
                    body: &body,
                };
                self.processor.prepare(tree, &request, header.time)
            }
            other => panic!("nobody asked for {header:?} {other:?}"),
        };
        self.prepared("the server", None, 0, header.r#type, outcome);
    }

    fn request(&mut self, row: &Row) {
        if row.op == "connect" {
            return self.connect(row);
        }
        let mut input = Input::new(&row.frame);
        let header: RequestHeader = input.read().unwrap();
        match header.r#type {
            OpCode::AUTH => self.auth(row, header.xid, &input.read().unwrap()),
            op if is_write(op) => self.write(row, &header, input.rest()),
            _ if matches!(self.apply, Apply::Never(_)) => {}
            op => self.read(row, header.xid, op, input.rest()),
        }
    }

    fn connect(&mut self, row: &Row) {
        let connect = Connect::decode(&row.frame).unwrap();
        let reply = &self.golden.rows[row.reply.unwrap()].frame;
        let told: ConnectResponse<'_> = Input::new(reply).read().unwrap();
        let (session, timeout_ms) = (told.session_id, told.time_out);
        self.processor.sessions.track(session, timeout_ms, 0);
        if connect.request.session_id == SessionId::NONE {
            let time = self.next_time();
            let outcome =
                self.processor
                    .prepare_create_session(&self.tree, (session, 0), timeout_ms, time);
            self.prepared(&place(row), None, 0, OpCode::CREATE_SESSION, outcome);
        }
        let watcher = WatcherId(self.connections.len() as u64);
        let connection = Connection {
            session,
            timeout_ms,
            identities: Identities::of_address(ADDRESS),
            watcher,
            out: VecDeque::from([connect_response(session, timeout_ms)]),
        };
        self.connections.insert(row.connection.clone(), connection);
    }

    fn auth(&mut self, row: &Row, xid: i32, packet: &AuthPacket<'_>) {
        let (scheme, auth) = (packet.scheme.as_deref(), packet.auth);
        let rules = &self.processor.rules.access.auth;
        let peer = Peer {
            address: ADDRESS,
            subject: None,
        };
        let verdict = authenticate(rules, scheme.unwrap_or_default(), auth, peer, || None);
        let connection = self.connections.get_mut(&row.connection).unwrap();
        let err = match verdict {
            Verdict::Accepted(ids) => {
                connection.identities = connection.identities.with(ids);
                ErrorCode::OK
            }
            _ => ErrorCode::AUTH_FAILED,
        };
        connection.out.push_back(header_only(xid, Zxid::ZERO, err));
    }

    fn write(&mut self, row: &Row, header: &RequestHeader, body: &[u8]) {
        let time = self.next_time();
        let connection = &self.connections[&row.connection];
        let request = WriteRequest {
            who: Requester {
                session: connection.session,
                cxid: header.xid,
                owner: Owner::HERE,
                identities: &connection.identities,
            },
            op: header.r#type,
            body,
        };
        let outcome = self.processor.prepare(&self.tree, &request, time);
        let connection = Some(row.connection.clone());
        self.prepared(&place(row), connection, header.xid, header.r#type, outcome);
    }

    /// Compares a record with the next one of Apache's log.
    fn prepared(
        &mut self,
        place: &str,
        connection: Option<String>,
        xid: i32,
        op: OpCode,
        outcome: Prepared,
    ) {
        let Some(expected) = self.peek() else {
            return self.differ(format!("{place}: {outcome:?} is not in the log"));
        };
        self.next_record += 1;
        self.records_compared += 1;
        self.compare_record(place, &outcome, expected);
        let zxid = expected.header.zxid;
        self.waiting.push_back(Waiting {
            connection,
            xid,
            op,
            outcome,
        });
        let is_due = match &self.apply {
            Apply::AtOnce => true,
            Apply::Late(most, after) => self.waiting.len() >= *most || after.contains(&zxid),
            Apply::Never(after) => after.contains(&zxid),
        };
        // A list decides when it is applied: the captured server had applied it.
        if is_due || op == OpCode::SET_ACL {
            self.flush();
        }
    }

    /// What cannot be parsed is logged by Apache under the zxid before it, and not by us.
    fn compare_record(&mut self, place: &str, outcome: &Prepared, expected: &Logged) {
        let expected_record = TxnRecord::decode(&expected.bytes).unwrap();
        match outcome {
            Prepared::Txn { record, .. } if self.same_record(record, &expected.bytes) => {}
            Prepared::Txn { record, .. } => self.differ(format!(
                "{place}:\n  ours   {:?}\n  apache {expected_record:?}",
                TxnRecord::decode(record).unwrap(),
            )),
            Prepared::Refused(err) => {
                let before = self.processor.last_zxid();
                let body = TxnBody::Error(ErrorTxn { err: *err });
                if expected.header.zxid != before || expected_record.body != body {
                    self.differ(format!(
                        "{place}:\n  ours   refused without a zxid after {before}: {err:?}\n  \
                         apache {expected_record:?}"
                    ));
                }
            }
        }
    }

    /// Where nothing was applied, a hash table was built in another way than Apache's: its order
    /// is not compared.
    fn same_record(&self, ours: &Bytes, apaches: &[u8]) -> bool {
        let sorted = |bytes| {
            let mut record = TxnRecord::decode(bytes).unwrap();
            if let TxnBody::CloseSession(txn) = &mut record.body {
                txn.paths2_delete.iter_mut().for_each(|paths| paths.sort());
            }
            record.to_bytes()
        };
        match self.apply {
            Apply::Never(_) => sorted(ours) == sorted(apaches),
            _ => ours == apaches,
        }
    }

    fn differ(&mut self, difference: String) {
        self.differences.push(difference);
    }

    /// Applies all that waits, in order.
    pub fn flush(&mut self) {
        while let Some(waiting) = self.waiting.pop_front() {
            self.settle(waiting);
        }
    }

    fn settle(&mut self, waiting: Waiting) {
        let Waiting {
            connection,
            xid,
            op,
            outcome,
        } = waiting;
        let reply = match &outcome {
            Prepared::Refused(err) => header_only(xid, self.tree.last_zxid(), *err),
            Prepared::Txn { zxid, record } => self.apply_txn(xid, *zxid, record),
        };
        let Some(name) = connection else { return };
        let connection = self.connections.get_mut(&name).unwrap();
        let asked_again = op == OpCode::CREATE_SESSION && is_ok(&reply);
        connection.out.push_back(if asked_again {
            connect_response(connection.session, connection.timeout_ms)
        } else {
            reply
        });
        if op == OpCode::CLOSE_SESSION {
            self.watches.remove_watcher(connection.watcher);
        }
    }

    fn apply_txn(&mut self, xid: i32, zxid: Zxid, record: &Bytes) -> Vec<u8> {
        let record = TxnRecord::decode(record).unwrap();
        let before = self.tree.digest_mismatches();
        let (watches, connections) = (&mut self.watches, &mut self.connections);
        let access = &self.processor.rules.access;
        let result = self.tree.apply(&record, &mut |change| {
            watches.fire(change, &mut |event| hear(connections, access, &event, zxid));
        });
        if self.tree.digest_mismatches() > before {
            self.mismatches.insert(zxid);
        }
        self.processor.outstanding.applied(zxid);
        if record.header.r#type == OpCode::CLOSE_SESSION {
            self.processor.sessions.remove(record.header.client_id);
        }
        let mut reply = BytesMut::new();
        encode_txn_reply(xid, self.tree.last_zxid(), &result, &mut reply);
        reply.to_vec()
    }

    fn read(&mut self, row: &Row, xid: i32, op: OpCode, body: &[u8]) {
        self.flush();
        let zxid = self.tree.last_zxid();
        let connection = self.connections.get_mut(&row.connection).unwrap();
        let reader = Reader {
            session: connection.session,
            watcher: connection.watcher,
            identities: &connection.identities,
            rules: &self.processor.rules.access,
            limits: self.processor.rules.limits,
        };
        let mut out = BytesMut::new();
        let outcome = answer(&self.tree, &mut self.watches, reader, op, body, &mut out);
        let reply = match outcome {
            Ok(answer) => {
                let events = answer.missed.iter();
                let events = events.map(|(kind, path)| event_frame(*kind, path, Zxid(-1)));
                connection.out.extend(events);
                let xid = if op == OpCode::PING { -2 } else { xid };
                [header_only(xid, zxid, answer.err), out.to_vec()].concat()
            }
            Err(err) => header_only(xid, zxid, err),
        };
        connection.out.push_back(reply);
    }

    fn compare_reply(&mut self, row: &Row) {
        let connection = &self.connections[&row.connection];
        if connection.out.is_empty() {
            self.flush();
        }
        let connection = self.connections.get_mut(&row.connection).unwrap();
        let ours = connection.out.pop_front().unwrap_or_default();
        self.replies_compared += 1;
        if normal(&row.op, &ours) != normal(&row.op, &row.frame) {
            self.differ(format!(
                "{}:\n  ours   {}\n  apache {}",
                place(row),
                show(&ours),
                show(&row.frame)
            ));
        }
    }

    pub fn tree(&self) -> &DataTree {
        &self.tree
    }
}

/// Queues an event for a connection that may read the znode.
fn hear(
    connections: &mut HashMap<String, Connection>,
    access: &AccessRules,
    event: &Event<'_>,
    zxid: Zxid,
) {
    let mut all = connections.values_mut();
    let connection = all.find(|connection| connection.watcher == event.watcher);
    let connection = connection.unwrap();
    if check_access(access, event.acl, Perms::READ, &connection.identities).is_ok() {
        let frame = event_frame(event.kind, event.path, zxid);
        connection.out.push_back(frame);
    }
}

fn place(row: &Row) -> String {
    format!("line {} {} {}", row.line, row.connection, row.op)
}

fn op_of(row: &Row) -> OpCode {
    if row.op == "connect" {
        return OpCode::CREATE_SESSION;
    }
    let header: RequestHeader = Input::new(&row.frame).read().unwrap();
    header.r#type
}

fn header_only(xid: i32, zxid: Zxid, err: ErrorCode) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_header(xid, zxid, err, &mut out);
    out.to_vec()
}

fn is_ok(reply: &[u8]) -> bool {
    let header: ReplyHeader = Input::new(reply).read().unwrap();
    header.err == ErrorCode::OK
}

fn connect_response(session: SessionId, timeout_ms: i32) -> Vec<u8> {
    let password = password(session);
    let response = ConnectResponse {
        time_out: timeout_ms,
        session_id: session,
        passwd: Some(&password),
        ..ConnectResponse::default()
    };
    let mut out = BytesMut::new();
    encode_response(&response, true, &mut out);
    out.to_vec()
}

fn event_frame(kind: EventType, path: &str, zxid: Zxid) -> Vec<u8> {
    let mut out = BytesMut::new();
    encode_header(-1, zxid, ErrorCode::OK, &mut out);
    WatcherEvent {
        r#type: kind as i32,
        state: KeeperState::SyncConnected as i32,
        path: Some(path.into()),
    }
    .encode(&mut out);
    out.to_vec()
}

/// A reply without what has no order: the names of children and of ephemeral znodes.
fn normal(op: &str, frame: &[u8]) -> (Vec<u8>, BTreeSet<String>) {
    let mut input = Input::new(frame);
    let Ok(header) = input.read::<ReplyHeader>() else {
        return (frame.to_vec(), BTreeSet::new());
    };
    let body_at = input.offset();
    match op {
        "getChildren" | "getChildren2" | "getEphemerals" if header.err == ErrorCode::OK => {
            let names: proto::Vector<proto::Ustring<'_>> = input.read().unwrap();
            let names = names.into_iter().flatten().flatten();
            let set = names.map(|name| name.into_owned()).collect();
            ([&frame[..body_at], input.rest()].concat(), set)
        }
        "multiRead" if !input.is_empty() => normal_parts(frame),
        _ => (frame.to_vec(), BTreeSet::new()),
    }
}

fn normal_parts(frame: &[u8]) -> (Vec<u8>, BTreeSet<String>) {
    use proto::records::{ErrorResponse, GetDataResponse, MultiHeader};
    let mut input = Input::new(frame);
    let mut out = BytesMut::new();
    input.read::<ReplyHeader>().unwrap().encode(&mut out);
    let mut names = BTreeSet::new();
    loop {
        let header: MultiHeader = input.read().unwrap();
        header.encode(&mut out);
        match header.r#type {
            _ if header.done => return (out.to_vec(), names),
            OpCode::GET_DATA => input
                .read::<GetDataResponse<'_>>()
                .unwrap()
                .encode(&mut out),
            OpCode::ERROR => input.read::<ErrorResponse>().unwrap().encode(&mut out),
            _ => {
                let children: proto::Vector<proto::Ustring<'_>> = input.read().unwrap();
                let children = children.into_iter().flatten().flatten();
                let at = out.len();
                names.extend(children.map(|name| format!("{at} {name}")));
            }
        }
    }
}

fn show(frame: &[u8]) -> String {
    let header = Input::new(frame).read::<ReplyHeader>();
    format!("{header:?} {:02x?}", frame.get(16..).unwrap_or_default())
}
