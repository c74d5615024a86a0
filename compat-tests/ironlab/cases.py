"""A second history: every op code in every mode, every way in which a write is refused, and reads in between.

Where `history` shows that each transaction type is written, this shows which rule is asked first: requests break one
rule, or two at once. Most are refused, so errors are not checked here: what the server answered is the result. The
order of requests is the order of the server's log, also where a burst is sent before the first reply is read.
"""

from . import disk, jute, ops
from .history import digest_id
from .ops import (ALL, CONTAINER, CREATE, CREATOR_ALL, EPHEMERAL, EPHEMERAL_SEQUENTIAL, OPEN, PERSISTENT, READ,
                  READ_ONLY, SEQUENTIAL, TTL, TTL_SEQUENTIAL, acl)
from .server import SUPER_AUTH

CREATE_OPS = ("create", "create2", "createContainer", "createTTL")
FLAGS = (-1, PERSISTENT, EPHEMERAL, SEQUENTIAL, EPHEMERAL_SEQUENTIAL, CONTAINER, TTL, TTL_SEQUENTIAL, 7)
MAX_TTL_MS = 0xFFFFFFFFFF

# Paths that break a rule, each another one.
BAD_PATHS = (None, "", "relative", "/c/end/", "//", "/c//x", "/c/./x", "/c/..", "/c/\0", "/c/\x01", "/c/\x7f",
             "/c/\ue000", "/c/\ufff0", "/c/\U0001f600")
NO_PARENT = "/missing/x"
ANN = digest_id("ann", "secret")


def _id(scheme, ident):
    return [acl(ALL, scheme, ident)]


BAD_ACLS = (None, [], _id("world", "me"), _id("nosuch", "x"), _id("auth", ""), _id("digest", "no-colon"),
            _id("digest", "a:b:c"), _id("digest", "a:"), _id("ip", "10.0.0"), _id("ip", "10.0.0.1/33"),
            _id("ip", "::1::"), _id("super", ""), _id(None, "x"), _id("world", None), _id("digest", None),
            _id("ip", None), _id("nosuch", None), OPEN + _id("world", "me"))
GOOD_ACLS = (OPEN + OPEN, OPEN + READ_ONLY, _id("digest", "a:b"), _id("digest", "a:b:"), _id("digest", ":b"),
             _id("digest", "\u00e9\u65e5\U0001f600:x"), _id("ip", "10.0.0.1"), _id("ip", "10.0.0.0/8"),
             _id("ip", "0.0.0.0/0"), _id("ip", "::1"), _id("ip", "fe80::/16"), [acl(0, "world", "anyone")],
             [acl(64, "world", "anyone")], [acl(-1, "world", "anyone")])


class Cases:
    """Plays the history on a port. `connect(port, name)` makes a client."""

    def __init__(self, connect):
        self._connect = connect
        self.live = {}
        self.closed = []

    def play(self, port):
        one = self._connect(port, "one")
        ann = self._connect(port, "ann")
        ann.add_auth("digest", b"ann:secret")
        _prepare(one, ann)
        _create_modes(one)
        _create_refusals(one, ann)
        _acls(one, ann)
        _deletes(one)
        _changes(one)
        _containers(one)
        _multis(one)
        _reads(one, ann)
        _cut_bodies(one)
        _more_sessions(self._connect, port)
        _many_identities(self._connect(port, "identities"))
        _quotas(one)
        _bursts(self._connect, port)
        _watches(self._connect, port)
        boss = self._connect(port, "boss")
        boss.add_auth("digest", SUPER_AUTH)
        _as_super(boss)
        for client in (boss, ann, one):
            client.close_session()
            self.closed.append(client.session)
        left = self._connect(port, "left")
        left.create("/c/left", b"", flags=EPHEMERAL)
        left.cut()
        self.live["left"] = left.session


