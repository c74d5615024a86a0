"""Plays one history on two servers and finds the first step in which their clients see something else."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest

from . import history as h
from .play import UNUSABLE, Player

ORACLE = "apache-3.9.5"


@dataclass(frozen=True)
class Difference:
    """The first step that differs: its number, and what each side saw, from the first item that differs on."""

    number: int
    expected: list
    actual: list


def transcript(kind, history, **server):
    """All that is seen when a server of the kind plays the history, a list for each step."""
    with Player(kind, history, **server) as player:
        seen = list(player.play())
        assert kind != ORACLE or not _is_unusable(seen[-1]), f"the history ends {ORACLE}: {seen[-1]}\n{player.server_log()}"
        return seen


def both(history, subject, **server):
    """(the oracle's transcript, the first difference or None), the servers side by side."""
    with ThreadPoolExecutor(2) as pool:
        expected = pool.submit(transcript, ORACLE, history)
        actual = pool.submit(transcript, subject, history, **server)
        return expected.result(), first_difference(expected.result(), actual.result())


def against(expected, history, subject, **server):
    """The first difference from a transcript. The subject plays no further than that."""
    with Player(subject, history, **server) as player:
        return first_difference(expected, player.play())


def first_difference(expected, actual):
    for number, (one, two) in enumerate(zip_longest(expected, actual, fillvalue=[])):
        if one != two:
            at = next((place for place, pair in enumerate(zip(one, two)) if pair[0] != pair[1]), min(len(one), len(two)))
            return Difference(number, one[at:at + 3], two[at:at + 3])
    return None


def show(difference, history, steps_before=3):
    """A difference for people: the steps before it, the step, and both sides."""
    first = max(0, difference.number - steps_before)
    lines = [h.show(step) for step in history.steps[first:difference.number + 1]]
    return "\n".join([*lines, f"{ORACLE}:", *map(_item, difference.expected), "subject:", *map(_item, difference.actual)])


def _item(item):
    text = repr(item)
    return f"    {text if len(text) < 1000 else text[:1000] + '...'}"


def _is_unusable(seen):
    return bool(seen) and seen[0][0] == UNUSABLE
