"""Sessions that only one server knows (localSessionsEnabled), and requests that a server refuses without asking its leader
(enableEagerACLCheck), at a leader, a follower and an observer."""

import time

from ironlab import ops
from ironlab.ensemble import FOLLOWER, LEADER, OBSERVER, Ensemble, srvr, three
from ironlab.report import equal
from ironlab.server import four_letters
from ironlab.wire import Client

NAME = "ensemble-local-sessions"
TICK_MS = 500
SETTINGS = f"tickTime={TICK_MS}\ninitLimit=40\nsyncLimit=40\nmaxSessionTimeout=60000\nlocalSessionsEnabled=true"
UPGRADING = f"{SETTINGS}\nlocalSessionsUpgradingEnabled=true"
ROLES = (LEADER, FOLLOWER, OBSERVER)
SHORT_MS = 1000
DEADLINE_S = 20
EAGER = {"zookeeper.enableEagerACLCheck": "true"}


def run(report, kind):
    _with_ensemble(report, kind, "upgraded", UPGRADING, WHERE_UPGRADED)
    _with_ensemble(report, kind, "not upgraded", SETTINGS, WHERE_NOT_UPGRADED)
    _with_ensemble(report, kind, "eager", UPGRADING, WHERE_EAGER, EAGER)


def _with_ensemble(report, kind, name, settings, checks, properties=None):
    with Ensemble(kind, three(settings, observers=1), properties=properties or {}) as ensemble:
        with Client(_port(ensemble, LEADER)) as client:
            client.create("/begun")  # until the first txn of its epoch a leader has a zxid that no follower has
        report.run(f"{NAME}: {name}", kind, checks, ensemble)


def _port(ensemble, role):
    return ensemble.of(role).port


def _leaders_zxid(ensemble):
    """The number of the last txn, once all servers have it."""
    ensemble.wait_until_level()
    return int(srvr(ensemble.leader)["Zxid"], 16)


def _made(path, flags=0):
    """A create, as a part of a multi."""
    return "create", {"path": path, "data": b"", "acl": ops.OPEN, "flags": flags}


def _others(role):
    return [other for other in ROLES if other != role]


def a_session_begins_and_ends_without_a_txn(ensemble):
    for role in ROLES:
        before = _leaders_zxid(ensemble)
        with Client(_port(ensemble, role)) as client:
            assert client.alive, f"no session at the {role}"
            equal(client.close_session().err, ops.OK, "closeSession")
        equal(_leaders_zxid(ensemble), before, f"zxid after a session at the {role}")
        with Client(_port(ensemble, role), client.session) as late:
            assert not late.alive, "a closed session came back"


def a_session_writes_and_reads_at_its_server_only(ensemble):
    for role in ROLES:
        with Client(_port(ensemble, role)) as client:
            equal(client.create(f"/local-{role}").err, ops.OK, "create")
            equal(client.call("setData", path=f"/local-{role}", data=b"x", version=0).err, ops.OK, "setData")
            for other in _others(role):
                with Client(_port(ensemble, other), client.session) as stranger:
                    assert not stranger.alive, f"the {other} knows a local session of the {role}"
            equal(client.call("getData", path=f"/local-{role}", watch=False).body["data"], b"x", "data")
            client.cut()
        with Client(_port(ensemble, role), client.session) as back:
            equal(back.session, client.session, f"session that came back to the {role}")
            equal(back.call("delete", path=f"/local-{role}", version=1).err, ops.OK, "delete")
            back.close_session()


def an_ephemeral_makes_the_session_global(ensemble):
    """By a txn in front of the create."""
    for role in ROLES:
        path = f"/ephemeral-{role}"
        before = _leaders_zxid(ensemble)
        with Client(_port(ensemble, role)) as client:
            made = client.create(path, flags=ops.EPHEMERAL)
            equal((made.err, made.zxid), (ops.OK, before + 2), f"create at the {role}")
            second = client.create(f"{path}-2", flags=ops.EPHEMERAL_SEQUENTIAL)
            equal((second.err, second.zxid), (ops.OK, before + 3), "second create")
            client.cut()
        for other in _others(role):
            ensemble.wait_until_level()
            with Client(_port(ensemble, other), client.session) as moved:
                assert moved.alive, f"the {other} does not know a session of the {role} that is global"
                equal(len(moved.call("getEphemerals", prefixPath="/").body["ephemerals"]), 2, "ephemerals")
        ensemble.wait_until_level()
        with Client(_port(ensemble, role), client.session) as back:
            back.close_session()
        ensemble.wait_until_level()
        with Client(_port(ensemble, role)) as other:
            equal(other.call("exists", path=path, watch=False).err, ops.NO_NODE, "ephemeral of a closed session")


