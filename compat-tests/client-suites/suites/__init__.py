"""Tests of other projects, run as they are against servers that ../launcher.py starts. Each module here is a suite:

NAME, LIBRARY, VERSION       what it is called
tests()                      the ids of all its tests
group(test)                  the tests of one group share a process, which runs them in their order
is_quick(test)               is it part of make test?
run(group, tests, server, home)
                             runs tests of one group with all its files in the directory `home`; {id: Outcome}
"""

import os
import signal
from dataclasses import dataclass

import launcher
from ironlab import processes

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


@dataclass
class Outcome:
    """What became of a test. `said` is the suite's own word on a failure or a skip, in one line."""

    outcome: str
    seconds: float = 0.0
    said: str = ""


def run_process(argv, server, home, timeout_s, environment):
    """Runs a suite's process in `home`, the servers that it starts being of the kind `server`; returns its exit code.

    Its output goes to `home`/out.log and err.log. Whatever it has started ends with it.
    """
    path = os.pathsep.join([str(launcher.BIN), os.environ["PATH"]])
    files = home / "files"
    files.mkdir()
    everything = {**os.environ, **environment, "PATH": path, "TMPDIR": str(files), launcher.VARIABLE: server}
    with open(home / "out.log", "wb") as out, open(home / "err.log", "wb") as err:
        child = processes.start(argv, stdout=out, stderr=err, cwd=files, env=everything)
        try:
            return processes.reap(child, timeout_s)
        finally:
            processes.signal_group(child, signal.SIGKILL)
