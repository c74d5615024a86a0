"""Runs probes and collects what they saw."""

import re
from dataclasses import dataclass

from ironlab.wire import Closed

# A line of the log that is a warning or an error, with who wrote it.
_COMPLAINT = re.compile(r"\[log\] (WARN|ERROR) +(\w+) - ")
# They complain of the peers that nobody plays.
_NOISE = {"QuorumCnxManager": "Cannot open channel"}
ANSWER_S = 5


@dataclass(frozen=True)
class Probe:
    """`play` gets what `ensemble` makes of the server's kind."""

    ensemble: object
    play: object

    @property
    def name(self):
        return self.play.__name__.replace("_", "-")

    @property
    def what(self):
        return " ".join(self.play.__doc__.split())

    def run(self, kind):
        """(what was seen, which classes complained in the log)"""
        with self.ensemble(kind) as ensemble:
            before = len(ensemble.log())
            seen = self.play(ensemble)
            return seen, complaints(ensemble.log()[before:])


def complaints(log):
    """The levels and classes of warnings and errors, each once."""
    lines = [line for line in log.splitlines() if not any(text in line for text in _NOISE.values())]
    found = (_COMPLAINT.search(line) for line in lines)
    return ", ".join(dict.fromkeys(f"{match[1]} {match[2]}" for match in found if match)) or "-"


def goes_on(learner):
    """What a leader does next for this learner: whether it still answers it."""
    learner.send("REVALIDATE", -1, bytes(12))
    try:
        learner.until("REVALIDATE")
    except Closed:
        return "closes the connection"
    return "goes on: answers what comes next"


def quiet(learner):
    """Waits for two PINGs, a tick, in which nothing else comes: by now the leader has logged what it proposed."""
    learner.until("PING")
    learner.until("PING")


def still_follows(followed, learner):
    """What a follower does next: which packets it sends up to its answer to a PING, or how it ends."""
    learner.send("PING", 0x7777)
    sent = []
    try:
        while (packet := learner.read()).type != "PING":
            sent.append(packet)
    except Closed:
        return lost(followed)
    return f"goes on{', sends ' + packets(sent) if sent else ''}"


def lost(followed):
    """How a follower left its leader."""
    try:
        followed.vote()
    except Closed:
        return f"the process ends with exit code {followed.server.wait(ANSWER_S)}"
    return "closes the connection and looks for a leader again"


def packets(found):
    """Packets by type and zxid."""
    return ", ".join(f"{packet.type} {packet.zxid & (1 << 64) - 1:#x}" for packet in found) or "nothing"
