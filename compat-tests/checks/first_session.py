"""What `make run` starts, and what a user does next: zkCli on the plain port, and over TLS as `ironkeeper certs` tells."""

import re
from types import SimpleNamespace

from ironlab import paths, ports, processes, zkcli
from ironlab.javaclient import Client
from ironlab.report import equal
from ironlab.server import Server

NAME = "first session"
CLIENTS = []
OURS = "ironkeeper"
SESSION = [(("create", "/first", "data"), "Created /first"), (("get", "/first"), "data"), (("set", "/first", "more"), ""),
           (("get", "/first"), "more"), (("ls", "/"), "[first, zookeeper]"), (("delete", "/first"), "")]


def run(report, kind):
    if kind != OURS:
        return
    with Sample() as server:
        for port, flags in (("plain", ""), ("secure", server.client_flags())):
            with report.check(NAME, kind, f"zkCli on the {port} port"):
                _session(server, server.ports[port], flags)


def _session(server, port, flags):
    place = SimpleNamespace(address=f"localhost:{port}")
    release = Client(paths.APACHE_39, "netty" if flags else "nio", flags.split())
    for command, expected in SESSION:
        code, text = zkcli.one_shot(place, *command, release=release)
        assert code == 0 and expected in text, f"{command}: exit code {code}\n{text}\n{server.log_tail()}"


class Sample(Server):
    """A server on conf/zoo-tls.cfg with stores that it has made, as the Makefile's `run` has it, on free ports of loopback."""

    def __init__(self):
        super().__init__(OURS)
        self.ports = {"plain": self.port, "secure": ports.free()}

    def launch(self):
        """Makes the stores first."""
        code, _, err = processes.run([paths.ironkeeper_binary(), "certs", "--out", "data/tls"], cwd=self.home)
        equal(code, 0, f"exit code of certs\n{err}")
        super().launch()

    def _zoo_cfg(self):
        text = (paths.PROJECT / "conf" / "zoo-tls.cfg").read_text()
        for name, default, port in (("client", 2181, self.ports["plain"]), ("secureClient", 2281, self.ports["secure"])):
            line = f"{name}Port={port}\n{name}PortAddress=127.0.0.1"
            text, count = re.subn(rf"(?m)^{name}Port={default}$", line, text)
            equal(count, 1, f"lines {name}Port={default}")
        return text

    def client_flags(self):
        """What client.env gives to zkCli.sh."""
        script = '. ./data/tls/client.env && printf %s "$CLIENT_JVMFLAGS"'
        code, flags, err = processes.run(["sh", "-c", script], cwd=self.home)
        equal(code, 0, f"exit code of the shell\n{err}")
        return flags
