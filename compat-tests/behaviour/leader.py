"""What a leader does with learners that say what they should not. Voter 1 follows it as it should."""

import struct

from ironlab import disk, jute, ops
from ironlab.played import Led
from ironlab.quorum import LOOKING, PROTOCOL_VERSION, TIMEOUT_S, PacketLink, later, zxid
from ironlab.wire import Client, Closed

from .probe import Probe, goes_on, packets, quiet

PROBES = []
START = zxid(1)  # what a follower has that joined in epoch 1 before its first txn
FIRST = zxid(1, 1)  # the first txn: a client's session
FIELD_BYTES = 2 * 0xfffff


class Serving(Led):
    """A leader of epoch 1 with no txn yet."""

    def __init__(self, kind, observers=(4,)):
        super().__init__(kind, observers)

    def _start(self):
        super()._start()
        self.follow()

    def log(self):
        return self.server.log()

    def joined(self, sid=2, last=START):
        """One more follower, which got UPTODATE."""
        learner = self.learner(sid)
        learner.join(last, 1)
        return learner

    def connecting(self):
        """A client that waits for its session."""
        return later(Client, self.server.port)

    def closes(self, *said):
        """Whether it ends a connection on which that was said."""
        with PacketLink.to(self.members.quorum_ports[3]) as link:
            for data in said:
                link.send_bytes(data)
            return "closes the connection" if link.is_closed(5) else "waits for more"


def probe(play):
    PROBES.append(Probe(Serving, play))
    return play


@probe
def ping_before_the_ack_of_newleader(led):
    """A follower of a leader that serves reads NEWLEADER and leaves it without an ACK for a tick."""
    with led.learner(2) as learner:
        learner.accept(START, 1)
        learner.history()
        return f"the leader sends {packets([learner.read(), learner.read()])}"


@probe
def a_ping_instead_of_the_ack_of_newleader(led):
    """A follower answers a PING before it acknowledges NEWLEADER."""
    with led.learner(2) as learner:
        learner.accept(START, 1)
        learner.history()
        learner.send("PING", START, b"")
        return "closes the connection" if learner.is_closed(5) else "goes on"


@probe
def an_unknown_packet(led):
    """A follower sends a packet of type 99, then one that only leaders send (NEWLEADER)."""
    learner = led.joined()
    learner.send(99, 5, b"what")
    learner.send("NEWLEADER", zxid(9))
    return goes_on(learner)


@probe
def a_second_followerinfo(led):
    """A follower that got UPTODATE sends FOLLOWERINFO again."""
    learner = led.joined()
    info = {"serverid": 2, "protocolVersion": PROTOCOL_VERSION, "configVersion": 0}
    learner.send("FOLLOWERINFO", 0, jute.encode("LearnerInfo", info))
    return goes_on(learner)


@probe
def an_ack_from_the_future(led):
    """A write is proposed; a follower acknowledges the hundredth zxid behind it, nobody acknowledges the write."""
    client = led.client()
    learner = led.joined(last=FIRST)
    client.send("create", path="/a", data=b"", acl=ops.OPEN, flags=0)
    proposal = learner.until("PROPOSAL")
    learner.send("ACK", proposal.zxid + 100)
    quiet(learner)
    learner.send("ACK", proposal.zxid)
    commit = learner.until("COMMIT")
    return f"goes on; the write is not committed by it, and is by the ACK of its own zxid: {packets([commit])}"


@probe
def acks_out_of_order(led):
    """Two writes are proposed; the only follower that answers acknowledges the second, then the first."""
    client = led.client()
    for path in ("/a", "/b"):
        client.send("create", path=path, data=b"", acl=ops.OPEN, flags=0)
    first, second = led.follower.until("PROPOSAL"), led.follower.until("PROPOSAL")
    led.follower.until("PING")  # by now the leader has logged both, and acknowledged them to itself
    led.follower.send("ACK", second.zxid)
    led.follower.send("ACK", first.zxid)
    got = [led.follower.until("COMMIT"), led.follower.read()]
    client.send("create", path="/c", data=b"", acl=ops.OPEN, flags=0)
    third = led.follower.until("PROPOSAL")
    led.follower.send("ACK", third.zxid)
    got += [led.follower.read()]
    led.follower.send("ACK", second.zxid)
    got += [led.follower.read(), led.follower.read()]
    return (f"{packets(got[:2])}; a third write is proposed and acknowledged: {packets(got[2:3])}; "
            f"the second is acknowledged once more: {packets(got[3:])}")


