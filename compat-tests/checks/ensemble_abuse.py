"""Bad input on the quorum's two ports while an ensemble serves: garbage, lengths that no packet has, packets out of order,
strangers, peers that claim another's sid, connections that say nothing.

After each check the same server leads, a write through each member is seen by all, and none has said `panicked`.
ironkeeper's log has a warning for each event and no more than two; how much Apache writes is its own affair.
"""

import random
import struct
from contextlib import contextmanager

from ironlab import jute, ops
from ironlab.ensemble import FOLLOWER, LEADER, Ensemble, three
from ironlab.quorum import FIRST_BYTES_V1, FOLLOWING, LEADING, LOOKING, Electing, Learner, Link, PacketLink, zxid
from ironlab.report import equal
from ironlab.wire import Client, Closed

NAME = "ensemble abuse"
OURS = "ironkeeper"
SEED = 5
SETTINGS = "tickTime=500\ninitLimit=20\nsyncLimit=12"
PATIENCE_S = 20
HALF_OPEN = 100
HUGE = 2 ** 31 - 1
# Past what a field of a packet, and a message of an election, may have.
TOO_LONG = 1 << 26


def run(report, kind):
    with Ensemble(kind, three(SETTINGS)) as ensemble:
        report.run(NAME, kind, CHECKS, ensemble)


@contextmanager
def _events(ensemble, count):
    """The block causes so many events at one server or another; afterwards the ensemble is as it was before."""
    leader = ensemble.sid_of(LEADER)
    before = {sid: len(_warnings(server)) for sid, server in ensemble.servers.items()}
    yield
    _serves(ensemble)
    equal(ensemble.sid_of(LEADER), leader, "the leader afterwards")
    said = [line for sid, server in ensemble.servers.items() for line in _warnings(server)[before[sid]:]]
    panics = [line for server in ensemble.servers.values() for line in server.log().splitlines() if "panicked" in line]
    equal(panics, [], "panics")
    if ensemble.kind == OURS:
        shown = "\n".join(said[:12])
        assert count <= len(said) <= 2 * count, f"{len(said)} warnings of {count} events:\n{shown}"


def _warnings(server):
    return [line for line in server.log().splitlines() if " WARN " in line or "ERROR" in line or "panicked" in line]


def _serves(ensemble):
    """A write through each server is seen at each other one."""
    for sid, server in ensemble.servers.items():
        with Client(server.port) as client:
            equal(client.create(f"/well-{sid}", flags=ops.EPHEMERAL).err, ops.OK, f"create at server {sid}")
            for other in ensemble.others(server):
                with Client(other.port) as reader:
                    equal(reader.call("sync", path="/").err, ops.OK, "sync")
                    equal(reader.call("exists", path=f"/well-{sid}", watch=False).err, ops.OK, "exists")
                    reader.close_session()
            client.close_session()


def _quorum_port(ensemble):
    return ensemble.members.quorum_ports[ensemble.sid_of(LEADER)]


def _packet(kind, number=0, data=b"", authinfo=None):
    return jute.encode("QuorumPacket", {"type": kind, "zxid": number, "data": data, "authinfo": authinfo})


def bytes_that_are_no_packet_on_the_leaders_port(ensemble):
    choice = random.Random(SEED)
    garbage = [b"GET / HTTP/1.1\r\nHost: leader\r\n\r\n" * 3,
               b"\xff" * 64,
               struct.pack(">iqi", 11, 0, HUGE),
               struct.pack(">iqi", 11, 0, TOO_LONG) + bytes(1 << 16),
               struct.pack(">iqi", 11, 0, -2 ** 31) + bytes(64),
               struct.pack(">iqii", 11, 0, 0, HUGE) + bytes(64),
               *(b"\x7f" + choice.randbytes(choice.randrange(200, 3000)) for _ in range(10))]
    with _events(ensemble, len(garbage)):
        for data in garbage:
            with PacketLink.to(_quorum_port(ensemble)) as link:
                link.send_bytes(data)
                assert link.is_closed(PATIENCE_S), f"{data[:24]!r}...: the connection stayed open"


