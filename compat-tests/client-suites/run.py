#!/usr/bin/env python3
"""Runs the tests of go-zookeeper and kazoo, as they were published, on Apache 3.9.5 and on ironkeeper.

Prints a line for each test that does not pass, and one for each that does not do what pending.tsv says; the exit code is 0
only when there is none of the latter. ../setup.sh and setup.sh must have run before.
"""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import launcher  # noqa: E402 - what is imported here is found by the line above
import report  # noqa: E402
import results  # noqa: E402
from ironlab import paths, processes, rundir  # noqa: E402
from suites import PASSED, go_zookeeper, kazoo  # noqa: E402

SUITES = {suite.NAME: suite for suite in (go_zookeeper, kazoo)}


def main():
    options = _options()
    processes.install_handlers()
    rundir.remove_left_overs()
    if "ironkeeper" in options.server and not options.report:
        paths.ironkeeper_binary()  # fails now, with what to do, rather than in every test
    wrong = 0 if options.report else _run(options)
    if options.report or _is_whole(options):
        report.write(SUITES.values())
    return 1 if wrong else 0


def _run(options):
    """Runs what was chosen; returns how many tests did not do what pending.tsv says."""
    groups = [(SUITES[name], group, tests) for name in options.suite
              for group, tests in _groups(SUITES[name], _chosen(SUITES[name], options))]
    tasks = [(suite, server, group, tests) for server in options.server for suite, group, tests in groups
             for _ in range(options.repeat)]
    with ThreadPoolExecutor(options.jobs) as pool:
        records = [record for task in [pool.submit(_run_group, *task) for task in tasks] for record in task.result()]
    if options.repeat > 1:
        results.save_rates(records)
        return 0
    if not options.test and not options.quick:
        results.save(records)
    return _judge(records)


def _groups(suite, tests):
    """The groups of a suite's tests; the largest come first, so that none of them is left over for the end."""
    found = [(group, list(members)) for group, members in groupby(tests, suite.group)]
    return sorted(found, key=lambda group: len(group[1]), reverse=True)


def _run_group(suite, server, group, tests):
    """Runs one group and tells what did not pass; its files are kept where that is not expected."""
    home = rundir.new(f"{suite.NAME}-{server}")
    outcomes = suite.run(group, tests, server, home)
    records = [results.record(suite.NAME, server, test, outcome) for test, outcome in outcomes.items()]
    for record in records:
        if record["outcome"] != PASSED:
            print(f"{record['outcome']:7} {server:14}  {suite.NAME} {record['test']}: {record['reason']}", flush=True)
    if not all(map(results.is_as_expected, records)):
        results.keep_logs(home, f"{suite.NAME}-{server}-{group}")
    rundir.remove(home)
    return records


def _judge(records):
    """Prints which tests did not do what pending.tsv says, and returns how many they are."""
    wrong = [record for record in records if not results.is_as_expected(record)]
    for record in wrong:
        print(f"WRONG   {record['server']:14}  {record['suite']} {record['test']} {record['outcome']}, and should have "
              f"{results.expected(record)}; logs are in {results.KEPT}")
    passed = sum(record["outcome"] == PASSED for record in records)
    print(f"{len(records)} tests run, {passed} passed, {len(wrong)} not as expected")
    return len(wrong)


def _chosen(suite, options):
    """The tests to run, in the suite's order. The quick ones leave out what does not pass on ironkeeper each time."""
    tests = suite.tests()
    if options.quick:
        return [test for test in tests if suite.is_quick(test) and results.is_steady(suite.NAME, test)]
    return [test for test in tests if not options.test or any(part in test for part in options.test)]


def _is_whole(options):
    return (set(options.suite) == set(SUITES) and set(options.server) == set(launcher.SERVERS)
            and options.repeat == 1 and not options.test and not options.quick)


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", action="append", choices=launcher.SERVERS, help="may be given again (default: all)")
    parser.add_argument("--test", action="append", help="only tests with this text in their name; may be given again")
    parser.add_argument("--quick", action="store_true", help="the tests that make test runs")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run each test so often and keep the rates")
    parser.add_argument("--report", action="store_true", help="write REPORT.md from the results that are there, run nothing")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="processes that run side by side")
    parser.add_argument("suite", nargs="*", help=f"of {', '.join(SUITES)} (default: all)")
    options = parser.parse_args()
    for name in options.suite:
        if name not in SUITES:
            parser.error(f"unknown suite {name}: choose from {', '.join(SUITES)}")
    options.suite = options.suite or list(SUITES)
    options.server = options.server or list(launcher.SERVERS)
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(f"client-suites/run.py: {error}")
