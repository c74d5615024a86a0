#!/usr/bin/env python3
"""Kills the leaders of ensembles of ironkeepers under load, next to Apache ZooKeeper 3.9.5's in the same run.

    run.py                             a few kills, a minute
    run.py --long                      100 kills of ironkeeper's leaders and 10 of Apache's, with three servers and with
                                       five; writes docs/failover.md
    run.py --trial ironkeeper 5 20     one trial alone: the kind of server, how many, how many kills

Prints a line for each check and ends with `N passed, N failed`; the exit code is 0 only when none failed. setup.sh must
have run before, and ironkeeper's release binary must be built ($IRONKEEPER names another one).
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import failover  # noqa: E402 - what is imported here is found by the line above
import sessions  # noqa: E402
from ironlab import paths, processes, rundir, server  # noqa: E402
from ironlab.report import Report  # noqa: E402

SUITE = "failover"
APACHE, OURS = "apache-3.9.5", "ironkeeper"
PAGE = paths.PROJECT / "docs" / "failover.md"

# (kind, servers, kills) in the order in which they run. Apache's frame ours where there are many: the machine changes.
SHORT = [(APACHE, 3, 3), (OURS, 3, 5), (OURS, 5, 3)]
LONG = [trial for servers in (3, 5) for trial in ((APACHE, servers, 5), (OURS, servers, 100), (APACHE, servers, 5))]

INTRODUCTION = f"""\
# Failover

Written by `make failover` (`compat-tests/ensemble/run.py --long`). An ensemble on one machine, under the load of sessions that
are spread over its servers: some write pipelined, some write one request at a time, some only send heart-beats. Its leader is
killed with SIGKILL, started again when a write was accepted, and the next one is killed when it follows. The time is that
from the kill to the first write that the next leader's ensemble acknowledged to any session. The clients are the same for
both kinds of server: they come back as soon as their connection ends, and try the servers in turn, {sessions.PAUSE_S * 1000:.0f} ms
between two rounds. tickTime is {failover.TICK_TIME_MS}, the session timeout {sessions.TIMEOUT_MS / 1000:.0f} s.

In each trial no write that was acknowledged was lost on any server, and no session expired.
"""


def main():
    options = _options()
    processes.install_handlers()
    rundir.remove_left_overs()
    plan = LONG if options.long else [options.trial] if options.trial else SHORT
    if OURS in (kind for kind, *_ in plan):
        paths.ironkeeper_binary()  # fails now, with what to do, rather than in every trial
    report, load = Report(), os.getloadavg()
    outcomes = _run(plan, report)
    _judge(outcomes, report)
    table = _table(outcomes)
    print(table)
    if options.long and not report.failed:
        PAGE.write_text(f"{INTRODUCTION}\n{_machine(load)}\n\n{table}\n")
    print(report.summary())
    return 1 if report.failed else 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--long", action="store_true", help="many kills; writes docs/failover.md")
    which.add_argument("--trial", nargs=3, metavar=("KIND", "SERVERS", "KILLS"), help="one trial alone")
    options = parser.parse_args()
    if options.trial:
        kind, *numbers = options.trial
        if kind not in server.KINDS or not all(number.isdigit() and int(number) for number in numbers):
            parser.error(f"--trial {' '.join(options.trial)}: a kind of {', '.join(server.KINDS)}, and two numbers")
        options.trial = kind, *map(int, numbers)
    return options


def _run(plan, report):
    """The outcomes by (servers, kind)."""
    outcomes = defaultdict(failover.Outcome)
    for kind, servers, kills in plan:
        with report.check(SUITE, kind, f"{kills} kills of the leader of {servers} lose no acknowledged write and no session"):
            outcome = failover.trial(kind, servers, kills)
            outcomes[servers, kind].add(outcome)
            print(f"      {kind}, {servers} servers: median {outcome.median:.3f} s, max {max(outcome.seconds):.3f} s", flush=True)
    return outcomes


def _judge(outcomes, report):
    """Holds the times of each size that both kinds have against each other."""
    for servers in sorted({servers for servers, _ in outcomes}):
        if outcomes.keys() >= {(servers, APACHE), (servers, OURS)}:
            with report.check(SUITE, OURS, f"{servers} servers accept a write no later than Apache's, in the median"):
                ours, apache = (outcomes[servers, kind].median for kind in (OURS, APACHE))
                assert ours <= apache, f"{ours:.3f} s; Apache {apache:.3f} s"


def _table(outcomes):
    head = ["| servers | kind | kills | median, ms | max, ms | sessions | writes acknowledged |",
            "| ---: | --- | ---: | ---: | ---: | ---: | ---: |"]
    return "\n".join([*head, *(_row(*key, outcome) for key, outcome in sorted(outcomes.items()))])


def _row(servers, kind, outcome):
    return (f"| {servers} | {kind} | {len(outcome.seconds)} | {outcome.median * 1000:,.0f} "
            f"| {max(outcome.seconds) * 1000:,.0f} | {outcome.sessions} | {outcome.acked:,} |")


def _machine(load):
    """What it ran on. Where other things ran too, the load says so."""
    return (f"On {os.cpu_count()} cores; load average {load[0]:.1f} at the beginning and {os.getloadavg()[0]:.1f} at the end, "
            f"{time.strftime('%Y-%m-%d')}.")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(f"run.py: {error}")
