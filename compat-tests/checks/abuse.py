"""Bad input and bad manners: the server answers or closes, says so once, and goes on with everybody else.

After each check ruok is answered and a normal client works. ironkeeper's log may have one warning for each event; how
much Apache writes is its own affair. Where Apache has no bound, or another one, the check is ironkeeper's alone.
"""

import socket
import struct
import time
from contextlib import contextmanager

from ironlab import jute, ops
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client, Closed, Wire, multi_body

NAME = "abuse"
OURS = "ironkeeper"
MAX_BUFFER = 0xFFFFF
MB = 1 << 20
CONFIG = "tickTime=500\nmaxSessionTimeout=60000\nsnapCount=1000000\nfsync.warningthresholdms=60000\n"
SESSIONLESS_MS = 600

# Above what the server has in use: two queues of 32 MiB with the space that a growing buffer takes, and some room.
MEMORY_FOR_ONE = 200 * MB
# Events may pile up to 96 MiB, in a buffer that doubles.
MEMORY_FOR_EVENTS = 300 * MB


def run(report, kind):
    with Server(kind, CONFIG, {"zookeeper.nio.sessionlessCnxnTimeout": SESSIONLESS_MS}) as server:
        report.run(NAME, kind, CHECKS + (CHECKS_OF_OURS if kind == OURS else []), server)
    with Server(kind, "maxClientCnxns=10\nglobalOutstandingLimit=10\n") as server:
        report.run(NAME, kind, CHECKS_OF_LIMITS, server)


@contextmanager
def _events(server, count):
    """The block holds so many events: as many warnings at most, and the server is well afterwards."""
    before = len(_warnings(server))
    yield
    _is_well(server)
    warnings = _warnings(server)[before:]
    assert server.kind != OURS or len(warnings) <= count, f"{len(warnings)} warnings of {count} events: {warnings[:5]}"


def _warnings(server):
    return [line for line in server.log().splitlines() if " WARN " in line or "ERROR" in line or "panicked" in line]


def _is_well(server):
    equal(server.ask("ruok"), "imok", "ruok")
    with Client(server.port) as client:
        equal(client.create("/well", b"x", flags=ops.EPHEMERAL).err, ops.OK, "create")
        equal(client.call("getData", path="/well", watch=False).body["data"], b"x", "getData")
        client.close_session()


def frame_lengths_that_no_request_has(server):
    lengths = (-1, -2 ** 31, -65536, 2 ** 31 - 1, MAX_BUFFER + 1, 1 << 24, 0, 1, 7)
    with _events(server, 2 * len(lengths)):
        for length in lengths:
            head = struct.pack(">i", length) + bytes(max(0, min(length, 7)))
            fresh = Wire(server.port)
            fresh.send_bytes(head)
            _ends(fresh, f"length {length} before the connect request")
            with Client(server.port) as client:
                client.send_bytes(head)
                _ends(client, f"length {length} in a session")


def _ends(wire, what):
    """The server closes, whatever it may have answered before."""
    try:
        while True:
            wire.read_frame()
    except Closed:
        wire.close()
    except TimeoutError as error:
        raise AssertionError(f"{what}: the connection stayed open") from error


def requests_cut_at_each_byte(server):
    """Every op with its body cut: an error or a close, never a reply that makes sense of it, never the server's end."""
    bodies = list(_bodies())
    with _events(server, sum(len(body) for _, body in bodies)):
        client = Client(server.port)
        for code, body in bodies:
            for length in range(len(body)):
                try:
                    reply = client.call_raw(code, body[:length])
                    assert reply.err != ops.OK, f"op {code} cut at {length} of {len(body)} bytes was carried out"
                except Closed:
                    client.close()
                    client = Client(server.port)
        client.close_session()


# Of these a part of the body is a whole request, or nothing of it is read.
_UNREAD = {"sasl", "check", "reconfig", "ping", "closeSession", "whoAmI"}


def _bodies():
    values = {"int": 1, "long": 1, "boolean": True, "buffer": b"data", "ustring": "/cut", "vector<ACL>": ops.OPEN,
              "vector<ustring>": ["/cut", "/cut/two"]}
    for name, (code, record, _) in ops.OPS.items():
        if name not in _UNREAD:
            yield code, jute.encode(record, {field: values[kind] for field, kind in jute.RECORDS[record]})
    sub = ("setData", {"path": "/cut", "data": b"data", "version": -1})
    yield ops.MULTI, multi_body([sub, sub])


