"""Counts checks and prints a line for each. Several threads may report at once."""

import difflib
import threading
import time
import traceback
from collections import Counter
from contextlib import contextmanager


class Report:
    """The result of a run: `passed` and `failed` count checks."""

    def __init__(self):
        self.passed = 0
        self.failed = 0
        self._passed_of = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def check(self, suite, kind, claim):
        """Runs its block as one check: any exception is a failure, printed with its place, and goes no further."""
        start = time.monotonic()
        try:
            yield
        except Exception as error:  # noqa: BLE001 - a check that breaks in any way has failed
            self._failed(suite, kind, claim, error)
        else:
            self._passed(suite, kind, claim, time.monotonic() - start)

    @contextmanager
    def guard(self, suite, kind):
        """Makes an exception between checks, as of a server that does not start, a failed check."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - nothing may pass unseen
            self._failed(suite, kind, "the suite did not come to its end", error)

    def run(self, suite, kind, checks, *arguments):
        """Runs functions, each a check whose claim is its name."""
        for function in checks:
            with self.check(suite, kind, function.__name__.replace("_", " ")):
                function(*arguments)

    def passed_of(self, suite, kind):
        """How many checks of a suite have passed on a kind of server."""
        return self._passed_of[suite, kind]

    def summary(self):
        return f"{self.passed} passed, {self.failed} failed"

    def _passed(self, suite, kind, claim, seconds):
        with self._lock:
            self.passed += 1
            self._passed_of[suite, kind] += 1
            took = f" ({seconds:.1f} s)" if seconds >= 0.1 else ""
            print(f"ok    {kind:12}  {suite}: {claim}{took}", flush=True)

    def _failed(self, suite, kind, claim, error):
        where = "".join(traceback.format_exception(type(error), error, error.__traceback__)[-2:])
        with self._lock:
            self.failed += 1
            print(f"FAIL  {kind:12}  {suite}: {claim}\n{_indent(where)}", flush=True)


def _indent(text):
    return "\n".join(f"      {line}" for line in text.splitlines())


def equal(actual, expected, what):
    """An assertion that names both sides."""
    assert actual == expected, f"{what}: {actual!r} instead of {expected!r}"


def same_lines(actual, expected, what):
    """An assertion that two texts are one, which shows the lines where they are not."""
    lines = difflib.unified_diff(actual.splitlines(), expected.splitlines(), "actual", "expected", n=0, lineterm="")
    assert actual == expected, "\n".join([what, *lines])
