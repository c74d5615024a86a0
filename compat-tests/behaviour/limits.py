"""How long a leader and a follower wait, in seconds, which are ticks: tickTime is 1000 ms, initLimit 6, syncLimit 4."""

import struct
import threading
import time

from ironlab import ops
from ironlab.played import Led
from ironlab.quorum import FIRST_BYTES_V1, LOOKING, Electing, PacketLink, zxid
from ironlab.wire import Client, Closed

from .follower import Looking
from .leader import FIRST, START
from .probe import Probe

PROBES = []
SETTINGS = "tickTime=1000\ninitLimit=6\nsyncLimit=4"
LONGEST_S = 15


class ServingInTime(Led):
    """A leader whose follower, voter 1, does by itself all that it should."""

    def __init__(self, kind):
        super().__init__(kind, observers=(4,), settings=SETTINGS)
        self._obeys = True

    def _start(self):
        super()._start()
        self.follow()
        threading.Thread(target=self._obey, args=(self.follower,), daemon=True).start()

    def _obey(self, follower):
        try:
            while self._obeys:
                packet = follower.read()
                if packet.type == "PING":
                    follower.send("PING", packet.zxid, b"")
                elif packet.type == "PROPOSAL":
                    follower.send("ACK", packet.zxid)
        except (Closed, OSError):
            pass

    def fall_silent(self):
        """Voter 1 reads one more packet, and that is all."""
        self._obeys = False

    def log(self):
        return self.server.log()


class LookingInTime(Looking):
    """A server without history that looks for a leader."""

    def __init__(self, kind):
        super().__init__(kind, SETTINGS)


def probe(ensemble):
    def add(play):
        PROBES.append(Probe(ensemble, play))
        return play
    return add


def _until_closed(link):
    """How long the other side keeps a connection on which nothing is said."""
    since = time.monotonic()
    ended = link.is_closed(LONGEST_S)
    return f"closes the connection after {_seconds(since)}" if ended else f"keeps the connection for {LONGEST_S} s"


def _seconds(since):
    return f"{round((time.monotonic() - since) * 2) / 2:g} s"


@probe(ServingInTime)
def a_learner_that_says_nothing(led):
    """A connection of the quorum port on which nothing is said."""
    with PacketLink.to(led.members.quorum_ports[3]) as link:
        return _until_closed(link)


@probe(ServingInTime)
def a_learner_that_says_half_a_packet(led):
    """A connection of the quorum port on which 10 bytes are said."""
    with PacketLink.to(led.members.quorum_ports[3]) as link:
        link.send_bytes(bytes(10))
        return _until_closed(link)


@probe(ServingInTime)
def a_learner_that_does_not_accept_the_epoch(led):
    """A follower says FOLLOWERINFO and leaves LEADERINFO without an answer."""
    with led.learner(2) as learner:
        return _until_closed(learner)


@probe(ServingInTime)
def a_learner_that_does_not_acknowledge_newleader(led):
    """A follower reads NEWLEADER and says nothing more."""
    with led.learner(2) as learner:
        learner.accept(START, 1)
        learner.history()
        return _until_closed(learner)


@probe(ServingInTime)
def a_follower_that_answers_no_ping(led):
    """A follower got UPTODATE and says nothing more."""
    with led.learner(2) as learner:
        learner.join(START, 1)
        return _until_closed(learner)


@probe(ServingInTime)
def an_observer_that_answers_no_ping(led):
    """An observer got UPTODATE and says nothing more."""
    with led.learner(4, kind="OBSERVERINFO") as observer:
        observer.join(START, 1)
        return _until_closed(observer)


@probe(ServingInTime)
def a_follower_that_acknowledges_nothing(led):
    """A follower answers each PING, but not the proposal of a write; another one does, so the write is committed."""
    client = Client(led.server.port)
    with led.learner(2) as learner:
        learner.join(FIRST, 1)
        client.send("create", path="/a", data=b"", acl=ops.OPEN, flags=0)
        learner.until("PROPOSAL")
        since = time.monotonic()
        try:
            while time.monotonic() < since + LONGEST_S:
                packet = learner.read()
                if packet.type == "PING":
                    learner.send("PING", packet.zxid, b"")
        except Closed:
            return f"closes the connection after {_seconds(since)}"
        return f"keeps the connection for {LONGEST_S} s"


@probe(ServingInTime)
def a_quorum_that_is_closed(led):
    """The only follower ends its connection."""
    led.follower.sock.shutdown(2)
    return _until_looking(led)


@probe(ServingInTime)
def a_quorum_that_is_silent(led):
    """The only follower says nothing more, and keeps its connection."""
    led.fall_silent()
    return _until_looking(led)


def _until_looking(led):
    since = time.monotonic()
    while led.link.read().state != LOOKING:
        pass
    return f"looks for a leader after {_seconds(since)}"


@probe(ServingInTime)
def an_election_connection_that_says_nothing(led):
    """A connection of the election port on which nothing is said."""
    with Electing.to(led.members.election_ports[3]) as link:
        return _until_closed(link)


@probe(ServingInTime)
def an_election_connection_that_says_half(led):
    """A connection of the election port on which half of the first bytes is said."""
    with Electing.to(led.members.election_ports[3]) as link:
        link.send_bytes(struct.pack(">q", FIRST_BYTES_V1))
        return _until_closed(link)


@probe(ServingInTime)
def an_election_connection_that_says_half_a_message(led):
    """Voter 1 sends half of a message on its election connection."""
    led.link.send_bytes(struct.pack(">i", 100) + bytes(50))
    return _until_closed(led.link)


@probe(LookingInTime)
def a_leader_that_is_not_there(followed):
    """The leader that was elected does not listen on its quorum port."""
    followed.port.close()
    followed.vote()
    return _until_looking_again(followed)


@probe(LookingInTime)
def a_leader_that_says_no_leaderinfo(followed):
    """The leader takes the connection and says nothing."""
    with followed.elected():
        return _until_looking_again(followed)


@probe(LookingInTime)
def a_leader_that_says_nothing_after_newleader(followed):
    """The leader sends NEWLEADER, reads its ACK and says nothing more."""
    learner = followed.elected()
    learner.admit(1)
    learner.send("DIFF", 0)
    learner.send("NEWLEADER", zxid(1), followed.config)
    learner.until("ACK")
    return _until_looking_again(followed)


@probe(LookingInTime)
def a_leader_that_sends_no_ping(followed):
    """The leader says nothing more after UPTODATE."""
    with followed.elected() as learner:
        learner.lead(1, followed.config)
        return _until_looking_again(followed)


def _until_looking_again(followed):
    since = time.monotonic()
    followed.vote()
    return f"looks for a leader again after {_seconds(since)}"
