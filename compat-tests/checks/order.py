"""The order of replies, reads and watch events within a session, while several sessions load the server.

Requests go out in batches, so that the server holds reads behind writes. All choices come from one seed.
"""

import random
from concurrent.futures import ThreadPoolExecutor

from ironlab import ops
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client

NAME = "order"
SEED = 4711
SESSIONS = 5
BATCH = 120
BATCHES = 25
BAD_PATH = "no-slash"
RECURSIVE = 1


def run(report, kind):
    with Server(kind, "maxSessionTimeout=60000") as server:
        report.run(NAME, kind, CHECKS, server.port)


def replies_come_in_request_order_and_reads_see_own_earlier_writes(port):
    _side_by_side(port, _mix)


def _mix(port, number):
    """Batches of all kinds of requests; each read's answer is known from the writes before it in the session."""
    choice = random.Random(SEED + number)
    path = f"/mix-{number}"
    held = b""
    with Client(port) as client:
        client.create(path)
        for batch in range(BATCHES):
            wanted = []
            with client.together():
                for step in range(BATCH):
                    kind = choice.choice(("set", "get", "get", "multi", "sync", "ping", "bad", "exists"))
                    if kind in ("set", "multi"):
                        held = f"{batch} {step}".encode()
                    wanted.append((_send(client, kind, path, held), kind, held))
            _expect(client, wanted)


def _send(client, kind, path, data):
    if kind == "set":
        return client.send("setData", path=path, data=data, version=-1)
    if kind == "multi":
        return client.send_multi(("setData", {"path": path, "data": data, "version": -1}))
    if kind == "bad":
        return client.send("delete", path=BAD_PATH, version=-1)
    if kind == "ping":
        return client.send("ping", xid=ops.XID_PING)
    if kind == "sync":
        return client.send("sync", path=path)
    return client.send("getData" if kind == "get" else "exists", path=path, watch=False)


def _expect(client, wanted):
    zxid = 0
    for xid, kind, data in wanted:
        reply = client.reply()
        equal(reply.xid, xid, f"xid of the reply to {kind}")
        equal(reply.err, ops.BAD_ARGUMENTS if kind == "bad" else ops.OK, f"error of {kind}")
        assert reply.zxid >= zxid, f"zxid {reply.zxid:#x} of {kind} after {zxid:#x}"
        zxid = reply.zxid
        if kind == "get":
            equal(reply.body["data"], data, "data read behind the session's own write")
        if kind == "exists":
            equal(reply.body["stat"]["dataLength"], len(data), "length read behind the session's own write")


def reads_pipelined_behind_syncs_keep_their_order(port):
    _side_by_side(port, _syncs)


def _syncs(port, _number):
    """A sync needs no txn, so the reads behind it are let go while further ones come in."""
    with Client(port) as client:
        for _ in range(BATCHES):
            with client.together():
                sent = [client.send("exists" if step % 3 else "sync", path="/", **({"watch": False} if step % 3 else {}))
                        for step in range(3 * BATCH)]
            equal([client.reply().xid for _ in sent], sent, "xids")


def reads_that_come_while_those_behind_a_sync_are_let_go_stay_behind_them(port):
    _side_by_side(port, _reads_one_by_one)


def _reads_one_by_one(port, _number):
    with Client(port) as client:
        for _ in range(3000):
            with client.together():
                sent = [client.send("sync", path="/"), client.send("exists", path="/", watch=False)]
            sent += [client.send("exists", path="/", watch=False) for _ in range(4)]
            equal([_xid(client.read_frame()) for _ in sent], sent, "xids")


def _xid(frame):
    return int.from_bytes(frame[:4], "big", signed=True)


def a_close_behind_a_pipeline_is_answered_last(port):
    with Client(port) as client:
        with client.together():
            client.send("create", path="/closing", data=b"", acl=ops.OPEN, flags=ops.EPHEMERAL)
            sent = [client.send("getData", path="/closing", watch=False) for _ in range(BATCH)]
            last = client.send("closeSession")
        equal(client.reply().err, ops.OK, "create")
        replies = [client.reply() for _ in sent]
        equal([(reply.xid, reply.err) for reply in replies], [(xid, ops.OK) for xid in sent], "reads")
        reply = client.reply()
        equal((reply.xid, reply.err), (last, ops.OK), "closeSession")
        assert client.is_closed(), "the connection stayed open"


def an_event_comes_before_any_read_that_shows_the_change(port):
    """Each read sets the watch anew: between two reads with other versions there is one event, else none."""
    with Client(port) as client:
        client.create("/changing")
        _while_others_write(port, "/changing", lambda: _read_versions(client))