def counts_and_lengths_inside_a_request_that_are_not_there(server):
    """A list of two billion ACLs, a buffer of a billion bytes: refused without asking for the memory."""
    huge = struct.pack(">i", 2 ** 31 - 1)
    path = struct.pack(">i", 2) + b"/x"
    wrong = [(1, path + struct.pack(">i", 0) + huge), (1, path + huge), (1, huge), (1, struct.pack(">i", -2)),
             (101, bytes(8) + huge), (105, bytes(8) + struct.pack(">i", 0) * 4 + huge), (7, path + huge)]
    before = server.memory()
    with _events(server, len(wrong)), Client(server.port) as client:
        for code, body in wrong:
            equal(client.call_raw(code, body).err, ops.MARSHALLING_ERROR, f"op {code}")
    if server.kind == OURS:
        _has_grown_less(server, before, 20 * MB)


def a_connect_request_with_a_password_of_a_strange_length(server):
    head = struct.pack(">iqiq", 0, 0, 30000, 0)
    with _events(server, 3):
        for length in (2 ** 31 - 1, -2, 1000):
            wire = Wire(server.port)
            wire.send_frame(head + struct.pack(">i", length))
            _ends(wire, f"password length {length}")


def ill_formed_paths_are_refused(server):
    no_parent = [b"x/y", b"/x//y", b"/x/./y", b"/x/../y"]
    wrong = [b"", b"x", b"/x/", b"//", b"/.", b"/..", b"/x/..", b"/\0", b"/x\0y",
             b"/\x01", b"/\x1f", b"/\x7f", "/\x9f".encode(), "/\ue000".encode(), "/\ufff0".encode(), "/\uffff".encode(),
             b"/\xff\xfe", b"/\xc0\x80", b"/\xed\xa0\x80", b"/\xe2\x82", b"/\x80"]
    rest = jute.encode("buffer", b"") + jute.encode("vector<ACL>", ops.OPEN) + bytes(4)
    with _events(server, 0), Client(server.port) as client:
        client.create("/x")  # else it is the parent that is missing
        for path in no_parent + wrong:
            reply = client.call_raw(1, jute.encode("buffer", path) + rest)
            equal(reply.err, ops.NO_NODE if path in no_parent else ops.BAD_ARGUMENTS, f"create of {path}")
            reply = client.call_raw(4, jute.encode("buffer", path) + b"\0")
            equal(reply.err, ops.OK if path == b"" else ops.NO_NODE, f"getData of {path}")


def bad_utf_8_where_text_is_expected(server):
    bad = jute.encode("buffer", b"\xff\xfe\x80/\xed\xa0")
    acl = struct.pack(">ii", 1, 31) + bad + bad
    with _events(server, 1), Client(server.port) as client:
        create = jute.encode("ustring", "/utf8") + jute.encode("buffer", b"") + acl + bytes(4)
        equal(client.call_raw(1, create).err, ops.INVALID_ACL, "create with an ACL of bad text")
        equal(client.call_raw(103, bad).err, ops.OK, "getEphemerals")
        equal(client.call_raw(9, bad).err, ops.OK, "sync")
        client.send_raw(100, bytes(4) + bad + jute.encode("buffer", b"x"), xid=ops.XID_AUTH)
        equal(client.reply().err, ops.AUTH_FAILED, "auth")
        _ends(client, "failed auth")


def a_path_of_thousands_of_components_without_a_parent(server):
    path = "/a" * 100_000
    with _events(server, 0), Client(server.port) as client:
        equal(client.create(path).err, ops.NO_NODE, "create")
        equal(client.call("getData", path=path, watch=True).err, ops.NO_NODE, "getData")
        equal(client.call("exists", path=path, watch=True).err, ops.NO_NODE, "exists")
        equal(client.call("addWatch", path=path, mode=1).err, ops.OK, "addWatch")
        equal(client.call("setData", path=path, data=b"", version=-1).err, ops.NO_NODE, "setData")