def a_pipelined_ephemeral_finds_its_session_global(ensemble):
    """Writes in front of it and behind it keep their places."""
    for role in ROLES:
        with Client(_port(ensemble, role)) as client:
            with client.together():
                for number in range(3):
                    client.send("create", path=f"/pipelined-{role}-{number}", data=b"", acl=ops.OPEN,
                                flags=ops.EPHEMERAL if number == 1 else 0)
                client.send("exists", path=f"/pipelined-{role}-2", watch=False)
            equal([client.reply().err for _ in range(4)], [ops.OK] * 4, f"replies at the {role}")
            client.close_session()


def a_multi_with_an_ephemeral_makes_the_session_global(ensemble):
    for role in ROLES:
        before = _leaders_zxid(ensemble)
        with Client(_port(ensemble, role)) as client:
            plain = client.multi(_made(f"/multi-plain-{role}"))
            equal((plain.err, plain.zxid), (ops.OK, before + 1), f"multi without an ephemeral at the {role}")
            both = client.multi(_made(f"/multi-second-{role}"), _made(f"/multi-ephemeral-{role}", ops.EPHEMERAL))
            equal((both.err, both.zxid), (ops.OK, before + 3), f"multi with one at the {role}")
            equal([result["type"] for result in both.body["results"]], [1, 1], "results")
            client.close_session()


def a_silent_session_expires_at_its_server(ensemble):
    for role in ROLES:
        before = _leaders_zxid(ensemble)
        began = time.monotonic()
        with Client(_port(ensemble, role), timeout_ms=SHORT_MS) as client:
            assert client.is_closed(), "a frame came"
            lived_ms = (time.monotonic() - began) * 1000
            assert SHORT_MS - TICK_MS <= lived_ms <= SHORT_MS + 3 * TICK_MS + 1000, f"it lived {lived_ms:.0f} ms"
        with Client(_port(ensemble, role), client.session) as late:
            assert not late.alive, "an expired session came back"
        equal(_leaders_zxid(ensemble), before, f"zxid after an expiry at the {role}")


def a_session_that_became_global_lives_by_its_pings(ensemble):
    for role in ROLES:
        with Client(_port(ensemble, role), timeout_ms=SHORT_MS) as client:
            equal(client.create(f"/pings-{role}", flags=ops.EPHEMERAL).err, ops.OK, "create")
            until = time.monotonic() + 3 * SHORT_MS / 1000
            while time.monotonic() < until:
                client.call("ping", xid=ops.XID_PING)
            equal(client.call("exists", path=f"/pings-{role}", watch=False).err, ops.OK, f"znode at the {role}")
            client.close_session()


def local_sessions_are_counted_apart(ensemble):
    for role in ROLES:
        port = _port(ensemble, role)
        before = _counts(port)
        with Client(port) as client:
            local = before["zk_local_sessions"] + 1
            equal(_counts(port), {**before, "zk_local_sessions": local}, f"sessions of the {role}")
            client.create(f"/counted-{role}", flags=ops.EPHEMERAL)
            all_over = before["zk_global_sessions"] + 1
            equal(_counts(port), {**before, "zk_global_sessions": all_over}, f"sessions of the {role}, one of them global")
            client.close_session()


def _counts(port):
    """The numbers of sessions that mntr tells."""
    lines = four_letters(port, "mntr").splitlines()
    return {key: int(value) for key, value in (line.split("\t") for line in lines if "_sessions\t" in line)}


def dump_lists_local_sessions_apart(ensemble):
    for role in ROLES:
        port = _port(ensemble, role)
        with Client(port) as local, Client(port) as over_all:
            over_all.create(f"/dumped-{role}", flags=ops.EPHEMERAL)
            lines = four_letters(port, "dump").splitlines()
            titles = [line.split("(")[0] for line in lines if line.endswith(":") and "Session" in line.split("(")[0]]
            all_over = "Global Session Sets " if role == LEADER else "Global Sessions"
            equal(titles[1:], ["Local Session Sets ", all_over, "Sessions with Ephemerals "], f"titles at the {role}")
            at = next(place for place, line in enumerate(lines) if line.startswith("Global"))
            found = [[line.split()[0] for line in part if line.startswith(("\t0x", "0x"))] for part in (lines[:at], lines[at:])]
            assert f"{local.session[0]:#x}" in found[0] and f"{over_all.session[0]:#x}" in found[1], f"{found} at the {role}"
            local.close_session()
            over_all.close_session()


