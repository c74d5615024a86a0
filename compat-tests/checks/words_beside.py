"""Each four letter word, asked of Apache 3.9.5 and of the subject after the same history: the same keys with the same values, standalone,
by role in an ensemble, and by port where there is TLS; but for what `DIFFERENCES` names, each of which must be there.

What comes of it is docs/words.md: a whole run compares it, `run.py --write-table` writes it.
"""

import re
import struct
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from ironlab import ops, paths, rundir, spoken, told
from ironlab.certificates import Maker
from ironlab.members import Members, serving
from ironlab.report import equal, same_lines
from ironlab.secure import SecureClient, SecureServer, World
from ironlab.server import Server, four_letters
from ironlab.wire import Client

NAME = "words beside"
CLIENTS = []
ORACLE = "apache-3.9.5"
PAGE = paths.PROJECT / "docs" / "words.md"
_MADE = paths.WORK / "words.md"
TELNET = b"\xff\xf4\xff\xfd"
SETTINGS = "tickTime=2000\ninitLimit=20\nsyncLimit=10"

# How each answer is read, in the order in which they are asked. `stmk` comes with its number.
WORDS = {
    "cons": told.connections, "stat": told.status, "srvr": told.status, "conf": told.lines_with("="), "dirs": told.lines_with(" "),
    "dump": told.dump, "envi": told.lines_with("="), "gtmk": told.whole, "stmk": told.whole, "hash": told.zxids, "isro": told.whole,
    "ruok": told.whole, "wchs": told.counts, "wchc": told.blocks, "wchp": told.blocks, "telnet's interrupt": told.whole,
    "crst": told.whole, "srst": told.whole,
}
# Compared by the suite metrics, key by key and count by count.
ELSEWHERE = {"mntr": told.lines_with("\t")}
# Never set: what is counted late has the time between two looks.
LOOK = threading.Event()
ASKED = {"stmk": b"stmk" + struct.pack(">q", 306), "telnet's interrupt": TELNET}


@dataclass(frozen=True)
class Difference:
    """Where ironkeeper means to differ: keys of a word, as a regular expression, what each says, and why. `always` is false where that
    depends on the machine.
    """

    word: str
    key: str
    theirs: str
    ours: str
    why: str
    always: bool = True

    def __str__(self):
        key = re.sub(r"\\|\(.*\)\?|\?", "", self.key).replace("|", ", ")
        return f"| {self.word} | {key} | {self.theirs} | {self.ours} | {self.why} |\n"


DIFFERENCES = [
    *[Difference(word, "Zookeeper version", "its version, commit and date", "Apache's version, `ironkeeper`, its own version and date",
                 "tools look for Apache's number, operators for ours") for word in ("stat", "srvr")],
    Difference("envi", "zookeeper.version", "its version, commit and date", "as srvr has it", "the same"),
    Difference("envi", r"java\.version|java\.vendor|java\.home|java\.class\.path|java\.library\.path", "of the virtual machine", "`<NA>`",
               "there is none, and Apache writes this for what is not known"),
    Difference("envi", r"host\.name", "the machine's full name of a name server", "the name that the machine gives itself",
               "a name server may be slow", always=False),
    Difference("dump", "connections?(: title)?", "none where the socket engine is Netty, as TLS demands", "those of the port that was asked",
               "there is one engine, and it knows them"),
]


@dataclass
class Station:
    """One port of a server, and how it is asked: `connect` and `ask` are as `spoken.played` takes them."""

    name: str
    server: Server
    port: int
    connect: type = Client
    ask: type = four_letters


def run(report, kind):
    answers = {}
    for place in (_alone, _ensemble, _ports, _refusals):
        with report.guard(NAME, kind):
            theirs, ours = place(ORACLE), place(kind)
            for station in theirs:
                answers[station] = _compare(report, kind, station, theirs[station], ours[station])
    if kind != ORACLE:
        with report.check(NAME, kind, "each difference that is named is there"):
            seen = {difference for found in answers.values() for differences in found.values() for difference in differences}
            equal([difference for difference in DIFFERENCES if difference.always and difference not in seen], [], "not seen")
        _MADE.write_text(_page(answers))


def check():
    """Raises AssertionError where docs/words.md is not what the last run has made."""
    same_lines(PAGE.read_text(), _MADE.read_text(), f"{PAGE}: run {paths.COMPAT / 'run.py'} --write-table")


def write():
    """Makes docs/words.md what the last run has made."""
    PAGE.write_text(_MADE.read_text())


def _compare(report, kind, station, theirs, ours):
    """The differences that were found, by word."""
    found = {}
    for word in theirs:
        with report.check(NAME, kind, f"{station}: {word}"):
            unequal = _unequal(theirs[word], ours[word])
            means = [] if kind == ORACLE else DIFFERENCES
            named = {row: [one for one in means if one.word == word and re.fullmatch(one.key, row[0])] for row in unequal}
            equal([row for row in unequal if not named[row]], [], "(key, Apache's values, the subject's)")
            found[word] = {difference for differences in named.values() for difference in differences}
    return found


