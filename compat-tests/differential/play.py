"""Plays a history on one server and writes down, step by step, all that its clients see."""

import time
from dataclasses import dataclass
from itertools import groupby

from ironlab import jute, ops, wire
from ironlab.server import SUPER_AUTH, Server, ServerError

from . import history as h
from .mask import Mask

_XIDS = {"ping": ops.XID_PING, "auth": ops.XID_AUTH, "setWatches": ops.XID_SET_WATCHES, "setWatches2": ops.XID_SET_WATCHES}
UNUSABLE = "the super user's connection or the server is gone"
_EXPIRY_DEADLINE_S = 20
_POLL_S = 0.01
_ZXIDS_AHEAD = 1000


@dataclass
class _Client:
    """What a client of the history has: a session, the last zxid it saw, an open connection."""

    name: str
    session: tuple = None
    seen: int = 0
    wire: "wire.Client" = None


class Player:
    """One server and the history's clients on it. A context manager; leaving it ends the server."""

    def __init__(self, kind, history, environment=None, binary=None):
        self._server = Server(kind, history.config, history.properties, environment=environment, binary=binary)
        self._steps = history.steps
        self._clients = {}
        self._mask = Mask()
        self._super = _Client("super")
        self._sessions = 0

    def __enter__(self):
        self._server.__enter__()
        self._connect_super()
        return self

    def __exit__(self, *failure):
        for client in (self._super, *self._clients.values()):
            if client.wire:
                client.wire.close()
        self._server.__exit__(*failure)

    def play(self):
        """For each step a list of what was seen. A server that nobody can use any more ends it: the last item says why."""
        actions = {h.Connect: self._connect, h.Burst: self._burst, h.Drop: self._drop, h.Expire: self._expire,
                   h.Restart: self._restart, h.Sweep: self._sweep}
        for step in self._steps:
            try:
                seen = actions[type(step)](step) + self._flush()
            except (wire.Closed, ServerError, OSError) as error:
                yield [(UNUSABLE, repr(error))]
                return
            yield _sorted_events(seen) if _ends_a_session(step) else seen

    def server_log(self):
        """The end of the server's log, for a report."""
        return self._server.log_tail()

    # Connections

    def _connect(self, step):
        client = self._clients.setdefault(step.client, _Client(step.client))
        session = self._session_to_name(client, step.how)
        if session is None:
            return []
        ahead = _ZXIDS_AHEAD if step.how == h.FROM_THE_FUTURE else 0
        try:
            connection = wire.Client(self._server.port, session, step.timeout_ms, client.seen + ahead)
        except wire.Closed:
            return [("connect", client.name, "closed")]
        if not connection.alive:
            return [("connect", client.name, "refused", self._connect_reply(connection), connection.is_closed())]
        return self._connected(client, connection)

    def _session_to_name(self, client, how):
        """Which session the connect request names; None where the client cannot connect in this way."""
        if how == h.NEW:
            return None if client.session else (0, bytes(16))
        if how == h.UNKNOWN_SESSION:
            return (0x7F00000000001234, bytes(range(16)))
        if client.session and how == h.WRONG_PASSWORD:
            return (client.session[0], bytes(16))
        return client.session

    def _connected(self, client, connection):
        if not client.session:
            self._sessions += 1
            self._mask.add_session(connection.session[0], f"session {self._sessions}, of {client.name}")
        seen = [("connect", client.name, "connected", self._connect_reply(connection))]
        if client.wire:
            seen += self._rest(client)
        client.session, client.wire = connection.session, connection
        return seen

    def _connect_reply(self, connection):
        """The connect reply's fields, the password left out, and the read-only byte or its absence."""
        reader = jute.Reader(connection.connect_reply)
        answer = reader.read("ConnectResponse")
        return answer["protocolVersion"], answer["timeOut"], self._mask.session(answer["sessionId"]), reader.rest()

    def _rest(self, client):
        """All that still comes on a connection that the server ends."""
        found = []
        while client.wire:
            found += self._reply(client)
        return found

    def _drop(self, step):
        client = self._clients.get(step.client)
        if client and client.wire:
            port = client.wire.sock.getsockname()[1]
            self._cut(client)
            self._wait_until_forgotten(port)
        return []

    def _wait_until_forgotten(self, port):
        """Apache that notices a cut after the session has come back on another connection forgets that one in its stead
        (ServerCnxnFactory.removeCnxnFromSessionMap)."""
        deadline = time.monotonic() + wire.TIMEOUT_S
        while f":{port}[" in self._server.ask("cons"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server does not notice that the connection from port {port} is cut")
            time.sleep(_POLL_S)

    def _cut(self, client):
        client.seen = client.wire.last_zxid
        client.wire.cut()
        client.wire = None

    def _expire(self, step):
        client = self._clients.get(step.client)
        if not client or not client.session:
            return []
        before = self._last_zxid()
        if client.wire:
            self._cut(client)
        client.session = None
        deadline = time.monotonic() + _EXPIRY_DEADLINE_S
        while self._last_zxid() == before:
            if time.monotonic() > deadline:
                return [("expire", client.name, "the session did not expire")]
            time.sleep(_POLL_S)
        return [("expire", client.name, self._last_zxid())]

    def _last_zxid(self):
        return self._super.wire.call("ping", xid=ops.XID_PING).zxid

    def _restart(self, step):
        for client in (self._super, *self._clients.values()):
            if client.wire:
                self._cut(client)
        self._server.kill() if step.kill else self._server.stop()
        self._server.start()
        self._connect_super()
        return []

    def _connect_super(self):
        session = self._super.session or (0, bytes(16))
        self._super.wire = wire.Client(self._server.port, session, last_zxid=self._super.seen)
        self._super.session = self._super.wire.session
        self._mask.add_session(self._super.session[0], "session of super")
        self._super.wire.add_auth("digest", SUPER_AUTH)

    # Requests and what comes back

    def _burst(self, step):
        client = self._clients.get(step.client)
        if not client or not client.wire:
            return []
        with client.wire.together():
            for request in step.requests:
                self._send(client.wire, request)
        seen = []
        for request in step.requests:
            if client.wire:
                seen += self._reply(client, request)
        if client.wire and _ends_the_connection(step, seen):
            # Apache ends it by a marker behind the reply, and may answer what comes in between (NIOServerCnxn.sendCloseSession).
            seen += self._rest(client)
        return seen

    def _send(self, connection, request):
        fields = request.fields
        if request.op == "raw":
            connection.send_raw(fields["code"], fields["body"])
        elif request.op in ("multi", "multiRead"):
            connection.send_multi(*fields["parts"], code=ops.MULTI if request.op == "multi" else ops.MULTI_READ)
        else:
            if "relativeZxid" in fields:
                fields = {**fields, "relativeZxid": connection.last_zxid + fields["relativeZxid"]}
            connection.send(request.op, _XIDS.get(request.op), **fields)

    def _reply(self, client, request=None):
        """The next reply and the events before it; `request`, where given, is what it answers."""
        connection = client.wire
        try:
            reply = connection.reply()
            body = self._mask.body(reply.body) if reply.body else reply.raw
            answer = ("reply", client.name, reply.op, reply.xid, reply.zxid, reply.err, body)
        except wire.Closed:
            answer = ("closed", client.name)
        except TimeoutError:
            answer = ("no answer", client.name)
        except (EOFError, ValueError, KeyError) as error:
            answer = ("ill-formed reply", client.name, str(error))
        events = [("event", client.name, event.zxid, event.type, event.state, event.path) for event in connection.events]
        connection.events = []
        self._after(client, request, answer)
        return [*events, answer]

    def _after(self, client, request, answer):
        """A connection that is gone is forgotten, a session that was closed too."""
        if answer[0] == "reply" and request and request.op == "closeSession":
            client.session = None
        if answer[0] != "reply":
            client.seen = client.wire.last_zxid
            client.wire.close()
            client.wire = None

    def _flush(self):
        """What came to any connection unasked, up to the answer to a ping."""
        clients = [client for _, client in sorted(self._clients.items()) if client.wire]
        for client in clients:
            client.wire.send("ping", ops.XID_PING)
        return [item for client in clients for item in self._reply(client)]

    # The whole tree

    def _sweep(self, _step):
        seen, level = [], ["/"]
        while level:
            found = self._read_all(level)
            seen += found
            level = [f"{path.rstrip('/')}/{child}" for _, path, children, *_ in found for child in children]
        return seen

    def _read_all(self, paths):
        connection = self._super.wire
        with connection.together():
            for path in paths:
                connection.send("getChildren", path=path, watch=False)
                connection.send("getData", path=path, watch=False)
                connection.send("getACL", path=path)
        return [self._znode(path) for path in paths]

    def _znode(self, path):
        children, data, acl = (self._super.wire.reply() for _ in range(3))
        return ("znode", path, sorted(children.body.get("children", ())), *((reply.err, self._mask.body(reply.body))
                                                                            for reply in (data, acl)))


def _ends_the_connection(step, seen):
    """The session is closed, or an op code is unknown."""
    last = step.requests[-1]
    return last.op == "closeSession" or last.op == "raw" and seen[-1][0] == "reply" and seen[-1][5] == ops.UNIMPLEMENTED


def _ends_a_session(step):
    return isinstance(step, h.Expire) or isinstance(step, h.Burst) and any(
        request.op == "closeSession" for request in step.requests)


def _sorted_events(seen):
    """The events of one client and zxid that follow each other have no order.

    Apache deletes a session's ephemerals in the order of a hash set, where paths of one bucket stand as they came: after a
    restart as the snapshot had them, and when that was taken is chance (SyncRequestProcessor).
    """
    found = []
    for key, group in groupby(seen, key=lambda item: item[:3] if item[0] == "event" else None):
        found += sorted(group, key=str) if key else group
    return found
