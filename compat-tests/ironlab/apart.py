"""Checks in a process of their own, which may change networks or mounts without anybody else seeing it.

The module of a suite has `main(kind)`, which ends with `played`; the suite itself calls `run`.
"""

import sys

from . import driven, paths, processes
from .report import Report

NETWORKS = ["unshare", "--map-root-user", "--net"]
MOUNTS = ["unshare", "--map-root-user", "--mount"]
# Such a program starts many servers, one after the other.
LIMIT_S = 450


class _Program:
    """What `driven` asks of a server; the program has its own."""

    def __init__(self, kind):
        self.kind = kind


class _Lines(Report):
    """Says each check's outcome in the words that `driven` reads."""

    def _passed(self, suite, kind, claim, seconds):
        self.passed += 1
        print(f"ok\t{claim}", flush=True)

    def _failed(self, suite, kind, claim, error):
        self.failed += 1
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"FAIL\t{claim}\t{reason}", flush=True)


def run(report, suite, kind, module, alone):
    """Runs a module's `main` and reports its checks; where the system allows this user no such process, that is a failure."""
    program = ["env", f"PYTHONPATH={paths.COMPAT}", sys.executable, "-m", module, kind]
    driven.run(report, suite, _Program(kind), [*alone, *program], limit_s=LIMIT_S)


def played(play):
    """Calls `play(report)` in the process of its own; the exit code for the end."""
    processes.install_handlers()
    report = _Lines()
    play(report)
    print(report.summary())
    return 1 if report.failed else 0
