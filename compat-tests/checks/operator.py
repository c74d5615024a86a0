"""What an operator does to a server, and what the system does to it: limits, signals, files, damage, restarts.

Each check has a server of its own. Those of `ours` are what ironkeeper does otherwise than Apache, on purpose.
"""

import random
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ironlab import disk, ops, rundir
from ironlab.report import equal
from ironlab.server import Server, four_letters
from ironlab.wire import Client, Closed
from ironlab.writer import Writer

NAME = "operator"
OURS = "ironkeeper"
SEED = 99
INVALID_INVOCATION, DATADIR, UNEXPECTED = 2, 3, 1
STOPPED = {OURS: 0}  # a JVM ended by SIGTERM has 143
FAST = "tickTime=500\nmaxSessionTimeout=60000\n"

KAFKA = "maxClientCnxns=0\nadmin.enableServer=false\n"
SOLR = ("tickTime=2000\ninitLimit=5\nsyncLimit=2\n4lw.commands.whitelist=mntr,conf,ruok,srvr\n"
        "autopurge.snapRetainCount=3\nautopurge.purgeInterval=1\nmaxClientCnxns=60\n")


def tasks(report, kind):
    found = CHECKS + (CHECKS_OF_OURS if kind == OURS else [])
    return [partial(_checked, report, kind, check) for check in found]


def _checked(report, kind, check):
    report.run(NAME, kind, [check], kind)


def _serves(server):
    with Client(server.port) as client:
        equal(client.call("setData", path="/", data=b"x", version=-1).err, ops.OK, "setData")
        client.close_session()


def the_soft_limit_of_open_files_is_raised_to_the_hard_one(kind):
    with Server(kind, limits="ulimit -S -n 200") as server:
        lines = Path(f"/proc/{server.pid}/limits").read_text().splitlines()
        soft, hard = next(line.split()[3:5] for line in lines if line.startswith("Max open files"))
        equal(soft, hard, "soft limit")


def without_free_descriptors_accepting_pauses_and_goes_on(kind):
    """The clients that are there are served; it is said once; no time is burnt; later clients get in."""
    with Server(kind, "maxClientCnxns=0\n", limits="ulimit -n 60") as server, Client(server.port) as early:
        crowd = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(90)]
        server.wait_for(lambda: "cannot accept" in server.log(), "the shortage is told")
        began = server.cpu_seconds()
        time.sleep(1)  # the span that is measured
        used = server.cpu_seconds() - began
        assert used < 0.2, f"{used} s of processor time in a second without room"
        equal(early.call("exists", path="/", watch=False).err, ops.OK, "exists")
        for sock in crowd:
            sock.close()
        server.wait_for(lambda: _can_connect(server), "a new client gets in")
        equal(server.log().count("cannot accept"), 1, "lines about it")
        equal(server.stop(), 0, "exit code")


def _can_connect(server):
    try:
        _serves(server)
    except (Closed, OSError):
        return False
    return True


def sigterm_under_load_stops_in_order_and_loses_nothing(kind):
    with Server(kind, FAST) as server:
        writer = _writer(server)
        equal(_load(server, writer, 500, server.stop), STOPPED.get(kind, 143), "exit code")
        if kind == OURS:
            assert " stopped at zxid " in server.log_tail(1), server.log_tail(3)
        server.start()
        writer.verify(server.port)


def _writer(server):
    writer = Writer("/load", random.Random(SEED))
    writer.begin(server.port)
    return writer


def _load(server, writer, acks, end):
    """Writes until so many writes are acknowledged, then calls `end` under load; returns what it returns."""
    left = [acks]

    def on_ack():
        left[0] -= 1
    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(writer.play, on_ack)
        server.wait_for(lambda: left[0] <= 0 or playing.done(), f"{acks} writes")
        outcome = end()
        playing.result()
    return outcome


def sigquit_prints_the_state_and_the_server_goes_on(kind):
    with Server(kind) as server:
        server.signal(signal.SIGQUIT)
        words = "ironkeeper state: zxid" if kind == OURS else "Full thread dump"
        server.wait_for(lambda: words in server.log(), "the state is printed")
        _serves(server)


