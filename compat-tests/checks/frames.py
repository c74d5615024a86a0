"""Frames, replies and their order, on the raw wire."""

import struct

from ironlab import ops
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client, Closed, Wire

NAME = "frames"
MAX_BUFFER = 0xFFFFF


def run(report, kind):
    with Server(kind, "4lw.commands.whitelist=srvr,ruok,mntr") as server:
        report.run(NAME, kind, CHECKS, server)


def a_negative_length_closes_the_connection(server):
    _length_closes(server, -1)


def a_length_above_jute_maxbuffer_closes_the_connection(server):
    _length_closes(server, MAX_BUFFER + 1)


def _length_closes(server, length):
    fresh = Wire(server.port)
    fresh.send_bytes(struct.pack(">i", length))
    assert fresh.is_closed(), "before the connect request"
    with Client(server.port) as client:
        client.send_bytes(struct.pack(">i", length))
        assert client.is_closed(), "in a session"


def a_frame_of_exactly_jute_maxbuffer_is_taken_and_survives_a_restart(server):
    path = "/largest"
    data = b"d" * (MAX_BUFFER - 8 - 4 - len(path) - 4 - 4)
    with Client(server.port) as client:
        client.create(path)
        equal(client.call("setData", path=path, data=data, version=-1).err, ops.OK, "setData")
        client.close_session()
    server.restart()
    with Client(server.port) as client:
        equal(client.call("getData", path=path, watch=False).body["data"], data, "data after the restart")
        client.call("delete", path=path, version=-1)


def a_reply_may_be_larger_than_jute_maxbuffer(server):
    names = [f"{number:04}{'n' * 996}" for number in range(1100)]
    with Client(server.port) as client:
        client.create("/wide")
        for start in range(0, len(names), 550):
            client.multi(*[("create", {"path": f"/wide/{name}", "data": b"", "acl": ops.OPEN, "flags": 0})
                           for name in names[start:start + 550]])
        reply = client.call("getChildren", path="/wide", watch=False)
        assert len(reply.raw) > MAX_BUFFER, f"the reply has only {len(reply.raw)} bytes"
        equal(sorted(reply.body["children"]), names, "children")


def a_four_letter_word_is_answered_and_closed(server):
    equal(server.ask("ruok"), "imok", "ruok")
    assert server.ask("srvr").startswith("Zookeeper version: "), "srvr"


def a_four_letter_word_off_the_list_is_refused_in_words(server):
    equal(server.ask("wchs"), "wchs is not executed because it is not in the whitelist.\n", "wchs")


def a_four_letter_word_inside_a_session_is_a_length(server):
    with Client(server.port) as client:
        client.send_bytes(b"ruok")
        assert client.is_closed(), "the connection stayed open"


def replies_come_in_the_order_of_the_requests(server):
    with Client(server.port) as client:
        client.create("/order")
        sent = []
        for number in range(200):
            sent.append(client.send("setData", path="/order", data=str(number).encode(), version=-1))
            sent.append(client.send("getData", path="/order", watch=False))
        replies = [client.reply() for _ in sent]
        equal([reply.xid for reply in replies], sent, "xids")
        read = [reply.body["data"] for reply in replies if reply.op == "getData"]
        equal(read, [str(number).encode() for number in range(200)], "each read behind its write")


def a_ping_is_answered_with_xid_minus_2_whatever_it_was_sent_with(server):
    with Client(server.port) as client:
        equal([client.call("ping", xid=xid).xid for xid in (-2, 0, 77)], [-2, -2, -2], "xids")


def a_ping_waits_for_the_replies_before_it(server):
    with Client(server.port) as client:
        client.send("setData", path="/", data=b"x", version=-1)
        client.send("ping", xid=ops.XID_PING)
        equal([client.reply().op, client.reply().xid], ["setData", ops.XID_PING], "order")


def an_event_comes_before_the_reply_of_the_write_that_causes_it(server):
    with Client(server.port) as client:
        client.create("/event")
        client.call("getData", path="/event", watch=True)
        client.send("setData", path="/event", data=b"1", version=-1)
        event = client.event()
        reply = client.reply()
        equal((event.type, event.path, event.zxid), (ops.NODE_DATA_CHANGED, "/event", reply.zxid), "event")


def a_header_carries_the_last_applied_zxid_also_for_reads_and_errors(server):
    with Client(server.port) as client:
        zxid = client.create("/zxid").zxid
        equal(client.call("getData", path="/zxid", watch=False).zxid, zxid, "read")
        equal(client.call("getData", path="/none", watch=False).zxid, zxid, "read that fails")
        equal(client.call("ping", xid=ops.XID_PING).zxid, zxid, "ping")
        equal(client.call("sync", path="/none").zxid, zxid, "sync")
        equal(client.add_auth("digest", b"a:b").zxid, 0, "auth")


