#!/usr/bin/env python3
"""Captures golden/quorum/ from running Apache 3.9.5 servers: what they say on election and quorum ports.

One server at a time is real; its peers are played here, so that each kind of packet comes when it is wanted. Run it again
only to change what is captured: ids, times and ports differ in each capture. golden/README.md describes the files.
"""

import argparse
from contextlib import closing
from pathlib import Path

from ironlab import disk, java_random, jute, ops, paths, ports, quorum
from ironlab.members import PATIENT, Members
from ironlab.played import Followed, Led
from ironlab.quorum import TIMEOUT_S, later, zxid
from ironlab.recorder import to_json
from ironlab.server import SUPER_AUTH, Server
from ironlab.wire import Client

APACHE = "apache-3.9.5"
PACKET_COLUMNS = "name, direction, type, packet in hex, the same decoded (bytes in hex), what it is"
STREAM_COLUMNS = "name, stream in hex, the same decoded (bytes in hex), what it is"
ELECTION_COLUMNS = "name, kind, bytes in hex (a notification's without their length), the same decoded, what it is"
OLD_SESSION = 0x1_0000_0000_0077
ANN = b"ann:secret"


class Golden:
    """The rows of the three files."""

    def __init__(self):
        self.packets, self.streams, self.election = [], [], []

    def to_leader(self, name, packet, what):
        self.packets.append((name, "to-leader", packet.type, packet.raw.hex(), to_json(_fields(packet, True)), what))
        return packet

    def to_learner(self, name, packet, what):
        self.packets.append((name, "to-learner", packet.type, packet.raw.hex(), to_json(_fields(packet, False)), what))
        return packet

    def stream(self, name, stream, what):
        (sessions, acls, nodes), raw = stream
        decoded = {"sessions": sessions, "acls": acls, "nodes": nodes}
        self.streams.append((name, raw.hex(), to_json(decoded), what))

    def first_bytes(self, name, first, what):
        (version, sid, address), raw = first
        decoded = {"version": version, "sid": sid, "address": address}
        self.election.append((name, "first-bytes", raw.hex(), to_json(decoded), what))

    def notification(self, name, note, what):
        decoded = {"state": note.state, "leader": note.leader, "zxid": note.zxid, "round": note.round,
                   "epoch": note.epoch, "version": note.version, "config": note.config.decode()}
        self.election.append((name, "notification", note.raw.hex(), to_json(decoded), what))
        return note

    def write(self, into):
        into.mkdir(parents=True, exist_ok=True)
        _write(into / "packets.tsv", PACKET_COLUMNS, self.packets)
        _write(into / "snapshots.tsv", STREAM_COLUMNS, self.streams)
        _write(into / "election.tsv", ELECTION_COLUMNS, self.election)


def _write(path, columns, rows):
    names = [row[0] for row in rows]
    assert len(set(names)) == len(names), f"{path.name} has a name twice"
    path.write_text("\n".join([f"# {columns}", *("\t".join(map(str, row)) for row in rows)]) + "\n")


# What the data of a packet holds, field by field; the rest of it is `body`, or a txn.
_DATA = {
    "FOLLOWERINFO": "serverid:long protocolVersion:int configVersion:long",
    "OBSERVERINFO": "serverid:long protocolVersion:int configVersion:long",
    "ACKEPOCH": "currentEpoch:int",
    "REQUEST": "session:long cxid:int op:int",
    "LEADERINFO": "protocolVersion:int",
    "COMMITANDACTIVATE": "leader:long",
    "INFORMANDACTIVATE": "leader:long",
}
_REVALIDATE = {True: "session:long timeout:int", False: "session:long valid:boolean"}
_TXNS = ("PROPOSAL", "INFORM", "INFORMANDACTIVATE")


def _fields(packet, to_leader):
    fields = {"zxid": packet.zxid, "authinfo": packet.authinfo}
    reader = jute.Reader(packet.data or b"")
    form = _REVALIDATE[to_leader] if packet.type == "REVALIDATE" else _DATA.get(packet.type, "")
    fields |= {name: reader.read(kind) for name, kind in (field.split(":") for field in form.split())}
    if packet.type in _TXNS:
        header, txn, digest = disk.parse_txn(reader.rest())
        return fields | {"header": header, "txn": txn, "digest": digest}
    if packet.type == "PING" and to_leader:
        return fields | {"touched": _touched(reader)}
    if packet.type == "NEWLEADER":
        return fields | {"config": reader.rest().decode()}
    return fields if reader.done() and packet.type != "REQUEST" else fields | {"body": reader.rest()}


