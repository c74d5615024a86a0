"""The outcomes of runs, kept in .work by mode and class, so that a report can be put together from several runs."""

import json

from . import junit

_RESULTS = junit.WORK / "results"
_RATES = junit.WORK / "rates.json"


def save(result):
    """Keeps the result of a class in a mode in place of the one before."""
    path = _RESULTS / result["mode"] / f"{result['class']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1))


def load(mode):
    """What is kept of a mode: results by class."""
    found = (json.loads(path.read_text()) for path in sorted((_RESULTS / mode).glob("*.json")))
    return {result["class"]: result for result in found}


def save_rate(test, mode, failures, runs):
    """Keeps how often a test failed when it was repeated."""
    rates = load_rates()
    rates.setdefault(test, {})[mode] = [failures, runs]
    _RATES.write_text(json.dumps(rates, indent=1, sort_keys=True))


def load_rates():
    """[failures, runs] of each repeated test by mode."""
    return json.loads(_RATES.read_text()) if _RATES.exists() else {}


def count(result, outcome=None):
    """How many tests of a result have an outcome; without one, how many JUnit ran: those that it skipped are none."""
    if outcome is None:
        return sum(test["outcome"] != junit.SKIPPED for test in result["tests"])
    return sum(test["outcome"] == outcome for test in result["tests"])
