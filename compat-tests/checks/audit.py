"""The audit log, `audit.enable`: the same history on Apache 3.9.5 and on the subject leaves the same lines, field by field."""

import re
from contextlib import ExitStack

from ironlab import ops
from ironlab.members import Members
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client

NAME = "audit"
ORACLE = "apache-3.9.5"
SETTINGS = "tickTime=500\nmaxSessionTimeout=60000\naudit.enable=true\nextendedTypesEnabled=true\n"
ENSEMBLE = f"{SETTINGS}initLimit=20\nsyncLimit=10"
SHORT_MS = 1500
NOBODY = "ephemeralZNodeDeletionOnSessionCloseOrExpire"


def run(report, kind):
    for check in CHECKS:
        with report.check(NAME, kind, check.__name__.replace("_", " ")):
            check(kind)


def the_lines_of_one_history_are_apaches(kind):
    theirs, ours = _alone(ORACLE), _alone(kind)
    for name, lines in theirs.items():
        equal(ours[name], lines, f"lines of: {name}")
    assert any("result=failure" in line for line in theirs["refused"]), theirs["refused"]


def the_lines_of_a_leader_and_its_follower_are_apaches(kind):
    theirs, ours = _ensemble(ORACLE), _ensemble(kind)
    for role, lines in theirs.items():
        equal(ours[role], lines, f"lines of the {role}")
    assert any(NOBODY in line for line in theirs["leader"]), theirs["leader"]


def a_start_that_fails_has_a_line(kind):
    with Server(kind, SETTINGS) as first:
        second = Server(kind, SETTINGS)
        second.port = first.port
        try:
            second.launch()
            second.wait()
            equal(_lines(second), ["ERROR user=root\toperation=serverStart\tresult=failure"], "lines")
        finally:
            second.close()


def without_the_key_there_is_no_line(kind):
    with Server(kind) as server, Client(server.port) as client:
        client.create("/a")
        equal(_lines(server), [], "lines")


def _alone(kind):
    """The lines that each step leaves, by its name."""
    found = {}
    with Server(kind, SETTINGS) as server:
        server.wait_for(lambda: _lines(server), "the line of the start")
        found["start"] = _lines(server)
        for step in STEPS:
            before = len(_lines(server))
            step(server)
            found[step.__name__.strip("_")] = _named_by_order(_lines(server)[before:])
        before = len(_lines(server))
        server.stop()
        found["stop"] = _lines(server)[before:]
    return found


def _created(server):
    with Client(server.port) as client:
        for mode in (ops.PERSISTENT, ops.EPHEMERAL, ops.SEQUENTIAL, ops.EPHEMERAL_SEQUENTIAL):
            for op in ("create", "create2"):
                equal(client.create(f"/{op}-{mode}-", flags=mode, op=op).err, ops.OK, "create")
        client.create("/container", flags=ops.CONTAINER, op="createContainer")
        client.create("/ttl", flags=ops.TTL, op="createTTL", ttl=3_600_000)
        client.create("/ttl-", flags=ops.TTL_SEQUENTIAL, op="createTTL", ttl=3_600_000)
        client.close_session()


def _changed(server):
    with Client(server.port) as client:
        client.create("/changed")
        client.call("setData", path="/changed", data=b"x", version=-1)
        client.call("getData", path="/changed", watch=False)
        client.call("sync", path="/changed")
        acl = [ops.acl(ops.ALL, "world", "anyone"), ops.acl(ops.READ, "ip", "127.0.0.1")]
        client.call("setACL", path="/changed", acl=acl, version=-1)
        client.call("delete", path="/changed", version=-1)
        client.close_session()


def _refused(server):
    with Client(server.port) as client:
        client.create("/refused")
        client.create("/refused")
        client.create("/no/parent", flags=ops.SEQUENTIAL)
        client.create("no-slash", op="create2")
        client.create("/flags", flags=77)
        client.create("/ttl-out-of-range", flags=ops.TTL, op="createTTL", ttl=-1)
        client.create("/invalid", acl=[ops.acl(ops.ALL, "auth", "")], flags=ops.CONTAINER, op="createContainer")
        client.call("setData", path="/nobody", data=b"", version=-1)
        client.call("setData", path="/refused", data=b"", version=7)
        client.call("setACL", path="/refused", acl=ops.OPEN, version=7)
        client.call("setACL", path="/nobody", acl=ops.READ_ONLY, version=-1)
        client.call("delete", path="/nobody", version=-1)
        client.call("delete", path="/refused", version=7)
        client.call("deleteContainer", path="/refused")
        client.call("reconfig", joiningServers=None, leavingServers=None, newMembers="server.1=x:1:2", curConfigId=-1)
        client.close_session()