def _touched(reader):
    found = []
    while not reader.done():
        found.append({"session": reader.read("long"), "timeout": reader.read("int")})
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=paths.GOLDEN / "quorum",
                        help="directory to write (default: golden/quorum/)")
    into = parser.parse_args().into
    golden = Golden()
    leading(golden)
    following(golden)
    observing(golden)
    reconfiguring(golden)
    with_several_addresses(golden)
    golden.write(into)


def leading(golden):
    """What a leader says: server 3 is real, 1 follows all the time, 2 comes and goes, 4 observes."""
    with Led(APACHE, observers=(4,)) as led:
        golden.first_bytes("first-bytes", led.first_bytes, "what server 3 says first to server 1, whose sid is the smaller")
        golden.notification("looking", led.looking, "first round, of a server without history: votes for itself")
        info, diff, new_leader, up_to_date = led.follow()
        golden.to_learner("leader-info", info, "epoch 1, the first")
        golden.to_learner("diff-empty", diff, "leader and follower have no history: zxid 0, though epoch 1 has begun")
        golden.to_learner("new-leader", new_leader, "reconfigEnabled is false: the configuration's version stays 0")
        golden.to_learner("up-to-date", up_to_date, "the leader serves")
        golden.to_learner("ping-leader-empty", led.follower.read(), "nothing is proposed yet: the zxid is the epoch's")
        _keep_answer(led.look(), quorum.LEADING, golden)
        _snapshot_before_the_first_txn(led, golden)
        client = _writes(led, golden)
        _synchronise(led, client, golden)
        _answers(led.follower, client, golden)


def _keep_answer(link, state, golden):
    while (note := link.read()).state != state:
        pass
    names = {quorum.FOLLOWING: "following", quorum.LEADING: "leading", quorum.OBSERVING: "observing"}
    golden.notification(names[state], note, "the answer to a server that looks: its leader's vote")


def _snapshot_before_the_first_txn(led, golden):
    with led.learner(2) as late:
        late.accept(0, 0)
        golden.to_learner("snap-empty", late.until("SNAP"), "to a follower with no history, before the first txn")
        golden.stream("empty", late.snapshot_stream(), "behind snap-empty")


def _writes(led, golden):
    proposal, commit, client = led.written(Client, led.server.port)
    golden.to_learner("proposal-create-session", proposal, "createSession, with digest")
    golden.to_learner("commit", commit, "of proposal-create-session")
    client.add_auth("digest", ANN)
    create = lambda *arguments, **options: led.written(client.create, *arguments, **options)[0]
    golden.to_learner("proposal-create", create("/open", b"1"), "create, open to the world")
    golden.to_learner("proposal-create-acl", create("/mine", b"2", acl=ops.CREATOR_ALL), "create, for the creator alone")
    golden.to_learner("proposal-error", create("/open", b"again"), "a refused write: type -1, no digest")
    golden.to_learner("proposal-ephemeral", create("/here", b"3", flags=ops.EPHEMERAL), "create, ephemeral")
    multi = led.written(client.multi, ("setData", {"path": "/open", "data": None, "version": -1}),
                        ("create", {"path": "/open/child", "data": b"4", "acl": ops.OPEN, "flags": 0}))
    golden.to_learner("proposal-multi", multi[0], "multi of setData and create")
    return client


def _synchronise(led, client, golden):
    """Learners that come with histories of all kinds; the last one stays, and sees a write."""
    last = client.last_zxid
    with led.learner(2, accepted_epoch=1) as equal:
        golden.to_learner("leader-info-same", equal.accept(last, -1), "the follower had accepted the epoch before")
        golden.to_learner("diff-equal", equal.read(), "the follower has all")
    with led.learner(2) as behind:
        behind.accept(last - 2, 1)
        diff, first, commit, *_ = behind.history()
        golden.to_learner("diff-behind", diff, "two txns follow, each with its COMMIT: the zxid is that of the last")
        golden.to_learner("diff-proposal", first, "the first of them")
        golden.to_learner("diff-commit", commit, "its COMMIT")
    with led.learner(2) as ahead:
        ahead.accept(last + 5, 1)
        golden.to_learner("trunc", ahead.read(), "the follower has five txns too many")
    with led.learner(2) as empty:
        empty.accept(0, 0)
        golden.to_learner("snap", empty.read(), "to a follower without history")
        golden.stream("small", empty.snapshot_stream(), "behind snap: a session with an ephemeral, three lists, null data")
    observer = led.learner(4, kind="OBSERVERINFO")
    observer.join(last, 1)
    proposal = led.written(client.create, "/more", b"5")[0]
    inform = observer.until("INFORM")
    assert inform.data == proposal.data
    golden.to_learner("inform", inform, "a committed create, to an observer")
    golden.to_learner("ping-leader", led.follower.until("PING"), "the zxid is the last proposed")