def packets_that_cannot_come_first_on_the_leaders_port(ensemble):
    kinds = [kind for kind in (*range(1, 20), 0, -1, 77) if kind not in (11, 16)]  # FOLLOWERINFO, OBSERVERINFO
    with _events(ensemble, len(kinds)):
        for kind in kinds:
            with PacketLink.to(_quorum_port(ensemble)) as link:
                link.send_bytes(_packet(kind, zxid(1, 1), b"12345678"))
                assert link.is_closed(PATIENCE_S), f"type {kind}: the connection stayed open"


def learners_that_do_not_say_who_they_are(ensemble):
    """A FOLLOWERINFO without its record, or with half of it, comes from the servers of before 3.4: they get an answer."""
    for data in (None, b"", b"123", bytes(8)):
        with PacketLink.to(_quorum_port(ensemble)) as link:
            link.send("FOLLOWERINFO", 0, data)
            link.is_closed(0.3)
    with _events(ensemble, 0):
        pass


def learners_that_say_what_is_not_their_turn(ensemble):
    """They are in the middle of the way to UPTODATE, and behind it, and say what the leader cannot use."""
    turns = [("PING", b"short"), ("REQUEST", b"no request"), ("REVALIDATE", b"x"), ("PROPOSAL", b"x"), ("COMMIT", b""),
             ("NEWLEADER", b""), ("SNAP", b"")]
    with _events(ensemble, 0 if ensemble.kind != OURS else len(turns)):
        for kind, data in turns:
            with Learner.of(_quorum_port(ensemble), 9) as learner:
                learner.until("LEADERINFO")
                learner.send(kind, zxid(1, 1), data)
                learner.is_closed(1)
    with Learner.of(_quorum_port(ensemble), 9) as learner:
        _joins(learner)
        for kind, data in turns:
            learner.send(kind, zxid(99, 9), data)
        learner.send("ACK", zxid(99, 99))
        learner.send("FOLLOWERINFO", 0, b"")
        learner.is_closed(1)
    _serves(ensemble)


def _joins(learner):
    """As a server without history: it is sent a snapshot."""
    learner.accept(0, 0)
    assert learner.until("SNAP")
    learner.snapshot_stream()
    packet = learner.read()
    while packet.type != "NEWLEADER":
        packet = learner.read()
    learner.enter(packet)


def strangers_among_the_learners_have_no_voice(ensemble):
    """A sid that no server has, and the leader's own: whoever claims it may listen, and the writes go on.

    It acknowledges txns that are to come, which must not count for those that nobody else has.
    """
    for sid in (99, -1, ensemble.sid_of(LEADER)):
        with Learner.of(_quorum_port(ensemble), sid) as learner:
            _joins(learner)
            _acknowledge_what_is_to_come(learner, ensemble)
            _serves(ensemble)
        _serves(ensemble)


def a_double_of_a_follower_does_not_stop_the_ensemble(ensemble):
    """Apache serves both connections; ironkeeper takes the newer one for the follower's, until that one comes again."""
    leader = ensemble.sid_of(LEADER)
    for _ in range(3):
        with Learner.of(_quorum_port(ensemble), ensemble.sid_of(FOLLOWER)) as learner:
            try:
                _joins(learner)
                _acknowledge_what_is_to_come(learner, ensemble)
            except Closed:
                assert ensemble.kind == OURS, "Apache has closed the double's connection"
        ensemble.wait_for(lambda: None not in ensemble.modes().values(), "the follower is back")
        _serves(ensemble)
    equal(ensemble.sid_of(LEADER), leader, "the leader afterwards")
    _no_panic(ensemble)


def _acknowledge_what_is_to_come(learner, ensemble):
    epoch = _epoch(ensemble)
    for ahead in range(1, 50):
        learner.send("ACK", zxid(epoch, 1 << 20 | ahead))


def _epoch(ensemble):
    """That of the last txn."""
    with Client(ensemble.leader.port) as client:
        return client.close_session().zxid >> 32


