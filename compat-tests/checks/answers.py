"""The same requests to two fresh servers: the subject answers each as Apache 3.9.5 does.

Nothing here says what is right; Apache does. Left out is what Apache answers by chance: requests behind one that ends
the connection, and writes pipelined behind a setACL of the same path.
"""

from concurrent.futures import ThreadPoolExecutor

from ironlab import history, ops
from ironlab.ops import ADMIN, ALL, CREATE, DELETE, READ, WRITE, acl
from ironlab.server import SUPER_AUTH, Server
from ironlab.transcript import Transcript

NAME = "answers"
ORACLE = "apache-3.9.5"

SETTINGS = {
    "by default": {},
    "with extended types and quotas": {"zookeeper.extendedTypesEnabled": "true", "zookeeper.enforceQuota": "true"},
}

BAD_PATHS = ["", "relative", "/", "//", "/p/", "/p//x", "/p/./x", "/p/../x", "/p/.", "/p/..", "/p/\0", "/p/\x01",
             "/p/\x7f", "/p/\ud7ff", "/p/\uf8ff", "/p/\ufff0", "/p/\u00e9", "/none/x", "/p/eph/x", "/p", "/p/x y"]


def run(report, kind):
    for setting, properties in SETTINGS.items():
        with ThreadPoolExecutor(2) as pool:
            theirs, ours = pool.map(lambda side: _play(side, properties), (ORACLE, kind))
        for name, expected in theirs.items():
            with report.check(NAME, kind, f"{name.replace('_', ' ')} {setting}"):
                _compare(expected, ours[name])


def _play(kind, properties):
    """All scenarios on one fresh server, in order: {name: lines}."""
    with Server(kind, "tickTime=2000", properties) as server:
        lines = {}
        for scenario in SCENARIOS:
            transcript = Transcript(server.port)
            scenario(transcript)
            transcript.end()
            lines[scenario.__name__] = transcript.lines
        return lines


def _compare(expected, actual):
    wrong = [f"{ORACLE}: {one}\n  subject: {two}" for one, two in zip(expected, actual) if one != two]
    assert not wrong, f"{len(wrong)} of {len(expected)} answers differ:\n" + "\n".join(wrong[:5])


def creates_with_odd_paths(play):
    a = play.client("a")
    a.create("/p")
    a.create("/p/eph", flags=ops.EPHEMERAL)
    for op in ("create", "create2"):
        for flags in (ops.PERSISTENT, ops.SEQUENTIAL):
            for path in BAD_PATHS:
                a.create(path, flags=flags, op=op)
    a.call("getChildren2", path="/p", watch=False)


def creates_with_each_flag(play):
    a = play.client("a")
    a.create("/flags")
    for flags in range(-1, 8):
        for op in ("create", "create2"):
            a.create(f"/flags/{op}{flags}", flags=flags, op=op)
    for flags in (ops.CONTAINER, ops.PERSISTENT):
        a.create(f"/flags/container{flags}", flags=flags, op="createContainer")
    for flags in (ops.TTL, ops.TTL_SEQUENTIAL):
        for ttl in (1 << 40, (1 << 40) - 1, 3600000, 0, -1):
            a.create(f"/flags/ttl{flags}-{ttl}", flags=flags, op="createTTL", ttl=ttl)
    a.call("getChildren2", path="/flags", watch=False)


def which_error_of_a_create_wins(play):
    a = play.client("a")
    a.create("/wins", acl=ops.READ_ONLY)
    a.create("/wins-open")
    a.create("/wins-open/eph", flags=ops.EPHEMERAL)
    nobody = [acl(ALL, "world", "nobody")]
    for path in ("/none/x", "/wins/x", "relative", "/wins-open", "/wins-open/eph/x", "/wins/\x01"):
        for entries in (None, [], nobody):
            for flags in (ops.PERSISTENT, ops.SEQUENTIAL, 9):
                a.create(path, acl=entries, flags=flags)


def deletes_and_their_errors(play):
    a = play.client("a")
    a.create("/d")
    a.create("/d/child")
    a.create("/d-closed", acl=ops.READ_ONLY)
    for path in ("/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config", "", "relative", "/d/", "/d//x", "/none",
                 "/none/x", "/d", "/d-closed/x", "/d/\0", "/d/\x01"):
        for version in (-1, 7):
            a.call("delete", path=path, version=version)
    a.call("delete", path="/d/child", version=-2)
    a.call("delete", path="/d/child", version=0)
    a.call("delete", path="/d/child", version=-1)
    a.call("exists", path="/d", watch=False)


