"""Runs a client program that asks, by lines on its stdout, for its server to be stopped and started.

The program prints `@stop`, `@start` or the caller's own words, and goes on when it reads `done`; for each check it prints
`ok<TAB>claim` or `FAIL<TAB>claim<TAB>reason`, and at the end `N passed, M failed`.
"""

import subprocess
import threading

from . import processes

LIMIT_S = 150


def run(report, suite, server, argv, actions=None, limit_s=LIMIT_S):
    """Plays driver for a program until its end and reports each of its checks; a broken end is a failed check.

    `actions` are functions by the word that asks for them, besides stop and start. Returns the program's stderr.
    """
    actions = {"stop": lambda: server.stop(), "start": lambda: server.start(), **(actions or {})}
    child = processes.start(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(limit_s, lambda: processes.signal_group(child, 9))
    watchdog.start()
    errors = []
    drain = threading.Thread(target=lambda: errors.extend(child.stderr), daemon=True)
    drain.start()
    summary = None
    try:
        for line in child.stdout:
            summary = _line(report, suite, server.kind, actions, child, line.rstrip("\n")) or summary
    finally:
        watchdog.cancel()
        code = processes.reap(child)
        drain.join()
    with report.check(suite, server.kind, "the program ends by itself with its count"):
        assert summary and code == (0 if summary.endswith(" 0 failed") else 1), \
            f"exit code {code}, last line {summary}\n{''.join(errors)}"
    return "".join(errors)


def _line(report, suite, kind, actions, child, line):
    """Acts on one line; returns it when it is the summary."""
    if line.startswith("@"):
        actions[line[1:]]()
        child.stdin.write("done\n")
        child.stdin.flush()
    elif line.startswith(("ok\t", "FAIL\t")):
        verdict, claim, *reason = line.split("\t")
        with report.check(suite, kind, claim):
            assert verdict == "ok", "\t".join(reason)
    elif line.endswith(" failed"):
        return line
    return None