def _prepare(one, ann):
    """/c is open; /locked may be read, /private and /hidden only ann may touch, /eph is ephemeral."""
    one.create("/c", b"c")
    one.create("/c/there", b"t")
    one.create("/c/full", b"f")
    one.create("/c/full/child", None)
    one.create("/eph", b"e", flags=EPHEMERAL)
    one.create("/locked", b"l", acl=READ_ONLY + _id("digest", ANN))
    ann.create("/private", b"p", acl=CREATOR_ALL)
    ann.create("/private/child", b"pc", acl=OPEN)
    ann.create("/locked/there", b"lt")


def _create(client, op, path, acl_list, flags, data=b"", ttl=5000):
    extra = {"ttl": ttl} if op == "createTTL" else {}
    return client.call(op, path=path, data=data, acl=acl_list, flags=flags, **extra)


def _create_modes(client):
    """All flags with all four ops, all TTLs, null data, names of two and three bytes, the root's own children."""
    for op in CREATE_OPS:
        for flags in FLAGS:
            _create(client, op, f"/c/{op}{flags}-", OPEN, flags, None if flags == PERSISTENT else b"x")
    for ttl in (-1, 0, 1, MAX_TTL_MS, MAX_TTL_MS + 1):
        _create(client, "createTTL", f"/c/ttl{ttl}", OPEN, TTL, ttl=ttl)
    for flags in (PERSISTENT, CONTAINER):
        _create(client, "createTTL", "/c/no-ttl-mode", OPEN, flags, ttl=0)
    for path in ("/\u00e9t\u00e9", "/c/\u65e5\u672c", "/c/...", "/c/.x", "/c/a b"):
        client.create(path, path.encode(), op="create2")
    for path in ("/c/", "/c", "/"):
        client.create(path, b"s", flags=SEQUENTIAL)


def _create_refusals(one, ann):
    """Broken one by one, then two at a time: the code tells which rule was asked first."""
    for path in (*BAD_PATHS, NO_PARENT, "/", "/c/there", "/eph/x", "/eph/x/y", "/locked/x", "/locked/there"):
        for flags in (PERSISTENT, SEQUENTIAL):
            one.create(path, b"", flags=flags)
        one.create(path, b"", flags=7)
        one.create(path, b"", flags=TTL)
        one.create(path, b"", acl=[])
    for bad_acl in BAD_ACLS:
        for path in ("/c/new", NO_PARENT, "relative", "/locked/x", "/c/there", "/c/./x"):
            one.call("create", path=path, data=b"", acl=bad_acl, flags=PERSISTENT)
    for path in ("/locked/./x", "/private/x", "/private/child/x", "/private/child"):
        one.create(path)
    for path in ("/locked/x", "/private/x", "/locked/there"):
        ann.create(path)


def _acls(one, ann):
    for number, good in enumerate(GOOD_ACLS):
        one.create(f"/c/acl{number}", b"a", acl=good)
        one.create(f"/c/acl{number}/child", b"a")
        one.call("getACL", path=f"/c/acl{number}")
        one.call("delete", path=f"/c/acl{number}/child", version=-1)
    for bad in BAD_ACLS:
        for path in ("/c/there", NO_PARENT, "relative", "/locked"):
            one.call("setACL", path=path, acl=bad, version=-1)
    for path in (*BAD_PATHS, NO_PARENT, "/locked", "/private"):
        one.call("setACL", path=path, acl=OPEN, version=-1)
        one.call("setACL", path=path, acl=OPEN, version=9)
    for client in (one, ann):
        for version in (3, 0, 0, -1):
            client.call("setACL", path="/locked", acl=READ_ONLY + _id("digest", ANN), version=version)
    ann.create("/c/auth", b"", acl=[acl(READ, "auth", ""), acl(READ, "auth", "ignored"), acl(CREATE, "auth", None)])
    for number in range(len(GOOD_ACLS)):
        one.call("delete", path=f"/c/acl{number}", version=-1)


