"""A scripted history with every transaction type that a client of a standalone server can cause.

It is played in two halves, so that a server can be restarted between them, and leaves live sessions with ephemerals.
Every reply's error code is checked on the way: a history that went another way than planned proves nothing.
"""

import base64
import hashlib
import time

from . import ops
from .ops import (BAD_ARGUMENTS, BAD_VERSION, INVALID_ACL, NO_AUTH, NO_CHILDREN_FOR_EPHEMERALS, NO_NODE, NODE_EXISTS,
                  NOT_EMPTY, OK, RUNTIME_INCONSISTENCY)
from .wire import Client

# What zoo.cfg and the command line need for the history.
CONFIG = "maxSessionTimeout=120000\n"
PROPERTIES = {"zookeeper.extendedTypesEnabled": "true", "znode.container.checkIntervalMs": "100"}

SESSION_TIMEOUT_MS = 60000
REAP_DEADLINE_S = 20
LONG_TTL_MS = 0xFFFFFFFFFF


def digest_id(user, password):
    """The id of scheme digest for a user, as it stands in an ACL."""
    sha1 = hashlib.sha1(f"{user}:{password}".encode()).digest()
    return f"{user}:{base64.b64encode(sha1).decode()}"


class History:
    """Plays the two halves on a port and remembers the sessions.

    `connect(port, session)` makes a client; a test that wants to record frames gives its own.
    """

    def __init__(self, connect=None):
        self._connect = connect or (lambda port, session: Client(port, session, SESSION_TIMEOUT_MS))
        self.live = {}
        self.closed = []

    def first_half(self, port):
        """Everything on an empty server: all ways to create, change and delete; sessions `one` and `two` stay."""
        one = self._open(port, "one")
        two = self._open(port, "two")
        _creates(one)
        _sequences(one)
        _changes(one)
        _acls(two)
        _deletes(one)
        _multis(one)
        _errors(one)
        _quota(one)
        _ephemerals(one, two)
        self._closed_sessions(port)
        one.cut()
        two.cut()

    def second_half(self, port):
        """On the restarted server: the old sessions go on, and what the first half left is changed and removed."""
        one = self._reopen(port, "one")
        two = self._reopen(port, "two")
        three = self._open(port, "three")
        _expect(one.create("/seq/n-", flags=ops.SEQUENTIAL), OK)
        _expect(two.create("/eph/two-after-restart", b"2", flags=ops.EPHEMERAL), OK)
        _expect(three.create("/eph/three-", b"3", flags=ops.EPHEMERAL_SEQUENTIAL, op="create2"), OK)
        _expect(one.call("delete", path="/eph/one-gone", version=-1), OK)
        _expect(one.call("setData", path="/plain/a", data=b"after the restart", version=-1), OK)
        _expect(one.call("delete", path="/containers/used/child", version=-1), OK)
        _wait_until_gone(one, "/containers/used")
        _multis_after_restart(one)
        two.close_session()
        self.closed.append(self.live.pop("two"))
        one.cut()
        three.cut()

    def _open(self, port, name):
        client = self._connect(port, (0, bytes(16)))
        self.live[name] = client.session
        return client

    def _reopen(self, port, name):
        client = self._connect(port, self.live[name])
        assert client.alive, f"session {name} did not survive the restart"
        return client

    def _closed_sessions(self, port):
        """One session that leaves ephemerals to its closeSession txn and one that has none."""
        for names in (["/eph/closing-a", "/eph/closing-b"], []):
            client = self._connect(port, (0, bytes(16)))
            self.closed.append(client.session)
            for name in names:
                _expect(client.create(name, flags=ops.EPHEMERAL), OK)
            client.close_session()


def _expect(reply, err):
    assert reply.err == err, f"{reply.op} was answered with {reply.err} instead of {err}"
    return reply


def _wait_until_gone(client, path):
    """Polls until the server itself has reaped a container or a TTL node: its deleteContainer txn."""
    deadline = time.monotonic() + REAP_DEADLINE_S
    while client.call("exists", path=path, watch=False).err == OK:
        assert time.monotonic() < deadline, f"{path} was not reaped within {REAP_DEADLINE_S} s"
        time.sleep(0.02)


def _expect_results(reply, errs):
    results = [result.get("err", OK) for result in reply.body["results"]]
    assert results == errs, f"a multi was answered with {results} instead of {errs}"


def _sub_create(op, path, data=b"", flags=ops.PERSISTENT, **extra):
    return op, {"path": path, "data": data, "acl": ops.OPEN, "flags": flags, **extra}


def _creates(client):
    for path in ("/plain", "/seq", "/eph", "/containers", "/ttl", "/acl", "/multi", "/gone"):
        _expect(client.create(path, b"top"), OK)
    _expect(client.create("/plain/a", b"first"), OK)
    _expect(client.create("/plain/null", None), OK)
    _expect(client.create("/plain/b", bytes(range(256)), op="create2"), OK)
    _expect(client.create("/plain/\u00e9t\u00e9 \u65e5\u672c", "d\u00e9j\u00e0".encode()), OK)
    for name in ("empty", "used"):
        _expect(client.create(f"/containers/{name}", b"c", flags=ops.CONTAINER, op="createContainer"), OK)
    _expect(client.create("/containers/used/child", b"c"), OK)
    _expect(client.create("/ttl/long", b"t", flags=ops.TTL, op="createTTL", ttl=LONG_TTL_MS), OK)
    _expect(client.create("/ttl/short", b"t", flags=ops.TTL, op="createTTL", ttl=1), OK)
    _wait_until_gone(client, "/ttl/short")
    _expect(client.create("/ttl/seq-", b"t", flags=ops.TTL_SEQUENTIAL, op="createTTL", ttl=3600000), OK)


