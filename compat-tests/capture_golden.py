#!/usr/bin/env python3
"""Captures golden/ from running Apache servers: request and reply frames, logs, snapshots, and what they hold.

Run it again only to change what is captured: session ids and times differ in each capture. golden/README.md describes
the files.
"""

import argparse
import json
import shutil
from pathlib import Path

from ironlab import disk, ops, paths, tree
from ironlab.cases import Cases, Overflow
from ironlab.history import CONFIG, PROPERTIES, SESSION_TIMEOUT_MS, History
from ironlab.recorder import Recorder, to_json
from ironlab.server import SUPER_AUTH, Server
from ironlab.wire import Client

COMPRESSION = "zookeeper.snapshot.compression.method"
# Whatever refuses more when it is on; the containers of the cases are never reaped.
CASES_PROPERTIES = {"zookeeper.extendedTypesEnabled": "true", "zookeeper.enforceQuota": "true",
                    "znode.container.checkIntervalMs": "86400000"}
BARE_FRAME_COLUMNS = "connection, direction, op, frame in hex without its length"
FRAME_COLUMNS = f"{BARE_FRAME_COLUMNS}, the same decoded (bytes in hex)"
TXN_COLUMNS = "file, offset, checksum, record in hex, the same decoded (bytes in hex)"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=paths.GOLDEN, help="directory to write (default: golden/)")
    into = parser.parse_args().into
    full = into / "apache-3.9.5"
    capture_history(full, "apache-3.9.5", {}, ("gz", "snappy")).write(full / "frames.tsv", [FRAME_COLUMNS])
    write_txns(full / "txns.tsv", full / "version-2")
    capture_history(into / "apache-3.9.5-no-digest", "apache-3.9.5", {"zookeeper.digest.enabled": "false"}, ())
    capture_history(into / f"apache-{paths.APACHE_38}", "apache-3.8", {}, ())
    capture_requests(into / "requests.tsv")
    capture_cases(into / "cases", CASES_PROPERTIES)
    capture_cases(into / "cases-defaults", {})
    capture_overflow(into / "overflow")


