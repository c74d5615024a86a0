"""Debian's cli_mt, the command line of the C client, says the same to a server as to Apache 3.9.5, line by line.

It prints no prompt, and answers come when they come: behind each command a sync of a path of its own tells that all is
there. Two fresh servers get the same commands in the same order, so even zxids must be equal.
"""

import os
import re
import select
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ironlab import paths, processes, table
from ironlab.report import equal
from ironlab.server import Server

from . import cclient

NAME = "cli_mt"
CLIENTS = [table.Client(NAME, "C: cli_mt", cclient.VERSION, "`checks/cli.txt`: its commands, line by line")]
ORACLE = "apache-3.9.5"
SCRIPT = Path(__file__).with_suffix(".txt")
DEADLINE_S = 30
BATCH = ["create /batch", "get /batch", "create +s /batch/s-", "ls2 /batch", "delete /none", "sync /"]


def run(report, kind):
    with ThreadPoolExecutor(2) as pool:
        theirs, ours = pool.map(_transcript, (ORACLE, kind))
    for name in dict.fromkeys(line.split()[0] for line, _ in theirs):
        with report.check(NAME, kind, f"{name}: prints what it prints with {ORACLE}"):
            for (line, actual), (_, expected) in zip(ours, theirs):
                if line.split()[0] == name:
                    equal(actual, expected, line)


def _transcript(kind):
    """(command, what it printed, masked) on a fresh server of a kind."""
    with Server(kind, cclient.CONFIG, cclient.PROPERTIES) as server:
        masks = Masks()
        with Interactive(server) as client:
            found = [(line, masks.lines(line, client.command(line))) for line in _script()]
            found.append(("quit", [str(client.quit())]))
        return found + [(f"batch {command}", masks.lines(command, _batch(server, command))) for command in BATCH]


def _script():
    return [line for line in SCRIPT.read_text().splitlines() if line and not line.startswith("#")]


def _batch(server, command):
    """The exit code and lines of one command in a process of its own, sorted, because two threads print them."""
    code, out, err = processes.run([paths.CLI_MT, "-h", server.address, "-c", command], timeout_s=DEADLINE_S)
    return [str(code), *sorted(out.splitlines() + err.splitlines())]


class Interactive:
    """cli_mt with its commands on stdin. Use as a context manager."""

    def __init__(self, server):
        self._text = ""
        self._count = 0
        self._child = processes.start([paths.CLI_MT, "-h", server.address], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._until("Got a new session id: [^\n]*\n")

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self._child.stdin.close()
        self._child.stdout.close()
        processes.reap(self._child)

    def command(self, line):
        """Runs one command and returns the lines that are printed before the answer to the sync behind it.

        `od` sends most of its requests when its first one is answered, and says at last how many answers came.
        """
        self._send(line)
        before = self._until(r"Recvd \d+ responses for \d+ requests sent\n") if line == "od" else ""
        self._count += 1
        fence = f"/fence-{self._count}"
        self._send(f"sync {fence}")
        text = before + self._until(rf"\[{fence}\]: rc = 0\n\tname = {fence}\n")
        return text[:text.rindex(f"[{fence}]")].splitlines()

    def quit(self):
        """Ends the client and returns its exit code."""
        self._send("quit")
        self._child.stdin.close()
        return processes.reap(self._child, DEADLINE_S)

    def _send(self, line):
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()

    def _until(self, pattern):
        """All that was printed up to and with a pattern."""
        deadline = time.monotonic() + DEADLINE_S
        while not (found := re.search(pattern, self._text)):
            self._read(deadline, pattern)
        text, self._text = self._text[:found.end()], self._text[found.end():]
        return text

    def _read(self, deadline, what):
        out = self._child.stdout.fileno()
        if not select.select([out], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"cli_mt did not print {what} in time, but: {self._text}")
        chunk = os.read(out, 65536)
        if not chunk:
            raise AssertionError(f"cli_mt ended before {what}: {self._text}")
        self._text += chunk.decode()


class Masks:
    """Replaces what may differ between two servers; session ids become numbers in the order of their appearance."""

    def __init__(self):
        self._sessions = {}

    def lines(self, command, lines):
        """The lines of one command but for logs and times; a list of children is sorted, as its order is no promise."""
        kept = [self._line(line) for line in lines if ":ZOO_" not in line and not line.startswith("time = ")]
        if not command.lstrip("a").startswith("ls"):
            return kept
        names = sorted(line for line in kept if line.startswith("\t") and "=" not in line)
        return names + [line for line in kept if line not in names]

    def _line(self, line):
        line = re.sub(r"([cm]time ?= ?).*?(\t|$)", r"\1TIME\2", line)
        return re.sub(r"\b1[0-9a-f]{14}\b", lambda found: self._session(found[0]), line.replace("0x", ""))

    def _session(self, number):
        return self._sessions.setdefault(number, f"SESSION-{len(self._sessions) + 1}")
