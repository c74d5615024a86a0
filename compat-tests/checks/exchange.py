"""A data directory goes from one server to another and back: nothing in it may change, and both write on in it.

Each journey has three servers on one directory: the writer plays the first half of the history, the middle one goes on
with the second half in the same sessions, the reader shows what is left.
"""

import json
import os
from dataclasses import dataclass, field
from functools import partial

from ironlab import disk, history, ops, paths, snapshot, tree
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client

NAME = "exchange"
ORACLE = "apache-3.9.5"
COMPRESSION = "zookeeper.snapshot.compression.method"


@dataclass
class Journey:
    """Which servers take part and how the directory looks when it is handed over.

    `hand_over` is called between the writer's end and the middle server's start.
    """

    claim: str
    writer: str
    middle: str
    reader: str
    hand_over: callable = lambda server: None
    properties: dict = field(default_factory=dict)


def tasks(report, kind):
    """The journeys, which need nothing of each other."""
    return [partial(_checked, report, kind, *task) for task in _journey_tasks(kind) + _torn_tasks(kind)]


def _checked(report, kind, claim, function, *arguments):
    with report.check(NAME, kind, claim):
        function(*arguments)


def _journey_tasks(kind):
    return [(journey.claim, _travel, journey) for journey in _journeys(kind)]


def _torn_tasks(kind):
    places = {"in its checksum": lambda length: 6, "before its last byte": lambda length: length - 1}
    return [(f"a last record of {writer} torn {place} is cut by {reader}", _torn, writer, reader, kept)
            for writer, reader in dict.fromkeys([(ORACLE, kind), (kind, ORACLE)]) for place, kept in places.items()]


def _journeys(kind):
    """Both directions with each form of directory; the first half comes back to its writer's kind in the end."""
    found = []
    for writer, middle in dict.fromkeys([(ORACLE, kind), (kind, ORACLE)]):
        way = f"from {writer} to {middle} and back"
        found += [Journey(f"a log replayed {way}", writer, middle, writer)]
        found += [Journey(f"a {name} snapshot alone {way}", writer, middle, writer, _keep_only_the_snapshot,
                          {COMPRESSION: method} if method else {})
                  for name, method in (("plain", ""), ("gz", "gz"), ("snappy", "snappy"))]
        found += [Journey(f"files without digests {way}", writer, middle, writer,
                          properties={"zookeeper.digest.enabled": "false"})]
    found += [Journey(f"a log of Apache 3.8 to {kind}", "apache-3.8", kind, ORACLE),
              Journey(f"a snapshot of Apache 3.8 to {kind}", "apache-3.8", kind, ORACLE, _keep_only_the_snapshot)]
    return found


def _server(kind, properties, data=None):
    return Server(kind, history.CONFIG, {**history.PROPERTIES, **properties}, data)


def _travel(journey):
    play = history.History()
    with _server(journey.writer, journey.properties) as writer:
        _leave_zxid_0(writer)
        play.first_half(writer.port)
        before = tree.dump(writer)
        writer.stop()
        journey.hand_over(writer)
        with _server(journey.middle, journey.properties, writer.data) as middle:
            _same(before, tree.dump(middle))
            _check_sessions(middle, play)
            play.second_half(middle.port)
            after = tree.dump(middle)
            _no_mismatch(middle)
            middle.stop()
        with _server(journey.reader, journey.properties, writer.data) as reader:
            _same(after, tree.dump(reader))
            _check_sessions(reader, play)
            _no_mismatch(reader)
            reader.stop()
        _check_shape(after, play)
        _check_digests(writer, journey)


def _same(left, right):
    found = tree.differences(left, right)
    assert not found, "the trees differ:\n" + "\n".join(found)


def _check_sessions(server, play):
    for name, session in play.live.items():
        assert tree.alive(server, session), f"session {name} is gone"
    for session in play.closed:
        assert not tree.alive(server, session), f"closed session {session[0]:#x} came back"


def _no_mismatch(server):
    equal(server.mntr()["zk_digest_mismatches_count"], "0", f"digest mismatches of {server.kind}")


