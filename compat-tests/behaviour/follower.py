"""What a follower does when its leader says what it should not. Voter 1 leads it, in epoch 1 where nothing else is said."""

from ironlab import java_random, jute, ops, paths
from ironlab.played import Followed
from ironlab.quorum import TIMEOUT_S, later, zxid
from ironlab.wire import Client, Closed

from .probe import Probe, lost, packets, still_follows

PROBES = []
create = Followed.create
NOBODY = 0x1_0000_0000_0077


class Looking(Followed):
    """A server without history that looks for a leader."""

    def log(self):
        return self.server.log()


def probe(play):
    PROBES.append(Probe(Looking, play))
    return play


@probe
def a_ping_between_newleader_and_uptodate(followed):
    """The leader sends a PING before NEWLEADER and one between NEWLEADER and UPTODATE, then UPTODATE."""
    learner = followed.elected()
    learner.admit(1)
    learner.send("DIFF", 0)
    learner.send("PING", 1)
    learner.send("NEWLEADER", zxid(1), followed.config)
    sent = [learner.read()]
    learner.send("PING", 2)
    learner.send("UPTODATE", -1)
    sent.append(learner.read())
    return f"{packets(sent)}: it answers neither PING; then it {still_follows(followed, learner)}"


@probe
def a_commit_of_another_zxid(followed):
    """A proposal 0x100000001 is not committed; the leader commits 0x100000002."""
    learner = followed.lead()
    create(learner, zxid(1, 1))
    learner.until("ACK")
    learner.send("COMMIT", zxid(1, 2))
    return still_follows(followed, learner)


@probe
def a_commit_without_a_proposal(followed):
    """Nothing is proposed; the leader commits 0x100000001."""
    learner = followed.lead()
    learner.send("COMMIT", zxid(1, 1))
    return still_follows(followed, learner)


@probe
def a_gap_between_proposals(followed):
    """In broadcast, 0x100000001 is proposed and committed, then 0x100000003 is proposed."""
    learner = followed.lead()
    create(learner, zxid(1, 1))
    learner.until("ACK")
    learner.send("COMMIT", zxid(1, 1))
    create(learner, zxid(1, 3))
    sent = [learner.until("ACK")]
    return f"sends {packets(sent)}; {still_follows(followed, learner)}"


@probe
def a_proposal_twice(followed):
    """In broadcast, 0x100000001 is proposed, and once more."""
    learner = followed.lead()
    create(learner, zxid(1, 1))
    create(learner, zxid(1, 1))
    sent = [learner.until("ACK"), learner.until("ACK")]
    return f"sends {packets(sent)}; {still_follows(followed, learner)}"


@probe
def a_txn_that_is_none(followed):
    """In broadcast, the leader proposes three bytes."""
    learner = followed.lead()
    learner.send("PROPOSAL", zxid(1, 1), b"abc")
    return still_follows(followed, learner)


@probe
def a_gap_in_a_diff(followed):
    """DIFF, 0x100000001 proposed and committed, then 0x100000003 proposed; the leader is of epoch 2."""
    learner = followed.elected()
    learner.admit(2)
    learner.send("DIFF", zxid(1, 3))
    create(learner, zxid(1, 1))
    learner.send("COMMIT", zxid(1, 1))
    create(learner, zxid(1, 3))
    return lost(followed)


@probe
def a_gap_in_front_of_a_diff(followed):
    """The follower has no history; the first txn of the DIFF is 0x100000005."""
    learner = followed.elected()
    learner.admit(2)
    learner.send("DIFF", zxid(1, 5))
    create(learner, zxid(1, 5))
    learner.send("COMMIT", zxid(1, 5))
    return f"{packets(learner.new_leader(2, followed.config))}: takes it"


@probe
def a_new_epoch_in_a_diff(followed):
    """DIFF with 0x100000001, then 0x200000003."""
    learner = followed.elected()
    learner.admit(3)
    learner.send("DIFF", zxid(2, 3))
    for number in (zxid(1, 1), zxid(2, 3)):
        create(learner, number)
        learner.send("COMMIT", number)
    return f"{packets(learner.new_leader(3, followed.config))}: takes it"


