"""What Apache does not guard against: a disk or a memory that runs full, requests that are slow. The checks are about ironkeeper alone.

They mount small disks, in a process of their own.
"""

import re
import shutil
import sys
import urllib.request
from contextlib import contextmanager

from ironlab import apart, disk, mounts, ops, ports, rundir
from ironlab.ensemble import Ensemble
from ironlab.members import Members
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client

NAME = "guards"
OURS = "ironkeeper"
SYSTEM_ERROR = -1
FAST = "tickTime=500\nmaxSessionTimeout=60000\npreAllocSize=16\n"
LOGS = FAST + "ironkeeper.disk.warnBelowMiB=12\nironkeeper.disk.refuseBelowMiB=6\nironkeeper.disk.purgeWhenLow={}\n"
ENSEMBLE = f"{FAST}initLimit=20\nsyncLimit=10"
NO_ROOM = "ironkeeper.memory.limitMiB=1\n"
UNEXPECTED = 1
LARGE = b"x" * 500_000


def run(report, kind):
    if kind == OURS:
        apart.run(report, NAME, kind, __name__, apart.MOUNTS)


def main(kind):
    return apart.played(lambda report: report.run(NAME, kind, CHECKS, kind))


def a_disk_that_runs_full_is_warned_of_and_then_writes_are_refused(kind):
    """What makes room, reads, and sessions go on; when there is room, so do writes."""
    with mounts.small_disk(24) as small, Server(kind, LOGS.format("false"), data=small / "data") as server:
        filler = small / "filler"
        filler.write_bytes(b"f" * (8 << 20))
        with Client(server.port) as client:
            client.create("/a")
            acked = _fill(client)
            assert acked > 3, f"{acked} writes"
            log = server.log()
            warned, refused = (log.index(text) for text in ("(ironkeeper.disk.warnBelowMiB)", "writes are refused: "))
            assert warned < refused, log
            _only_what_grows_is_refused(client)
            client.close_session()
        with Client(server.port) as client:
            equal(client.call("getData", path="/kept", watch=False).err, ops.OK, "getData of a new session")
            filler.unlink()
            server.wait_for(lambda: "writes are taken again" in server.log(), "the disk has room again")
            equal(client.create("/again").err, ops.OK, "create")
            client.close_session()
        equal(server.log().count("writes are refused: "), 1, "lines about it")
        server.kill()
        server.start()
        with Client(server.port) as client:
            equal(client.call("exists", path=f"/large-{acked - 1}", watch=False).err, ops.OK, "the last write")


def _fill(client):
    """Writes until one is refused; how many were not."""
    equal(client.create("/kept").err, ops.OK, "create")
    for number in range(100):
        reply = client.create(f"/large-{number}", LARGE)
        if reply.err != ops.OK:
            equal(reply.err, SYSTEM_ERROR, "the refusal")
            return number
    raise AssertionError("no write was refused")


def _only_what_grows_is_refused(client):
    client.call("exists", path="/", watch=False)
    zxid = client.last_zxid
    grow = [("setData", {"path": "/kept", "data": b"", "version": -1}), ("setACL", {"path": "/kept", "acl": ops.OPEN, "version": -1}),
            ("create2", {"path": "/b", "data": b"", "acl": ops.OPEN, "flags": 0})]
    equal([client.call(op, **fields).err for op, fields in grow], [SYSTEM_ERROR] * 3, "writes")
    equal(client.multi(grow[0]).err, SYSTEM_ERROR, "a multi")
    equal(client.last_zxid, zxid, "the zxid: what is refused is no txn")
    others = [("getData", {"path": "/kept", "watch": False}), ("exists", {"path": "/", "watch": True}), ("sync", {"path": "/"}),
              ("delete", {"path": "/a", "version": -1})]
    equal([client.call(op, **fields).err for op, fields in others], [ops.OK] * 4, "reads, and what makes room")
    equal(client.call("ping", xid=ops.XID_PING).err, ops.OK, "ping")