def _deletes(one):
    for path in (*BAD_PATHS, NO_PARENT, "/c/missing", "/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config",
                 "/c/full", "/locked/there", "/locked/missing", "/private/child"):
        for version in (-1, 7):
            one.call("delete", path=path, version=version)
    one.create("/c/versions")
    for version in (1, -2, 2147483647, 0, 0):
        one.call("delete", path="/c/versions", version=version)
    one.create("/c/versions")
    one.call("delete", path="/c/versions", version=-1)


def _changes(one):
    for path in (*BAD_PATHS, NO_PARENT, "/c/missing", "/zookeeper/config", "/locked", "/private", "/eph"):
        for version in (-1, 7):
            one.call("setData", path=path, data=b"new", version=version)
    for version, data in ((0, b"1"), (0, b"2"), (1, None), (2, b""), (-1, "\u00e9".encode()), (-2, b"")):
        one.call("setData", path="/c/there", data=data, version=version)
    one.call("setData", path="/", data=b"root", version=-1)
    one.call("sync", path=None)
    one.call("sync", path="/\U0001f600")


def _containers(one):
    """deleteContainer as a client may send it, and what is no container."""
    one.create("/box", b"", flags=CONTAINER, op="createContainer")
    one.create("/box/child", b"")
    for path in (*BAD_PATHS, NO_PARENT, "/box", "/eph", "/c/missing", "/zookeeper", "/c/full", "/locked/there"):
        one.call("deleteContainer", path=path)
    one.call("delete", path="/box/child", version=-1)
    one.call("deleteContainer", path="/box")
    one.call("deleteContainer", path="/c/createTTL5-")


def _sub(op, path, flags=PERSISTENT, acl_list=OPEN, **extra):
    return op, {"path": path, "data": b"m", "acl": acl_list, "flags": flags, **extra}


def _set(path, version=-1):
    return "setData", {"path": path, "data": b"multi", "version": version}


def _check(path, version=-1):
    return "check", {"path": path, "version": version}


def _delete(path, version=-1):
    return "delete", {"path": path, "version": version}


def _failing_parts():
    """One part for each way to fail inside a multi, of every sub type."""
    return [_sub("create", "/m"), _sub("create2", NO_PARENT), _sub("create", "/eph/x"), _sub("create", "/locked/x"),
            _sub("create", "/m/x", acl_list=[]), _sub("create", "relative"), _sub("create", "/m/./x"),
            _sub("createContainer", "/c", CONTAINER), _sub("createTTL", "/c", TTL, ttl=5000),
            _sub("createTTL", "/m/x", TTL, ttl=-1), _sub("createTTL", "/m/x", 99, ttl=5000),
            _sub("createTTL", "/m/x", TTL, None, ttl=5000), _set("/missing"), _set("/locked"), _set("/m", 7),
            _set("relative"), _check("/missing"), _check("/private"), _check("/m", 7), _check("/m/"),
            _delete("/missing"), _delete("/c/full"), _delete("/locked/there"), _delete("/m", 7), _delete("/")]


def _multis(one):
    one.create("/m", b"m")
    good = [_sub("create", "/m/s-", SEQUENTIAL), _set("/m"), _sub("create", "/m/new")]
    for bad in _failing_parts():
        for position in (0, 1, 3):
            one.multi(*good[:position], bad, *good[position:])
    one.multi(_sub("create", "/m/a", EPHEMERAL), _sub("create2", "/m/b-", SEQUENTIAL), _set("/m/a", 0), _set("/m/a", 1),
              _check("/m/a", 2), _delete("/m/a", 2), _sub("create2", "/m/a", EPHEMERAL_SEQUENTIAL),
              _sub("createContainer", "/m/c", CONTAINER), _sub("create", "/m/c/x"), _delete("/m/c/x"),
              _sub("create", "/m/by-flag", CONTAINER), _sub("createContainer", "/m/no-container"),
              _sub("createTTL", "/m/t", TTL, ttl=5000), _sub("createTTL", "/m/t-", TTL_SEQUENTIAL, ttl=5000),
              _sub("createTTL", "/m/plain", PERSISTENT, ttl=-1), _sub("createTTL", "/m/box", CONTAINER, ttl=7))
    one.multi(_sub("create", "/m/twice"), _sub("create", "/m/twice"))
    one.multi(_sub("create", "/m/e", EPHEMERAL), _sub("create", "/m/e/x"))
    one.multi(_sub("create", "/m/p"), _sub("create", "/m/p/q"), _delete("/m/p"))
    one.multi(_set("/c/there"), _set("/c/there"), _delete("/c/there"), _sub("create", "/c/there"))
    _multis_that_are_none(one)


