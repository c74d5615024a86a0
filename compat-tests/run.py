#!/usr/bin/env python3
"""Runs the compatibility checks on Apache ZooKeeper 3.9.5, which must pass them all, and on the subject.

Prints a line for each check and ends with `N passed, N failed`; the exit code is 0 only when none failed. setup.sh
must have run before, and for the subject ironkeeper its release binary must be built ($IRONKEEPER names another one).
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from checks import (abuse, answers, curator, exchange, frames, goclient, javaclients, kazoo, kill9, operator, order,
                    rewatch, sessions, zkcli, zkcli_versions)
from ironlab import paths, processes, rundir
from ironlab.report import Report

ORACLE = "apache-3.9.5"

# The longest come first, so that none of them is left over for the end.
SUITES = {suite.NAME: suite for suite in (
    zkcli, kill9, abuse, operator, javaclients, zkcli_versions, curator, goclient, sessions, kazoo, answers, order,
    frames, rewatch, exchange)}


def main():
    options = _options()
    processes.install_handlers()
    rundir.remove_left_overs()
    report = Report()
    kinds = [options.subject] if options.subject_only else dict.fromkeys([ORACLE, options.subject])
    if "ironkeeper" in kinds:
        paths.ironkeeper_binary()  # fails now, with what to do, rather than in every check
    with ThreadPoolExecutor(options.jobs) as pool:
        tasks = [task for kind in kinds for name in options.suite or SUITES
                 for task in _tasks(SUITES[name], report, kind)]
        for done in [pool.submit(task) for task in tasks]:
            done.result()
    print(report.summary())
    return 1 if report.failed else 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subject", choices=("ironkeeper", ORACLE), default="ironkeeper", help="the server under test")
    parser.add_argument("--subject-only", action="store_true", help="leave out the run on the oracle")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="suites that run side by side")
    parser.add_argument("suite", nargs="*", help=f"of {', '.join(SUITES)} (default: all)")
    options = parser.parse_args()
    for name in options.suite:
        if name not in SUITES:
            parser.error(f"unknown suite {name}: choose from {', '.join(SUITES)}")
    return options


def _tasks(suite, report, kind):
    found = suite.tasks(report, kind) if hasattr(suite, "tasks") else [partial(suite.run, report, kind)]
    return [partial(_guarded, report, suite.NAME, kind, task) for task in found]


def _guarded(report, name, kind, task):
    with report.guard(name, kind):
        task()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(f"run.py: {error}")
