//! Znodes and watches in memory.
//!
//! Owns the tree, its access control lists, ephemerals, quotas, digest and sessions' timeouts;
//! applies committed txns, answers reads, finds the watches to fire, and hands out the tree at
//! one zxid for a snapshot. Must not know locks, clocks, sockets or files: callers bring txns and
//! take answers.

mod acl;
mod apply;
mod arena;
mod changes;
mod digest;
mod ephemerals;
mod owner;
mod quota;
mod restore;
mod snapshot;
mod tree;
mod usage;
mod watches;

pub use acl::{AclList, open_acl_unsafe, owned_acl, read_acl_unsafe};
pub use apply::{Change, TxnResult};
pub use digest::{ContentDigest, DIGEST_VERSION, DigestLogEntry, node_digest};
pub use owner::{MAX_TTL_MS, Owner, OwnerRules};
pub use quota::{
    LIMIT_NODE, QUOTA_ROOT, QuotaStats, STAT_NODE, limit_path, stat_path, trimmed_quota_path,
};
pub use restore::RestoreError;
pub use snapshot::{Cursor, NodeImage, SnapshotHead, SnapshotTail};
pub use tree::{CONFIG_NODE, DataTree, NodeRef, Options, client_stat};
pub use watches::{Event, WatchTable, WatcherId, Watches};
