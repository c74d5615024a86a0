"""A service discovery on Curator: two processes register, one of them is killed, the server is restarted."""

from ironlab import driven, paths, processes
from ironlab.report import equal
from ironlab.server import Server

from . import logs, znodes

NAME = "discovery"
HOME = paths.WORK / "apps" / "discovery"
NEEDS = HOME
LOGBACK = paths.COMPAT / "apps" / "java" / "logback.xml"


def run(report, kind):
    with Server(kind, "tickTime=500\nmaxSessionTimeout=30000") as server, Service(server) as service:
        actions = {"server": service.start, "kill-server": service.kill}
        log = driven.run(report, NAME, server, _java("check", server.address), actions)
        with report.check(NAME, kind, "no instance is left after the client's end"):
            equal(znodes.children(server, "/services/shop") or [], [], "instances")
    with report.check(NAME, kind, "no error about ZooKeeper is logged"):
        assert "ZooKeeper" in log, "the client has logged nothing of ZooKeeper"
        found = logs.zookeeper_errors(log) + logs.expiries(log)
        assert not found, "\n".join(found)


class Service(processes.Daemon):
    """The process with instances c and d. Use as a context manager: leaving it kills the process."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.kill()

    def start(self):
        self._child = processes.start(_java("server", self.server.address, "c", "d", level="ERROR"))


def _java(*arguments, level="INFO"):
    return ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx128m", f"-Dlogback.configurationFile={LOGBACK}",
            f"-Dlog.level={level}", "-cp", f"{HOME}/classes:{HOME}/lib/*", "Discovery", *arguments]
