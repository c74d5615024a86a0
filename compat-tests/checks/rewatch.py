"""Watch, cut the TCP connection, change the node, come back to the same session: SetWatches decides about the event."""

from ironlab import ops
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client

NAME = "rewatch"


def run(report, kind):
    with Server(kind) as server:
        report.run(NAME, kind, CHECKS, server.port)


def no_event_without_set_watches(port):
    for cause, _, _ in _changes():
        with _back_after_change(port, *cause) as client:
            equal(client.take_events(), [], f"events of {cause[0]}")
            equal(_write_again(port, client), [], f"events of a later change of {cause[0]}")


def exactly_one_event_with_set_watches(port):
    for version in (1, 2):
        for cause, lists, event in _changes():
            with _back_after_change(port, *cause) as client:
                _set_watches(client, version, lists)
                equal([(got.type, got.path, got.zxid) for got in client.take_events()], [(*event, -1)],
                      f"events of {cause[0]}")


def an_unchanged_node_gives_no_event_and_its_watch_is_armed_again(port):
    with Client(port) as other, Client(port) as client:
        _fresh(other)
        client.call("getData", path="/rw/node", watch=True)
        seen = client.last_zxid
        client.cut()
        back = Client(port, client.session, last_zxid=seen)
        _set_watches(back, 2, {"dataWatches": ["/rw/node"]})
        equal(back.take_events(), [], "events of nothing")
        changed = other.call("setData", path="/rw/node", data=b"later", version=-1).zxid
        equal([(event.type, event.path, event.zxid) for event in back.take_events()],
              [(ops.NODE_DATA_CHANGED, "/rw/node", changed)], "events of the later change")
        back.close_session()


def persistent_watches_come_back_without_an_event(port):
    with Client(port) as other, Client(port) as client:
        _fresh(other)
        client.call("addWatch", path="/rw", mode=0)
        client.call("addWatch", path="/rw", mode=1)
        client.cut()
        other.call("setData", path="/rw/node", data=b"missed", version=-1)
        back = Client(port, client.session)
        _set_watches(back, 2, {"persistentWatches": ["/rw"], "persistentRecursiveWatches": ["/rw"]})
        equal(back.take_events(), [], "events of the missed change")
        other.create("/rw/new")
        got = sorted((event.type, event.path) for event in back.take_events())
        equal(got, [(ops.NODE_CREATED, "/rw/new"), (ops.NODE_CHILDREN_CHANGED, "/rw")], "events of the new child")
        back.close_session()


def a_set_watches_reply_follows_its_events_in_list_order(port):
    with Client(port) as other, Client(port) as client:
        _fresh(other)
        seen = client.call("exists", path="/rw", watch=False).zxid
        other.call("setData", path="/rw/node", data=b"1", version=-1)
        other.create("/rw/created")
        client.call("setWatches", xid=ops.XID_SET_WATCHES, relativeZxid=seen, dataWatches=["/rw/node", "/rw/gone"],
                    existWatches=["/rw/created"], childWatches=["/rw"])
        equal([(event.type, event.path) for event in client.events],
              [(ops.NODE_DATA_CHANGED, "/rw/node"), (ops.NODE_DELETED, "/rw/gone"),
               (ops.NODE_CREATED, "/rw/created"), (ops.NODE_CHILDREN_CHANGED, "/rw")], "events before the reply")
        client.close_session()


def _changes():
    """((what is watched, how, what another session does), the SetWatches lists, the one event)."""
    change = ("setData", {"path": "/rw/node", "data": b"changed", "version": -1})
    delete = ("delete", {"path": "/rw/node", "version": -1})
    create = ("create", {"path": "/rw/new", "data": b"", "acl": ops.OPEN, "flags": 0})
    return [
        (("getData", "/rw/node", change), {"dataWatches": ["/rw/node"]}, (ops.NODE_DATA_CHANGED, "/rw/node")),
        (("getData", "/rw/node", delete), {"dataWatches": ["/rw/node"]}, (ops.NODE_DELETED, "/rw/node")),
        (("exists", "/rw/new", create), {"existWatches": ["/rw/new"]}, (ops.NODE_CREATED, "/rw/new")),
        (("getChildren", "/rw", create), {"childWatches": ["/rw"]}, (ops.NODE_CHILDREN_CHANGED, "/rw")),
    ]


def _back_after_change(port, watch_op, path, change):
    """A client that watched, lost its connection, missed the change and is back in its session."""
    with Client(port) as other:
        _fresh(other)
        client = Client(port)
        client.call(watch_op, path=path, watch=True)
        client.cut()
        op, fields = change
        equal(other.call(op, **fields).err, ops.OK, op)
        other.close_session()
    back = Client(port, client.session, last_zxid=client.last_zxid)
    assert back.alive, "the session was lost"
    return back


def _set_watches(client, version, lists):
    names = ["dataWatches", "existWatches", "childWatches"]
    if version == 2:
        names += ["persistentWatches", "persistentRecursiveWatches"]
    op = "setWatches" if version == 1 else "setWatches2"
    fields = {name: lists.get(name, []) for name in names}
    reply = client.call(op, xid=ops.XID_SET_WATCHES, relativeZxid=client.last_zxid, **fields)
    equal((reply.xid, reply.err), (ops.XID_SET_WATCHES, ops.OK), op)


def _write_again(port, client):
    """Changes everything once more and returns what the client hears of it."""
    with Client(port) as other:
        _fresh(other)
        other.close_session()
    return client.take_events()


def _fresh(client):
    """/rw with the one child /rw/node."""
    for path in ("/rw/new", "/rw/created", "/rw/node", "/rw"):
        client.call("delete", path=path, version=-1)
    for path in ("/rw", "/rw/node"):
        equal(client.create(path).err, ops.OK, path)


CHECKS = [
    no_event_without_set_watches,
    exactly_one_event_with_set_watches,
    an_unchanged_node_gives_no_event_and_its_watch_is_armed_again,
    persistent_watches_come_back_without_an_event,
    a_set_watches_reply_follows_its_events_in_list_order,
]