def _multis_that_are_none(one):
    """Refused as a whole: each as the only part and behind a good one."""
    get, children = ("getData", {"path": "/m", "watch": False}), ("getChildren", {"path": "/m", "watch": False})
    none = [_sub("create", "/m/x", 7), _sub("create", "/m/x", TTL), _sub("create", "/m/x", acl_list=None),
            _sub("create", None), _sub("createTTL", None, TTL, ttl=5), _set(None), _check(None), _delete(None), get,
            children, ("exists", {"path": "/m", "watch": False}), ("setACL", {"path": "/m", "acl": OPEN, "version": -1}),
            ("deleteContainer", {"path": "/m/c"}), ("closeSession", {}), ("sync", {"path": "/"})]
    for part in none:
        one.multi(part)
        one.multi(_set("/m"), part)
        one.multi(part, _check("/missing"))
    one.multi()
    one.multi(get, children)


def _reads(one, ann):
    one.create("/c/hidden", b"", acl=[acl(READ, "world", "anyone"), acl(ALL, "digest", ANN), acl(ALL, "digest", ":x"),
                                      acl(ALL, "ip", "10.0.0.1")])
    paths = (*BAD_PATHS, "/", "/c", "/c/there", "/c/hidden", "/eph", "/locked", "/private", "/private/child", "/missing",
             "/zookeeper", "/zookeeper/config", "/zookeeper/quota", "/c/createTTL5-", "/c/createContainer4-",
             "/c/\u65e5\u672c")
    for client in (one, ann):
        for path in paths:
            for op in ("exists", "getData", "getChildren", "getChildren2"):
                client.call(op, path=path, watch=False)
            for op in ("getACL", "getAllChildrenNumber"):
                client.call(op, path=path)
        for prefix in (None, "", " ", "/", " / ", "\u3000", "/c", "/m/", "c", "/eph"):
            client.call("getEphemerals", prefixPath=prefix)
        client.call("whoAmI")
        client.multi_read(*(("getData", {"path": path, "watch": True}) for path in paths if path is not None),
                          *(("getChildren", {"path": path, "watch": False}) for path in paths if path is not None))
    one.multi_read()
    for part in (_set("/m"), ("getData", {"path": None, "watch": False}), ("exists", {"path": "/", "watch": False})):
        one.multi_read(("getData", {"path": "/", "watch": False}), part)
    one.call("ping", xid=ops.XID_PING)
    one.call("reconfig", joiningServers=None, leavingServers=None, newMembers=None, curConfigId=-1)


