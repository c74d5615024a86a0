"""Answers to four letter words, taken apart: each a list of (key, value), whose values tell what two servers with the same history
must have in common. Nothing of it is left out but what `MASKED` names.
"""

import re

from . import spoken

# What is another one each time, and is compared in its form only: the words, what it is, its text, and what stands for it.
MASKED = [
    (("cons",), "times, and durations in ms", r"\b(est|lresp|llat|minlat|avglat|maxlat)=\d+", r"\1=#"),
    (("cons", "dump", "stat"), "a client's port", r"/127\.0\.0\.1:\d+", "/address"),
    # Of who asks: Netty always waits to read, NIO does not once it has a word, nor do we.
    (("cons", "stat"), "whether the server waits to read more of a connection", r"\[[01]\]\(", "[#]("),
    (("srvr", "stat"), "durations in ms", r"(?m)^Latency (.*): \d+/\d+\.\d+/\d+$", r"Latency \1: #/#.#/#"),
    # Apache counts an answer after its client has it.
    (("srvr", "stat"), "frames that were sent", r"(?m)^Sent: \d+$", "Sent: #"),
    (("conf", "dirs"), "bytes of files", r"(?m)^(data\w+Size=|\w+dir_size: )\d+$", r"\1#"),
    (("hash",), "a digest, in which there are times", r"(?m): -?\d+$", ": #"),
    (("envi",), "free memory", r"(?m)^(os\.memory\.\w+)=\d+MB$", r"\1=#MB"),
]


def neutral(word, text, names):
    """The answer without what is this server's alone; `names` are texts and what stands for them."""
    for own, name in names:
        text = re.sub(rf"(?<![\w]){re.escape(own)}(?![\w])", name, text)
    for words, _, pattern, replacement in MASKED:
        if word in words:
            text = re.sub(pattern, replacement, text)
    return re.sub(r"\b0x[1-9a-f]([0-9a-f]{8})\b", r"0xEPOCH\1", text)


def whole(text):
    """One text."""
    return [("", text)]


def lines_with(separator):
    """Lines of a key and a value; one without is a key."""
    return lambda text: [tuple((line.split(separator, 1) + [""])[:2]) for line in text.splitlines()]


def counts(text):
    """Lines of a number and what it counts."""
    return [(re.sub(r"\d+", "#", line), " ".join(re.findall(r"\d+", line))) for line in text.splitlines()]


def zxids(text):
    """Lines of a zxid, whose epoch does not count, and a digest."""
    rows = [line.split(": ") for line in text.splitlines()]
    return [(f"{int(zxid, 16) & 0xffffffff:x}", digest) for zxid, digest in rows]


def blocks(text):
    """Heads and what is below them, both in no order; the last line is empty."""
    *_, last = text.split("\n")
    found = spoken.blocks(text)
    return [(head, " ".join(sorted(below))) for head, below in sorted(found.items())] + [("(end)", last)]


def connections(text):
    """A row for each part of a connection's line; lines in no order, those who ask are named so."""
    rows = []
    for line in sorted(text.splitlines()):
        head, _, fields = line.partition("(")
        fields = [field.partition("=") for field in fields.rstrip(")").split(",") if field]
        who = next((value for key, _, value in fields if key == "sid"), "who asks")
        rows += [(who, head)] if head else [("(empty line)", "")]
        rows += [(f"{who} {key}", value) for key, _, value in fields]
    return rows


def status(text):
    """Lines by their keys; the clients' in no order."""
    head, clients, rest = text.partition("Clients:\n")
    lines, _, figures = rest.partition("\n\n") if clients else ("", "", "")
    rows = lines_with(": ")(head)
    if clients:
        rows += [("Clients", line) for line in sorted(lines.splitlines())] + [("(empty line)", "")]
    return rows + lines_with(": ")(figures)


def dump(text):
    """What expires, whatever the time; znodes; titles with their counts of sessions and connections."""
    sessions, ephemerals, connections_ = spoken.dump_sections(text)
    return [*_expiring("session", sessions), *[(f"ephemerals: {head}", " ".join(sorted(below)))
            for head, below in sorted(spoken.blocks(ephemerals).items())], *_expiring("connection", connections_)]


def _expiring(what, section):
    if not section:
        return [(f"{what}s", "none are told")]
    title, *lines = section.splitlines()
    if " Sets (" not in title:
        return [(f"{what}s: title", title), *[(what, line) for line in sorted(lines)]]
    kind = title.split(" ")[0]
    return [(f"{what}s: title", kind), *[(what, line) for line in sorted(sum((below for _, below in spoken.expiries(section)), []))]]
