#!/usr/bin/env python3
"""Measures what metrics cost an ironkeeper that has a page for Prometheus.

    bench/metrics.py scraped           throughput with a scrape each second and without, by pairs of seconds
    bench/metrics.py unscraped         memory through five minutes of full load, while nobody scrapes
    bench/metrics.py --short [...]     the same, small and quick: does it work?

Exit code 0 if the condition holds, 1 if not, 2 if it could not be measured. cargo build --release must have run before.
"""

import argparse
import http.client
import re
import signal
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager

from benchmarks import OURS, BenchError, command, result
from ironlab import ports, processes, rundir, scrape
from ironlab.server import Server, four_letters

LEAST_OF_THROUGHPUT = 0.99
WINDOW_S = 1
MOST_GROWTH = 0.03
MOST_GROWTH_BYTES = 4 << 20


@contextmanager
def server():
    """An ironkeeper with a page, and the page's port."""
    page = ports.free()
    with Server(OURS, f"maxClientCnxns=0\n{scrape.settings(page)}") as one:
        yield one, page


class Scraper:
    """Asks for a page when it is told to, on one connection, as Prometheus does."""

    def __init__(self, page):
        self._connection = http.client.HTTPConnection("127.0.0.1", page, timeout=10)

    def scrape(self):
        self._connection.request("GET", "/metrics")
        response = self._connection.getresponse()
        if response.status != 200 or b"# TYPE readlatency summary" not in response.read():
            raise BenchError(f"a scrape failed with {response.status}")


@contextmanager
def loaded(one, workload, seconds):
    """The load generator at work; it is ended with the block if it is not through."""
    child = processes.start(command(one, workload, "--connections", 100, "--in-flight", 32, "--seconds", seconds),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        processes.signal_group(child, signal.SIGKILL)
        processes.reap(child)


def received(one):
    """How many requests the server has counted, and when it said so."""
    answer = four_letters(one.port, "srvr")
    return int(re.search(r"^Received: (\d+)$", answer, re.MULTILINE)[1]), time.monotonic()


def window(one, scraper):
    """Requests per second through WINDOW_S; with a scraper, it scrapes when they begin."""
    count, start = received(one)
    if scraper:
        scraper.scrape()
    time.sleep(max(0, start + WINDOW_S - time.monotonic()))
    after, end = received(one)
    return (after - count) / (end - start)


def scraped(short):
    """Under one load, seconds with a scrape and seconds without, next to each other: a machine's speed changes in minutes, so that
    two neighbours have the same. Whichever is first in a pair is second in the next."""
    pairs = 4 if short else 200
    found = []
    with server() as (one, page), loaded(one, "get", 2 * (pairs + 4) * (WINDOW_S + 0.1)) as child:
        scraper = Scraper(page)
        for _ in range(3):  # the load begins, and pages are made for the first time
            window(one, scraper)
        for number in range(pairs):
            order = (scraper, None) if number % 2 else (None, scraper)
            rates = {bool(asked): window(one, asked) for asked in order}
            found.append(rates[True] / rates[False])
        if child.poll() is not None:
            raise BenchError(f"the load ended early, with {child.returncode}")
    part = statistics.median(found)
    low, high = interval_of_median(found)
    print(f"{pairs} pairs of {WINDOW_S} s; the median of all such pairs lies between {low:.4f} and {high:.4f} (95 %)")
    return judged("throughput with a scrape each second, part of that without", part, part >= LEAST_OF_THROUGHPUT,
                  f"at least {LEAST_OF_THROUGHPUT}")


def interval_of_median(found):
    """Where the median of the population is with a chance of 95 %, by the order of what was found."""
    ordered, reach = sorted(found), round(0.98 * len(found) ** 0.5)
    middle = len(ordered) // 2
    return ordered[max(0, middle - reach)], ordered[min(len(ordered) - 1, middle + reach)]


def unscraped(short):
    """The medians of the second and of the last quarter: memory that is used at all is used by then, and snapshots come and go."""
    seconds = 12 if short else 300
    samples = []
    with server() as (one, _page):
        with loaded(one, "mixed", seconds) as child:
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
