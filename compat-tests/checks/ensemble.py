"""Sessions, watches, access control and reads through each member of an ensemble: a leader, a follower, an observer.

Two voters and an observer have each role, and stand for any ensemble: what a client sees depends on its server's role only.
"""

import select
import time

from ironlab import ops
from ironlab.ensemble import FOLLOWER, LEADER, OBSERVER, Ensemble, three
from ironlab.history import digest_id
from ironlab.report import equal
from ironlab.wire import Client, Closed, multi_body

NAME = "ensemble"
TICK_MS = 500
SETTINGS = f"tickTime={TICK_MS}\ninitLimit=40\nsyncLimit=40\nmaxSessionTimeout=60000"
PROPERTIES = {"zookeeper.enforceQuota": "true"}
ROLES = (LEADER, FOLLOWER, OBSERVER)
PAIRS = [(one, other) for one in ROLES for other in ROLES if one != other]
ROUNDS = 10
LONG_MS = 30000
DEADLINE_S = 20


def run(report, kind):
    with Ensemble(kind, three(SETTINGS, observers=1), properties=PROPERTIES) as ensemble:
        ports = {role: ensemble.of(role).port for role in ROLES}
        report.run(NAME, kind, CHECKS, ports)
        report.run(NAME, kind, [session_ids_carry_the_sid_of_the_server_that_made_them, no_server_has_left_its_role], ensemble)


def _synced(port):
    """A new client whose server has all that was acknowledged before."""
    client = Client(port)
    equal(client.call("sync", path="/").err, ops.OK, "sync")
    return client


def _err_at(port, op, **fields):
    """The error code of a request, once the server has all that was acknowledged before."""
    with _synced(port) as client:
        err = client.call(op, **fields).err
        client.close_session()
    return err


def _everywhere(ports, path, err):
    for role, port in ports.items():
        equal(_err_at(port, "exists", path=path, watch=False), err, f"exists {path} at the {role}")


def session_ids_carry_the_sid_of_the_server_that_made_them(ensemble):
    for sid, server in ensemble.servers.items():
        with Client(server.port) as client:
            equal(client.session[0] >> 56, sid, "top byte")
            client.close_session()


def no_server_has_left_its_role(ensemble):
    equal(sorted(ensemble.modes().values()), sorted(ROLES), "roles after all the checks")


def an_ephemeral_is_seen_everywhere_and_goes_with_its_session(ports):
    for role, port in ports.items():
        client = Client(port)
        path = f"/ephemeral-of-{role}"
        equal(client.create(path, flags=ops.EPHEMERAL).err, ops.OK, "create")
        _everywhere(ports, path, ops.OK)
        equal(client.close_session().err, ops.OK, "closeSession")
        _everywhere(ports, path, ops.NO_NODE)


def a_session_moves_to_another_server(ports):
    """With its ephemerals; on the old connection no write succeeds any more, and the first one ends it."""
    for source, target in PAIRS:
        path = f"/moved-from-{source}-to-{target}"
        with Client(ports[source], timeout_ms=LONG_MS) as old:
            equal(old.create(path, b"before", flags=ops.EPHEMERAL).err, ops.OK, "create")
            with Client(ports[target], old.session, LONG_MS, last_zxid=0) as new:
                assert new.alive, f"the {target} refused the session"
                equal(new.session, old.session, "session")
                equal(new.call("setData", path=path, data=b"after", version=0).err, ops.OK, "setData on the new connection")
                _is_refused(old, path)
                reply = new.call("getData", path=path, watch=False)
                equal((reply.body["data"], reply.body["stat"]["version"]), (b"after", 1), "data")
                new.close_session()
        _everywhere(ports, path, ops.NO_NODE)


def _is_refused(old, path):
    try:
        reply = old.call("setData", path=path, data=b"of the old connection", version=-1)
    except Closed:
        return
    raise AssertionError(f"a write on the old connection was answered: {reply}")


def a_session_that_moves_keeps_its_timeout_and_its_watches_are_set_again(ports):
    for source, target in PAIRS:
        path = f"/rewatched-from-{source}-to-{target}"
        with Client(ports[source], timeout_ms=LONG_MS) as old:
            old.create(path, b"before")
            equal(old.call("getData", path=path, watch=True).err, ops.OK, "getData")
            old.cut()
        with Client(ports[source]) as other:
            equal(other.call("setData", path=path, data=b"after", version=0).err, ops.OK, "setData")
            other.close_session()
        with _moved(ports[target], old) as new:
            equal(new.timeout_ms, LONG_MS, "timeout")
            new.call("setWatches", xid=ops.XID_SET_WATCHES, relativeZxid=old.last_zxid, dataWatches=[path], existWatches=[],
                     childWatches=[])
            new.call("sync", path="/")
            equal([(event.type, event.path) for event in new.take_events()], [(ops.NODE_DATA_CHANGED, path)], "events")
            new.close_session()


