"""Each command of the admin server, asked of Apache 3.9.5 and of the subject after the same history: the same keys with the same
values, standalone and by role in an ensemble; methods, paths, who may have what; HTTPS; snapshot and restore.

`DIFFERENCES` names where ironkeeper means to differ; each of them must be there. docs/differences.md tells them to operators.
"""

import base64
import hashlib
import http.client
import json
import re
import ssl
import time
from contextlib import ExitStack, contextmanager

from ironlab import admin, ops, ports, rundir, spoken, tree
from ironlab.admin import AdminServer
from ironlab.certificates import Maker
from ironlab.members import Members, serving
from ironlab.report import equal
from ironlab.secure import World
from ironlab.server import SUPER_AUTH
from ironlab.wire import Client

NAME = "admin"
ORACLE = "apache-3.9.5"
SETTINGS = "tickTime=2000\ninitLimit=20\nsyncLimit=10\n"
# Both servers are told as much, so that system_properties has something to tell.
PROPERTIES = {"zookeeper.extendedTypesEnabled": "true"}
WHO = {"Authorization": "digest someone:secret"}

# First names and the others, in the order in which they are asked.
COMMANDS = {
    "stat_reset": ["srst"], "server_stats": ["srvr"], "stats": ["stat"], "connections": ["cons"], "configuration": ["conf", "config"],
    "dirs": [], "dump": [], "environment": ["env", "envi"], "hash": [], "get_trace_mask": ["gtmk"], "set_trace_mask": ["stmk"],
    "initial_configuration": ["icfg"], "is_read_only": ["isro"], "last_snapshot": ["lsnp"], "leader": ["lead"],
    "observers": ["obsr"], "observer_connection_stat_reset": ["orst"], "ruok": [], "voting_view": [], "watches": ["wchc"],
    "watches_by_path": ["wchp"], "watch_summary": ["wchs"], "zabstate": [], "connection_stat_reset": ["crst"],
    "restore": ["rest"], "snapshot": ["snap"], "monitor": ["mntr"], "system_properties": ["sysp"],
}
# Compared in another way: `_monitor`, `_properties`, and the checks of snapshot and restore.
APART = ["monitor", "system_properties", "snapshot", "restore"]

# Keys of ironkeeper's own, beside all that are Apache's.
OWN_KEYS = {"monitor": r"ironkeeper_.*|fsync_threshold_exceed_count"}

# What is another one each time, by command and key: compared in its type only.
MASKED = [
    (r"server_stats|stats", r"server_stats\.(uptime|(min|avg|max)_latency|(data|log)_dir_size)"),
    # Apache counts an answer after its client has it.
    (r"server_stats|stats", r"server_stats\.packets_sent"),
    (r"connections", r"\w+\[\d+\]\.(established|last_response_time|\w+_latency)"),
    (r"connections|stats", r"\w+\[\d+\]\.remote_socket_address"),
    # Netty always waits to read; NIO and we do so again a moment after a reply.
    (r"connections|stats", r"\w+\[\d+\]\.interest_ops"),
    (r"dirs", r"\w+_size"),
    (r"hash", r"digests\[\d+\]\.digest"),
    (r"environment", r"os\.memory\.\w+"),
    (r"last_snapshot", r"timestamp"),
    # A learner begins with a snapshot or with txns.
    (r"last_snapshot", r"zxid"),
    (r"observers", r"observers\[\d+\]\.(established|packets_\w+|queued_\w+|remote_socket_address)"),
]

# (what, key, why): where Apache's value and ours are not the same.
DIFFERENCES = [
    (r"server_stats|stats", r"version", "Apache's number first, then ours"),
    (r"environment", r"zookeeper\.version", "the same"),
    (r"environment", r"java\.(version|vendor|home|class\.path|library\.path)", "there is no virtual machine"),
    (r"environment", r"host\.name", "the machine's own name; a name server may be slow"),
    (r"monitor", r"\w+_zookeeper_write_per_namespace", "Apache counts a member's configuration as a write, which no client has made"),
    (r"POST .*/ruok|GET /commands/restore .*authorized", r"status|body", "405 and a sentence, where Apache fails with 500 and its stack"),
    (r"GET .*/monitor while not serving", r"status|body|content-type", "the sentence of all other commands, where Apache fails with 500 and its stack"),
    (r"(GET|PUT|POST|OPTIONS) /x?.*not a command's", r"body|content-type", "a page of our own"),
]