def set_data_and_its_errors(play):
    a = play.client("a")
    a.create("/s")
    a.create("/s-closed", acl=ops.READ_ONLY)
    for path in ("/s", "/s-closed", "/none", "", "relative", "/s/", "/s//x", "/", "/zookeeper", "/zookeeper/config"):
        for version in (7, -1):
            a.call("setData", path=path, data=b"data", version=version)
    for version, data in ((1, None), (2, b""), (3, b"x" * 2000), (-2, b"y")):
        a.call("setData", path="/s", data=data, version=version)
        a.call("getData", path="/s", watch=False)


def set_acl_and_its_errors(play):
    a = play.client("a")
    a.create("/acl")
    a.create("/acl-closed", acl=ops.READ_ONLY)
    for path in ("/acl", "/acl-closed", "/none", "", "relative", "/acl/", "/zookeeper/config"):
        for entries in ([], ops.OPEN):
            for version in (7, -1):
                a.call("setACL", path=path, acl=entries, version=version)
    a.call("getACL", path="/acl")


def acl_entries_that_are_taken_or_refused(play):
    a, b = play.client("a"), play.client("b")
    b.add_auth("digest", b"bob:pw")
    entries = [("world", "anyone"), ("world", "someone"), ("world", ""), ("world", None), ("ip", "127.0.0.1"),
               ("ip", "10.0.0.0/8"), ("ip", "10.0.0.0/33"), ("ip", "10.0.0.0/-1"), ("ip", "10.0.0"), ("ip", "::1"),
               ("ip", "300.1.1.1"), ("ip", "1.2.3.4/x"), ("digest", "user:hash"), ("digest", "user"),
               ("digest", "a:b:c"), ("digest", ""), ("auth", ""), ("auth", "ignored"), ("super", "x"), ("sasl", "joe"),
               ("x509", "CN=joe"), ("nosuch", "x"), ("", ""), (None, "x")]
    for client, name in ((a, "a"), (b, "b")):
        for number, (scheme, ident) in enumerate(entries):
            path = f"/entries-{name}-{number}"
            client.create(path, acl=[acl(ALL, scheme, ident)])
            client.call("getACL", path=path)
    for perms in (0, -1, 32, 63, 1 << 30):
        a.create(f"/perms{perms}", acl=[acl(perms, "world", "anyone")])
        a.call("getACL", path=f"/perms{perms}")
    a.create("/doubled", acl=ops.OPEN + ops.READ_ONLY + ops.OPEN)
    a.call("getACL", path="/doubled")
    a.create("/null-list")
    a.call("setACL", path="/null-list", acl=None, version=-1)


def what_each_permission_allows(play):
    a, b = play.client("a"), play.client("b")
    for perms in (READ, WRITE, CREATE, DELETE, ADMIN, READ | ADMIN, ALL & ~READ):
        path = f"/perm{perms}"
        a.create(path, b"data")
        a.create(f"{path}/child")
        a.call("setACL", path=path, acl=[acl(perms, "world", "anyone")], version=-1)
        _use(b, path)


def _use(client, path):
    for op in ("exists", "getData", "getChildren", "getChildren2"):
        client.call(op, path=path, watch=False)
    client.call("getACL", path=path)
    client.call("getAllChildrenNumber", path=path)
    client.call("setData", path=path, data=b"x", version=-1)
    client.create(f"{path}/new")
    client.call("delete", path=f"{path}/child", version=-1)
    client.multi(("check", {"path": path, "version": -1}))
    client.multi_read(("getData", {"path": path, "watch": False}), ("getChildren", {"path": path, "watch": False}))
    client.call("setACL", path=path, acl=ops.READ_ONLY, version=-1)


def digests_are_hidden_and_super_sees_all(play):
    ann, stranger, boss = play.client("ann"), play.client("stranger"), play.client("boss")
    ann.add_auth("digest", b"ann:secret")
    boss.add_auth("digest", SUPER_AUTH)
    hidden = [acl(ALL, "digest", history.digest_id("ann", "secret")), acl(READ, "world", "anyone"),
              acl(READ, "digest", history.digest_id("bob", "pw"))]
    ann.create("/hidden", acl=hidden)
    ann.create("/closed", acl=ops.CREATOR_ALL)
    for client in (ann, stranger, boss):
        for path in ("/hidden", "/closed"):
            client.call("getACL", path=path)
            client.call("getData", path=path, watch=False)
        client.call("whoAmI")
    boss.call("setACL", path="/closed", acl=ops.READ_ONLY, version=0)
    boss.call("delete", path="/hidden", version=-1)


