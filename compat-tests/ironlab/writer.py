"""A session that writes, pipelined, in a directory of its own, and knows what must be there after a crash.

Replies come in request order and the log has a session's writes in that order too. So after a crash, of the server or of
an ensemble's leader, the directory is what the acknowledged requests made, or that and the first few of those that were not
acknowledged.
"""

from collections import deque
from copy import deepcopy
from dataclasses import dataclass, field

from . import ops
from .report import equal
from .wire import Client, Closed

WINDOW = 48
SESSION_TIMEOUT_MS = 60000
_MOST_NODES = 60
_MOST_BYTES = 300


@dataclass
class Node:
    """What a write sets of a znode."""

    data: bytes
    version: int = 0
    ephemeral: bool = False


@dataclass
class Directory:
    """The writer's directory: its children by name, and how many were ever made, which is the next suffix."""

    nodes: dict = field(default_factory=dict)
    creates: int = 0

    def apply(self, subs):
        for op, fields in subs:
            name = fields["path"].rsplit("/", 1)[1]
            if op == "create":
                self._create(name, fields)
            elif op == "setData":
                node = self.nodes[name]
                self.nodes[name] = Node(fields["data"], node.version + 1, node.ephemeral)
            elif op == "delete":
                del self.nodes[name]

    def _create(self, name, fields):
        flags = fields["flags"]
        if flags in (ops.SEQUENTIAL, ops.EPHEMERAL_SEQUENTIAL):
            name += f"{self.creates:010}"
        self.nodes[name] = Node(fields["data"], ephemeral=flags in (ops.EPHEMERAL, ops.EPHEMERAL_SEQUENTIAL))
        self.creates += 1


class Writer:
    """One session and its directory. `play` writes until the server is gone, `verify` reads what is left."""

    def __init__(self, path, choice, timeout_ms=SESSION_TIMEOUT_MS):
        self.path = path
        self._timeout_ms = timeout_ms
        self.acked_zxid = 0
        self._choice = choice
        self._session = None
        self._number = 0
        self._acked = Directory()
        self._expected = Directory()
        self._unacked = deque()
        self._zxid_of = {}
        self._client = None

    def begin(self, port):
        """Makes the session and the directory."""
        self._client = Client(port, timeout_ms=self._timeout_ms)
        self._session = self._client.session
        self.acked_zxid = self._client.create(self.path).zxid

    def play(self, on_ack, enough=lambda: False):
        """Writes as fast as replies come, calling `on_ack` for each, until the connection ends, or ends it when it is
        `enough` and all is acknowledged."""
        try:
            while (more := not enough()) or self._unacked:
                while more and len(self._unacked) < WINDOW:
                    self._send()
                self._take_reply()
                on_ack()
        except Closed:
            pass
        self._client.close()

    def verify(self, port):
        """Comes back to the session after a crash and compares; raises what differs."""
        self._client = Client(port, self._session, self._timeout_ms, last_zxid=self.acked_zxid)
        assert self._client.alive, f"the session of {self.path} is gone"
        found, stats = self._read()
        self._follow(found)
        for name, stat in stats.items():
            self._check_stat(name, stat)
        self._acked, self._expected = self._expected, deepcopy(self._expected)
        self._unacked.clear()

    def leave(self):
        """Ends the connection; the session stays."""
        self._client.cut()

    def _send(self):
        subs = self._next()
        self._expected.apply(subs)
        if len(subs) == 1:
            self._client.send(subs[0][0], **subs[0][1])
        else:
            self._client.send_multi(*subs)
        self._unacked.append(subs)

    def _take_reply(self):
        reply = self._client.reply()
        subs = self._unacked.popleft()
        equal(reply.err, ops.OK, f"{reply.op} of {subs}")
        assert reply.zxid > self.acked_zxid, f"zxid {reply.zxid:#x} after {self.acked_zxid:#x}"
        self.acked_zxid = reply.zxid
        self._acked.apply(subs)
        if reply.op == "create":
            name = reply.body["path"].rsplit("/", 1)[1]
            assert name in self._acked.nodes, f"{name} was made in {self.path}, which has had {self._acked.creates} creates"
        for _, fields in subs:
            if "data" in fields:
                self._zxid_of[fields["data"]] = reply.zxid

    def _next(self):
        """A request that succeeds when all before it do."""
        names = list(self._expected.nodes)
        kind = self._choice.choice(("set", "set", "create", "multi", "delete"))
        if not names or (kind == "create" and len(names) < _MOST_NODES):
            return [self._create()]
        name = self._choice.choice(names)
        version = {"path": f"{self.path}/{name}", "version": self._expected.nodes[name].version}
        if kind == "delete" or len(names) >= _MOST_NODES:
            return [("delete", version)]
        if kind == "multi":
            return [("check", version), ("setData", {**version, "data": self._data()}), self._create()]
        return [("setData", {**version, "data": self._data()})]

    def _create(self):
        flags = self._choice.randrange(4)
        return "create", {"path": f"{self.path}/n{self._number}-", "data": self._data(), "acl": ops.OPEN, "flags": flags}

    def _data(self):
        """Bytes that no other write has, so that they tell which write made them."""
        self._number += 1
        return f"{self.path} {self._number} ".encode().ljust(self._choice.randrange(_MOST_BYTES), b".")

    def _read(self):
        """The directory as it is, and the stats of its children by name."""
        answer = self._client.call("getChildren2", path=self.path, watch=False).body
        names = answer["children"]
        cversion = answer["stat"]["cversion"]  # creates and deletes
        for name in names:
            self._client.send("getData", path=f"{self.path}/{name}", watch=False)
        found, stats = {}, {}
        for name in names:
            body = self._client.reply().body
            stat = body["stat"]
            owner = stat["ephemeralOwner"]
            assert owner in (0, self._session[0]), f"{name} belongs to session {owner:#x}"
            found[name] = Node(body["data"], stat["version"], owner != 0)
            stats[name] = stat
        return Directory(found, (cversion + len(names)) // 2), stats

    def _follow(self, found):
        """Finds how many unacknowledged writes were kept; `_expected` becomes what is there. A create and the delete of the same
        znode leave no other trace than the number of creates."""
        expected = deepcopy(self._acked)
        for subs in [[], *self._unacked]:
            expected.apply(subs)
            if expected == found:
                self._expected = expected
                return
        raise AssertionError(f"{self.path} is in no state after its last acknowledged write {self.acked_zxid:#x}: "
                             + "; ".join(_differences(self._acked, found)))

    def _check_stat(self, name, stat):
        data = self._expected.nodes[name].data
        known = self._zxid_of.get(data)
        if known is None:
            assert stat["mzxid"] > self.acked_zxid, f"{name} has mzxid {stat['mzxid']:#x} from before its own write"
            self._zxid_of[data] = stat["mzxid"]
        else:
            equal(stat["mzxid"], known, f"mzxid of {self.path}/{name}")
        equal(stat["czxid"] == stat["mzxid"], stat["version"] == 0, f"czxid is mzxid of {self.path}/{name}")


def _differences(expected, found):
    if expected.creates != found.creates:
        yield f"{found.creates} creates instead of {expected.creates}"
    for name in sorted(set(expected.nodes) | set(found.nodes)):
        if expected.nodes.get(name) != found.nodes.get(name):
            yield f"{name} is {found.nodes.get(name)} instead of {expected.nodes.get(name)}"
