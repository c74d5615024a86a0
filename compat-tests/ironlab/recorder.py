"""Writes down the frames of raw clients, decoded as well, in the order in which they were sent and read."""

import json

from . import jute, ops
from .wire import decode_body

REPLY_HEADER_BYTES = 16


class Recorder:
    """`client_record(name)` is the `record` of one Client; `rows` holds (connection, direction, op, frame, fields)."""

    def __init__(self):
        self.rows = []

    def client_record(self, connection):
        """A callback for one connection, which must be new: its first frames are the connect request and reply."""
        pending = []
        connected = {"request": False, "reply": False}

        def record(direction, frame):
            if not connected[direction]:
                connected[direction] = True
                op, fields = "connect", _connect_fields(direction, frame)
            elif direction == "request":
                op, fields = _request_fields(frame)
                pending.append(op)
            else:
                op, fields = _reply_fields(frame, pending)
            self.rows.append((connection, direction, op, frame, fields))
        return record

    def write(self, path, comments, decoded=True):
        """Writes the rows as tab separated lines below the comment lines, the decoded fields last where wanted."""
        lines = [f"# {line}" for line in comments]
        lines += ["\t".join((connection, direction, op, frame.hex(), *([to_json(fields)] if decoded else ())))
                  for connection, direction, op, frame, fields in self.rows]
        path.write_text("\n".join(lines) + "\n")


def to_json(fields):
    """One line of JSON; byte strings are written in hex."""
    return json.dumps(fields, default=lambda data: data.hex(), ensure_ascii=False)


def _connect_fields(direction, frame):
    reader = jute.Reader(frame)
    fields = reader.read("ConnectRequest" if direction == "request" else "ConnectResponse")
    if not reader.done():
        fields["readOnly"] = reader.read("boolean")
    return fields


def _request_fields(frame):
    reader = jute.Reader(frame)
    header = reader.read("RequestHeader")
    name = ops.NAMES.get(header["type"], "unknown")
    try:
        return name, {**header, **_request_body(name, reader)}
    except EOFError:
        return name, {**header, "ill_formed": frame[8:]}


def _request_body(name, reader):
    if name in ("multi", "multiRead"):
        return {"ops": _multi_requests(reader)}
    return {"request": reader.read(ops.OPS[name][1]) if name in ops.OPS else reader.rest()}


def _multi_requests(reader):
    found = []
    while not (header := reader.read("MultiHeader"))["done"]:
        name = ops.NAMES[header["type"]]
        found.append({"op": name, **reader.read(ops.OPS[name][1])})
    return found


def _reply_fields(frame, pending):
    reader = jute.Reader(frame)
    if pending[:1] == ["createSession"] and len(frame) > REPLY_HEADER_BYTES:
        return pending.pop(0), reader.read("ConnectResponse")
    header = reader.read("ReplyHeader")
    if header["xid"] == ops.XID_EVENT:
        return "event", {**header, "event": reader.read("WatcherEvent")}
    op = pending.pop(0)
    return op, header if header["err"] else {**header, "response": decode_body(op, reader.rest())}