def auth_schemes(play):
    for scheme in ("digest", "ip", "world", "sasl", "nosuch", "", "super"):
        for credentials in (b"user:password", b"user", b"", None):
            client = play.client(f"{scheme} {credentials}")
            client.add_auth(scheme, credentials)
            client.call("whoAmI")
            client.close_session()


def reads_of_odd_paths(play):
    a = play.client("a")
    for path in ("", "abc", "/a//b", "/none", "/\0", "/", "/zookeeper/config", None):
        for op in ("exists", "getData", "getChildren", "getChildren2"):
            a.call(op, path=path, watch=False)
    for path in ("", "abc", "/none", "/", None):
        a.call("getACL", path=path)
        a.call("getAllChildrenNumber", path=path)
        a.call("sync", path=path)
    for prefix in ("/", "", None, "  ", "/none"):
        a.call("getEphemerals", prefixPath=prefix)


def stats_and_suffixes(play):
    a = play.client("a")
    a.create("/st", b"12")
    for name in ("a", "b", "c"):
        a.create(f"/st/{name}")
    a.call("delete", path="/st/b", version=-1)
    a.create("/st/n-", flags=ops.SEQUENTIAL)
    a.call("delete", path="/st/n-0000000003", version=-1)
    a.create("/st/n-", flags=ops.EPHEMERAL_SEQUENTIAL, op="create2")
    a.call("setData", path="/st/a", data=b"x", version=-1)
    a.call("setACL", path="/st", acl=ops.OPEN, version=-1)
    for path in ("/st", "/st/a", "/st/n-0000000004", "/"):
        a.call("exists", path=path, watch=False)
    a.create("/st/container", flags=ops.CONTAINER, op="createContainer")
    a.call("exists", path="/st/container", watch=False)
    a.call("getEphemerals", prefixPath="/st")


def multis(play):
    a = play.client("a")
    a.create("/m")
    a.create("/m-closed", acl=ops.READ_ONLY)
    make = {"data": b"", "acl": ops.OPEN, "flags": 0}
    a.multi()
    a.multi(("create", {**make, "path": "/m/a"}), ("create2", {**make, "path": "/m/b"}),
            ("setData", {"path": "/m/a", "data": b"1", "version": 0}), ("check", {"path": "/m/a", "version": 1}),
            ("delete", {"path": "/m/b", "version": 0}))
    a.multi(("create", {**make, "path": "/m/s-", "flags": 2}), ("create2", {**make, "path": "/m/s-", "flags": 3}),
            ("createContainer", {**make, "path": "/m/c", "flags": 4}))
    a.multi(("createTTL", {**make, "path": "/m/t", "flags": 5, "ttl": 3600000}))
    a.multi(("create", {**make, "path": "/m/x"}), ("create", {**make, "path": "/m/x/y"}),
            ("delete", {"path": "/m/x/y", "version": -1}), ("delete", {"path": "/m/x", "version": -1}))
    a.multi(("create", {**make, "path": "/m/e", "flags": 1}), ("create", {**make, "path": "/m/e/below"}))
    a.multi(("delete", {"path": "/m/a", "version": -1}), ("create", {**make, "path": "/m/a"}))
    for bad in (("create", {**make, "path": "/m"}), ("create", {**make, "path": "/none/x"}),
                ("create", {**make, "path": "/m/q", "flags": 9}), ("create", {**make, "path": "/m/q", "acl": []}),
                ("create", {**make, "path": "/m-closed/q"}), ("delete", {"path": "/m", "version": -1}),
                ("delete", {"path": "/", "version": -1}), ("check", {"path": "/m", "version": 9}),
                ("check", {"path": "/none", "version": -1}), ("check", {"path": "relative", "version": -1}),
                ("setData", {"path": "/m-closed", "data": b"", "version": -1}),
                ("setACL", {"path": "/m", "acl": ops.OPEN, "version": -1}),
                ("getData", {"path": "/m", "watch": False}), ("sync", {"path": "/m"})):
        a.multi(bad)
        a.multi(("create", {**make, "path": "/m/first"}), bad, ("setData", {"path": "/m", "data": b"", "version": -1}))
    a.call("getChildren2", path="/m", watch=False)


