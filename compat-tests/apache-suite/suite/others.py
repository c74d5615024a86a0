"""The report's section on the test suites of clients in other languages; their runner leaves its outcomes in .work."""

import json
from collections import Counter

from ironlab import paths

from . import report

RESULTS = paths.WORK / "other-suites"


def section():
    """A table of counts by suite and server; empty when nothing has run."""
    tests = [test for path in sorted(RESULTS.glob("*.json")) for test in json.loads(path.read_text())]
    if not tests:
        return ""
    counts = Counter((test["suite"], test["server"], test["outcome"]) for test in tests)
    pairs = sorted({(test["suite"], test["server"]) for test in tests})
    rows = [[*pair, *(counts[*pair, outcome] for outcome in ("passed", "failed", "skipped"))] for pair in pairs]
    return ("## Test suites of other clients\n\nWhat does not pass, and why, is in "
            "[their report](../client-suites/REPORT.md).\n\n"
            + report.table(["suite", "server", "passed:", "failed:", "skipped:"], rows))
