//! Requests that meet what is proposed and not yet applied.

use bytes::BytesMut;
use datatree::{DataTree, open_acl_unsafe, read_acl_unsafe};
use processor::{
    Identities, Owner, Prepared, Processor, Requester, Rules, SessionTable, WriteRequest,
};
use proto::records::{
    Acl, CreateRequest, DeleteRequest, Id, MultiHeader, SetACLRequest, SetDataRequest,
};
use proto::txn::{TxnBody, TxnRecord};
use proto::{Encode, ErrorCode, OpCode, SessionId, Zxid};

const ONE: SessionId = SessionId(1);
const TWO: SessionId = SessionId(2);
const EPHEMERAL: i32 = 1;

struct Server {
    processor: Processor,
    tree: DataTree,
}

impl Server {
    fn new() -> Self {
        let mut sessions = SessionTable::new(SessionId(9), 2000);
        for id in [ONE, TWO] {
            sessions.track(id, 30_000, 0);
        }
        Server {
            processor: Processor::new(Rules::default(), sessions, Zxid::ZERO),
            tree: DataTree::default(),
        }
    }

    /// Makes a record and leaves it outstanding.
    fn prepare(&mut self, session: SessionId, op: OpCode, request: &impl Encode) -> Vec<u8> {
        let mut body = BytesMut::new();
        request.encode(&mut body);
        self.prepare_body(session, op, &body)
    }

    fn prepare_body(&mut self, session: SessionId, op: OpCode, body: &[u8]) -> Vec<u8> {
        let who = Requester {
            session,
            cxid: 1,
            owner: Owner::HERE,
            identities: &Identities::default(),
        };
        let request = WriteRequest { who, op, body };
        match self.processor.prepare(&self.tree, &request, 7) {
            Prepared::Txn { record, .. } => record.to_vec(),
            refused => panic!("{refused:?}"),
        }
    }

    fn create(&mut self, session: SessionId, path: &'static str) -> Vec<u8> {
        let request = ephemeral(path, open_acl_unsafe().to_vec());
        self.prepare(session, OpCode::CREATE, &request)
    }

    fn delete(&mut self, session: SessionId, path: &'static str) -> Vec<u8> {
        let request = DeleteRequest {
            path: Some(path.into()),
            version: -1,
        };
        self.prepare(session, OpCode::DELETE, &request)
    }

    fn set_data(&mut self, session: SessionId, path: &'static str) -> Vec<u8> {
        let request = SetDataRequest {
            path: Some(path.into()),
            data: None,
            version: -1,
        };
        self.prepare(session, OpCode::SET_DATA, &request)
    }