def old_files_go_while_a_disk_is_low(kind):
    for purges in ("true", "false"):
        config = LOGS.format(purges).replace("warnBelowMiB=12", "warnBelowMiB=100") + "snapCount=10\n"
        with mounts.small_disk(24) as small, Server(kind, config, data=small / "data") as server:
            _write_snapshots(server, 8)
            if purges == "true":
                server.wait_for(lambda: len(disk.snapshots(server.version_2)) <= 3, "three are kept")
                assert "purged old snapshots and logs" in server.log(), server.log_tail()
            else:
                assert len(disk.snapshots(server.version_2)) >= 8, "they were purged"


def _write_snapshots(server, count):
    def written():
        return server.log().count("snapshot written")
    with Client(server.port) as client:
        client.create("/a")
        while written() < count:
            equal(client.call("setData", path="/a", data=b"", version=-1).err, ops.OK, "setData")
        client.close_session()


def above_the_memory_limit_writes_that_grow_are_refused(kind):
    with Server(kind, FAST) as server:
        with Client(server.port) as client:
            for path in ("/a", "/kept"):
                client.create(path)
            client.close_session()
        server.config += NO_ROOM
        server.restart()
        with Client(server.port) as client:
            _only_what_grows_is_refused(client)
            client.close_session()
        equal(len(re.findall(r"writes are refused: the server holds \d+ MiB of memory, more than 1 ", server.log())), 1, server.log_tail())
    with Server(kind, FAST + "ironkeeper.memory.limitMiB=0\n") as server, Client(server.port) as client:
        equal(client.create("/a").err, ops.OK, "create without a limit")


def memory_that_fills_fast_is_seen_in_time(kind):
    """Between two looks a second apart a client can write far more than a container has beside its limit."""
    limit_mib, beside_mib = 64, 4
    with Server(kind, f"{FAST}ironkeeper.memory.limitMiB={limit_mib}\n") as server, Client(server.port) as client:
        codes = set()
        for first in range(0, 40 * limit_mib, 16):
            for number in range(first, first + 16):
                client.send("create", path=f"/{number}", data=LARGE[:50_000], acl=ops.OPEN, flags=ops.PERSISTENT)
            codes |= {client.reply().err for _ in range(16)}
        equal(codes, {ops.OK, SYSTEM_ERROR}, "codes")
        most_mib = server.memory("VmHWM") >> 20
        assert most_mib <= limit_mib + beside_mib, f"{most_mib} MiB at most, where writes are refused above {limit_mib}"
        client.close_session()


@contextmanager
def _without_room(kind, sid):
    """Two voters and an observer; this one has no memory left. Of two that are new the greater number leads."""
    with Ensemble(kind, Members([1, 2], [3], settings=ENSEMBLE), own={sid: {"extra": NO_ROOM}}) as ensemble:
        equal(ensemble.sid_of("leader"), 2, "the leader")
        yield ensemble


def a_leader_without_room_refuses_everybodys_writes_and_all_agree(kind):
    with _without_room(kind, 2) as ensemble:
        for server in ensemble.servers.values():
            with Client(server.port) as client:
                equal(client.create(f"/{server.sid}").err, SYSTEM_ERROR, "create")
                equal(client.call("getData", path="/", watch=False).err, ops.OK, "getData")
                client.close_session()
        ensemble.wait_until_level()


def a_follower_without_room_refuses_its_own_clients_writes_only(kind):
    with _without_room(kind, 1) as ensemble:
        with Client(ensemble.leader.port) as at_leader, Client(ensemble.servers[1].port) as at_follower:
            equal(at_follower.create("/at-the-follower").err, SYSTEM_ERROR, "create at the follower")
            equal(at_leader.create("/at-the-leader").err, ops.OK, "create at the leader")
            at_follower.call("sync", path="/")
            equal(at_follower.call("exists", path="/at-the-leader", watch=False).err, ops.OK, "exists at the follower")
            equal(at_follower.call("exists", path="/at-the-follower", watch=False).err, ops.NO_NODE, "exists of what was refused")
            at_follower.close_session()
            at_leader.close_session()
        ensemble.wait_until_level()


