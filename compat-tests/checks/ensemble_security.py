"""Servers that show each other certificates, and log in: ironkeeper among Apache's servers, from the first start on and by rolling
restarts.

For the subject one of three servers is Apache's; for Apache all are.
"""

import re
import socket
import struct
from contextlib import contextmanager

from ironlab import jaas, ops, rundir
from ironlab.certificates import AUTHORITY, Maker
from ironlab.ensemble import LEADER, Ensemble, mode, three
from ironlab.report import equal
from ironlab.server import ServerError
from ironlab.wire import Client

from . import logins

NAME = "ensemble security"
ORACLE = "apache-3.9.5"
SETTINGS = "tickTime=500\ninitLimit=40\nsyncLimit=40"
KEY = ("-newkey", "rsa:2048")
# Apache's connecting side refuses DIGEST-MD5 in FIPS mode, and looks at no host there.
NO_FIPS = {"zookeeper.fips-mode": "false"}


def run(report, kind):
    home = rundir.new("security")
    try:
        world = World(Maker(home / "made"))
        for claim, lines, properties in [
            ("TLS", world.tls(), {}),
            ("TLS with hosts that are looked at", world.tls(), NO_FIPS),
            ("TLS by PEM", world.tls(world.pem), {}),
            ("SASL", world.sasl(), {**NO_FIPS, **world.jaas("secret")}),
            ("TLS and SASL", world.tls() + world.sasl(), {**NO_FIPS, **world.jaas("secret")}),
        ]:
            with report.check(NAME, kind, f"an ensemble with {claim}"):
                serves_through_changes_of_its_leader(_ensemble(kind, lines, properties))
        with report.check(NAME, kind, "a rolling move to TLS"):
            _rolls(kind, ["", world.tls(connects=False, lets_in=True), world.tls(lets_in=True), world.tls()], {})
        with report.check(NAME, kind, "a rolling move to SASL"):
            steps = ["", world.sasl(offers=False, requires=False), world.sasl(requires=False), world.sasl()]
            _rolls(kind, steps, {**NO_FIPS, **world.jaas("secret")})
        with report.check(NAME, kind, "a certificate for the name that DNS gives, where a setting asks for it"):
            named = world.tls(world.named) + "ssl.quorum.allowReverseDnsLookup=true\n"
            serves_through_changes_of_its_leader(_ensemble(kind, named, NO_FIPS))
        _strangers(report, kind, world)
        with report.check(NAME, kind, "cve 2023 44981 who asks to be taken for another is not let in"):
            _asks_for_another(kind, world)
    finally:
        rundir.remove(home)


class World:
    """One authority; a certificate for all servers, one for the name alone that DNS has for them, one for another host."""

    def __init__(self, maker):
        self.maker = maker
        root = maker.pair("/O=Lab/CN=root", extensions=AUTHORITY)
        here = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        peer = maker.pair("/O=Lab/CN=peer", root, here, key=KEY, chain=[root.certificate])
        elsewhere = maker.pair("/O=Lab/CN=elsewhere", root, "subjectAltName=DNS:elsewhere.example", key=KEY)
        name = socket.gethostbyaddr("127.0.0.1")[0]  # server lines have the address
        named = maker.pair("/O=Lab/CN=named", root, f"subjectAltName=DNS:{name}", key=KEY)
        stranger = maker.pair("/O=Strangers/CN=peer", extensions=here, key=KEY)
        self.jks = (maker.key_store("peer.jks", peer, "JKS"), maker.trust_store("peers.jks", [root], "JKS"))
        self.pem = (peer.bundle(maker.directory / "peer.pem"), maker.pem_trust("peers.pem", [root]))
        self.elsewhere = (elsewhere.bundle(maker.directory / "elsewhere.pem"), self.pem[1])
        self.named = (named.bundle(maker.directory / "named.pem"), self.pem[1])
        self.stranger = (stranger.bundle(maker.directory / "stranger.pem"), self.pem[1])

    def tls(self, stores=None, connects=True, lets_in=False):
        key, trust = stores or self.jks
        password = "changeit" if key.suffix == ".jks" else ""
        return (f"sslQuorum={_flag(connects)}\nportUnification={_flag(lets_in)}\n"
                f"ssl.quorum.keyStore.location={key}\nssl.quorum.keyStore.password={password}\n"
                f"ssl.quorum.trustStore.location={trust}\nssl.quorum.trustStore.password={password}\n")

    def sasl(self, offers=True, requires=True):
        return (f"quorum.auth.enableSasl=true\nquorum.auth.learnerRequireSasl={_flag(offers)}\n"
                f"quorum.auth.serverRequireSasl={_flag(requires)}\n")

    def jaas(self, password):
        """The property with a JAAS file in which this server has this password."""
        path = self.maker.directory / f"jaas-{password}.conf"
        path.write_text(jaas.section("QuorumServer", jaas.users({"zk": "secret"}))
                        + jaas.section("QuorumLearner", {"username": "zk", "password": password}))
        return {"java.security.auth.login.config": path}


def _flag(value):
    return "true" if value else "false"


def _ensemble(kind, lines, properties, own=None):
    return Ensemble(kind, three(SETTINGS), kinds={2: ORACLE}, extra=lines, properties=properties, own=own)