def _cut_bodies(one):
    """Bodies that end too early, at every fifth byte and before the last one; lengths that lie; bytes too many."""
    fields = {"path": "/cut", "data": b"12345", "acl": OPEN, "flags": 0, "ttl": 5, "version": -1, "watch": False,
              "prefixPath": "/", "type": 1, "mode": 0, "relativeZxid": 1, "dataWatches": [], "existWatches": ["/cut"],
              "childWatches": [], "persistentWatches": [], "persistentRecursiveWatches": [], "joiningServers": None,
              "leavingServers": None, "newMembers": None, "curConfigId": -1}
    for name, (code, record, _) in ops.OPS.items():
        if record == "Empty" or name in ("auth", "sasl", "check"):
            continue
        body = jute.encode(record, fields)
        for end in (0, *range(3, len(body) - 1, 5), len(body) - 1):
            one.call_raw(code, body[:end])
    for code in (ops.OPS["create"][0], ops.OPS["setData"][0], ops.OPS["getData"][0]):
        for length in (b"\xff\xff\xff\xfe", b"\x7f\xff\xff\xff", b"\x80\0\0\0"):
            one.call_raw(code, length + b"/cut")
    one.call_raw(ops.OPS["exists"][0], jute.encode("ExistsRequest", {"path": "/c", "watch": False}) + b"more")
    one.call_raw(ops.OPS["setData"][0], jute.encode("SetDataRequest", {"path": "/c", "data": b"", "version": -1}) + b"m")
    body = jute.encode("MultiHeader", {"type": 5, "done": False, "err": -1}) + jute.encode(
        "SetDataRequest", {"path": "/c", "data": b"", "version": -1})
    for end in (0, 4, 9, 12, len(body) - 1, len(body)):
        one.call_raw(ops.MULTI, body[:end])
        one.call_raw(ops.MULTI_READ, body[:end])


def _more_sessions(connect, port):
    """Sessions that end with 0 to 15 ephemerals, so that a hash table of every size lists them; and op code -10."""
    connect(port, "none").close_session()
    for count in (1, 2, 3, 5, 6, 9, 12, 15):
        client = connect(port, f"ephemerals-{count}")
        for number in range(count):
            client.create(f"/c/of-{count}-{number * 7919}", b"", flags=EPHEMERAL_SEQUENTIAL if number % 3 else EPHEMERAL)
        for number in range(0, count, 4):
            client.call("delete", path=f"/c/of-{count}-{number * 7919}", version=-1)
        client.create(f"/locked/of-{count}", b"", flags=EPHEMERAL)
        client.create(f"/of-{count}", b"", flags=EPHEMERAL)
        client.call("getEphemerals", prefixPath="/")
        client.close_session()
    _taken_over(connect, port)
    again = connect(port, "again")
    again.create_session_again(9000)
    again.call_raw(ops.CREATE_SESSION, b"\0")
    again.create("/again", b"", flags=EPHEMERAL)
    again.close_session()


def _taken_over(connect, port):
    """A session closes after another one has deleted its ephemerals and made them again, or not."""
    first, second = connect(port, "first"), connect(port, "second")
    for name in "abc":
        first.create(f"/c/taken-{name}", b"", flags=EPHEMERAL)
    for name in "ab":
        second.call("delete", path=f"/c/taken-{name}", version=-1)
    second.create("/c/taken-a", b"", flags=EPHEMERAL)
    second.create("/c/taken-b", b"")
    first.create("/c/taken-d", b"", flags=EPHEMERAL)
    first.call("setData", path="/c/taken-a", data=b"not mine", version=-1)
    first.close_session()
    second.call("getEphemerals", prefixPath="/")
    second.close_session()


def _many_identities(client):
    """`auth` becomes all identities that are proven, in Java's order."""
    for count, user in enumerate((b"bob:1", b"eve:2", b"bob:1", b"mallory:3", "\u00e9:4".encode(), b"alone", b":", b"")):
        client.add_auth("digest", user)
        client.create(f"/c/identities-{count}", b"", acl=CREATOR_ALL + READ_ONLY + [acl(CREATE, "auth", "x")])
        client.call("whoAmI")
    client.add_auth("ip", b"ignored")
    client.call("whoAmI")
    client.call("getACL", path="/c/identities-7")
    client.close_session()