@probe
def a_commit_of_another_zxid_in_a_diff(followed):
    """DIFF with 0x100000001 proposed and 0x100000002 committed; then 0x100000001 is committed too."""
    learner = followed.elected()
    learner.admit(2)
    learner.send("DIFF", zxid(1, 1))
    create(learner, zxid(1, 1))
    learner.send("COMMIT", zxid(1, 2))
    learner.send("COMMIT", zxid(1, 1))
    return f"{packets(learner.new_leader(2, followed.config))}; {still_follows(followed, learner)}"


@probe
def a_commit_in_a_diff_without_a_proposal(followed):
    """DIFF, then COMMIT of 0x100000001, which was not proposed."""
    learner = followed.elected()
    learner.admit(2)
    learner.send("DIFF", zxid(1, 1))
    learner.send("COMMIT", zxid(1, 1))
    return lost(followed)


@probe
def proposals_that_are_not_committed_in_a_diff(followed):
    """DIFF with 0x100000001 committed and 0x100000002 not; NEWLEADER of epoch 2; 0x200000001 proposed; both are committed;
    UPTODATE."""
    learner = followed.elected()
    learner.admit(2)
    learner.send("DIFF", zxid(1, 2))
    create(learner, zxid(1, 1))
    learner.send("COMMIT", zxid(1, 1))
    create(learner, zxid(1, 2))
    learner.send("NEWLEADER", zxid(2), followed.config)
    before = [learner.until("ACK")]
    create(learner, zxid(2, 1))
    for number in (zxid(1, 2), zxid(2, 1)):
        learner.send("COMMIT", number)
    learner.send("UPTODATE", -1)
    after = [learner.until("ACK") for _ in range(3)]
    return f"at NEWLEADER {packets(before)}; at UPTODATE {packets(after)}; {still_follows(followed, learner)}"


@probe
def an_unknown_packet(followed):
    """In broadcast, the leader sends packets of type 99, INFORM, DIFF and a SYNC that nobody waits for."""
    learner = followed.lead()
    for kind in (99, "INFORM", "DIFF", "SYNC"):
        learner.send(kind, zxid(1))
    return still_follows(followed, learner)


@probe
def newleader_and_uptodate_again(followed):
    """In broadcast, the leader sends NEWLEADER and UPTODATE once more."""
    learner = followed.lead()
    learner.send("NEWLEADER", zxid(1), followed.config)
    learner.send("UPTODATE", -1)
    return still_follows(followed, learner)


@probe
def an_unknown_packet_where_diff_is_due(followed):
    """Behind ACKEPOCH the leader sends a packet of type 99."""
    learner = followed.elected()
    learner.admit(1)
    learner.send(99, 0)
    return lost(followed)


@probe
def an_unknown_packet_in_a_diff(followed):
    """Between DIFF and NEWLEADER the leader sends a packet of type 99."""
    learner = followed.elected()
    learner.admit(1)
    learner.send("DIFF", 0)
    learner.send(99, 0)
    return f"{packets(learner.new_leader(1, followed.config))}: leaves it out"


@probe
def no_leaderinfo(followed):
    """The leader's first packet is a PING."""
    learner = followed.elected()
    learner.read()
    learner.send("PING", 0)
    return lost(followed)


@probe
def an_epoch_below_the_accepted_one(followed):
    """Epoch 5 was accepted; the next leader offers epoch 4."""
    with followed.elected() as learner:
        learner.admit(5)
    learner = followed.elected()
    learner.read()
    learner.send("LEADERINFO", zxid(4), jute.encode("int", 0x10000))
    return lost(followed)


@probe
def newleader_of_another_epoch(followed):
    """LEADERINFO says epoch 1, NEWLEADER epoch 2; then a follower of that leader is asked anew."""
    learner = followed.elected()
    learner.admit(1)
    learner.send("DIFF", 0)
    sent = learner.new_leader(2, followed.config)
    learner.close()
    learner = followed.elected()
    hello, accepted = learner.admit(7)
    epoch = jute.decode("int", accepted.data)
    return f"{packets(sent)}; next time {packets([hello, accepted])} with current epoch {epoch}"


@probe
def a_trunc_of_nothing(followed):
    """A follower without history gets TRUNC to 0x100000005."""
    learner = followed.elected()
    learner.admit(2)
    learner.send("TRUNC", zxid(1, 5))
    return lost(followed)


