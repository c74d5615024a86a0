//! The numbers that name operations, errors, events and modes.
//!
//! Op codes and error codes are open: a number that nobody knows survives and can be shown.

use std::fmt;

use bytes::BytesMut;
use jute::{Decode, Encode, Error, Input, JuteType};

macro_rules! open_codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $code:ident = $value:literal $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i32);

        impl $name {
            $($(#[$doc])* pub const $code: $name = $name($value);)*

            /// All that are known, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$code),*];

            /// Apache's name of the code, if it has one.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $($name::$code => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}({})", stringify!($name), self.0),
                }
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut BytesMut) {
                self.0.encode(out);
            }
        }

        impl Decode<'_> for $name {
            fn decode(input: &mut Input<'_>) -> Result<Self, Error> {
                input.read().map($name)
            }
        }

        impl JuteType for $name {
            fn jute_type() -> String {
                i32::jute_type()
            }
        }
    };
}

open_codes! {
    /// What a request asks for, or a txn does (`ZooDefs.OpCode`).
    OpCode {
        /// Ends a session; also a txn made by expiry.
        CLOSE_SESSION = -11 "closeSession",
        /// Begins a session; made from a connect request.
        CREATE_SESSION = -10 "createSession",
        /// A txn that takes a zxid and changes nothing: a refused write.
        ERROR = -1 "error",
        /// Never a request: server to client only.
        NOTIFICATION = 0 "notification",
        /// Creates a znode.
        CREATE = 1 "create",
        /// Deletes a childless znode.
        DELETE = 2 "delete",
        /// Asks for a znode's stat.
        EXISTS = 3 "exists",
        /// Asks for data and stat.
        GET_DATA = 4 "getData",
        /// Replaces the data.
        SET_DATA = 5 "setData",
        /// Asks for the access control list.
        GET_ACL = 6 "getACL",
        /// Replaces the access control list.
        SET_ACL = 7 "setACL",
        /// Asks for the children's names.
        GET_CHILDREN = 8 "getChildren",
        /// Waits until all earlier proposals are applied.
        SYNC = 9 "sync",
        /// Heart-beat.
        PING = 11 "ping",
        /// Asks for the children's names and the stat.
        GET_CHILDREN2 = 12 "getChildren2",
        /// Version check; inside a multi only.
        CHECK = 13 "check",
        /// Several writes as one txn.
        MULTI = 14 "multi",
        /// Creates a znode and answers with its stat.
        CREATE2 = 15 "create2",
        /// Changes the ensemble's membership.
        RECONFIG = 16 "reconfig",
        /// Asks whether a watch is there.
        CHECK_WATCHES = 17 "checkWatches",
        /// Removes watches.
        REMOVE_WATCHES = 18 "removeWatches",
        /// Creates a container znode.
        CREATE_CONTAINER = 19 "createContainer",
        /// Deletes an empty container or an outlived TTL znode.
        DELETE_CONTAINER = 20 "deleteContainer",
        /// Creates a TTL znode.
        CREATE_TTL = 21 "createTTL",
        /// Several reads.
        MULTI_READ = 22 "multiRead",
        /// Adds an identity to the connection.
        AUTH = 100 "auth",
        /// Re-registers watches after a reconnect.
        SET_WATCHES = 101 "setWatches",
        /// A step of a SASL exchange.
        SASL = 102 "sasl",
        /// Lists the session's ephemeral znodes.
        GET_EPHEMERALS = 103 "getEphemerals",
        /// Counts all descendants.
        GET_ALL_CHILDREN_NUMBER = 104 "getAllChildrenNumber",
        /// As setWatches, persistent ones included.
        SET_WATCHES2 = 105 "setWatches2",
        /// Adds a persistent watch.
        ADD_WATCH = 106 "addWatch",
        /// Lists the connection's identities.
        WHO_AM_I = 107 "whoAmI",
    }
}