def _write(server, path):
    with Client(server.port) as client:
        equal(client.create(path).err, ops.OK, f"create {path}")
        client.close_session()


def write_everywhere(ensemble, path):
    """Through each server, once all serve; then all have it."""
    ensemble.wait_for(lambda: None not in ensemble.modes().values(), "all serve")
    for sid, server in ensemble.servers.items():
        _write(server, f"{path}-through-{sid}")
    ensemble.wait_until_level()


def serves_through_changes_of_its_leader(ensemble):
    """Each of the three leads or follows the others at some time, by connections in both directions."""
    with ensemble:
        for number in range(len(ensemble.servers)):
            leader = ensemble.leader
            write_everywhere(ensemble, f"/round-{number}")
            leader.stop()
            ensemble.wait_for_leader(ensemble.others(leader))
            leader.start()
        write_everywhere(ensemble, "/at-the-end")


def _rolls(kind, steps, properties):
    """One server after the other gets the next lines; meanwhile the two others serve."""
    first, *later = steps
    with _ensemble(kind, first, properties) as ensemble:
        base = {sid: server.config.removesuffix(first) for sid, server in ensemble.servers.items()}
        for step, lines in enumerate(later):
            for sid, server in ensemble.servers.items():
                server.stop()
                ensemble.wait_for_leader(ensemble.others(server))
                server.config = base[sid] + lines
                server.start()
                write_everywhere(ensemble, f"/step-{step}-of-{sid}")


def _strangers(report, kind, world):
    """A server that the two others do not let in never serves; they go on."""
    secret = {**NO_FIPS, **world.jaas("secret")}
    for claim, lines, own_lines, properties, own_properties in [
        ("a certificate of strangers", world.tls(), world.tls(world.stranger), {}, {}),
        ("a certificate for another host", world.tls(), world.tls(world.elsewhere), NO_FIPS, NO_FIPS),
        ("no TLS", world.tls(), "", {}, {}),
        ("another password", world.sasl(), world.sasl(), secret, {**NO_FIPS, **world.jaas("other")}),
        ("no login", world.sasl(), "", secret, secret),
    ]:
        with report.check(NAME, kind, f"a server with {claim} is not let in"):
            own = {3: {"extra": own_lines, "properties": own_properties}}
            _is_not_let_in(_ensemble(kind, lines, properties, own))


def _is_not_let_in(ensemble):
    with serving_without_the_third(ensemble):
        pass


@contextmanager
def serving_without_the_third(ensemble):
    """Two servers go on, and do not let the third one in, which runs."""
    stranger = ensemble.servers[3]
    members = ensemble.others(stranger)
    try:
        for server in members:
            server.launch()
        for server in members:
            server.wait_until_serving()
        stranger.launch()
        try:
            ensemble.wait_for(lambda: mode(stranger), "the stranger serves", within_s=6)
        except ServerError:
            pass
        else:
            raise AssertionError(f"the stranger serves: {ensemble.modes()}")
        _write(ensemble.wait_for_leader(members), "/after")
        equal(sorted(mode(server) for server in members), ["follower", LEADER], "roles")
        yield members, stranger
    finally:
        ensemble.close()


def _asks_for_another(kind, world):
    """Two servers serve; who knows the password knocks at the first one, as the third."""
    with_logins = {**NO_FIPS, **world.jaas("secret")}
    ensemble = _ensemble(kind, world.sasl(), with_logins)
    pair = [ensemble.servers[sid] for sid in (1, 2)]
    try:
        for server in pair:
            server.launch()
        for server in pair:
            server.wait_until_serving()
        port = ensemble.members.election_ports[1]
        for asked, expected in [(b"zk", LET_IN), (b"other", REFUSED), (b"", REFUSED)]:
            with Knock(port) as knock:
                equal(knock.log_in(asked), expected, f"the answer to who asks for {asked}")
    finally:
        ensemble.close()


LET_IN, REFUSED = 1, -1
_MAGIC = 0x5f2435013501edcc  # Java: -0xa0dbcafecafe1234, which overflows


class Knock:
    """A connection to an election port, as server 3."""

    def __init__(self, port):
        self._sock = socket.create_connection(("127.0.0.1", port), 20)
        self._from = self._sock.makefile("rb")
        address = b"127.0.0.1:1"
        self._sock.sendall(struct.pack(">qqi", -65536, 3, len(address)) + address)

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        self._sock.close()

    def log_in(self, asked):
        """Logs in as zk, and asks to be taken for another; the status of the last answer."""
        self._send(b"")
        _, challenge = self._receive()
        nonce = re.search(rb'nonce="([^"]*)"', challenge)[1]
        token, _ = logins.response(nonce, "zk", "secret", realm=b"zk-quorum-sasl-md5",
                                   uri=b"zookeeper-quorum/zk-quorum-sasl-md5", authzid=asked)
        self._send(token)
        return self._receive()[0]

    def _send(self, token):
        self._sock.sendall(struct.pack(">qii", _MAGIC, 0, len(token)) + token)

    def _receive(self):
        _, status, length = struct.unpack(">qii", self._from.read(16))
        return status, self._from.read(max(length, 0))
