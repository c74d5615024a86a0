//! Every record of zookeeper.jute, declared once, in wire order.
//!
//! Borrowed records point into the frame or log record that they were read from. The sections
//! are zookeeper.jute's modules. A test holds them against a copy of the inventory.

use jute::{Buffer, Ustring, Vector, records};

use crate::{ErrorCode, OpCode, SessionId, Sid, Zxid};

// org.apache.zookeeper.data
records! {
    /// Who: an authentication scheme and an identity within it.
    Id<'a> { scheme: Ustring<'a>, id: Ustring<'a> }
    /// Who may do what; `perms` are the bits of [`crate::Perms`].
    Acl<'a> { perms: i32, id: Id<'a> }
    /// What a client sees of a znode. `cversion` counts children made and deleted.
    Stat {
        czxid: Zxid, mzxid: Zxid, ctime: i64, mtime: i64, version: i32, cversion: i32,
        aversion: i32, ephemeral_owner: i64, data_length: i32, num_children: i32, pzxid: Zxid,
    }
    /// What a snapshot holds of a znode. `cversion` counts children made only.
    StatPersisted {
        czxid: Zxid, mzxid: Zxid, ctime: i64, mtime: i64, version: i32, cversion: i32,
        aversion: i32, ephemeral_owner: i64, pzxid: Zxid,
    }
    /// One identity of a connection, without its secret.
    ClientInfo<'a> { auth_scheme: Ustring<'a>, user: Ustring<'a> }
}

