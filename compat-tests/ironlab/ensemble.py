"""A running ensemble: all servers of one `Members`, started side by side, of one kind or of several.

Knows who leads and who has caught up. What clients do with it, and what goes wrong, is the tests'.
"""

import time

from . import processes
from .members import Members
from .server import START_DEADLINE_S, ServerError, four_letters

LEADER, FOLLOWER, OBSERVER = "leader", "follower", "observer"


class Ensemble(processes.Scoped):
    """Use as a context manager: entering starts all servers and waits until each serves, leaving kills them.

    `options` go to each Server; `data` are directories to take over by sid, `own` options of single servers by sid, `kinds`
    the kinds of those that are of another kind than the others.
    """

    def __init__(self, kind, members, data=None, own=None, kinds=None, **options):
        self.kind = kind
        self.members = members
        self.servers = {}
        for sid in members.sids:
            given = {**options, "data": (data or {}).get(sid), **(own or {}).get(sid, {})}
            self.servers[sid] = members.server((kinds or {}).get(sid, kind), sid, **given)

    def start(self):
        """Starts all of them and returns once each serves in a role of an ensemble."""
        for server in self.servers.values():
            server.launch()
        for server in self.servers.values():
            server.wait_until_serving()

    def stop(self):
        """SIGTERM to each; the followers first, so that none of them is elected on the way."""
        for server in sorted(self.servers.values(), key=lambda server: mode(server) == LEADER):
            server.stop()

    def close(self):
        for server in self.servers.values():
            server.close()

    def sid_of(self, role):
        """The first server in a role; AssertionError where there is none now."""
        found = [sid for sid, server in self.servers.items() if mode(server) == role]
        assert found, f"no {role}: {self.modes()}"
        return found[0]

    def of(self, role):
        """The server of `sid_of`."""
        return self.servers[self.sid_of(role)]

    @property
    def leader(self):
        return self.of(LEADER)

    def others(self, *servers):
        """All but these."""
        return [server for server in self.servers.values() if server not in servers]

    def modes(self):
        """What each says of itself, None where it does not answer."""
        return {sid: mode(server) for sid, server in self.servers.items()}

    def wait_for(self, condition, what, within_s=START_DEADLINE_S):
        """Polls a condition; ServerError with all logs' ends when it does not come true in time."""
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                tails = "\n".join(f"server {sid}:\n{server.log_tail(8)}" for sid, server in self.servers.items())
                raise ServerError(f"{self.kind}: not within {within_s} s: {what}; modes {self.modes()}\n{tails}")
            time.sleep(0.02)

    def wait_for_leader(self, among, within_s=START_DEADLINE_S):
        """The server that leads among these, once there is one."""
        self.wait_for(lambda: any(mode(server) == LEADER for server in among), "a leader", within_s)
        return next(server for server in among if mode(server) == LEADER)

    def wait_until_level(self):
        """Waits until all serve and have the same zxid."""
        self.wait_for(lambda: len({srvr(server).get("Zxid") for server in self.servers.values()}) == 1
                      and None not in self.modes().values(), "the same zxid on all")


def three(settings, observers=0):
    """Members of an ensemble of three, the last of which observe."""
    sids = (1, 2, 3)
    return Members(sids[:3 - observers], sids[3 - observers:], settings)


def srvr(server):
    """srvr as a dict of texts; {} where it is not answered."""
    try:
        answer = four_letters(server.port, "srvr", timeout_s=0.5, host=server.host)
    except OSError:
        return {}
    return dict(line.split(": ", 1) for line in answer.splitlines() if ": " in line)


def mode(server):
    """leader, follower or observer; None where it does not serve."""
    return srvr(server).get("Mode")
