"""Gives equal names to what may differ between two equal servers: session ids, times, lists that are sets in Apache."""

_SETS = ("children", "ephemerals", "clientInfo")


class Mask:
    """The names of one server's sessions and times."""

    def __init__(self):
        self._sessions = {}
        self._times = {}

    def add_session(self, session_id, name):
        """From now on the id is shown as `name`."""
        self._sessions.setdefault(session_id, name)

    def session(self, session_id):
        """The name of a session, the id itself where it has none."""
        return self._sessions.get(session_id, session_id)

    def body(self, value):
        """A reply's body with its variable parts replaced."""
        if isinstance(value, list):
            return [self.body(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "czxid" in value:
            return self._stat(value)
        return {name: sorted(item, key=str) if name in _SETS else self.body(item) for name, item in value.items()}

    def _stat(self, stat):
        return {**stat, "ctime": self._time(stat["czxid"], stat["ctime"]),
                "mtime": self._time(stat["mzxid"], stat["mtime"]), "ephemeralOwner": self.session(stat["ephemeralOwner"])}

    def _time(self, zxid, time):
        """A txn has one time, so a stat's time is shown as that of its zxid, or else as what it is."""
        return "of its zxid" if time == self._times.setdefault(zxid, time) else f"{time} is not of zxid {zxid}"