def run(report, kind):
    seen = set()
    with report.guard(NAME, kind):
        theirs, ours = _alone(ORACLE), _alone(kind)
        _compare_all(report, kind, theirs, ours, seen)
    with report.guard(NAME, kind):
        theirs, ours = _ensemble(ORACLE), _ensemble(kind)
        _compare_all(report, kind, theirs, ours, seen)
    for function in (a_server_that_does_not_serve_says_so, methods_and_paths_are_apaches, who_may_have_what_is_as_in_apache):
        with report.check(NAME, kind, function.__name__.replace("_", " ")):
            function(kind, seen)
    if kind != ORACLE:
        with report.check(NAME, kind, "each difference that is named is there"):
            always = [difference for difference in DIFFERENCES if difference[1] != r"host\.name"]
            equal([what for what in always if what not in seen], [], "not seen")
    report.run(NAME, kind, BY_THEMSELVES, kind)
    if kind != ORACLE:
        report.run(NAME, kind, OURS, kind)


# Commands, key by key.

def _alone(kind):
    with AdminServer(kind, SETTINGS, PROPERTIES) as server, ExitStack() as stack:
        return {"standalone": _asked(stack, server, "/standalone", [])}


def _ensemble(kind):
    members = Members([1, 2], [3], settings=SETTINGS)
    servers = [members.server(kind, sid, make=AdminServer, properties=PROPERTIES) for sid in members.sids]
    with serving(servers) as modes, ExitStack() as stack:
        names = members.port_names()
        names += [(str(server.port), f"client-{server.sid}") for server in servers]
        for server in servers:
            with Client(server.port) as client:
                client.call("sync", path="/")
                client.close_session()
        return {mode: _asked(stack, modes[mode], f"/{mode}", names) for mode in ("leader", "follower", "observer")}


def _asked(stack, server, root, names):
    """Plays the history at a server and asks all of it: {command: {key: value}}. `names` get those of its sessions."""
    sessions = stack.enter_context(spoken.played(server.port, root))
    for number, client in enumerate(sessions):
        client.call("sync", path="/")
        names.append((str(client.session[0]), f"session-{root}-{number}"))
    names = [*names, (str(server.port), "client"), (str(server.admin_port), "admin"), (str(server.data.resolve()), "/data"),
             (str(server.data), "/data"), (str(server.home.resolve()), "/home")]
    server.command("stat_reset")
    found = {}
    for name, aliases in COMMANDS.items():
        if name not in APART:
            query = "?traceMask=306" if name == "set_trace_mask" else ""
            answers = [server.get(f"/commands/{one}{query}") for one in (name, *aliases)]
            equal({(answer.status, answer.headers["content-type"], answer.json["command"]) for answer in answers},
                  {(200, "application/json", name)}, name)
            found[name] = _neutral(name, answers[0].json, names)
    found["monitor"], found["system_properties"] = _monitor(server), _properties(server)
    return found


def _neutral(command, answer, names):
    """Keys and values without what is this server's alone; what is a set is in order."""
    flat = {}
    for key, value in _flat(_named(answer, names)):
        hidden = any(re.fullmatch(commands, command) and re.fullmatch(pattern, key) for commands, pattern in MASKED)
        flat[key] = type(value).__name__ if hidden else value
    if command == "dump":  # Apache tells times too at which nothing expires
        expiring = sum(answer["expiry_time_to_session_ids"].values(), [])
        flat = {key: value for key, value in flat.items() if not key.startswith("expiry")}
        flat["expiring"] = sorted(str(_named(session, names)) for session in expiring)
    if command == "initial_configuration" and isinstance(answer["initial_configuration"], str):
        equal("clientPort=" in answer["initial_configuration"], True, "the file's text")
    return flat


def _named(value, names):
    """With what stands for the texts and numbers in `names`."""
    if isinstance(value, dict):
        return {_named(key, names): _named(one, names) for key, one in value.items()}
    if isinstance(value, list):
        return [_named(one, names) for one in value]
    if isinstance(value, str):
        for own, name in names:
            value = re.sub(rf"(?<!\w){re.escape(own)}(?!\w)", name, value)
        return value
    return next((f"number {name}" for own, name in names if own == str(value)), value)