def an_ephemeral_of_a_local_session_is_refused(ensemble):
    """Its zxid is used up all the same."""
    for role in ROLES:
        before = _leaders_zxid(ensemble)
        with Client(_port(ensemble, role)) as client:
            refused = client.create(f"/refused-{role}", flags=ops.EPHEMERAL)
            equal((refused.err, refused.zxid), (ops.EPHEMERAL_ON_LOCAL_SESSION, before + 1), f"create at the {role}")
            equal(client.create(f"/plain-{role}").err, ops.OK, "a plain create behind it")
            client.close_session()


def a_multi_with_an_ephemeral_of_a_local_session_is_refused(ensemble):
    """By what the server of the client says at a leader, by what the leader says at a learner."""
    for role in ROLES:
        with Client(_port(ensemble, role)) as client:
            refused = client.multi(_made(f"/m-{role}"), _made(f"/m-ephemeral-{role}", ops.EPHEMERAL), _made(f"/m-last-{role}"))
            err = ops.EPHEMERAL_ON_LOCAL_SESSION if role == LEADER else ops.SESSION_EXPIRED
            results = [result.get("err") for result in refused.body["results"]]
            equal(results, [0, err, ops.RUNTIME_INCONSISTENCY], f"results at the {role}")
            client.close_session()


def what_the_caller_may_not_is_refused_without_a_txn(ensemble):
    with Client(_port(ensemble, LEADER)) as owner:
        equal(owner.create("/readable", acl=ops.READ_ONLY).err, ops.OK, "create")
    for role in ROLES:
        before = _leaders_zxid(ensemble)
        with Client(_port(ensemble, role)) as client:
            for op, fields, err in ((*_made("/readable/a"), ops.NO_AUTH),
                                    ("create2", _made("/readable/a")[1], ops.NO_AUTH),
                                    ("delete", {"path": "/readable/a", "version": -1}, ops.NO_AUTH),
                                    ("setData", {"path": "/readable", "data": b"", "version": -1}, ops.NO_AUTH),
                                    ("setACL", {"path": "/readable", "acl": ops.OPEN, "version": -1}, ops.NO_AUTH),
                                    ("setACL", {"path": "/readable", "acl": [], "version": -1}, ops.INVALID_ACL),
                                    ("create", {"path": "/new", "data": b"", "acl": ops.CREATOR_ALL, "flags": 0}, ops.INVALID_ACL)):
                refused = client.call(op, **fields)
                equal((refused.err, refused.zxid), (err, 0), f"{op} at the {role}")
        equal(_leaders_zxid(ensemble), before, f"zxid after refusals at the {role}")


def what_only_the_leader_can_judge_takes_its_way(ensemble):
    for role in ROLES:
        with Client(_port(ensemble, role)) as client:
            before = _leaders_zxid(ensemble)
            missing = client.create("/none/a")
            equal((missing.err, missing.zxid), (ops.NO_NODE, before + 1), f"create below nothing at the {role}")
            relative = client.create("a")
            equal((relative.err, relative.zxid), (ops.BAD_ARGUMENTS, before + 2), f"create of a relative path at the {role}")
            equal(client.create(f"/allowed-{role}").err, ops.OK, "create")


WHERE_UPGRADED = [
    a_session_begins_and_ends_without_a_txn,
    a_session_writes_and_reads_at_its_server_only,
    an_ephemeral_makes_the_session_global,
    a_pipelined_ephemeral_finds_its_session_global,
    a_multi_with_an_ephemeral_makes_the_session_global,
    a_silent_session_expires_at_its_server,
    a_session_that_became_global_lives_by_its_pings,
    local_sessions_are_counted_apart,
    dump_lists_local_sessions_apart,
]
WHERE_NOT_UPGRADED = [
    a_session_begins_and_ends_without_a_txn,
    an_ephemeral_of_a_local_session_is_refused,
    a_multi_with_an_ephemeral_of_a_local_session_is_refused,
]
WHERE_EAGER = [
    what_the_caller_may_not_is_refused_without_a_txn,
    what_only_the_leader_can_judge_takes_its_way,
]
