"""What a server does with those that say what they should not on its election port. It leads; voter 1 follows it."""

import struct

from ironlab.quorum import FIRST_BYTES_V1, LOOKING, Electing
from ironlab.wire import Closed

from .leader import Serving
from .probe import Probe

PROBES = []
MOST_BYTES = 512 << 10


class Reachable(Serving):
    """With its election connection to voter 1 (`link`), and others made."""

    def dial(self):
        """A connection to its election port, on which nothing is said."""
        return Electing.to(self.members.election_ports[3])

    def address(self, sid):
        return f"127.0.0.1:{self.members.election_ports[sid]}"

    def old_link(self):
        return self.answers(self.link)

    def answers(self, link):
        """Whether a server that looks gets an answer on this connection."""
        try:
            link.vote(LOOKING, 1, 0, 1, 0, self.looking.config)
            while link.read().state == LOOKING:
                pass
        except Closed:
            return "is closed"
        except TimeoutError:
            return "is silent"
        return "is answered"


def probe(play):
    PROBES.append(Probe(Reachable, play))
    return play


def _ended(link, within_s=5):
    return "closes the connection" if link.is_closed(within_s) else "keeps the connection"


@probe
def http_on_the_election_port(led):
    """The first bytes are a request of HTTP, which begins like a large sid."""
    with led.dial() as link:
        link.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return f"{_ended(link)}; the one to voter 1 {led.old_link()}"


@probe
def an_unknown_version(led):
    """The first long is -5."""
    with led.dial() as link:
        link.send_bytes(struct.pack(">q", -5) + bytes(40))
        return _ended(link)


@probe
def an_address_of_no_length(led):
    """The first bytes of V1 have an address of 0 bytes."""
    with led.dial() as link:
        link.send_bytes(struct.pack(">qqi", FIRST_BYTES_V1, 9, 0))
        return _ended(link)


@probe
def an_address_that_is_too_long(led):
    """The first bytes of V1 have an address of 2049 bytes."""
    with led.dial() as link:
        link.send_bytes(struct.pack(">qqi", FIRST_BYTES_V1, 9, 2049) + bytes(2049))
        return _ended(link)


@probe
def an_address_that_is_none(led):
    """The first bytes of V1 have the address 'here', of sid 9."""
    with led.dial() as link:
        link.say_who(9, "here")
        return _ended(link)


@probe
def first_bytes_of_3_4(led):
    """The first bytes are a sid alone, 9."""
    with led.dial() as link:
        link.send_bytes(struct.pack(">q", 9))
        return f"it {led.answers(link)}"


@probe
def a_larger_sid_that_is_not_in_the_configuration(led):
    """Sid 77, which is no member, connects and looks."""
    with led.dial() as link:
        link.say_who(77, "127.0.0.1:1")
        return f"it {led.answers(link)}"


@probe
def a_smaller_sid_that_is_not_in_the_configuration(led):
    """Sid 0, which is no member, connects and gives the election address of voter 2 as its own."""
    with led.dial() as link:
        link.say_who(0, led.address(2))
        ended = _ended(link)
    return f"{ended}; {_comes_back(led, 2)}"


@probe
def a_smaller_sid(led):
    """Voter 1, which is connected, connects again."""
    with led.dial() as link:
        link.say_who(1, led.address(1))
        ended = _ended(link)
    return f"{ended}; the one it had {led.old_link()}; {_comes_back(led, 1)}"


@probe
def a_smaller_sid_with_another_address(led):
    """Voter 1, which is connected, connects again and gives the election address of voter 2 as its own."""
    with led.dial() as link:
        link.say_who(1, led.address(2))
        ended = _ended(link)
    return f"{ended}; the one it had {led.old_link()}; {_comes_back(led, 2)}"


def _comes_back(led, port):
    """Whether it connects to that voter's port."""
    listener = led.elections[port]
    while True:
        try:
            link = listener.accept(5)
        except TimeoutError:
            return f"does not connect to the election port of voter {port}"
        if link.is_closed(0.5):
            continue
        return f"connects to the election port of voter {port}"


@probe
def its_own_sid(led):
    """The first bytes say sid 3, its own."""
    with led.dial() as link:
        link.say_who(3, led.address(3))
        return _ended(link)


@probe
def a_larger_sid_twice(led):
    """Observer 4 connects, looks, and connects again."""
    with led.dial() as first, led.dial() as second:
        first.say_who(4, led.address(4))
        answer = led.answers(first)
        second.say_who(4, led.address(4))
        return f"the first {answer}; then the second {led.answers(second)}, and the first {led.answers(first)}"


@probe
def a_frame_of_600000_bytes(led):
    """Voter 1 says that a message of 600000 bytes comes."""
    led.link.send_bytes(struct.pack(">i", 600000))
    return _ended(led.link)


@probe
def a_frame_of_524288_bytes(led):
    """Voter 1 sends a message of 524288 zero bytes, then looks."""
    led.link.send_frame(bytes(MOST_BYTES))
    return f"reads it; the connection {led.old_link()}"


@probe
def a_frame_of_524289_bytes(led):
    """Voter 1 says that a message of 524289 bytes comes."""
    led.link.send_bytes(struct.pack(">i", MOST_BYTES + 1))
    return _ended(led.link)


@probe
def an_empty_frame(led):
    """Voter 1 sends a message of 0 bytes."""
    led.link.send_frame(b"")
    return _ended(led.link)


@probe
def a_negative_frame(led):
    """Voter 1 says that a message of -1 bytes comes."""
    led.link.send_bytes(struct.pack(">i", -1))
    return _ended(led.link)


@probe
def a_short_message(led):
    """Voter 1 sends a message of 10 bytes, then looks."""
    led.link.send_frame(bytes(10))
    return f"leaves it out; the connection {led.old_link()}"


@probe
def a_message_with_a_long_configuration(led):
    """Voter 1 sends a message whose configuration has 1000 bytes, of which 5 are there, then looks."""
    led.link.send_frame(struct.pack(">iqqqqii", LOOKING, 1, 0, 1, 0, 2, 1000) + b"abcde")
    return f"leaves it out; the connection {led.old_link()}"


@probe
def a_message_with_a_bad_configuration(led):
    """Voter 1 looks, and its configuration is the text 'nonsense'."""
    led.link.vote(LOOKING, 1, 0, 1, 0, b"nonsense")
    try:
        return f"answers all the same, with state {led.link.read().state}"
    except TimeoutError:
        return "leaves it out"


@probe
def an_unknown_state(led):
    """Voter 1 sends a message of state 9, then looks."""
    led.link.vote(9, 1, 0, 1, 0, led.looking.config)
    return f"leaves it out; the connection {led.old_link()}"


@probe
def a_vote_for_nobody_known(led):
    """Voter 1 looks and votes for sid 99 with epoch 99."""
    led.link.vote(LOOKING, 99, 0, 1, 99, led.looking.config)
    note = led.link.read()
    return f"answers with its leader: state {note.state}, leader {note.leader}, epoch {note.epoch}, round {note.round}"
