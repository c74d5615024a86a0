"""Plays the histories of many seeds, each with two servers of its own, in several processes side by side."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from ironlab import paths, processes

from . import compare, coverage, history as h
from .generate import generate

_FOUND = paths.WORK / "differential"


@dataclass(frozen=True)
class Played:
    """What came of one seed: the cells that Apache reached, and the first difference as text, or None."""

    seed: int
    requests: int
    cells: dict
    difference: str


def play(seeds, requests, subject, jobs):
    """A `Played` for each seed, in order."""
    # Each process is a new one: a copy of this one would draw the same ports and share its directories.
    with ProcessPoolExecutor(jobs, get_context("spawn"), processes.install_handlers) as pool:
        yield from pool.map(partial(_play, requests=requests, subject=subject), seeds)


def _play(seed, requests, subject):
    history = generate(seed, requests)
    expected, difference = compare.both(history, subject)
    text = None
    if difference:
        text = f"differs at step {difference.number}, kept in {keep(history)}\n{compare.show(difference, history)}"
    return Played(seed, history.requests(), coverage.cells(history, expected), text)


def keep(history):
    """Writes a history that differs to a file for `replay`."""
    _FOUND.mkdir(parents=True, exist_ok=True)
    file = _FOUND / f"seed-{history.seed}.json"
    file.write_text(h.dump(history))
    return file
