"""Peers of an ensemble that a test plays itself: each frame and packet is sent and read exactly when the test says so.

They speak to one real server at a time, on its quorum and election ports or as those that it connects to. They answer
nothing by themselves, no PING either: give the ensemble long limits.
"""

import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from . import jute, snapshot
from .wire import Closed

TIMEOUT_S = 20
PROTOCOL_VERSION = 0x10000
FIRST_BYTES_V1 = -65536
SIGNATURE = "BenWasHere"

TYPES = {name: number for number, name in enumerate((
    "REQUEST PROPOSAL ACK COMMIT PING REVALIDATE SYNC INFORM COMMITANDACTIVATE NEWLEADER FOLLOWERINFO UPTODATE DIFF TRUNC "
    "SNAP OBSERVERINFO LEADERINFO ACKEPOCH INFORMANDACTIVATE").split(), 1)}
_NAMES = {number: name for name, number in TYPES.items()}
LOOKING, FOLLOWING, LEADING, OBSERVING = range(4)

_background = ThreadPoolExecutor(max_workers=4)


def later(function, *arguments, **options):
    """Runs what waits for something that the test itself has to say first; `result(TIMEOUT_S)` of it gives its value."""
    return _background.submit(function, *arguments, **options)


def zxid(epoch, counter=0):
    return epoch << 32 | counter


@dataclass(frozen=True)
class Packet:
    """A packet as it was read; `type` is its name, or its number where it has none."""

    type: object
    zxid: int
    data: bytes
    authinfo: list
    raw: bytes


class Link:
    """One TCP connection, read value by value."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(TIMEOUT_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    @classmethod
    def to(cls, port, deadline_s=TIMEOUT_S):
        """Connects as soon as somebody listens."""
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                return cls(socket.create_connection(("127.0.0.1", port), TIMEOUT_S))
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self.close()

    def close(self):
        self.sock.close()

    def send_bytes(self, data):
        """A peer that is gone is found by the next read."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def take(self, parse):
        """What `parse` makes of a jute.Reader at the next byte, and the bytes that it took; waits until it has enough."""
        while True:
            reader = jute.Reader(self._buffer)
            try:
                value = parse(reader)
            except EOFError:
                self._buffer += self._receive()
                continue
            taken, self._buffer = self._buffer[:reader.at], self._buffer[reader.at:]
            return value, taken

    def is_closed(self, within_s):
        """Whether the other side ends the connection in that time; what it sends before is thrown away."""
        self.sock.settimeout(within_s)
        try:
            while True:
                self._receive()
        except Closed:
            return True
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(TIMEOUT_S)

    def _receive(self):
        try:
            chunk = self.sock.recv(65536)
        except ConnectionResetError as error:
            raise Closed from error
        if not chunk:
            raise Closed
        return chunk


class PacketLink(Link):
    """A connection of the quorum port, either end of it."""

    def send(self, kind, number=0, data=None, authinfo=None):
        """A packet of a type by name or number, with the zxid `number`."""
        fields = {"type": TYPES.get(kind, kind), "zxid": number, "data": data, "authinfo": authinfo}
        self.send_bytes(jute.encode("QuorumPacket", fields))

    def read(self):
        fields, raw = self.take(lambda reader: reader.read("QuorumPacket"))
        return Packet(_NAMES.get(fields["type"], fields["type"]), fields["zxid"], fields["data"], fields["authinfo"], raw)

    def until(self, kind):
        """The next packet of this type; PINGs before it are left out, anything else is an error."""
        while (packet := self.read()).type != kind:
            if packet.type != "PING":
                raise AssertionError(f"{packet} came where {kind} was expected")
        return packet


class Learner(PacketLink):
    """A follower or observer of a real leader."""

    @classmethod
    def of(cls, port, sid, accepted_epoch=0, kind="FOLLOWERINFO"):
        """Connects and says who it is."""
        learner = cls.to(port)
        info = {"serverid": sid, "protocolVersion": PROTOCOL_VERSION, "configVersion": 0}
        learner.send(kind, zxid(accepted_epoch), jute.encode("LearnerInfo", info))
        return learner

    def accept(self, last_zxid, current_epoch):
        """Reads LEADERINFO, answers it, and returns it."""
        info = self.until("LEADERINFO")
        self.send("ACKEPOCH", last_zxid, jute.encode("int", current_epoch))
        return info

    def history(self):
        """All packets up to NEWLEADER, which is the last one. The stream behind SNAP is for `snapshot_stream`."""
        packets = [self.read()]
        if packets[0].type == "SNAP":
            raise AssertionError(f"{packets[0]} came where no snapshot was expected")
        while packets[-1].type != "NEWLEADER":
            packets.append(self.read())
        return packets

    def snapshot_stream(self):
        """What follows SNAP: (sessions, lists, nodes) and the bytes, the signature included."""
        def parse(reader):
            found = snapshot.contents(reader)
            if (signature := reader.read("ustring")) != SIGNATURE:
                raise ValueError(f"the stream ends with {signature}")
            return found
        return self.take(parse)

    def enter(self, new_leader):
        """Acknowledges NEWLEADER, reads UPTODATE, acknowledges that, and returns it."""
        self.send("ACK", new_leader.zxid)
        up_to_date = self.until("UPTODATE")
        self.send("ACK", new_leader.zxid)
        return up_to_date

    def join(self, last_zxid=0, current_epoch=0):
        """From LEADERINFO to UPTODATE where there is no SNAP; the packets that came."""
        info = self.accept(last_zxid, current_epoch)
        history = self.history()
        return [info, *history, self.enter(history[-1])]

    def acknowledge(self):
        """Reads the next proposal, acknowledges it, and returns it."""
        proposal = self.until("PROPOSAL")
        self.send("ACK", proposal.zxid)
        return proposal


