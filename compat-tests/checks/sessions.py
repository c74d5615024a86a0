"""Connect requests and the life of a session, on the raw wire."""

import select
import time

from ironlab import java_random, ops
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client, Closed, Wire

NAME = "sessions"
TICK_MS = 2000
FAST_TICK_MS = 200
DEADLINE_S = 20

REFUSED = bytes(8) + bytes(8) + b"\0\0\0\x10" + bytes(16) + b"\0"


def run(report, kind):
    """A server with the usual tick for what is answered at once, one with a short tick for what takes time."""
    with Server(kind, f"tickTime={TICK_MS}") as server:
        report.run(NAME, kind, AT_ONCE, server.port)
    fast = Server(kind, f"tickTime={FAST_TICK_MS}", {"zookeeper.nio.sessionlessCnxnTimeout": "600"})
    with fast:
        report.run(NAME, kind, IN_TIME, fast)


def a_connect_request_without_the_read_only_byte_gets_36_bytes(port):
    with Client(port, read_only_byte=None) as client:
        equal(len(client.connect_reply), 36, "reply length")
        equal(client.call("exists", path="/", watch=False).err, ops.OK, "exists")


def a_connect_request_with_the_read_only_byte_gets_37_bytes(port):
    for byte in (0, 1):
        with Client(port, read_only_byte=byte) as client:
            equal(len(client.connect_reply), 37, "reply length")
            equal(client.connect_reply[-1], 0, "readOnly of a server that writes")


def a_null_password_makes_a_new_session(port):
    with Client(port, session=(0, None)) as client:
        assert client.alive
        equal(len(client.session[1]), 16, "password length")


def the_password_is_javas_random_of_the_session_id(port):
    for _ in range(3):
        with Client(port) as client:
            equal(client.session[1], java_random.password(client.session[0]), "password")


def session_ids_carry_server_id_1_and_count_up(port):
    with Client(port) as first, Client(port) as second:
        equal(first.session[0] >> 56, 1, "top byte")
        equal(second.session[0], first.session[0] + 1, "next session id")


def a_session_is_found_again_by_id_and_password(port):
    with Client(port) as client:
        client.create("/again", flags=ops.EPHEMERAL)
        client.cut()
    with Client(port, client.session) as back:
        equal(back.session, client.session, "session")
        equal(back.call("getEphemerals", prefixPath="/").body["ephemerals"], ["/again"], "ephemerals")
        back.close_session()


def an_unknown_session_gets_timeout_0_and_a_close(port):
    unknown = 0x0100_0000_0000_7777
    _refused(port, (unknown, java_random.password(unknown)))


def a_wrong_password_gets_timeout_0_and_the_session_stays(port):
    with Client(port) as client:
        client.cut()
    _refused(port, (client.session[0], b"x" * 16))
    with Client(port, client.session) as back:
        assert back.alive, "the session died of a wrong password"


def a_closed_session_gets_timeout_0(port):
    client = Client(port)
    client.close_session()
    _refused(port, client.session)


def _refused(port, session):
    client = Client(port, session)
    equal(client.connect_reply, REFUSED, "connect reply")
    assert client.is_closed(), "the connection stayed open"


def a_client_ahead_of_the_server_is_closed_without_reply(port):
    try:
        Client(port, last_zxid=1 << 40)
    except Closed:
        return
    raise AssertionError("the server answered a client that has seen a later zxid")


def a_reconnect_closes_the_old_connection(port):
    with Client(port) as old, Client(port, old.session) as new:
        assert old.is_closed(), "the old connection stayed open"
        equal(new.call("exists", path="/", watch=False).err, ops.OK, "exists on the new connection")


def the_old_connection_is_closed_even_for_a_wrong_password(port):
    with Client(port) as old:
        with Client(port, (old.session[0], b"x" * 16)) as wrong:
            assert not wrong.alive
        assert old.is_closed(), "the old connection stayed open"


def a_timeout_is_kept_between_2_and_20_ticks(port):
    wanted = {-1: 2 * TICK_MS, 0: 2 * TICK_MS, 1: 2 * TICK_MS, 5001: 5001, 10 ** 9: 20 * TICK_MS}
    for asked, given in wanted.items():
        with Client(port, timeout_ms=asked) as client:
            equal(client.timeout_ms, given, f"timeout for {asked}")


def a_reconnect_may_change_the_timeout(port):
    with Client(port, timeout_ms=5000) as client:
        client.cut()
    with Client(port, client.session, timeout_ms=9000) as back:
        equal(back.timeout_ms, 9000, "timeout")


