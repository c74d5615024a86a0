//! ZooKeeper's nouns: every record, op code, error code and id, and the txn.
//!
//! Owns what the words are and how they stand on the wire and on disk. Must not know what a
//! server does with them: no tree, no session table, no file.

mod codes;
pub mod connect;
pub mod frame;
pub mod ids;
pub mod records;
pub mod txn;

pub use codes::{
    AddWatchMode, CreateMode, ErrorCode, EventType, KeeperState, OpCode, Perms, WatcherType,
};
pub use ids::{Epoch, SessionId, Sid, Zxid};
pub use jute::decode_java_utf8;
pub use jute::{Buffer, Decode, Encode, Input, Limits, Ustring, Vector};
