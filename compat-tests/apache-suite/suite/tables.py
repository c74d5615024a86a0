"""The tables beside run.py: which classes there are, what is expected of them, and why some are not run.

All are tab-separated with a line of names on top. Test classes are named below org.apache.zookeeper.
"""

import csv
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def _rows(name):
    with open(HERE / name, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _write(name, rows):
    with open(HERE / name, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter="\t", quoting=csv.QUOTE_NONE, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def classes():
    """Every test class that has to do with a server, by name, with the keys label, methods, inherited, needs, about."""
    return {row["class"]: row for row in _rows("classes.tsv")}


def pending():
    """What a class waits for, by name: a part of ironkeeper that is not built yet."""
    return {row["class"]: row["waits for"] for row in _rows("PENDING.tsv")}


def left_out():
    """Why a class cannot run on a server in another process, by name: the members of Apache's that it reaches for."""
    return {row["class"]: row["reaches for"] for row in _rows("LEFT_OUT.tsv")}


def to_run():
    """The classes that run on a server in a process of its own: those that are neither pending nor left out."""
    not_run = {*pending(), *left_out()}
    return [name for name in classes() if name not in not_run]


def properties():
    """Properties that a test sets when its server's process has started already: rows of class, property and value."""
    return _rows("properties.tsv")


def reasons():
    """Why a test does not pass, by (mode, class#test)."""
    return {(row["mode"], row["test"]): row["reason"] for row in _rows("reasons.tsv")}


def flaky():
    """Tests that fail now and then on Apache too, as class#test, with the key about."""
    return {row["test"]: row for row in _rows("flaky.tsv")}


def selection():
    """The classes that `make test` runs."""
    return [row["class"] for row in _rows("selection.tsv")]


def expected():
    """How many tests of a class run and which do not pass, by (class, mode)."""
    return {(row["class"], row["mode"]): row for row in _rows("expected.tsv")}


def write_expected(rows):
    """Replaces the expectation."""
    _write("expected.tsv", rows)
