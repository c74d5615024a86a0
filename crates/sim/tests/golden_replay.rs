//! Directories that Apache wrote, recovered into the server's tree: what Apache held, znode by
//! znode, and its digest after every txn.
//!
//! The files are described in `compat-tests/golden/README.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use database::TreeRestore;
use datatree::{DataTree, NodeRef, Options, OwnerRules};
use persistence::{RealDir, RecoveryOptions, recover};
use proto::SessionId;
use proto::records::Acl;
use serde_json::Value;

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../compat-tests/golden")
        .join(path)
}

fn state(name: &str) -> Value {
    let text = fs::read_to_string(golden(name).join("state.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// As the server had it that wrote the directory.
fn options(state: &Value) -> Options {
    let property = |name: &str| state["properties"][name].as_str();
    Options {
        digest: property("zookeeper.digest.enabled") != Some("false"),
        owners: OwnerRules {
            extended_types: property("zookeeper.extendedTypesEnabled") == Some("true"),
            ..OwnerRules::default()
        },
    }
}

/// Recovers a copy of some files, for recovery puts things right in place.
fn recover_files(files: &[PathBuf], options: Options) -> DataTree {
    let temp = tempfile::tempdir().unwrap();
    for file in files {
        fs::copy(file, temp.path().join(file.file_name().unwrap())).unwrap();
    }
    let dir = RealDir::open(temp.path()).unwrap();
    let new = || TreeRestore::new(options);
    let recovered = recover(&dir, &dir, &RecoveryOptions::default(), new).unwrap();
    assert_eq!(recovered.notices, []);
    recovered.state.into_tree()
}

fn files_in(path: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn assert_holds(tree: &DataTree, state: &Value, what: &str) {
    assert_eq!(tree.last_zxid().0, state["last_zxid"].as_i64().unwrap());
    if let Some(digest) = state["tree_digest"].as_i64() {
        assert_eq!(tree.digest(), digest, "{what}");
    }
    let znodes = state["tree"].as_object().unwrap();
    assert_eq!(tree.node_count(), znodes.len() + 1, "{what}");
    for (path, expected) in znodes {
        let node = tree.get(path).unwrap_or_else(|| panic!("{what}: {path}"));
        assert_eq!(shown(node), *expected, "{what}: {path}");
    }
    let sessions: BTreeSet<_> = tree.sessions().iter().map(|(&id, &ms)| (id, ms)).collect();
    let expected = state["sessions"].as_array().unwrap().iter().map(|session| {
        let number = |key: &str| session[key].as_i64().unwrap();
        (SessionId(number("id")), number("timeout") as i32)
    });
    assert_eq!(sessions, expected.collect(), "{what}");
}

/// A znode in the form of the dump.
fn shown(node: NodeRef<'_>) -> Value {
    let stat = node.stat();
    let mut children: Vec<&str> = node.children().collect();
    children.sort_unstable();
    let acl: Vec<String> = node.acl().iter().map(shown_acl).collect();
    serde_json::json!({
        "stat": {
            "czxid": stat.czxid.0, "mzxid": stat.mzxid.0, "ctime": stat.ctime,
            "mtime": stat.mtime, "version": stat.version, "cversion": stat.cversion,
            "aversion": stat.aversion, "ephemeralOwner": stat.ephemeral_owner,
            "dataLength": stat.data_length, "numChildren": stat.num_children,
            "pzxid": stat.pzxid.0,
        },
        "data": node.data().map(|data| STANDARD.encode(data)),
        "acl": acl,
        "children": children,
    })
}

fn shown_acl(acl: &Acl<'_>) -> String {
    // The dump says None for null.
    let [scheme, id] = [&acl.id.scheme, &acl.id.id].map(|text| text.as_deref().unwrap_or("None"));
    format!("{}:{scheme}:{id}", acl.perms)
}

#[test]
fn snapshot_and_log_of_apache_become_what_apache_held() {
    let dirs = [
        "apache-3.9.5",
        "apache-3.9.5-no-digest",
        "apache-3.8.6",
        "cases",
        "cases-defaults",
        "overflow",
    ];
    for name in dirs {
        let state = state(name);
        let tree = recover_files(&files_in(golden(name).join("version-2")), options(&state));
        assert_holds(&tree, &state, name);
        let mismatches = state["digest_mismatches"].as_u64().unwrap();
        assert_eq!(tree.digest_mismatches(), mismatches, "{name}");
    }
}

/// Without the snapshot of the restart, so that every txn is replayed and its digest compared.
#[test]
fn the_whole_log_over_the_empty_snapshot_becomes_what_apache_held() {
    for name in ["apache-3.9.5", "apache-3.9.5-no-digest", "apache-3.8.6"] {
        let state = state(name);
        let mut files = files_in(golden(name).join("version-2"));
        files.retain(|path| !path.ends_with("snapshot.40"));
        let tree = recover_files(&files, options(&state));
        assert_holds(&tree, &state, name);
        assert_eq!(tree.digest_mismatches(), 0, "{name}");
    }
}

#[test]
fn each_form_of_a_snapshot_becomes_what_apache_held() {
    for name in ["apache-3.9.5", "apache-3.9.5-no-digest", "apache-3.8.6"] {
        let state = state(name);
        for file in files_in(golden(name).join("later")) {
            let what = file.display().to_string();
            let tree = recover_files(&[file], options(&state));
            assert_holds(&tree, &state, &what);
            assert_eq!(tree.digest_mismatches(), 0, "{what}");
        }
    }
}
