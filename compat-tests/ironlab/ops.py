"""ZooKeeper's nouns for the raw client: op codes with their records, error codes, flags, ACLs. Data only."""

# name: (op code, request record, response record)
OPS = {
    "create": (1, "CreateRequest", "CreateResponse"),
    "delete": (2, "DeleteRequest", "Empty"),
    "exists": (3, "ExistsRequest", "ExistsResponse"),
    "getData": (4, "GetDataRequest", "GetDataResponse"),
    "setData": (5, "SetDataRequest", "SetDataResponse"),
    "getACL": (6, "GetACLRequest", "GetACLResponse"),
    "setACL": (7, "SetACLRequest", "SetACLResponse"),
    "getChildren": (8, "GetChildrenRequest", "GetChildrenResponse"),
    "sync": (9, "SyncRequest", "SyncResponse"),
    "ping": (11, "Empty", "Empty"),
    "getChildren2": (12, "GetChildren2Request", "GetChildren2Response"),
    "check": (13, "CheckVersionRequest", "Empty"),
    "create2": (15, "CreateRequest", "Create2Response"),
    "reconfig": (16, "ReconfigRequest", "GetDataResponse"),
    "checkWatches": (17, "CheckWatchesRequest", "Empty"),
    "removeWatches": (18, "RemoveWatchesRequest", "Empty"),
    "createContainer": (19, "CreateRequest", "Create2Response"),
    "deleteContainer": (20, "DeleteContainerRequest", "Empty"),
    "createTTL": (21, "CreateTTLRequest", "Create2Response"),
    "auth": (100, "AuthPacket", "Empty"),
    "setWatches": (101, "SetWatches", "Empty"),
    "sasl": (102, "GetSASLRequest", "SetSASLResponse"),
    "getEphemerals": (103, "GetEphemeralsRequest", "GetEphemeralsResponse"),
    "getAllChildrenNumber": (104, "GetAllChildrenNumberRequest", "GetAllChildrenNumberResponse"),
    "setWatches2": (105, "SetWatches2", "Empty"),
    "addWatch": (106, "AddWatchRequest", "ErrorResponse"),
    "whoAmI": (107, "Empty", "WhoAmIResponse"),
    "closeSession": (-11, "Empty", "Empty"),
}
CREATE_SESSION, MULTI, MULTI_READ = -10, 14, 22
NAMES = {code: name for name, (code, _, _) in OPS.items()} | {
    CREATE_SESSION: "createSession", MULTI: "multi", MULTI_READ: "multiRead"}

# The fixed xids of the protocol.
XID_EVENT, XID_PING, XID_AUTH, XID_SET_WATCHES = -1, -2, -4, -8

OK = 0
RUNTIME_INCONSISTENCY = -2
MARSHALLING_ERROR = -5
UNIMPLEMENTED = -6
BAD_ARGUMENTS = -8
NO_NODE = -101
NO_AUTH = -102
BAD_VERSION = -103
NO_CHILDREN_FOR_EPHEMERALS = -108
NODE_EXISTS = -110
NOT_EMPTY = -111
SESSION_EXPIRED = -112
INVALID_ACL = -114
AUTH_FAILED = -115
EPHEMERAL_ON_LOCAL_SESSION = -120
NO_WATCHER = -121
RECONFIG_DISABLED = -123
QUOTA_EXCEEDED = -125

NODE_CREATED, NODE_DELETED, NODE_DATA_CHANGED, NODE_CHILDREN_CHANGED = 1, 2, 3, 4

PERSISTENT, EPHEMERAL, SEQUENTIAL, EPHEMERAL_SEQUENTIAL, CONTAINER, TTL, TTL_SEQUENTIAL = range(7)

READ, WRITE, CREATE, DELETE, ADMIN, ALL = 1, 2, 4, 8, 16, 31


def acl(perms, scheme, ident):
    """One ACL entry."""
    return {"perms": perms, "id": {"scheme": scheme, "id": ident}}


OPEN = [acl(ALL, "world", "anyone")]
READ_ONLY = [acl(READ, "world", "anyone")]
CREATOR_ALL = [acl(ALL, "auth", "")]
