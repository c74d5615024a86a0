#!/usr/bin/env python3
"""Runs ironkeeper among Apache's servers in one ensemble, under the load of Apache's own clients.

    run.py rolling --rounds 3            three of Apache's servers are replaced one by one, and back, so many times
    run.py matrix apache-3.9.5 apache-3.5    each kind leads, each learns by DIFF, TRUNC and SNAP; without a release: all
    run.py chaos --seeds 20              random kills, pauses and restarts, a minute for each seed
    run.py quick                         a little of the first two

With --write a run without a failure writes its page in docs/. Prints a line for each check and ends with `N passed, N failed`; the exit code is 0 only when none failed. setup.sh must
have run before, and ironkeeper's release binary must be built ($IRONKEEPER names another one).
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import matrix  # noqa: E402 - what is imported here is found by the line above
import pages  # noqa: E402
import scene  # noqa: E402
from chaos import Chaos, page_of  # noqa: E402
from ironlab import paths, processes, rundir, server  # noqa: E402
from ironlab.report import Report  # noqa: E402
from rolling import Rolling  # noqa: E402

QUICK_STEPS = ("the_two_lead", "a_deposed_leader_truncates")
CHAOS_S = 60


def main():
    options = _options()
    processes.install_handlers()
    rundir.remove_left_overs()
    rundir.keep_logs_in(paths.WORK / "mixed" / "logs")  # of the last run: what failed once may not fail again
    paths.ironkeeper_binary()  # fails now, with what to do, rather than in every check
    report = Report()
    {"rolling": _rolling, "matrix": _matrix, "chaos": _chaos, "quick": _quick}[options.what](report, options)
    print(report.summary())
    return 1 if report.failed else 0


def _rolling(report, options):
    moves = Rolling(options.rounds)
    with report.guard("rolling", "mixed"):
        moves.run(report)
    _tell(report, options, "rolling", "Rolling replacement", f"make rolling ROUNDS={options.rounds}",
          f"{scene.INTRODUCTION}\n\n{moves.page()}")


def _matrix(report, options):
    found = matrix.Matrix()
    for release in options.releases or server.APACHE:
        found.run(report, release)
    found.run_with_five(report, "apache-3.9.5")
    _tell(report, options, "mixed", "Mixed ensembles", "make matrix", f"{scene.INTRODUCTION}\n\n{found.page()}")


def _chaos(report, options):
    found = []
    for seed in range(options.first, options.first + options.seeds):
        with report.check("chaos", "mixed", f"seed {seed}: nothing acknowledged is lost, and all have one tree"):
            chaos = Chaos(seed, CHAOS_S)
            chaos.run()
            found.append(chaos)
            print(f"      {chaos.row()}", flush=True)
    _tell(report, options, "chaos", "Kills, pauses and restarts by chance", f"make chaos CHAOS_SEEDS={options.seeds}",
          f"{scene.INTRODUCTION}\n\n{page_of(found)}")


def _tell(report, options, name, title, command, text):
    print(text)
    if options.write and not report.failed:
        pages.write(name, title, command, text)


def _quick(report, options):
    _rolling(report, options)
    matrix.Matrix().run(report, "apache-3.9.5", QUICK_STEPS)


def _options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("rolling", "matrix", "chaos", "quick"))
    parser.add_argument("releases", nargs="*", choices=[*server.APACHE, []], help="of the matrix")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="the page in docs/")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except FileNotFoundError as error:
        sys.exit(f"mixed/run.py: {error}")