def multi_reads(play):
    a = play.client("a")
    a.create("/mr", b"data")
    a.create("/mr/closed", acl=[acl(WRITE, "world", "anyone")])
    a.multi_read()
    a.multi_read(("getData", {"path": "/mr", "watch": True}), ("getChildren", {"path": "/mr", "watch": True}),
                 ("getData", {"path": "/none", "watch": False}), ("getData", {"path": "/mr/closed", "watch": False}),
                 ("getChildren", {"path": "/mr/closed", "watch": False}), ("getData", {"path": "rel", "watch": False}))
    a.multi_read(("exists", {"path": "/mr", "watch": False}))
    a.multi_read(("setData", {"path": "/mr", "data": b"", "version": -1}))
    a.call("setData", path="/mr", data=b"changed", version=-1)
    a.hear()


def one_shot_watches(play):
    a, b = play.client("a"), play.client("b")
    b.create("/ow")
    for change in _changes("/ow"):
        for op, path in (("exists", "/ow/n"), ("getData", "/ow/n"), ("getChildren", "/ow/n"), ("getChildren2", "/ow"),
                         ("exists", "/ow/n/deep")):
            a.call(op, path=path, watch=True)
        change(b)
        a.hear()
    a.call("exists", path="/ow", watch=True)
    a.call("setData", path="/ow", data=b"own", version=-1)
    a.hear()


def persistent_watches(play):
    a, b = play.client("a"), play.client("b")
    b.create("/pw")
    for mode in (0, 1):
        a.call("addWatch", path="/pw", mode=mode)
        for change in _changes("/pw"):
            change(b)
            a.hear()
        b.call("setData", path="/pw", data=b"", version=-1)
        a.hear()
        a.call("removeWatches", path="/pw", type=4 + mode)
        b.call("setData", path="/pw", data=b"unheard", version=-1)
        a.hear()
    a.call("addWatch", path="/", mode=1)
    b.create("/pw/under-root")
    a.hear()
    a.call("addWatch", path="/pw", mode=0)
    a.call("addWatch", path="/pw", mode=1)
    a.call("getData", path="/pw", watch=True)
    b.call("setData", path="/pw", data=b"all modes", version=-1)
    a.hear()
    for mode in (-1, 2, 7):
        a.call("addWatch", path="/pw", mode=mode)
    for path in ("", "relative", "/pw/"):
        a.call("addWatch", path=path, mode=1)


def _changes(parent):
    """What may happen to a node and its child."""
    node, child = f"{parent}/n", f"{parent}/n/deep"
    return [lambda client: client.create(node, b"1"),
            lambda client: client.call("setData", path=node, data=b"2", version=-1),
            lambda client: client.call("setACL", path=node, acl=ops.OPEN, version=-1),
            lambda client: client.create(child),
            lambda client: client.call("setData", path=child, data=b"2", version=-1),
            lambda client: client.call("delete", path=child, version=-1),
            lambda client: client.call("delete", path=node, version=-1),
            lambda client: client.multi(("create", {"path": node, "data": b"", "acl": ops.OPEN, "flags": 0}),
                                        ("setData", {"path": node, "data": b"m", "version": 0}),
                                        ("delete", {"path": node, "version": 1}))]


def check_and_remove_watches(play):
    a, b = play.client("a"), play.client("b")
    b.create("/cw")
    for kind in range(0, 7):
        a.call("checkWatches", path="/cw", type=kind)
        a.call("removeWatches", path="/cw", type=kind)
    for kind in range(1, 6):
        _watch_in_all_ways(a, "/cw")
        for asked in range(1, 6):
            a.call("checkWatches", path="/cw", type=asked)
        a.call("removeWatches", path="/cw", type=kind)
        for asked in range(1, 6):
            a.call("checkWatches", path="/cw", type=asked)
        b.call("setData", path="/cw", data=b"", version=-1)
        b.create(f"/cw/{kind}")
        a.hear()
        a.call("removeWatches", path="/cw", type=3)
    a.call("checkWatches", path="relative", type=1)


def _watch_in_all_ways(client, path):
    client.call("getData", path=path, watch=True)
    client.call("getChildren", path=path, watch=True)
    client.call("addWatch", path=path, mode=0)
    client.call("addWatch", path=path, mode=1)


