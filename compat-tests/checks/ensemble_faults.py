"""An ensemble whose members are paused, run out of disk, or hear each other one way only: a majority goes on, nothing that was
acknowledged is lost, and a deposed leader acknowledges nothing.
"""

import random
import resource
import threading
import time
from functools import partial

from ironlab import ops
from ironlab.ensemble import FOLLOWER, LEADER, Ensemble, mode, three
from ironlab.report import equal
from ironlab.wire import Client, Closed
from ironlab.writer import Writer

NAME = "ensemble faults"
OURS = "ironkeeper"
SEED = 7
TICK_MS = 500
SYNC_LIMIT = 4
# preAllocSize in KB: the log grows in small steps, so that a limit of the file size is a full disk.
SETTINGS = (f"tickTime={TICK_MS}\ninitLimit=20\nsyncLimit={SYNC_LIMIT}\nmaxSessionTimeout=60000\n"
            "preAllocSize=16\nsnapCount=1000000")
LONG_MS = 60000
SHORT_MS = 2000
LOG_LIMIT = 500 << 10
UNEXPECTED = 1


def tasks(report, kind):
    """One ensemble after the other: they are large."""
    return [partial(run, report, kind)]


def run(report, kind):
    with Ensemble(kind, three(SETTINGS)) as ensemble:
        report.run(NAME, kind, CHECKS + (CHECKS_OF_OURS if kind == OURS else []), ensemble)


def _level(ensemble):
    """All serve, have the same zxid once a write was made, and none has said `panicked`."""
    ensemble.wait_for(lambda: None not in ensemble.modes().values(), "all serve")
    with Client(ensemble.leader.port) as client:
        client.close_session()
    ensemble.wait_until_level()
    for server in ensemble.servers.values():
        assert "panicked" not in server.log(), server.log_tail()


def _data(server, path):
    with Client(server.port) as client:
        body = client.call("getData", path=path, watch=False).body
        client.close_session()
    return body["data"], body["stat"]["version"]


def a_paused_leader_is_deposed_and_acknowledges_nothing_more(ensemble):
    """What its clients send it meanwhile is in its sockets when it goes on."""
    old = ensemble.leader
    rest = ensemble.others(old)
    with Client(old.port, timeout_ms=LONG_MS) as inside:
        equal(inside.create("/paused", b"before").err, ops.OK, "create")
        old.pause()
        for number in range(20):
            inside.send("setData", path="/paused", data=f"to the paused leader {number}".encode(), version=-1)
        new = ensemble.wait_for_leader(rest)
        with Client(new.port) as client:
            equal(client.call("setData", path="/paused", data=b"to the new leader", version=0).err, ops.OK, "setData")
            client.close_session()
        old.resume()
        _nothing_is_acknowledged(inside)
    ensemble.wait_for(lambda: mode(old) == FOLLOWER, "the old leader follows")
    _level(ensemble)
    for server in ensemble.servers.values():
        equal(_data(server, "/paused"), (b"to the new leader", 1), "data and version")


def _nothing_is_acknowledged(client):
    try:
        while True:
            reply = client.reply()
            assert reply.err != ops.OK, f"the deposed leader acknowledged {reply}"
    except Closed:
        pass


def a_paused_follower_holds_up_nobody_and_catches_up(ensemble):
    """A session that it holds, and whose client cannot reach it, expires; the other goes on elsewhere."""
    follower = ensemble.of(FOLLOWER)
    with Client(follower.port, timeout_ms=SHORT_MS) as short, Client(follower.port, timeout_ms=LONG_MS) as long:
        equal(short.create("/of-the-short", flags=ops.EPHEMERAL).err, ops.OK, "create")
        equal(long.create("/of-the-long", flags=ops.EPHEMERAL).err, ops.OK, "create")
        follower.pause()
        short.send("setData", path="/of-the-short", data=b"in the socket", version=-1)
        with Client(ensemble.leader.port, timeout_ms=LONG_MS) as writer:
            writer.create("/meanwhile")
            deadline = time.monotonic() + 2 * SYNC_LIMIT * TICK_MS / 1000
            written = 0
            while time.monotonic() < deadline:
                equal(writer.call("setData", path="/meanwhile", data=b"x", version=written).err, ops.OK, "setData")
                written += 1
            writer.call("exists", path="/of-the-short", watch=True)
            ensemble.wait_for(lambda: writer.call("exists", path="/of-the-short", watch=False).err == ops.NO_NODE, "the expiry")
            equal(writer.call("exists", path="/of-the-long", watch=False).err, ops.OK, "the longer session's znode")
            follower.resume()
            _nothing_is_acknowledged(short)
            writer.close_session()
        with Client(ensemble.leader.port, long.session, LONG_MS) as back:
            equal(back.call("getEphemerals", prefixPath="/").body["ephemerals"], ["/of-the-long"], "ephemerals")
            back.close_session()
    _level(ensemble)
    equal(mode(follower), FOLLOWER, "mode")
    equal(_data(follower, "/meanwhile"), (b"x", written), "data and version")


def a_full_disk_ends_the_leader_and_another_one_leads(ensemble):
    """A limit of the file size, set while it runs, stands for the disk. The writers are the leader's and a follower's clients."""
    old = ensemble.leader
    rest = ensemble.others(old)
    writers = [Writer(f"/full-{number}", random.Random(f"{SEED} {number}")) for number in range(2)]
    for writer, server in zip(writers, (old, rest[0])):
        writer.begin(server.port)
    resource.prlimit(old.pid, resource.RLIMIT_FSIZE, (LOG_LIMIT, LOG_LIMIT))
    players = [threading.Thread(target=writer.play, args=(lambda: None,)) for writer in writers]
    for player in players:
        player.start()
    equal(old.wait(60), UNEXPECTED, "exit code")
    for player in players:
        player.join()
    new = ensemble.wait_for_leader(rest)
    for writer in writers:
        writer.verify(new.port)
        writer.leave()
    lines = [line for line in old.log().splitlines() if "nothing is acknowledged any more" in line]
    assert len(lines) == 1 and "log." in lines[0], old.log_tail(6)
    old.start()
    _level(ensemble)
    for writer in writers:
        writer.verify(old.port)
        writer.leave()


CHECKS = [
    a_paused_leader_is_deposed_and_acknowledges_nothing_more,
    a_paused_follower_holds_up_nobody_and_catches_up,
]

# Apache's leader lives on, looks for a leader again, and may be elected once more.
CHECKS_OF_OURS = [
    a_full_disk_ends_the_leader_and_another_one_leads,
]