def a_follower_whose_disk_is_full_stops_and_says_so(kind):
    """It cannot refuse what the others have agreed on; they go on without it, and it comes back when it has room."""
    with mounts.small_disk(4) as small:
        with Ensemble(kind, Members([1, 2, 3], settings=ENSEMBLE), data={1: small / "data"}) as ensemble:
            follower = ensemble.servers[1]
            with Client(ensemble.leader.port) as client:
                count = 0
                while follower.is_running():
                    equal(client.create(f"/{count}", LARGE[:100_000]).err, ops.OK, "create")
                    count += 1
                    assert count < 1000, "the disk is never full"
                client.close_session()
            equal(follower.wait(), UNEXPECTED, "exit code")
            lines = [line for line in follower.log().splitlines() if "nothing is acknowledged any more" in line]
            assert len(lines) == 1 and "No space left on device" in lines[0], follower.log_tail(5)
            assert "writes are refused: " in follower.log(), "there was no warning"
            larger = rundir.new("larger")
            shutil.copytree(follower.data, larger / "data")
            follower.data = larger / "data"
            follower.start()
            ensemble.wait_until_level()


def a_slow_request_is_told_with_session_path_size_and_time(kind):
    with Server(kind, FAST + "flushDelay=60\nmaxWriteQueuePollTime=60\nironkeeper.slowRequestMs=20\n") as server:
        with Client(server.port) as client:
            client.create("/slow", b"x" * 100)
            client.call("getData", path="/slow", watch=False)
            session = client.session[0]
        wanted = rf'slow request \(ironkeeper\.slowRequestMs\) session=0x{session:x} operation="create" path="/slow" bytes=(\d+) ms=(\d+)'
        found = re.findall(wanted, server.log())
        equal(len(found), 1, server.log_tail())
        size, ms = map(int, found[0])
        assert 100 < size < 200 and 20 < ms < 5000, found
        assert 'operation="getData"' not in server.log(), "a fast request is told"


def what_runs_short_is_told_to_prometheus(kind):
    port = ports.free()
    config = (f"{FAST}{NO_ROOM}flushDelay=60\nmaxWriteQueuePollTime=60\nironkeeper.slowRequestMs=20\nmetricsProvider.className="
              "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider\n"
              f"metricsProvider.httpHost=127.0.0.1\nmetricsProvider.httpPort={port}\nmetricsProvider.exportJvmInfo=false\n")
    with Server(kind, FAST) as server:
        with Client(server.port) as client:
            for path, size in (("/small", 8_000), ("/large", 9_500), ("/slow", 1)):
                equal(client.create(path, b"x" * size).err, ops.OK, "create")
            client.close_session()
        server.config = config
        server.properties["jute.maxbuffer"] = "10000"
        server.restart()
        with Client(server.port) as client:
            for path in ("/small", "/large", "/large"):
                equal(client.call("getData", path=path, watch=False).err, ops.OK, "getData")
            equal(client.call("setData", path="/small", data=b"", version=-1).err, SYSTEM_ERROR, "setData")
            equal(client.call("delete", path="/slow", version=-1).err, ops.OK, "delete")
            told = _own_metrics(port)
            client.close_session()
        equal({name: told[name] for name in ("refused_writes", "slow_requests", "near_jute_maxbuffer_replies", "memory_limit_bytes")},
              {"refused_writes": 1, "slow_requests": 1, "near_jute_maxbuffer_replies": 2, "memory_limit_bytes": 1 << 20}, "told")
        free = shutil.disk_usage(server.data).free
        assert abs(told["disk_free_bytes"] - free) < max(free / 4, 1 << 30), (told, free)


def _own_metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        text = page.read().decode()
    return {name: float(value) for name, value in re.findall(r"^ironkeeper_(\w+) (\S+)$", text, re.MULTILINE)}


CHECKS = [
    a_disk_that_runs_full_is_warned_of_and_then_writes_are_refused,
    old_files_go_while_a_disk_is_low,
    above_the_memory_limit_writes_that_grow_are_refused,
    memory_that_fills_fast_is_seen_in_time,
    a_leader_without_room_refuses_everybodys_writes_and_all_agree,
    a_follower_without_room_refuses_its_own_clients_writes_only,
    a_follower_whose_disk_is_full_stops_and_says_so,
    a_slow_request_is_told_with_session_path_size_and_time,
    what_runs_short_is_told_to_prometheus,
]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
