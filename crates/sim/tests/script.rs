//! The script asks for everything: proofs that run on it prove that much.

use std::collections::BTreeMap;

use datatree::DataTree;
use processor::Prepared;
use proto::txn::{TxnBody, TxnRecord};
use proto::{ErrorCode, OpCode};
use sim::server::{apply, prepare, processor_for, tree_options};
use sim::{Contents, Script};

const EVENTS: usize = 2_000;

#[test]
fn every_txn_and_every_usual_refusal_occurs() {
    let mut tree = DataTree::new(tree_options());
    let mut processor = processor_for(&tree);
    let mut script = Script::new(1);
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    let mut errors: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..EVENTS {
        let mut sessions: Vec<_> = tree.sessions().keys().copied().collect();
        sessions.sort_unstable();
        let event = script.next(&tree, &sessions);
        match prepare(&mut processor, &tree, &event) {
            Prepared::Refused(err) => *errors.entry(format!("{err:?}")).or_default() += 1,
            Prepared::Txn { zxid, record } => {
                let decoded = TxnRecord::decode(&record).unwrap();
                *types
                    .entry(format!("{:?}", decoded.header.r#type))
                    .or_default() += 1;
                if let TxnBody::Error(txn) = decoded.body {
                    *errors.entry(format!("{:?}", txn.err)).or_default() += 1;
                }
                apply(&mut processor, &mut tree, zxid, &record);
            }
        }
    }
    println!("{types:?} {errors:?} {} znodes", tree.node_count());
    for op in [
        OpCode::CREATE,
        OpCode::CREATE2,
        OpCode::CREATE_CONTAINER,
        OpCode::CREATE_TTL,
        OpCode::DELETE,
        OpCode::DELETE_CONTAINER,
        OpCode::SET_DATA,
        OpCode::SET_ACL,
        OpCode::MULTI,
        OpCode::CREATE_SESSION,
        OpCode::CLOSE_SESSION,
        OpCode::ERROR,
    ] {
        assert!(
            types.contains_key(&format!("{op:?}")),
            "{op:?} in {types:?}"
        );
    }
    for err in [
        ErrorCode::NO_NODE,
        ErrorCode::NODE_EXISTS,
        ErrorCode::BAD_VERSION,
        ErrorCode::NOT_EMPTY,
        ErrorCode::NO_AUTH,
        ErrorCode::INVALID_ACL,
        ErrorCode::BAD_ARGUMENTS,
        ErrorCode::NO_CHILDREN_FOR_EPHEMERALS,
        ErrorCode::MARSHALLING_ERROR,
        ErrorCode::RECONFIG_DISABLED,
    ] {
        assert!(
            errors.contains_key(&format!("{err:?}")),
            "{err:?} in {errors:?}"
        );
    }
    assert!(
        (50..500).contains(&tree.node_count()),
        "{}",
        tree.node_count()
    );
    assert_eq!(tree.digest_mismatches(), 0);
    Contents::of(&tree).check();
}
