"""A client's server is stopped and another one, of the other kind too, started on its data; and a client that comes to a
server which does not know it.

Within the session timeout the session goes on: same id, ephemerals kept, watches set again, sequence numbers and zxids
further. Beyond it the session is expired and its ephemerals are gone. It is asked with the raw client, with the Go program
where the other server takes over the port, and with the C program where it is the second address of the connect string.
"""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

from ironlab import driven, ops, paths
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client, Closed

NAME = "switch"
ORACLE = "apache-3.9.5"
CONFIG = "tickTime=200\nmaxSessionTimeout=20000"
TIMEOUT_MS = 20000
# Longer than the session takes to make its znode on a busy machine.
SHORT_TIMEOUT_MS = 3000
# Apache counts while it is still closing every connection, so that a slow start takes of the timeout.
KNOCKER_TIMEOUT_MS = 20000
KNOCKERS = 4
# Apache never ends a connection that asks before its zkDb is there (NIOServerCnxn.close, a NullPointerException).
PATIENCE_S = 1
PROPERTIES = {"zookeeper.extendedTypesEnabled": "true", "znode.container.checkIntervalMs": "100"}


class Switch:
    """Two servers on one data directory, of which one runs: after `stop`, `start` starts the other one.

    The two have one port, or two where `ports` is 2. Use as a context manager.
    """

    def __init__(self, kind, first, second, ports=1):
        self.kind = kind
        one = Server(first, CONFIG, PROPERTIES)
        other = Server(second, CONFIG, PROPERTIES, one.data)
        if ports == 1:
            other.port = one.port
        self.addresses = ",".join(dict.fromkeys([one.address, other.address]))
        self._servers = [one, other]

    def __enter__(self):
        try:
            self._servers[0].start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_failure):
        for server in self._servers:
            server.kill()
            shutil.rmtree(server.home, ignore_errors=True)

    @property
    def port(self):
        """That of the running server."""
        return self._servers[0].port

    def stop(self):
        self._servers[0].stop()

    def start(self):
        self._servers.reverse()
        self._servers[0].start()

    def switch(self):
        self.stop()
        self.start()


def tasks(report, kind):
    pairs = dict.fromkeys([(kind, kind), (ORACLE, kind), (kind, ORACLE)])
    return [partial(run, report, kind, *pair) for run in (_raw, _go, _c, _moved) for pair in pairs]


def _suite(first, second, who):
    return f"{NAME} {first} to {second}, {who}"


def _raw(report, kind, first, second):
    for check in (a_session_goes_on_within_its_timeout, a_session_ends_beyond_its_timeout,
                  clients_that_knock_all_the_time_are_never_told_of_an_expiry):
        with Switch(kind, first, second) as servers:
            report.run(_suite(first, second, "raw"), kind, [check], servers)


def _go(report, kind, first, second):
    with Switch(kind, first, second) as servers:
        driven.run(report, _suite(first, second, "go"), servers, [paths.GO_CLIENT, "restarts", servers.addresses])


def _c(report, kind, first, second):
    with Switch(kind, first, second, ports=2) as servers:
        program = [paths.C_CLIENTS["mt"], "sessions", servers.addresses]
        driven.run(report, _suite(first, second, "c"), servers, program)


def _moved(report, kind, first, second):
    """Two servers that run side by side and know nothing of each other."""
    with Server(first, CONFIG) as one, Server(second, CONFIG) as other:
        _write(other)
        suite = _suite(first, second, "which does not know it")
        report.run(suite, kind, [a_strange_session_is_refused_and_lives_on_at_home, a_client_from_the_future_gets_no_answer],
                   one, other)
        stoppable = SimpleNamespace(kind=kind, stop=one.stop)
        driven.run(report, suite, stoppable, [paths.C_CLIENTS["mt"], "moved", f"{one.address},{other.address}"])


def a_session_goes_on_within_its_timeout(servers):
    with Client(servers.port, timeout_ms=TIMEOUT_MS) as client:
        for path in ("/switch", "/switch/plain", "/switch/quiet"):
            equal(client.create(path).err, ops.OK, path)
        equal(client.create("/switch/live", flags=ops.EPHEMERAL).err, ops.OK, "ephemeral")
        equal(client.create("/switch/s-", flags=ops.SEQUENTIAL).body["path"], "/switch/s-0000000003", "sequential")
        client.call("getData", path="/switch/plain", watch=True)
        client.call("getData", path="/switch/quiet", watch=True)
        client.call("addWatch", path="/switch", mode=1)
        seen = client.last_zxid
    servers.switch()
    with Client(servers.port) as other:
        changed = other.call("setData", path="/switch/plain", data=b"missed", version=0)
        assert changed.err == ops.OK and changed.zxid > seen, f"zxid {changed.zxid:#x} after {seen:#x}"
        _comes_back(servers, client, other, seen)
        other.close_session()


