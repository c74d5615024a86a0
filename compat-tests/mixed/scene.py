"""An ensemble of servers of several kinds under load, and what must hold of it whenever all is quiet."""

import time

from ironlab import paths
from ironlab.ensemble import LEADER, Ensemble

from digests import OURS, Digests
from load import Load, Loads

SETTINGS = """\
tickTime=500
initLimit=40
syncLimit=10
snapCount=20000
preAllocSize=4096
maxSessionTimeout=60000
maxClientCnxns=0
"""

# Of both clients' releases together.
SESSIONS, WATCHES, RATE = 200, 500, 2000
CLIENTS = (paths.APACHE_38, paths.APACHE_39)

INTRODUCTION = f"""\
All servers run on one machine, on loopback, under the load of {SESSIONS} sessions of Apache's Java client, of releases
{' and '.join(CLIENTS)}, with {WATCHES:,} watches, sequential and ephemeral znodes and {RATE:,} writes a second, each of a
value of its own; sessions move between the servers. After each step everything stands still for a moment: every write that was
acknowledged is read back from every server, no session that kept its heart-beat has expired, and the digests of all servers
agree at each zxid, as does what their logs and mntr say of digests."""


class Scene:
    """Use as a context manager: entering starts servers and clients, leaving ends them.

    `kinds` are those of the servers by sid. Clients know the voters and observers alike.
    """

    def __init__(self, members, kinds, sessions=SESSIONS, watches=WATCHES, rate=RATE):
        self.ensemble = Ensemble(kinds[min(kinds)], members, kinds=kinds)
        self._share = [number // len(CLIENTS) for number in (sessions, watches, rate)]
        # How long each server's log was when it was started again.
        self.started_at = {}
        self._loads = []
        self._digests = Digests(self.ensemble)

    def __enter__(self):
        self.ensemble.__enter__()
        try:
            servers = list(self.servers.values())
            for version in CLIENTS:
                self._loads.append(Load(version, servers, *self._share).__enter__())
            self.loads = Loads(self._loads)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_failure):
        for load in self._loads:
            load.__exit__()
        self.ensemble.close()

    @property
    def servers(self):
        return self.ensemble.servers

    def kind_of(self, sid):
        return self.servers[sid].kind

    def leader(self):
        """The sid of the server that leads."""
        return self.ensemble.sid_of(LEADER)

    def switch(self, sid, kind):
        """Stops a server and starts one of another kind on the same configuration, number and directory; returns when it is
        in sync."""
        server = self.servers[sid]
        server.stop()
        server.kind = kind
        self.start(sid)

    def start(self, sid):
        """Starts a server, and waits until it serves and has caught up with the leader."""
        self.started_at[sid] = len(self.servers[sid].log())
        self.servers[sid].start()
        self.wait_until_whole()

    def wait_until_whole(self):
        """All servers serve, one of them leads."""
        def whole():
            modes = list(self.ensemble.modes().values())
            return None not in modes and modes.count(LEADER) == 1
        self.ensemble.wait_for(whole, "all servers, and one leader")

    def let_run(self, seconds):
        """Lets the clients do something: so many seconds of their writes."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.loads.stats()
            time.sleep(min(0.2, seconds))

    def check(self):
        """Everything stands still for a moment: all that was acknowledged is on every server, and they have one tree."""
        try:
            self.loads.ask("pause")
            self.ensemble.wait_until_level()
            for server in self.servers.values():
                self.loads.ask(f"check {server.address}")
            self._digests.check()
        finally:
            self.loads.ask("resume")
