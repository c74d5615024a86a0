"""The Go program of `go/`, on github.com/go-zookeeper/zk: nodes, watches, multis, ACLs, locks and sessions."""

from ironlab import driven, paths, table
from ironlab.server import Server

NAME = "go"
CLIENTS = [table.Client(NAME, "go-zookeeper", table.pinned("go/go.mod", r"/zk v(.*)"),
                        "`go/`: nodes, watches, multis, ACLs, locks, limits, sessions")]


def run(report, kind):
    properties = {"zookeeper.extendedTypesEnabled": "true", "znode.container.checkIntervalMs": "100"}
    with Server(kind, "tickTime=200\nmaxSessionTimeout=20000", properties) as server:
        driven.run(report, NAME, server, [paths.GO_CLIENT, "all", server.address])