def who_may_see_an_event(play):
    ann, stranger = play.client("ann"), play.client("stranger")
    ann.add_auth("digest", b"ann:secret")
    ann.create("/see")
    for number, entries in enumerate((ops.CREATOR_ALL, ops.OPEN)):
        path = f"/see/{number}"
        for client in (ann, stranger):
            client.call("addWatch", path="/see", mode=1)
            client.call("exists", path=path, watch=True)
            client.call("getChildren", path="/see", watch=True)
        ann.create(path, acl=entries)
        ann.call("setData", path=path, data=b"x", version=-1)
        stranger.call("getData", path=path, watch=True)
        ann.call("delete", path=path, version=-1)
        for client in (ann, stranger):
            client.hear()


def set_watches_of_all_kinds(play):
    a, b = play.client("a"), play.client("b")
    b.create("/sw")
    b.create("/sw/changed")
    b.create("/sw/same")
    b.call("setData", path="/sw/changed", data=b"x", version=-1)
    paths = ["/sw", "/sw/changed", "/sw/same", "/sw/none", "relative"]
    for version in (1, 2):
        for zxid in (0, 1 << 40):
            a.set_watches(zxid, version, dataWatches=paths, existWatches=paths, childWatches=paths)
            a.hear()
            b.call("setData", path="/sw/same", data=b"", version=-1)
            b.create(f"/sw/{version}-{zxid}")
            a.hear()
    a.set_watches(1 << 40, persistentWatches=["/sw"], persistentRecursiveWatches=["/sw/same", "/sw/none"])
    b.call("setData", path="/sw/same", data=b"", version=-1)
    b.create("/sw/none")
    a.hear()
    a.set_watches(0, 1)


def ephemerals_of_a_closed_session(play):
    a, b = play.client("a"), play.client("b")
    a.create("/ec")
    a.call("addWatch", path="/ec", mode=1)
    for name in ("x", "y", "z"):
        b.create(f"/ec/{name}", flags=ops.EPHEMERAL)
    a.call("exists", path="/ec/x", watch=False)
    b.call("delete", path="/ec/z", version=-1)
    b.call("getEphemerals", prefixPath="/ec")
    b.close_session()
    a.hear()
    a.call("getChildren2", path="/ec", watch=False)


def quotas(play):
    a = play.client("a")
    a.create("/qt", b"1234")
    a.create("/zookeeper/quota/qt")
    a.create("/zookeeper/quota/qt/zookeeper_limits", b"count=3,bytes=20=;byteHardLimit=30;countHardLimit=4")
    a.create("/zookeeper/quota/qt/zookeeper_stats", b"count=0,bytes=0")
    stats = "/zookeeper/quota/qt/zookeeper_stats"
    a.call("getData", path=stats, watch=False)
    for number in range(5):
        a.create(f"/qt/{number}", b"12345")
        a.call("getData", path=stats, watch=False)
    for size in (26, 0, 12, 400):
        a.call("setData", path="/qt", data=b"x" * size, version=-1)
        a.call("getData", path=stats, watch=False)
    a.create("/qt/1/deep", b"123")
    a.call("delete", path="/qt/0", version=-1)
    a.call("setData", path="/qt/1", data=None, version=-1)
    a.call("getData", path=stats, watch=False)
    a.multi(("create", {"path": "/qt/m", "data": b"m" * 50, "acl": ops.OPEN, "flags": 0}))
    a.call("delete", path="/zookeeper/quota/qt/zookeeper_limits", version=-1)
    a.create("/qt/free", b"f" * 50)
    a.call("getData", path=stats, watch=False)


def requests_that_no_standalone_server_takes(play):
    a = play.client("a")
    a.call("reconfig", joiningServers="server.1=a:1:2;3", leavingServers=None, newMembers=None, curConfigId=-1)
    a.raw(ops.OPS["setData"][0], b"\0")
    a.raw(ops.MULTI, b"\0")
    a.raw(ops.MULTI_READ, b"\0")
    for code in (0, -1, 10, 13, 14 << 8, 23, 99, 108, -12):
        play.client(f"op {code}").raw(code, b"\0\0\0\x01/\xff\xff\xff\xff")


SCENARIOS = [
    creates_with_odd_paths, creates_with_each_flag, which_error_of_a_create_wins, deletes_and_their_errors,
    set_data_and_its_errors, set_acl_and_its_errors, acl_entries_that_are_taken_or_refused,
    what_each_permission_allows, digests_are_hidden_and_super_sees_all, auth_schemes, reads_of_odd_paths,
    stats_and_suffixes, multis, multi_reads, one_shot_watches, persistent_watches, check_and_remove_watches,
    who_may_see_an_event, set_watches_of_all_kinds, ephemerals_of_a_closed_session, quotas,
    requests_that_no_standalone_server_takes,
]
