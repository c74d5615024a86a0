"""Sessions that stay over the end of a server: clients that come back over the next one, as real clients do.

`stay` keeps a session connected; `Load`, `Setter` and `Idler` are what a session does. Each of these has `begin`, once, on a
server that serves; `come`, a new connection of the same session, which raises what says that the server does not serve;
`work`, until the connection ends or it is enough; `check`, that all that was acknowledged is on one server. None of them
knows which server leads, or is killed.
"""

import select
import threading
import time

from ironlab import ops
from ironlab.report import equal
from ironlab.wire import Client, Closed
from ironlab.writer import Writer

# Session timeout, in ms; both kinds of server grant it with a tickTime of 500.
TIMEOUT_MS = 10_000
HEART_BEAT_S = TIMEOUT_MS / 3 / 1000

# How long a client waits after it has tried all servers: short, for it is part of the time that is measured.
PAUSE_S = 0.005

# What says that a server does not serve now. That one is silent says more than that: it is a failure.
NOT_SERVING = (Closed, ConnectionError)


class Course:
    """What sessions and the one who kills tell each other: the writes that were acknowledged, and when to stop.

    `round` goes up when all servers serve again: each session then goes back to its own, so that the load stays spread.
    """

    def __init__(self):
        self.acked = 0
        self.epoch = 0
        self.round = 0
        self.over = False
        self._entered = {}
        self._failure = None
        self._changed = threading.Condition()

    def on_ack(self, zxid):
        """A write was acknowledged; called by its session at once."""
        self.acked += 1  # a count that two threads lose does no harm
        if zxid >> 32 > self.epoch:
            with self._changed:
                self._entered.setdefault(zxid >> 32, time.monotonic())
                self.epoch = max(self._entered)
                self._changed.notify_all()

    def after(self, epoch, within_s):
        """Waits for the first write of a newer epoch and returns when it was acknowledged."""
        self._wait(lambda: self.epoch > epoch, within_s, f"a write acknowledged after epoch {epoch}")
        with self._changed:
            return min(when for entered, when in self._entered.items() if entered > epoch)

    def more(self, count, within_s):
        """Waits for so many more writes."""
        target = self.acked + count
        self._wait(lambda: self.acked >= target, within_s, f"{count} writes acknowledged")

    def guard(self, play, *arguments):
        """Runs a session's part in it; the failure of one ends it for all."""
        try:
            play(*arguments)
        except Exception as error:
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()
            raise

    def _wait(self, condition, within_s, what):
        deadline = time.monotonic() + within_s
        with self._changed:
            while not condition() and not self._failure:
                left = deadline - time.monotonic()
                assert left > 0, f"not within {within_s} s: {what}"
                self._changed.wait(min(left, 0.02))
        if self._failure:
            raise self._failure


def stay(session, ports, home, course):
    """Keeps a session at work on the servers, its own first, until the course is over."""
    at, begun = home, course.round
    while (at := _come_back(session, ports, at, course)) is not None:
        session.work(course.on_ack, lambda: course.over or course.round != begun)
        at = home if course.round != begun else (at + 1) % len(ports)
        begun = course.round


def _come_back(session, ports, first, course):
    """Tries the servers in turn until one takes the session, and returns its place; None when the course is over."""
    at = first
    while not course.over:
        try:
            session.come(ports[at])
            return at
        except NOT_SERVING:
            at = (at + 1) % len(ports)
            if at == first:
                time.sleep(PAUSE_S)
    return None


class Load:
    """Pipelined creates, sets, deletes and multis. Its directory is read and compared at each `come`."""

    def __init__(self, path, choice):
        self._writer = Writer(path, choice, TIMEOUT_MS)

    def begin(self, port):
        self._writer.begin(port)
        self._writer.leave()

    def come(self, port):
        self._writer.verify(port)

    def work(self, on_ack, enough):
        self._writer.play(lambda: on_ack(self._writer.acked_zxid), enough)

    check = come


class _Owner:
    """A session with one znode of its own."""

    flags = ops.PERSISTENT

    def __init__(self, path):
        self.path = path
        self.client = None

    def begin(self, port):
        self.client = Client(port, timeout_ms=TIMEOUT_MS)
        equal(self.client.timeout_ms, TIMEOUT_MS, "the session timeout")
        equal(self.client.create(self.path, b"0", flags=self.flags).err, ops.OK, f"create {self.path}")
        self.client.cut()

    def come(self, port):
        before = self.client
        self.client = Client(port, before.session, TIMEOUT_MS, last_zxid=before.last_zxid)
        assert self.client.alive, f"the session of {self.path} has expired"

    def check(self, port):
        """The znode is there, and all that was acknowledged of it; returns what getData says."""
        self.come(port)
        reply = self.client.call("getData", path=self.path, watch=False)
        self.client.cut()
        equal(reply.err, ops.OK, f"getData {self.path}")
        return reply.body


class Setter(_Owner):
    """Sets its znode again and again, one request at a time. It writes as soon as a server takes it, without a read."""

    def __init__(self, path):
        super().__init__(path)
        self._asked = 0
        self._acked = 0

    def work(self, on_ack, enough):
        try:
            while not enough():
                on_ack(self._set())
        except Closed:
            pass
        self.client.cut()

    def _set(self):
        self._asked += 1
        reply = self.client.call("setData", path=self.path, data=b"%d" % self._asked, version=-1)
        equal(reply.err, ops.OK, f"setData {self.path}")
        self._follow(reply.body["stat"]["version"])
        return reply.zxid

    def _follow(self, version):
        """Each set adds one: a version that was there before, or that nobody asked for, tells of lost or doubled ones."""
        assert self._acked < version <= self._asked, \
            f"{self.path} has version {version} after {self._acked}, and {self._asked} sets"
        self._acked = version

    def check(self, port):
        body = super().check(port)
        version, number = body["stat"]["version"], int(body["data"])
        assert self._acked <= version <= number <= self._asked, \
            f"{self.path} has version {version} and the data of set {number}, after {self._acked} and {self._asked} sets"


class Idler(_Owner):
    """Has an ephemeral, and sends nothing but heart-beats."""

    flags = ops.EPHEMERAL

    def work(self, _on_ack, enough):
        try:
            while not enough():
                self._wait()
                self.client.call("ping", xid=ops.XID_PING)
        except Closed:
            pass
        self.client.cut()

    def _wait(self):
        """A heart-beat's time, or less: what comes meanwhile can only be the connection's end."""
        select.select([self.client.sock], [], [], HEART_BEAT_S)

    def check(self, port):
        equal(super().check(port)["stat"]["ephemeralOwner"], self.client.session[0], f"the owner of {self.path}")
