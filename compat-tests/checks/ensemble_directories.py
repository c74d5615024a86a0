"""Data directories go from a standalone server to an ensemble and back, and from one kind of ensemble to another.

Whoever comes next has the same znodes, sessions and ephemerals, and writes on with later zxids.
"""

import shutil
from functools import partial

from ironlab import disk, history, ops, rundir, tree
from ironlab.ensemble import Ensemble, three
from ironlab.report import equal
from ironlab.server import Server
from ironlab.wire import Client

NAME = "ensemble directories"
ORACLE = "apache-3.9.5"
SETTINGS = f"tickTime=500\ninitLimit=40\nsyncLimit=40\n{history.CONFIG}"
FILES = ("version-2",)


def tasks(report, kind):
    """Apart from each other, but the ensembles of one kind one after the other: they are large."""
    return [partial(_all, report, kind)]


def _all(report, kind):
    for claim, journey in _journeys(kind):
        with report.check(NAME, kind, claim):
            journey()


def _journeys(kind):
    found = [(f"standalone {alone} to an ensemble of {kind} and back to standalone {alone}", partial(_out_and_back, alone, kind))
             for alone in dict.fromkeys([kind, ORACLE])]
    if kind != ORACLE:
        found.append((f"an ensemble of {ORACLE} to one of {kind} and home again", partial(_taken_over, ORACLE, kind)))
    return found


def _standalone(kind, data=None):
    return Server(kind, f"tickTime=500\n{history.CONFIG}", history.PROPERTIES, data)


def _ensemble(kind, members, data):
    return Ensemble(kind, members, data, properties=history.PROPERTIES)


def _out_and_back(alone, kind):
    """Standalone, three servers that each begin with a copy, standalone again on the files of one that followed."""
    play = history.History()
    with _standalone(alone) as first:
        play.first_half(first.port)
        before = _dump(first)
        first.stop()
        copies = {sid: _copy(first.data) for sid in (1, 2, 3)}
    last = _last_zxid(copies[1])
    with _ensemble(kind, three(SETTINGS), copies) as ensemble:
        _all_have(ensemble, before, play)
        follower = ensemble.of("follower")
        play.second_half(follower.port)
        middle = _last_client_zxid(follower)
        assert middle >> 32 > last >> 32, f"zxid {middle:#x} of the ensemble after {last:#x}"
        after = _settled_tree(ensemble, play)
        ensemble.stop()
        _zxids_rise(follower.version_2)
        with _standalone(alone, follower.data) as home:
            equal(tree.differences(after, _dump(home)), [], "differences at home")
            _sessions_are(home, play)
            assert _last_client_zxid(home) > middle, "zxids went back"
            _no_mismatch(home)
            home.stop()
        _zxids_rise(follower.version_2)


def _taken_over(first_kind, second_kind):
    """The same three directories and members under one kind, the other, and the first again."""
    play = history.History()
    members = three(SETTINGS)
    data = {sid: rundir.new("member") for sid in members.sids}
    with _ensemble(first_kind, members, data) as first:
        play.first_half(first.of("follower").port)
        before = _settled_tree(first, play)
        last = _last_client_zxid(first.leader)
        first.stop()
    with _ensemble(second_kind, members, data) as second:
        _all_have(second, before, play)
        play.second_half(second.of("follower").port)
        after = _settled_tree(second, play)
        middle = _last_client_zxid(second.leader)
        second.stop()
    with _ensemble(first_kind, members, data) as home:
        _all_have(home, after, play)
        end = _last_client_zxid(home.leader)
        for server in home.servers.values():
            _no_mismatch(server)
        home.stop()
    epochs = [zxid >> 32 for zxid in (last, middle, end)]
    assert epochs[0] < epochs[1] < epochs[2], f"epochs {epochs}"
    for directory in data.values():
        _zxids_rise(directory / "version-2")


def _dump(server):
    """All znodes but the one in which each start writes down the configuration."""
    return {path: node for path, node in tree.dump(server).items() if path != "/zookeeper/config"}


def _copy(data):
    target = rundir.new("copy")
    for name in FILES:
        shutil.copytree(data / name, target / name)
    return target


def _all_have(ensemble, expected, play):
    """Every server shows this tree, and every session can be come back to at every server."""
    _last_client_zxid(ensemble.leader)  # after an election the members say other zxids until the first txn
    ensemble.wait_until_level()
    for sid, server in ensemble.servers.items():
        equal(tree.differences(expected, _dump(server)), [], f"differences at server {sid}")
        _sessions_are(server, play)
        _no_mismatch(server)


def _settled_tree(ensemble, play):
    """What the leader has, once it is what all have."""
    dumped = _dump(ensemble.leader)
    _all_have(ensemble, dumped, play)
    return dumped


def _sessions_are(server, play):
    for name, session in play.live.items():
        assert tree.alive(server, session), f"session {name} is gone"
    for session in play.closed:
        assert not tree.alive(server, session), f"closed session {session[0]:#x} came back"


def _no_mismatch(server):
    equal(server.mntr()["zk_digest_mismatches_count"], "0", f"digest mismatches of {server.kind}")


def _last_client_zxid(server):
    """The zxid of a write that is made now."""
    with Client(server.port) as client:
        equal(client.call("sync", path="/").err, ops.OK, "sync")
        return client.close_session().zxid


def _last_zxid(data):
    return disk.records(data / "version-2")[-1].header["zxid"]


def _zxids_rise(version_2):
    zxids = [record.header["zxid"] for record in disk.records(version_2)]
    equal(zxids, sorted(set(zxids)), "zxids in the log")