def _flat(value, key=""):
    if isinstance(value, dict) and value:
        return [row for name, one in value.items() for row in _flat(one, f"{key}.{name}" if key else name)]
    if isinstance(value, list) and value:
        in_order = sorted(value, key=lambda one: json.dumps(one.get("session_id", one.get("zxid")) if isinstance(one, dict) else one))
        return [row for number, one in enumerate(in_order) for row in _flat(one, f"{key}[{number}]")]
    return [(key, value)]


def _properties(server):
    """What both were told."""
    told = server.command("system_properties")
    equal((told["command"], told["error"]), ("system_properties", None), "system_properties")
    return {name: told.get(name) for name in PROPERTIES}


# What monitor counts is another number each time, but for these. Of all others the types are compared.
_MONITORED = ("server_state", "peer_state", "znode_count", "watch_count", "ephemerals_count", "synced_followers", "synced_observers",
              "quorum_size", "command", "error")


def _monitor(server):
    answer = server.command("mntr")
    return {key: value if key in _MONITORED else type(value).__name__ for key, value in answer.items()}


def _compare_all(report, kind, theirs, ours, seen):
    for station in theirs:
        for command in theirs[station]:
            with report.check(NAME, kind, f"{station}: {command}"):
                _compare(kind, command, theirs[station][command], ours[station][command], seen)


def _compare(kind, what, theirs, ours, seen):
    """That two sets of keys and values are the same, but for named differences, which are noted."""
    unnamed = []
    for key in sorted({*theirs, *ours}):
        is_own = key not in theirs and re.fullmatch(OWN_KEYS.get(what, ""), key)
        if theirs.get(key, "(missing)") == ours.get(key, "(missing)") or is_own:
            continue
        named = [one for one in DIFFERENCES if kind != ORACLE and re.fullmatch(one[0], what) and re.fullmatch(one[1], key)]
        seen.update(named)
        if not named:
            unnamed.append((key, theirs.get(key, "(missing)"), ours.get(key, "(missing)")))
    equal(unnamed, [], f"{what}: (key, Apache's value, the subject's)")


# Requests.

def a_server_that_does_not_serve_says_so(kind, seen):
    answers = {}
    for one in (ORACLE, kind):
        members = Members([1, 2], settings=SETTINGS)
        server = members.server(one, 1, make=AdminServer)
        try:
            server.launch()
            server.wait_for(lambda: ports.is_open(server.admin_port), "the admin server listens")
            server.wait_for(lambda: "not currently serving" in server._try_srvr(), "it looks for a leader")
            answers[one] = {name: _response(server.get(f"/commands/{name}")) for name in (*COMMANDS, "stat", "nonsense")
                            if name not in ("environment", "system_properties")}
        finally:
            server.close()
    for name, theirs in answers[ORACLE].items():
        what = f"GET /commands/{name} while not serving"
        _compare(kind, what, theirs, answers[kind][name], seen)
    equal(answers[kind]["stat"]["body"], {"command": "stat", "error": "This ZooKeeper instance is not currently serving requests"}, "stat")


def _response(reply, headers=("content-type", "allow")):
    """Status, some headers, and the body: JSON as an object, so that the order of keys does not count."""
    is_json = reply.body and reply.headers.get("content-type") == "application/json"
    body = json.loads(reply.body) if is_json else reply.body
    return {"status": reply.status, "body": body, **{name: reply.headers.get(name) for name in headers}}


REQUESTS = [
    ("GET", "/commands"), ("GET", "/commands/"), ("POST", "/commands"), ("HEAD", "/commands"), ("HEAD", "/commands/ruok"),
    ("GET", "/commands/ruok/"), ("GET", "/commands//ruok"), ("GET", "/commands/RUOK"), ("GET", "/commands/ru%6Fk"), ("POST", "/commands/ruok"),
    ("POST", "/commands/nonsense"), ("PUT", "/commands/ruok"), ("DELETE", "/commands/ruok"), ("OPTIONS", "/commands/ruok"),
    ("TRACE", "/commands/ruok"), ("TRACE", "/x"), ("PATCH", "/commands/ruok"), ("BREW", "/commands/ruok"),
    ("GET", "/"), ("GET", "/x"), ("GET", "/commandsx"), ("POST", "/x"), ("PUT", "/x"), ("OPTIONS", "/x"), ("BREW", "/x"), ("GET", "/commands/stmk"), ("GET", "/commands/stmk?traceMask=x"),
    ("GET", "/commands/stmk?traceMask=%33%30%36"), ("GET", "/commands/stmk?traceMask=5&traceMask=6"), ("GET", "/commands/gtmk?x"),
]


