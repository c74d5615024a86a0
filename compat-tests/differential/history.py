"""What a history is made of: steps of clients on one server. Data only; knows no server and no randomness.

A client is a letter. It has at most one session and one open connection; a step whose client lacks what it needs does
nothing, so that every part of a history is a history.
"""

import json
from dataclasses import asdict, dataclass, field

from ironlab import ops

# Ways to connect.
NEW = "new"
AGAIN = "again"  # the client's session on another connection; the first one may still be open
WRONG_PASSWORD = "wrong password"
UNKNOWN_SESSION = "unknown session"
FROM_THE_FUTURE = "from the future"  # has seen a zxid that the server has not


@dataclass(frozen=True)
class Request:
    """One request. A multi has `parts`, (op, fields) pairs; the op `raw` has `code` and `body`.

    A relativeZxid counts from the last zxid that the client has seen.
    """

    op: str
    fields: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Connect:
    client: str
    how: str = NEW
    timeout_ms: int = 30000


@dataclass(frozen=True)
class Burst:
    """Requests sent in one go; then all replies are read."""

    client: str
    requests: tuple


@dataclass(frozen=True)
class Drop:
    """The connection is cut; the session lives on."""

    client: str


@dataclass(frozen=True)
class Expire:
    """The connection is cut, and the history goes on when the session has expired."""

    client: str


@dataclass(frozen=True)
class Restart:
    """The server ends, by SIGTERM or SIGKILL, and starts on its files."""

    kill: bool


@dataclass(frozen=True)
class Sweep:
    """A super user reads all znodes."""


@dataclass(frozen=True)
class History:
    seed: int
    config: str
    properties: dict
    steps: tuple

    def requests(self):
        """How many requests there are, pings between the steps not counted."""
        return sum(len(step.requests) for step in self.steps if isinstance(step, Burst))


STEPS = {kind.__name__: kind for kind in (Connect, Burst, Drop, Expire, Restart, Sweep)}


def show(step):
    """A step in a few lines for people."""
    if not isinstance(step, Burst):
        return repr(step)
    return f"Burst of {step.client}:" + "".join(f"\n    {show_request(request)}" for request in step.requests)


def show_request(request):
    """A request on one line, a multi's parts on lines of their own; long data is cut."""
    if "parts" in request.fields:
        return f"{request.op} of:" + "".join(f"\n        {show_request(Request(*part))}" for part in request.fields["parts"])
    return f"{request.op} " + ", ".join(f"{name}={_short(value)}" for name, value in request.fields.items())


def _short(value):
    text = repr(value)
    if value == ops.OPEN:
        return "OPEN"
    return text if len(text) < 300 else f"{text[:120]}... ({len(text)} characters)"


def dump(history):
    """The history as JSON, for a file that a failing run leaves behind."""
    steps = [{"step": type(step).__name__, **asdict(step)} for step in history.steps]
    return json.dumps({**asdict(history), "steps": steps}, default=_bytes_to_json, indent=1)


def load(text):
    """What `dump` wrote."""
    found = json.loads(text, object_hook=_bytes_from_json)
    return History(**{**found, "steps": tuple(_step(step) for step in found["steps"])})


def _step(fields):
    kind = STEPS[fields.pop("step")]
    if kind is Burst:
        fields["requests"] = tuple(_request(request) for request in fields["requests"])
    return kind(**fields)


def _request(fields):
    if "parts" in fields["fields"]:
        fields["fields"]["parts"] = [tuple(part) for part in fields["fields"]["parts"]]
    return Request(**fields)


def _bytes_to_json(value):
    return {"hex": value.hex()}


def _bytes_from_json(found):
    return bytes.fromhex(found["hex"]) if found.keys() == {"hex"} else found
