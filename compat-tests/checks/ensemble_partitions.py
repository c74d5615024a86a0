"""Members that hear each other one way only. The ensemble has networks of its own, so the checks run in a process of their own.

Where the system gives no network namespaces to this user, the suite fails and says so.
"""

import sys
import time

from ironlab import apart, namespaces, ops
from ironlab.ensemble import FOLLOWER, LEADER, Ensemble, mode
from ironlab.members import Members
from ironlab.report import equal
from ironlab.wire import Client, Closed

NAME = "ensemble partitions"
TICK_MS = 500
SYNC_LIMIT_S = 2
SETTINGS = f"tickTime={TICK_MS}\ninitLimit=20\nsyncLimit=4\nmaxSessionTimeout=60000"
LONG_MS = 60000


def run(report, kind):
    apart.run(report, NAME, kind, __name__, apart.NETWORKS)


def main(kind):
    def play(report):
        sids = (1, 2, 3)
        with report.guard(NAME, kind), namespaces.Networks(sids) as networks:
            members = Members(sids, settings=SETTINGS, hosts=networks.hosts)
            own = {sid: {"within": networks.within(sid)} for sid in sids}
            with Ensemble(kind, members, own=own) as ensemble:
                report.run(NAME, kind, CHECKS, networks, ensemble)
    return apart.played(play)


def _client(server, **options):
    return Client(server.port, host=server.host, **options)


def _sid(ensemble, server):
    return next(sid for sid, one in ensemble.servers.items() if one is server)


def _heal(networks, ensemble):
    """All hear each other again: one leader, the others follow, and show the same."""
    networks.join_all()
    ensemble.wait_for(lambda: sorted(map(str, ensemble.modes().values())) == [FOLLOWER, FOLLOWER, LEADER], "all serve")
    with _client(ensemble.leader) as client:
        client.close_session()
    ensemble.wait_until_level()
    for server in ensemble.servers.values():
        assert "panicked" not in server.log(), server.log_tail()


def _parted(networks, ensemble, pairs, path):
    """The leader is parted from both others in this way: another one leads, and no write through the old one is lost or kept
    in secret: what it acknowledges, all have in the end."""
    old = ensemble.leader
    rest = ensemble.others(old)
    with _client(old, timeout_ms=LONG_MS) as inside:
        equal(inside.create(path, b"0").err, ops.OK, "create")
        for sender, receiver in pairs(old, rest):
            networks.part(_sid(ensemble, sender), _sid(ensemble, receiver))
        inside.send("setData", path=path, data=b"through the old leader", version=-1)
        new = ensemble.wait_for_leader(rest)
        acknowledged = _is_acknowledged(inside)
    with _client(new) as client:
        equal(client.call("setData", path=path, data=b"through the new one", version=-1).err, ops.OK, "setData")
        version = client.call("exists", path=path, watch=False).body["stat"]["version"]
        client.close_session()
    assert version >= (2 if acknowledged else 1), "an acknowledged write is lost"
    _heal(networks, ensemble)
    for server in ensemble.servers.values():
        with _client(server) as client:
            body = client.call("getData", path=path, watch=False).body
            equal((body["data"], body["stat"]["version"]), (b"through the new one", version), "data and version")
            client.close_session()


def _is_acknowledged(client):
    try:
        return client.reply().err == ops.OK
    except (Closed, TimeoutError):
        return False


def a_leader_that_nobody_hears_is_replaced(networks, ensemble):
    _parted(networks, ensemble, lambda old, rest: [(old, one) for one in rest], "/unheard")


def a_leader_that_hears_nobody_is_replaced(networks, ensemble):
    _parted(networks, ensemble, lambda old, rest: [(one, old) for one in rest], "/deaf")


def a_follower_that_hears_no_leader_disturbs_nobody(networks, ensemble):
    """It looks for a leader, hears from the other follower who leads, and cannot follow. The leader stays all the while."""
    leader = ensemble.leader
    deaf, other = ensemble.others(leader)
    with _client(other, timeout_ms=LONG_MS) as client:
        equal(client.create("/undisturbed").err, ops.OK, "create")
        networks.part(_sid(ensemble, leader), _sid(ensemble, deaf))
        ensemble.wait_for(lambda: mode(deaf) is None, "the deaf follower no longer serves")
        deadline = time.monotonic() + 2 * SYNC_LIMIT_S
        number = 0
        while time.monotonic() < deadline:
            equal(client.call("setData", path="/undisturbed", data=b"x", version=number).err, ops.OK, "setData")
            number += 1
        client.close_session()
    equal(mode(leader), LEADER, "the leader's mode")
    _heal(networks, ensemble)
    equal(ensemble.sid_of(LEADER), _sid(ensemble, leader), "the leader afterwards")


CHECKS = [
    a_leader_that_nobody_hears_is_replaced,
    a_leader_that_hears_nobody_is_replaced,
    a_follower_that_hears_no_leader_disturbs_nobody,
]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
