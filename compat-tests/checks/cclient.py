"""The C program of `c/`, on Apache's C client: once with the client's own threads (libzookeeper_mt), once moved on by the
program itself (libzookeeper_st).
"""

from functools import partial

from ironlab import driven, paths, processes, table
from ironlab.report import equal
from ironlab.server import Server

NAME = "c"
VERSION = "3.8.0"
_PROGRAM = "nodes, watches, multis, ACLs, limits, sessions"
CLIENTS = [table.Client(f"c {library}", f"C: libzookeeper_{library}", VERSION, f"`c/`: {program}")
           for library, program in (("mt", f"{_PROGRAM}, asynchronous and synchronous calls"),
                                    ("st", f"{_PROGRAM}, in the program's own loop"))]
CONFIG = "tickTime=200\nmaxSessionTimeout=20000"
PROPERTIES = {"zookeeper.extendedTypesEnabled": "true"}


def tasks(report, kind):
    return [partial(_run, report, kind, library) for library in paths.C_CLIENTS]


def _run(report, kind, library):
    suite, program = f"c {library}", paths.C_CLIENTS[library]
    with report.check(suite, kind, "the library is the one that the table of clients names"):
        equal(processes.run([program, "version"])[1].strip(), VERSION, "version of the C library")
    with Server(kind, CONFIG, PROPERTIES) as server:
        driven.run(report, suite, server, [program, "all", server.address])