class LeaderPort:
    """The quorum port of a leader that the test plays."""

    def __init__(self, port):
        self._listener = listen(port)

    def accept(self):
        """The next learner's connection."""
        return Following(self._listener.accept()[0])

    def close(self):
        self._listener.close()


class Following(PacketLink):
    """The leader's end of a connection from a real learner."""

    def admit(self, epoch):
        """Reads what the learner says first, offers the epoch, and returns that and its ACKEPOCH."""
        hello = self.read()
        self.send("LEADERINFO", zxid(epoch), jute.encode("int", PROTOCOL_VERSION))
        return hello, self.read()

    def new_leader(self, epoch, config):
        """Ends the history: returns the ACK of NEWLEADER and the one of UPTODATE."""
        self.send("NEWLEADER", zxid(epoch), config)
        first = self.until("ACK")
        self.send("UPTODATE", -1)
        return first, self.until("ACK")

    def lead(self, epoch, config):
        """All of it for a learner that has what the leader has; returns the four packets that the learner sent."""
        hello, accepted = self.admit(epoch)
        self.send("DIFF", accepted.zxid)
        return hello, accepted, *self.new_leader(epoch, config)

    def propose(self, number, txn, record, session=0, cxid=0, **fields):
        """A txn of this type and record; its session and cxid are its client's."""
        header = {"clientId": session, "cxid": cxid, "zxid": number, "time": int(time.time() * 1000), "type": txn}
        self.send("PROPOSAL", number, jute.encode("TxnHeader", header) + jute.encode(record, fields))


    def propose_session(self, request, number):
        """The txn that a REQUEST of createSession asks for."""
        reader = jute.Reader(request.data)
        session, _, op, timeout_ms = (reader.read(kind) for kind in ("long", "int", "int", "int"))
        self.propose(number, op, "CreateSessionTxn", session, timeOut=timeout_ms)


@dataclass(frozen=True)
class Notification:
    """What a server says in an election, and its bytes without their length."""

    state: int
    leader: int
    zxid: int
    round: int
    epoch: int
    version: int
    config: bytes
    raw: bytes = b""


class ElectionPort:
    """The election port of a peer that the test plays. The server that connects to it keeps the connection if its sid is
    the larger."""

    def __init__(self, port):
        self._listener = listen(port)

    def accept(self, within_s=TIMEOUT_S):
        """The next connection; TimeoutError when none comes in that time."""
        self._listener.settimeout(within_s)
        return Electing(self._listener.accept()[0])

    def close(self):
        self._listener.close()


class Electing(Link):
    """A connection of the election port, either end of it."""

    def first_bytes(self):
        """(version, sid, address) that the other side begins with, and the bytes."""
        return self.take(lambda reader: (reader.read("long"), reader.read("long"), reader.read("ustring")))

    def say_who(self, sid, address):
        """The first bytes of the side that connects."""
        self.send_bytes(struct.pack(">qq", FIRST_BYTES_V1, sid) + jute.encode("ustring", address))

    def send_frame(self, payload):
        self.send_bytes(struct.pack(">i", len(payload)) + payload)

    def vote(self, state, leader, number, election_round, epoch, config):
        """A notification of the form that 3.5 and later send."""
        head = struct.pack(">iqqqqi", state, leader, number, election_round, epoch, 2)
        self.send_frame(head + jute.encode("buffer", config))

    def read(self):
        """The next notification."""
        payload, _ = self.take(lambda reader: reader.read("buffer"))
        fields = struct.unpack_from(">iqqqqi", payload)
        return Notification(*fields, jute.decode("buffer", payload[40:]), payload)


def listen(port):
    """A listening socket on loopback; accept waits as long as all reads do."""
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(TIMEOUT_S)
    return listener
