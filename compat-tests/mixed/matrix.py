"""Leaders and learners of both kinds, each learner brought in sync by DIFF, TRUNC and SNAP, under load.

Two ensembles of three voters and an observer for each release of Apache's: one with a single voter of ours, which is server 1,
one with a single voter of theirs, which is server 1. The observer is of the kind of server 1. What is wanted is led to by
stopping and starting servers, and what really happened is read from the log of the learner: a cell of the table counts when the
learner's own log names the way. After every step all must hold that a scene checks.
"""

import shutil
import time
from collections import Counter

from ironlab.members import Members
from ironlab.quorum import later

from scene import OURS, SETTINGS, Scene

VOTERS, OBSERVER = (1, 2, 3), 4
FIVE = (1, 2, 3, 4, 5)
THEIRS = "theirs"
DIFF, TRUNC, SNAP = "DIFF", "TRUNC", "SNAP"

# What a learner's log says when it is brought in sync, by the kind of server.
WAYS = {
    OURS: {DIFF: "brings this server in sync with DIFF", TRUNC: "brings this server in sync with TRUNC",
           SNAP: "brings this server in sync with SNAP"},
    THEIRS: {DIFF: "Getting a diff from the leader", TRUNC: "Truncating log to get in sync with the leader",
             SNAP: "Getting a snapshot from leader"},
}

# A learner that comes back after seconds of load gets a DIFF, one without files nothing but a SNAP.
WAYS_APART = f"{SETTINGS}commitLogCount=100000\nsnapshotSizeFactor=-1\n"

# Leaders that keep 500 txns for learners that lag, whatever commitLogCount says: a DIFF needs a learner that is away briefly.
KEEP_FEW = ("apache-3.5",)

# Longer than syncLimit: the others give the one that stands still up.
PAUSE_S = 7


def side(kind):
    return OURS if kind == OURS else THEIRS


class Matrix:
    """What happened, over all releases: a count for each (release, leader, learner, way)."""

    def __init__(self):
        self.cells = Counter()
        self.of_five = []

    def page(self):
        """The cells, as a page shows them."""
        head = "| Apache | leader | learner | in sync by | times |\n| --- | --- | --- | --- | ---: |"
        rows = [f"| {release} | {_name(leader)} | {_name(learner)} | {way} | {count} |"
                for (release, leader, learner, way), count in sorted(self.cells.items())]
        return "\n".join(["Ensembles of three voters and an observer, one voter of one kind and two of the other. A row counts when "
                          "the learner's own log names the way.", "", head, *rows, "",
                          f"Five voters and two observers of both kinds; the leader was killed each time: {', '.join(self.of_five)}."])

    def run(self, report, release, steps=None):
        """All steps on the two ensembles of a release, or those whose names are given."""
        for single, others in ((OURS, release), (release, OURS)):
            kinds = {1: single, 2: others, 3: others, OBSERVER: single}
            members = Members(VOTERS, [OBSERVER], WAYS_APART)
            name = f"matrix: {single} and two of {others}"
            with report.guard(name, release), Scene(members, kinds) as scene:
                play = Play(scene, release, self.cells)
                for step in steps or STEPS:
                    with report.check(name, release, step.replace("_", " ")):
                        getattr(play, step)()

    def run_with_five(self, report, release):
        """Five voters and two observers of both kinds, whose leader is killed again and again."""
        kinds = {1: OURS, 2: release, 3: OURS, 4: release, 5: OURS, 6: OURS, 7: release}
        name = "matrix: five voters and two observers"
        with report.guard(name, release), Scene(Members(FIVE, (6, 7), WAYS_APART), kinds) as scene:
            for number in range(1, 4):
                with report.check(name, release, f"the leader is killed, {number}"):
                    leader = scene.leader()
                    scene.servers[leader].kill()
                    scene.let_run(2)
                    scene.start(leader)
                    scene.let_run(1)
                    scene.check()
                    self.of_five.append(f"server {leader} ({_name(side(kinds[leader]))})")


def _name(kind):
    return kind.replace(OURS, "ironkeeper").replace(THEIRS, "Apache")


