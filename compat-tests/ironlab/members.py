"""The members of an ensemble: their ports on loopback, and the lines of zoo.cfg that name them.

Any of them may be a server (`Server(kind, members.config, sid=...)`) or played by the test (`quorum`).
"""

import re
from contextlib import ExitStack, contextmanager

from . import ports
from .server import Server

# Room for scripts that answer late: a peer is given up after 100 ticks.
PATIENT = "tickTime=2000\ninitLimit=100\nsyncLimit=100"


# A property: Apache does not read it in zoo.cfg where it reads server lines.
SEVERAL_ADDRESSES = {"zookeeper.multiAddress.enabled": "true"}


class Members:
    """Voters and observers by their sids. `settings` are the other lines of zoo.cfg, `hosts` addresses other than loopback's.
    `further` are second hosts, by sid, of those that have two; what takes such lines has to be told by `SEVERAL_ADDRESSES`.
    """

    def __init__(self, voters, observers=(), settings=PATIENT, hosts=None, further=None):
        self._types = {**{sid: "participant" for sid in voters}, **{sid: "observer" for sid in observers}}
        self._settings = settings
        self._hosts = hosts or {}
        self._further = {sid: f"{host}:{ports.free()}:{ports.free()}" for sid, host in (further or {}).items()}
        self.quorum_ports = {sid: ports.free() for sid in self._types}
        self.election_ports = {sid: ports.free() for sid in self._types}

    @property
    def sids(self):
        """All of them, voters first."""
        return list(self._types)

    def line(self, sid):
        """A member's address in zoo.cfg, also of one that is going to join."""
        address = f"{self._host(sid)}:{self.quorum_ports[sid]}:{self.election_ports[sid]}"
        several = [address, *filter(None, [self._further.get(sid)])]
        return f"{'|'.join(several)}:{self._types[sid]}"

    @property
    def config(self):
        """The same lines for all of them."""
        return "\n".join([self._settings, *(f"server.{sid}={self.line(sid)}" for sid in self._types)])

    def server(self, kind, sid, extra="", make=Server, **options):
        """The server of this sid, not started; `extra` are lines of its zoo.cfg alone, `make` is the kind of harness."""
        own = "peerType=observer\n" if self._types[sid] == "observer" else ""
        return make(kind, f"{self.config}\n{own}{extra}", sid=sid, **{"address": self._host(sid), **options})

    def port_names(self):
        """[(port, name)] of those that servers tell of each other."""
        return [(str(port), f"{use}-{sid}") for use, by_sid in (("quorum", self.quorum_ports), ("election", self.election_ports))
                for sid, port in by_sid.items()]

    def _host(self, sid):
        return self._hosts.get(sid, "127.0.0.1")


@contextmanager
def serving(servers):
    """Starts these members, and ends them with the block: {role: server} once all serve."""
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.close)
            server.launch()
        for server in servers:
            server.wait_until_serving()
        yield {re.search(r"\nMode: (\w+)\n", server.ask("srvr"))[1]: server for server in servers}
