"""Members with two addresses each, of one kind and of both."""

from functools import partial

from ironlab import ops
from ironlab.ensemble import FOLLOWER, LEADER, Ensemble, mode
from ironlab.members import SEVERAL_ADDRESSES, Members
from ironlab.report import equal
from ironlab.server import Server, ServerError
from ironlab.wire import Client

NAME = "ensemble addresses"
OURS, ORACLE = "ironkeeper", "apache-3.9.5"
SIDS = (1, 2, 3)
SETTINGS = "tickTime=500\ninitLimit=20\nsyncLimit=10"
SECOND = {sid: f"127.0.0.{10 + sid}" for sid in SIDS}
# For documentation alone: no route leads there.
NOWHERE = "[2001:db8::1]"


def tasks(report, kind):
    """One ensemble after the other: they are large."""
    return [partial(run, report, kind)]


def run(report, kind):
    for claim, kinds in [("of one kind", {}), *([("of both kinds", {2: ORACLE}), ("one of ours", {2: ORACLE, 3: ORACLE})]
                                               if kind == OURS else [])]:
        members = Members(SIDS, settings=SETTINGS, further=SECOND)
        with Ensemble(kind, members, kinds=kinds, properties=SEVERAL_ADDRESSES) as ensemble:
            report.run(f"{NAME}, {claim}", kind, CHECKS, ensemble)
    with report.check(NAME, kind, "lines with two addresses need the property"):
        equal(_starts(kind, f"{Members(SIDS, further=SECOND).config}\nmultiAddress.enabled=true\n"), False, "it starts")
    if kind == OURS:
        _nowhere(report, kind)


def all_serve_and_show_the_same_configuration(ensemble):
    equal(sorted(ensemble.modes().values()), [FOLLOWER, FOLLOWER, LEADER], "modes")
    shown = set()
    for server in ensemble.servers.values():
        with Client(server.port) as client:
            shown.add(client.call("getData", path="/zookeeper/config", watch=False).body["data"])
    lines = [line.decode() for line in shown.pop().splitlines()]
    assert not shown, "all show the same"
    equal([line.split(":")[0] for line in lines[:3]], [f"server.{sid}=127.0.0.1" for sid in SIDS], "first addresses")
    assert all(f"|{SECOND[sid]}:" in line for sid, line in zip(SIDS, lines)), lines


def each_may_lead(ensemble):
    """The leader is stopped three times, so that connections are made anew in both directions."""
    for _ in SIDS:
        old = ensemble.leader
        old.stop()
        new = ensemble.wait_for_leader(ensemble.others(old))
        with Client(new.port) as client:
            equal(client.create(f"/{new.sid}-for-{old.sid}").err in (ops.OK, ops.NODE_EXISTS), True, "a write")
            client.close_session()
        old.start()
        ensemble.wait_until_level()


CHECKS = [all_serve_and_show_the_same_configuration, each_may_lead]


def _starts(kind, lines):
    server = Server(kind, lines, sid=1)
    try:
        server.start()
    except ServerError as error:
        assert "ended with code" in str(error), error
        return False
    finally:
        server.close()
    return True


def _nowhere(report, kind):
    """The first address of server 3 is nowhere: it leads, and Apache's server and ours find it at the second one."""
    members = Members(SIDS, settings=SETTINGS, hosts={3: NOWHERE}, further={3: "127.0.0.1"})
    own = {3: {"address": "127.0.0.1"}}
    with report.check(NAME, kind, "a server is found at the second address where the first is nowhere"), \
            Ensemble(kind, members, kinds={2: ORACLE}, own=own, properties=SEVERAL_ADDRESSES) as ensemble:
        while mode(ensemble.servers[3]) != LEADER:
            leader = ensemble.leader
            leader.stop()
            ensemble.wait_for_leader(ensemble.others(leader))
            leader.start()
        with Client(ensemble.servers[3].port) as client:
            client.close_session()
        ensemble.wait_until_level()
