"""Ensembles of one real server, number 3, whose peers the test plays: it leads, or it follows voter 1.

Starting one takes it through the election; what was read on the way is kept, for captures.
"""

from . import ops, quorum
from .members import PATIENT, Members
from .quorum import TIMEOUT_S, later, zxid
from .wire import Client

REAL = 3
# Higher than that of any server with a history of its own: whoever votes with it wins.
WINNING_EPOCH = 1000


class _Ensemble:
    """The real server, not started, and its members; a context manager that leaves nothing running."""

    def __init__(self, kind, observers, settings):
        self.members = Members((1, 2, 3), observers, settings)
        self.server = self.members.server(kind, REAL)
        self.elections = {sid: quorum.ElectionPort(self.members.election_ports[sid]) for sid in (1, 2)}

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.server.close()
            raise
        return self

    def __exit__(self, *_failure):
        self.server.close()
        for port in self.elections.values():
            port.close()

    def look(self):
        """Has voter 2 come late and look for a leader; returns its election connection."""
        link = self.elections[2].accept()
        link.first_bytes()
        looking = link.read()
        link.vote(quorum.LOOKING, 2, 0, looking.round, 0, looking.config)
        return link


class Led(_Ensemble):
    """The real server leads, and voter 1 votes for it and follows it: `follower`, once `follow` was called."""

    def __init__(self, kind, observers=(), settings=PATIENT):
        super().__init__(kind, observers, settings)
        self.follower = None

    def _start(self):
        self.server.launch()
        self.link = self.elections[1].accept()
        self.first_bytes, self.looking = self.link.first_bytes(), self.link.read()
        self.link.vote(quorum.LOOKING, REAL, self.looking.zxid, self.looking.round, self.looking.epoch, self.looking.config)

    def learner(self, sid, **options):
        """A learner that has said who it is."""
        return quorum.Learner.of(self.members.quorum_ports[REAL], sid, **options)

    def follow(self):
        """Voter 1 follows from an empty history; returns the packets that it got."""
        self.follower = self.learner(1)
        return self.follower.join()

    def written(self, function, *arguments, **options):
        """A client's write, committed with voter 1: its proposal, its COMMIT and what the function returns."""
        result = later(function, *arguments, **options)
        proposal = self.follower.acknowledge()
        return proposal, self.follower.until("COMMIT"), result.result(TIMEOUT_S)

    def client(self, **options):
        """A client of the leader with a new session."""
        return self.written(Client, self.server.port, **options)[2]


class Followed(_Ensemble):
    """The real server looks, and follows voter 1 as often as that is elected: `port` is where it then connects."""

    def __init__(self, kind, settings=PATIENT):
        super().__init__(kind, (), settings)
        self.port = quorum.LeaderPort(self.members.quorum_ports[1])
        self._round = 0

    def __exit__(self, *failure):
        super().__exit__(*failure)
        self.port.close()

    def _start(self):
        self.server.launch()
        self.link = self.elections[1].accept()
        self.link.first_bytes()

    def vote(self):
        """Reads the notification of a new round and votes for itself; returns the notification.

        The other one then has the same vote, and follows when it has waited 200 ms for a better one.
        """
        while (note := self.link.read()).state != quorum.LOOKING or note.round <= self._round:
            pass
        self._round, self.config = note.round, note.config
        self.link.vote(quorum.LOOKING, 1, note.zxid, note.round, WINNING_EPOCH, note.config)
        return note

    def elected(self):
        """Votes and waits for the follower's connection."""
        self.vote()
        return self.port.accept()

    def lead(self, epoch=1):
        """From the election to a server that serves; returns the follower's connection."""
        learner = self.elected()
        learner.lead(epoch, self.config)
        self.server.wait_until_serving()
        return learner

    def client(self, learner, number, **options):
        """A client of the follower, whose new session is the txn `number`."""
        connecting = later(Client, self.server.port, **options)
        self.create_session(learner, learner.until("REQUEST"), number)
        return connecting.result(TIMEOUT_S)

    @staticmethod
    def create(learner, number):
        """Proposes a create whose path is made of its zxid."""
        learner.propose(number, ops.OPS["create"][0], "CreateTxn", 1, path=f"/n{number:x}", data=b"", acl=ops.OPEN,
                        ephemeral=False, parentCVersion=number & 0xffffffff)

    def with_history(self, count, epoch=1):
        """Leads it through so many txns, all committed, and leaves."""
        learner = self.lead(epoch)
        for counter in range(1, count + 1):
            self.create(learner, zxid(epoch, counter))
            learner.until("ACK")
            learner.send("COMMIT", zxid(epoch, counter))
        learner.close()

    @staticmethod
    def create_session(learner, request, number):
        """Commits the createSession of a REQUEST and returns the follower's ACK."""
        learner.propose_session(request, number)
        ack = learner.until("ACK")
        learner.send("COMMIT", number)
        return ack