@probe
def a_proposal_outstanding_at_a_join(led):
    """Two writes are proposed and not acknowledged; a second follower joins with all that is committed, then they are."""
    client = led.client()
    for path in ("/a", "/b"):
        client.send("create", path=path, data=b"", acl=ops.OPEN, flags=0)
    proposals = [led.follower.until("PROPOSAL") for _ in range(2)]
    with led.learner(2) as learner:
        learner.accept(FIRST, 1)
        history = learner.history()
        for proposal in proposals:
            led.follower.send("ACK", proposal.zxid)
        between = [learner.until("COMMIT"), learner.until("COMMIT")]
        up_to_date = learner.enter(history[-1])
        return f"{packets(history)}; before its ACK of NEWLEADER: {packets(between)}; then {packets([up_to_date])}"


@probe
def a_tail_that_is_not_committed_at_a_join(led):
    """Two writes are proposed and not acknowledged; a follower that has logged the first comes back."""
    client = led.client()
    for path in ("/a", "/b"):
        client.send("create", path=path, data=b"", acl=ops.OPEN, flags=0)
    proposal = led.follower.until("PROPOSAL")
    with led.learner(2) as learner:
        learner.accept(proposal.zxid, 1)
        return packets(learner.history())


@probe
def an_observer_joins_while_a_proposal_is_outstanding(led):
    """A write is proposed; an observer joins with all that is committed; then the write is acknowledged."""
    client = led.client()
    client.send("create", path="/a", data=b"", acl=ops.OPEN, flags=0)
    proposal = led.follower.until("PROPOSAL")
    with led.learner(4, kind="OBSERVERINFO") as observer:
        observer.accept(FIRST, 1)
        history = observer.history()
        led.follower.send("ACK", proposal.zxid)
        inform = observer.until("INFORM")
        up_to_date = observer.enter(history[-1])
        return f"{packets(history)}; before its ACK of NEWLEADER: {packets([inform])}; then {packets([up_to_date])}"


@probe
def a_sid_that_is_connected(led):
    """A second connection says that it is follower 1, which is connected; then a client writes."""
    second = led.joined(sid=1)
    led.client().close()
    both = [second.until("PROPOSAL"), second.until("COMMIT")]
    first = goes_on(led.follower)
    return f"takes it and keeps the old one too: both get all ({packets(both)}; the old one: {first})"


@probe
def acks_of_one_sid_on_two_connections(led):
    """Voter 1 is connected twice, voter 2 is not there; only the second connection acknowledges a write."""
    second = led.joined(sid=1)
    connecting = led.connecting()
    second.acknowledge()
    commits = [second.until("COMMIT"), (led.follower.until("PROPOSAL"), led.follower.until("COMMIT"))[1]]
    return f"counts it as the sid's: {packets(commits)}; the client is served: {connecting.result(TIMEOUT_S).alive}"


@probe
def a_sid_that_is_not_in_the_configuration(led):
    """A follower with sid 77, which is no member, joins; a client writes and only 77 acknowledges; then 1 does too."""
    stranger = led.joined(sid=77)
    connecting = led.connecting()
    proposal = stranger.acknowledge()
    quiet(stranger)
    led.follower.acknowledge()
    commit = stranger.until("COMMIT")
    connecting.result(TIMEOUT_S)
    return f"takes it and sends it all ({packets([proposal, commit])}), but its ACK does not count"


@probe
def the_sid_of_the_leader(led):
    """A follower says that it has the leader's own sid."""
    learner = led.joined(sid=3)
    return goes_on(learner)


@probe
def a_follower_with_the_sid_of_an_observer(led):
    """Observer 4 says FOLLOWERINFO and acknowledges a write alone."""
    learner = led.joined(sid=4)
    connecting = led.connecting()
    proposal = learner.acknowledge()
    quiet(learner)
    led.follower.acknowledge()
    connecting.result(TIMEOUT_S)
    return f"takes it as a follower ({packets([proposal, learner.until('COMMIT')])}), but its ACK does not count"