    fn closed(&mut self, session: SessionId) -> Vec<String> {
        let record = self.prepare(session, OpCode::CLOSE_SESSION, &true);
        match TxnRecord::decode(&record).unwrap().body {
            TxnBody::CloseSession(txn) => {
                let paths = txn.paths2_delete.unwrap().into_iter();
                paths.map(|path| path.unwrap().into_owned()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn apply(&mut self, record: &[u8]) {
        let record = TxnRecord::decode(record).unwrap();
        self.tree.apply(&record, &mut |_| {});
        self.processor.outstanding.applied(record.header.zxid);
    }
}

fn op_of(record: &[u8]) -> OpCode {
    TxnRecord::decode(record).unwrap().header.r#type
}

#[test]
fn a_session_that_closes_leaves_what_another_one_has_made_in_the_place_of_its_own() {
    let mut server = Server::new();
    let made = server.create(ONE, "/lock");
    server.apply(&made);
    server.delete(TWO, "/lock");
    server.create(TWO, "/lock");
    assert_eq!(server.closed(ONE), [""; 0]);
    assert_eq!(server.closed(TWO), ["/lock"]);
}

#[test]
fn a_session_that_closes_takes_along_what_it_has_pending() {
    let mut server = Server::new();
    let made = server.create(ONE, "/a");
    server.apply(&made);
    server.create(ONE, "/b");
    server.create(ONE, "/c");
    server.delete(ONE, "/a");
    server.delete(ONE, "/c");
    assert_eq!(server.closed(ONE), ["/b"]);
}

#[test]
fn a_multi_that_fails_leaves_nothing_of_its_ephemerals() {
    let mut server = Server::new();
    server.create(ONE, "/before");
    let create = ephemeral("/never", open_acl_unsafe().to_vec());
    server.prepare_body(ONE, OpCode::MULTI, &multi_of(&[&create, &create]));
    assert_eq!(server.closed(ONE), ["/before"]);
}

#[test]
fn a_part_on_which_java_stumbles_refuses_the_whole_multi() {
    let mut server = Server::new();
    let null_id = Acl {
        perms: 31,
        id: Id {
            scheme: Some("digest".into()),
            id: None,
        },
    };
    let good = ephemeral("/never", open_acl_unsafe().to_vec());
    let bad = ephemeral("/null", vec![null_id]);
    let record = server.prepare_body(ONE, OpCode::MULTI, &multi_of(&[&good, &bad]));
    match TxnRecord::decode(&record).unwrap().body {
        TxnBody::Error(txn) => assert_eq!(txn.err, ErrorCode::MARSHALLING_ERROR),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.closed(ONE), [""; 0]);
}

fn ephemeral(path: &'static str, acl: Vec<Acl<'static>>) -> CreateRequest<'static> {
    CreateRequest {
        path: Some(path.into()),
        data: None,
        acl: Some(acl),
        flags: EPHEMERAL,
    }
}

fn multi_of(creates: &[&CreateRequest<'_>]) -> BytesMut {
    let header = |r#type, done| MultiHeader {
        r#type,
        done,
        err: ErrorCode(-1),
    };
    let mut body = BytesMut::new();
    for create in creates {
        header(OpCode::CREATE, false).encode(&mut body);
        create.encode(&mut body);
    }
    header(OpCode::ERROR, true).encode(&mut body);
    body
}

/// So it is in Apache, whose change record of a setACL keeps the list that was there.
#[test]
fn a_list_that_is_set_decides_when_it_is_applied_and_not_before() {
    let mut server = Server::new();
    let made = server.create(ONE, "/a");
    server.apply(&made);
    let request = SetACLRequest {
        path: Some("/a".into()),
        acl: Some(read_acl_unsafe().to_vec()),
        version: -1,
    };
    let set = server.prepare(ONE, OpCode::SET_ACL, &request);
    let allowed = server.set_data(ONE, "/a");
    server.apply(&set);
    server.apply(&allowed);
    let refused = server.set_data(ONE, "/a");
    assert_eq!(
        [op_of(&allowed), op_of(&refused)],
        [OpCode::SET_DATA, OpCode::ERROR]
    );
}

#[test]
fn refusals_for_a_hard_quota_are_counted_by_the_first_name_of_the_path() {
    let mut server = Server::new();
    server.processor.rules.enforce_quota = true;
    for (path, data) in [
        ("/app", ""),
        ("/zookeeper/quota/app", ""),
        (
            "/zookeeper/quota/app/zookeeper_limits",
            "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2",
        ),
        ("/zookeeper/quota/app/zookeeper_stats", "count=1,bytes=0"),
    ] {
        let request = CreateRequest {
            flags: 0,
            data: Some(data.as_bytes()),
            ..ephemeral(path, open_acl_unsafe().to_vec())
        };
        let made = server.prepare(ONE, OpCode::CREATE, &request);
        server.apply(&made);
    }
    for path in ["/app/a", "/app/b", "/app/c", "/other"] {
        let made = server.create(ONE, path);
        server.apply(&made);
    }
    let refusals = server.processor.take_quota_refusals();
    assert_eq!(refusals, [("app".to_owned(), 2)].into());
    assert!(server.processor.take_quota_refusals().is_empty());
}