def capture_history(into, kind, properties, compressions):
    """One directory: the scripted history with a restart in its middle, then a snapshot of everything.

    Returns the recorder of the history's frames.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    recorder = Recorder()
    properties = {**PROPERTIES, **properties}
    with Server(kind, CONFIG, properties) as server:
        history = _recorded_history(recorder)
        history.first_half(server.port)
        server.restart()
        history.second_half(server.port)
        held = tree.dump(server)
        server.stop()
        _copy_files(server.version_2, into / "version-2")
        _write_state(into / "state.json", server, held, history)
        for method in ("", *compressions):
            _snapshot_at_start(server, into / "later", method)
    return recorder


def _recorded_history(recorder):
    count = iter(range(1, 100))
    return History(lambda port, session: Client(
        port, session, SESSION_TIMEOUT_MS, record=recorder.client_record(f"c{next(count)}")))


def _copy_files(source, target):
    """Copies logs and snapshots; a log loses the zero bytes behind its last record."""
    target.mkdir()
    for path in disk.snapshots(source):
        shutil.copy(path, target)
    for path in disk.logs(source):
        (target / path.name).write_bytes(path.read_bytes()[:disk.length_without_padding(path)])


def _snapshot_at_start(server, target, method):
    """Starts the server once more: a start writes a snapshot of everything, here by one compression method."""
    before = set(disk.snapshots(server.version_2))
    server.properties = {**server.properties, COMPRESSION: method} if method else server.properties
    server.start()
    server.stop()
    target.mkdir(exist_ok=True)
    for path in set(disk.snapshots(server.version_2)) - before:
        shutil.move(path, target / path.name)


def _write_state(path, server, held, history, digest_mismatches=0, start_records=0):
    records = disk.records(path.parent / "version-2")
    state = {
        "properties": server.properties,
        "digest_mismatches": digest_mismatches,
        "start_records": start_records,
        "last_zxid": records[-1].header["zxid"],
        "tree_digest": disk.last_digest(path.parent / "version-2"),
        "sessions": [{"name": name, "id": session[0], "password": session[1].hex(), "timeout": SESSION_TIMEOUT_MS}
                     for name, session in history.live.items()],
        "closed_sessions": [session[0] for session in history.closed],
        "tree": held,
    }
    path.write_text(json.dumps(state, indent=1, ensure_ascii=False) + "\n")


def write_txns(path, version_2):
    lines = [f"# {TXN_COLUMNS}"]
    for record in disk.records(version_2):
        fields = {"header": record.header, "txn": record.txn, "digest": record.digest}
        lines.append("\t".join((record.file, str(record.offset), str(record.checksum), record.data.hex(),
                                to_json(fields))))
    path.write_text("\n".join(lines) + "\n")


def capture_requests(path):
    """Every other kind of frame: reads, watches and their events, auth, refused requests, forms of connect."""
    recorder = Recorder()
    with Server("apache-3.9.5", CONFIG, PROPERTIES) as server:
        _reads(server.port, recorder)
        _watches(server.port, recorder)
        _refusals(server.port, recorder)
        _connects(server.port, recorder)
    recorder.write(path, [FRAME_COLUMNS])


def capture_cases(into, properties):
    """The history of `cases`: its frames, the log that it made, and what the server held at the end."""
    recorder = Recorder()
    with Server("apache-3.9.5", CONFIG, properties) as server:
        _play_cases(into, server, Cases(_cases_client(recorder)), recorder, start_records=0)


def capture_overflow(into):
    """A counter of children at its end, which a log is made to begin with."""
    recorder = Recorder()
    overflow = Overflow(_cases_client(recorder))
    with Server("apache-3.9.5", CONFIG) as server:
        overflow.begin(server.port)
        server.stop()
        recorder.rows.clear()
        log, = disk.logs(server.version_2)
        overflow.near_the_end(log)
        server.start()
        _play_cases(into, server, overflow, recorder, start_records=len(disk.read_log(log)))


def _cases_client(recorder):
    return lambda port, name: Client(port, timeout_ms=SESSION_TIMEOUT_MS, record=recorder.client_record(name))


def _play_cases(into, server, history, recorder, start_records):
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    history.play(server.port)
    held = tree.dump(server)
    mismatches = int(server.mntr()["zk_digest_mismatches_count"])
    server.stop()
    _copy_files(server.version_2, into / "version-2")
    _write_state(into / "state.json", server, held, history, digest_mismatches=mismatches, start_records=start_records)
    recorder.write(into / "frames.tsv", [BARE_FRAME_COLUMNS], decoded=False)


def _client(port, recorder, name, **options):
    return Client(port, record=recorder.client_record(name), **options)


def _reads(port, recorder):
    client = _client(port, recorder, "reads")
    client.create("/r", b"data")
    client.create("/r/child", None)
    client.create("/r/mine", b"e", flags=ops.EPHEMERAL)
    for op in ("exists", "getData", "getChildren", "getChildren2"):
        client.call(op, path="/r", watch=False)
        client.call(op, path="/none", watch=False)
    client.call("getData", path="/r/child", watch=False)
    client.call("getACL", path="/r")
    client.call("getAllChildrenNumber", path="/r")
    client.call("getEphemerals", prefixPath="/r")
    client.call("sync", path="/r")
    client.call("ping", xid=ops.XID_PING)
    client.add_auth("digest", b"ann:secret")
    client.call("whoAmI")
    client.multi_read(("getData", {"path": "/r", "watch": False}), ("getChildren", {"path": "/r", "watch": False}),
                      ("getData", {"path": "/none", "watch": False}))
    client.close_session()


def _watches(port, recorder):
    watcher = _client(port, recorder, "watcher")
    writer = _client(port, recorder, "writer")
    writer.create("/w")
    start = writer.create("/w/a").zxid
    watcher.call("exists", path="/w/new", watch=True)
    watcher.call("getData", path="/w/a", watch=True)
    watcher.call("getChildren", path="/w", watch=True)
    watcher.call("addWatch", path="/w", mode=0)
    watcher.call("addWatch", path="/w", mode=1)
    watcher.call("checkWatches", path="/w/a", type=2)
    watcher.call("removeWatches", path="/none", type=3)
    writer.create("/w/new")
    writer.call("setData", path="/w/a", data=b"1", version=-1)
    writer.call("delete", path="/w/a", version=-1)
    watcher.take_events()
    watcher.call("removeWatches", path="/w", type=4)
    watcher.call("setWatches", xid=ops.XID_SET_WATCHES, relativeZxid=start, dataWatches=["/w/a", "/w"],
                 existWatches=["/w/new"], childWatches=["/w"])
    watcher.call("setWatches2", xid=ops.XID_SET_WATCHES, relativeZxid=start, dataWatches=["/w"], existWatches=[],
                 childWatches=[], persistentWatches=["/w"], persistentRecursiveWatches=["/w/new"])
    watcher.close_session()
    writer.close_session()


def _refusals(port, recorder):
    client = _client(port, recorder, "refused")
    client.call_raw(4, b"\0\0\0\x7f/too-short")
    client.call("reconfig", joiningServers=None, leavingServers=None, newMembers=None, curConfigId=-1)
    client.call("addWatch", path="/", mode=7)
    client.multi(("getData", {"path": "/", "watch": False}), ("check", {"path": "/", "version": -1}))
    client.call_raw(77)
    with _client(port, recorder, "refused-auth") as other:
        other.add_auth("nosuch", b"x")
    with _client(port, recorder, "super") as boss:
        boss.add_auth("digest", SUPER_AUTH)
        boss.call("whoAmI")
        boss.close_session()


def _connects(port, recorder):
    old = _client(port, recorder, "connect-short", read_only_byte=None)
    old.close_session()
    _client(port, recorder, "connect-null-password", session=(0, None)).close_session()
    _client(port, recorder, "connect-short-timeout", timeout_ms=1).close_session()
    _client(port, recorder, "connect-closed-session", session=old.session).close()


if __name__ == "__main__":
    main()