open_codes! {
    /// The result in a reply header (`KeeperException.Code`).
    ErrorCode {
        /// Success.
        OK = 0 "ok",
        /// A write that this server has no room for. Apache never sends it; every client knows it.
        SYSTEM_ERROR = -1 "SystemError",
        /// In a multi's results: the operation was not tried.
        RUNTIME_INCONSISTENCY = -2 "RuntimeInconsistency",
        /// The request could not be parsed; the connection stays.
        MARSHALLING_ERROR = -5 "MarshallingError",
        /// An operation that is unknown, switched off, or not for clients.
        UNIMPLEMENTED = -6 "Unimplemented",
        /// A path, flag or time that breaks the rules.
        BAD_ARGUMENTS = -8 "BadArguments",
        /// A session that no tracker knows.
        UNKNOWN_SESSION = -12 "Unknown error",
        /// No quorum of the new configuration is in sync.
        NEW_CONFIG_NO_QUORUM = -13 "NewConfigNoQuorum",
        /// Another reconfiguration has not committed.
        RECONFIG_IN_PROGRESS = -14 "ReconfigInProgress",
        /// The znode, or its parent, is missing.
        NO_NODE = -101 "NoNode",
        /// The access control list does not allow it.
        NO_AUTH = -102 "NoAuth",
        /// Another version than the one named.
        BAD_VERSION = -103 "BadVersion",
        /// The parent is ephemeral.
        NO_CHILDREN_FOR_EPHEMERALS = -108 "NoChildrenForEphemerals",
        /// The path is taken.
        NODE_EXISTS = -110 "NodeExists",
        /// The znode has children.
        NOT_EMPTY = -111 "Directory not empty",
        /// The session has ended or is closing.
        SESSION_EXPIRED = -112 "Session expired",
        /// An access control list that is empty or names what cannot be.
        INVALID_ACL = -114 "InvalidACL",
        /// Authentication failed; the connection closes.
        AUTH_FAILED = -115 "AuthFailed",
        /// Another server, or connection, has the session now.
        SESSION_MOVED = -118 "Session moved",
        /// A write to a read-only server.
        NOT_READ_ONLY = -119 "Not a read-only call",
        /// An ephemeral znode for a local session.
        EPHEMERAL_ON_LOCAL_SESSION = -120 "Ephemeral node on local session",
        /// No such watch.
        NO_WATCHER = -121 "No such watcher",
        /// Reconfiguration is switched off.
        RECONFIG_DISABLED = -123 "Reconfig is disabled",
        /// SASL is required and was not done.
        SESSION_CLOSED_REQUIRE_SASL_AUTH = -124 "Session closed because client failed to authenticate",
        /// A hard quota.
        QUOTA_EXCEEDED = -125 "Quota has exceeded",
        /// The request waited too long.
        THROTTLED_OP = -127 "Op throttled due to high load",
    }
}

macro_rules! closed_codes {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $code:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $code = $value,)* }

        impl $name {
            /// The one with this number on the wire.
            pub fn from_wire(value: i32) -> Option<$name> {
                match value {
                    $($value => Some($name::$code),)*
                    _ => None,
                }
            }
        }
    };
}

closed_codes! {
    /// What happened to a znode (`Watcher.Event.EventType`).
    EventType {
        /// It came to be.
        NodeCreated = 1,
        /// It went.
        NodeDeleted = 2,
        /// Its data was set.
        NodeDataChanged = 3,
        /// A child came or went.
        NodeChildrenChanged = 4,
    }
}

closed_codes! {
    /// The state that an event carries; servers send one only (`Watcher.Event.KeeperState`).
    KeeperState {
        /// The client is connected.
        SyncConnected = 3,
    }
}

closed_codes! {
    /// What addWatch adds (`AddWatchMode`).
    AddWatchMode {
        /// The znode itself, and its children coming and going.
        Persistent = 0,
        /// The znode and all below it.
        PersistentRecursive = 1,
    }
}

