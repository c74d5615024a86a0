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

from checks import (abuse, admin, advisories, answers, audit, bad_days, before_migration, cclient, cli, curator, ensemble,
                    ensemble_abuse, ensemble_addresses, ensemble_directories, ensemble_faults, ensemble_kerberos,
                    ensemble_local_sessions, ensemble_partitions, ensemble_refusals, ensemble_security, exchange,
                    first_session, frames, goclient, guards, histories, javaclients, kazoo, kerberos, kill9, launch, logins,
                    logs, metrics, nodeclient, operator, order, packages, rewatch, sessions,
                    switch, tls, toolkits, trust, word_callers, words, words_beside, zkcli, zkcli_versions)
from ironlab import paths, processes, rundir, table
from ironlab.report import Report

ORACLE = "apache-3.9.5"

# The longest come first, so that none of them is left over for the end.
SUITES = {suite.NAME: suite for suite in (
    ensemble_directories, ensemble_security, metrics, ensemble_kerberos, zkcli, kill9, ensemble_abuse, ensemble,
    ensemble_local_sessions, ensemble_partitions, ensemble_faults, ensemble_addresses, switch, abuse, operator, javaclients,
    zkcli_versions, curator, goclient, cclient, cli, nodeclient, histories, sessions, tls, trust, first_session, logins,
    kerberos, advisories, audit, bad_days, guards, logs, before_migration, toolkits, launch, packages, ensemble_refusals, words_beside, word_callers, words,
    admin, kazoo, answers, order,
    frames, rewatch, exchange)}


def main():
    options = _options()
    processes.install_handlers()
    rundir.remove_left_overs()
    report = Report()
    kinds = [options.subject] if options.subject_only else dict.fromkeys([ORACLE, options.subject])
    if "ironkeeper" in kinds:
        paths.ironkeeper_binary()  # fails now, with what to do, rather than in every check
    clients = table.clients(SUITES.values())  # likewise
    with ThreadPoolExecutor(options.jobs) as pool:
        tasks = [task for kind in kinds for name in _chosen(options)
                 for task in _tasks(SUITES[name], report, kind)]
        for done in [pool.submit(task) for task in tasks]:
            done.result()
    if options.write_table or _is_whole(options):
        _tables(report, clients, kinds, options.write_table)
    print(report.summary())
    return 1 if report.failed else 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subject", choices=("ironkeeper", ORACLE), default="ironkeeper", help="the server under test")
    parser.add_argument("--subject-only", action="store_true", help="leave out the run on the oracle")
    parser.add_argument("--write-table", action="store_true",
                        help="run the clients' suites and trust, and write their tables")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="suites that run side by side")
    parser.add_argument("suite", nargs="*", help=f"of {', '.join(SUITES)} (default: all)")
    options = parser.parse_args()
    for name in options.suite:
        if name not in SUITES:
            parser.error(f"unknown suite {name}: choose from {', '.join(SUITES)}")
    if options.write_table and not _is_whole(options):
        parser.error("--write-table is about all clients and both servers: leave out suites and subjects")
    return options


def _is_whole(options):
    return options.subject == "ironkeeper" and not options.subject_only and not options.suite


def _chosen(options):
    """The names of the suites to run."""
    if options.write_table:
        return [name for name, suite in SUITES.items() if hasattr(suite, "CLIENTS")]
    return options.suite or SUITES


def _tables(report, clients, kinds, write):
    """Writes the table of clients and that of trust, or checks that those on disk are what would be written."""
    if report.failed:
        return  # they would be those of a broken run, which has failed already
    rendered = table.render(clients, report, kinds)
    if write:
        table.write(rendered)
        trust.write()
    with report.check("table", "both", "README.md has the table of clients that this run would write"):
        table.check(rendered)
    with report.check("table", "both", "docs/trust.md is what this run would write"):
        trust.check()


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
