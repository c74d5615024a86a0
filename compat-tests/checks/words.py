"""The four letter words after the same history: each answer is the one that Apache 3.9.5 gave (golden/words), but for ports, ids
of sessions, times, sizes, and the order of what is a set.
"""

import calendar
import re
import socket
import struct
import time

from ironlab import ops, paths, spoken
from ironlab.members import Members
from ironlab.report import equal
from ironlab.server import Server, four_letters
from ironlab.wire import Client

NAME = "words"
DATE = "%a %b %d %H:%M:%S %Z %Y"


def run(report, kind):
    with Server(kind, "tickTime=2000\n", {"zookeeper.extendedTypesEnabled": "true"}) as server:
        report.run(NAME, kind, FRESH, server.port)
        with spoken.played(server.port):
            report.run(NAME, kind, PLAYED, server.port)
        report.run(NAME, kind, ALONE, server.port)
    report.run(NAME, kind, BY_THEMSELVES, kind)


def _golden(name):
    return spoken.masked((paths.GOLDEN / "words" / name).read_text())


def _ask(port, word):
    return spoken.masked(four_letters(port, word))


def before_all_else_there_is_nothing_to_tell(port):
    equal(_ask(port, "cons"), " /address[0](queued=0,recved=1,sent=0)\n\n", "cons")
    equal(_ask(port, "wchs"), "0 connections watching 0 paths\nTotal watches:0\n", "wchs")
    equal([_ask(port, word) for word in ("wchc", "wchp", "hash")], ["\n", "\n", ""], "wchc, wchp, hash")
    sessions, ephemerals, _ = spoken.dump_sections(_ask(port, "dump"))
    equal([sessions, ephemerals], ["Session Sets (0)/(0):\n", "Sessions with Ephemerals (0):\n"], "dump")


def words_of_one_form_answer_as_apache_to_the_letter(port):
    for word in ("dirs", "gtmk", "hash", "wchs"):
        equal(_ask(port, word), _golden(f"standalone.{word}"), word)


def words_that_list_answer_as_apache_but_for_the_order(port):
    for word in ("wchc", "wchp"):
        answer, expected = _ask(port, word), _golden(f"standalone.{word}")
        equal(spoken.blocks(answer), spoken.blocks(expected), word)
        equal(sorted(answer.splitlines()), sorted(expected.splitlines()), f"{word}, with what comes twice")
        assert answer.endswith("\n\n"), answer
    cons = _ask(port, "cons")
    equal(sorted(cons.splitlines()), sorted(_golden("standalone.cons").splitlines()), "cons")
    assert cons.endswith("\n\n"), cons


def dump_tells_what_expires_in_apaches_order_and_when(port):
    now = time.time()
    told, expected = [spoken.dump_sections(text) for text in (_ask(port, "dump"), _golden("standalone.dump"))]
    equal(spoken.blocks(told[1]), spoken.blocks(expected[1]), "ephemerals")
    sessions = spoken.expiries(told[0])
    equal([lines for _, lines in sessions], [lines for _, lines in spoken.expiries(expected[0])], "sessions")
    for (date, _), timeout_ms in zip(sessions, spoken.TIMEOUTS_MS):
        left = _seconds(date) - now
        assert -3 < left - timeout_ms / 1000 < 4, f"{date} is {left} s from now, for a timeout of {timeout_ms} ms"
    connections = spoken.expiries(told[2])
    equal(sorted(sum((lines for _, lines in connections), [])),
          sorted(sum((lines for _, lines in spoken.expiries(expected[2])), [])), "connections")
    dates = [_seconds(date) for date, _ in connections]
    assert dates == sorted(dates) and now + 5 < dates[0] and dates[-1] < now + 60, f"{connections} at {now}"


def _seconds(date):
    return time.mktime(time.strptime(date, DATE))


def dump_writes_times_in_the_machines_zone(kind):
    with Server(kind, environment={"TZ": "Asia/Tokyo"}) as server:
        _, _, connections = spoken.dump_sections(server.ask("dump"))
        (date, _), = spoken.expiries(connections)
        assert " JST " in date, date
        tokyo_s = 9 * 3600
        left = calendar.timegm(time.strptime(date.replace(" JST ", " UTC "), DATE)) - tokyo_s - time.time()
        assert 5 < left < 25, f"{date} is {left} s from now"


def envi_has_apaches_keys_in_its_order(port):
    answer, expected = [text.splitlines() for text in (_ask(port, "envi"), _golden("standalone.envi"))]
    equal([line.split("=")[0] for line in answer], [line.split("=")[0] for line in expected], "keys")
    values = dict(line.split("=", 1) for line in answer[1:])
    apaches = dict(line.split("=", 1) for line in expected[1:])
    for key in ("os.name", "java.io.tmpdir", "java.compiler"):
        equal(values[key], apaches[key], key)
    for key in ("os.arch", "os.version", "user.name", "user.home", "user.dir"):
        assert values[key] and values[key] != "<NA>", f"{key} is not known"
    for key in ("free", "max", "total"):
        assert re.fullmatch(r"\d+MB", values[f"os.memory.{key}"]), values