def bytes_that_are_no_hello_on_the_election_ports(ensemble):
    long_address = struct.pack(">qqi", FIRST_BYTES_V1, 9, HUGE)
    garbage = [b"GET / HTTP/1.1\r\nHost: peer\r\n\r\n", b"\xff" * 40, bytes(40), long_address,
               struct.pack(">qqi", FIRST_BYTES_V1, 9, -1), struct.pack(">qqi", FIRST_BYTES_V1, 9, 5000) + bytes(5000),
               struct.pack(">qq", -65530, 9) + jute.encode("ustring", "127.0.0.1:1"),
               struct.pack(">qq", FIRST_BYTES_V1, 9) + jute.encode("ustring", "no address")]
    for server, port in ensemble.members.election_ports.items():
        for data in garbage:
            with Electing.to(port) as link:
                link.send_bytes(data)
                link.is_closed(0.3)
        _no_panic(ensemble)
    _serves(ensemble)


def _no_panic(ensemble):
    for server in ensemble.servers.values():
        assert "panicked" not in server.log(), server.log_tail()


def votes_of_strangers_and_doubles_change_nothing(ensemble):
    """Sids that no server has, and those of members; votes for themselves with the best history there could be."""
    leader = ensemble.sid_of(LEADER)
    for port in ensemble.members.election_ports.values():
        for sid in (99, 0, -1, 2 ** 63 - 1, *ensemble.members.sids):
            with Electing.to(port) as link:
                link.say_who(sid, "127.0.0.1:1")
                for state in (LOOKING, FOLLOWING, LEADING, 9):
                    link.vote(state, sid, zxid(1 << 20, 5), 1 << 40, 1 << 20, b"")
                link.is_closed(0.2)
    _serves(ensemble)
    _no_panic(ensemble)
    equal(ensemble.sid_of(LEADER), leader, "the leader afterwards")


def messages_that_no_vote_has_on_the_election_ports(ensemble):
    config = b"server.1=broken\x00\xff\n" * 20
    bad = [struct.pack(">i", length) + bytes(100) for length in (-1, 0, 1, 27, 29, 40, HUGE, TOO_LONG, -2 ** 31)]
    bad.append(struct.pack(">i", 44 + len(config)) + struct.pack(">iqqqqi", 0, 9, 0, 1, 0, 2) + struct.pack(">i", HUGE) + config)
    bad.append(struct.pack(">i", 40) + b"\xff" * 40)
    for port in ensemble.members.election_ports.values():
        for data in bad:
            with Electing.to(port) as link:
                link.say_who(99, "127.0.0.1:1")
                link.send_bytes(data)
                link.is_closed(0.2)
    _serves(ensemble)
    _no_panic(ensemble)


def connections_that_say_nothing(ensemble):
    """Many on each port, also with half of what begins a connection. The ensemble serves meanwhile, and they are closed."""
    crowd = {_quorum_port(ensemble): HALF_OPEN}
    for port in ensemble.members.election_ports.values():
        crowd[port] = HALF_OPEN if ensemble.kind == OURS else 1  # Apache hears one after the other, syncLimit for each
    links = [Link.to(port) for port, count in crowd.items() for _ in range(count)]
    for link in links[::2]:
        link.send_bytes(b"\x00\x00\x00")
    _serves(ensemble)
    for link in links:
        assert link.is_closed(PATIENCE_S), "a connection that says nothing stayed open"
    for link in links:
        link.close()
    _serves(ensemble)
    _no_panic(ensemble)


def the_next_election_is_as_quick_as_ever(ensemble):
    """After all that, the members still find each other."""
    old = ensemble.leader
    rest = ensemble.others(old)
    old.kill()
    ensemble.wait_for_leader(rest)
    old.start()
    ensemble.wait_for(lambda: None not in ensemble.modes().values(), "all serve")
    _serves(ensemble)
    _no_panic(ensemble)


CHECKS = [
    bytes_that_are_no_packet_on_the_leaders_port,
    packets_that_cannot_come_first_on_the_leaders_port,
    learners_that_do_not_say_who_they_are,
    learners_that_say_what_is_not_their_turn,
    strangers_among_the_learners_have_no_voice,
    a_double_of_a_follower_does_not_stop_the_ensemble,
    bytes_that_are_no_hello_on_the_election_ports,
    votes_of_strangers_and_doubles_change_nothing,
    messages_that_no_vote_has_on_the_election_ports,
    connections_that_say_nothing,
    the_next_election_is_as_quick_as_ever,
]
