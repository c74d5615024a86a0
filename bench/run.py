#!/usr/bin/env python3
"""Measures ironkeeper next to Apache ZooKeeper 3.9.5, in the same run on the same machine, and judges the result.

    bench/run.py                       everything, some ten minutes; writes docs/performance.md
    bench/run.py get-100x32 million    these alone, nothing is written
    bench/run.py --short               everything, small: does it work?

Exit code 0 if all conditions hold whose figures were measured, 1 if not, 2 if it could not be measured.
compat-tests/setup.sh and cargo build --release must have run before.
"""

import argparse
import statistics
import sys
from dataclasses import dataclass

from benchmarks import BENCHMARKS, FULL, SHORT, BenchError, Warm, machine
from ironlab import paths, processes, rundir

PAGE = paths.PROJECT / "docs" / "performance.md"
MOST_OF_APACHES = 1 / 3
OF_A_THIRD = {f"{workload}, {size}: server CPU" for workload in ("get", "set") for size in ("100 x 32", "16 x 32, TLS")}
MOST_MEMORY_MB = 350
LEAST_TIMES = 1.5

INTRODUCTION = """\
# Performance

Written by `make bench` (`bench/run.py`). Apache ZooKeeper and ironkeeper ran on the same machine in the same run,
standalone where nothing else is said, in turn: Apache, ironkeeper, ironkeeper, Apache, and so on. The load generator
(`ironkeeper bench`, one thread) shared the machine's cores with the server, so throughput is that of both together; the
server's CPU time per request, user and system, says what the server alone costs. Figures of one machine mean little
elsewhere: the ratio is the figure to keep.

"A x B" is A connections with B requests outstanding on each; data are 100 bytes; each server syncs its log to disk before it
answers a write. Three servers are an ensemble on this one machine and its one disk, with the connections dealt out to them in
turn. "Netty" and "TLS" are next to Apache with the transport that its TLS needs; over TLS both sides have certificates, of RSA with
2048 bits, and what the JVM and ironkeeper choose by themselves. Both kinds were warmed up before. Figures are medians of the rounds, and so is the ratio, of the rounds' own; the spread
is its least and greatest. Where there is one round there is no spread.
"""


@dataclass
class Condition:
    """One that must hold: `figure` is at most `bound`, or with `at_least` not below it."""

    text: str
    figure: float
    bound: float
    unit: str = ""
    at_least: bool = False

    @property
    def held(self):
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    def __str__(self):
        side, verdict = "at least" if self.at_least else "at most", "held" if self.held else "NOT HELD"
        return f"{self.text}: {self.figure:.3g}{self.unit}, {side} {self.bound:.3g}{self.unit}: {verdict}"


def ratios(row):
    """ironkeeper's part of Apache's figure, in each round."""
    return [ours / max(apache, 1e-9) for apache, ours in row.pairs]


def middle(row, place):
    return statistics.median(pair[place] for pair in row.pairs)


def conditions(rows):
    """Those whose figures are there."""
    found = {row.name: row for row in rows}
    judged = []
    for name, row in found.items():
        if name in OF_A_THIRD or ": restart from" in name:
            judged.append(Condition(f"{name}, part of Apache's", statistics.median(ratios(row)), MOST_OF_APACHES))
        elif name == "three servers, set, 100 x 32: throughput":
            judged.append(Condition(f"{name}, times Apache's", statistics.median(ratios(row)), LEAST_TIMES, at_least=True))
        elif "znodes: memory after" in name:
            judged.append(Condition(name, middle(row, 1), MOST_MEMORY_MB, " MB"))
    return judged


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def line(row):
    parts = ratios(row)
    spread = f"{min(parts):.2f} - {max(parts):.2f}" if len(parts) > 1 else ""
    return (f"| {row.name} | {row.unit} | {number(middle(row, 0))} | {number(middle(row, 1))} "
            f"| {statistics.median(parts):.2f} | {spread} |")


def table(rows):
    head = ["| what | unit | Apache | ironkeeper | ratio | spread |", "| --- | --- | ---: | ---: | ---: | --- |"]
    return "\n".join([*head, *map(line, rows)])


def page(rows, judged):
    with_what = "\n".join(f"- {text}" for text in machine())
    verdicts = "\n".join(f"- {condition}" for condition in judged)
    return f"{INTRODUCTION}\n{with_what}\n\n## Figures\n\n{table(rows)}\n\n## Conditions\n\n{verdicts}\n"


def measure(names, scale):
    rows = []
    with Warm(scale) as warm:
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            rows += BENCHMARKS[name](warm)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--short", action="store_true", help="small and quick; the figures mean nothing")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"{', '.join(sorted(unknown))}: no such benchmark; there are {', '.join(BENCHMARKS)}")
    processes.install_handlers()
    rundir.remove_left_overs()
    try:
        rows = measure(options.names or BENCHMARKS, SHORT if options.short else FULL)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    judged = conditions(rows)
    print(table(rows), *judged, sep="\n")
    if not options.names and not options.short:
        PAGE.write_text(page(rows, judged))
    return 0 if all(condition.held for condition in judged) else 1


if __name__ == "__main__":
    sys.exit(main())