def _check_shape(held, play):
    """The history ends in the same tree whoever played it: compared with the golden capture, but for times and ids."""
    golden = json.loads((paths.GOLDEN / ORACLE / "state.json").read_text())
    owners = {entry["id"]: entry["name"] for entry in golden["sessions"]}
    ours = {session[0]: name for name, session in play.live.items()}
    _same(_shape(golden["tree"], owners), _shape(held, ours))


_VARYING = ("czxid", "mzxid", "pzxid", "ctime", "mtime")


def _shape(held, owners):
    def stat(node):
        kept = {name: value for name, value in node["stat"].items() if name not in _VARYING}
        return {**kept, "ephemeralOwner": owners.get(kept["ephemeralOwner"], kept["ephemeralOwner"])}
    return {path: {**node, "stat": stat(node)} for path, node in held.items()}


def _check_digests(server, journey):
    """For each snapshot, the digest computed here from its nodes is the one in it and in the record of its zxid."""
    digests_on = journey.properties.get("zookeeper.digest.enabled") != "false"
    for path in disk.snapshots(server.version_2):
        if path.suffix == ".snappy":
            continue  # the standard library cannot read it; a server has, just now
        found = snapshot.read(path)
        computed = snapshot.tree_digest(found.nodes)
        may_be = (computed, 0) if digests_on else (None,)  # 0: no txn was applied since the load
        assert found.digest in may_be, f"{path.name} has digest {found.digest}, its nodes give {computed}"
        logged = _digest_at(server.version_2, disk.zxid_of(path))
        if logged is not None:
            equal(logged, computed, f"digest in the record of {path.name}")
    for record in disk.records(server.version_2):
        has_digest = digests_on and record.header["type"] != -1  # Apache gives a refused write none
        equal(record.digest is not None, has_digest, f"a digest in record {record.header['zxid']:#x}")


def _digest_at(version_2, zxid):
    """The tree digest in the record of a zxid, None where there is no such record or no digest."""
    return next((record.digest and record.digest["treeDigest"] for record in disk.records(version_2)
                 if record.header["zxid"] == zxid), None)


def _keep_only_the_snapshot(server):
    """Lets the writer start once more, which writes a snapshot of everything, and removes all other files."""
    last = disk.records(server.version_2)[-1].header["zxid"]
    server.launch()
    server.wait_until_serving()
    name = f"snapshot.{last:x}{_suffix(server.properties.get(COMPRESSION))}"
    server.wait_for(lambda: (server.version_2 / name).exists(), f"{name} is written")
    server.stop()
    for path in server.version_2.iterdir():
        if path.name != name and path.name.startswith(("log.", "snapshot.")):
            path.unlink()


def _suffix(method):
    return f".{method}" if method else ""


def _leave_zxid_0(server):
    """Restarts with a snapshot above zxid 0: a server that starts from snapshot.0 compares no digests in the log.

    Apache keeps the zero digest of such a snapshot and waits for its zxid for ever: server/DataTree.java compareDigest.
    """
    with Client(server.port) as client:
        zxid = client.close_session().zxid
    server.restart()
    server.wait_for(lambda: any(server.version_2.glob(f"snapshot.{zxid:x}*")), "the snapshot of the start is there")


def _torn(writer_kind, reader_kind, kept):
    """Cuts the last log in its last record: the reader shows the state before that record and goes on."""
    play = history.History()
    with _server(writer_kind, {}) as writer:
        _leave_zxid_0(writer)
        play.first_half(writer.port)
        before = tree.dump(writer)
        with Client(writer.port, play.live["one"]) as client:
            equal(client.call("setData", path="/plain/b", data=b"torn away" * 20, version=-1).err, ops.OK, "setData")
            client.cut()
        writer.kill()
        _tear(disk.logs(writer.version_2)[-1], kept)
        with _server(reader_kind, {}, writer.data) as reader:
            _same(before, tree.dump(reader))
            play.second_half(reader.port)
            after = tree.dump(reader)
            _no_mismatch(reader)
            reader.stop()
        with _server(ORACLE, {}, writer.data) as oracle:
            _same(after, tree.dump(oracle))
            _check_sessions(oracle, play)
            _no_mismatch(oracle)


def _tear(log, kept):
    """Cuts a log within its last record, of which `kept(length)` bytes stay; the padding goes too."""
    last = disk.read_log(log)[-1]
    os.truncate(log, last.offset + kept(12 + len(last.data) + 1))
