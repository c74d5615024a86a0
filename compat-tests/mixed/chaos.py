"""Kills, pauses and restarts by chance over a mixed ensemble, a minute for each seed, under load."""

import random
import time

from ironlab.members import Members

from scene import OURS, SETTINGS, Scene

APACHE = "apache-3.9.5"
SIDS = (1, 2, 3, 4, 5)
LONGEST_PAUSE_S = 8

# Most of the time a quorum is left; now and then it is not, for a while.
MOST_AWAY = 3


class Chaos:
    """One seed: its kinds of servers, and what becomes of them."""

    def __init__(self, seed, seconds):
        self._choice = random.Random(seed)
        self._seconds = seconds
        self.deeds = 0

    def run(self):
        kinds = {sid: self._choice.choice((OURS, APACHE)) for sid in SIDS}
        kinds[1], kinds[2] = OURS, APACHE
        with Scene(Members(SIDS, settings=SETTINGS), kinds) as self._scene:
            until = time.monotonic() + self._seconds
            while time.monotonic() < until:
                self._one_deed()
            self._scene.wait_until_whole()
            self._scene.let_run(2)
            self._scene.check()
            return self._scene.loads.stats()

    def _one_deed(self):
        """Some servers at once go away in one way or another, and come back one by one."""
        choice, servers = self._choice, self._scene.servers
        away = choice.sample(SIDS, choice.randint(1, MOST_AWAY))
        deeds = [(servers[sid], choice.choice(("kill", "stop", "pause"))) for sid in away]
        for server, deed in deeds:
            getattr(server, deed)()
        time.sleep(choice.uniform(0.1, LONGEST_PAUSE_S))
        choice.shuffle(deeds)
        for server, deed in deeds:
            server.resume() if deed == "pause" else server.launch()
            time.sleep(choice.uniform(0, 0.5))
        self._scene.wait_until_whole()
        self._scene.let_run(choice.uniform(0.1, 2))
        self.deeds += len(deeds)