def _sequences(client):
    for op in ("create", "create2"):
        _expect(client.create("/seq/n-", flags=ops.SEQUENTIAL, op=op), OK)
    _expect(client.create("/seq/", b"suffix only", flags=ops.SEQUENTIAL), OK)


def _changes(client):
    for version, data in enumerate((b"second", b"", None, b"third")):
        _expect(client.call("setData", path="/plain/a", data=data, version=version), OK)
    _expect(client.call("setData", path="/", data=b"root data", version=-1), OK)
    _expect(client.call("sync", path="/plain"), OK)


def _acls(client):
    _expect(client.add_auth("digest", b"ann:secret"), OK)
    _expect(client.create("/acl/mine", b"m", acl=ops.CREATOR_ALL), OK)
    _expect(client.create("/acl/list", b"l", acl=_mixed_acl()), OK)
    _expect(client.create("/acl/changed", b"c"), OK)
    _expect(client.call("setACL", path="/acl/changed", acl=ops.READ_ONLY, version=0), OK)
    _expect(client.call("setACL", path="/acl/mine", acl=_mixed_acl(), version=-1), OK)


def _mixed_acl():
    return [ops.acl(ops.ALL, "digest", digest_id("ann", "secret")), ops.acl(ops.READ, "ip", "10.0.0.0/8"),
            ops.acl(ops.READ | ops.CREATE, "world", "anyone")]


def _deletes(client):
    _expect(client.create("/gone/child"), OK)
    _expect(client.call("delete", path="/gone/child", version=0), OK)
    _expect(client.call("delete", path="/gone", version=-1), OK)


def _multis(client):
    _expect_results(client.multi(
        _sub_create("create", "/multi/a", b"1"),
        _sub_create("create2", "/multi/b", b"2", ops.SEQUENTIAL),
        _sub_create("createContainer", "/multi/c", b"3", ops.CONTAINER),
        _sub_create("createTTL", "/multi/d", b"4", ops.TTL, ttl=3600000),
        _sub_create("create", "/multi/e", b"5", ops.EPHEMERAL),
        _sub_create("create", "/multi/a/under", None),
        ("setData", {"path": "/multi/a", "data": b"1 changed", "version": 0}),
        ("check", {"path": "/multi/a", "version": 1}),
        ("delete", {"path": "/multi/a/under", "version": 0})), [OK] * 9)
    _expect_results(client.multi(
        _sub_create("create", "/multi/never"), ("check", {"path": "/multi/a", "version": 77}),
        ("delete", {"path": "/multi/a", "version": -1})), [OK, BAD_VERSION, RUNTIME_INCONSISTENCY])
    _expect_results(client.multi(("delete", {"path": "/not/there", "version": -1})), [NO_NODE])
    _expect_results(client.multi(), [])


def _errors(client):
    """One refused write of each kind: each takes a zxid and leaves an error txn."""
    _expect(client.create("/plain"), NODE_EXISTS)
    _expect(client.create("/no/parent"), NO_NODE)
    _expect(client.create("/plain/."), BAD_ARGUMENTS)
    _expect(client.create("/plain//x"), NO_NODE)
    _expect(client.create("/plain/x", acl=[]), INVALID_ACL)
    _expect(client.create("/acl/changed/x"), NO_AUTH)
    _expect(client.call("setData", path="/plain/a", data=b"", version=99), BAD_VERSION)
    _expect(client.call("delete", path="/seq", version=-1), NOT_EMPTY)
    _expect(client.call("setACL", path="/nothing", acl=ops.OPEN, version=-1), NO_NODE)


def _quota(client):
    """A soft quota, as zkCli's setquota makes it: the server keeps its statistics in place, outside any txn."""
    limits = "/zookeeper/quota/plain"
    _expect(client.create(limits), OK)
    _expect(client.create(f"{limits}/zookeeper_limits", b"count=100,bytes=-1"), OK)
    _expect(client.create(f"{limits}/zookeeper_stats", b"count=0,bytes=0"), OK)
    _expect(client.create("/plain/counted", b"12345"), OK)


def _ephemerals(one, two):
    _expect(one.create("/eph/one-stays", b"1", flags=ops.EPHEMERAL), OK)
    _expect(one.create("/eph/one-gone", b"1", flags=ops.EPHEMERAL, op="create2"), OK)
    _expect(two.create("/eph/two-", b"2", flags=ops.EPHEMERAL_SEQUENTIAL), OK)
    _expect(one.create("/eph/one-stays/child"), NO_CHILDREN_FOR_EPHEMERALS)


def _multis_after_restart(client):
    _expect_results(client.multi(
        ("setData", {"path": "/plain/b", "data": b"multi", "version": 0}),
        _sub_create("create", "/seq/n-", b"m", ops.SEQUENTIAL),
        _sub_create("create", "/multi/late", b"late")), [OK] * 3)
    _expect_results(client.multi(
        _sub_create("create", "/multi/late"), ("check", {"path": "/plain/b", "version": 1})),
        [NODE_EXISTS, RUNTIME_INCONSISTENCY])