def sighup_and_sigpipe_are_harmless(kind):
    with Server(kind) as server:
        for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGPIPE):
            server.signal(number)
            _serves(server)
        equal(server.stop(), 0, "exit code")


def a_sigterm_while_it_starts_ends_it_too(kind):
    with Server(kind) as server:
        _fill(server, 3000)
        server.stop()
        server.launch()
        assert server.stop() in (0, -signal.SIGTERM), "exit code"  # before or after its handler is there
        server.start()


def _fill(server, count):
    with Client(server.port) as client:
        with client.together():
            for number in range(count):
                client.send("create", path=f"/fill-{number}", data=b"f" * 100, acl=ops.OPEN, flags=0)
        for _ in range(count):
            equal(client.reply().err, ops.OK, "create")
        client.close_session()


def without_an_address_both_families_are_served(kind):
    with Server(kind, address=None) as server:
        equal(four_letters(server.port, "ruok"), "imok", "over IPv4")
        if socket.has_ipv6 and Path("/proc/net/if_inet6").exists():
            with socket.create_connection(("::1", server.port), 5) as sock:
                sock.sendall(b"ruok")
                equal(sock.recv(100), b"imok", "over IPv6")


def one_line_tells_of_the_start(kind):
    with Server(kind) as server:
        _serves(server)
        server.restart()
        lines = [line for line in server.log().splitlines() if "serves clients on" in line]
        equal(len(lines), 2, "lines of two starts")
        for part in (f"127.0.0.1:{server.port}", f"dataDir {server.data}", "last zxid 0x3", "5 znodes", "started in"):
            assert part in lines[1], f"{part} is not in {lines[1]}"


def a_second_server_on_a_data_directory_is_refused(kind):
    with Server(kind) as first:
        second = Server(kind, data=first.data)
        second.launch()
        equal(second.wait(), DATADIR, "exit code")
        assert f"{first.version_2} is in use by another server" in second.log(), second.log()
        _serves(first)
        first.kill()
        second.start()  # the lock died with its holder
        second.kill()


def a_port_that_is_taken_ends_the_start(kind):
    with Server(kind) as first:
        second = Server(kind)
        second.port = first.port
        second.launch()
        equal(second.wait(), UNEXPECTED, "exit code")
        assert kind != OURS or f"cannot listen on 127.0.0.1:{first.port}" in second.log(), second.log()
        _serves(first)


def unknown_keys_are_warned_of_by_name_and_the_server_starts(kind):
    with Server(kind, "noSuchKey=1\nno.such.key=2\n") as server:
        for key in ("noSuchKey", "no.such.key"):
            lines = [line for line in server.log().splitlines() if key in line]
            assert kind != OURS or len(lines) == 1 and " WARN " in lines[0], f"{key}: {lines}"
        _serves(server)


def files_as_kafka_and_solr_ship_them_start(kind):
    for config in (KAFKA, SOLR):
        with Server(kind, config) as server:
            _serves(server)


def a_bad_zoo_cfg_ends_with_code_2_and_the_line_that_is_wrong(kind):
    wrong = [("tickTime=fast", "tickTime=fast"), ("clientPort=99999", "clientPort=99999"),
             ("minSessionTimeout=9000\nmaxSessionTimeout=5000", "minSessionTimeout=9000"),
             ("clientPortAddress=no such host", "clientPortAddress=no such host"),
             ("snapCount=\\u00zz", "zoo.cfg")]
    for config, named in wrong if kind == OURS else wrong[:1]:
        server = Server(kind, config)
        server.launch()
        equal(server.wait(), INVALID_INVOCATION, f"exit code for {config}")
        if kind == OURS:
            log = server.log()
            assert named in log and str(server.home / "zoo.cfg") in log, f"{config}: {log}"
            assert "panicked" not in log and len(log.splitlines()) == 1, f"{config}: {log}"


