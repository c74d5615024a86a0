"""Makes a failing history as short as it can: fewer steps, fewer requests, fewer parts of multis.

The measure is only whether two servers still differ, so each attempt starts both of them again.
"""

from dataclasses import replace

from .history import Burst, Request


def minimise(history, differs, attempts=150):
    """The shortest history found for which `differs(history)` still holds, after at most so many attempts."""
    budget = _Budget(differs, attempts)
    steps = _fewer(list(history.steps), lambda found: budget.differs(replace(history, steps=tuple(found))))
    for number in range(len(steps)):
        if isinstance(steps[number], Burst):
            _shorten(history, steps, number, budget)
    return replace(history, steps=tuple(steps))


class _Budget:
    def __init__(self, differs, attempts):
        self._differs = differs
        self._left = attempts

    def differs(self, history):
        self._left -= 1
        return self._left >= 0 and self._differs(history)


def _shorten(history, steps, number, budget):
    """Leaves out requests of one burst, then parts of its multis."""
    burst = steps[number]

    def holds(requests):
        changed = [*steps[:number], replace(burst, requests=tuple(requests)), *steps[number + 1:]]
        return bool(requests) and budget.differs(replace(history, steps=tuple(changed)))

    requests = _fewer(list(burst.requests), holds)
    for at, request in enumerate(requests):
        if "parts" in request.fields:
            requests[at] = _fewer_parts(requests, at, holds)
    steps[number] = replace(burst, requests=tuple(requests))


def _fewer_parts(requests, at, holds):
    def with_parts(parts):
        return Request(requests[at].op, {"parts": parts})
    return with_parts(_fewer(requests[at].fields["parts"], lambda parts: holds(
        [*requests[:at], with_parts(parts), *requests[at + 1:]])))


def _fewer(items, holds):
    """Leaves out runs of items, from half of them down to single ones, as long as `holds` says that it may."""
    size = max(1, len(items) // 2)
    while True:
        at = 0
        while at < len(items):
            shorter = items[:at] + items[at + size:]
            if holds(shorter):
                items = shorter
            else:
                at += size
        if size == 1:
            return items
        size //= 2
