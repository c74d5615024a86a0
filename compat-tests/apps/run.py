#!/usr/bin/env python3
"""Runs whole applications on Apache ZooKeeper 3.9.5, which must pass every check, and on the subject.

Prints a line for each check and ends with `N passed, N failed`; the exit code is 0 only when none failed. ../setup.sh and
setup.sh must have run before, and for the subject ironkeeper its release binary must be built ($IRONKEEPER names another).
"""

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cases import clickhouse, discovery, kafka, kafka_handover, patroni  # noqa: E402 - ironlab is found by the line above
from ironlab import paths, processes, rundir  # noqa: E402
from ironlab.report import Report  # noqa: E402

ORACLE = "apache-3.9.5"
APPS = {app.NAME: app for app in (kafka, kafka_handover, discovery, patroni, clickhouse)}


def main():
    options = _options()
    processes.install_handlers()
    rundir.remove_left_overs()
    kinds = [options.subject] if options.subject_only else dict.fromkeys([ORACLE, options.subject])
    if "ironkeeper" in kinds:
        paths.ironkeeper_binary()  # fails now, with what to do, rather than in every check
    apps = [APPS[name] for name in options.app or APPS]
    for app in apps:
        _needed(app)
    report = Report()
    for app in apps:
        for kind in kinds:
            _run(report, app, kind)
    print(report.summary())
    return 1 if report.failed else 0


def _run(report, app, kind):
    """Runs one application on one kind of server. Where a check fails, the logs of all its processes are kept."""
    failed = report.failed
    logs = paths.WORK / "apps" / "failed" / f"{app.NAME}-{kind}"
    rundir.keep_logs_in(logs)
    with report.guard(app.NAME, kind):
        app.run(report, kind)
    if report.failed > failed:
        print(f"      its logs are in {logs}", flush=True)
    else:
        shutil.rmtree(logs)


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subject", choices=("ironkeeper", ORACLE), default="ironkeeper", help="the server under test")
    parser.add_argument("--subject-only", action="store_true", help="leave out the run on the oracle")
    parser.add_argument("app", nargs="*", help=f"of {', '.join(APPS)} (default: all)")
    options = parser.parse_args()
    for name in options.app:
        if name not in APPS:
            parser.error(f"unknown app {name}: choose from {', '.join(APPS)}")
    return options


def _needed(app):
    if not app.NEEDS.is_dir():
        raise FileNotFoundError(f"{app.NEEDS} is missing: run {paths.COMPAT / 'apps' / 'setup.sh'}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(f"apps/run.py: {error}")
