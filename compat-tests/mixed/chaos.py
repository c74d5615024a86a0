"""Kills, pauses and restarts by chance over a mixed ensemble, a minute for each seed, under load."""

import random
import time
from collections import Counter

from ironlab.members import Members

from scene import OURS, SETTINGS, Scene

APACHE = "apache-3.9.5"
SIDS = (1, 2, 3, 4, 5)
LONGEST_PAUSE_S = 8
DEEDS = ("kill", "stop", "pause")

# Most of the time a quorum is left; now and then it is not, for a while.
MOST_AWAY = 3


class Chaos:
    """One seed: its kinds of servers, and what becomes of them."""

    def __init__(self, seed, seconds):
        self._choice = random.Random(seed)
        self._seed = seed
        self._seconds = seconds
        self._deeds = Counter()
        self._stats = {}
        self._kinds = {sid: self._choice.choice((OURS, APACHE)) for sid in SIDS}
        self._kinds[1], self._kinds[2] = OURS, APACHE

    def run(self):
        with Scene(Members(SIDS, settings=SETTINGS), self._kinds) as self._scene:
            until = time.monotonic() + self._seconds
            while time.monotonic() < until:
                self._one_deed()
            self._scene.wait_until_whole()
            self._scene.let_run(2)
            self._scene.check()
            self._stats = self._scene.loads.stats()

    def row(self):
        """What it was, as a row of the page."""
        ours = sum(kind == OURS for kind in self._kinds.values())
        deeds = " | ".join(str(self._deeds[deed]) for deed in DEEDS)
        return f"| {self._seed} | {ours} + {len(SIDS) - ours} | {deeds} | {self._stats['acknowledged']:,} | {self._stats['unknown']:,} |"

    def _one_deed(self):
        """Some servers at once go away in one way or another, and come back one by one."""
        choice, servers = self._choice, self._scene.servers
        away = choice.sample(SIDS, choice.randint(1, MOST_AWAY))
        deeds = [(servers[sid], choice.choice(DEEDS)) for sid in away]
        for server, deed in deeds:
            getattr(server, deed)()
        time.sleep(choice.uniform(0.1, LONGEST_PAUSE_S))
        choice.shuffle(deeds)
        for server, deed in deeds:
            server.resume() if deed == "pause" else server.launch()
            time.sleep(choice.uniform(0, 0.5))
        self._scene.wait_until_whole()
        self._scene.let_run(choice.uniform(0.1, 2))
        self._deeds.update(deed for _, deed in deeds)


def page_of(runs):
    """The runs, as a page shows them."""
    head = ("| seed | ironkeeper + Apache | SIGKILL | SIGTERM | SIGSTOP | writes acknowledged | unknown |\n"
            "| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    return "\n".join([f"Five voters, some of ironkeeper and some of {APACHE}. Writes lost: 0. Servers diverged: 0.", "", head,
                      *(run.row() for run in runs)])
