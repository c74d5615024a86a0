"""Runs Apache's command line client, org.apache.zookeeper.ZooKeeperMain, one-shot or command by command.

What it prints is taken as it is; `mask` then removes what may differ between two equal servers.
"""

import os
import re
import select
import subprocess
import time

from . import paths, processes
from .javaclient import Client

MAIN = "org.apache.zookeeper.ZooKeeperMain"
NEWEST = Client(paths.APACHE_39)
DEADLINE_S = 40
EVENT_DEADLINE_S = 15
PROMPT = re.compile(r"\[zk: [^\]\n]*\(\w+\) (\d+)\] ")
# Printed by another thread than the answers, so that a prompt may come between its lines; so is, up to 3.5, what a sync
# returned.
EVENT = re.compile(r"\nWATCHER::\n|(?:\A|\n)(?P<event>WatchedEvent [^\n]*)\n|(?P<sync>Sync returned -?\d+)\n")


def _command(server, release, *arguments):
    no_terminal = "-Djline.terminal=jline.UnsupportedTerminal"  # the line readers of old releases would ask for one
    return [*release.java(no_terminal), MAIN, "-server", server.address, *arguments]


def one_shot(server, *arguments, release=NEWEST):
    """One command in a process of its own: (exit code, all that it printed)."""
    child = processes.start(_command(server, release, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    try:
        text, _ = child.communicate(timeout=DEADLINE_S)
    finally:
        code = processes.reap(child)
    return code, text.decode()


class Interactive:
    """zkCli of one release with its commands on stdin. Use as a context manager."""

    def __init__(self, server, release=NEWEST):
        self.events = []
        self._count = 0
        self._events_before = 0
        self._text = ""
        self._child = processes.start(_command(server, release), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C.UTF-8"})
        self._until_prompt(0)

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self._child.stdin.close()
        self._child.stdout.close()
        processes.reap(self._child)

    def command(self, line):
        """Runs one command and returns the lines printed up to the next prompt, watch events taken out."""
        self._events_before = len(self.events)
        self._child.stdin.write(f"{line}\n".encode())
        self._child.stdin.flush()
        self._count += 1
        return self._until_prompt(self._count)

    def wait_for_event(self, text):
        """Waits until an event with this text was printed after the last command was given.

        Events are printed in the order of their arrival, so all earlier ones have then been printed too.
        """
        deadline = time.monotonic() + EVENT_DEADLINE_S
        while not any(text in event for event in self.events[self._events_before:]):
            self._read(deadline, f"an event with {text}")
            self._take_events()

    def quit(self):
        """Ends the client and returns its exit code."""
        self._child.stdin.write(b"quit\n")
        self._child.stdin.flush()
        self._child.communicate(timeout=DEADLINE_S)
        return processes.reap(self._child)

    def _until_prompt(self, number):
        deadline = time.monotonic() + DEADLINE_S
        while True:
            self._take_events()
            for found in PROMPT.finditer(self._text):
                if int(found[1]) == number:
                    printed, self._text = self._text[:found.start()], self._text[found.end():]
                    self._take_events()
                    return printed.splitlines()
            self._read(deadline, f"prompt {number}")

    def _take_events(self):
        self.events += [found[found.lastgroup] for found in EVENT.finditer(self._text) if found.lastgroup]
        self._text = EVENT.sub("", self._text)

    def _read(self, deadline, what):
        out = self._child.stdout.fileno()
        if not select.select([out], [], [], max(0, deadline - time.monotonic()))[0]:
            raise AssertionError(f"zkCli did not print {what} in time, but: {self._text}")
        chunk = os.read(out, 65536)
        if not chunk:
            raise AssertionError(f"zkCli ended before {what}: {self._text}")
        self._text += chunk.decode()


class Masks:
    """Replaces what may differ between two servers; session ids become numbers in the order of their appearance."""

    def __init__(self, server):
        self._address = server.address
        self._sessions = {}

    def line(self, line):
        line = line.replace(self._address, "SERVER")
        line = re.sub(r"^([cm]time) = .*", r"\1 = TIME", line)
        line = re.sub(r"0x1[0-9a-f]{14}\b", self._session, line)
        return re.sub(r"@[0-9a-f]{5,8}\b", "@HASH", line)

    def lines(self, command, lines):
        """All lines of one command. Lists whose order is no promise are sorted."""
        lines = [self.line(line) for line in lines]
        if command == "whoami":
            return sorted(lines)
        if command == "getAcl" and len(lines) > 1:
            entries = [" ".join(lines[at:at + 2]) for at in range(0, len(lines), 2) if lines[at].startswith("'")]
            return sorted(entries) + lines[2 * len(entries):]
        if command in ("getEphemerals", "ls", "ls2", "redo"):  # 3.4 does not sort the children
            return [f"[{', '.join(sorted(line[1:-1].split(', ')))}]" if line.startswith("[") else line
                    for line in lines]
        return lines

    def _session(self, found):
        return self._sessions.setdefault(found[0], f"SESSION-{len(self._sessions) + 1}")