def _answers(follower, client, golden):
    session = client.session[0]
    follower.send("REVALIDATE", -1, jute.encode("long", session) + jute.encode("int", 30000))
    golden.to_learner("revalidate-valid", follower.until("REVALIDATE"), "the session lives")
    follower.send("REVALIDATE", -1, jute.encode("long", OLD_SESSION) + jute.encode("int", 30000))
    golden.to_learner("revalidate-invalid", follower.until("REVALIDATE"), "no such session")
    head = jute.encode("long", session) + jute.encode("int", 7)
    follower.send("REQUEST", -1, head + jute.encode("int", ops.OPS["sync"][0]) + jute.encode("ustring", "/open"))
    golden.to_learner("sync", follower.until("SYNC"), "answers the sync of a follower's client")
    follower.send("REQUEST", -1, head + jute.encode("int", ops.OPS["closeSession"][0]))
    golden.to_learner("proposal-close-session", follower.acknowledge(), "closeSession, with the ephemeral's path")


def following(golden):
    """What a follower says: server 3 is real, 1 leads, 2 looks on."""
    with Followed(APACHE) as followed:
        _epoch_accepted_twice(followed, golden)
        golden.notification("looking-later", followed.vote(), "third round: two leaders were lost")
        with followed.port.accept() as learner:
            hello, accepted, first, again = learner.lead(2, followed.config)
            golden.to_leader("follower-info-later", hello, "epoch 1 is accepted")
            golden.to_leader("ack-epoch", accepted, "of epoch 2, by a server without history")
            golden.to_leader("ack-new-leader", first, "of NEWLEADER")
            golden.to_leader("ack-up-to-date", again, "of UPTODATE: the same bytes")
            followed.server.wait_until_serving()
            _keep_answer(followed.look(), quorum.FOLLOWING, golden)
            _clients_of_a_follower(followed, learner, golden)
        _epoch_behind_a_history(followed, golden)


def _epoch_accepted_twice(followed, golden):
    names = (("follower-info", "of a server that has accepted no epoch"),
             ("ack-epoch-first", "of epoch 1: the epoch of the history is 0, and there is none"),
             ("follower-info-again", "epoch 1 is accepted, its leader was lost before NEWLEADER"),
             ("ack-epoch-again", "epoch 1 was accepted before: -1 says that it must not count twice"))
    for hello_name, accepted_name in (names[:2], names[2:]):
        with followed.elected() as learner:
            hello, accepted = learner.admit(1)
            golden.to_leader(hello_name[0], hello, hello_name[1])
            golden.to_leader(accepted_name[0], accepted, accepted_name[1])


def _epoch_behind_a_history(followed, golden):
    golden.notification("looking-with-history", followed.vote(), "epoch 2 and one txn in it")
    with followed.port.accept() as learner:
        hello, accepted = learner.admit(3)
        golden.to_leader("follower-info-with-history", hello, "epoch 2 is accepted")
        golden.to_leader("ack-epoch-with-history", accepted, "of epoch 3: a history of epoch 2 with one txn in it")


def _clients_of_a_follower(followed, learner, golden):
    connecting = later(Client, followed.server.port)
    request = learner.until("REQUEST")
    golden.to_leader("request-create-session", request, "createSession: the body is the timeout in ms; no ids")
    ack = followed.create_session(learner, request, zxid(2, 1))
    golden.to_leader("ack-proposal", ack, "of a proposal: it is on disk")
    client = connecting.result(TIMEOUT_S)
    learner.send("PING", zxid(2, 1))
    golden.to_leader("ping-touched", learner.until("PING"), "a session was heard of")
    learner.send("PING", zxid(2, 1))
    golden.to_leader("ping-untouched", learner.until("PING"), "none since the PING before: empty data, not null")
    _requests(client, learner, golden)
    moved = _revalidations(followed.server, client, learner, golden)
    moved.send("closeSession")
    golden.to_leader("request-close-session", learner.until("REQUEST"), "closeSession: no body")


def _requests(client, learner, golden):
    """Requests that are left without an answer: the follower forwards the next one all the same."""
    def forwarded(name, what, op, **fields):
        client.send(op, **fields)
        golden.to_leader(name, learner.until("REQUEST"), what)

    forwarded("request-create", "a create: the only id is the address", "create", path="/a", data=b"1", acl=ops.OPEN,
              flags=ops.PERSISTENT)
    client.send("auth", xid=ops.XID_AUTH, type=0, scheme="digest", auth=ANN)
    forwarded("request-create-digest", "a create of a client that is ann too", "create", path="/b", data=None,
              acl=ops.CREATOR_ALL, flags=ops.EPHEMERAL)
    forwarded("request-set-data", "setData", "setData", path="/a", data=b"2", version=0)
    forwarded("request-sync", "sync", "sync", path="/a")
    client.send_multi(("check", {"path": "/a", "version": 1}), ("delete", {"path": "/b", "version": -1}))
    golden.to_leader("request-multi", learner.until("REQUEST"), "multi of check and delete")


