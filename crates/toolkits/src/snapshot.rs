//! A snapshot as a list of its znodes, parents in front of their children and those by name: nobody could rely on the order of
//! Java's hash tables.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use persistence::{ReadOnlyDir, Restore, SnapshotDigest, SnapshotReader};
use proto::records::{Acl, StatPersisted};
use proto::txn::TxnRecord;
use proto::{SessionId, Zxid};

use crate::ToolError;

/// A znode of a snapshot.
#[derive(Clone, Debug)]
pub struct Znode {
    /// From the root, whose own is empty.
    pub path: String,
    /// Bytes of its data; 0 where it has none.
    pub data_length: u64,
    /// Its data, where it was asked for.
    pub data: Vec<u8>,
    /// As it stands in the file.
    pub stat: StatPersisted,
    /// How many there are directly below.
    pub children: u64,
}

impl Znode {
    /// How far below the root, which is at 0.
    pub fn depth(&self) -> usize {
        self.path.matches('/').count()
    }

    /// The path as Apache names it: `/` for the root.
    pub fn name(&self) -> &str {
        if self.path.is_empty() {
            "/"
        } else {
            &self.path
        }
    }

    /// Is it `path`, or below it?
    pub fn is_within(&self, path: &str) -> bool {
        let rest = self.path.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// A snapshot that was read.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// All of them, the root first.
    pub znodes: Vec<Znode>,
    /// Timeouts in ms.
    pub sessions: BTreeMap<SessionId, i32>,
    keeps_data: bool,
}

impl Snapshot {
    /// Reads a file and, unlike Apache's tools, looks at its checksums; its name says how it is compressed. `keeps_data`: whether znodes' data is wanted.
    pub fn read(file: &Path, max_field_bytes: u32, keeps_data: bool) -> Result<Self, ToolError> {
        let mut snapshot = Snapshot {
            keeps_data,
            ..Snapshot::default()
        };
        let directory = file.parent().filter(|path| !path.as_os_str().is_empty());
        let directory = ReadOnlyDir::new(directory.unwrap_or(Path::new(".")));
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let read = SnapshotReader::open(&directory, &name, max_field_bytes)
            .and_then(|reader| reader.read(&mut snapshot));
        read.map_err(ToolError::failed)?;
        snapshot.put_in_order()?;
        Ok(snapshot)
    }

    fn put_in_order(&mut self) -> Result<(), ToolError> {
        self.znodes
            .sort_by(|one, other| one.path.split('/').cmp(other.path.split('/')));
        let mut above: Vec<usize> = Vec::new();
        for at in 0..self.znodes.len() {
            let depth = self.znodes[at].depth();
            above.truncate(depth);
            let parent = above.last().copied().filter(|_| above.len() == depth);
            match parent {
                Some(parent) if self.znodes[at].is_within(&self.znodes[parent].path) => {
                    self.znodes[parent].children += 1;
                }
                None if at == 0 && depth == 0 => {}
                _ => {
                    let path = &self.znodes[at].path;
                    let message = format!("the snapshot has {path} and not its parent");
                    return Err(ToolError::failed(message));
                }
            }
            above.push(at);
        }
        Ok(())
    }

    /// Where a znode of this path stands.
    pub fn find(&self, path: &str) -> Option<usize> {
        let found = self
            .znodes
            .binary_search_by(|znode| znode.path.split('/').cmp(path.split('/')));
        found.ok()
    }
}

impl Restore for Snapshot {
    type Error = Infallible;

    fn session(&mut self, id: SessionId, timeout_ms: i32) {
        self.sessions.insert(id, timeout_ms);
    }

    fn acl(&mut self, _id: i64, _acl: Vec<Acl<'static>>) {}

    fn node(
        &mut self,
        path: &str,
        data: Option<&[u8]>,
        _acl_id: i64,
        stat: &StatPersisted,
    ) -> Result<(), Infallible> {
        let data = data.unwrap_or_default();
        self.znodes.push(Znode {
            path: path.to_owned(),
            data_length: data.len() as u64,
            data: if self.keeps_data {
                data.to_vec()
            } else {
                Vec::new()
            },
            stat: stat.clone(),
            children: 0,
        });
        Ok(())
    }

    fn loaded(&mut self, _zxid: Zxid, _digest: Option<SnapshotDigest>) -> Result<(), Infallible> {
        Ok(())
    }

    fn txn(&mut self, _record: &TxnRecord<'_>) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Counts and sizes of a znode and all below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Without the znode itself.
    pub below: u64,
    /// Bytes of data, the znode's own included.
    pub bytes: u64,
}

/// The totals of all znodes, in their order.
pub fn totals(znodes: &[Znode]) -> Vec<Total> {
    let mut totals: Vec<Total> = znodes
        .iter()
        .map(|znode| Total {
            below: 0,
            bytes: znode.data_length,
        })
        .collect();
    let mut above: Vec<usize> = Vec::new();
    let base = znodes.first().map_or(0, Znode::depth);
    let close = |totals: &mut Vec<Total>, above: &mut Vec<usize>, depth: usize| {
        while above.len() > depth {
            let done = above.pop().expect("longer than depth");
            if let Some(&parent) = above.last() {
                totals[parent].below += 1 + totals[done].below;
                totals[parent].bytes += totals[done].bytes;
            }
        }
    };
    for (at, znode) in znodes.iter().enumerate() {
        close(&mut totals, &mut above, znode.depth() - base);
        above.push(at);
    }
    close(&mut totals, &mut above, 0);
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(paths: &[&str]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for path in paths {
            let data = Some(path.as_bytes());
            let Ok(()) = snapshot.node(path, data, 0, &StatPersisted::default());
        }
        snapshot
    }

    #[test]
    fn znodes_stand_behind_their_parents_by_name() {
        let mut snapshot = snapshot(&["", "/a-b", "/a", "/a/z", "/a/b", "/a/b/c"]);
        snapshot.put_in_order().expect("all parents are there");
        let paths: Vec<_> = snapshot.znodes.iter().map(|znode| &*znode.path).collect();
        assert_eq!(paths, ["", "/a", "/a/b", "/a/b/c", "/a/z", "/a-b"]);
        let children: Vec<_> = snapshot.znodes.iter().map(|znode| znode.children).collect();
        assert_eq!(children, [2, 2, 1, 0, 0, 0]);
        assert_eq!(snapshot.find("/a/z"), Some(4));
        assert_eq!(snapshot.find("/a/y"), None);
    }

    #[test]
    fn totals_hold_all_that_is_below() {
        let mut snapshot = snapshot(&["", "/a", "/a/b", "/a/b/c", "/d"]);
        snapshot.put_in_order().expect("all parents are there");
        let total = |below, bytes| Total { below, bytes };
        let all = [
            total(4, 14),
            total(2, 12),
            total(1, 10),
            total(0, 6),
            total(0, 2),
        ];
        assert_eq!(totals(&snapshot.znodes), all);
        assert_eq!(totals(&snapshot.znodes[1..4]), all[1..4]);
    }

    #[test]
    fn a_znode_without_its_parent_is_refused() {
        for paths in [
            &["", "/a/b"][..],
            &["/a"],
            &["", "/a", "/b/c"],
            &["", "/a/b/c"],
        ] {
            let error = snapshot(paths).put_in_order().expect_err("refused");
            assert!(error.to_string().contains("not its parent"), "{error}");
        }
    }
}