def unknown_and_internal_op_codes_get_minus_6_with_zxid_minus_1_and_a_close(server):
    check = b"\0\0\0\x01/" + struct.pack(">i", -1)
    for code, body in ((77, b""), (0, b""), (-1, b""), (13, check)):
        with Client(server.port) as client:
            reply = client.call_raw(code, body)
            equal((reply.err, reply.zxid, reply.raw), (ops.UNIMPLEMENTED, -1, b""), f"op {code}")
            assert client.is_closed(), f"op {code} left the connection open"


def an_ill_formed_body_gets_minus_5_and_the_connection_stays(server):
    broken = b"\0\0\0\x7f/short"
    # Answered before their body is read, or (deleteContainer) meant for the server itself.
    others = {"auth", "sasl", "check", "reconfig", "deleteContainer"}
    with Client(server.port) as client:
        for name, (code, record, _) in ops.OPS.items():
            if record != "Empty" and name not in others:
                equal(client.call_raw(code, broken).err, ops.MARSHALLING_ERROR, name)
        equal(client.call("exists", path="/", watch=False).err, ops.OK, "exists afterwards")


def of_ill_formed_writes_only_a_multi_takes_a_zxid(server):
    broken = b"\0\0\0\x7f/short"
    with Client(server.port) as client:
        zxid = client.create("/ill-formed").zxid
        equal(client.call_raw(ops.OPS["setData"][0], broken).zxid, zxid, "setData")
        equal(client.call_raw(ops.MULTI, broken).zxid, zxid + 1, "multi")


def every_refused_write_takes_a_zxid_and_has_no_body(server):
    with Client(server.port) as client:
        zxid = client.create("/refused").zxid
        replies = [client.create("/refused"), client.create("/no/parent", op="create2"),
                   client.call("setData", path="/none", data=b"", version=-1),
                   client.call("delete", path="/refused", version=9),
                   client.call("setACL", path="/refused", acl=[], version=-1)]
        equal([reply.err for reply in replies],
              [ops.NODE_EXISTS, ops.NO_NODE, ops.NO_NODE, ops.BAD_VERSION, ops.INVALID_ACL], "errors")
        equal([reply.zxid for reply in replies], list(range(zxid + 1, zxid + 6)), "zxids")
        equal([reply.raw for reply in replies], [b""] * 5, "bodies")


def a_failed_auth_gets_minus_115_and_a_close(server):
    with Client(server.port) as client:
        equal(client.add_auth("nosuch", b"x").err, ops.AUTH_FAILED, "unknown scheme")
        assert client.is_closed(), "the connection stayed open"


def a_frame_that_is_no_connect_request_ends_only_its_own_connection(server):
    with Client(server.port) as client:
        for payload in (b"", b"\0", b"\0" * 27, b"\xff" * 60):
            wire = Wire(server.port)
            wire.send_frame(payload)
            _closed_or_silent(wire)
        equal(client.call("exists", path="/", watch=False).err, ops.OK, "exists on another connection")


def _closed_or_silent(wire):
    """Apache closes, or answers nothing until more comes; ending our side must end it."""
    wire.sock.shutdown(1)
    try:
        while True:
            wire.read_frame()
    except Closed:
        wire.close()


CHECKS = [
    a_negative_length_closes_the_connection,
    a_length_above_jute_maxbuffer_closes_the_connection,
    a_frame_of_exactly_jute_maxbuffer_is_taken_and_survives_a_restart,
    a_reply_may_be_larger_than_jute_maxbuffer,
    a_four_letter_word_is_answered_and_closed,
    a_four_letter_word_off_the_list_is_refused_in_words,
    a_four_letter_word_inside_a_session_is_a_length,
    replies_come_in_the_order_of_the_requests,
    a_ping_is_answered_with_xid_minus_2_whatever_it_was_sent_with,
    a_ping_waits_for_the_replies_before_it,
    an_event_comes_before_the_reply_of_the_write_that_causes_it,
    a_header_carries_the_last_applied_zxid_also_for_reads_and_errors,
    unknown_and_internal_op_codes_get_minus_6_with_zxid_minus_1_and_a_close,
    an_ill_formed_body_gets_minus_5_and_the_connection_stays,
    of_ill_formed_writes_only_a_multi_takes_a_zxid,
    every_refused_write_takes_a_zxid_and_has_no_body,
    a_failed_auth_gets_minus_115_and_a_close,
    a_frame_that_is_no_connect_request_ends_only_its_own_connection,
]
