"""Which cells of the table op code x error code x create mode a run has reached, and which it had to reach.

A cell counts where Apache produced it. `cells.tsv` holds all that Apache ever produced in these tests: those of scope
`test` must be reached by the run in `make test`, the rarer ones of scope `long` by the long run, whose seeds are others.
"""

from collections import Counter
from pathlib import Path

from ironlab import ops

from . import history as h

CELLS = Path(__file__).with_name("cells.tsv")
_MODES = {-1: "invalid", 0: "persistent", 1: "ephemeral", 2: "sequential", 3: "ephemeral sequential", 4: "container",
          5: "TTL", 6: "TTL sequential", 7: "invalid"}
_COLUMNS = ("op", "error", "mode", "scope")
SCOPES = ("test", "long")


def cells(history, transcript):
    """How often each cell was met in what the oracle answered to a history."""
    found = Counter()
    for step, seen in zip(history.steps, transcript):
        requests = list(step.requests) if isinstance(step, h.Burst) else []
        for item in seen:
            mine = requests and item[1] == step.client
            if item[0] == "reply" and mine:
                found.update(_of_reply(requests.pop(0), item))
            elif item[0] in ("connect", "expire"):
                found[item[0], str(item[2]) if item[0] == "connect" else "expired", "-"] += 1
            elif item[0] == "event":
                found["event", f"type {item[3]}", "-"] += 1
            elif item[0] == "closed" and mine:
                found[_name(requests[0]), "closed", "-"] += 1
                requests = []
    return found


def _of_reply(request, item):
    _, _, _, _, _, err, body = item
    yield _name(request), str(err), _mode(request.fields)
    if "parts" in request.fields and err == 0:
        for (op, fields), result in zip(request.fields["parts"], body["results"]):
            yield f"{request.op}: {op}", str(result.get("err", 0)), _mode(fields)


def _name(request):
    if request.op != "raw":
        return request.op
    code = request.fields["code"]
    return f"{ops.NAMES[code]}, ill-formed" if code in ops.NAMES else f"op code {code}"


def _mode(fields):
    return _MODES[fields["flags"]] if "flags" in fields else "-"


def known(scope):
    """The cells that a run of this scope must reach."""
    return {cell for cell, of_cell in _read().items() if of_cell == scope}


def learn(reached, scope):
    """From now on a run of this scope must reach these cells, too."""
    known_now = _read()
    added = {cell: scope for cell in reached if scope == "test" or cell not in known_now}
    rows = sorted((*cell, of_cell) for cell, of_cell in {**known_now, **added}.items())
    CELLS.write_text("\n".join("\t".join(row) for row in [_COLUMNS, *rows]) + "\n")


def _read():
    rows = (line.split("\t") for line in CELLS.read_text().splitlines()[1:])
    return {tuple(cell): scope for *cell, scope in rows}


def table(reached):
    """The table for people: a line for each op code and mode, with the errors and how often each was met."""
    rows = {}
    for (op, err, mode), count in sorted(reached.items()):
        rows.setdefault((op, mode), []).append(f"{err}: {count}")
    return "\n".join(f"{op:32} {mode:22} {'  '.join(counts)}" for (op, mode), counts in rows.items())