class Play:
    """The steps on one ensemble. Each ends with all servers in sync, and checked."""

    def __init__(self, scene, release, cells):
        self._scene = scene
        self._release = release
        self._cells = cells

    def the_two_lead(self):
        """Server 3 leads, a DIFF and a SNAP bring server 1 and the observer in sync."""
        self._make_lead(3)
        self._sync(1, DIFF)
        self._sync(1, SNAP)
        self._sync(OBSERVER, DIFF)
        self._sync(OBSERVER, SNAP)

    def the_single_one_leads(self):
        """Server 1 leads, a DIFF and a SNAP bring server 2 and the observer in sync."""
        self._make_lead(1)
        self._sync(2, DIFF)
        self._sync(2, SNAP)
        self._sync(OBSERVER, DIFF)

    def a_deposed_leader_truncates(self):
        """Server 1 has led, and logged what no other has; the two have a leader of theirs when it comes back."""
        self._make_lead(1)
        self._come_back_with_a_tail(1)
        self._note(1, TRUNC)
        self._scene.loads.ask("resume")
        self._scene.let_run(1)
        self._scene.check()

    def the_leader_is_killed(self):
        for leader in (3, 1):
            self._make_lead(leader)
            self._scene.servers[leader].kill()
            self._scene.let_run(2)
            self._scene.start(leader)
            self._scene.let_run(1)
            self._scene.check()

    def the_leader_stands_still(self):
        for leader in (3, 1):
            self._make_lead(leader)
            server = self._scene.servers[leader]
            server.pause()
            time.sleep(PAUSE_S)
            server.resume()
            self._scene.wait_until_whole()
            self._scene.let_run(1)
            self._scene.check()

    def _make_lead(self, sid):
        """One voter stays behind, and so has a smaller zxid than the one that is to lead; of these two it gets the vote."""
        scene = self._scene
        if scene.leader() == sid:
            return
        behind, third = sorted(set(VOTERS) - {sid}, key=lambda other: other == scene.leader())
        scene.servers[behind].stop()
        scene.let_run(1)
        scene.servers[third].stop()
        scene.servers[sid].stop()
        for other in (sid, behind):
            scene.servers[other].launch()
        scene.servers[sid].wait_until_serving()
        scene.servers[third].launch()
        scene.wait_until_whole()
        assert scene.leader() == sid, f"server {scene.leader()} leads instead of {sid}"
        scene.let_run(1)
        scene.check()

    def _sync(self, sid, way):
        """Takes a learner away and brings it back so that it must be brought in sync by this way."""
        server = self._scene.servers[sid]
        server.kill()
        if way == SNAP:
            shutil.rmtree(server.version_2)
        if way == DIFF and self._scene.kind_of(self._scene.leader()) in KEEP_FEW:
            self._scene.loads.ask("pause")
        else:
            self._scene.let_run(0.3)
        self._scene.start(sid)
        self._note(sid, way)
        self._scene.loads.ask("resume")
        self._scene.let_run(0.5)
        self._scene.check()

    def _come_back_with_a_tail(self, sid):
        """The followers stand still, while the leader goes on to log proposals; then they come back without what was sent to
        them, and without the leader. Nothing is written until that one is back: across a txn of the new epoch no leader cuts a
        log, it sends a snapshot (LearnerHandler.queueCommittedProposals)."""
        scene = self._scene
        followers = [scene.servers[other] for other in VOTERS if other != sid]
        for server in followers:
            server.pause()
        time.sleep(0.5)
        paused = later(scene.loads.ask, "pause")
        scene.servers[sid].kill()
        for server in followers:
            server.kill()
        for server in followers:
            server.launch()
        for server in followers:
            server.wait_until_serving()
        paused.result()
        scene.start(sid)

    def _note(self, sid, way):
        """Counts how the learner was brought in sync since its start, and by whom. One of Apache's may come again, by a DIFF, as
        older releases stumble over a COMMIT behind NEWLEADER (ZOOKEEPER-4394)."""
        server = self._scene.servers[sid]
        kind, leader = side(server.kind), side(self._scene.kind_of(self._scene.leader()))
        ways = WAYS[kind]
        text = server.log()[self._scene.started_at[sid]:]
        found = [name for name, words in ways.items() if words in text]
        assert way in found, f"server {sid} came in sync by {found} instead of {way}\n{server.log_tail()}"
        observer = " (observer)" if sid == OBSERVER else ""
        self._cells[self._release, leader, f"{kind}{observer}", way] += 1


STEPS = ("the_two_lead", "the_single_one_leads", "a_deposed_leader_truncates", "the_leader_is_killed", "the_leader_stands_still")
