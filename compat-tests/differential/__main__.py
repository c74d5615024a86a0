"""The differential test's command: see `python3 -m differential --help`, from compat-tests."""

import argparse
import os
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from ironlab import processes

from . import compare, coverage, history as h, hunt, planted, runs
from .generate import generate
from .minimise import minimise

def main():
    options = _options()
    processes.install_handlers()
    return {"run": _run, "hunt": _hunt, "replay": _replay}[options.command](options)


def _options():
    parser = argparse.ArgumentParser(prog="differential", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="random histories on Apache and on the subject")
    run.add_argument("--seeds", type=int, default=8, help="how many histories")
    run.add_argument("--first", type=int, default=1, help="the first seed")
    run.add_argument("--requests", type=int, default=3000, help="about so many in each history")
    run.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="histories played side by side")
    run.add_argument("--scope", choices=(*coverage.SCOPES, "none"), default="none", help="which cells must be reached")
    run.add_argument("--learn", action="store_true", help="add the cells that were reached to those of the scope")
    hunt = commands.add_parser("hunt", help="does the test find each planted defect?")
    hunt.add_argument("--seeds", type=int, default=12, help="so many histories at most for each defect")
    hunt.add_argument("--requests", type=int, default=2000, help="about so many in each history")
    hunt.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 2), help="defects hunted side by side")
    hunt.add_argument("defect", nargs="*", help="only these (default: all)")
    replay = commands.add_parser("replay", help="a history that a failed run has left behind")
    replay.add_argument("file", type=Path)
    for command in (run, replay):
        command.add_argument("--subject", choices=("ironkeeper", compare.ORACLE), default="ironkeeper")
        command.add_argument("--minimise", action="store_true", help="shorten the history that differs, and print it")
    return parser.parse_args()


def _run(options):
    seeds = range(options.first, options.first + options.seeds)
    reached, requests, different = Counter(), 0, []
    for played in runs.play(seeds, options.requests, options.subject, options.jobs):
        requests += played.requests
        reached += played.cells
        print(f"seed {played.seed}: {played.requests} requests, {played.difference or 'no difference'}", flush=True)
        if played.difference:
            different.append(played.seed)
    print(coverage.table(reached))
    if options.learn:
        coverage.learn(reached, options.scope)
    missing = sorted(coverage.known(options.scope) - set(reached))
    for cell in missing:
        print("not reached:", *cell, sep="\t")
    print(f"{requests} requests, {len(seeds)} seeds, {len(reached)} cells of op, error and mode; "
          f"{len(different)} seeds with a difference, {len(missing)} cells not reached")
    if different and options.minimise:
        _minimise(generate(different[0], options.requests), options.subject)
    return 1 if different or missing else 0


def _hunt(options):
    names = options.defect or planted.names()
    seeds = range(1, options.seeds + 1)
    wrong = []
    for found in hunt.hunt(seeds, options.requests, options.jobs, [None, *names]):
        if (found.difference is None) == (found.name is not None):
            wrong.append(found.name or "a difference without any defect")
        where = f"seed {found.seed}, step {found.difference.number}" if found.difference else "no difference"
        print(f"{found.name or 'without any defect'}: {where}", flush=True)
    print(f"{len(names)} defects planted; wrong: {', '.join(wrong) or 'none'}")
    return 1 if wrong else 0


def _replay(options):
    history = h.load(options.file.read_text())
    if options.minimise:
        return _minimise(history, options.subject)
    _, difference = compare.both(history, options.subject)
    print(compare.show(difference, history) if difference else "no difference")
    return 1 if difference else 0


def _minimise(history, subject):
    """Prints the shortest history found that still differs; 0 when it does not differ (any more)."""
    _, difference = compare.both(history, subject)
    if not difference:
        print("no difference")
        return 0
    cut = replace(history, steps=history.steps[:difference.number + 1])
    shortest = minimise(cut, lambda found: compare.both(found, subject)[1] is not None)
    _, difference = compare.both(shortest, subject)
    print(f"kept in {runs.keep(shortest)}\n{compare.show(difference, shortest, len(shortest.steps))}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
