"""The table of clients in README.md: who says the rows, how it is rendered, and whether the one on disk is up to date.

A suite module that drives a client has an attribute CLIENTS, a list of one `Client` for each suite name under which it
reports checks:

    CLIENTS = [Client("go", "go-zookeeper", table.pinned("go/go.mod", r"/zk v(.*)"), "`go/`: nodes, watches, locks")]

A module with several versions or transports reports each under a suite name of its own, such as "java 3.4.14 nio", and
has a `Client` for each of these names. The counts come from the report, so that a module says nothing else; a module
without CLIENTS is not in the table. A row's texts must not vary from run to run.
"""

import re
from dataclasses import dataclass

from . import paths
from .report import same_lines

README = paths.COMPAT / "README.md"
BEGIN = "<!-- clients: written by run.py --write-table -->"
END = "<!-- end of clients -->"
_HEAD = ("client", "version", "program")


@dataclass(frozen=True, order=True)
class Client:
    """One row: the suite name that its checks are reported under, and what a reader should know of it.

    `version` is the client's, with its transport where it has several; `program` says what runs on it.
    """

    suite: str
    client: str
    version: str
    program: str


def pinned(path, pattern):
    """A version as the file that pins it says it: the pattern's only group, in a file below compat-tests."""
    return re.search(pattern, (paths.COMPAT / path).read_text())[1]


def clients(modules):
    """The rows of all suite modules, those of one client side by side."""
    found = [client for module in modules for client in getattr(module, "CLIENTS", [])]
    return sorted(found, key=lambda row: (row.client.lower(), row.suite))


def render(rows, report, kinds):
    """The table's lines: a row for each client, with its passed checks for each kind of server."""
    lines = [_line([*_HEAD, *(f"passed on {kind}" for kind in kinds)]), _line(["---"] * (len(_HEAD) + len(kinds)))]
    for row in rows:
        counts = [str(report.passed_of(row.suite, kind)) for kind in kinds]
        lines.append(_line([row.client, row.version, row.program, *counts]))
    return "\n".join(lines)


def check(table):
    """Raises AssertionError when README.md does not have exactly this table, or when a client ran no check."""
    assert " 0 |" not in table, f"a client of the table has no passed check: do its suite names agree?\n{table}"
    on_disk = _parts(README.read_text())[1].strip()
    same_lines(on_disk, table, f"the table in {README} is stale: run {paths.COMPAT / 'run.py'} --write-table")


def write(table):
    """Puts the table between the marker comments of README.md."""
    before, _, after = _parts(README.read_text())
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}")


def _parts(text):
    """What stands before, between and after the marker comments."""
    before, begin, rest = text.partition(BEGIN)
    between, end, after = rest.partition(END)
    assert begin and end, f"{README} lacks the lines {BEGIN} and {END}"
    return before, between, after


def _line(cells):
    return f"| {' | '.join(cells)} |"