def a_bad_file_of_an_ensemble_ends_with_code_2_and_the_line_that_is_wrong(kind):
    limits, three = "initLimit=10\nsyncLimit=5\n", "".join(f"server.{sid}=127.0.0.1:{sid}:1{sid}\n" for sid in (1, 2, 3))
    observer = "server.2=127.0.0.1:2:12:observer"
    wrong = [("initLimit=10\n" + three, "syncLimit is not set"),
             (limits + f"server.1=127.0.0.1:1:11\n{observer}", observer),
             (limits + observer, observer),
             ("standaloneEnabled=false\n" + limits, "standaloneEnabled=false"),
             (limits + three + "electionAlg=1", "electionAlg=1"),
             (limits + three + "group.1=1:2", "server.3=127.0.0.1:3:13 is in no group"),
             (limits + three + "group.1=1:2\ngroup.2=2:3", "group.2=2:3"),
             (limits + three + "server.4=127.0.0.1:4:4", "server.4=127.0.0.1:4:4"),
             (limits + three + "server.4=127.0.0.1:4:14|127.0.0.2:4:14", "server.4=127.0.0.1:4:14|"),
             (limits + three + "version=x", "version=x"),
             (limits + three + "cnxTimeout=x", "cnxTimeout=x"),
             (limits + three + "dynamicConfigFile=zoo.cfg.dynamic", "must stand in the dynamic file")]
    for config, named in wrong:
        _is_refused(kind, config, named, sid=1)
    _is_refused(kind, limits + three, "myid: ")


def _is_refused(kind, config, named, sid=None):
    """The server ends with Apache's code for it; ours says why in one line."""
    server = Server(kind, config, sid=sid)
    try:
        server.launch()
        equal(server.wait(), INVALID_INVOCATION, f"exit code for {config}")
        log = server.log()
        assert kind != OURS or named in log and "panicked" not in log and len(log.splitlines()) == 1, f"{config}: {log}"
    finally:
        server.close()


def four_letter_answers_arrive_whole_whatever_the_client_still_sends(kind):
    """A close over unread bytes would be a reset, which takes the answer away."""
    with Server(kind) as server:
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", server.port), 5) as sock:
                sock.sendall(b"mntr" + b"\r\n" * 20_000)
                answer = b""
                while chunk := sock.recv(65536):
                    answer += chunk
                assert answer.startswith(b"zk_version\t") and answer.endswith(b"\n"), answer[:50]


def only_words_on_the_list_are_answered(kind):
    refused = "{} is not executed because it is not in the whitelist.\n"
    with Server(kind, "4lw.commands.whitelist=ruok, isro") as server:
        equal([server.ask("ruok"), server.ask("isro")], ["imok", "rw"], "words on the list")
        for word in ("mntr", "stat", "conf", "dump", "envi", "crst"):
            equal(server.ask(word), refused.format(word), word)
        assert "Mode: standalone" in server.ask("srvr"), "srvr, which always is"


def refusals_for_quotas_are_counted_in_mntr(kind):
    with Server(kind, properties={"zookeeper.enforceQuota": "true"}) as server, Client(server.port) as client:
        client.create("/app")
        client.create("/zookeeper/quota/app")
        client.create("/zookeeper/quota/app/zookeeper_limits", b"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2")
        client.create("/zookeeper/quota/app/zookeeper_stats", b"count=1,bytes=0")
        key = "zk_app_quota_exceeded_error_per_namespace"
        assert key not in server.mntr(), "no refusal yet"
        errors = [client.create(f"/app/{name}").err for name in "abc"]
        equal(errors, [0, -125, -125], "errors of the creates")
        equal(server.mntr()[key], "2", key)


def a_log_damaged_in_the_middle_is_refused_and_left_as_it_is(kind):
    with Server(kind, FAST) as server:
        _fill(server, 50)
        server.stop()
        log = disk.logs(server.version_2)[-1]
        record = disk.read_log(log)[20]
        _flip(log, record.offset + 12 + 40)
        before = _contents(server.version_2)
        server.launch()
        equal(server.wait(), UNEXPECTED, "exit code")
        if kind == OURS:
            assert f"{log} is damaged at offset {record.offset}" in server.log(), server.log_tail(3)
            equal(_contents(server.version_2), before, "files")


def _flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)


def _contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "ironkeeper.lock"}