// org.apache.zookeeper.proto
records! {
    /// The first frame of a connection. Clients up to 3.3, and C clients up to 3.4, leave
    /// `read_only` out: see [`crate::connect`].
    ConnectRequest<'a> {
        protocol_version: i32, last_zxid_seen: Zxid, time_out: i32, session_id: SessionId,
        passwd: Buffer<'a>, read_only: bool,
    }
    /// The answer to it; `time_out` 0 says that the session is gone.
    ConnectResponse<'a> {
        protocol_version: i32, time_out: i32, session_id: SessionId, passwd: Buffer<'a>,
        read_only: bool,
    }
    /// Watches to register again; events that were missed since `relative_zxid` come at once.
    SetWatches<'a> {
        relative_zxid: Zxid, data_watches: Vector<Ustring<'a>>, exist_watches: Vector<Ustring<'a>>,
        child_watches: Vector<Ustring<'a>>,
    }
    /// As [`SetWatches`], persistent watches included.
    SetWatches2<'a> {
        relative_zxid: Zxid, data_watches: Vector<Ustring<'a>>, exist_watches: Vector<Ustring<'a>>,
        child_watches: Vector<Ustring<'a>>, persistent_watches: Vector<Ustring<'a>>,
        persistent_recursive_watches: Vector<Ustring<'a>>,
    }
    /// Before every request but the connect request.
    RequestHeader { xid: i32, r#type: OpCode }
    /// Before every part of a multi, and after the last one.
    MultiHeader { r#type: OpCode, done: bool, err: ErrorCode }
    /// An identity to add to the connection; `type` means nothing.
    AuthPacket<'a> { r#type: i32, scheme: Ustring<'a>, auth: Buffer<'a> }
    /// Before every reply and event but the connect response.
    ReplyHeader { xid: i32, zxid: Zxid, err: ErrorCode }
    /// See [`OpCode::GET_DATA`].
    GetDataRequest<'a> { path: Ustring<'a>, watch: bool }
    /// See [`OpCode::SET_DATA`]; `version` −1 fits any.
    SetDataRequest<'a> { path: Ustring<'a>, data: Buffer<'a>, version: i32 }
    /// See [`OpCode::RECONFIG`].
    ReconfigRequest<'a> {
        joining_servers: Ustring<'a>, leaving_servers: Ustring<'a>, new_members: Ustring<'a>,
        cur_config_id: i64,
    }
    /// See [`OpCode::SET_DATA`].
    SetDataResponse { stat: Stat }
    /// A SASL token from the client.
    GetSASLRequest<'a> { token: Buffer<'a> }
    /// Declared by zookeeper.jute and used by nobody.
    SetSASLRequest<'a> { token: Buffer<'a> }
    /// A SASL token from the server.
    SetSASLResponse<'a> { token: Buffer<'a> }
    /// See [`OpCode::CREATE`]; `flags` is a [`crate::CreateMode`].
    CreateRequest<'a> { path: Ustring<'a>, data: Buffer<'a>, acl: Vector<Acl<'a>>, flags: i32 }
    /// See [`OpCode::CREATE_TTL`]; `ttl` in milliseconds.
    CreateTTLRequest<'a> {
        path: Ustring<'a>, data: Buffer<'a>, acl: Vector<Acl<'a>>, flags: i32, ttl: i64,
    }
    /// See [`OpCode::DELETE`].
    DeleteRequest<'a> { path: Ustring<'a>, version: i32 }
    /// See [`OpCode::GET_CHILDREN`].
    GetChildrenRequest<'a> { path: Ustring<'a>, watch: bool }
    /// See [`OpCode::GET_ALL_CHILDREN_NUMBER`].
    GetAllChildrenNumberRequest<'a> { path: Ustring<'a> }
    /// See [`OpCode::GET_CHILDREN2`].
    GetChildren2Request<'a> { path: Ustring<'a>, watch: bool }
    /// See [`OpCode::CHECK`].
    CheckVersionRequest<'a> { path: Ustring<'a>, version: i32 }
    /// Declared by zookeeper.jute and used by nobody.
    GetMaxChildrenRequest<'a> { path: Ustring<'a> }
    /// Declared by zookeeper.jute and used by nobody.
    GetMaxChildrenResponse { max: i32 }
    /// Declared by zookeeper.jute and used by nobody.
    SetMaxChildrenRequest<'a> { path: Ustring<'a>, max: i32 }
    /// See [`OpCode::SYNC`].
    SyncRequest<'a> { path: Ustring<'a> }
    /// See [`OpCode::SYNC`].
    SyncResponse<'a> { path: Ustring<'a> }
    /// See [`OpCode::GET_ACL`].
    GetACLRequest<'a> { path: Ustring<'a> }
    /// See [`OpCode::SET_ACL`]; `version` is compared with the znode's aversion.
    SetACLRequest<'a> { path: Ustring<'a>, acl: Vector<Acl<'a>>, version: i32 }
    /// See [`OpCode::SET_ACL`].
    SetACLResponse { stat: Stat }
    /// See [`OpCode::ADD_WATCH`]; `mode` is a [`crate::AddWatchMode`].
    AddWatchRequest<'a> { path: Ustring<'a>, mode: i32 }
    /// A watch event; `type` is a [`crate::EventType`], `state` a [`crate::KeeperState`].
    WatcherEvent<'a> { r#type: i32, state: i32, path: Ustring<'a> }
    /// A result that is only a code: of addWatch, and of a failed part of a multi.
    ErrorResponse { err: ErrorCode }
    /// See [`OpCode::CREATE`].
    CreateResponse<'a> { path: Ustring<'a> }
    /// See [`OpCode::CREATE2`].
    Create2Response<'a> { path: Ustring<'a>, stat: Stat }
    /// See [`OpCode::EXISTS`].
    ExistsRequest<'a> { path: Ustring<'a>, watch: bool }
    /// See [`OpCode::EXISTS`].
    ExistsResponse { stat: Stat }
    /// See [`OpCode::GET_DATA`].
    GetDataResponse<'a> { data: Buffer<'a>, stat: Stat }
    /// See [`OpCode::GET_CHILDREN`].
    GetChildrenResponse<'a> { children: Vector<Ustring<'a>> }
    /// See [`OpCode::GET_ALL_CHILDREN_NUMBER`].
    GetAllChildrenNumberResponse { total_number: i32 }
    /// See [`OpCode::GET_CHILDREN2`].
    GetChildren2Response<'a> { children: Vector<Ustring<'a>>, stat: Stat }
    /// See [`OpCode::GET_ACL`].
    GetACLResponse<'a> { acl: Vector<Acl<'a>>, stat: Stat }
    /// See [`OpCode::CHECK_WATCHES`]; `type` is a [`crate::WatcherType`].
    CheckWatchesRequest<'a> { path: Ustring<'a>, r#type: i32 }
    /// See [`OpCode::REMOVE_WATCHES`]; `type` is a [`crate::WatcherType`].
    RemoveWatchesRequest<'a> { path: Ustring<'a>, r#type: i32 }
    /// See [`OpCode::GET_EPHEMERALS`].
    GetEphemeralsRequest<'a> { prefix_path: Ustring<'a> }
    /// See [`OpCode::GET_EPHEMERALS`].
    GetEphemeralsResponse<'a> { ephemerals: Vector<Ustring<'a>> }
    /// See [`OpCode::WHO_AM_I`].
    WhoAmIResponse<'a> { client_info: Vector<ClientInfo<'a>> }
    /// Written by hand in Apache (`DeleteContainerRequest.java`), with a jute record's form.
    DeleteContainerRequest<'a> { path: Ustring<'a> }
}