def _revalidations(server, client, learner, golden):
    """Returns the client's new connection, which has ended the old one."""
    moving = later(Client, server.port, session=client.session)
    golden.to_leader("revalidate", learner.until("REVALIDATE"), "a client comes with a session of the ensemble")
    learner.send("REVALIDATE", -1, jute.encode("long", client.session[0]) + b"\1")
    moved = moving.result(TIMEOUT_S)
    assert moved.alive
    stranger = later(Client, server.port, session=(OLD_SESSION, java_random.password(OLD_SESSION)), timeout_ms=9000)
    golden.to_leader("revalidate-unknown", learner.until("REVALIDATE"), "a session that the follower does not know: it asks")
    learner.send("REVALIDATE", -1, jute.encode("long", OLD_SESSION) + b"\0")
    assert not stranger.result(TIMEOUT_S).alive
    return moved


def observing(golden):
    """What an observer says: server 4 is real, 1 leads and 2 follows it."""
    members = Members((1, 2, 3), (4,))
    elections = [quorum.ElectionPort(members.election_ports[sid]) for sid in (1, 2)]
    port = quorum.LeaderPort(members.quorum_ports[1])
    with closing(members.server(APACHE, 4)) as server:
        server.launch()
        links = [election.accept() for election in elections]
        golden.first_bytes("first-bytes-observer", links[0].first_bytes(), "what server 4, an observer, says first")
        links[1].first_bytes()
        looking = links[0].read()
        golden.notification("looking-observer", looking, "no vote: leader, zxid and epoch are the least numbers there are")
        for link, state in zip(links, (quorum.LEADING, quorum.FOLLOWING)):
            link.vote(state, 1, 0, 1, 0, looking.config)
        learner = port.accept()
        hello, accepted, first, again = learner.lead(1, looking.config)
        golden.to_leader("observer-info", hello, "of a server that has accepted no epoch")
        golden.to_leader("observer-ack-epoch", accepted, "of epoch 1")
        golden.to_leader("observer-ack-new-leader", first, "of NEWLEADER")
        golden.to_leader("observer-ack-up-to-date", again, "of UPTODATE")
        server.wait_until_serving()
        links[1].vote(quorum.LOOKING, 2, 0, 1, 0, looking.config)
        _keep_answer(links[1], quorum.OBSERVING, golden)
        later(Client, server.port)
        golden.to_leader("observer-request", learner.until("REQUEST"), "createSession of an observer's client")


def reconfiguring(golden):
    """What a leader says when a server joins: server 3 is real, 1 follows, 4 observes, 5 is to observe."""
    joins = f"server.5=127.0.0.1:{ports.free()}:{ports.free()}:observer;127.0.0.1:{ports.free()}"
    with Led(APACHE, observers=(4,), settings=f"{PATIENT}\nreconfigEnabled=true") as led:
        new_leader = led.follow()[2]
        golden.to_learner("new-leader-reconfig", new_leader, "reconfigEnabled is true: the version is the epoch's zxid")
        observer = led.learner(4, kind="OBSERVERINFO")
        observer.join(zxid(1), 0)
        client = led.client()
        observer.until("INFORM")
        client.add_auth("digest", SUPER_AUTH)
        changing = later(client.call, "reconfig", joiningServers=joins, leavingServers=None, newMembers=None, curConfigId=-1)
        golden.to_learner("proposal-reconfig", led.follower.acknowledge(), "reconfig: server 5 joins as an observer")
        golden.to_learner("commit-and-activate", led.follower.until("COMMITANDACTIVATE"), "server 3 goes on leading")
        golden.to_learner("inform-and-activate", observer.until("INFORMANDACTIVATE"), "the same to an observer")
        assert changing.result(TIMEOUT_S).err == ops.OK


def with_several_addresses(golden):
    """What a server says first that has two addresses, as servers may since 3.6: server 3 is real."""
    members = Members((1, 2, 3))
    second = f"127.0.0.1:{ports.free()}:{ports.free()}|{members.line(3)}"
    config = members.config.replace(members.line(3), second)
    with closing(quorum.ElectionPort(members.election_ports[1])) as election, \
            closing(Server(APACHE, config, {"zookeeper.multiAddress.enabled": "true"}, sid=3)) as server:
        server.launch()
        first = election.accept().first_bytes()
    golden.first_bytes("first-bytes-addresses", first, "of a server with two addresses, multiAddress.enabled is true")


if __name__ == "__main__":
    main()