def _quotas(one):
    """Limits of all kinds on /q and on a path below it; the use is read after each change."""
    one.create("/q", b"12345")
    one.create("/q/before", b"123")
    one.create("/zookeeper/quota/q")
    one.create("/zookeeper/quota/q/zookeeper_limits", b"count=-1,bytes=-1=;byteHardLimit=40;countHardLimit=6")
    one.create("/zookeeper/quota/q/zookeeper_stats", b"count=-1,bytes=-1", op="create2")
    use = "/zookeeper/quota/q/zookeeper_stats"
    for path, data in (("/q/a", b"1234567890"), ("/q/b", None), ("/q/large", bytes(50)), ("/q/c", b""), ("/q/d", b""),
                       ("/q/e", b""), ("/qq", b"other")):
        one.create(path, data)
        one.call("getData", path=use, watch=False)
    for path, data in (("/q/a", bytes(30)), ("/q/a", bytes(20)), ("/q/a", bytes(21)), ("/q/a", None), ("/q", bytes(99))):
        one.call("setData", path=path, data=data, version=7)
        one.call("setData", path=path, data=data, version=-1)
        one.call("getData", path=use, watch=False)
    one.call("delete", path="/q/b", version=-1)
    one.multi(_sub("create", "/q/m1"), _sub("create", "/q/m2"), _sub("create", "/q/m3"))
    one.call("getData", path=use, watch=False)
    one.create("/zookeeper/quota/q/a")
    one.create("/zookeeper/quota/q/a/zookeeper_limits", b"count=1,bytes=1")
    one.create("/zookeeper/quota/q/a/zookeeper_stats", b"count=7,bytes=7")
    one.create("/q/a/below", b"soft limits do not refuse")
    for path in (use, "/zookeeper/quota/q/a/zookeeper_stats"):
        one.call("getData", path=path, watch=False)
    one.call("setData", path="/zookeeper/quota/q/zookeeper_limits", data=b"count=1=;countHardLimit=1", version=-1)
    one.create("/q/over")
    one.call("delete", path="/zookeeper/quota/q/zookeeper_limits", version=-1)
    one.create("/q/free", b"no quota any more")
    one.call("getData", path=use, watch=False)


def _burst(client, *sends):
    """Sends all before it reads the first reply."""
    for send in sends:
        send()
    for _ in sends:
        client.reply()


def _bursts(connect, port):
    """Each request of a burst depends on one that may not be applied yet."""
    client = connect(port, "burst")

    def send(op, **fields):
        return lambda: client.send(op, **fields)

    def create(path, flags=PERSISTENT, op="create"):
        return send(op, path=path, data=b"b", acl=OPEN, flags=flags)

    def multi(*parts):
        return lambda: client.send_multi(*parts)

    def set_data(path, version=-1):
        return send("setData", path=path, data=b"burst", version=version)

    def delete(path, version=-1):
        return send("delete", path=path, version=version)

    _burst(client, create("/b"), create("/b/x"), set_data("/b/x", 0), set_data("/b/x", 1), delete("/b/x", 1),
           delete("/b", -1), delete("/b/x", 2), delete("/b"), create("/b"), create("/b"), set_data("/b", 0))
    _burst(client, *(create("/b/s-", SEQUENTIAL) for _ in range(5)), create("/b/p"), delete("/b/p"),
           *(create("/b/s-", SEQUENTIAL, "create2") for _ in range(3)))
    _burst(client, create("/b/m"), multi(_sub("create", "/b/m/a"), _set("/b/m", 0), _check("/b/m", 1)),
           multi(_sub("create", "/b/m/b"), _sub("create", "/b/m/s-", SEQUENTIAL), _check("/b/m", 9)),
           create("/b/m/b"), multi(_delete("/b/m/a"), _delete("/b/m/b"), _delete("/b/m")), create("/b/m/c"),
           create("/b/m"), send("getData", path="/b/m", watch=False), send("getChildren2", path="/b", watch=False))
    _burst(client, create("/b/fail"), multi(_set("/b/fail"), _delete("/b/fail"), _delete("/b/fail")),
           set_data("/b/fail", 0), multi(_set("/b/fail", 1), _set("/b/missing")), set_data("/b/fail", 1),
           lambda: client.send_raw(ops.OPS["setData"][0], b"\0"), lambda: client.send_raw(ops.MULTI, b"\0"),
           set_data("/b/fail", 2))
    _burst(client, create("/b/e1", EPHEMERAL), create("/b/e1/x"), create("/b/e2", EPHEMERAL), delete("/b/e1"),
           create("/b/e-", EPHEMERAL_SEQUENTIAL), multi(_sub("create", "/b/e3", EPHEMERAL), _delete("/b/e2")),
           send("setACL", path="/b", acl=READ_ONLY, version=0), send("closeSession"))
    client.close()