def methods_and_paths_are_apaches(kind, seen):
    answers = {}
    for one in (ORACLE, kind):
        with AdminServer(one, SETTINGS) as server:
            answers[one] = {words: _response(server.get(words[1], method=words[0])) for words in REQUESTS}
    for (method, path), theirs in answers[ORACLE].items():
        ours = answers[kind][method, path]
        what = f"{method} {path}" + (" not a command's" if not re.fullmatch(r"/commands(/.*)?", path) else "")
        if what.startswith("POST /commands/ruok"):
            theirs, ours = [{**answer, "allow": None, "content-type": None} for answer in (theirs, ours)]
        _compare(kind, what, theirs, ours, seen)


AUTHORIZATIONS = [None, "", "x", "digest", "digest ", "digest a:b", "digest someone:secret", "digest half:right", "digest a b",
                  "digest  a:b", "Digest someone:secret", "ip", "ip 127.0.0.1", "world anyone", "sasl x", "x509", "auth x", "key 5",
                  f"digest {SUPER_AUTH.decode()}"]


def _digest(user_and_password):
    digest = base64.b64encode(hashlib.sha1(user_and_password.encode()).digest()).decode()
    return f"{user_and_password.split(':')[0]}:{digest}"


def _acl(perms, scheme, who):
    return {"perms": perms, "id": {"scheme": scheme, "id": who}}


def who_may_have_what_is_as_in_apache(kind, seen):
    answers = {}
    lists = {"nobody's": [_acl(31, "digest", "nobody:x=")],
             "a user's": [_acl(31, "digest", _digest("someone:secret")), _acl(15, "digest", _digest("half:right"))],
             "an address's": [_acl(31, "ip", "127.0.0.1")], "another address's": [_acl(31, "ip", "10.1.2.3")]}
    for one in (ORACLE, kind):
        answers[one] = {}
        for forwarded in ("false", "true"):
            # A rate of 0 lets all through.
            lines = f"admin.rateLimiterIntervalInMS=0\nIPAuthenticationProvider.usexforwardedfor={forwarded}\n"
            with AdminServer(one, SETTINGS + lines) as server:
                for owner, acl in lists.items():
                    _set_root_acl(server, acl)
                    answers[one][forwarded, owner] = _who_may(server)
    for place, theirs in answers[ORACLE].items():
        for request, answer in theirs.items():
            what = f"{request} authorized" if request.startswith("GET /commands/restore") and answer["status"] == 500 else request
            _compare(kind, what, answer, answers[kind][place][request], seen)
    statuses = {answer["status"] for theirs in answers[kind].values() for answer in theirs.values()}
    assert {200, 401, 403} <= statuses, statuses


def _set_root_acl(server, acl):
    with Client(server.port) as client:
        client.add_auth("digest", SUPER_AUTH)
        equal(client.call("setACL", path="/", acl=acl, version=-1).err, ops.OK, "setACL")
        client.close_session()


def _patiently(ask):
    """The first reply that is not about the rate: also one of 0 ms lets only one through in each ms of Apache's."""
    deadline = time.monotonic() + admin.TIMEOUT_S
    while (reply := ask()).status == 429:
        assert time.monotonic() < deadline, "the rate lets nobody through"
    return reply


def _who_may(server):
    found = {}
    for authorization in AUTHORIZATIONS:
        headers = {} if authorization is None else {"Authorization": authorization}
        for path in ("/commands/snapshot?streaming=false", "/commands/snap?streaming=no", "/commands/restore"):
            for more in ({}, {"X-Forwarded-For": "10.1.2.3, 127.0.0.1"}):
                reply = _patiently(lambda: server.get(path, {**headers, **more}))
                found[f"GET {path}{' forwarded' * bool(more)} as {authorization}"] = _response(reply, ())
    return {re.sub(r"^(GET /commands/restore).*", r"\1", key) + f" [{key}]": value for key, value in found.items()}


# Snapshot and restore.

