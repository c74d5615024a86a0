#!/usr/bin/env python3
"""Runs Apache ZooKeeper's own test classes, one JVM each, against ironkeeper, Apache's server as a process, or unmodified.

Prints a line for each class and ends with a summary. The exit code is 0 only when every class did what expected.tsv says,
and no test fails on ironkeeper that passes on Apache. ../setup.sh and setup.sh must have run before.
"""

import argparse
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ironlab import paths, processes, rundir  # noqa: E402 - ironlab is found by the line above
from suite import expectation, junit, repeat, report, results, tables  # noqa: E402


def main():
    options = _options()
    processes.install_handlers()
    rundir.remove_left_overs()
    if options.report:
        return _report(options)
    if "ironkeeper" in options.server:
        paths.ironkeeper_binary()  # fails now, with what to do, rather than in every class
    with junit.PortRanges(options.jobs) as ports:
        if options.repeat:
            return repeat.run(options.classes, options.server, options.repeat, ports, options.limit)
        return _run(options, ports)


def _run(options, ports):
    """Runs the chosen classes in the chosen modes and holds them against what is expected."""
    wrong = 0
    with ThreadPoolExecutor(len(ports)) as pool:
        runs = [pool.submit(_run_class, name, mode, ports, options)
                for mode in options.server for name in _chosen(options, mode)]
        for done in as_completed(runs):
            wrong += _tell(done.result(), options)
    if options.all or options.learn:
        wrong += _report(options)
    print(f"{len(runs)} classes run, {wrong} not as expected")
    return 1 if wrong else 0


def _report(options):
    """Writes the files that come from the kept results; returns how many things are wrong."""
    if options.learn:
        expectation.learn()
    return report.write() if options.all or options.report else 0


def _run_class(name, mode, ports, options):
    number = ports.take()
    try:
        result = junit.run(name, mode, number, options.limit)
    finally:
        ports.give_back(number)
    if not result["method"]:
        results.save(result)
    return result


def _tell(result, options):
    """Prints a class's result; returns 1 when it is not what was expected."""
    differences = [] if options.learn else expectation.differences(result)
    passed, total = results.count(result, junit.PASSED), results.count(result)
    print(f"{'FAIL' if differences else 'ok  '}  {result['mode']:10}  {result['class']}: {passed} of {total} passed "
          f"({result['seconds']} s)", *differences, sep="\n      ", flush=True)
    if not differences and not result["error"] and passed == total:
        shutil.rmtree(junit.home_of(result["class"], result["mode"]), ignore_errors=True)
    return 1 if differences else 0


def _chosen(options, mode):
    """The classes to run in a mode. A class that is named is run also where it is pending or left out."""
    if options.classes:
        return options.classes
    if options.selection:
        return tables.selection()
    names = tables.classes() if mode == "unmodified" else tables.to_run()
    return [name for name in names if options.label in (None, tables.classes()[name]["label"])]


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", action="append", choices=junit.MODES, help="may be given again (default: ironkeeper)")
    parser.add_argument("--all", action="store_true", help="all classes in all modes, and write REPORT.md")
    parser.add_argument("--selection", action="store_true", help="the classes of selection.tsv")
    parser.add_argument("--label", help="only classes with this label in classes.tsv")
    parser.add_argument("--report", action="store_true", help="write REPORT.md from the results that are there")
    parser.add_argument("--learn", action="store_true", help="make what happens now the expectation, in expected.tsv")
    parser.add_argument("--repeat", type=int, metavar="N", help="run CLASS#METHOD so often and keep the rates")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="classes that run side by side")
    parser.add_argument("--limit", type=int, default=2400, help="seconds that a class may take")
    parser.add_argument("classes", nargs="*", metavar="CLASS",
                        help="as test.ClientTest or ClientTest, also with #METHOD behind it")
    options = parser.parse_args()
    options.server = list(junit.MODES) if options.all else options.server or ["ironkeeper"]
    known = tables.classes()
    options.classes = [_full_name(name, known) or parser.error(f"unknown class {name}") for name in options.classes]
    return options


def _full_name(name, known):
    """A class by its full or simple name, with the method after # kept; None where it is unknown or not the only one."""
    simple, mark, method = name.removeprefix(junit.PACKAGE).partition("#")
    found = [full for full in known if simple in (full, full.rpartition(".")[2])]
    return found[0] + mark + method if len(found) == 1 else None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(f"apache-suite/run.py: {error}")