def _watches(connect, port):
    """Every kind of watch, what fires it, who may hear of it, and what is missed while away."""
    writer = connect(port, "writer")
    watcher = connect(port, "watcher")
    guest = connect(port, "guest")
    writer.add_auth("digest", b"ann:secret")
    watcher.add_auth("digest", b"ann:secret")
    start = writer.create("/w", b"w").zxid
    for name in ("a", "b", "gone", "again"):
        writer.create(f"/w/{name}", b"w")
    writer.create("/w/secret", b"s", acl=CREATOR_ALL)
    for client in (watcher, guest):
        _watch_all(client)
    for path in ("/w/a", "/w/b", "/w/secret", "/w"):
        writer.call("setData", path=path, data=b"1", version=-1)
        writer.call("setData", path=path, data=b"2", version=-1)
    writer.create("/w/new", b"n")
    writer.create("/w/new/deep", b"n", op="create2")
    writer.create("/w/secret/inner", b"s", acl=OPEN)
    writer.create("/w/secret/mine", b"s", acl=CREATOR_ALL)
    writer.multi(_set("/w/b"), _sub("create", "/w/multi"), _delete("/w/gone"), _delete("/w/multi"))
    for path in ("/w/new/deep", "/w/new", "/w/secret/mine", "/w/secret/inner", "/w/secret", "/w/a"):
        writer.call("delete", path=path, version=-1)
    writer.call("setACL", path="/w/b", acl=CREATOR_ALL, version=-1)
    writer.create("/w/eph", b"", flags=EPHEMERAL)
    for client in (watcher, guest):
        client.take_events()
    _remove_watches(watcher)
    writer.call("delete", path="/w/again", version=-1)
    writer.create("/w/again", b"a")
    _set_watches(guest, start)
    writer.close_session()
    for client in (watcher, guest):
        client.take_events()
        client.close_session()


def _watch_all(client):
    for op in ("exists", "getData", "getChildren", "getChildren2"):
        for path in ("/w", "/w/a", "/w/gone", "/w/new", "/w/secret", "/missing", "/w/\0"):
            client.call(op, path=path, watch=True)
    for path, mode in (("/w", 0), ("/w", 1), ("/w/b", 0), ("/w/secret", 0), ("/", 1), ("/w/new", 1), ("/x/\0", 0),
                       ("relative", 1), ("/w", 2), ("/w", -1)):
        client.call("addWatch", path=path, mode=mode)
    for path in ("/w", "/w/a", "/w/b", "/none", "relative", "/", "/x/\0"):
        for kind in range(-1, 7):
            client.call("checkWatches", path=path, type=kind)


def _remove_watches(client):
    for path in ("/w", "/w/b", "/none", "/"):
        for kind in (2, 1, 4, 5, 3, 3, 6):
            client.call("removeWatches", path=path, type=kind)
    for path in ("/w", "/w/again"):
        for kind in (1, 2, 4, 5, 3):
            client.call("checkWatches", path=path, type=kind)


