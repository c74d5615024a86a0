"""A history from a seed: which client does what, when connections end, when the server restarts."""

from random import Random

from ironlab import ops

from . import history as h
from .beliefs import Beliefs
from .requests import Requests, USERS

CLIENTS = "abcd"
MORTAL = "m"  # the client whose sessions expire; it is never left alone between its connect and its end
MORTAL_TIMEOUT_MS = 1500
_TIMEOUTS_MS = (30000, 40000, 60000, 10**9)
_CONFIG = f"tickTime=200\nminSessionTimeout={MORTAL_TIMEOUT_MS}\nmaxSessionTimeout=60000\n"
_HOUR_MS = 3600000
_EXPIRIES = 2
_RESTARTS = 3
_NEVER = "100000"  # txns until a snapshot; at a start there is always one


def generate(seed, requests):
    """The history of a seed, with about so many requests."""
    return _Generator(seed).history(requests)


class _Generator:
    def __init__(self, seed):
        self._seed = seed
        self._random = Random(seed)
        self._beliefs = Beliefs()
        self._properties = self._choose_properties()
        # Use is counted anew from a snapshot. Among many, which one a restart finds is chance (SyncRequestProcessor's roll).
        has_quotas = self._properties["zookeeper.snapCount"] == _NEVER
        self._requests = Requests(self._random, self._beliefs, has_quotas)
        self._open = set()
        self._steps = []
        self._count = 0

    def history(self, requests):
        for client in CLIENTS:
            self._connect(client)
        for request in self._requests.begin():
            self._add_burst(CLIENTS[0], [request])
        marks = self._marks(requests)
        while self._count < requests:
            if marks and self._count >= marks[0][0]:
                marks.pop(0)[1]()
            self._step()
        self._restart()
        return h.History(self._seed, _CONFIG, self._properties, tuple(self._steps))

    def _choose_properties(self):
        self._enforce = self._random.random() < 0.5
        return {"zookeeper.extendedTypesEnabled": str(self._random.random() < 0.8).lower(),
                "zookeeper.enforceQuota": str(self._enforce).lower(),
                "zookeeper.snapCount": self._random.choice(("60", "400", _NEVER, _NEVER)),
                # With a delay a burst is outstanding as a whole; without one it is as the disk will have it.
                "zookeeper.flushDelay": str(self._random.choice((0, 0, 8))),
                # Nothing is reaped while a history runs: when, is chance.
                "znode.container.checkIntervalMs": str(_HOUR_MS)}

    def _marks(self, requests):
        """What happens a fixed number of times, each at a random count of requests."""
        actions = [self._expire] * _EXPIRIES + [self._restart] * (_RESTARTS - 1)
        return sorted(((self._random.randrange(requests), action) for action in actions), key=lambda mark: mark[0])

    def _step(self):
        client = self._random.choice(CLIENTS)
        if client not in self._open:
            self._connect(client, h.AGAIN)
        way, = self._random.choices((self._burst, self._single, self._drop, self._take_over, self._odd_connect, self._close),
                                    (80, 14, 3, 2, 1, 2))
        way(client)

    # Requests

    def _add_burst(self, client, requests):
        if not requests:
            return
        self._steps.append(h.Burst(client, tuple(requests)))
        self._count += len(requests)

    def _burst(self, client):
        size = self._random.choice((1, 1, 2, 4, 8, 16, 40))
        self._requests.focus()
        requests = []
        while len(requests) < size:
            request = self._requests.draw(client)
            if self._alone(request):
                self._add_burst(client, [request])
                continue
            if _is_ephemeral_container(request):
                self._add_burst(client, requests)
                self._add_burst(client, [request])
                size -= len(requests) + 1
                requests = []
                continue
            requests.append(request)
            if request.op == "setACL":
                break  # whether writes behind it meet the old or the new list is chance
        self._add_burst(client, requests)

    def _alone(self, request):
        """Requests whose place in a burst, or whose answer there, is chance in Apache."""
        return request.op == "check" or _makes_java_stumble(request) or (self._enforce and _touches_quota(request))

    def _without_chance(self, requests):
        return [request for request in requests if not self._alone(request)]

    def _single(self, client):
        self._add_burst(client, [self._requests.draw_alone()])
        self._open.discard(client)  # it may have cost the connection: the client connects before it goes on

    # Connections

    def _connect(self, client, how=h.NEW):
        self._steps.append(h.Connect(client, how, self._random.choice(_TIMEOUTS_MS)))
        self._open.add(client)
        for user in self._random.sample(USERS[:2], self._random.choice((0, 1, 1, 2))):
            self._add_burst(client, [h.Request("auth", {"type": 0, "scheme": "digest", "auth": user})])
        if how == h.AGAIN and self._random.random() < 0.6:
            self._add_burst(client, [self._requests.set_watches()])

    def _drop(self, client):
        self._steps.append(h.Drop(client))
        self._open.discard(client)

    def _take_over(self, client):
        self._connect(client, h.AGAIN)

    def _odd_connect(self, client):
        how = self._random.choice((h.WRONG_PASSWORD, h.UNKNOWN_SESSION, h.FROM_THE_FUTURE))
        self._steps.append(h.Connect(client, how))

    def _close(self, client):
        self._add_burst(client, self._without_chance(self._requests.close_session()))
        self._beliefs.end_session(client)
        self._connect(client)

    def _expire(self):
        self._steps.append(h.Connect(MORTAL, h.NEW, self._random.choice((-1, 0, 100, MORTAL_TIMEOUT_MS))))
        self._burst(MORTAL)
        self._add_burst(MORTAL, self._without_chance(self._requests.ephemerals()))
        self._steps.append(h.Expire(MORTAL))
        self._beliefs.end_session(MORTAL)

    def _restart(self):
        self._steps += [h.Sweep(), h.Restart(self._random.random() < 0.5), h.Sweep()]
        self._open.clear()


def _touches_quota(request):
    return any(str(fields.get("path")).startswith(("/q", "/zookeeper/quota")) for fields in _parts(request))


def _makes_java_stumble(request):
    """A null in an access control list; Apache then does not take back what a multi did before, until it is applied."""
    entries = [entry["id"] for fields in _parts(request) for entry in fields.get("acl") or ()]
    return any(None in identity.values() for identity in entries)


def _is_ephemeral_container(request):
    """A container that counts as an ephemeral, which can have no children, as long as it is outstanding: what the creates behind
    it in a burst meet is chance."""
    return any(op == "createContainer" and fields.get("flags") in (ops.EPHEMERAL, ops.EPHEMERAL_SEQUENTIAL)
               for op, fields in _subs(request))


def _parts(request):
    return [fields for _, fields in _subs(request)]


def _subs(request):
    return request.fields.get("parts", [(request.op, request.fields)])
