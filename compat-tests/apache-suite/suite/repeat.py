"""Runs one test over and over and counts how often it fails: what tells a flaky test from a difference."""

import shutil
from concurrent.futures import ThreadPoolExecutor

from . import junit, results


def run(tests, modes, times, ports, limit_s):
    """Repeats each CLASS#METHOD in each mode and keeps the rates. Returns the exit code: 0, whatever the rates are."""
    for test in tests:
        for mode in modes:
            with ThreadPoolExecutor(len(ports)) as pool:
                outcomes = list(pool.map(lambda attempt: _passes(test, mode, attempt, ports, limit_s), range(times)))
            failures = outcomes.count(False)
            results.save_rate(test, mode, failures, times)
            print(f"{test} on {mode}: {failures} of {times} failed", flush=True)
    return 0


def _passes(test, mode, attempt, ports, limit_s):
    number = ports.take()
    try:
        result = junit.run(test, mode, number, limit_s, attempt=f"-{attempt}")
    finally:
        ports.give_back(number)
    passed = not result["error"] and results.count(result) == results.count(result, junit.PASSED)
    if passed:
        shutil.rmtree(junit.home_of(f"{test}-{attempt}", mode))
    return passed
