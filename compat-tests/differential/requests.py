"""Random requests: every op code, each way to be refused, mostly on znodes that are believed to exist."""

from collections import deque

from ironlab import jute, ops
from ironlab.cases import ANN, BAD_ACLS, BAD_PATHS, GOOD_ACLS
from ironlab.history import digest_id
from ironlab.ops import ALL, CREATE, DELETE, READ, WRITE, acl
from ironlab.server import SUPER_AUTH
from ironlab.wire import multi_body

from .beliefs import below, parent_of
from .history import Request

USERS = (b"ann:secret", b"bob:pw", SUPER_AUTH, b"carl:")
MAX_DEPTH = 4
_MANY = 60  # znodes; with more, requests would seldom meet
_WATCHES_REMEMBERED = 12
_NAMES = ("x", "y", "z", "s-", "\u00e9")
_TOP = ("/a", "/b", "/c", "/q")
_QUOTA = "/zookeeper/quota/q"
_SYSTEM = ("/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", _QUOTA, f"{_QUOTA}/zookeeper_limits",
           f"{_QUOTA}/zookeeper_stats")
_CREATES = ("create",) * 4 + ("create2",) * 3
_FLAGS = (ops.PERSISTENT,) * 12 + (ops.EPHEMERAL,) * 4 + (ops.SEQUENTIAL,) * 3 + (ops.EPHEMERAL_SEQUENTIAL,) * 2 + (
    ops.CONTAINER, -1, 7)
_ALL_FLAGS = range(-1, 8)
_TTLS = (1, 5000, 5000, 5000, 3600000, 0, -1, (1 << 40) - 1, 1 << 40)
_QUOTAS = (b"count=8,bytes=200", b"count=-1,bytes=-1=;byteHardLimit=120;countHardLimit=6", b"count=5=;countHardLimit=5",
           b"bytes=60=;byteHardLimit=60", b"count=-1,bytes=-1")
_BOB = digest_id("bob", "pw")
_CLOSED_ACLS = (
    [acl(READ, "world", "anyone"), acl(ALL, "digest", ANN)], [acl(ALL & ~READ, "world", "anyone")],
    [acl(READ | WRITE, "world", "anyone"), acl(CREATE, "digest", _BOB)], [acl(ALL, "digest", _BOB)],
    [acl(ALL & ~DELETE, "ip", "127.0.0.1"), acl(DELETE, "digest", ANN)], [acl(ALL, "ip", "127.0.0.0/8")],
    [acl(READ, "ip", "127.0.0.1/25"), acl(CREATE | WRITE, "ip", "127.0.0.128/25")], ops.CREATOR_ALL)
_UNKNOWN_OPS = (0, -1, 10, 13, 23, 99, 108, -12)
_OVER_MAX_BUFFER = (1 << 20) + 1
_NEAR_MAX_BUFFER = (1 << 20) - 1024


