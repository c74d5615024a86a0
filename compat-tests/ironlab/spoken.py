"""A history after which each four letter word has something to tell, and the answers without what differs from run to run."""

import re
from contextlib import contextmanager

from . import ops
from .server import four_letters
from .wire import Client

WORDS = ("cons", "dirs", "dump", "envi", "gtmk", "hash", "wchc", "wchp", "wchs", "crst", "srst")

# So far apart that the sessions never expire in the same bucket.
TIMEOUTS_MS = (20000, 30000)
CHANGES = 130


@contextmanager
def played(port, root="/words", connect=Client, ask=four_letters):
    """Two sessions with ephemerals and watches of every kind, who have asked once since crst. They end with the block.

    Their znodes are below `root`; `connect` and `ask` are how this port takes clients and words."""
    with connect(port, timeout_ms=TIMEOUTS_MS[0]) as one, connect(port, timeout_ms=TIMEOUTS_MS[1]) as other:
        one.create(root)
        for client, names in ((one, "a"), (other, "bc")):
            for name in names:
                client.create(f"{root}/{name}", flags=ops.EPHEMERAL)
        for _ in range(CHANGES):  # the words of the tree's digests speak of each 128th zxid
            one.call("setData", path=root, data=b"x", version=-1)
        for client in (one, other):
            client.call("getData", path=root, watch=True)
            client.call("getChildren", path=root, watch=True)
        one.call("exists", path=f"{root}/none", watch=True)
        other.call("addWatch", path=root, mode=0)
        other.call("addWatch", path="/", mode=1)
        ask(port, "crst")
        one.call("ping", xid=ops.XID_PING)
        other.call("getData", path=root, watch=False)
        yield one, other


def masked(text):
    """Sessions by their order, and no ports, times, sizes and digests."""
    sessions = sorted(set(re.findall(r"(?<!lzxid=)\b0x1\w{14,15}\b", text)))
    for number, session in enumerate(sessions):
        text = text.replace(session, f"session-{number}")
    text = re.sub(r"(127\.0\.0\.1|localhost):\d+", "address", text)
    text = re.sub(r"(est|lresp|llat|minlat|avglat|maxlat)=\d+", r"\1=", text)
    text = re.sub(r"(datadir_size|logdir_size): \d+", r"\1: ", text)
    return re.sub(r"(?m)^([0-9a-f]+): -?\d+$", r"\1: digest", text)


def blocks(text):
    """The lines that are not indented by a tab, each with those that are below it: a set of sets."""
    found = {}
    for line in text.splitlines():
        if line.startswith("\t"):
            found[head].add(line)
        else:
            head = line
            found[head] = set()
    return found


EXPIRY = re.compile(r"(\d+) expire at (\w{3} \w{3} \d\d \d\d:\d\d:\d\d \w+ \d{4}):")


def expiries(section):
    """[(date, lines)] of what dump tells by times, without the times at which nothing expires. Checks its own counts."""
    title, *lines = section.splitlines()
    counts = re.fullmatch(r"\w+ Sets \((\d+)\)/\((\d+)\):", title)
    assert counts, title
    found = []
    for line in lines:
        if line.startswith("\t"):
            found[-1][2].append(line)
        else:
            count, date = EXPIRY.fullmatch(line).groups()
            found.append((int(count), date, []))
    assert [count for count, _, below in found] == [len(below) for _, _, below in found], section
    told = (len(found), sum(count for count, _, _ in found))
    assert told == tuple(map(int, counts.groups())), section
    return [(date, sorted(below)) for count, date, below in found if count]


def dump_sections(text):
    """Of sessions, ephemerals and connections."""
    sections = re.fullmatch(r"SessionTracker dump:\n(.*)ephemeral nodes dump:\n(.*)Connections dump:\n(.*)", text, re.S)
    assert sections, text
    return sections.groups()