def _comes_back(servers, client, other, seen):
    with Client(servers.port, client.session, TIMEOUT_MS, last_zxid=seen) as back:
        assert back.alive, "the session is gone"
        equal((back.session, back.timeout_ms), (client.session, TIMEOUT_MS), "session and timeout")
        equal(back.call("getEphemerals", prefixPath="/").body["ephemerals"], ["/switch/live"], "ephemerals")
        back.call("setWatches2", xid=ops.XID_SET_WATCHES, relativeZxid=seen, existWatches=[], childWatches=[],
                  dataWatches=["/switch/plain", "/switch/quiet"], persistentWatches=[],
                  persistentRecursiveWatches=["/switch"])
        equal(_paths(back), [(ops.NODE_DATA_CHANGED, "/switch/plain")], "events of what was missed")
        path = back.create("/switch/s-", flags=ops.EPHEMERAL_SEQUENTIAL).body["path"]
        equal(path, "/switch/s-0000000004", "the next sequential node")
        other.call("setData", path="/switch/quiet", data=b"later", version=0)
        equal(_paths(back), [(ops.NODE_CREATED, path), (ops.NODE_DATA_CHANGED, "/switch/quiet")], "later events")
        back.close_session()
    for path in ("/switch/live", path):
        equal(other.call("exists", path=path, watch=False).err, ops.NO_NODE, f"{path} of a closed session")


def _paths(client):
    return [(event.type, event.path) for event in client.take_events()]


def a_session_ends_beyond_its_timeout(servers):
    with Client(servers.port, timeout_ms=TIMEOUT_MS) as stays, Client(servers.port, timeout_ms=SHORT_TIMEOUT_MS) as client:
        equal(client.create("/beyond", flags=ops.EPHEMERAL).err, ops.OK, "ephemeral")
        equal(stays.create("/stays", flags=ops.EPHEMERAL).err, ops.OK, "ephemeral of a longer session")
    servers.switch()
    with Client(servers.port, stays.session, TIMEOUT_MS) as back:
        if back.call("exists", path="/beyond", watch=True).err == ops.OK:
            event = back.event()
            equal((event.type, event.path), (ops.NODE_DELETED, "/beyond"), "event of the expiry")
        # Apache tells of the znode before it closes the session's connections, and would close one that comes in between.
        equal(back.call("getEphemerals", prefixPath="/").body["ephemerals"], ["/stays"], "of the longer session")
        with Client(servers.port, client.session) as late:
            assert not late.alive, "an expired session came back"
        back.close_session()


def clients_that_knock_all_the_time_are_never_told_of_an_expiry(servers):
    """From before the stop until after the start they find no server, a closed connection, or their session."""
    sessions = []
    for _ in range(KNOCKERS):
        with Client(servers.port, timeout_ms=KNOCKER_TIMEOUT_MS) as client:
            sessions.append(client.session)
    started = threading.Event()
    with ThreadPoolExecutor(KNOCKERS) as pool:
        answers = [pool.submit(_knock, servers.port, session, started) for session in sessions]
        try:
            servers.switch()
        finally:
            started.set()
    equal([answer.result() for answer in answers], [True] * KNOCKERS, "sessions that went on")


def _knock(port, session, started):
    """Asks for the session again and again, and is done with an answer after the start; False when it was refused."""
    deadline = time.monotonic() + KNOCKER_TIMEOUT_MS / 1000
    while time.monotonic() < deadline:
        last = started.is_set()
        try:
            with Client(port, session, KNOCKER_TIMEOUT_MS, timeout_s=PATIENCE_S) as client:
                if last or not client.alive:
                    return client.alive
        except (OSError, Closed):
            pass  # no server, or one that does not serve yet
        started.wait(0.005)
    raise AssertionError("no answer within the timeout")


def a_strange_session_is_refused_and_lives_on_at_home(home, other):
    with Client(home.port, timeout_ms=TIMEOUT_MS) as client:
        equal(client.create("/at-home", flags=ops.EPHEMERAL).err, ops.OK, "ephemeral")
    with Client(other.port, client.session) as stranger:
        assert not stranger.alive, "a server took a session that it does not know"
        assert stranger.is_closed(), "the connection stayed open"
    with Client(home.port, client.session) as back:
        equal(back.call("getEphemerals", prefixPath="/").body["ephemerals"], ["/at-home"], "ephemerals at home")
        back.close_session()


def a_client_from_the_future_gets_no_answer(home, other):
    with Client(home.port) as client:
        try:
            Client(other.port, client.session, last_zxid=1 << 31)
        except Closed:
            return
    raise AssertionError("a server answered a client that has seen a later zxid than its own")


def _write(server):
    """Brings a server's zxid above that of a client which is to come: one that is behind it does not answer."""
    with Client(server.port) as client:
        for number in range(50):
            client.create(f"/before-{number}")
        client.close_session()
