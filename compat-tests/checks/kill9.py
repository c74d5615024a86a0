"""kill -9 under a pipelined write load, again and again: what was acknowledged is there after each restart.

Four sessions write in a directory each; others are begun and closed meanwhile. snapCount is small and the tree has some
ballast, so that a snapshot is being written at many kills. The moment of a kill is a number of acknowledged writes.
"""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ironlab import ops
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client, Closed
from ironlab.writer import SESSION_TIMEOUT_MS, Writer

NAME = "kill9"
ORACLE = "apache-3.9.5"
SEED = 20260
ROUNDS = {"ironkeeper": 50, ORACLE: 4}  # a JVM takes its time to start
WRITERS = 4
MOST_ACKS = 1200
BALLAST = 600
CONFIG = "snapCount=60\npreAllocSize=256\nautopurge.purgeInterval=1\nmaxSessionTimeout=60000\n"


def run(report, kind):
    with Server(kind, CONFIG) as server:
        trial = Trial(server)
        with report.check(NAME, kind, f"{ROUNDS[kind]} kills lose nothing that was acknowledged"):
            trial.run(ROUNDS[kind])
        if kind != ORACLE:
            with report.check(NAME, kind, "kills met snapshots that were being written, and no piece of one stays"):
                _check_pieces(trial, server)
            with report.check(NAME, kind, "Apache starts from what the last kill left, and finds the same"):
                _hand_over(trial, server)


def _check_pieces(trial, server):
    assert trial.unfinished, "no snapshot was being written at any kill"
    server.start()
    # The start itself leaves a piece while it writes its own snapshot; one of a killed server would stay.
    server.wait_for(lambda: not _pieces(server), "no unfinished snapshot is left")
    server.kill()


def _hand_over(trial, server):
    with Server(ORACLE, CONFIG, data=server.data) as oracle:
        trial.verify(oracle.port)


def _pieces(server):
    return sorted(path.name for path in server.version_2.glob("*.tmp"))


@dataclass
class Passing:
    """A session that is begun, makes ephemerals and may be closed; what of it the server has acknowledged."""

    session: tuple
    made: list = field(default_factory=list)
    close_sent: bool = False
    closed: bool = False


class Trial:
    """The rounds on one server. Ends with the server killed."""

    def __init__(self, server):
        self.server = server
        self.unfinished = 0
        self._choice = random.Random(SEED)
        self._writers = [Writer(f"/w{number}", random.Random(SEED + number)) for number in range(WRITERS)]
        self._passing = []
        self._acks = 0
        self._kill_at = 0
        self._reached = threading.Event()

    def run(self, rounds):
        self._prepare()
        for number in range(rounds):
            try:
                self._round()
                self.server.start()
                self.verify(self.server.port)
            except Exception as error:
                raise AssertionError(f"round {number} of seed {SEED}: {error}") from error
        self.server.kill()
        self.unfinished += len(_pieces(self.server))

    def verify(self, port):
        """All that must be there is there; the writers are connected afterwards."""
        acked = max(writer.acked_zxid for writer in self._writers)
        with Client(port) as client:
            zxid = client.call("sync", path="/").zxid
            assert zxid > acked, f"zxid {zxid:#x} after a restart, but {acked:#x} was acknowledged"
            client.close_session()
        for writer in self._writers:
            writer.verify(port)
        self._verify_passing(port)

    def _prepare(self):
        with Client(self.server.port) as client:
            client.create("/passing")
            client.create("/ballast")
            for number in range(BALLAST):
                client.send("create", path=f"/ballast/{number}", data=bytes(1000), acl=ops.OPEN, flags=0)
            for _ in range(BALLAST):
                equal(client.reply().err, ops.OK, "create")
        for writer in self._writers:
            writer.begin(self.server.port)

    def _round(self):
        """Load, and a kill in the middle of it."""
        self._acks = 0
        self._kill_at = self._choice.randrange(1, MOST_ACKS)
        self._reached.clear()
        with ThreadPoolExecutor(WRITERS + 1) as pool:
            playing = [pool.submit(writer.play, self._acked) for writer in self._writers]
            playing.append(pool.submit(self._play_passing))
            while not self._reached.wait(0.05) and not any(task.done() for task in playing):
                pass
            self.server.kill()
        for task in playing:
            task.result()
        self.unfinished += len(_pieces(self.server))

    def _acked(self):
        self._acks += 1  # a lost count of two threads moves the kill by one
        if self._acks >= self._kill_at:
            self._reached.set()

    def _play_passing(self):
        """Begins sessions with three ephemerals each and closes two of three, until the server is gone."""
        number = 0
        try:
            while True:
                number += 1
                self._pass_by(close=number % 3 != 0)
        except (Closed, ConnectionError):
            pass

    def _pass_by(self, close):
        with Client(self.server.port, timeout_ms=SESSION_TIMEOUT_MS) as client:
            passing = Passing(client.session)
            self._passing.append(passing)
            paths = [f"/passing/{client.session[0]:x}-{letter}" for letter in "abc"]
            for path in paths:
                client.send("create", path=path, data=b"", acl=ops.OPEN, flags=ops.EPHEMERAL)
            for path in paths:
                equal(client.reply().err, ops.OK, f"create {path}")
                passing.made.append(path)
            if close:
                passing.close_sent = True
                equal(client.call("closeSession").err, ops.OK, "closeSession")
                passing.closed = True

    def _verify_passing(self, port):
        """Also closes the sessions that are still there: the next verification finds them gone."""
        with Client(port) as reader:
            found = set(reader.call("getChildren", path="/passing", watch=False).body["children"])
            reader.close_session()
        for passing in self._passing:
            _verify_one(passing, found, Client(port, passing.session, SESSION_TIMEOUT_MS))
        self._passing = [passing for passing in self._passing if not passing.closed]
        for passing in self._passing:
            passing.close_sent = True
            with Client(port, passing.session, SESSION_TIMEOUT_MS) as client:
                passing.closed = not client.alive or client.close_session().err == ops.OK


def _verify_one(passing, found, client):
    of_session = f"{passing.session[0]:x}-"
    left = {f"/passing/{name}" for name in found if name.startswith(of_session)}
    client.close()
    if client.alive:
        assert not passing.closed, f"the closed session {of_session} came back"
        assert left >= set(passing.made), f"session {of_session} lost {set(passing.made) - left}"
    else:
        assert passing.close_sent, f"session {of_session} is gone"
        equal(left, set(), f"ephemerals of the closed session {of_session}")
