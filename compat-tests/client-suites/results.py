"""What became of the tests: records, what pending.tsv says of them, and the rates of repeated ones.

A record is {suite, server, test, outcome, reason, seconds}. Those of whole runs are kept in .work/other-suites, a file for each suite
and server, where the report of ../apache-suite finds them too.

A row of pending.tsv names a test that does not pass: on `ironkeeper`, because it waits for what is not built yet; or on
`reduced`, which are ironkeeper and apache-reduced, because it needs what is left out on both; or `everywhere`. A row that is no
longer true makes a run fail. A row of flaky.tsv names a test that fails now and then on Apache too.
"""

import json
import shutil
from collections import Counter
from functools import cache
from itertools import groupby
from operator import itemgetter

import launcher
from ironlab import paths
from suites import PASSED

DIRECTORY = paths.WORK / "other-suites"
KEPT = paths.WORK / "client-suites" / "failed"
RATES = paths.WORK / "client-suites" / "rates.json"

SERVERS_OF = {"ironkeeper": {"ironkeeper"}, "reduced": {"ironkeeper", launcher.REDUCED}, "everywhere": set(launcher.SERVERS)}


def record(suite, server, test, outcome):
    """The reason is that of pending.tsv where it has one, else what the suite said."""
    row = _row(suite, test, server)
    reason = row["reason"] if row and row["outcome"] == outcome.outcome else outcome.said
    return {"suite": suite, "server": server, "test": test, "outcome": outcome.outcome, "reason": reason,
            "seconds": outcome.seconds}


def expected(of):
    """The outcome that a record should have."""
    row = _row(of["suite"], of["test"], of["server"])
    return row["outcome"] if row else PASSED


def is_as_expected(of):
    """Is the outcome the expected one? A flaky test may have either; its rates are what is looked at."""
    return of["outcome"] == expected(of) or (of["suite"], of["test"]) in flaky()


def is_steady(suite, test):
    """Does a test pass on ironkeeper, always?"""
    return (suite, test) not in table() and (suite, test) not in flaky()


def _row(suite, test, server):
    row = table().get((suite, test))
    return row if row and server in SERVERS_OF[row["where"]] else None


@cache
def table():
    """pending.tsv by suite and test."""
    return _by_test("pending.tsv")


@cache
def flaky():
    """flaky.tsv by suite and test."""
    return _by_test("flaky.tsv")


def _by_test(name):
    head, *lines = (launcher.HERE / name).read_text().splitlines()
    rows = [dict(zip(head.split("\t"), line.split("\t"))) for line in lines]
    return {(row["suite"], row["test"]): row for row in rows}


def keep_logs(home, name):
    """Keeps a group's logs for whoever looks for a cause."""
    directory = KEPT / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for log in home.glob("*.log"):
        shutil.move(log, directory / log.name)


def save(records):
    """Keeps the records of a whole run of each suite on each server."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    both = itemgetter("suite", "server")
    for (suite, server), found in groupby(sorted(records, key=both), both):
        (DIRECTORY / f"{suite}-{server}.json").write_text(json.dumps(list(found), indent=1))


def load():
    """All records that are kept, with the reasons that pending.tsv gives now."""
    records = [kept for path in sorted(DIRECTORY.glob("*.json")) for kept in json.loads(path.read_text())]
    for kept in records:
        row = _row(kept["suite"], kept["test"], kept["server"])
        if row and row["outcome"] == kept["outcome"]:
            kept["reason"] = row["reason"]
    return records


def save_rates(records):
    """Keeps and prints how often each test did not pass."""
    runs = Counter((record["suite"], record["test"], record["server"]) for record in records)
    failures = Counter((record["suite"], record["test"], record["server"]) for record in records
                       if record["outcome"] != PASSED)
    rates = {"\t".join(key): [failures[key], count] for key, count in runs.items()}
    for key, (failed, count) in rates.items():
        print(f"{key}: {failed} of {count} did not pass".replace("\t", " "))
    RATES.write_text(json.dumps({**load_rates(), **rates}, indent=1))


def load_rates():
    """{suite TAB test TAB server: [did not pass, of how many]}"""
    return json.loads(RATES.read_text()) if RATES.exists() else {}
