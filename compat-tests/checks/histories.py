"""What many pipelined sessions see at the same time, checked reply by reply by the program of crates/histories."""

import os

from ironlab import driven, paths
from ironlab.server import Server

NAME = "histories"
SEED = os.environ.get("HISTORIES_SEED", "1")
SECONDS = os.environ.get("HISTORIES_SECONDS", "10")


def run(report, kind):
    with Server(kind, "maxSessionTimeout=60000\nmaxClientCnxns=0") as server:
        driven.run(report, NAME, server, [paths.histories_binary(), server.address, "--seed", SEED, "--seconds", SECONDS])
