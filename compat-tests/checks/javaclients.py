"""The programs of `java/clients/`, on Apache's Java client of each release, over NIO and over Netty."""

from functools import partial

from ironlab import driven, javaclient, paths, table
from ironlab.server import Server

NAME = "javaclients"
PROPERTIES = {"zookeeper.extendedTypesEnabled": "true", "znode.container.checkIntervalMs": "100"}
CONFIG = "tickTime=200\nmaxSessionTimeout=20000"

# The newest part of the program that each release line can run.
MAIN_CLASSES = {(3, 4): "ChecksOf34", (3, 5): "ChecksOf35", (3, 6): "ChecksOf36"}
NEWEST_MAIN_CLASS = "ChecksOf37"

CLIENTS = [table.Client(f"java {client}", "Java: ZooKeeper", str(client), "`java/clients/`: znodes, watches, callbacks, sessions")
           for version in javaclient.VERSIONS for client in javaclient.all_of(version)]


def tasks(report, kind):
    """One for each release, with a server of its own: its programs restart it."""
    return [partial(_run, report, kind, version) for version in javaclient.VERSIONS]


def _run(report, kind, version):
    with Server(kind, CONFIG, PROPERTIES) as server:
        for client in javaclient.all_of(version):
            driven.run(report, f"java {client}", server, _command(server, client))


def _command(server, client):
    main = MAIN_CLASSES.get(client.line, NEWEST_MAIN_CLASS)
    return [*client.java(classes=paths.JAVA_CLIENTS), f"compat.{main}", server.address,
            f"/java-{client.version}-{client.transport}"]