def a_damaged_snapshot_is_passed_over_for_an_older_one(kind):
    with Server(kind, FAST) as server:
        for _ in range(2):
            _fill_more(server)
            _restart_with_snapshot(server)
        server.stop()
        newest = disk.snapshots(server.version_2)[-1]
        _flip(newest, newest.stat().st_size // 2)
        server.start()
        assert kind != OURS or newest.name in server.log(), "the snapshot is not named"
        with Client(server.port) as client:
            equal(client.call("getAllChildrenNumber", path="/more").body["totalNumber"], 40, "znodes")


def _fill_more(server):
    with Client(server.port) as client:
        client.create("/more")
        for _ in range(20):
            equal(client.create("/more/n", b"m" * 50, flags=ops.SEQUENTIAL).err, ops.OK, "create")
        client.close_session()


def _restart_with_snapshot(server):
    count = len(disk.snapshots(server.version_2))
    server.restart()
    server.wait_for(lambda: len(disk.snapshots(server.version_2)) > count and not list(server.version_2.glob("*.tmp")),
                    "the snapshot of the start is there")


def without_a_snapshot_that_loads_the_start_is_refused(kind):
    with Server(kind, FAST) as server:
        _fill_more(server)
        _restart_with_snapshot(server)
        server.stop()
        for path in disk.snapshots(server.version_2):
            _flip(path, path.stat().st_size // 2)
        server.launch()
        equal(server.wait(), UNEXPECTED, "exit code")
        if kind == OURS:
            newest = disk.snapshots(server.version_2)[-1].name
            assert newest in server.log() and "offset" in server.log(), server.log_tail(4)


def a_full_disk_ends_the_server_and_nothing_acknowledged_is_lost(kind):
    """A limit of the file size stands for the disk: the log cannot grow above it."""
    with Server(kind, FAST + "preAllocSize=16\nsnapCount=1000000\n", limits="ulimit -f 600") as server:
        writer = _writer(server)
        code = _load(server, writer, 10 ** 9, server.wait)
        assert writer.acked_zxid > 100, "nothing was written"
        # Apache's thread logs "error code 1", then its main thread ends normally.
        equal(code, UNEXPECTED if kind == OURS else 0, "exit code")
        if kind == OURS:
            lines = [line for line in server.log().splitlines() if "nothing is acknowledged any more" in line]
            assert len(lines) == 1 and "log." in lines[0], server.log_tail(4)
        server.limits = ""
        server.start()
        writer.verify(server.port)
        writer.leave()
        _serves(server)


def old_snapshots_and_logs_are_purged_at_the_start(kind):
    with Server(kind, FAST) as server:
        for _ in range(5):
            _fill_more(server)
            _restart_with_snapshot(server)
        before = disk.snapshots(server.version_2)
        assert len(before) >= 6, before
        old = [*before[:-3], disk.logs(server.version_2)[0]]
        server.config += "autopurge.purgeInterval=1\n"
        server.restart()
        server.wait_for(lambda: not any(path.exists() for path in old), "a purge")
        for path in before[-2:]:  # the third may go when the snapshot of this start came before the purge
            assert path.exists(), f"{path.name} is purged"
        server.restart()
        with Client(server.port) as client:
            equal(client.call("getAllChildrenNumber", path="/more").body["totalNumber"], 100, "znodes")


def snapshots_are_written_while_writes_go_on_and_logs_lie_in_their_own_directory(kind):
    logs = rundir.new("logs")
    with Server(kind, f"{FAST}snapCount=60\npreAllocSize=64\ndataLogDir={logs}\n") as server:
        writer = _writer(server)
        _load(server, writer, 1500, server.kill)
        snapshots, found = disk.snapshots(server.version_2), disk.logs(logs / "version-2")
        assert len(snapshots) > 3 and len(found) > 3, f"{len(snapshots)} snapshots, {len(found)} logs"
        equal((disk.logs(server.version_2), disk.snapshots(logs / "version-2")), ([], []), "mixed up files")
        server.start()
        writer.verify(server.port)
        writer.leave()
        server.stop()
        (logs / "version-2" / snapshots[0].name).write_bytes(snapshots[0].read_bytes())
        server.launch()
        equal(server.wait(), DATADIR, "exit code with a snapshot among the logs")
        assert kind != OURS or str(logs / "version-2") in server.log_tail(2), server.log_tail(3)


def a_session_has_its_whole_timeout_after_a_restart_and_then_expires(kind):
    timeout_s = 2
    with Server(kind, FAST) as server:
        with Client(server.port, timeout_ms=timeout_s * 1000) as left, Client(server.port, timeout_ms=8000) as kept:
            for name, client in (("/left", left), ("/kept", kept)):
                equal(client.create(name, flags=ops.EPHEMERAL).err, ops.OK, "create")
                client.cut()
        server.kill()
        time.sleep(timeout_s)  # an outage as long as the timeout
        server.start()
        began = time.monotonic()
        with Client(server.port, kept.session) as back:
            assert back.alive, "the session that came back is gone"
            equal(back.call("exists", path="/left", watch=True).err, ops.OK, "ephemeral after the restart")
            event = back.event()
            took = time.monotonic() - began
            equal((event.type, event.path), (ops.NODE_DELETED, "/left"), "event")
            assert timeout_s - 0.7 < took < timeout_s + 3, f"expired {took} s after the restart"
            equal(back.call("exists", path="/kept", watch=False).err, ops.OK, "the other session's ephemeral")


def containers_and_ttl_nodes_are_reaped_also_after_a_restart(kind):
    properties = {"zookeeper.extendedTypesEnabled": "true", "znode.container.checkIntervalMs": "100"}
    with Server(kind, FAST, properties) as server:
        with Client(server.port) as client:
            for name in ("used", "unused", "full"):
                equal(client.create(f"/{name}", flags=ops.CONTAINER, op="createContainer").err, ops.OK, "container")
            for name in ("/used/child", "/full/child"):
                client.create(name)
            client.create("/short", flags=ops.TTL, op="createTTL", ttl=300)
            client.create("/later", flags=ops.TTL, op="createTTL", ttl=3000)
            client.create("/long", flags=ops.TTL, op="createTTL", ttl=3_600_000)
            client.create("/parent", flags=ops.TTL, op="createTTL", ttl=1)
            client.create("/parent/child")
            client.call("delete", path="/used/child", version=-1)
            client.close_session()
        _wait_for_names(server, {"unused", "full", "later", "long", "parent"})
        server.kill()
        server.start()
        _wait_for_names(server, {"unused", "full", "long", "parent"})


def _wait_for_names(server, wanted):
    def found():
        with Client(server.port) as client:
            names = set(client.call("getChildren", path="/", watch=False).body["children"]) - {"zookeeper"}
            client.close_session()
        assert names >= wanted, f"{wanted - names} went too"
        return names == wanted
    server.wait_for(found, f"{wanted} are left")


CHECKS = [
    the_soft_limit_of_open_files_is_raised_to_the_hard_one,
    sigterm_under_load_stops_in_order_and_loses_nothing,
    sigquit_prints_the_state_and_the_server_goes_on,
    without_an_address_both_families_are_served,
    a_port_that_is_taken_ends_the_start,
    unknown_keys_are_warned_of_by_name_and_the_server_starts,
    files_as_kafka_and_solr_ship_them_start,
    a_bad_zoo_cfg_ends_with_code_2_and_the_line_that_is_wrong,
    a_bad_file_of_an_ensemble_ends_with_code_2_and_the_line_that_is_wrong,
    only_words_on_the_list_are_answered,
    a_log_damaged_in_the_middle_is_refused_and_left_as_it_is,
    a_damaged_snapshot_is_passed_over_for_an_older_one,
    without_a_snapshot_that_loads_the_start_is_refused,
    a_full_disk_ends_the_server_and_nothing_acknowledged_is_lost,
    old_snapshots_and_logs_are_purged_at_the_start,
    snapshots_are_written_while_writes_go_on_and_logs_lie_in_their_own_directory,
    a_session_has_its_whole_timeout_after_a_restart_and_then_expires,
    containers_and_ttl_nodes_are_reaped_also_after_a_restart,
]

# A JVM needs more descriptors than that, ends at SIGHUP, logs in its own way; Apache locks nothing and drains nothing.
CHECKS_OF_OURS = [
    without_free_descriptors_accepting_pauses_and_goes_on,
    sighup_and_sigpipe_are_harmless,
    a_sigterm_while_it_starts_ends_it_too,
    one_line_tells_of_the_start,
    a_second_server_on_a_data_directory_is_refused,
    four_letter_answers_arrive_whole_whatever_the_client_still_sends,
]