class Requests:
    """Draws requests from `random` and `beliefs`; with `has_quotas` some make, change and delete a quota on /q."""

    def __init__(self, random, beliefs, has_quotas):
        self._random = random
        self._beliefs = beliefs
        self._has_quotas = has_quotas
        self._ways, self._weights = zip(*_WAYS.items())
        self._client = None
        self._watched = {}
        self._focus = None

    def draw(self, client):
        """A request of this client that may stand anywhere in a burst."""
        self._client = client
        way, = self._random.choices(self._ways, self._weights)
        request = way(self)
        self._beliefs.apply(request.op, request.fields, client)
        if request.fields.get("watch") or "mode" in request.fields:
            self._watched.setdefault(client, deque(maxlen=_WATCHES_REMEMBERED)).append(request.fields["path"])
        return request

    def draw_alone(self):
        """A request whose place among others, or whose effect on those behind it, is chance in Apache."""
        quota = self.quota if self._has_quotas else self.auth
        way = self._random.choice((self.auth, self.auth, self.unknown_op, self.large, quota, quota, self.sasl))
        return way()

    # Values

    def path(self):
        """Any path: mostly one that exists, or the child of one."""
        ways, weights = (self._existing, self.new_path, self._system, self._missing, self._bad), (74, 14, 6, 3, 3)
        return self._random.choices(ways, weights)[0]()

    def znode(self):
        """A path that is mostly there and is none of the server's own."""
        return self._random.choices((self._existing, self._missing, self._bad), (93, 4, 3))[0]()

    def paths(self):
        return [self.path() for _ in range(self._random.randrange(5))]

    def _existing(self):
        if self._has_quotas and self._random.random() < 0.1:
            return "/q"  # or its quota would seldom be used up
        if self._focus and self._random.random() < 0.8:
            return self._random.choice(self._focus)
        return self._random.choice(self._beliefs.paths() or _TOP)

    def focus(self):
        """From now on most requests are about a few paths, or about all again."""
        paths = self._beliefs.paths()
        self._focus = self._random.choices(paths, k=3) if paths and self._random.random() < 0.5 else None

    def new_path(self):
        """A path whose parent is mostly there; its name may be in use."""
        if self._random.random() < 0.1:
            return self._random.choice(_TOP)
        parent = self._existing()
        while parent.count("/") >= MAX_DEPTH:
            parent = parent_of(parent)
        name = self._random.choice(_NAMES)
        suffixed = name == "s-" and self._random.random() < 0.3
        return below(parent, f"{name}{self._beliefs.next_suffix(parent):010d}" if suffixed else name)

    def _system(self):
        return self._random.choice(_SYSTEM)

    def _missing(self):
        return self._random.choice(("/none", "/none/x", "/a/none", "/a/s-0000000099"))

    def _bad(self):
        """A path that breaks a rule, at times below one that is not there: which is asked first?"""
        if self._random.random() < 0.4:
            return below(self._missing(), self._random.choice((".", "..", "\x01", "x//y")))
        return self._random.choice(BAD_PATHS)

    def data(self):
        kind = self._random.random()
        if kind < 0.12:
            return None if kind < 0.06 else b"the same"
        size = self._random.randrange(20000) if kind > 0.985 else self._random.randrange(24)
        return self._random.randbytes(size)

    def acl(self):
        kind = self._random.random()
        if kind < 0.8:
            return ops.OPEN
        return self._random.choice(_CLOSED_ACLS if kind < 0.93 else GOOD_ACLS if kind < 0.96 else BAD_ACLS)

    def version(self, believed):
        return self._random.choices((-1, believed, believed + 1, 0, -2, (1 << 31) - 1), (40, 40, 8, 8, 2, 1))[0]

    def watch(self):
        return self._random.random() < 0.5

    # Writes

    def create(self):
        flags = self._random.choice(_FLAGS if self._random.random() < 0.98 else _ALL_FLAGS)
        return self._create(self._random.choice(_CREATES), flags)

    def create_container(self):
        flags = ops.CONTAINER if self._random.random() < 0.8 else self._random.choice(_ALL_FLAGS)
        return self._create("createContainer", flags)

    def create_ttl(self):
        flags = self._random.choice((ops.TTL, ops.TTL_SEQUENTIAL)) if self._random.random() < 0.95 else -1
        return self._create("createTTL", flags, ttl=self._random.choice(_TTLS))

    def _create(self, op, flags, **more):
        path = self.new_path() if self._random.random() < 0.93 else self._random.choice((self.znode(), self._missing()))
        if flags in (ops.SEQUENTIAL, ops.EPHEMERAL_SEQUENTIAL, ops.TTL_SEQUENTIAL) and self._random.random() < 0.7:
            path = below(parent_of(path or "/"), "s-")
        return Request(op, {"path": path, "data": self.data(), "acl": self.acl(), "flags": flags, **more})

    def delete(self):
        leaves = self._beliefs.leaves() or _TOP
        many = len(self._beliefs.paths()) > _MANY
        path = self._random.choice(leaves) if many or self._random.random() < 0.4 else self.path()
        return Request("delete", {"path": path, "version": self.version(self._beliefs.version(path))})

    def delete_container(self):
        return Request("deleteContainer", {"path": self.znode()})

    def set_data(self):
        path = self.znode()
        return Request("setData", {"path": path, "data": self.data(), "version": self.version(self._beliefs.version(path))})

    def set_acl(self):
        path = self.znode()
        return Request("setACL", {"path": path, "acl": self.acl(), "version": self.version(self._beliefs.aversion(path))})

    def check(self):
        path = self.znode()
        return Request("check", {"path": path, "version": self.version(self._beliefs.version(path))})

    def multi(self):
        with self._beliefs.all_or_nothing() as outcomes:
            parts = [self._part(outcomes) for _ in range(self._random.choice((0, 1, 1, 2, 2, 3, 4, 5, 8)))]
        return Request("multi", {"parts": parts})

    def _part(self, outcomes):
        ways = (self.create, self.set_data, self.delete, self.check, self.create_container, self.create_ttl, self.get_data)
        request = self._random.choices(ways, (40, 22, 16, 14, 4, 5, 0.5))[0]()
        outcomes.append(self._beliefs.apply(request.op, request.fields, self._client))
        return request.op, request.fields

    # Reads

    def exists(self):
        return self._read("exists")

    def get_data(self):
        return self._read("getData")

    def get_children(self):
        return self._read("getChildren")

    def get_children2(self):
        return self._read("getChildren2")

    def _read(self, op):
        return Request(op, {"path": self.path(), "watch": self.watch()})

    def get_acl(self):
        return Request("getACL", {"path": self.path()})

    def get_all_children_number(self):
        return Request("getAllChildrenNumber", {"path": self.path()})

    def get_ephemerals(self):
        path = self.path()
        return Request("getEphemerals", {"prefixPath": self._random.choice(("/", "/a", None, "", path, path and path[:-1]))})

    def who_am_i(self):
        return Request("whoAmI")

    def sync(self):
        return Request("sync", {"path": self.path()})

    def multi_read(self):
        ways = (self.get_data, self.get_children) if self._random.random() < 0.95 else (self.get_data, self.exists, self.set_data)
        parts = [self._random.choice(ways)() for _ in range(self._random.randrange(5))]
        # A null path is refused with the results before it as body: bytes that hold times.
        return Request("multiRead", {"parts": [(part.op, part.fields) for part in parts if part.fields["path"] is not None]})

    # Watches

    def add_watch(self):
        path = "/" if self._random.random() < 0.1 else self.path()
        return Request("addWatch", {"path": path, "mode": self._random.choice((0, 0, 0, 1, 1, 1, 2, -1))})

    def _watched_path(self):
        """Mostly a path on which the client has left a watch not long ago."""
        watched = self._watched.get(self._client)
        return self._random.choice(watched) if watched and self._random.random() < 0.8 else self.path()

    def check_watches(self):
        return Request("checkWatches", {"path": self._watched_path(), "type": self._random.choice((1, 2, 3, 4, 5, 1, 2, 3, 0, 6))})

    def remove_watches(self):
        return Request("removeWatches", {"path": self._watched_path(), "type": self._random.choice((1, 2, 3, 4, 5, 1, 2, 3, 0, 6))})

    def set_watches(self):
        """What a client sends after it has connected again; sometimes from long ago, sometimes from the future."""
        lists = ["dataWatches", "existWatches", "childWatches"]
        op = self._random.choice(("setWatches", "setWatches2"))
        if op == "setWatches2":
            lists += ["persistentWatches", "persistentRecursiveWatches"]
        zxid = self._random.choice((0, 0, 0, 0, -1, -5, -30, 10))
        return Request(op, {"relativeZxid": zxid, **{name: self.paths() for name in lists}})

    # Odd ones

    def ping(self):
        return Request("ping")

    def reconfig(self):
        return Request("reconfig", {"joiningServers": self._random.choice((None, "server.1=a:1:2;3")), "leavingServers": None,
                                    "newMembers": None, "curConfigId": -1})

    def cut_body(self):
        """A body that ends too early: somewhere in the request, or in a multi's."""
        way = self._random.choice(_CUTTABLE)
        request = way(self)
        if "parts" in request.fields:
            code, body = _CODES[request.op], multi_body(request.fields["parts"])
        else:
            code, record, _ = ops.OPS[request.op]
            body = jute.encode(record, request.fields)
        return Request("raw", {"code": code, "body": body[:self._random.randrange(len(body))]})

    def ephemerals(self):
        """Up to three creates of ephemerals."""
        return [Request("create", {"path": below(self._existing(), "s-"), "data": b"", "acl": ops.OPEN,
                                   "flags": ops.EPHEMERAL_SEQUENTIAL}) for _ in range(self._random.randrange(4))]

    def close_session(self):
        """The end of a session, behind ephemerals that may be outstanding when it is read."""
        return [*self.ephemerals(), Request("closeSession")]

    def auth(self):
        scheme = self._random.choices(("digest", "ip", "world", "nosuch", "super"), (80, 8, 4, 4, 4))[0]
        return Request("auth", {"type": 0, "scheme": scheme, "auth": self._random.choice(USERS)})

    def sasl(self):
        return Request("sasl", {"token": b"token"})

    def unknown_op(self):
        return Request("raw", {"code": self._random.choice(_UNKNOWN_OPS), "body": jute.encode("ExistsRequest", {"path": "/", "watch": False})})

    def large(self):
        """Data near the largest packet, or past it."""
        size = self._random.choice((_NEAR_MAX_BUFFER, _OVER_MAX_BUFFER, _OVER_MAX_BUFFER - 1, 300000))
        return Request("setData", {"path": self.znode(), "data": bytes(size), "version": -1})

    def begin(self):
        """The first requests of a history: a few znodes, and a quota on one of them."""
        paths = (*_TOP, "/a/x", "/b/x", _QUOTA)
        creates = [Request("create", {"path": path, "data": self.data(), "acl": ops.OPEN, "flags": ops.PERSISTENT}) for path in paths]
        for request in creates:
            self._beliefs.apply(request.op, request.fields, None)
        if not self._has_quotas:
            return creates
        return [*creates, self._quota_part("create", f"{_QUOTA}/zookeeper_limits"),
                self._quota_part("create", f"{_QUOTA}/zookeeper_stats")]

    def quota(self):
        """Makes a part of a quota on /q, or changes it."""
        path = f"{_QUOTA}/{self._random.choice(('zookeeper_limits', 'zookeeper_limits', 'zookeeper_stats'))}"
        op = self._random.choices(("create", "setData", "delete"), (5, 4, 2))[0]
        if op == "delete" or (op == "setData" and path.endswith("zookeeper_stats")):
            return Request("delete", {"path": path, "version": -1})
        return self._quota_part(op, path)

    def _quota_part(self, op, path):
        more = {"version": -1} if op == "setData" else {"acl": ops.OPEN, "flags": ops.PERSISTENT}
        return Request(op, {"path": path, "data": self._random.choice(_QUOTAS), **more})


