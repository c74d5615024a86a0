"""A raw ZooKeeper client on one blocking socket: every frame is sent and read exactly when the test says so.

It sends no ping, no SetWatches and never reconnects by itself; requests may be pipelined with `send` and `reply`.
"""

import socket
import struct
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import jute, ops

TIMEOUT_S = 15


class Closed(Exception):
    """The server closed the connection where a frame was expected."""


@dataclass
class Reply:
    """One reply: the header's fields, the body's bytes and the body as a dict (empty when err is not 0)."""

    op: str
    xid: int
    zxid: int
    err: int
    raw: bytes = b""
    body: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """One watch event, with the zxid of its header."""

    type: int
    state: int
    path: str
    zxid: int


class Wire:
    """Frames over TCP. `record`, where given, is called with ("request" | "reply", frame without its length)."""

    def __init__(self, port, record=None, timeout_s=TIMEOUT_S, host="127.0.0.1"):
        self.sock = self.connect((host, port), timeout_s)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self.wrap(self.sock)
        self._record = record or (lambda *_: None)
        self._corked = None

    def connect(self, address, timeout_s):
        """A connection to the server."""
        return socket.create_connection(address, timeout_s)

    def wrap(self, sock):
        """What the frames go over: the socket, or what a kind of client puts around it."""
        return sock

    @contextmanager
    def together(self):
        """Sends all that the block sends in one go, so that the server finds it at once."""
        self._corked = bytearray()
        yield
        data, self._corked = self._corked, None
        self.send_bytes(data)

    def send_bytes(self, data):
        """Bytes as they are, framed or not. A peer that is gone is found by the next read."""
        if self._corked is not None:
            self._corked += data
            return
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def send_frame(self, payload):
        self._record("request", payload)
        self.send_bytes(struct.pack(">i", len(payload)) + payload)

    def read_frame(self):
        """The next frame's bytes; Closed when the server has ended the connection."""
        payload = self._read(struct.unpack(">i", self._read(4))[0])
        self._record("reply", payload)
        return payload

    def is_closed(self):
        """True when the server closes without sending a further frame."""
        try:
            self.read_frame()
        except Closed:
            return True
        return False

    def cut(self):
        """Ends the TCP connection with a reset: the server gets no closeSession and no FIN first."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()

    def _read(self, count):
        data = b""
        while len(data) < count:
            try:
                chunk = self.sock.recv(count - len(data))
            except ConnectionResetError as error:
                raise Closed from error
            if not chunk:
                raise Closed
            data += chunk
        return data


class Client(Wire):
    """One connection of one session.

    `session` is (session id, password) to come back to, else a new one is made. `read_only_byte` is the last byte of
    ConnectRequest, None for the short form of old clients. After the call `timeout_ms`, `session` and `alive` hold the
    server's answer; a refused session (timeout 0) has `alive` False.
    """

    def __init__(self, port, session=(0, bytes(16)), timeout_ms=30000, last_zxid=0, read_only_byte=0, record=None,
                 timeout_s=TIMEOUT_S, host="127.0.0.1"):
        super().__init__(port, record, timeout_s, host)
        self.events = []
        self.last_zxid = last_zxid
        self._xid = 0
        self._pending = []
        request = {"protocolVersion": 0, "lastZxidSeen": last_zxid, "timeOut": timeout_ms,
                   "sessionId": session[0], "passwd": session[1]}
        tail = b"" if read_only_byte is None else bytes([read_only_byte])
        self.send_frame(jute.encode("ConnectRequest", request) + tail)
        self.connect_reply = self.read_frame()
        answer = jute.Reader(self.connect_reply).read("ConnectResponse")
        self.timeout_ms = answer["timeOut"]
        self.session = (answer["sessionId"], answer["passwd"])
        self.alive = self.timeout_ms > 0

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.close()

    def send(self, op, xid=None, **fields):
        """Sends one request and returns its xid; the reply is for `reply`."""
        code, record, _ = ops.OPS[op]
        return self._send(op, code, jute.encode(record, fields), xid)

    def send_raw(self, code, body=b"", xid=None):
        """Sends a request of any op code with any body. Its reply's body stays raw bytes."""
        return self._send(ops.NAMES.get(code, "unknown"), code, body, xid)

    def send_multi(self, *subs, code=ops.MULTI):
        """Sends a multi of (op, fields) pairs."""
        return self._send(ops.NAMES[code], code, multi_body(subs), None)

    def reply(self):
        """The next reply; events before it are collected in `events`."""
        while True:
            reader = jute.Reader(self.read_frame())
            header = reader.read("ReplyHeader")
            if header["xid"] != ops.XID_EVENT:
                return self._to_reply(header, reader.rest())
            self._add_event(header, reader)

    def event(self):
        """The oldest event not taken yet, waiting for it; a reply instead is an error."""
        while not self.events:
            reader = jute.Reader(self.read_frame())
            header = reader.read("ReplyHeader")
            if header["xid"] != ops.XID_EVENT:
                raise AssertionError(f"a reply {header} came where an event was expected")
            self._add_event(header, reader)
        return self.events.pop(0)

    def take_events(self):
        """All events of which the server has already sent something before its answer to a ping."""
        self.call("ping", xid=ops.XID_PING)
        taken, self.events = self.events, []
        return taken

    def call(self, op, xid=None, **fields):
        """One request and its reply."""
        self.send(op, xid, **fields)
        return self.reply()

    def call_raw(self, code, body=b"", xid=None):
        self.send_raw(code, body, xid)
        return self.reply()

    def multi(self, *subs):
        """A multi and its reply, whose body is {"results": [...]}."""
        self.send_multi(*subs)
        return self.reply()

    def multi_read(self, *subs):
        self.send_multi(*subs, code=ops.MULTI_READ)
        return self.reply()

    def create(self, path, data=b"", acl=None, flags=ops.PERSISTENT, op="create", **extra):
        """A create in any of its forms, open to the world where no ACL is given."""
        return self.call(op, path=path, data=data, acl=ops.OPEN if acl is None else acl, flags=flags, **extra)

    def add_auth(self, scheme, credentials):
        return self.call("auth", xid=ops.XID_AUTH, type=0, scheme=scheme, auth=credentials)

    def create_session_again(self, timeout_ms):
        """Op code -10 from a client: the answer is a ConnectResponse frame without a reply header."""
        self.send_raw(ops.CREATE_SESSION, jute.encode("int", timeout_ms))
        self._pending.pop()
        return jute.Reader(self.read_frame()).read("ConnectResponse")

    def close_session(self):
        """closeSession, its reply, then the server's close."""
        reply = self.call("closeSession")
        ended = self.is_closed()
        self.close()
        assert ended, "a frame came behind the reply to closeSession"
        return reply

    def _send(self, op, code, body, xid):
        if xid is None:
            self._xid += 1
            xid = self._xid
        self._pending.append(op)
        self.send_frame(jute.encode("RequestHeader", {"xid": xid, "type": code}) + body)
        return xid

    def _to_reply(self, header, raw):
        op = self._pending.pop(0)
        self.last_zxid = max(self.last_zxid, header["zxid"])
        reply = Reply(op, header["xid"], header["zxid"], header["err"], raw)
        if reply.err == 0:
            reply.body = decode_body(op, raw)
        return reply

    def _add_event(self, header, reader):
        body = reader.read("WatcherEvent")
        self.last_zxid = max(self.last_zxid, header["zxid"])
        self.events.append(Event(body["type"], body["state"], body["path"], header["zxid"]))


_MULTI_END = {"type": -1, "done": True, "err": -1}


def multi_body(subs):
    """The body of a multi of (op, fields) pairs."""
    body = b""
    for op, fields in subs:
        code, record, _ = ops.OPS[op]
        body += jute.encode("MultiHeader", {"type": code, "done": False, "err": -1}) + jute.encode(record, fields)
    return body + jute.encode("MultiHeader", _MULTI_END)


def decode_body(op, raw):
    """A reply's body as a dict; {} for an op that this client does not know."""
    if op in ("multi", "multiRead"):
        return {"results": _multi_results(jute.Reader(raw))}
    return jute.decode(ops.OPS[op][2], raw) if op in ops.OPS else {}


def _multi_results(reader):
    results = []
    while not (header := reader.read("MultiHeader"))["done"]:
        name = ops.NAMES.get(header["type"])
        record = ops.OPS[name][2] if name else "ErrorResponse"
        results.append({"type": header["type"], **reader.read(record)})
    return results