def a_connection_that_was_seen_to_end_is_in_no_list(port):
    for round in range(100):
        Client(port).close_session()
        four_letters(port, "ruok")
        equal(_ask(port, "cons"), " /address[0](queued=0,recved=1,sent=0)\n\n", f"cons, round {round}")
        srvr = _ask(port, "srvr")
        assert "\nConnections: 1\n" in srvr, f"round {round}: {srvr}"


def stmk_takes_a_number_which_gtmk_then_tells(port):
    for mask in (0, -5, 1 << 40, 306):
        equal(_raw(port, b"stmk" + struct.pack(">q", mask)), str(mask), "stmk")
        equal(_ask(port, "gtmk"), str(mask), "gtmk")
    equal(_raw(port, b"stmk\n"), "", "stmk without its number")
    equal(_ask(port, "gtmk"), "306", "gtmk")


def _raw(port, data):
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
        return answer.decode()


def each_request_has_its_name_in_cons(port):
    with Client(port) as client:
        equal(_figures(port, client), ("SESS", "0x0"), "a new session")
        for name, op, fields in REQUESTS:
            xid = client.send(op, **fields)
            client.reply()
            equal(_figures(port, client), (name, hex(xid)), f"{op} {fields}")
        sub = ("create", {"path": "/named", "data": b"", "acl": ops.OPEN, "flags": 0})
        for outcome in ("that succeeds", "that fails"):
            client.multi(sub)
            equal(_figures(port, client)[0], "MULT", f"a multi {outcome}")
        client.multi_read(("getData", {"path": "/named", "watch": False}))
        equal(_figures(port, client)[0], "MLTR", "multiRead")
        for name, code in (("NA", 5), ("GETD", 4), ("NA", 14), ("SYNC", 9)):
            client.call_raw(code, b"x")
            equal(_figures(port, client)[0], name, f"op code {code} that cannot be parsed")
        before = _figures(port, client)
        client.add_auth("digest", b"a:b")
        equal(_figures(port, client), before, "an auth, which is no request")
        client.call("ping", xid=ops.XID_PING)
        equal(_figures(port, client), ("PING", before[1]), "ping")
        client.call("delete", path="/named", version=-1)
        client.close_session()


def _created(path, **extra):
    return {"path": path, "data": b"", "acl": ops.OPEN, "flags": 0, **extra}


REQUESTS = [
    ("CREA", "create", _created("/n")), ("NA", "create", _created("/n")), ("CREA", "create2", _created("/n2")),
    ("CREA", "createContainer", _created("/nc", flags=ops.CONTAINER)),
    ("CREA", "createTTL", _created("/nt", flags=ops.TTL, ttl=60000)),
    ("SETD", "setData", {"path": "/n", "data": b"x", "version": -1}),
    ("NA", "setData", {"path": "/none", "data": b"x", "version": -1}),
    ("SETA", "setACL", {"path": "/n", "acl": ops.OPEN, "version": -1}),
    ("GETA", "getACL", {"path": "/n"}), ("GETA", "getACL", {"path": "/none"}),
    ("GETD", "getData", {"path": "/n", "watch": True}), ("GETD", "getData", {"path": "/none", "watch": True}),
    ("EXIS", "exists", {"path": "/none", "watch": False}),
    ("GETC", "getChildren", {"path": "/", "watch": False}), ("GETC", "getChildren2", {"path": "/", "watch": False}),
    ("GETACN", "getAllChildrenNumber", {"path": "/"}), ("GETE", "getEphemerals", {"prefixPath": "/"}),
    ("SYNC", "sync", {"path": "/"}), ("ADDW", "addWatch", {"path": "/n", "mode": 0}),
    ("CHKW", "checkWatches", {"path": "/n", "type": 3}), ("CHKW", "checkWatches", {"path": "/none", "type": 3}),
    ("REMW", "removeWatches", {"path": "/n", "type": 3}), ("HOMI", "whoAmI", {}),
    ("SETW", "setWatches", {"relativeZxid": 1 << 40, "dataWatches": [], "existWatches": [], "childWatches": []}),
    ("STW2", "setWatches2", {"relativeZxid": 1 << 40, "dataWatches": [], "existWatches": [], "childWatches": [],
                             "persistentWatches": [], "persistentRecursiveWatches": []}),
    *[("DELE", "delete", {"path": path, "version": -1}) for path in ("/n", "/n2", "/nc", "/nt")],
]


def _line(port, client):
    return next(line for line in four_letters(port, "cons").splitlines() if f"sid={hex(client.session[0])}," in line)


def _settled_line(port, client):
    """The same when all that was sent is counted, and the next request awaited: Apache does both after the client has its answer."""
    deadline = time.monotonic() + 10
    while True:
        line = _line(port, client)
        state, received, sent = re.search(r"\[(\d)\]\(queued=0,recved=(\d+),sent=(\d+),", line).groups()
        if (state, received) == ("1", sent) or time.monotonic() > deadline:
            return line
        time.sleep(0.01)


def _figures(port, client):
    """(name, number) of its last request."""
    return re.search(r",lop=(\w+),.*,lcxid=(\w+),", _line(port, client)).groups()