def _multis(server):
    create = ("create", {"path": "/multi", "data": b"", "acl": ops.OPEN, "flags": ops.EPHEMERAL})
    ordered = ("create2", {"path": "/multi-", "data": b"", "acl": ops.OPEN, "flags": ops.SEQUENTIAL})
    container = ("createContainer", {"path": "/multi-container", "data": b"", "acl": ops.OPEN, "flags": ops.CONTAINER})
    ttl = ("createTTL", {"path": "/multi-ttl", "data": b"", "acl": ops.OPEN, "flags": ops.TTL, "ttl": 3_600_000})
    change = ("setData", {"path": "/multi", "data": b"x", "version": -1})
    check = ("check", {"path": "/multi", "version": -1})
    delete = ("delete", {"path": "/multi", "version": -1})
    with Client(server.port) as client:
        equal(client.multi(create, ordered, container, ttl, change, check, delete).err, ops.OK, "multi")
        client.multi(create, create)
        client.multi(check)
        client.multi()
        client.multi(("create", {"path": "/multi-flags", "data": b"", "acl": ops.OPEN, "flags": 77}))
        client.close_session()


def _by_a_user(server):
    with Client(server.port) as client:
        client.add_auth("digest", b"bob:secret")
        client.create("/of-bob", acl=ops.CREATOR_ALL)
        client.add_auth("digest", b"super:test")
        client.create("/of-bob-and-super")
        client.close_session()
    with Client(server.port) as client:
        client.create("/of-bob/by-a-stranger")
        client.close_session()


def _sessions(server):
    """One that is closed and one that expires, with ephemerals; one without."""
    with Client(server.port) as closed, Client(server.port, timeout_ms=SHORT_MS) as left:
        for name, client in (("closed", closed), ("left", left)):
            for number in range(3):
                client.create(f"/{name}-{number}", flags=ops.EPHEMERAL)
        closed.close_session()
        with Client(server.port) as watching:
            if watching.call("exists", path="/left-0", watch=True).err == ops.OK:
                watching.event()
            server.wait_for(lambda: sum(NOBODY in line and "/left-" in line for line in _lines(server)) == 3, "three lines")
            watching.close_session()


STEPS = [_created, _changed, _refused, _multis, _by_a_user, _sessions]


def _ensemble(kind):
    """The lines of each role after a history on the follower."""
    members = Members([1, 2], settings=ENSEMBLE)
    with ExitStack() as stack:
        servers = [members.server(kind, sid) for sid in members.sids]
        for server in servers:
            stack.callback(server.close)
            server.launch()
        for server in servers:
            server.wait_until_serving()
        by_role = {"follower" if "Mode: follower" in server.ask("srvr") else "leader": server for server in servers}
        follower, leader = by_role["follower"], by_role["leader"]
        _changed(follower)
        _refused(follower)
        _multis(follower)
        with Client(follower.port) as client:
            client.create("/gone", flags=ops.EPHEMERAL)
            client.close_session()
        leader.wait_for(lambda: any("/gone" in line for line in _lines(leader)), "the ephemeral's line")
        for server in servers:
            server.stop()
        return {role: _named_by_order(_lines(server)) for role, server in by_role.items()}


def _lines(server):
    """`LEVEL fields` of the audit's lines, in their order."""
    found = re.findall(r"^.* (INFO|ERROR)\s+\S*Slf4jAuditLogger(?:@\d+\])? - (.*)$", server.log(), re.MULTILINE)
    return [f"{level} {text}" for level, text in found]


def _named_by_order(lines):
    """Sessions by the order in which they come; the ephemerals of one, which Apache has in a set, by their names."""
    names = {}

    def name(match):
        return names.setdefault(match.group(), f"session={len(names)}")
    named = [re.sub(r"session=0x[0-9a-f]+", name, line) for line in lines]
    ephemerals = iter(sorted(line for line in named if NOBODY in line))
    return [next(ephemerals) if NOBODY in line else line for line in named]


CHECKS = [
    the_lines_of_one_history_are_apaches,
    the_lines_of_a_leader_and_its_follower_are_apaches,
    a_start_that_fails_has_a_line,
    without_the_key_there_is_no_line,
]
