"""The releases of Apache's Java client that people have, each over NIO and, where it can, over Netty."""

from dataclasses import dataclass

from . import paths
from .server import JAVA_OPTIONS

# The last release of each line, oldest first, as far as its poms are complete. Those that are here as servers, too, take the
# server's class path.
VERSIONS = ("3.4.14", "3.5.10", "3.6.4", "3.7.2", paths.APACHE_38, paths.APACHE_39)

_HOSTS_FOR_34 = f"-Djdk.net.hosts.file={paths.COMPAT / 'java' / 'hosts-for-3.4'}"
_NETTY = "-Dzookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty"


def quiet_java():
    """The cheapest JVM, without a log: what a client says of a server that is away on purpose would hide what matters."""
    return ["java", *JAVA_OPTIONS, f"-Dlogback.configurationFile={paths.LOGBACK}", "-Dlog.level=OFF",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"]


@dataclass(frozen=True)
class Client:
    """One release of the client and its transport, `nio` or `netty`; `properties` are options such as -Dname=value."""

    version: str
    transport: str = "nio"
    properties: tuple = ()

    def __str__(self):
        return f"{self.version} {self.transport}"

    @property
    def line(self):
        """The release line as numbers, such as (3, 5)."""
        return tuple(int(number) for number in self.version.split(".")[:2])

    def java(self, *options, classes=None):
        """The start of a quiet command line up to the main class; `classes` come before the client's own."""
        class_path = paths.client_class_path(self.version)
        return [*quiet_java(), *([_NETTY] if self.transport == "netty" else []),
                *([_HOSTS_FOR_34] if self.line == (3, 4) else []), *self.properties, *options,
                "-cp", f"{classes}:{class_path}" if classes else class_path]


def all_of(version):
    """The clients of one release: 3.4 has no Netty."""
    return [Client(version, transport) for transport in ("nio", "netty") if (version, transport) != ("3.4.14", "netty")]