def _filled(server, count=50):
    with Client(server.port) as client:
        client.create("/data")
        for number in range(count):
            client.create(f"/data/{number}", b"x" * number)
        client.create("/secret", b"s", acl=[_acl(31, "digest", _digest("someone:secret"))])
        client.close_session()


def _snapshot(server, path="/commands/snapshot"):
    reply = server.get(path, WHO)
    equal((reply.status, reply.headers["content-type"]), (200, "application/octet-stream"), reply.body[:300])
    equal(int(reply.headers["snapshot_size"]), len(reply.body), "snapshot_size")
    return reply


def _restore(server, snapshot, **headers):
    return server.get("/commands/restore", {**WHO, **headers}, method="POST", body=snapshot)


def a_snapshot_is_sent_as_it_is_on_disk(kind):
    with AdminServer(kind, SETTINGS) as server:
        _filled(server)
        reply = _snapshot(server)
        zxid = reply.headers["last_zxid"]
        equal(zxid, f"0x{server.command('server_stats')['server_stats']['last_processed_zxid']:x}", "last_zxid")
        file = server.version_2 / f"snapshot.{zxid[2:]}"
        assert file.read_bytes() == reply.body and reply.body[:4] == b"ZKSN", f"not the bytes of {file}"
        equal(server.command("last_snapshot")["zxid"], zxid[2:], "last_snapshot")


def a_snapshot_is_not_sent_to_who_only_wants_it_taken(kind):
    with AdminServer(kind, SETTINGS) as server:
        _filled(server)
        reply = server.get("/commands/snap?streaming=false", WHO)
        equal((reply.status, reply.json), (200, {"command": "snapshot", "error": None}), "snapshot")
        file = server.version_2 / f"snapshot.{reply.headers['last_zxid'][2:]}"
        equal(file.stat().st_size, int(reply.headers["snapshot_size"]), f"{file}")


def what_came_behind_a_snapshot_is_gone_when_it_is_restored(kind):
    with AdminServer(kind, SETTINGS) as server:
        _filled(server)
        before = tree.dump(server)
        snapshot = _snapshot(server)
        with Client(server.port) as client:
            client.create("/later")
            client.call("delete", path="/data/7", version=-1)
            client.close_session()
        reply = _restore(server, snapshot.body, **{"Content-Type": "application/octet-stream"})
        equal((reply.status, reply.json), (200, {"last_zxid": int(snapshot.headers["last_zxid"], 16), "command": "restore", "error": None}),
              "restore")
        equal(tree.differences(before, tree.dump(server)), [], "the tree")
        with Client(server.port) as client:
            equal(client.create("/data/again").err, ops.OK, "a write")
            client.close_session()


def a_snapshot_of_one_server_is_restored_by_another_of_either_kind(kind):
    for source, target in ((ORACLE, kind), (kind, ORACLE)):
        with AdminServer(source, SETTINGS) as first, AdminServer(target, SETTINGS) as second:
            _filled(first)
            snapshot = _snapshot(first)
            equal(_restore(second, snapshot.body).status, 200, f"{source} to {target}")
            equal(tree.differences(tree.dump(first), tree.dump(second)), [], f"{source} to {target}")


def what_is_no_snapshot_is_not_restored(kind):
    with AdminServer(kind, SETTINGS + "admin.rateLimiterIntervalInMS=0\n") as server:
        _filled(server)
        before = tree.dump(server)
        good = _snapshot(server).body
        for bad in (b"", b"ZKSN", b"nonsense" * 100, good[:-30], good[:200] + b"\xff" + good[201:]):
            reply = _patiently(lambda: _restore(server, bad))
            equal((reply.status, reply.json["command"]), (500, "restore"), bad[:20])
        equal(tree.differences(before, tree.dump(server)), [], "the tree")


def commands_that_cost_are_rare(kind):
    with AdminServer(kind, SETTINGS) as server:
        snapshot = _snapshot(server).body
        _two_snapshots(server)
        equal([_restore(server, snapshot).status for _ in range(2)], [200, 429], "restore")
        _patiently(lambda: server.get("/commands/snapshot?streaming=false", WHO))  # 300 000 us
        equal(_restore(server, snapshot).status, 429, "restore: 300 000 ms")
        counted = server.command("monitor")
        equal([counted[name] for name in ("restore_rate_limited_count", "restore_error_count", "cnt_restore_time")], [2, 0, 1], "restores")
        assert counted["snapshot_rate_limited_count"] >= 1 and counted["snapshot_error_count"] == 0, counted


