"""What three real servers say of themselves. They are started together, without history."""

from ironlab import ops
from ironlab.ensemble import Ensemble, srvr, three
from ironlab.wire import Client

from .probe import Probe

PROBES = []
SETTINGS = "tickTime=2000\ninitLimit=10\nsyncLimit=5"


class Three(Ensemble):
    """Servers 1, 2 and 3."""

    def __init__(self, kind):
        super().__init__(kind, three(SETTINGS))

    def restart(self):
        for server in self.servers.values():
            server.stop()
        self.start()

    def log(self):
        return "".join(server.log() for server in self.servers.values())

    def zxids(self):
        """Mode and zxid in srvr of each, leader first."""
        found = sorted(((answer["Mode"], answer["Zxid"]) for answer in map(srvr, self.servers.values())), reverse=True)
        return ", ".join(f"{mode} {zxid}" for mode, zxid in found)

    def settled(self):
        """The same, once all have the leader's zxid."""
        self.wait_until_level()
        return self.zxids()


def probe(play):
    PROBES.append(Probe(Three, play))
    return play


@probe
def srvr_after_an_election(ensemble):
    """srvr of all right after the first election; after a client's session and a create; after all were started again; after
    one more session."""
    seen = [f"first election: {ensemble.zxids()}"]
    _write(ensemble, "/a")
    seen.append(f"two txns: {ensemble.settled()}")
    ensemble.restart()
    seen.append(f"second election: {ensemble.zxids()}")
    _write(ensemble, "/b")
    seen.append(f"two txns: {ensemble.settled()}")
    return "; ".join(seen)


def _write(ensemble, path):
    with Client(ensemble.leader.port) as client:
        assert client.create(path).err == ops.OK
