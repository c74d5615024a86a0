"""jute: bytes <-> values, driven by one table of records. Knows field types, not what they mean.

A value of a record is a dict. `buffer` is bytes or None, `ustring` is str or None, a vector is a list or None.
"""

import struct

# Each record of the client protocol, the quorum's and the disk formats: its fields in wire order.
_TABLE = """
Id scheme:ustring id:ustring
ACL perms:int id:Id
Stat czxid:long mzxid:long ctime:long mtime:long version:int cversion:int aversion:int ephemeralOwner:long dataLength:int numChildren:int pzxid:long
StatPersisted czxid:long mzxid:long ctime:long mtime:long version:int cversion:int aversion:int ephemeralOwner:long pzxid:long
ClientInfo authScheme:ustring user:ustring
ConnectRequest protocolVersion:int lastZxidSeen:long timeOut:int sessionId:long passwd:buffer
ConnectResponse protocolVersion:int timeOut:int sessionId:long passwd:buffer
RequestHeader xid:int type:int
ReplyHeader xid:int zxid:long err:int
MultiHeader type:int done:boolean err:int
AuthPacket type:int scheme:ustring auth:buffer
SetWatches relativeZxid:long dataWatches:vector<ustring> existWatches:vector<ustring> childWatches:vector<ustring>
SetWatches2 relativeZxid:long dataWatches:vector<ustring> existWatches:vector<ustring> childWatches:vector<ustring> persistentWatches:vector<ustring> persistentRecursiveWatches:vector<ustring>
GetDataRequest path:ustring watch:boolean
SetDataRequest path:ustring data:buffer version:int
ReconfigRequest joiningServers:ustring leavingServers:ustring newMembers:ustring curConfigId:long
SetDataResponse stat:Stat
GetSASLRequest token:buffer
SetSASLResponse token:buffer
CreateRequest path:ustring data:buffer acl:vector<ACL> flags:int
CreateTTLRequest path:ustring data:buffer acl:vector<ACL> flags:int ttl:long
DeleteRequest path:ustring version:int
DeleteContainerRequest path:ustring
GetChildrenRequest path:ustring watch:boolean
GetChildren2Request path:ustring watch:boolean
GetAllChildrenNumberRequest path:ustring
GetAllChildrenNumberResponse totalNumber:int
CheckVersionRequest path:ustring version:int
SyncRequest path:ustring
SyncResponse path:ustring
GetACLRequest path:ustring
GetACLResponse acl:vector<ACL> stat:Stat
SetACLRequest path:ustring acl:vector<ACL> version:int
SetACLResponse stat:Stat
AddWatchRequest path:ustring mode:int
WatcherEvent type:int state:int path:ustring
ErrorResponse err:int
CreateResponse path:ustring
Create2Response path:ustring stat:Stat
ExistsRequest path:ustring watch:boolean
ExistsResponse stat:Stat
GetDataResponse data:buffer stat:Stat
GetChildrenResponse children:vector<ustring>
GetChildren2Response children:vector<ustring> stat:Stat
CheckWatchesRequest path:ustring type:int
RemoveWatchesRequest path:ustring type:int
GetEphemeralsRequest prefixPath:ustring
GetEphemeralsResponse ephemerals:vector<ustring>
WhoAmIResponse clientInfo:vector<ClientInfo>
FileHeader magic:int version:int dbid:long
TxnHeader clientId:long cxid:int zxid:long time:long type:int
TxnDigest version:int treeDigest:long
CreateTxn path:ustring data:buffer acl:vector<ACL> ephemeral:boolean parentCVersion:int
CreateTTLTxn path:ustring data:buffer acl:vector<ACL> parentCVersion:int ttl:long
CreateContainerTxn path:ustring data:buffer acl:vector<ACL> parentCVersion:int
DeleteTxn path:ustring
SetDataTxn path:ustring data:buffer version:int
CheckVersionTxn path:ustring version:int
SetACLTxn path:ustring acl:vector<ACL> version:int
CreateSessionTxn timeOut:int
CloseSessionTxn paths2Delete:vector<ustring>
ErrorTxn err:int
Txn type:int data:buffer
MultiTxn txns:vector<Txn>
QuorumPacket type:int zxid:long data:buffer authinfo:vector<Id>
LearnerInfo serverid:long protocolVersion:int configVersion:long
Empty
"""


def _parse_table():
    rows = (line.split() for line in _TABLE.strip().splitlines())
    return {name: [tuple(field.split(":")) for field in fields] for name, *fields in rows}


RECORDS = _parse_table()
_NUMBERS = {"int": ">i", "long": ">q", "boolean": ">?"}


def encode(kind, value):
    """The bytes of one value of the type or record `kind`."""
    if kind in _NUMBERS:
        return struct.pack(_NUMBERS[kind], value)
    if kind == "buffer":
        return b"\xff\xff\xff\xff" if value is None else struct.pack(">i", len(value)) + value
    if kind == "ustring":
        return encode("buffer", None if value is None else value.encode())
    if kind.startswith("vector<"):
        if value is None:
            return encode("int", -1)
        return encode("int", len(value)) + b"".join(encode(kind[7:-1], item) for item in value)
    return b"".join(encode(field_kind, value[name]) for name, field_kind in RECORDS[kind])


class Reader:
    """Takes values off the front of `data`; raises EOFError past its end."""

    def __init__(self, data, at=0):
        self.data = data
        self.at = at

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise EOFError(f"{count} bytes wanted at {self.at} of {len(self.data)}")
        self.at += count
        return self.data[self.at - count:self.at]

    def rest(self):
        return self.take(len(self.data) - self.at)

    def done(self):
        return self.at == len(self.data)

    def read(self, kind):
        """One value of the type or record `kind`."""
        if kind in _NUMBERS:
            form = _NUMBERS[kind]
            return struct.unpack(form, self.take(struct.calcsize(form)))[0]
        if kind == "buffer":
            length = self.read("int")
            return None if length == -1 else self.take(length)
        if kind == "ustring":
            data = self.read("buffer")
            # Apache writes what lies beyond U+FFFF as two encoded surrogates, which are no UTF-8.
            return None if data is None else data.decode(errors="replace")
        if kind.startswith("vector<"):
            count = self.read("int")
            return None if count == -1 else [self.read(kind[7:-1]) for _ in range(count)]
        return {name: self.read(field_kind) for name, field_kind in RECORDS[kind]}


def decode(kind, data):
    """One value that fills `data` to its last byte."""
    reader = Reader(data)
    value = reader.read(kind)
    if not reader.done():
        raise ValueError(f"{len(data) - reader.at} bytes left after {kind}")
    return value
