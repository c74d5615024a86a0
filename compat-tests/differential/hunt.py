"""Shows that the differential test finds planted defects: each is switched on by itself and must make a difference."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from ironlab import processes, rundir

from . import compare, planted
from .generate import generate


@dataclass(frozen=True)
class Hunted:
    """Where a defect was found: the seed and the difference; both None where no seed showed it."""

    name: str
    seed: int = None
    difference: compare.Difference = None


def hunt(seeds, requests, jobs, names):
    """A `Hunted` for each name; the name None stands for the binary with all defects switched off."""
    binary = planted.build()
    place = rundir.new("transcripts")
    with ProcessPoolExecutor(jobs, get_context("spawn"), processes.install_handlers) as pool:
        list(pool.map(partial(_record, requests=requests, place=place), seeds))
        yield from pool.map(partial(_find, seeds=seeds, requests=requests, place=place, binary=binary), names)


def _record(seed, requests, place):
    """Apache's transcript of a seed, for all the defects to be compared with."""
    _file(place, seed).write_bytes(pickle.dumps(compare.transcript(compare.ORACLE, generate(seed, requests))))


def _find(name, seeds, requests, place, binary):
    environment = {planted.VARIABLE: name} if name else {}
    for seed in seeds:
        expected = pickle.loads(_file(place, seed).read_bytes())
        difference = compare.against(expected, generate(seed, requests), "ironkeeper", binary=binary, environment=environment)
        if difference:
            return Hunted(name, seed, difference)
    return Hunted(name)


def _file(place, seed) -> Path:
    return place / f"{seed}.pickle"
