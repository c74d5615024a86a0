"""A deployment that moves over: three servers of Apache's under load, replaced one by one, and back again.

Each step stops one server and starts one of the other kind on the same zoo.cfg, myid and directory. Followers go first and
the leader last, as an operator would do it; a step that stops a leader costs what a change of leaders costs. The longest time
without an acknowledged write in such a step is held against that of Apache's own ensemble, measured before in the same run.
"""

from dataclasses import dataclass

from ironlab.members import Members

from scene import OURS, SETTINGS, Scene

APACHE = "apache-3.9.5"
SIDS = (1, 2, 3)

# How long clients go on after each step: long enough for sessions to move and for snapshots.
AFTER_A_STEP_S = 2


@dataclass
class Step:
    """One server that was replaced."""

    direction: str
    sid: int
    led: bool
    gap_ms: int


class Rolling:
    """The moves of one scene, `rounds` times there and back."""

    def __init__(self, rounds):
        self._rounds = rounds
        self.steps = []
        self.own_gaps_ms = []
        self.totals = {}

    def run(self, report):
        members = Members(SIDS, settings=SETTINGS)
        with Scene(members, {sid: APACHE for sid in SIDS}) as self._scene:
            with report.check("rolling", APACHE, "its own leader is changed under load, for comparison"):
                for _ in range(2):
                    self._change_apaches_leader()
            for number in range(1, self._rounds + 1):
                with report.check("rolling", OURS, f"round {number}: there, server by server"):
                    self._move("there", OURS)
                with report.check("rolling", OURS, f"round {number}: and back"):
                    self._move("back", APACHE)
            with report.check("rolling", OURS, "no step without writes for longer than Apache's own change of leaders"):
                self._judge()
            self.totals = self._scene.loads.stats()

    def _change_apaches_leader(self):
        scene = self._scene
        sid = scene.leader()
        self.own_gaps_ms.append(self._measured(lambda: scene.switch(sid, APACHE)))
        scene.check()

    def _move(self, direction, kind):
        """Every server, the leader last."""
        scene = self._scene
        moved = set()
        while left := set(SIDS) - moved:
            leader = scene.leader()
            sid = min(left - {leader}, default=leader)
            gap_ms = self._measured(lambda: scene.switch(sid, kind))
            self.steps.append(Step(direction, sid, sid == leader, gap_ms))
            scene.check()
            moved.add(sid)

    def _measured(self, step):
        """Does something, lets clients go on and some sessions move; the longest time without a write, in ms."""
        loads = self._scene.loads
        loads.ask("mark")
        step()
        loads.ask("move 10")
        self._scene.let_run(AFTER_A_STEP_S)
        return loads.stats()["gap_ms"]

    def _judge(self):
        longest = max(self.own_gaps_ms)
        slow = [step for step in self.steps if step.gap_ms > longest]
        assert not slow, f"Apache's own change of leaders took {longest} ms: {slow}"

    def page(self):
        """The steps, as a page shows them."""
        rows = [f"| {step.direction} | server {step.sid} | {'leader' if step.led else 'follower'} | {step.gap_ms:,} |"
                for step in self.steps]
        head = "| direction | replaced | it was | longest time without a write, ms |\n| --- | --- | --- | ---: |"
        own = ", ".join(f"{gap:,}" for gap in self.own_gaps_ms)
        totals = self.totals
        return "\n".join([
            f"Three servers of {APACHE}, each replaced by ironkeeper on the same zoo.cfg, myid and directory, and back again; "
            "followers first, the leader last.", "", head, *rows, "",
            f"Apache's own change of leaders in the same run took {own} ms. Writes acknowledged: {totals['acknowledged']:,}; "
            f"answered by ConnectionLoss, so that nobody knows: {totals['unknown']:,}; lost: 0."])