def _moved(port, old):
    """The session of `old` at a server that has all that `old` has seen; one that has not closes without a word."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            return Client(port, old.session, LONG_MS, last_zxid=old.last_zxid)
        except Closed:
            pass
    raise AssertionError(f"the server did not reach zxid {old.last_zxid:#x}")


def a_wrong_password_is_refused_and_the_session_lives_on(ports):
    for source, port in ports.items():
        with Client(port, timeout_ms=LONG_MS) as client:
            equal(client.create(f"/owned-{source}", flags=ops.EPHEMERAL).err, ops.OK, "create")
            client.cut()
        for target in ROLES:
            wrong = Client(ports[target], (client.session[0], b"x" * 16))
            assert not wrong.alive, f"the {target} took a wrong password"
            assert wrong.is_closed(), "the connection stayed open"
        with Client(port, client.session, LONG_MS) as back:
            equal(back.call("getEphemerals", prefixPath="/").body["ephemerals"], [f"/owned-{source}"], "ephemerals")
            back.close_session()


def a_session_that_was_closed_elsewhere_is_refused(ports):
    for source, target in PAIRS:
        client = Client(ports[source])
        client.close_session()
        with Client(ports[target], client.session) as late:
            assert not late.alive, f"the {target} took a session that was closed at the {source}"
            assert late.is_closed(), "the connection stayed open"


def a_client_that_has_seen_a_later_zxid_is_closed_without_reply(ports):
    for role, port in ports.items():
        try:
            Client(port, last_zxid=1 << 40)
        except Closed:
            continue
        raise AssertionError(f"the {role} answered")


def a_silent_session_expires_and_not_before_its_timeout(ports):
    """At each server at once. One that only pings lives on beside it."""
    timeout_s = 2
    silent = {role: Client(port, timeout_ms=timeout_s * 1000) for role, port in ports.items()}
    pinging = {role: Client(port, timeout_ms=timeout_s * 1000) for role, port in ports.items()}
    for role in ROLES:
        equal(pinging[role].create(f"/pings-{role}", flags=ops.EPHEMERAL).err, ops.OK, "create")
    touched = {}
    for role in ROLES:
        touched[role] = time.monotonic()  # the server counts from a later moment
        equal(silent[role].create(f"/silent-{role}", flags=ops.EPHEMERAL).err, ops.OK, "create")
    gone = _expiries(pinging, [f"silent-{role}" for role in ROLES])
    for role in ROLES:
        lived = gone[f"silent-{role}"] - touched[role]
        # A learner tells what its clients did at each ping of the leader, half a tick apart; expiry goes by whole ticks.
        assert timeout_s <= lived <= timeout_s + 4 * TICK_MS / 1000 + 1, f"{role}: it lived {lived:.2f} s"
        assert silent[role].is_closed(), f"the connection of an expired session stayed open at the {role}"
        with Client(ports[role], silent[role].session) as back:
            assert not back.alive, "an expired session came back"
        equal(pinging[role].call("exists", path=f"/pings-{role}", watch=False).err, ops.OK, "znode of one that pings")
        pinging[role].close_session()


def _expiries(pinging, names):
    """When each of these znodes was gone at the leader; all clients ping meanwhile."""
    gone = {}
    deadline = time.monotonic() + DEADLINE_S
    while len(gone) < len(names):
        assert time.monotonic() < deadline, f"after {DEADLINE_S} s only {sorted(gone)} are gone"
        for client in pinging.values():
            client.call("ping", xid=ops.XID_PING)
        found = pinging[LEADER].call("getChildren", path="/", watch=False).body["children"]
        for name in set(names) - set(found) - gone.keys():
            gone[name] = time.monotonic()
        select.select([pinging[LEADER].sock], [], [], 0.01)
    return gone


def an_event_comes_before_a_read_that_shows_the_change(ports):
    for source, target in [*PAIRS, (FOLLOWER, FOLLOWER)]:
        path = f"/watched-at-{target}-changed-at-{source}"
        with Client(ports[source]) as writer:
            writer.create(path, b"0")
            with _synced(ports[target]) as watcher:
                for number in range(1, ROUNDS):
                    equal(watcher.call("getData", path=path, watch=True).err, ops.OK, "getData")
                    writer.send("setData", path=path, data=str(number).encode(), version=-1)
                    _event_comes_first(watcher, path, str(number).encode())
                    equal(writer.reply().err, ops.OK, "setData")
                watcher.close_session()
            writer.close_session()


def _event_comes_first(watcher, path, data):
    deadline = time.monotonic() + DEADLINE_S
    while watcher.call("getData", path=path, watch=False).body["data"] != data:
        assert not watcher.events, "an event came, and a read behind it showed the old data"
        assert time.monotonic() < deadline, "the change was not seen"
    events, watcher.events = watcher.events, []
    equal([(event.type, event.path) for event in events], [(ops.NODE_DATA_CHANGED, path)], "events before the read")


def a_read_after_sync_shows_what_was_acknowledged_elsewhere(ports):
    for source, target in PAIRS:
        path = f"/synced-from-{source}-to-{target}"
        with Client(ports[source]) as writer, Client(ports[target]) as reader:
            writer.create(path)
            for number in range(ROUNDS):
                data = str(number).encode()
                zxid = writer.call("setData", path=path, data=data, version=-1).zxid
                with reader.together():
                    reader.send("sync", path=path)
                    reader.send("getData", path=path, watch=False)
                equal(reader.reply().err, ops.OK, "sync")
                seen = reader.reply()
                equal(seen.body.get("data"), data, f"round {number} from {source} to {target}")
                equal(seen.body["stat"]["mzxid"], zxid, "mzxid")
            writer.close_session()
            reader.close_session()


def a_pipelined_session_sees_its_own_writes_in_order(ports):
    for role, port in ports.items():
        path = f"/pipelined-{role}"
        with Client(port) as client:
            client.create(path)
            with client.together():
                for number in range(300):
                    client.send("setData", path=path, data=str(number).encode(), version=number)
                    client.send("getData", path=path, watch=False)
            last = 0
            for number in range(300):
                written, read = client.reply(), client.reply()
                equal(written.err, ops.OK, f"setData {number}")
                equal(read.body["data"], str(number).encode(), "data")
                assert written.zxid > last, "zxids"
                last = written.zxid
            client.close_session()


def sequential_names_of_all_servers_are_one_row(ports):
    clients = [Client(port) for port in ports.values()]
    equal(clients[0].create("/row").err, ops.OK, "create")
    for _ in range(50):
        for client in clients:
            client.send("create", path="/row/n-", data=b"", acl=ops.OPEN, flags=ops.EPHEMERAL_SEQUENTIAL)
    found = [client.reply().body["path"] for _ in range(50) for client in clients]
    equal(sorted(found), [f"/row/n-{number:010}" for number in range(150)], "names")
    for client in clients:
        client.close_session()
    with _synced(ports[FOLLOWER]) as client:
        equal(client.call("getAllChildrenNumber", path="/row").body["totalNumber"], 0, "znodes of closed sessions")
        client.close_session()


def authentication_travels_with_writes(ports):
    for source, target in PAIRS:
        path = f"/private-from-{source}-to-{target}"
        with Client(ports[source]) as owner:
            equal(owner.create(path, acl=ops.CREATOR_ALL).err, ops.INVALID_ACL, "create without an identity")
            equal(owner.add_auth("digest", b"user:secret").err, ops.OK, "addauth")
            equal(owner.create(path, acl=ops.CREATOR_ALL).err, ops.OK, "create")
            owner.close_session()
        with _synced(ports[target]) as other:
            acl = other.call("getACL", path=path)
            equal(acl.err, ops.NO_AUTH, "getACL of a stranger")
            equal(other.call("setData", path=path, data=b"x", version=-1).err, ops.NO_AUTH, "setData of a stranger")
            other.add_auth("digest", b"user:wrong")
            equal(other.call("setData", path=path, data=b"x", version=-1).err, ops.NO_AUTH, "setData with another password")
            other.add_auth("digest", b"user:secret")
            equal(other.call("getACL", path=path).body["acl"], [ops.acl(ops.ALL, "digest", digest_id("user", "secret"))], "ACL")
            equal(other.call("setData", path=path, data=b"x", version=-1).err, ops.OK, "setData of the owner")
            equal(other.multi(("setData", {"path": path, "data": b"y", "version": 1})).err, ops.OK, "multi of the owner")
            equal(other.call("setACL", path=path, acl=ops.READ_ONLY, version=-1).err, ops.OK, "setACL of the owner")
            other.close_session()


def a_multi_is_one_txn_and_a_refused_one_changes_nothing(ports):
    for role, port in ports.items():
        path = f"/multi-{role}"
        made = ("create", {"path": path, "data": b"", "acl": ops.OPEN, "flags": 0})
        with Client(port) as client:
            refused = client.multi(made, ("check", {"path": "/none", "version": 1}))
            equal([result.get("err") for result in refused.body["results"]], [0, ops.NO_NODE], "results")
            equal(client.call("exists", path=path, watch=False).err, ops.NO_NODE, "exists after the refusal")
            done = client.multi(made, ("setData", {"path": path, "data": b"x", "version": 0}))
            equal([result["type"] for result in done.body["results"]], [1, 5], "results")
            stat = client.call("exists", path=path, watch=False).body["stat"]
            equal((stat["czxid"], stat["mzxid"]), (done.zxid, done.zxid), "zxids")
            client.close_session()


def a_malformed_multi_is_refused_and_the_session_goes_on(ports):
    body = multi_body([("create", {"path": "/malformed", "data": b"x", "acl": ops.OPEN, "flags": 0})])
    for role, port in ports.items():
        with Client(port) as client:
            for length in (0, 5, 9, 20, len(body) - 1):
                reply = client.call_raw(ops.MULTI, body[:length])
                equal(reply.err, ops.MARSHALLING_ERROR, f"a multi of {length} of {len(body)} bytes at the {role}")
            equal(client.create(f"/after-malformed-{role}").err, ops.OK, "create afterwards")
            equal(client.call("exists", path="/malformed", watch=False).err, ops.NO_NODE, "exists")
            client.close_session()


def an_op_that_nobody_knows_is_refused_and_ends_the_connection_only(ports):
    for role, port in ports.items():
        with Client(port) as client:
            equal(client.create(f"/unknown-{role}", flags=ops.EPHEMERAL).err, ops.OK, "create")
            equal(client.call_raw(77).err, ops.UNIMPLEMENTED, f"op 77 at the {role}")
            assert client.is_closed(), f"the {role} left the connection open"
        with Client(port, client.session) as back:
            equal(back.call("getEphemerals", prefixPath="/").body["ephemerals"], [f"/unknown-{role}"], "ephemerals")
            back.close_session()


def a_hard_quota_holds_wherever_the_write_comes_from(ports):
    with Client(ports[LEADER]) as client:
        client.create("/limited")
        client.create("/zookeeper/quota/limited")
        limits = b"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=3"
        equal(client.create("/zookeeper/quota/limited/zookeeper_limits", limits).err, ops.OK, "limits")
        client.create("/zookeeper/quota/limited/zookeeper_stats", b"count=1,bytes=0")
        client.close_session()
    for role, err in zip(ROLES, (ops.OK, ops.OK, ops.QUOTA_EXCEEDED)):
        with Client(ports[role]) as client:
            equal(client.create(f"/limited/{role}").err, err, f"create at the {role}")
            client.close_session()
    for role in ROLES[:2]:
        with Client(ports[role]) as client:
            equal(client.create("/limited/more").err, ops.QUOTA_EXCEEDED, f"create at the {role}")
            client.close_session()


def create_session_again_is_answered_by_a_connect_response(ports):
    for role, port in ports.items():
        with Client(port) as client:
            answer = client.create_session_again(LONG_MS)
            equal(answer["sessionId"], client.session[0], f"session at the {role}")
            equal(client.create(f"/again-{role}", flags=ops.EPHEMERAL).err, ops.OK, "create afterwards")
            client.close_session()


CHECKS = [
    an_ephemeral_is_seen_everywhere_and_goes_with_its_session,
    a_session_moves_to_another_server,
    a_session_that_moves_keeps_its_timeout_and_its_watches_are_set_again,
    a_wrong_password_is_refused_and_the_session_lives_on,
    a_session_that_was_closed_elsewhere_is_refused,
    a_client_that_has_seen_a_later_zxid_is_closed_without_reply,
    a_silent_session_expires_and_not_before_its_timeout,
    an_event_comes_before_a_read_that_shows_the_change,
    a_read_after_sync_shows_what_was_acknowledged_elsewhere,
    a_pipelined_session_sees_its_own_writes_in_order,
    sequential_names_of_all_servers_are_one_row,
    authentication_travels_with_writes,
    a_multi_is_one_txn_and_a_refused_one_changes_nothing,
    a_malformed_multi_is_refused_and_the_session_goes_on,
    an_op_that_nobody_knows_is_refused_and_ends_the_connection_only,
    a_hard_quota_holds_wherever_the_write_comes_from,
    create_session_again_is_answered_by_a_connect_response,
]