// org.apache.zookeeper.server.quorum
records! {
    /// What a learner says of itself in FOLLOWERINFO and OBSERVERINFO.
    LearnerInfo { serverid: Sid, protocol_version: i32, config_version: i64 }
    /// The unit of the link between a leader and a learner.
    QuorumPacket<'a> { r#type: i32, zxid: Zxid, data: Buffer<'a>, authinfo: Vector<Id<'a>> }
    /// A step of the SASL exchange between peers.
    QuorumAuthPacket<'a> { magic: i64, status: i32, token: Buffer<'a> }
}

// org.apache.zookeeper.server.persistence
records! {
    /// The first 16 bytes of a txn log and of a snapshot.
    FileHeader { magic: i32, version: i32, dbid: i64 }
}

// org.apache.zookeeper.txn
records! {
    /// The sum over the tree after a txn, and how it was reckoned (`DigestCalculator`).
    TxnDigest { version: i32, tree_digest: i64 }
    /// Before every txn; `time` in ms since 1970.
    TxnHeader { client_id: SessionId, cxid: i32, zxid: Zxid, time: i64, r#type: OpCode }
    /// A create of 3.3 and older.
    CreateTxnV0<'a> { path: Ustring<'a>, data: Buffer<'a>, acl: Vector<Acl<'a>>, ephemeral: bool }
    /// Makes a znode; `parent_c_version` −1 stands for a [`CreateTxnV0`].
    CreateTxn<'a> {
        path: Ustring<'a>, data: Buffer<'a>, acl: Vector<Acl<'a>>, ephemeral: bool,
        parent_c_version: i32,
    }
    /// Makes a TTL znode; `ttl` in milliseconds.
    CreateTTLTxn<'a> {
        path: Ustring<'a>, data: Buffer<'a>, acl: Vector<Acl<'a>>, parent_c_version: i32, ttl: i64,
    }
    /// Makes a container znode.
    CreateContainerTxn<'a> {
        path: Ustring<'a>, data: Buffer<'a>, acl: Vector<Acl<'a>>, parent_c_version: i32,
    }
    /// Deletes a znode.
    DeleteTxn<'a> { path: Ustring<'a> }
    /// Sets data; `version` is the new one.
    SetDataTxn<'a> { path: Ustring<'a>, data: Buffer<'a>, version: i32 }
    /// Changes nothing; `version` is one above the version that was found.
    CheckVersionTxn<'a> { path: Ustring<'a>, version: i32 }
    /// Sets the access control list; `version` is the new aversion.
    SetACLTxn<'a> { path: Ustring<'a>, acl: Vector<Acl<'a>>, version: i32 }
    /// Declared by zookeeper.jute and used by nobody.
    SetMaxChildrenTxn<'a> { path: Ustring<'a>, max: i32 }
    /// Begins a session; `time_out` in milliseconds.
    CreateSessionTxn { time_out: i32 }
    /// Ends a session and the ephemeral znodes named.
    CloseSessionTxn<'a> { paths2_delete: Vector<Ustring<'a>> }
    /// A write that was refused.
    ErrorTxn { err: ErrorCode }
    /// One part of a multi: `data` is the record that `type` calls for.
    Txn<'a> { r#type: OpCode, data: Buffer<'a> }
    /// Several txns as one.
    MultiTxn<'a> { txns: Vector<Txn<'a>> }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `paths2_delete` to `paths2Delete`, `r#type` to `type`.
    fn camel_case(field: &str) -> String {
        let mut camel = String::new();
        for part in field.trim_start_matches("r#").split('_') {
            let (first, rest) = part.split_at(1);
            let first = if camel.is_empty() {
                first.to_owned()
            } else {
                first.to_uppercase()
            };
            camel = camel + &first + rest;
        }
        camel
    }

    /// The inventory's rows of `record`, in order, as (field, type).
    fn inventory(record: &str) -> Vec<(String, String)> {
        include_str!("../testdata/records.tsv")
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .filter(|row| row[1] == record)
            .map(|row| (row[3].to_owned(), row[4].to_owned()))
            .collect()
    }

    macro_rules! checked {
        ($($name:ident),* $(,)?) => {
            [$((stringify!($name), $name::fields())),*]
        };
    }

    #[test]
    fn every_record_of_the_inventory_is_declared_field_by_field() {
        let declared = checked![
            Id,
            Acl,
            Stat,
            StatPersisted,
            ClientInfo,
            ConnectRequest,
            ConnectResponse,
            SetWatches,
            SetWatches2,
            RequestHeader,
            MultiHeader,
            AuthPacket,
            ReplyHeader,
            GetDataRequest,
            SetDataRequest,
            ReconfigRequest,
            SetDataResponse,
            GetSASLRequest,
            SetSASLRequest,
            SetSASLResponse,
            CreateRequest,
            CreateTTLRequest,
            DeleteRequest,
            GetChildrenRequest,
            GetAllChildrenNumberRequest,
            GetChildren2Request,
            CheckVersionRequest,
            GetMaxChildrenRequest,
            GetMaxChildrenResponse,
            SetMaxChildrenRequest,
            SyncRequest,
            SyncResponse,
            GetACLRequest,
            SetACLRequest,
            SetACLResponse,
            AddWatchRequest,
            WatcherEvent,
            ErrorResponse,
            CreateResponse,
            Create2Response,
            ExistsRequest,
            ExistsResponse,
            GetDataResponse,
            GetChildrenResponse,
            GetAllChildrenNumberResponse,
            GetChildren2Response,
            GetACLResponse,
            CheckWatchesRequest,
            RemoveWatchesRequest,
            GetEphemeralsRequest,
            GetEphemeralsResponse,
            WhoAmIResponse,
            DeleteContainerRequest,
            LearnerInfo,
            QuorumPacket,
            QuorumAuthPacket,
            FileHeader,
            TxnDigest,
            TxnHeader,
            CreateTxnV0,
            CreateTxn,
            CreateTTLTxn,
            CreateContainerTxn,
            DeleteTxn,
            SetDataTxn,
            CheckVersionTxn,
            SetACLTxn,
            SetMaxChildrenTxn,
            CreateSessionTxn,
            CloseSessionTxn,
            ErrorTxn,
            Txn,
            MultiTxn,
        ];
        for (record, fields) in &declared {
            let java = if *record == "Acl" { "ACL" } else { record };
            let ours: Vec<_> = fields
                .iter()
                .map(|(field, jute)| (camel_case(field), jute.replace("Acl", "ACL")))
                .collect();
            assert_eq!(ours, inventory(java), "{record}");
        }
        let mut names: Vec<_> = include_str!("../testdata/records.tsv")
            .lines()
            .skip(1)
            .filter(|line| !line.starts_with("(framing)") && !line.starts_with("(jute types)"))
            .map(|line| line.split('\t').nth(1).unwrap())
            .collect();
        names.dedup();
        assert_eq!(
            names.len(),
            declared.len(),
            "a record of the inventory is missing here"
        );
    }
}