def a_tree_of_a_thousand_levels(server):
    """Made, watched from its root, read, kept over a restart, removed."""
    paths = ["/d" * level for level in range(1, 1001)]
    with _events(server, 0):
        with Client(server.port) as client:
            client.call("addWatch", path="/d", mode=1)
            _pipeline(client, [("create", {"path": path, "data": b"", "acl": ops.OPEN, "flags": 0}) for path in paths])
            equal(len(client.take_events()), 1000, "events")
            equal(client.call("getAllChildrenNumber", path="/d").body["totalNumber"], 999, "znodes below /d")
            client.close_session()
        server.restart()
        with Client(server.port) as client:
            equal(client.call("exists", path=paths[-1], watch=False).err, ops.OK, "the deepest after a restart")
            _pipeline(client, [("delete", {"path": path, "version": -1}) for path in reversed(paths)])
            client.close_session()


def _pipeline(client, requests):
    with client.together():
        for op, fields in requests:
            client.send(op, **fields)
    for op, _ in requests:
        equal(client.reply().err, ops.OK, op)


def a_flood_before_the_connect_request(server):
    """Bytes without end that are a frame of a legal length, but no connect request."""
    before = server.memory()
    with _events(server, 20):
        for _ in range(20):
            wire = Wire(server.port)
            wire.send_bytes((struct.pack(">i", MAX_BUFFER) + b"\xff" * MAX_BUFFER) * 4)
            _ends(wire, "a flood")
    if server.kind == OURS:
        _has_grown_less(server, before, 40 * MB)


def requests_sent_before_the_session_is_there_are_answered_after_it(server):
    wire = Wire(server.port)
    connect = jute.encode("ConnectRequest", {"protocolVersion": 0, "lastZxidSeen": 0, "timeOut": 9000, "sessionId": 0,
                                             "passwd": bytes(16)}) + b"\0"
    with _events(server, 0), wire.together():
        wire.send_frame(connect)
        for xid in range(1, 2001):
            wire.send_frame(struct.pack(">ii", xid, 3) + jute.encode("ExistsRequest", {"path": "/", "watch": False}))
    assert jute.Reader(wire.read_frame()).read("ConnectResponse")["timeOut"] == 9000
    equal([struct.unpack(">i", wire.read_frame()[:4])[0] for _ in range(2000)], list(range(1, 2001)), "xids")
    wire.close()


def a_client_that_is_gone_in_the_middle_of_everything(server):
    with _events(server, 0):
        for _ in range(30):
            client = Client(server.port)
            with client.together():
                for _ in range(50):
                    client.send("setData", path="/", data=b"gone", version=-1)
                    client.send("getChildren", path="/zookeeper", watch=True)
                client.send_bytes(struct.pack(">ii", 100, 1))
            client.cut()


def http_and_tls_on_the_plain_port_are_closed_and_told_once(server):
    hello = bytes.fromhex("160301 0200 0100 01fc 0303".replace(" ", "")) + bytes(500)
    with _events(server, 2):
        for _ in range(10):
            for greeting in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /commands HTTP/1.0\r\n\r\n", hello):
                wire = Wire(server.port)
                wire.send_bytes(greeting)
                _ends(wire, f"{greeting[:4]}")


def a_word_that_comes_byte_by_byte_is_answered(server):
    with _events(server, 0), socket.create_connection(("127.0.0.1", server.port), 5) as sock:
        for byte in b"ruok":
            sock.sendall(bytes([byte]))
            time.sleep(0.005)
        equal(sock.recv(100), b"imok", "answer")


def a_request_that_comes_byte_by_byte_is_answered(server):
    frame = struct.pack(">iii", 14, 1, 3) + b"\0\0\0\x01/\0"
    with _events(server, 0), Client(server.port) as client:
        for byte in frame:
            client.send_bytes(bytes([byte]))
        equal(client.read_frame()[:4], b"\0\0\0\x01", "xid")


def thousands_of_reads_behind_a_write(server):
    with _events(server, 0), Client(server.port) as client:
        with client.together():
            sent = [client.send("setData", path="/", data=b"first", version=-1)]
            sent += [client.send("getData", path="/", watch=False) for _ in range(25_000)]
            sent.append(client.send("setData", path="/", data=b"last", version=-1))
        replies = [client.reply() for _ in sent]
        equal([reply.xid for reply in replies], sent, "xids")
        equal({reply.body["data"] for reply in replies[1:-1]}, {b"first"}, "data read between the writes")


