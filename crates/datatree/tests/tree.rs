//! The tree from outside: txns in, answers, changes and snapshots out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use datatree::{Change, DataTree, NodeImage, Options, TxnResult};
use proto::records::*;
use proto::txn::{TxnBody, TxnRecord};
use proto::{ErrorCode, OpCode, SessionId, Zxid};

const SESSION: SessionId = SessionId(0x0100_0000_0000_0001);

fn text(text: &str) -> Option<Cow<'static, str>> {
    Some(Cow::Owned(text.to_owned()))
}

/// A server that applies what it is told, one zxid after the other.
#[derive(Default)]
struct Server {
    tree: DataTree,
    changes: Vec<String>,
}

impl Server {
    fn apply(&mut self, op: OpCode, body: TxnBody<'static>) -> TxnResult<'static> {
        let zxid = self.tree.last_zxid().next();
        let header = TxnHeader {
            client_id: SESSION,
            cxid: 1,
            zxid,
            time: 1000 + zxid.0,
            r#type: op,
        };
        let changes = &mut self.changes;
        self.tree.apply(
            &TxnRecord {
                header,
                body,
                digest: None,
            },
            &mut |change| {
                changes.push(match change {
                    Change::Created { path, .. } => format!("+{path}"),
                    Change::Deleted { path, .. } => format!("-{path}"),
                    Change::DataChanged { path, .. } => format!("={path}"),
                });
            },
        )
    }

    fn create(&mut self, path: &str, data: &'static [u8], ephemeral: bool) -> TxnResult<'static> {
        let txn = CreateTxn {
            path: text(path),
            data: Some(data),
            acl: Some(datatree::open_acl_unsafe().to_vec()),
            ephemeral,
            parent_c_version: -1,
        };
        self.apply(OpCode::CREATE2, TxnBody::Create(txn))
    }

    fn delete(&mut self, path: &str) -> TxnResult<'static> {
        self.apply(
            OpCode::DELETE,
            TxnBody::Delete(DeleteTxn { path: text(path) }),
        )
    }

    fn set(&mut self, path: &str, data: &'static [u8], version: i32) -> TxnResult<'static> {
        let txn = SetDataTxn {
            path: text(path),
            data: Some(data),
            version,
        };
        self.apply(OpCode::SET_DATA, TxnBody::SetData(txn))
    }

    fn stat(&self, path: &str) -> Stat {
        self.tree
            .get(path)
            .unwrap_or_else(|| panic!("no {path}"))
            .stat()
    }
}

#[test]
fn a_fresh_tree_has_apaches_digest_and_count() {
    let tree = DataTree::default();
    assert_eq!(tree.digest(), 1_371_985_504);
    assert_eq!(tree.node_count(), 5);
    assert_eq!(tree.get("/zookeeper/config").unwrap().stat().aversion, -1);
}

#[test]
fn cversion_counts_children_made_and_gone() {
    let mut server = Server::default();
    server.create("/a", b"", false);
    server.create("/a/b", b"", false);
    server.create("/a/c", b"", false);
    assert_eq!(
        (server.stat("/a").cversion, server.stat("/a").num_children),
        (2, 2)
    );
    server.delete("/a/b");
    let stat = server.stat("/a");
    assert_eq!(
        (stat.cversion, stat.num_children, stat.pzxid),
        (3, 1, Zxid(4))
    );
}

#[test]
fn the_digest_is_the_same_whatever_way_led_here() {
    let mut straight = Server::default();
    let mut detour = Server::default();
    straight.create("/a", b"x", false);
    detour.create("/a", b"x", false);
    let before = detour.tree.digest();
    detour.create("/b", b"", false);
    detour.delete("/b");
    assert_ne!(
        detour.tree.digest(),
        before,
        "the parent's cversion and pzxid have moved"
    );
    let rebuilt = rebuild(&mut detour.tree);
    assert_eq!(rebuilt.digest(), detour.tree.digest());
    assert_eq!(straight.tree.digest(), before);
}

#[test]
fn a_refused_change_leaves_the_tree_as_it_was() {
    let mut server = Server::default();
    assert_eq!(server.create("/a/b", b"", false).err, ErrorCode::NO_NODE);
    assert_eq!(server.delete("/a").err, ErrorCode::NO_NODE);
    assert_eq!(server.set("/a", b"", 1).err, ErrorCode::NO_NODE);
    assert_eq!(server.changes, Vec::<String>::new());
    assert_eq!(server.tree.node_count(), 5);
}

#[test]
fn closing_a_session_deletes_what_the_txn_names_and_what_it_forgot() {
    for named in [Some(vec![text("/e1"), text("/gone")]), None] {
        let mut server = Server::default();
        server.create("/e1", b"", true);
        server.create("/e2", b"", true);
        let close = CloseSessionTxn {
            paths2_delete: named,
        };
        server.apply(OpCode::CLOSE_SESSION, TxnBody::CloseSession(close));
        assert_eq!(server.tree.ephemeral_count(), 0);
        assert_eq!(server.tree.node_count(), 5);
        assert_eq!(server.changes, ["+/e1", "+/e2", "-/e1", "-/e2"]);
    }
}

#[test]
fn a_failed_multi_changes_nothing_and_answers_each_part() {
    let mut server = Server::default();
    let mut data = proto_bytes(&CreateTxn {
        path: text("/a"),
        data: Some(b""),
        acl: None,
        ephemeral: false,
        parent_c_version: 1,
    });
    let create = data.split().freeze();
    let error = proto_bytes(&ErrorTxn {
        err: ErrorCode::NO_NODE,
    })
    .freeze();
    let leak = |bytes: &bytes::Bytes| -> &'static [u8] { Box::leak(bytes.to_vec().into()) };
    let part = |op, bytes: &bytes::Bytes| Txn {
        r#type: op,
        data: Some(leak(bytes)),
    };
    let txns = vec![
        part(OpCode::CREATE, &create),
        part(OpCode::ERROR, &error),
        part(OpCode::CREATE, &create),
    ];
    let result = server.apply(OpCode::MULTI, TxnBody::Multi(MultiTxn { txns: Some(txns) }));
    let codes: Vec<_> = result
        .parts
        .iter()
        .map(|part| (part.op, part.err))
        .collect();
    assert_eq!(
        codes,
        [
            (OpCode::ERROR, ErrorCode::OK),
            (OpCode::ERROR, ErrorCode::NO_NODE),
            (OpCode::ERROR, ErrorCode::RUNTIME_INCONSISTENCY)
        ]
    );
    assert!(server.tree.get("/a").is_none());
}

fn proto_bytes(record: &impl proto::Encode) -> bytes::BytesMut {
    let mut out = bytes::BytesMut::new();
    record.encode(&mut out);
    out
}

#[test]
fn quota_use_follows_every_change_below_its_path() {
    let mut server = Server::default();
    server.create("/q", b"12345", false);
    server.create("/zookeeper/quota/q", b"", false);
    server.create(
        "/zookeeper/quota/q/zookeeper_limits",
        b"count=9,bytes=-1",
        false,
    );
    server.create(
        "/zookeeper/quota/q/zookeeper_stats",
        b"count=0,bytes=0",
        false,
    );
    let used = |server: &Server| {
        let node = server
            .tree
            .get("/zookeeper/quota/q/zookeeper_stats")
            .unwrap();
        String::from_utf8(node.data().unwrap().to_vec()).unwrap()
    };
    assert_eq!(used(&server), "count=1,bytes=5");
    server.create("/q/a", b"123", false);
    assert_eq!(used(&server), "count=2,bytes=8");
    server.set("/q/a", b"1", 1);
    assert_eq!(used(&server), "count=2,bytes=6");
    let digest = server.tree.digest();
    assert_eq!(rebuild(&mut server.tree).digest(), digest);
    server.delete("/q/a");
    assert_eq!(used(&server), "count=1,bytes=5");
    server.delete("/zookeeper/quota/q/zookeeper_limits");
    server.set("/q", b"", 1);
    assert_eq!(
        used(&server),
        "count=1,bytes=5",
        "no quota, nothing counted"
    );
}

#[test]
fn a_subtree_that_replay_deletes_at_once_is_counted_out() {
    let mut server = Server::default();
    server.create("/q", b"12345", false);
    server.create("/q/a", b"123", false);
    server.create("/zookeeper/quota/q", b"", false);
    server.create("/zookeeper/quota/q/zookeeper_limits", b"count=9", false);
    let path = "/zookeeper/quota/q/zookeeper_stats";
    server.create(path, b"", false);
    // As over a fuzzy snapshot that shows the child which came later.
    server.delete("/q");
    let used = server.tree.get(path).unwrap().data().unwrap();
    assert_eq!(used, b"count=0,bytes=0");
}

#[test]
fn text_that_is_no_quota_ends_nothing() {
    let mut server = Server::default();
    server.create("/q", b"", false);
    server.create("/zookeeper/quota/q", b"", false);
    server.create(
        "/zookeeper/quota/q/zookeeper_limits",
        b"count=9,bytes=-1",
        false,
    );
    server.create("/zookeeper/quota/q/zookeeper_stats", b"", false);
    server.set("/zookeeper/quota/q/zookeeper_stats", b"hello", 1);
    assert_eq!(server.create("/q/a", b"123", false).err, ErrorCode::OK);
}

type Dump = BTreeMap<String, NodeImage>;

/// A snapshot taken in slices of `budget`, with `between` run after each.
fn snapshot(server: &mut Server, budget: usize, mut between: impl FnMut(&mut Server)) -> Dump {
    let mut dump = Dump::new();
    let (_, mut cursor) = server.tree.begin_snapshot(usize::MAX);
    loop {
        let more = server
            .tree
            .snapshot_slice(&mut cursor, budget, &mut |path, image| {
                let parent_known = path
                    .rfind('/')
                    .is_none_or(|slash| dump.contains_key(&path[..slash]));
                assert!(parent_known, "{path} comes before its parent");
                assert!(
                    dump.insert(path.to_owned(), image).is_none(),
                    "{path} comes twice"
                );
            });
        if !more {
            break;
        }
        between(server);
    }
    server.tree.end_snapshot();
    dump
}

fn rebuild(tree: &mut DataTree) -> DataTree {
    let (head, mut cursor) = tree.begin_snapshot(usize::MAX);
    let mut copy = DataTree::for_restore(Options::default());
    for (session, timeout) in head.sessions {
        copy.restore_session(session, timeout);
    }
    for (id, list) in head.acls {
        copy.restore_acl(id, &list);
    }
    let mut emit = |path: &str, image: NodeImage| {
        copy.restore_node(path, image.data.as_deref(), image.acl_id, &image.stat)
            .unwrap();
    };
    while tree.snapshot_slice(&mut cursor, 3, &mut emit) {}
    let tail = tree.end_snapshot();
    copy.restore_digest(head.zxid, tail.digest.zxid, 2, tail.digest.digest);
    copy.finish_restore(head.zxid);
    assert_eq!(copy.digest_mismatches(), 0);
    assert_eq!(copy.approximate_data_size(), tree.approximate_data_size());
    copy
}

/// Applies a txn that says that the tree has another digest afterwards than it has.
fn apply_with_wrong_digest(tree: &mut DataTree) {
    apply_with_digest(tree, 1);
}

fn apply_with_digest(tree: &mut DataTree, tree_digest: i64) {
    let header = TxnHeader {
        client_id: SESSION,
        cxid: 1,
        zxid: tree.last_zxid().next(),
        time: 1,
        r#type: OpCode::ERROR,
    };
    let body = TxnBody::Error(ErrorTxn {
        err: ErrorCode::NO_NODE,
    });
    let digest = Some(TxnDigest {
        version: 2,
        tree_digest,
    });
    let record = TxnRecord {
        header,
        body,
        digest,
    };
    tree.apply(&record, &mut |_| {});
}

#[test]
fn digests_do_not_count_while_a_tree_is_fuzzy() {
    let mut tree = DataTree::default();
    tree.mark_fuzzy();
    apply_with_wrong_digest(&mut tree);
    assert_eq!(tree.digest_mismatches(), 0);
    assert!(tree.settle() && !tree.settle());
    apply_with_wrong_digest(&mut tree);
    assert_eq!(tree.digest_mismatches(), 1);
}

#[test]
fn the_newest_digest_tells_whether_the_tree_is_right_now() {
    let mut tree = DataTree::default();
    assert!(tree.last_digest_fits(), "none was compared");
    apply_with_digest(&mut tree, 1);
    assert!(!tree.last_digest_fits());
    let right = tree.digest();
    apply_with_digest(&mut tree, right);
    assert!(tree.last_digest_fits());
    assert_eq!(
        tree.digest_mismatches(),
        1,
        "and what did not fit stays counted"
    );
}

#[test]
fn a_snapshot_shows_one_zxid_whatever_is_written_meanwhile() {
    for budget in 1..=7 {
        let mut server = Server::default();
        for name in ["/a", "/a/x", "/a/y", "/b", "/b/x", "/c"] {
            server.create(name, b"old", false);
        }
        let expected = snapshot(&mut server, usize::MAX, |_| {});
        let mut round = 0;
        let seen = snapshot(&mut server, budget, |server| {
            round += 1;
            if round == 1 {
                server.set("/a/y", b"new", 1);
                server.delete("/a/x");
                server.create("/a/x", b"again", false);
                server.create("/d", b"later", false);
                server.delete("/b/x");
                server.delete("/b");
                server.set("/c", b"new", 1);
                server.delete("/c");
            }
        });
        assert_eq!(seen, expected, "slices of {budget}");
    }
}

#[test]
fn what_comes_and_goes_during_a_snapshot_is_not_kept_for_it() {
    let mut server = Server::default();
    server.create("/a", b"", false);
    let expected = snapshot(&mut server, usize::MAX, |_| {});
    let seen = snapshot(&mut server, 1, |server| {
        for _ in 0..100 {
            server.create("/new", b"data", false);
            server.create("/new/child", b"data", false);
            server.delete("/new/child");
            server.delete("/new");
        }
    });
    assert_eq!(seen, expected);
}

#[test]
fn slots_are_free_again_when_the_snapshot_ends() {
    let mut server = Server::default();
    server.create("/a", b"", false);
    snapshot(&mut server, 1, |server| {
        server.delete("/a");
    });
    server.create("/b", b"", false);
    assert_eq!(server.tree.node_count(), 6);
    assert!(server.tree.get("/b").is_some());
}

#[test]
fn a_snapshot_without_a_parent_is_refused() {
    let mut tree = DataTree::for_restore(Options::default());
    let stat = StatPersisted::default();
    assert!(tree.restore_node("/a/b", None, -1, &stat).is_err());
}

#[test]
fn an_epoch_begins_at_a_zxid_of_its_own() {
    let mut server = Server::default();
    server.create("/a", b"", false);
    server.tree.begin_epoch(Zxid(1 << 32));
    assert_eq!(server.tree.last_zxid(), Zxid(1 << 32));
    server.create("/b", b"", false);
    assert_eq!(server.tree.last_zxid(), Zxid((1 << 32) + 1));
}

#[test]
fn the_configuration_is_written_outside_txns_and_digest() {
    let mut server = Server::default();
    let (digest, zxid) = (server.tree.digest(), server.tree.last_zxid());
    let version = Zxid(0x1_0000_0000);
    server.tree.set_config(b"version=100000000", version, 7);
    let node = server.tree.get(datatree::CONFIG_NODE).unwrap();
    let stat = node.stat();
    assert_eq!(node.data(), Some(&b"version=100000000"[..]));
    assert_eq!((stat.version, stat.mzxid, stat.mtime), (-1, version, 7));
    assert_eq!((stat.czxid, stat.aversion), (Zxid(0), -1));
    assert_eq!(
        (server.tree.digest(), server.tree.last_zxid()),
        (digest, zxid)
    );
}