def _two_snapshots(server):
    """Of two that are asked for within 300 ms the second one is refused."""
    path = "/commands/snapshot?streaming=false"
    deadline = time.monotonic() + admin.TIMEOUT_S
    while time.monotonic() < deadline:
        _patiently(lambda: server.get(path, WHO))
        began = time.monotonic()
        second = server.get(path, WHO)
        if time.monotonic() - began < 0.1:  # and the first one took as long at most
            return equal(second.status, 429, "the second snapshot")
    raise AssertionError("no two snapshots within the interval")


def commands_can_be_turned_off(kind):
    with AdminServer(kind, SETTINGS + "admin.snapshot.enabled=false\nadmin.restore.enabled=false\n") as server:
        equal((server.get("/commands/snapshot", WHO).status, _restore(server, b"x").status), (503, 503), "turned off")
    with AdminServer(kind, SETTINGS + "serializeLastProcessedZxid.enabled=false\n") as server:
        equal((server.get("/commands/snapshot", WHO).status, _restore(server, b"x").status), (500, 500), "without zxids")


# HTTPS, and where it listens.

def _quorum_stores(world):
    return world.settings().replace("ssl.", "ssl.quorum.")


def _by(server, context=None):
    """Whether ruok is answered; by HTTPS with a context."""
    try:
        return server.get("/commands/ruok", context=context).status == 200
    except (OSError, ssl.SSLError, http.client.HTTPException):
        return False


def http_and_https_are_where_they_are_wanted(kind):
    directory = rundir.new("certificates")
    try:
        world = World(Maker(directory / "made"))
        stores = _quorum_stores(world)
        expected = {"": (True, False), "admin.portUnification=true\n": (True, True), "admin.forceHttps=true\n": (False, True),
                    "admin.forceHttps=true\nadmin.portUnification=true\n": (False, True)}
        for lines, answers in expected.items():
            with AdminServer(kind, SETTINGS + stores + lines) as server:
                equal((_by(server), _by(server, admin.trusting_anybody())), answers, lines or "neither")
                if answers[1]:
                    secure = server.get("/commands/ruok", context=admin.trusting_anybody())
                    equal(secure.headers.get("strict-transport-security"), "max-age=86400; includeSubDomains", "HSTS")
    finally:
        rundir.remove(directory)


def who_shows_no_certificate_is_refused_where_one_is_needed(kind):
    directory = rundir.new("certificates")
    try:
        world = World(Maker(directory / "made"))
        stranger = world.maker.pair("/CN=stranger")
        lines = f"{_quorum_stores(world)}{world.settings()}admin.forceHttps=true\nadmin.needClientAuth=true\n"
        x509 = "authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider\n"
        with AdminServer(kind, SETTINGS + lines + x509) as server:
            shown = [None, stranger, world.good]
            equal([_by(server, admin.trusting_anybody(pair)) for pair in shown], [False, False, True], "nobody, a stranger, a known one")
            _set_root_acl(server, [_acl(31, "x509", "CN=client,O=Lab")])
            context = admin.trusting_anybody(world.good)
            reply = server.get("/commands/snapshot?streaming=false", {"Authorization": "x509"}, context=context)
            equal(reply.status, 200, "snapshot, as x509")
    finally:
        rundir.remove(directory)


def the_path_and_the_port_can_be_chosen(kind):
    with AdminServer(kind, SETTINGS + "admin.commandURL=/ask\n") as server:
        equal(server.get("/ask/ruok").json, {"command": "ruok", "error": None}, "/ask")
        assert b'<a href="/ask/ruok">ruok</a>' in server.get("/ask").body
        equal(server.get("/commands/ruok").status, 404, "/commands")


def a_server_that_cannot_have_the_port_that_was_chosen_ends_with_4(kind):
    with ports.taken() as port:
        server = AdminServer(kind, f"{SETTINGS}admin.serverPort={port}\n")
        try:
            server.launch()
            equal(server.wait(), 4, "exit code")
            assert str(port) in server.log(), server.log_tail()
        finally:
            server.close()


def it_is_off_where_it_is_turned_off(kind):
    with AdminServer(kind, SETTINGS + "admin.enableServer=false\n") as server:
        assert not ports.is_open(server.admin_port), "it listens"


