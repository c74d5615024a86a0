"""kill -9 of an ensemble's leader under load, again and again: what it loses, and how long no write is accepted.

Sessions of three sorts (`sessions`) are spread over the servers. The time is that from the kill to the first reply to a
write of a newer epoch that any of them gets. The server is started again, and follows, before the next kill. The moment of
a kill is a number of acknowledged writes.
"""

import random
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain

from ironlab import ops
from ironlab.ensemble import FOLLOWER, LEADER, Ensemble
from ironlab.members import Members
from ironlab.report import equal
from ironlab.wire import Client

from sessions import Course, Idler, Load, Setter, stay

SEED = 20261
TICK_TIME_MS = 500

# Small snapshots and logs, so that many servers come back from a snapshot and not from their log alone.
SETTINGS = f"""\
tickTime={TICK_TIME_MS}
initLimit=20
syncLimit=10
snapCount=5000
preAllocSize=4096
autopurge.purgeInterval=1
"""

# How many sessions there are of each sort for each server.
LOADS, SETTERS, IDLERS = 1, 1, 1

MOST_ACKS = 3000
LONGEST_S = 60


@dataclass
class Outcome:
    """What one or several trials of one kind have shown."""

    seconds: list = field(default_factory=list)
    acked: int = 0
    sessions: int = 0

    @property
    def median(self):
        return statistics.median(self.seconds)

    def add(self, other):
        self.seconds += other.seconds
        self.acked += other.acked
        self.sessions = max(self.sessions, other.sessions)


def trial(kind, servers, kills):
    """So many kills of the leader of a new ensemble; raises where something acknowledged, or a session, is lost."""
    with Ensemble(kind, Members(range(1, servers + 1), settings=SETTINGS)) as ensemble:
        return Trial(ensemble).run(kills)


class Trial:
    """The kills of one ensemble. All its servers serve before and after each."""

    def __init__(self, ensemble):
        self._ensemble = ensemble
        self._choice = random.Random(SEED)
        self._course = Course()
        self._ports = [server.port for server in ensemble.servers.values()]
        self._sessions = list(chain(
            (Load(f"/load{number}", random.Random(SEED + number)) for number in self._numbers(LOADS)),
            (Setter(f"/set{number}") for number in self._numbers(SETTERS)),
            (Idler(f"/idle{number}") for number in self._numbers(IDLERS))))

    def run(self, kills):
        outcome = Outcome(sessions=len(self._sessions))
        for home, session in self._at_home():
            session.begin(self._ports[home])
        with ThreadPoolExecutor(len(self._sessions)) as pool:
            playing = [pool.submit(self._course.guard, stay, session, self._ports, home, self._course)
                       for home, session in self._at_home()]
            try:
                for number in range(1, kills + 1):
                    outcome.seconds.append(self._one(number))
            finally:
                self._course.over = True
        for task in playing:
            task.result()
        self._check()
        outcome.acked = self._course.acked
        return outcome

    def _numbers(self, for_each_server):
        return range(for_each_server * len(self._ports))

    def _at_home(self):
        """Each session with the place of its own server."""
        return ((place % len(self._ports), session) for place, session in enumerate(self._sessions))

    def _one(self, number):
        """One kill; returns the seconds until a write was accepted."""
        try:
            self._course.more(self._choice.randrange(1, MOST_ACKS), LONGEST_S)
            leader, epoch = self._ensemble.leader, self._course.epoch
            killed = time.monotonic()
            leader.kill()
            seconds = self._course.after(epoch, LONGEST_S) - killed
            leader.start()
            self._ensemble.wait_for(self._is_whole, "one leader, and followers")
        except Exception as error:
            raise AssertionError(f"kill {number} of seed {SEED}: {error!r}") from error
        self._course.round += 1
        return seconds

    def _is_whole(self):
        """One leads, all others follow. On a busy machine one that has just come back may look for its leader once more."""
        return Counter(self._ensemble.modes().values()) == {LEADER: 1, FOLLOWER: len(self._ports) - 1}

    def _check(self):
        """All that was acknowledged is on every server, and each session still is one."""
        for port in self._ports:
            with Client(port) as client:
                equal(client.call("sync", path="/").err, ops.OK, "sync")
                client.close_session()
            for session in self._sessions:
                session.check(port)