_CODES = {"multi": ops.MULTI, "multiRead": ops.MULTI_READ}
_CUTTABLE = (
    Requests.create, Requests.create_container, Requests.create_ttl, Requests.delete, Requests.delete_container,
    Requests.set_data, Requests.set_acl, Requests.multi, Requests.multi_read, Requests.exists, Requests.get_data,
    Requests.get_children, Requests.get_children2, Requests.get_acl, Requests.get_all_children_number,
    Requests.get_ephemerals, Requests.sync, Requests.add_watch, Requests.check_watches, Requests.remove_watches,
    Requests.set_watches, Requests.reconfig)
_WAYS = {
    Requests.create: 200, Requests.create_container: 14, Requests.create_ttl: 20, Requests.delete: 100,
    Requests.delete_container: 12, Requests.set_data: 110, Requests.set_acl: 35, Requests.multi: 90,
    Requests.exists: 50, Requests.get_data: 60, Requests.get_children: 30, Requests.get_children2: 30, Requests.get_acl: 25,
    Requests.get_all_children_number: 12, Requests.get_ephemerals: 15, Requests.who_am_i: 6, Requests.sync: 15,
    Requests.multi_read: 25, Requests.add_watch: 40, Requests.check_watches: 20, Requests.remove_watches: 30,
    Requests.set_watches: 10, Requests.ping: 5, Requests.reconfig: 4, Requests.cut_body: 16,
}
