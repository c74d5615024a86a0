"""Waiting for an outcome, with a deadline."""

import time

DEADLINE_S = 90


def eventually(condition, what, deadline_s=DEADLINE_S):
    """Polls until `condition` returns something true, and returns that.

    An AssertionError or OSError of the condition counts as not yet; the last one is part of the failure.
    """
    end = time.monotonic() + deadline_s
    last = None
    while time.monotonic() < end:
        try:
            if value := condition():
                return value
        except (AssertionError, OSError) as error:
            last = error
        time.sleep(0.05)
    raise AssertionError(f"not within {deadline_s} s: {what}" + (f"; last: {last}" if last else ""))