def a_session_that_comes_back_has_no_request_yet(port):
    with Client(port) as client:
        client.cut()
        back = Client(port, client.session)
        line = spoken.masked(_settled_line(port, back))
        back.close_session()
    equal(line, " /address[1](queued=0,recved=1,sent=1,sid=session-0,lop=null,est=,to=30000,lcxid=0x0,lzxid=0x0,"
                "lresp=,llat=,minlat=,avglat=,maxlat=)", "cons")


def crst_forgets_what_connections_count_and_nothing_else(port):
    with Client(port) as client:
        client.call("ping", xid=ops.XID_PING)
        _settled_line(port, client)
        sent = _sent(port)
        equal(_ask(port, "crst"), "Connection stats reset.\n", "crst")
        equal(spoken.masked(_line(port, client)), " /address[1](queued=0,recved=0,sent=0,sid=session-0,lop=NA,est=,to=30000,"
              "lzxid=0xffffffffffffffff,lresp=,llat=,minlat=,avglat=,maxlat=)", "cons")
        # The answers to the words between the two, each of which may be counted a little late.
        assert _sent(port) - sent in (2, 3, 4), f"{sent} frames were sent, then {_sent(port)}"
        client.close_session()


def srst_forgets_what_the_server_counts_and_nothing_else(port):
    with Client(port) as client:
        client.call("ping", xid=ops.XID_PING)
        before = _settled_line(port, client)
        equal(_ask(port, "srst"), "Server stats reset.\n", "srst")
        srvr = four_letters(port, "srvr")
        # The answer to srst itself, and that to cons where it was counted late.
        for line in ("Latency min/avg/max: 0/0\\.0/0\nReceived: 1\nSent: [12]\n", "\nConnections: 2\n"):
            assert re.search(line, srvr), f"{line} is not in {srvr}"
        equal(_line(port, client), before, "cons")
        client.close_session()


def _sent(port):
    return int(re.search(r"\nSent: (\d+)\n", four_letters(port, "srvr"))[1])


def members_tell_by_their_roles(kind):
    members = Members([1, 2, 3], settings="tickTime=2000\ninitLimit=20\nsyncLimit=10")
    servers = [members.server(kind, sid) for sid in members.sids]
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_until_serving()
        leader = next(server for server in servers if "Mode: leader" in server.ask("srvr"))
        with Client(leader.port, timeout_ms=20000) as client:
            client.create("/e", flags=ops.EPHEMERAL)
            for server in servers:
                _member_tells(server, client, server is leader)
            _proposals_are_forgotten(leader)
            client.close_session()
    finally:
        for server in servers:
            server.close()


def _member_tells(server, client, leads):
    session = hex(client.session[0])
    server.wait_for(lambda: f"{session}:\n\t/e\n" in server.ask("dump"), "the ephemeral is there")
    sessions, ephemerals, _ = spoken.dump_sections(server.ask("dump"))
    equal(ephemerals, f"Sessions with Ephemerals (1):\n{session}:\n\t/e\n", "ephemerals")
    if leads:
        equal([lines for _, lines in spoken.expiries(sessions)], [[f"\t{session}"]], "sessions of the leader")
    else:
        equal(sessions, f"Global Sessions(1):\n{session}\t20000ms\n", "sessions of a learner")


def _proposals_are_forgotten(leader):
    assert "sizes last/min/max: -1" not in leader.ask("srvr"), leader.ask("srvr")
    leader.ask("srst")
    assert "\nProposal sizes last/min/max: -1/-1/-1\n" in leader.ask("srvr"), leader.ask("srvr")


def what_came_before_a_role_began_is_not_counted(kind):
    members = Members([1, 2, 3], settings="tickTime=2000\ninitLimit=20\nsyncLimit=10")
    early, *others = [members.server(kind, sid) for sid in members.sids]
    asked = 2000  # more than waiting for the role asks
    try:
        early.launch()
        early.wait_for(lambda: "not currently serving" in early._try_srvr(), "it answers")
        for _ in range(asked):
            early.ask("ruok")
        for server in others:
            server.launch()
        early.wait_until_serving()
        received = int(early.mntr()["zk_packets_received"])
        assert 0 < received < asked, f"{received} packets received"
    finally:
        for server in (early, *others):
            server.close()


FRESH = [before_all_else_there_is_nothing_to_tell]

PLAYED = [
    words_of_one_form_answer_as_apache_to_the_letter,
    words_that_list_answer_as_apache_but_for_the_order,
    dump_tells_what_expires_in_apaches_order_and_when,
    envi_has_apaches_keys_in_its_order,
]

ALONE = [
    a_connection_that_was_seen_to_end_is_in_no_list,
    stmk_takes_a_number_which_gtmk_then_tells,
    each_request_has_its_name_in_cons,
    a_session_that_comes_back_has_no_request_yet,
    crst_forgets_what_connections_count_and_nothing_else,
    srst_forgets_what_the_server_counts_and_nothing_else,
]

BY_THEMSELVES = [
    dump_writes_times_in_the_machines_zone,
    members_tell_by_their_roles,
    what_came_before_a_role_began_is_not_counted,
]