@probe
def a_trunc(followed):
    """A follower that has 0x100000001 to 0x100000003 gets TRUNC to the first of them, and is asked anew."""
    followed.with_history(3)
    learner = followed.elected()
    accepted = [learner.admit(2)[1]]
    learner.send("TRUNC", zxid(1, 1))
    sent = learner.new_leader(2, followed.config)
    learner.close()
    return f"{packets(accepted)}; {packets(sent)}; next time {packets(followed.elected().admit(3))}"


@probe
def a_trunc_past_the_end(followed):
    """A follower whose last zxid is 0x100000003 gets TRUNC to 0x100000009."""
    followed.with_history(3)
    learner = followed.elected()
    learner.admit(2)
    learner.send("TRUNC", zxid(1, 9))
    try:
        return f"{packets(learner.new_leader(2, followed.config))}: takes it"
    except Closed:
        return lost(followed)


@probe
def a_snapshot_without_its_signature(followed):
    """The stream behind SNAP ends with another text than BenWasHere; the follower is asked anew."""
    followed.with_history(3)
    learner = followed.elected()
    learner.admit(2)
    learner.send("SNAP", zxid(1, 6))
    learner.send_bytes(_stream()[:-len("BenWasHere")] + b"BenWasGone")
    return _after_a_failed_snapshot(followed)


@probe
def a_snapshot_that_breaks_off(followed):
    """The connection ends in the midst of the stream behind SNAP; the follower, which had a history, is asked anew."""
    followed.with_history(3)
    learner = followed.elected()
    learner.admit(2)
    learner.send("SNAP", zxid(1, 6))
    stream = _stream()
    learner.send_bytes(stream[:len(stream) // 2])
    learner.close()
    return _after_a_failed_snapshot(followed)


def _after_a_failed_snapshot(followed):
    ended = lost(followed)
    return f"{ended}; next time {packets(followed.port.accept().admit(3))}"


def _stream():
    """The stream of a small tree, as Apache wrote it."""
    lines = (paths.GOLDEN / "quorum" / "snapshots.tsv").read_text().splitlines()
    return bytes.fromhex(next(line.split("\t")[1] for line in lines if line.startswith("small\t")))


@probe
def a_client_with_a_session_that_is_not_there(followed):
    """A client comes with the id of no session and the password that belongs to the id; the leader says no."""
    learner = followed.lead()
    coming = later(Client, followed.server.port, session=(NOBODY, java_random.password(NOBODY)))
    asked = learner.until("REVALIDATE")
    learner.send("REVALIDATE", -1, jute.encode("long", NOBODY) + b"\0")
    return f"sends {packets([asked])}; the client gets timeout {coming.result(TIMEOUT_S).timeout_ms}, the connection ends"


@probe
def a_client_with_a_wrong_password(followed):
    """A client comes with the id of no session and a wrong password."""
    learner = followed.lead()
    client = Client(followed.server.port, session=(NOBODY, bytes(16)))
    return f"asks nobody: the client gets timeout {client.timeout_ms} at once; {still_follows(followed, learner)}"


@probe
def a_client_without_a_password(followed):
    """A client comes with the id of no session and a null password."""
    learner = followed.lead()
    client = Client(followed.server.port, session=(NOBODY, None))
    return f"asks nobody: the client gets timeout {client.timeout_ms} at once; {still_follows(followed, learner)}"


@probe
def an_answer_of_revalidate_that_nobody_asked_for(followed):
    """In broadcast, the leader says that a session is valid; nobody asked."""
    learner = followed.lead()
    learner.send("REVALIDATE", -1, jute.encode("long", NOBODY) + b"\1")
    return still_follows(followed, learner)


@probe
def the_leader_is_lost(followed):
    """A client is connected and has a write under way; the leader ends its connection."""
    learner = followed.lead()
    client = followed.client(learner, zxid(1, 1))
    client.send("create", path="/a", data=b"", acl=ops.OPEN, flags=0)
    learner.until("REQUEST")
    learner.close()
    return f"the client's connection ends without a reply: {client.is_closed()}; the follower {lost(followed)}"
