"""The program of `node/`, on node-zookeeper-client: nodes, watches, transactions, ACLs, limits and sessions."""

from ironlab import driven, paths, table
from ironlab.server import Server

NAME = "node"
CLIENTS = [table.Client(NAME, "node-zookeeper-client", table.pinned("node/package.json", r'client": "(.*)"'),
                        "`node/`: nodes, watches, transactions, ACLs, limits, sessions")]


def run(report, kind):
    with Server(kind, "tickTime=200\nmaxSessionTimeout=20000") as server:
        program = paths.COMPAT / "node" / "program.js"
        driven.run(report, NAME, server, ["env", f"NODE_PATH={paths.NODE_MODULES}", "node", program, server.address])