def close_session_is_answered_and_takes_its_ephemerals(port):
    client = Client(port)
    for name in ("/closing-a", "/closing-b"):
        equal(client.create(name, flags=ops.EPHEMERAL).err, ops.OK, "create")
    before = client.last_zxid
    reply = client.call("closeSession")
    equal((reply.err, reply.zxid, reply.raw), (ops.OK, before + 1, b""), "reply")
    assert client.is_closed(), "the connection stayed open"
    with Client(port) as other:
        for name in ("/closing-a", "/closing-b"):
            equal(other.call("exists", path=name, watch=False).err, ops.NO_NODE, name)


def op_code_minus_10_is_answered_by_a_bare_connect_response(port):
    with Client(port) as client:
        client.send_raw(-10, (30000).to_bytes(4, "big"))
        frame = client.read_frame()
        equal(frame[:4], bytes(4), "protocolVersion")
        equal(frame[8:16], client.session[0].to_bytes(8, "big"), "session id")
        equal(len(frame), 37, "length")


AT_ONCE = [
    a_connect_request_without_the_read_only_byte_gets_36_bytes,
    a_connect_request_with_the_read_only_byte_gets_37_bytes,
    a_null_password_makes_a_new_session,
    the_password_is_javas_random_of_the_session_id,
    session_ids_carry_server_id_1_and_count_up,
    a_session_is_found_again_by_id_and_password,
    an_unknown_session_gets_timeout_0_and_a_close,
    a_wrong_password_gets_timeout_0_and_the_session_stays,
    a_closed_session_gets_timeout_0,
    a_client_ahead_of_the_server_is_closed_without_reply,
    a_reconnect_closes_the_old_connection,
    the_old_connection_is_closed_even_for_a_wrong_password,
    a_timeout_is_kept_between_2_and_20_ticks,
    a_reconnect_may_change_the_timeout,
    close_session_is_answered_and_takes_its_ephemerals,
    op_code_minus_10_is_answered_by_a_bare_connect_response,
]


def a_silent_session_expires_after_its_timeout_and_about_a_tick(server):
    timeout_s = 1.0
    silent = Client(server.port, timeout_ms=int(timeout_s * 1000))
    silent.create("/silent", flags=ops.EPHEMERAL)
    touched = time.monotonic()
    lived = _time_until_gone(server.port, "/silent") - touched
    assert timeout_s - 0.05 <= lived <= timeout_s + 4 * FAST_TICK_MS / 1000 + 1, f"it lived {lived:.2f} s"
    assert silent.is_closed(), "the connection of an expired session stayed open"
    with Client(server.port, silent.session) as back:
        assert not back.alive


def requests_that_fail_keep_a_session_alive(server):
    timeout_ms = 4 * FAST_TICK_MS
    busy = Client(server.port, timeout_ms=timeout_ms)
    end = time.monotonic() + 2.5 * timeout_ms / 1000
    while time.monotonic() < end:
        equal(busy.call("getData", path="/none", watch=False).err, ops.NO_NODE, "getData")
        select.select([busy.sock], [], [], 0.03)
    busy.close_session()


def a_connection_without_a_session_is_closed_in_time(server):
    idle = Wire(server.port)
    with Client(server.port) as client:
        idle.sock.settimeout(DEADLINE_S)
        assert idle.is_closed(), "the idle connection stayed open"
        equal(client.call("exists", path="/", watch=False).err, ops.OK, "exists on a connection with a session")


def sessions_start_with_a_full_timeout_after_a_restart(server):
    client = Client(server.port, timeout_ms=1500)
    client.create("/full-timeout", flags=ops.EPHEMERAL)
    stopped = time.monotonic()
    server.stop()
    time.sleep(max(0.0, 1.7 - (time.monotonic() - stopped)))  # the outage must be longer than the timeout
    server.start()
    with Client(server.port) as other:
        equal(other.call("exists", path="/full-timeout", watch=False).err, ops.OK, "exists after the restart")
    with Client(server.port, client.session) as back:
        assert back.alive
        back.close_session()


def _time_until_gone(port, path):
    """Polls until a node is gone and returns the moment."""
    with Client(port, timeout_ms=4000) as client:
        end = time.monotonic() + DEADLINE_S
        while client.call("exists", path=path, watch=False).err == ops.OK:
            assert time.monotonic() < end, f"{path} is still there after {DEADLINE_S} s"
            select.select([client.sock], [], [], 0.01)
        gone = time.monotonic()
        client.close_session()
    return gone


IN_TIME = [
    a_silent_session_expires_after_its_timeout_and_about_a_tick,
    requests_that_fail_keep_a_session_alive,
    a_connection_without_a_session_is_closed_in_time,
    sessions_start_with_a_full_timeout_after_a_restart,
]