def an_idle_connection_is_closed(kind):
    with AdminServer(kind, SETTINGS + "admin.idleTimeout=200\n") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=admin.TIMEOUT_S)
        connection.request("GET", "/commands/ruok")
        connection.getresponse().read()
        equal(connection.sock.recv(1), b"", "the end")
        connection.close()


# What Apache has not.

def what_was_restored_outlives_the_next_start(kind):
    with AdminServer(kind, SETTINGS) as server:
        _filled(server)
        snapshot = _snapshot(server).body
        with Client(server.port) as client:
            client.create("/later")
            client.close_session()
        equal(_restore(server, snapshot).status, 200, "restore")
        with Client(server.port) as client:
            client.create("/after")
            client.close_session()
        before = tree.dump(server)
        assert "/later" not in before and "/after" in before, sorted(before)
        server.kill()
        server.start()
        equal(tree.differences(before, tree.dump(server)), [], "the tree")


def a_server_that_cannot_write_what_was_restored_ends_with_its_old_files(kind):
    with AdminServer(kind, SETTINGS) as server:
        _filled(server)
        snapshot = _snapshot(server).body
        with Client(server.port) as client:
            client.create("/later")
            client.close_session()
        before = tree.dump(server)
        away = server.version_2.with_name("away")
        server.version_2.rename(away)
        try:
            equal(_restore(server, snapshot).status, 500, "restore")
        except (OSError, http.client.HTTPException):
            pass  # it has ended before the answer
        equal(server.wait(), 1, "exit code")
        assert "what was restored cannot be written" in server.log(), server.log_tail()
        away.rename(server.version_2)
        server.start()
        equal(tree.differences(before, tree.dump(server)), [], "the tree")


def zxids_go_on_behind_those_of_the_snapshot(kind):
    with AdminServer(kind, SETTINGS) as first, AdminServer(kind, SETTINGS) as second:
        _filled(first)
        snapshot = _snapshot(first)
        equal(_restore(second, snapshot.body).status, 200, "restore")
        with Client(second.port, last_zxid=int(snapshot.headers["last_zxid"], 16)) as client:
            reply = client.create("/new")
            assert reply.zxid > int(snapshot.headers["last_zxid"], 16), f"{reply.zxid:x}"
            client.close_session()


def a_session_of_the_snapshot_goes_on_and_a_later_one_is_over(kind):
    with AdminServer(kind, SETTINGS) as server:
        early = Client(server.port)
        early.create("/early", flags=ops.EPHEMERAL)
        snapshot = _snapshot(server).body
        late = Client(server.port)
        late.create("/late", flags=ops.EPHEMERAL)
        equal(_restore(server, snapshot).status, 200, "restore")
        for client in (early, late):
            assert client.is_closed(), "a connection stays"
        equal([tree.alive(server, client.session) for client in (early, late)], [True, False], "sessions")
        dump = tree.dump(server)
        equal(("/early" in dump, "/late" in dump), (True, False), "ephemerals")


def a_server_restores_while_its_clients_write(kind):
    with AdminServer(kind, SETTINGS + "admin.rateLimiterIntervalInMS=0\n") as server, ExitStack() as stack:
        _filled(server, 5)
        snapshot = _snapshot(server).body
        for number in range(4):
            writers = [Client(server.port) for _ in range(4)]
            for writer in writers:
                stack.callback(writer.cut)
                for _ in range(200):
                    writer.send("create", path=f"/data/w-{number}-", data=b"", acl=ops.OPEN, flags=ops.SEQUENTIAL)
            equal(_restore(server, snapshot).status, 200, "restore")
            equal(sorted(tree.dump(server)["/data"]["children"]), sorted(map(str, range(5))), "znodes")
        before = tree.dump(server)
        server.kill()
        server.start()
        equal(tree.differences(before, tree.dump(server)), [], "the tree after a start")


def a_whole_ensemble_is_restored_one_server_after_the_other(kind):
    with _members_of_three(kind) as servers:
        _filled(servers[0])
        snapshot = _snapshot(servers[0]).body
        with Client(servers[1].port) as client:
            client.create("/later")
            client.close_session()
        for server in servers:
            equal(_restore(server, snapshot).status, 200, f"server {server.sid}")
        with Client(servers[2].port) as client:
            equal(client.create("/after").err, ops.OK, "a write")
            client.close_session()
        _all_have(servers)
        for server in servers:
            server.restart()
        _all_have(servers)