def _read_versions(client):
    version = client.call("getData", path="/changing", watch=True).body["stat"]["version"]
    for _ in range(BATCHES):
        with client.together():
            for _ in range(BATCH):
                client.send("getData", path="/changing", watch=True)
        for _ in range(BATCH):
            found = client.reply().body["stat"]["version"]
            events = [event.type for event in client.events]
            client.events.clear()
            equal(events, [ops.NODE_DATA_CHANGED] * (found > version), f"events between versions {version} and {found}")
            version = found


def an_event_comes_before_the_reply_of_its_own_write_and_the_reads_behind_it(port):
    with Client(port) as client:
        client.create("/own")
        for batch in range(BATCHES):
            with client.together():
                for _ in range(BATCH // 2):
                    client.send("getData", path="/own", watch=True)
                    client.send("setData", path="/own", data=str(batch).encode(), version=-1)
            for _ in range(BATCH // 2):
                equal((client.reply().op, client.events), ("getData", []), "read that sets the watch")
                write = client.reply()
                equal([(event.type, event.zxid) for event in client.events],
                      [(ops.NODE_DATA_CHANGED, write.zxid)], "events before the reply of the write")
                client.events.clear()


def events_of_a_recursive_watch_come_in_zxid_order_before_any_reply_as_new(port):
    """No reply with zxid z overtakes an event of a txn up to z; no child is listed before its event."""
    with Client(port) as client:
        client.create("/tree")
        client.call("addWatch", path="/tree", mode=RECURSIVE)
        _while_others_write(port, "/tree", lambda: _read_children(client))


def _read_children(client):
    seen, last_event, last_reply = set(), 0, 0
    for _ in range(BATCHES):
        with client.together():
            for step in range(BATCH):
                client.send("getChildren" if step % 10 else "sync", path="/tree", **({"watch": False} if step % 10 else {}))
        for _ in range(BATCH):
            reply = client.reply()
            for event in client.events:
                assert last_event <= event.zxid, f"event {event} after one of {last_event:#x}"
                assert last_reply < event.zxid <= reply.zxid, f"{event} between replies of {last_reply:#x}, {reply.zxid:#x}"
                last_event = event.zxid
                (seen.add if event.type == ops.NODE_CREATED else seen.discard)(event.path.rsplit("/", 1)[1])
            client.events.clear()
            last_reply = reply.zxid
            if reply.op == "getChildren":
                equal(set(reply.body["children"]), seen - {"tree"}, f"children at zxid {reply.zxid:#x}")


def a_write_that_was_acknowledged_is_seen_by_every_session_afterwards(port):
    with Client(port) as writer, Client(port) as reader:
        writer.create("/seen")
        for number in range(300):
            written = writer.call("setData", path="/seen", data=str(number).encode(), version=-1).zxid
            with reader.together():
                reader.send("getData", path="/seen", watch=False)
                reader.send("sync", path="/seen")
            read = reader.reply()
            equal((read.body["data"], read.body["stat"]["mzxid"]), (str(number).encode(), written), "read behind the acknowledgement")
            # The headers' zxids may be later ones: a session of an earlier check expires at its own time.
            for reply in (read, reader.reply()):
                assert reply.zxid >= written, f"a reply of {reply.zxid:#x} behind the acknowledgement of {written:#x}"


def _side_by_side(port, function):
    with ThreadPoolExecutor(SESSIONS) as pool:
        for done in [pool.submit(function, port, number) for number in range(SESSIONS)]:
            done.result()


def _while_others_write(port, path, function):
    """Runs a function while further sessions change a znode and make and remove children of it."""
    with ThreadPoolExecutor(2) as pool:
        working = True
        writing = [pool.submit(_write, port, path, number, lambda: working) for number in range(2)]
        try:
            function()
        finally:
            working = False
        for done in writing:
            done.result()


def _write(port, path, number, goes_on):
    with Client(port) as client:
        while goes_on():
            with client.together():
                for _ in range(2):
                    client.send("setData", path=path, data=b"", version=-1)
                client.send("create", path=f"{path}/{number}", data=b"", acl=ops.OPEN, flags=0)
                client.send("delete", path=f"{path}/{number}", version=-1)
            for _ in range(4):
                equal(client.reply().err, ops.OK, "write")


CHECKS = [
    replies_come_in_request_order_and_reads_see_own_earlier_writes,
    reads_pipelined_behind_syncs_keep_their_order,
    reads_that_come_while_those_behind_a_sync_are_let_go_stay_behind_them,
    a_close_behind_a_pipeline_is_answered_last,
    an_event_comes_before_any_read_that_shows_the_change,
    an_event_comes_before_the_reply_of_its_own_write_and_the_reads_behind_it,
    events_of_a_recursive_watch_come_in_zxid_order_before_any_reply_as_new,
    a_write_that_was_acknowledged_is_seen_by_every_session_afterwards,
]
