#!/usr/bin/env python3
"""Captures golden/words/ from running Apache 3.9.5 servers: their four letter words as leader, follower and observer, without
a quorum, and of a server on its own after the history of ironlab/spoken.py.

Ports, times and sizes differ in each capture. golden/README.md describes the files.
"""

import json
import re

from ironlab import paths, spoken
from ironlab.members import Members
from ironlab.server import Server, four_letters
from ironlab.wire import Client

APACHE = "apache-3.9.5"
ALL_WORDS = {"zookeeper.4lw.commands.whitelist": "*"}
WHOLE = ("srvr", "conf", "isro")
WITHOUT_QUORUM = ("srvr", "stat", "mntr", "conf", "isro", "ruok", "cons", "crst", "dirs", "dump", "hash", "srst", "wchc",
                  "wchp", "wchs")
LIMITS = "tickTime=500\ninitLimit=20\nsyncLimit=10"


def main():
    into = paths.GOLDEN / "words"
    into.mkdir(parents=True, exist_ok=True)
    with Server(APACHE, properties=ALL_WORDS) as alone:
        common = monitor_keys(alone)
        with spoken.played(alone.port):
            for word in spoken.WORDS:
                (into / f"standalone.{word}").write_text(without_machine(alone, four_letters(alone.port, word)))
    members = Members([1, 2, 3], [4], settings=LIMITS)
    servers = [members.server(APACHE, sid, properties=ALL_WORDS) for sid in (1, 2, 3, 4)]
    try:
        capture(servers, common, into)
    finally:
        for server in servers:
            server.close()


def capture(servers, common, into):
    for server in servers:
        server.launch()
    for server in servers:
        server.wait_until_serving()
    by_role = {mode(server): server for server in servers}
    for role, server in by_role.items():
        # Three proposals: a session, a znode, the session's end.
        with Client(server.port) as client:
            client.create(f"/{role}", b"x" * 100)
            client.close_session()
    for role, server in by_role.items():
        for word in WHOLE:
            (into / f"{role}.{word}").write_text(without_paths(server, four_letters(server.port, word)))
        lines = four_letters(server.port, "mntr").splitlines(keepends=True)
        own = [line for line in lines if not is_one_of_many(line) and key(line) not in common - HEAD]
        (into / f"{role}.mntr").write_text("".join(own))
    leader = by_role["leader"]
    for server in servers:
        if server is not leader:
            server.stop()
    leader.wait_for(lambda: "Mode: " not in four_letters(leader.port, "srvr"), "that it leads no more")
    rows = [f"{word}\t{json.dumps(four_letters(leader.port, word))}\n" for word in WITHOUT_QUORUM]
    (into / "no-quorum.tsv").write_text("".join(rows))


HEAD = {"zk_version", "zk_server_state"}


def key(line):
    return line.split("\t")[0]


def monitor_keys(server):
    return {key(line) for line in four_letters(server.port, "mntr").splitlines()}


def is_one_of_many(line):
    """A summary that there is for each learner, or for each first name of a path."""
    return re.search(r"_\d+_learner_handler_|_per_namespace\t", line) is not None


def mode(server):
    return re.search(r"\nMode: (\w+)\n", four_letters(server.port, "srvr"))[1]


def without_paths(server, text):
    return text.replace(str(server.data), "/data")


def without_machine(server, text):
    """No paths of this machine, nor the length of its class path."""
    text = re.sub(r"(?m)^(java\.class\.path|java\.library\.path|java\.home|user\.dir)=.*$", r"\1=/path", text)
    return without_paths(server, text)


if __name__ == "__main__":
    main()