def a_pipeline_over_global_outstanding_limit_is_answered_in_order(server):
    with _events(server, 0), Client(server.port) as one, Client(server.port) as two:
        sent = {one: [], two: []}
        for client, xids in sent.items():
            with client.together():
                xids += [client.send("setData", path="/", data=b"x", version=-1) for _ in range(3000)]
                xids += [client.send("getData", path="/", watch=False)]
        for client, xids in sent.items():
            equal([client.reply().xid for _ in xids], xids, "xids")


def connections_over_max_client_cnxns_are_closed_and_the_others_stay(server):
    _wait_for_connections(server, 0)
    with _events(server, 20):
        clients = [_try_connect(server.port) for _ in range(30)]
        served = [client for client in clients if client]
        equal(len(served), 10, "connections served")
        for client in served:
            equal(client.call("exists", path="/", watch=False).err, ops.OK, "exists")
            client.close_session()
        _wait_for_connections(server, 0)


def _try_connect(port):
    try:
        return Client(port)
    except (Closed, ConnectionError):
        return None


def _wait_for_connections(server, count):
    """Until only so many are open besides the one that asks."""
    server.wait_for(lambda: f"Connections: {count + 1}\n" in server.ask("srvr"), f"{count} connections")


def one_byte_at_a_time_before_the_session_is_closed_after_its_time(server):
    """Apache counts from the last byte, so it waits for ever; here the whole connect request has its time."""
    frame = struct.pack(">iiqi", 45, 0, 0, 30000)
    began = time.monotonic()
    wire = Wire(server.port)
    with _events(server, 1):
        for byte in frame:
            wire.send_bytes(bytes([byte]))
            time.sleep(SESSIONLESS_MS / 1000 / 10)
        assert wire.is_closed()
        assert time.monotonic() - began < 5, "the connection stayed open"
    wire.close()


def a_client_that_reads_nothing_of_large_data_costs_bounded_memory(server):
    _make_large(server, "/large")
    _never_reads(server, lambda client: [client.send("getData", path="/large", watch=False) for _ in range(1000)])


def a_client_that_reads_nothing_of_large_lists_costs_bounded_memory(server):
    with Client(server.port) as client:
        client.create("/list")
        _pipeline(client, [("create", {"path": f"/list/{number:0200}", "data": b"", "acl": ops.OPEN, "flags": 0})
                           for number in range(3000)])
    _never_reads(server, lambda client: [client.send("getChildren", path="/list", watch=False) for _ in range(2000)])


def reads_held_behind_a_write_by_a_client_that_reads_nothing_cost_bounded_memory(server):
    _make_large(server, "/large")

    def ask(client):
        for _ in range(5):
            client.send("setData", path="/", data=b"", version=-1)
            for _ in range(200):
                client.send("getData", path="/large", watch=False)
    _never_reads(server, ask)


def a_client_that_makes_data_large_and_reads_it_without_end_costs_bounded_memory(server):
    """When the reads are held nobody can know how large their replies will be."""
    with Client(server.port) as client:
        client.create("/grows")

    def ask(client):
        client.send("setData", path="/grows", data=bytes(MAX_BUFFER - 100), version=-1)
        for _ in range(3000):
            client.send("getData", path="/grows", watch=False)
        client.send("setData", path="/grows", data=b"", version=-1)
    _never_reads(server, ask)


def _make_large(server, path):
    with Client(server.port) as client:
        client.create(path)
        equal(client.call("setData", path=path, data=bytes(MB - 2000), version=-1).err, ops.OK, "setData")
        client.close_session()


def a_multi_read_of_far_too_much_is_refused(server):
    """Twenty thousand times a megabyte: no reply could hold it. Apache runs out of memory."""
    _make_large(server, "/large")
    before = server.memory()
    with _events(server, 0), Client(server.port) as client:
        reply = client.multi_read(*[("getData", {"path": "/large", "watch": False})] * 20_000)
        equal((reply.err, reply.raw), (ops.BAD_ARGUMENTS, b""), "reply")
        reply = client.multi_read(*[("getData", {"path": "/large", "watch": False})] * 40)
        equal(len(reply.body["results"]), 40, "results of a smaller one")
    _has_grown_less(server, before, MEMORY_FOR_ONE)


