#!/usr/bin/env python3
"""Measures what metrics cost an ironkeeper that has a page for Prometheus.

    bench/metrics.py scraped           throughput with a scrape each second and without, in turn
    bench/metrics.py unscraped         memory through five minutes of full load, while nobody scrapes
    bench/metrics.py --short [...]     the same, small and quick: does it work?

Exit code 0 if the condition holds, 1 if not, 2 if it could not be measured. cargo build --release must have run before.
"""

import argparse
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

from benchmarks import OURS, BenchError, command, load, result
from ironlab import ports, processes, rundir, scrape
from ironlab.server import Server

LEAST_OF_THROUGHPUT = 0.99
MOST_GROWTH = 0.03
MOST_GROWTH_BYTES = 4 << 20


@contextmanager
def server():
    """An ironkeeper with a page, and the page's port."""
    page = ports.free()
    with Server(OURS, f"maxClientCnxns=0\n{scrape.settings(page)}") as one:
        yield one, page


@contextmanager
def scraper(page):
    """Asks for the page each second while the block runs."""
    done, failures = threading.Event(), []

    def scrapes():
        while not done.wait(1):
            try:
                assert "# TYPE readlatency summary" in scrape.ask(page)[2]
            except (OSError, AssertionError) as failure:
                failures.append(failure)
    thread = threading.Thread(target=scrapes)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    if failures:
        raise BenchError(f"{len(failures)} scrapes failed, the first by {failures[0]!r}")


def scraped(short):
    """Rounds in turn, so that a machine that gets slower is fair to both."""
    rounds, seconds = (2, 2) if short else (10, 6)
    found = {True: [], False: []}
    with server() as (one, page):
        ask = ("--connections", 100, "--in-flight", 32, "--seconds", seconds, "--warm-up-seconds", 0.5)
        load(one, "get", *ask)
        for number in range(rounds):
            for with_scrapes in ((False, True) if number % 2 else (True, False)):
                if with_scrapes:
                    with scraper(page):
                        found[True].append(load(one, "get", *ask))
                else:
                    found[False].append(load(one, "get", *ask))
    for key, unit in (("per_second", "requests/s"), ("server_cpu_us_each", "us of the server's CPU per request")):
        middles = {one: statistics.median(figures[key] for figures in found[one]) for one in found}
        print(f"{unit}: {middles[False]:.4g} without scrapes, {middles[True]:.4g} with one each second")
    pairs = [ours["per_second"] / alone["per_second"] for ours, alone in zip(found[True], found[False])]
    part = statistics.median(pairs)
    return judged(f"throughput with a scrape each second, part of that without (pairs {min(pairs):.3f} to {max(pairs):.3f})",
                  part, part >= LEAST_OF_THROUGHPUT, f"at least {LEAST_OF_THROUGHPUT}")


def unscraped(short):
    """The medians of the second and of the last quarter: memory that is used at all is used by then, and snapshots come and go."""
    seconds = 12 if short else 300
    samples = []
    with server() as (one, _page):
        child = subprocess.Popen(command(one, "mixed", "--connections", 100, "--in-flight", 32, "--seconds", seconds),
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while child.poll() is None:
            samples.append(one.memory())
            time.sleep(0.25)
        figures = result(one, child.returncode, *child.communicate())
    quarter = len(samples) // 4
    before, after = (statistics.median(part) for part in (samples[quarter:2 * quarter], samples[-quarter:]))
    print(f"{figures['per_second']:.4g} requests/s for {figures['seconds']:.0f} s; memory {before / 1e6:.1f} MB in the second quarter, "
          f"{after / 1e6:.1f} MB in the last")
    most = before * (1 + MOST_GROWTH) + MOST_GROWTH_BYTES
    return judged("memory in the last quarter, MB", after / 1e6, short or after <= most, f"at most {most / 1e6:.1f}")


def judged(what, figure, held, bound):
    print(f"{what}: {figure:.4g}, {bound}: {'held' if held else 'NOT HELD'}")
    return held


MEASURES = {"scraped": scraped, "unscraped": unscraped}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(MEASURES)}; default both")
    parser.add_argument("--short", action="store_true", help="small and quick; the figures mean little")
    options = parser.parse_args()
    if unknown := set(options.names) - set(MEASURES):
        parser.error(f"{', '.join(sorted(unknown))}: no such measure; there are {', '.join(MEASURES)}")
    processes.install_handlers()
    rundir.remove_left_overs()
    try:
        return 0 if all([MEASURES[name](options.short) for name in options.names or MEASURES]) else 1
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
