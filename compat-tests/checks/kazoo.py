"""The Python program of `kazoo/`, on kazoo: its recipes, ACLs, and sessions over a restart."""

from ironlab import driven, paths, table
from ironlab.server import Server

NAME = "kazoo"
CLIENTS = [table.Client(NAME, "kazoo", table.pinned("kazoo/requirements.txt", r"kazoo==(.*)"),
                        "`kazoo/`: its recipes, ACLs, limits, sessions")]


def run(report, kind):
    with Server(kind, "tickTime=2000") as server:
        program = paths.COMPAT / "kazoo" / "recipes.py"
        driven.run(report, NAME, server, [paths.VENV_PYTHON, program, server.address])