@probe
def an_accepted_epoch_past_the_leaders(led):
    """A follower has accepted epoch 9 and comes to the leader of epoch 1."""
    with led.learner(2, accepted_epoch=9) as learner:
        return f"the leader answers {packets([learner.until('LEADERINFO')])}: it is for the follower to refuse"


@probe
def a_history_past_the_leaders(led):
    """A follower's ACKEPOCH says epoch 9 and zxid 0x900000005 to a leader of epoch 1."""
    with led.learner(2) as learner:
        learner.accept(zxid(9, 5), 9)
        try:
            return packets(learner.history())
        except Closed:
            return "closes the connection"


@probe
def a_newer_configuration(led):
    """A follower's LearnerInfo has configuration version 5, the leader's is 0."""
    info = {"serverid": 2, "protocolVersion": PROTOCOL_VERSION, "configVersion": 5}
    return led.closes(_packet(11, 0, jute.encode("LearnerInfo", info)))


@probe
def a_first_packet_that_is_no_info(led):
    """The first packet of a connection is a PING."""
    return led.closes(_packet(5, 0, b""))


@probe
def an_info_without_a_sid(led):
    """FOLLOWERINFO has null data, as of 3.3: it gets no LEADERINFO."""
    with PacketLink.to(led.members.quorum_ports[3]) as link:
        link.send("FOLLOWERINFO", 0)
        found = [link.read()]
        while found[-1].type != "NEWLEADER" and found[-1].type != "SNAP":
            found.append(link.read())
        return packets(found)


@probe
def http_on_the_quorum_port(led):
    """The first bytes are a request of HTTP."""
    return led.closes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


@probe
def a_negative_length_on_the_quorum_port(led):
    """The data of the first packet has length -2."""
    return led.closes(struct.pack(">iqi", 11, 0, -2))


@probe
def the_longest_data(led):
    """A follower sends a REQUEST (a sync, so that nothing is proposed) with data of 2097150 bytes."""
    learner = led.joined()
    head = struct.pack(">qii", 7, 1, ops.OPS["sync"][0]) + jute.encode("ustring", "/")
    learner.send("REQUEST", -1, head + bytes(FIELD_BYTES - len(head)))
    return f"{packets([learner.until('SYNC')])}: reads it"


@probe
def data_that_is_too_long(led):
    """A follower sends a REQUEST with data of 2097151 bytes."""
    learner = led.joined()
    learner.send_bytes(struct.pack(">iqi", 1, -1, FIELD_BYTES + 1))
    return "closes the connection" if learner.is_closed(5) else "waits for the data"


@probe
def a_request_cut_short(led):
    """A REQUEST has 3 bytes of data."""
    learner = led.joined()
    learner.send("REQUEST", -1, b"abc")
    return goes_on(learner)


@probe
def a_ping_with_half_a_session(led):
    """A PING has 5 bytes of data, where a session has 12."""
    learner = led.joined()
    learner.send("PING", 0, b"abcde")
    return goes_on(learner)


@probe
def a_request_of_a_session_that_is_not_there(led):
    """A follower sends a create of a session that the leader does not know."""
    head = struct.pack(">qii", 77, 1, ops.OPS["create"][0])
    body = {"path": "/a", "data": b"", "acl": ops.OPEN, "flags": 0}
    led.follower.send("REQUEST", -1, head + jute.encode("CreateRequest", body))
    proposal = led.follower.acknowledge()
    header, txn, _ = disk.parse_txn(proposal.data)
    return f"{packets([proposal])}: a txn of type {header['type']} with error {txn['err']}"


@probe
def a_quorum_is_lost(led):
    """The only follower ends its connection; a client of the leader has a write under way."""
    client = led.client()
    client.send("create", path="/a", data=b"", acl=ops.OPEN, flags=0)
    proposal = led.follower.until("PROPOSAL")
    led.follower.close()
    while (note := led.link.read()).state != LOOKING:
        pass
    return (f"looks for a leader in round {note.round}, with zxid {note.zxid:#x} where {proposal.zxid:#x} was proposed; "
            f"the client's connection ends without a reply: {client.is_closed()}")


def _packet(kind, number, data):
    return jute.encode("QuorumPacket", {"type": kind, "zxid": number, "data": data, "authinfo": None})