def _never_reads(server, ask):
    """Memory stays bounded while a client asks for much and reads nothing; it is disconnected in the end."""
    before = server.memory()
    with _events(server, 1), Client(server.port, timeout_ms=1000) as client, Client(server.port) as other:
        with client.together():
            ask(client)
        most = 0
        deadline = time.monotonic() + 10
        while _is_connected(server, client) and time.monotonic() < deadline:
            most = max(most, server.memory() - before)
            began = time.monotonic()
            equal(other.call("setData", path="/", data=b"", version=-1).err, ops.OK, "another client")
            assert time.monotonic() - began < 1, "another client had to wait"
        assert not _is_connected(server, client), "the client that reads nothing is still connected"
        assert most < MEMORY_FOR_ONE, f"{most // MB} MiB for one client"


def _is_connected(server, client):
    return f":{client.sock.getsockname()[1]}[" in server.ask("stat")


def a_slow_reader_gets_all_its_replies_and_keeps_its_session(server):
    """It takes longer than its session timeout, its pings wait behind replies, and it never stops reading."""
    _make_large(server, "/large")
    before = server.memory()
    with _events(server, 0), Client(server.port, timeout_ms=1000) as client:
        with client.together():
            client.send("setData", path="/", data=b"", version=-1)
            sent = [client.send("getData", path="/large", watch=False) for _ in range(150)]
            client.send("setData", path="/", data=b"", version=-1)
            sent.append(client.send("exists", path="/", watch=False))
        equal(client.reply().err, ops.OK, "setData")
        most = 0
        for xid in sent[:-1]:
            client.send("ping", xid=ops.XID_PING)
            equal(client.reply().xid, xid, "xid")
            most = max(most, server.memory() - before)
            time.sleep(0.02)
        equal(client.reply().err, ops.OK, "the last setData")
        equal(client.reply().xid, sent[-1], "the last read")
        assert most < MEMORY_FOR_ONE, f"{most // MB} MiB for one client"


def a_watcher_that_reads_nothing_is_disconnected_before_events_fill_the_memory(server):
    name = "/events-" + "e" * (MAX_BUFFER - 200)
    before = server.memory()
    with _events(server, 1), Client(server.port, timeout_ms=60000) as watcher, Client(server.port) as other:
        other.create(name)
        watcher.call("addWatch", path="/", mode=1)
        most = 0
        for _ in range(200):
            equal(other.call("setData", path=name, data=b"", version=-1).err, ops.OK, "setData")
            most = max(most, server.memory() - before)
        assert not _is_connected(server, watcher), "the watcher is still connected"
        assert most < MEMORY_FOR_EVENTS, f"{most // MB} MiB of events"
        other.call("delete", path=name, version=-1)


def _has_grown_less(server, before, most):
    grown = server.memory() - before
    assert grown < most, f"the server has grown by {grown // MB} MiB"


CHECKS = [
    frame_lengths_that_no_request_has,
    requests_cut_at_each_byte,
    counts_and_lengths_inside_a_request_that_are_not_there,
    a_connect_request_with_a_password_of_a_strange_length,
    ill_formed_paths_are_refused,
    bad_utf_8_where_text_is_expected,
    a_path_of_thousands_of_components_without_a_parent,
    a_tree_of_a_thousand_levels,
    a_flood_before_the_connect_request,
    requests_sent_before_the_session_is_there_are_answered_after_it,
    a_client_that_is_gone_in_the_middle_of_everything,
    http_and_tls_on_the_plain_port_are_closed_and_told_once,
    a_word_that_comes_byte_by_byte_is_answered,
    a_request_that_comes_byte_by_byte_is_answered,
    thousands_of_reads_behind_a_write,
]

# Apache's queues have no bound, and what it does with one is to run out of memory.
CHECKS_OF_OURS = [
    one_byte_at_a_time_before_the_session_is_closed_after_its_time,
    a_client_that_reads_nothing_of_large_data_costs_bounded_memory,
    a_client_that_reads_nothing_of_large_lists_costs_bounded_memory,
    reads_held_behind_a_write_by_a_client_that_reads_nothing_cost_bounded_memory,
    a_client_that_makes_data_large_and_reads_it_without_end_costs_bounded_memory,
    a_multi_read_of_far_too_much_is_refused,
    a_slow_reader_gets_all_its_replies_and_keeps_its_session,
    a_watcher_that_reads_nothing_is_disconnected_before_events_fill_the_memory,
]

CHECKS_OF_LIMITS = [
    a_pipeline_over_global_outstanding_limit_is_answered_in_order,
    connections_over_max_client_cnxns_are_closed_and_the_others_stay,
]