def a_member_refuses_a_snapshot_of_a_higher_zxid(kind):
    with ExitStack() as stack:
        later, earlier = [stack.enter_context(_members_of_three(kind)) for _ in range(2)]
        _filled(later[0])
        snapshot = _snapshot(later[0]).body
        before = tree.dump(earlier[0])
        for server in earlier:
            with Client(server.port) as client:
                reply = _restore(server, snapshot)
                equal(reply.status, 500, f"server {server.sid}")
                assert "version-2" in reply.json["error"], reply.json["error"]
                equal(client.call("exists", path="/", watch=False).err, ops.OK, "a client stays")
                client.close_session()
        equal(tree.differences(before, tree.dump(earlier[0])), [], "the tree")


@contextmanager
def _members_of_three(kind):
    members = Members([1, 2, 3], settings=SETTINGS)
    servers = [members.server(kind, sid, make=AdminServer) for sid in members.sids]
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.close)
            server.launch()
        for server in servers:
            server.wait_until_serving()
        yield servers


def _all_have(servers):
    for server in servers:
        with Client(server.port) as client:
            client.call("sync", path="/")
            seen = {path: client.call("exists", path=path, watch=False).err for path in ("/data/49", "/after", "/later")}
            equal(seen, {"/data/49": ops.OK, "/after": ops.OK, "/later": ops.NO_NODE}, f"server {server.sid}")
            client.close_session()
        equal(int(server.mntr()["zk_digest_mismatches_count"]), 0, "digests that do not fit")


def a_refusal_says_why(kind):
    with AdminServer(kind, SETTINGS + "admin.snapshot.enabled=false\n") as server:
        told = [server.command("snapshot", headers=WHO)["error"], _restore(server, b"ZKSN").json["error"], _restore(server, b"").json["error"]]
    wanted = ("admin.snapshot.enabled", "bytes are missing", "admin.rateLimiterIntervalInMS")
    equal([word in error for word, error in zip(wanted, told)], [True] * 3, told)


def passwords_are_told_to_nobody(kind):
    secret = {"zookeeper.ssl.quorum.keyStore.password": "s3cret"}
    with AdminServer(kind, f"{SETTINGS}ssl.keyStore.password=s3cret\n", secret) as server:
        for command in COMMANDS:
            assert b"s3cret" not in server.get(f"/commands/{command}", WHO).body, command


def a_bad_store_stops_the_start(kind):
    server = AdminServer(kind, f"{SETTINGS}admin.forceHttps=true\nssl.quorum.keyStore.location=/nonexistent.pem\n")
    try:
        server.launch()
        equal(server.wait(), 1, "exit code")
        assert "no TLS for the admin server" in server.log() and "/nonexistent.pem" in server.log(), server.log_tail()
    finally:
        server.close()


BY_THEMSELVES = [
    a_snapshot_is_sent_as_it_is_on_disk,
    a_snapshot_is_not_sent_to_who_only_wants_it_taken,
    what_came_behind_a_snapshot_is_gone_when_it_is_restored,
    a_snapshot_of_one_server_is_restored_by_another_of_either_kind,
    what_is_no_snapshot_is_not_restored,
    commands_that_cost_are_rare,
    commands_can_be_turned_off,
    http_and_https_are_where_they_are_wanted,
    who_shows_no_certificate_is_refused_where_one_is_needed,
    the_path_and_the_port_can_be_chosen,
    a_server_that_cannot_have_the_port_that_was_chosen_ends_with_4,
    it_is_off_where_it_is_turned_off,
    an_idle_connection_is_closed,
]

OURS = [
    what_was_restored_outlives_the_next_start,
    a_server_that_cannot_write_what_was_restored_ends_with_its_old_files,
    zxids_go_on_behind_those_of_the_snapshot,
    a_session_of_the_snapshot_goes_on_and_a_later_one_is_over,
    a_server_restores_while_its_clients_write,
    a_whole_ensemble_is_restored_one_server_after_the_other,
    a_member_refuses_a_snapshot_of_a_higher_zxid,
    a_refusal_says_why,
    passwords_are_told_to_nobody,
    a_bad_store_stops_the_start,
]