closed_codes! {
    /// Which watches checkWatches and removeWatches mean (`Watcher.WatcherType`).
    WatcherType {
        /// Child watches.
        Children = 1,
        /// Data and exist watches.
        Data = 2,
        /// All of them.
        Any = 3,
        /// Persistent ones.
        Persistent = 4,
        /// Persistent recursive ones.
        PersistentRecursive = 5,
    }
}

closed_codes! {
    /// What kind of znode a create makes (`CreateMode`).
    CreateMode {
        /// Stays until deleted.
        Persistent = 0,
        /// Goes with its session.
        Ephemeral = 1,
        /// Persistent, the parent's counter behind its name.
        PersistentSequential = 2,
        /// Ephemeral, the parent's counter behind its name.
        EphemeralSequential = 3,
        /// Goes when its last child has gone.
        Container = 4,
        /// Goes when unchanged and childless for its time.
        PersistentWithTtl = 5,
        /// With a TTL, the parent's counter behind its name.
        PersistentSequentialWithTtl = 6,
    }
}

impl CreateMode {
    /// Does it go with its session?
    pub fn is_ephemeral(self) -> bool {
        matches!(
            self,
            CreateMode::Ephemeral | CreateMode::EphemeralSequential
        )
    }

    /// Does the server put a suffix behind its name?
    pub fn is_sequential(self) -> bool {
        matches!(
            self,
            CreateMode::PersistentSequential
                | CreateMode::EphemeralSequential
                | CreateMode::PersistentSequentialWithTtl
        )
    }

    /// Has it a time to live?
    pub fn is_ttl(self) -> bool {
        matches!(
            self,
            CreateMode::PersistentWithTtl | CreateMode::PersistentSequentialWithTtl
        )
    }
}

/// Permission bits of an ACL entry (`ZooDefs.Perms`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perms(pub i32);

impl Perms {
    /// Data, children and, since 3.9.2, existence.
    pub const READ: Perms = Perms(1);
    /// Set data.
    pub const WRITE: Perms = Perms(2);
    /// Create children.
    pub const CREATE: Perms = Perms(4);
    /// Delete children.
    pub const DELETE: Perms = Perms(8);
    /// Set the access control list.
    pub const ADMIN: Perms = Perms(16);
    /// All of them.
    pub const ALL: Perms = Perms(31);

    /// Is any asked bit among `granted`? (`ZooKeeperServer.checkACL`)
    pub fn any_in(self, granted: i32) -> bool {
        self.0 & granted != 0
    }

    /// Both sets of bits.
    pub const fn or(self, other: Perms) -> Perms {
        Perms(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_codes_survive() {
        assert_eq!(OpCode(999).name(), None);
        assert_eq!(
            format!("{:?} {:?}", OpCode(999), OpCode::MULTI),
            "OpCode(999) multi"
        );
    }

    /// A copy of the inventory of Apache 3.9.5's op codes and errors is the witness.
    fn rows(tsv: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
        tsv.lines().skip(1).map(|line| line.split('\t').collect())
    }

    #[test]
    fn every_op_code_of_the_inventory_is_declared() {
        for row in rows(include_str!("../testdata/opcodes.tsv")) {
            let code = OpCode(row[0].parse().unwrap());
            assert_eq!(code.name(), Some(row[1]));
        }
        assert_eq!(
            rows(include_str!("../testdata/opcodes.tsv")).count(),
            OpCode::ALL.len()
        );
    }

    #[test]
    fn every_error_that_a_server_sends_is_declared() {
        let never_sent = [
            "never sent",
            "not sent by the server",
            "client side only",
            "never on the wire",
        ];
        for row in rows(include_str!("../testdata/errors.tsv")) {
            let sent = !never_sent.iter().any(|phrase| row[3].contains(phrase));
            let code = ErrorCode(row[0].parse().unwrap());
            if code == ErrorCode::SYSTEM_ERROR {
                continue; // ours
            }
            assert_eq!(code.name(), sent.then_some(row[4]), "{row:?}");
        }
    }
}
