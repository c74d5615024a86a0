"""Writes REPORT.md from the records of the last whole runs and the rates of repeated tests."""

from collections import Counter

import launcher
import results
from suites import FAILED, PASSED, SKIPPED

PATH = launcher.HERE / "REPORT.md"

_HEAD = """# The tests of go-zookeeper and kazoo

Written by `run.py` from its own results. The tests are those that {libraries} were published with, unmodified. Each ran

- on `apache`: Apache 3.9.5, with the suite's own configuration and ensembles;
- on `ironkeeper`: without the settings of left-out.tsv ({left_out}), and kazoo's with one server instead of three;
- on `apache-reduced`: Apache 3.9.5 with the configuration that ironkeeper gets, and no ensembles.

What passes on `apache-reduced` has to pass on `ironkeeper`, but for what pending.tsv names with the part that it waits for.
What passes on `apache` only needs what is left out on both others.
"""


def write(suites):
    """Writes the file anew."""
    records = results.load()
    parts = [_head(suites), "## Counts\n", _counts(records), "## Tests that do not pass\n", _not_passed(records)]
    if rates := results.load_rates():
        parts += ["## Tests that were repeated\n\nHow often a test did not pass, of how many times.\n", _rates(rates)]
    parts += ["## Flaky tests\n\nThey fail now and then on Apache too, and are judged by their rates alone.\n", _flaky()]
    PATH.write_text("\n".join(parts))
    print(f"wrote {PATH}")


def _head(suites):
    libraries = " and ".join(f"{suite.LIBRARY} {suite.VERSION}" for suite in suites)
    left_out = ", ".join(f"`{key}`: {waits_for}" for key, waits_for in launcher.read_table("left-out.tsv").items())
    return _HEAD.format(libraries=libraries, left_out=left_out)


def _counts(records):
    counts = Counter((record["suite"], record["server"], record["outcome"]) for record in records)
    pairs = sorted({(record["suite"], record["server"]) for record in records})
    outcomes = (PASSED, FAILED, SKIPPED)
    unexpected = Counter((record["suite"], record["server"]) for record in records
                         if not results.is_as_expected(record))
    rows = [[*pair, sum(counts[*pair, outcome] for outcome in outcomes), *(counts[*pair, outcome] for outcome in outcomes),
             unexpected[pair]] for pair in pairs]
    return _table(["suite", "server", "tests:", "passed:", "failed:", "skipped:", "not as pending.tsv says:"], rows)


def _not_passed(records):
    """A row for each test that does not pass somewhere, with what became of it on each server."""
    found = {}
    for record in records:
        found.setdefault((record["suite"], record["test"]), {})[record["server"]] = record
    rows = [[suite, test, *(by_server[server]["outcome"] if server in by_server else "not run" for server in launcher.SERVERS),
             _why(by_server)]
            for (suite, test), by_server in sorted(found.items())
            if any(record["outcome"] != PASSED for record in by_server.values())]
    return _table(["suite", "test", *launcher.SERVERS, "why"], rows)


def _why(by_server):
    """pending.tsv's reason, which is the same on each server, or what the suite said."""
    reasons = dict.fromkeys(record["reason"] for record in by_server.values() if record["reason"])
    return _cell("; ".join(reasons))


def _rates(rates):
    tests = {}
    for key, (failed, count) in rates.items():
        suite, test, server = key.split("\t")
        tests.setdefault((suite, test), {})[server] = f"{failed} of {count}"
    rows = [[*test, *(by_server.get(server, "not run") for server in launcher.SERVERS)]
            for test, by_server in sorted(tests.items())]
    return _table(["suite", "test", *(f"{server}:" for server in launcher.SERVERS)], rows)


def _flaky():
    rows = [[suite, test, _cell(row["about"])] for (suite, test), row in results.flaky().items()]
    return _table(["suite", "test", "about"], rows)


def _cell(text):
    """A message as text that cannot break a table."""
    return text.replace("|", "\\|").replace("<", "&lt;")[:200]


def _table(head, rows):
    """A table in Markdown; columns whose name ends with a colon are aligned to the right."""
    rule = ["---:" if name.endswith(":") else "---" for name in head]
    lines = [[name.rstrip(":") for name in head], rule, *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines) + "\n"