def _set_watches(client, start):
    paths = ["/w", "/w/a", "/w/b", "/w/again", "/c", "/private", "/missing", "relative", "/w/\0"]
    for zxid in (start, 2 ** 62):
        client.call("setWatches", xid=ops.XID_SET_WATCHES, relativeZxid=zxid, dataWatches=paths, existWatches=paths,
                    childWatches=paths)
    client.call("setWatches2", xid=ops.XID_SET_WATCHES, relativeZxid=start, dataWatches=paths[1:3], existWatches=paths,
                childWatches=paths[2:4], persistentWatches=paths, persistentRecursiveWatches=["/c", "/w/again"])
    client.call("setWatches2", xid=ops.XID_SET_WATCHES, relativeZxid=start, dataWatches=[], existWatches=None,
                childWatches=[], persistentWatches=[], persistentRecursiveWatches=[])
    client.call("setWatches", xid=ops.XID_SET_WATCHES, relativeZxid=start, dataWatches=["/w/a", None, "/w/b"],
                existWatches=["/w"], childWatches=[])
    client.call("setWatches2", xid=ops.XID_SET_WATCHES, relativeZxid=start, dataWatches=["/w/b"], existWatches=["/w"],
                childWatches=["/c", None], persistentWatches=["/c/there"], persistentRecursiveWatches=[])
    for kind in (2, 4):
        client.call("checkWatches", path="/c/there", type=kind)
    for op, fields in (("exists", {"watch": True}), ("addWatch", {"mode": 0}), ("checkWatches", {"type": 4}),
                       ("removeWatches", {"type": 3}), ("removeWatches", {"type": 3}), ("addWatch", {"mode": 1})):
        client.call(op, path=None, **fields)
    client.take_events()


def _as_super(boss):
    """The super user passes every list."""
    boss.call("whoAmI")
    boss.call("getACL", path="/private")
    boss.create("/private/by-super", b"", acl=CREATOR_ALL)
    boss.call("getACL", path="/private/by-super")
    boss.call("setACL", path="/private", acl=[acl(READ, "world", "anyone")], version=-1)
    boss.call("setData", path="/zookeeper/config", data=b"server.1=h:1:2", version=-1)
    boss.call("setData", path="/zookeeper/config", data=b"", version=-1)
    boss.call("getData", path="/zookeeper/config", watch=False)
    boss.call("delete", path="/private/child", version=-1)
    boss.call("getAllChildrenNumber", path="/")


class Overflow:
    """A history on a parent whose counter of children is near its end. `begin`, a stop, `near_the_end`, a start, `play`."""

    COUNT = 2 ** 31 - 3

    def __init__(self, connect):
        self._connect = connect
        self.live = {}
        self.closed = []

    def begin(self, port):
        """Its last txn makes /seq/first."""
        client = self._connect(port, "before")
        client.create("/seq")
        client.create("/seq/first")
        client.cut()
        self.live["before"] = client.session

    def near_the_end(self, log):
        """Has the last txn of a log say that /seq counts `COUNT` children; its digest, wrong now, is left out."""
        disk.change_last_record(log, lambda data: data[:-16] + jute.encode("int", self.COUNT))

    def play(self, port):
        client = self._connect(port, "over")
        for op in ("create", "create2", "create"):
            client.create("/seq/n-", flags=SEQUENTIAL, op=op)
            client.call("getChildren2", path="/seq", watch=False)
        client.create("/seq/n-", flags=SEQUENTIAL)
        client.create("/seq/other")
        client.call("exists", path="/seq", watch=False)
        client.call("delete", path="/seq/n-2147483647", version=-1)
        client.call("exists", path="/seq", watch=False)
        client.multi(*[_sub("create", "/seq/m-", SEQUENTIAL) for _ in range(3)])
        client.call("getChildren2", path="/seq", watch=False)
        client.multi(*[_sub("create", "/seq/m-", SEQUENTIAL) for _ in range(2)])
        client.create("/seq/last-", flags=SEQUENTIAL)
        client.call("getChildren2", path="/seq", watch=False)
        client.close_session()
        self.closed.append(client.session)
