"""Builds the tests of crates/quorum with all of rules/*.toml planted, and lets them find each: `python3 -m mutants`, from compat-tests.

A mutant is a core with one rule broken. The ensemble's tests must kill it within so many seeds, three servers first and then
five with observers; and each script that it names (`scripts`) must fail, and each test by hand (`tests`, such as
"dropped::its_claim"). A mutant that no ensemble can tell from the core says why (`needs`), and names one of them. Without a
mutant all must pass.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ironlab.planted import VARIABLE, Planting, PlantError

_PLANTING = Planting(Path(__file__).resolve().parent / "rules", "mutants",
                     ("test", "--no-run", "--package", "quorum", "--test", "ensemble", "--test", "scripts", "--test", "dropped",
                      "--test", "refusals"), ("quorum",))
_SCRIPTS = _PLANTING.directory.parents[2] / "crates/quorum/tests/scripts/testdata"
_ENSEMBLES = {"3 voters": "three_servers_agree_whatever_happens",
              "5 voters, 2 observers": "five_servers_and_observers_agree_whatever_happens"}
_LONGEST_S = 1200


@dataclass(frozen=True)
class Verdict:
    """What killed a mutant: an ensemble and its seed, the last words; and which scripts and tests by hand failed."""

    by: str
    why: str
    scripts: frozenset
    tests: frozenset


def _run(test, environment, *arguments):
    """Exit code and all that was printed."""
    chosen = {**os.environ, "RUST_BACKTRACE": "0", **environment}
    done = subprocess.run([test, *arguments], env=chosen, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=_LONGEST_S)
    return done.returncode, done.stdout


def _ensembles(test, switch, seeds):
    """Which ensemble and seed failed first, and the words of the panic; two empty texts where none did."""
    for name, claim in _ENSEMBLES.items():
        code, printed = _run(test, {**switch, "SEEDS": str(seeds)}, "--exact", claim)
        if code != 0:
            seed = re.search(r"seed (\d+) fails", printed)
            why = re.search(r"panicked at .*\n(.*)", printed)
            return f"{name}, seed {seed[1] if seed else '?'}", why[1] if why else printed[-300:]
    return "", ""


def _scripts(test, switch):
    _, printed = _run(test, switch, "every_script")
    return frozenset(re.findall(r"^(\S+) (?:differs, |panics$)", printed, re.MULTILINE))


def _by_hand(built, switch, names):
    """Which of these tests fail, each alone; the name of its binary is in front of its own."""
    def fails(name):
        binary, claim = name.split("::")
        code, printed = _run(built[binary], switch, "--exact", claim)
        assert f"test {claim} ... " in printed, f"{name}: there is no such test"
        return code != 0
    return frozenset(filter(fails, names))


def _judge(defect, built, seeds, tests):
    """`tests` are those that any mutant names: the core as it is has to pass them all."""
    switch = {VARIABLE: defect.name} if defect else {}
    failed = _scripts(built["scripts"], switch), _by_hand(built, switch, defect.tests if defect else tests)
    if defect and defect.needs:
        return Verdict("", "", *failed)
    return Verdict(*_ensembles(built["ensemble"], switch, seeds), *failed)


def _faults(defect, verdict):
    """What is wrong with a verdict, in words."""
    if defect is None:
        return [*filter(None, [verdict.by]), *verdict.scripts, *verdict.tests]
    survived = ["it survives the ensembles"] if not verdict.by and not defect.needs else []
    unmoved = ["it needs a script or a test"] if defect.needs and not defect.scripts and not defect.tests else []
    named = [*(set(defect.scripts) - verdict.scripts), *(set(defect.tests) - verdict.tests)]
    return survived + unmoved + [f"{name} does not fail" for name in sorted(named)]


def main():
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="so many at most for each mutant and ensemble")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2, help="mutants judged side by side")
    parser.add_argument("mutant", nargs="*", help="only these (default: all, and the core as it is)")
    options = parser.parse_args()
    try:
        built = _PLANTING.build()
    except PlantError as error:
        sys.exit(f"mutants: {error}")
    mutants = [defect for defect in _PLANTING.defects() if not options.mutant or defect.name in options.mutant]
    tests = {name for defect in mutants for name in defect.tests}
    judge = partial(_judge, built=built, seeds=options.seeds, tests=tests)
    wrong = []
    with ThreadPoolExecutor(options.jobs) as pool:
        judged = mutants if options.mutant else [*mutants, None]
        for defect, verdict in zip(judged, pool.map(judge, judged)):
            name, faults = defect.name if defect else "the core as it is", _faults(defect, verdict)
            print(f"{name}: {verdict.by or 'no ensemble'}{': ' + verdict.why if verdict.why else ''}; "
                  f"{len(verdict.scripts)} scripts, {len(verdict.tests)} tests fail"
                  f"{'; WRONG: ' + ', '.join(faults) if faults else ''}", flush=True)
            wrong += [name] if faults else []
    unclaimed = {path.stem for path in _SCRIPTS.glob("*.txt")} - {name for defect in mutants for name in defect.scripts}
    if unclaimed and not options.mutant:
        wrong.append(f"no mutant is named for {', '.join(sorted(unclaimed))}")
    print(f"{len(mutants)} mutants; wrong: {'; '.join(wrong) or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