def _unequal(theirs, ours):
    """[(key, their values, our values)] where they are not the same; the order of keys is compared too."""
    if [key for key, _ in theirs] == [key for key, _ in ours]:
        return [(key, value, other) for (key, value), (_, other) in zip(theirs, ours) if value != other]
    values = [{key: tuple(value for one, value in rows if one == key) for key, _ in rows} for rows in (theirs, ours)]
    keys = dict.fromkeys([*values[0], *values[1]])
    unequal = [(key, values[0].get(key), values[1].get(key)) for key in keys if values[0].get(key) != values[1].get(key)]
    return unequal or [("(order)", tuple(key for key, _ in theirs), tuple(key for key, _ in ours))]


def _alone(kind):
    with Server(kind, SETTINGS) as server:
        return _asked([Station("standalone", server, server.port)], [(server.port, "server")])


def _ensemble(kind):
    members = Members([1, 2], [3], settings=SETTINGS)
    servers = [members.server(kind, sid) for sid in members.sids]
    with serving(servers) as modes:
        stations = [Station(mode, modes[mode], modes[mode].port) for mode in ("leader", "follower", "observer")]
        return _asked(stations, [*members.port_names(), *[(server.port, f"client-{server.sid}") for server in servers]])


def _ports(kind):
    with _secure(kind) as (server, secure):
        stations = [Station("plain port beside TLS", server, server.port), Station("secure port", server, server.secure_port, **secure)]
        unified = Station("TLS on the plain port", server, server.port, **secure)
        return _asked(stations, [(server.port, "plain"), (server.secure_port, "secure")], [unified])


@contextmanager
def _secure(kind, extra=""):
    """A server with a plain port that takes TLS too, and a secure one; and how the latter is spoken with."""
    directory = rundir.new("certificates")
    try:
        world = World(Maker(directory / "made"))
        lines = world.settings(client_portUnification="true") + f"{SETTINGS}\n{extra}"
        talk = {"connect": partial(SecureClient, world=world, pair=world.good), "ask": SecureClient.asker(world, world.good)}
        with SecureServer(kind, lines, world) as server:
            yield server, talk
    finally:
        rundir.remove(directory)


def _refusals(kind):
    """What is said to each word that is not in the whitelist."""
    with _secure(kind, "4lw.commands.whitelist= gtmk , ruok") as (server, secure):
        ways = [Station("whitelist, plain port", server, server.port), Station("whitelist, secure port", server, server.secure_port, **secure)]
        words = [word for word in (*WORDS, *ELSEWHERE) if word != "srvr"]  # which is answered whatever the list says
        return {way.name: {word: told.whole(way.ask(way.port, ASKED.get(word, word))) for word in words} for way in ways}


def _asked(stations, names, others=()):
    """Plays the history at each station and asks every word there, and at `others`: {station: {word: rows}}."""
    with ExitStack() as stack:
        names = [(str(own), name) for own, name in names]
        for station in stations:
            root = f"/{station.name.replace(' ', '-')}"
            played = spoken.played(station.port, root, station.connect, station.ask)
            for number, client in enumerate(stack.enter_context(played)):
                names.append((hex(client.session[0]), f"session-{station.name}-{number}"))
                last = client
            last.call("sync", path="/")
        for station in stations:
            names += [(str(station.server.data), "/data"), (str(station.server.home.resolve()), "/home")]
            station.ask(station.port, "srst")
        last.create("/proposed", b"x" * 100, flags=ops.PERSISTENT)
        for station in stations:
            _seen(station)
        return {station.name: {word: _rows(station, word, names) for word in WORDS} for station in (*stations, *others)}


def _seen(station):
    """Waits for the last write there."""
    with station.connect(station.port) as client:
        client.call("sync", path="/")
        assert client.call("exists", path="/proposed", watch=False).err == 0, f"{station.name} has not seen the last write"
        client.close_session()
    station.server.wait_for(lambda: _frames(station) == _frames(station), f"{station.name} counts frames for ever")


def _frames(station):
    """What each session was sent: Apache's Netty counts a frame a moment after the client has it."""
    LOOK.wait(0.1)
    return sorted(re.findall(r"sent=(\d+),sid=", station.ask(station.port, "cons")))


def _rows(station, word, names):
    text = station.ask(station.port, ASKED.get(word, word))
    return WORDS[word](told.neutral(word, text, names))


HEAD = """# Four-letter words beside Apache's

Written by `compat-tests/run.py --write-table`. Both servers have had the same history: sessions with ephemerals and watches of every
kind, on each member of an ensemble (two voters and an observer), and on each port of a server with TLS. Every word is then asked of
both, and compared key by key and value by value: = says that they are the same, a number how many of the differences below there
are.

"""


def _page(answers):
    words = list(dict.fromkeys(word for found in answers.values() for word in found))
    rows = [f"| word | {' | '.join(answers)} |\n| --- |{' --- |' * len(answers)}\n"]
    rows += [f"| {word} | {' | '.join(_cell(found.get(word)) for found in answers.values())} |\n" for word in words]
    differences = "".join(map(str, DIFFERENCES))
    masked = "".join(f"| {', '.join(words)} | {what} |\n" for words, what, *_ in told.MASKED)
    return (f"{HEAD}{''.join(rows)}\nWhere they differ:\n\n| word | key | Apache 3.9.5 | ironkeeper | why |\n| --- | --- | --- | --- | --- |\n"
            f"{differences}\nWhat is compared in its form only:\n\n| word | what |\n| --- | --- |\n{masked}")


def _cell(differences):
    if differences is None:
        return ""
    return str(len(differences)) if differences else "="
