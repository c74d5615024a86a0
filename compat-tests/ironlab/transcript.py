"""Writes down what a server answers to a scenario, with all that may differ between two equal servers masked.

Two fresh servers that get the same scenario must give equal transcripts: errors, zxids, paths, data, ACLs, stats and
watch events. Masked are times, session ids (they become names) and the order of lists that have none. Zxids count from
the scenario's start, so that a zxid too many in one scenario does not show in all that follow.
"""

from . import ops, wire

_UNORDERED = ("children", "ephemerals", "clientInfo")


class Transcript:
    """Hands out clients whose every answer becomes one line in `lines`."""

    def __init__(self, port):
        self.lines = []
        self._port = port
        self._sessions = {0: 0}
        self._clients = []
        with wire.Client(port) as first:
            self._base = first.close_session().zxid

    def client(self, name):
        """A client with a new session."""
        client = Recorded(wire.Client(self._port), name, self)
        self._sessions[client.session[0]] = f"session of {name}"
        self._clients.append(client)
        return client

    def end(self):
        """Closes the sessions that are still there, in the order in which they were made."""
        for client in self._clients:
            client.close_session()

    def note(self, request, answer):
        self.lines.append(f"{request} -> {answer}")

    def zxid(self, zxid):
        """A zxid relative to the scenario's start; what is older has no number."""
        return zxid - self._base if zxid > self._base else "old" if zxid > 0 else zxid

    def mask(self, value, key=None):
        """A value with its variable parts replaced."""
        if isinstance(value, dict):
            return {name: self.mask(item, name) for name, item in value.items()}
        if isinstance(value, list):
            items = [self.mask(item) for item in value]
            return sorted(items, key=str) if key in _UNORDERED else items
        if key in ("ctime", "mtime"):
            return "TIME"
        if key in ("czxid", "mzxid", "pzxid"):
            return self.zxid(value)
        return self._sessions.get(value, value) if key == "ephemeralOwner" else value


class Recorded:
    """One client of a transcript. Every call is noted with its reply and with the events that came before a ping's."""

    def __init__(self, client, name, transcript):
        self.session = client.session
        self._client = client
        self._name = name
        self._transcript = transcript
        self._open = True

    def call(self, op, **fields):
        self._noted(f"{op} {fields}", lambda: self._client.call(op, **fields))

    def create(self, path, data=b"", acl=None, flags=ops.PERSISTENT, op="create", **extra):
        shown = {"path": path, "flags": flags, **extra} | ({} if acl is None else {"acl": acl})
        self._noted(f"{op} {shown}", lambda: self._client.create(path, data, acl, flags, op, **extra))

    def raw(self, code, body=b""):
        self._noted(f"op {code} {body!r}", lambda: self._client.call_raw(code, body))

    def multi(self, *subs):
        self._noted(f"multi {subs}", lambda: self._client.multi(*subs))

    def multi_read(self, *subs):
        self._noted(f"multiRead {subs}", lambda: self._client.multi_read(*subs))

    def add_auth(self, scheme, credentials):
        self._noted(f"auth {scheme} {credentials!r}", lambda: self._client.add_auth(scheme, credentials))

    def set_watches(self, zxid, version=2, **lists):
        """SetWatches or SetWatches2 relative to a zxid; lists not given are empty."""
        names = ["dataWatches", "existWatches", "childWatches"]
        names += ["persistentWatches", "persistentRecursiveWatches"] if version == 2 else []
        fields = {name: lists.get(name, []) for name in names}
        op = "setWatches2" if version == 2 else "setWatches"
        self._noted(f"{op} {zxid} {lists}", lambda: self._client.call(
            op, xid=ops.XID_SET_WATCHES, relativeZxid=zxid, **fields))

    def hear(self):
        """Notes the events that have come; within one zxid their order has no meaning."""
        self._noted("events", self._events)

    def close_session(self):
        """Notes the answer, also where the connection is closed already: transcripts stay line by line comparable."""
        self._noted("closeSession", self._client.close_session)
        self._open = False

    def _events(self):
        found = [(self._transcript.zxid(event.zxid), event.type, event.state, event.path) for event in self._client.take_events()]
        from_set_watches = any(event[0] == -1 for event in found)
        return found if from_set_watches else sorted(found, key=str)

    def _noted(self, request, action):
        try:
            answer = action() if self._open else "closed before"
        except wire.Closed:
            answer, self._open = "closed", False
        if isinstance(answer, wire.Reply):
            body = answer.body or answer.raw  # {} where the op is unknown or the reply is an error
            answer = f"err {answer.err} zxid {self._transcript.zxid(answer.zxid)} {self._transcript.mask(body)}"
        self._transcript.note(f"{self._name}: {request}", answer)
