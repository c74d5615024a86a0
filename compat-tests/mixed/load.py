"""Sessions of Apache's Java client under way on an ensemble: the program in java/load, started and asked.

An answer that begins with "failed" is an AssertionError here.
"""

import subprocess
from concurrent.futures import ThreadPoolExecutor

from ironlab import paths, processes
from ironlab.javaclient import quiet_java

MAIN = "compat.load.Load"
TIMEOUT_MS = 20_000


class Load:
    """The sessions of one release of the client. Use as a context manager: entering starts it, leaving ends the process."""

    def __init__(self, version, servers, sessions, watches, rate):
        self._version = version
        self._settings = {"connect": ",".join(server.address for server in servers), "root": f"/load-{version}",
                          "sessions": sessions, "watches": watches, "rate": rate, "timeout": TIMEOUT_MS}

    def __enter__(self):
        class_path = f"{paths.JAVA_LOAD}:{paths.client_class_path(self._version)}"
        settings = [f"{name}={value}" for name, value in self._settings.items()]
        self._child = processes.start([*quiet_java(), "-cp", class_path, MAIN, *settings], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        try:
            self._answer("ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_failure):
        self._child.kill()
        processes.reap(self._child)

    def ask(self, line):
        """One line, and its answer."""
        self._child.stdin.write(f"{line}\n")
        self._child.stdin.flush()
        return self._answer(line)

    def _answer(self, what):
        answer = self._child.stdout.readline().strip()
        if not answer or answer.startswith("failed"):
            raise AssertionError(f"the clients of {self._version}: {what}: {answer or 'the process has ended'}")
        return answer


class Loads:
    """The same lines to several of them, side by side."""

    def __init__(self, loads):
        self._loads = loads
        self._pool = ThreadPoolExecutor(len(loads))

    def ask(self, line):
        """Asks all of them; their answers."""
        return list(self._pool.map(lambda load: load.ask(line), self._loads))

    def stats(self):
        """What they counted, as numbers by name, summed; the longest time without a write is the shortest of theirs.

        A write of any client shows that writes are accepted.
        """
        found = [dict(word.split("=", 1) for word in answer.split() if "=" in word) for answer in self.ask("stats")]
        failures = [one["failure"] for one in found if one["failure"]]
        assert not failures, failures[0]
        return {"acknowledged": sum(int(one["acknowledged"]) for one in found),
                "unknown": sum(int(one["unknown"]) for one in found),
                "gap_ms": min(int(one["gap_ms"]) for one in found)}
