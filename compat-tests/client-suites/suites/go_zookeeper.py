"""go-zookeeper's tests: the test program of its package, a process for each test."""

import re

import launcher
from ironlab import paths, processes

from . import FAILED, PASSED, SKIPPED, Outcome, run_process

NAME = "go"
LIBRARY = "go-zookeeper"
VERSION = "1.0.4"

DIRECTORY = paths.WORK / "client-suites"
PROGRAM = DIRECTORY / "zk.test"
TIMEOUT_S = 300

OUTCOMES = {"PASS": PASSED, "FAIL": FAILED, "SKIP": SKIPPED}
VERDICT = re.compile(r"^--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)$", re.MULTILINE)
# "    zk_test.go:79: what the test says". What it passes on of a server and of the client's own log begins otherwise.
SAID = re.compile(r"^ +\w+_test\.go:\d+: (?!\[ZK|writer:)(.+)$", re.MULTILINE)
PANIC = re.compile(r"^panic: (.+)$", re.MULTILINE)


def tests():
    """All tests of the package."""
    _code, out, _err = processes.run([PROGRAM, "-test.list", "^Test"])
    return out.split()


def group(test):
    """A test that breaks takes its process along: each has its own."""
    return test


def is_quick(_test):
    """They take a second each."""
    return True


def run(_group, names, server, home):
    """Runs the one test of a group."""
    (name,) = names
    argv = [PROGRAM, "-test.v", "-test.run", f"^{name}$", "-test.timeout", f"{TIMEOUT_S - 10}s"]
    environment = {"ZOOKEEPER_BIN_PATH": str(launcher.BIN), "ZK_VERSION": paths.APACHE_39}
    code = run_process(argv, server, home, TIMEOUT_S, environment)
    out, err = ((home / log).read_text(errors="replace") for log in ("out.log", "err.log"))
    verdicts = [found for found in VERDICT.finditer(out) if found[2] == name]
    panic = PANIC.search(out + "\n" + err)
    if not verdicts or panic:
        return {name: Outcome(FAILED, 0, panic[1] if panic else f"no verdict, exit code {code}")}
    outcome = OUTCOMES[verdicts[-1][1]]
    said = SAID.findall(out) if outcome != PASSED else []
    return {name: Outcome(outcome, float(verdicts[-1][3]), said[-1].strip() if said else "")}
