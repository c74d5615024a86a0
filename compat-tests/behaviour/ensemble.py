"""What three real servers say of themselves. They are started together, without history."""

from ironlab import ops
from ironlab.members import Members
from ironlab.wire import Client

from .probe import Probe

PROBES = []
SETTINGS = "tickTime=2000\ninitLimit=10\nsyncLimit=5"


class Three:
    """Servers 1, 2 and 3."""

    def __init__(self, kind):
        members = Members((1, 2, 3), settings=SETTINGS)
        self._servers = {sid: members.server(kind, sid) for sid in (1, 2, 3)}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_failure):
        for server in self._servers.values():
            server.close()

    def start(self):
        for server in self._servers.values():
            server.launch()
        for server in self._servers.values():
            server.wait_until_serving()

    def restart(self):
        for server in self._servers.values():
            server.stop()
        self.start()

    def log(self):
        return "".join(server.log() for server in self._servers.values())

    def leader(self):
        return next(server for server in self._servers.values() if _srvr(server)["Mode"] == "leader")

    def zxids(self):
        """Mode and zxid in srvr of each, leader first."""
        found = sorted(((answer["Mode"], answer["Zxid"]) for answer in map(_srvr, self._servers.values())), reverse=True)
        return ", ".join(f"{mode} {zxid}" for mode, zxid in found)

    def settled(self):
        """The same, once all have the leader's zxid."""
        leader = self.leader()
        for server in self._servers.values():
            server.wait_for(lambda server=server: _srvr(server)["Zxid"] == _srvr(leader)["Zxid"], "the leader's zxid")
        return self.zxids()


def _srvr(server):
    return dict(line.split(": ", 1) for line in server.ask("srvr").splitlines() if ": " in line)


def probe(play):
    PROBES.append(Probe(Three, play))
    return play


@probe
def srvr_after_an_election(three):
    """srvr of all right after the first election; after a client's session and a create; after all were started again; after
    one more session."""
    seen = [f"first election: {three.zxids()}"]
    _write(three, "/a")
    seen.append(f"two txns: {three.settled()}")
    three.restart()
    seen.append(f"second election: {three.zxids()}")
    _write(three, "/b")
    seen.append(f"two txns: {three.settled()}")
    return "; ".join(seen)


def _write(three, path):
    with Client(three.leader().port) as client:
        assert client.create(path).err == ops.OK
