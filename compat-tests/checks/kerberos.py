"""Clients that log in with tickets of a real KDC, on both servers side by side: who they are then, and what refuses them.

The server is the one that is built with the feature gssapi.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ironlab import jaas, kdc, paths, zkcli
from ironlab.javaclient import Client
from ironlab.report import equal
from ironlab.server import Server, ServerError

from .logins import ORACLE, PROVIDER, REMOVE, Login

NAME = "kerberos"
OURS = "ironkeeper"
MODULE = "com.sun.security.auth.module.Krb5LoginModule"
SERVICE = "zookeeper/localhost"
PRINCIPALS = ["bob", "svc/h1"]
RULES = f"RULE:[1:$1@$0](.*@{kdc.REALM})s/@.*// RULE:[2:$1;$2](svc;.*)s/svc;(.*)/$1/g DEFAULT"


def run(report, kind):
    with Realm() as realm:
        for setting in SETTINGS:
            _side_by_side(report, kind, realm, setting)
        _starts(report, kind, realm)
        _old_ticket(report, kind, realm)


class Realm(kdc.Kdc):
    """With a server and clients, and the files by which Java logs them in."""

    def __enter__(self):
        super().__enter__()
        self.service = self.keytab(SERVICE)
        for name in PRINCIPALS:
            self._client(name).write_text(self._section("Client", name, self.keytab(name)))
        return self

    def server(self, kind, lines="", properties=None, file=None):
        """One that lets clients log in with the realm's tickets."""
        file = file or self.section_of_server()
        own = {"java.security.krb5.conf": self.conf, "java.security.auth.login.config": file}
        binary = paths.kerberos_binary() if kind == OURS else None
        return Server(kind, f"{PROVIDER}{lines}", {**own, **(properties or {})}, binary=binary)

    def section_of_server(self, name="server", changes=()):
        """A JAAS file; `changes` are options in place of its own."""
        path = self.home / f"{name}.conf"
        path.write_text(self._section("Server", SERVICE, self.service, changes))
        return path

    def client(self, name, *options):
        """Apache's client of that name; of no name where it is None."""
        own = [f"-Djava.security.krb5.conf={self.conf}", f"-Dzookeeper.server.principal={SERVICE}", *options]
        if name:
            own.append(f"-Djava.security.auth.login.config={self._client(name)}")
        return Client(paths.APACHE_39, properties=tuple(own))

    def _client(self, name):
        return self.home / f"{name.replace('/', '_')}.conf"

    def _section(self, section, principal, keytab, changes=()):
        options = {"useKeyTab": "true", "storeKey": "true", "keyTab": str(keytab), "principal": principal}
        return jaas.section(section, {**options, **dict(changes)}, module=MODULE)


@dataclass(frozen=True)
class Setting:
    """Lines of zoo.cfg and properties."""

    claim: str
    lines: str = ""
    properties: dict = field(default_factory=dict)


SETTINGS = [
    Setting("plain settings"),
    Setting("required, short names", "sessionRequireClientSASLAuth=true\n", REMOVE),
    Setting("rules, a super user", f"superUser=bob@{kdc.REALM}\n", {"zookeeper.security.auth_to_local": RULES}),
]


def _side_by_side(report, kind, realm, setting):
    kinds = [kind] if kind == ORACLE else [kind, ORACLE]
    with ThreadPoolExecutor() as pool:
        servers = list(pool.map(lambda each: realm.server(each, setting.lines, setting.properties).__enter__(), kinds))
    try:
        for what in TRIES:
            with report.check(NAME, kind, f"{setting.claim}: {what.__name__.replace('_', ' ')}"):
                outcomes = [what(realm, server) for server in servers]
                assert outcomes[0], "it says something"
                equal(outcomes[0], outcomes[-1], "outcome")
    finally:
        for server in servers:
            server.close()


def clients_are_who_their_tickets_say(realm, server):
    return {name: _lines(server, realm.client(name), "whoami") for name in PRINCIPALS}


def lists_with_names(realm, server):
    bob, svc = (realm.client(name) for name in PRINCIPALS)
    path = "/of-bob"
    return [_lines(server, bob, "create", path, "data", "auth::cdrwa"), _lines(server, bob, "getAcl", path),
            _lines(server, bob, "get", path), _lines(server, svc, "get", path)]


def clients_without_a_ticket(realm, server):
    return _lines(server, realm.client(None), "whoami")


def tokens_that_are_no_ticket(_realm, server):
    outcomes = []
    for token in [b"", b"x", b"username=bob", b"\x60\x06" + b"x" * 70000]:
        with Login(server.port) as client:
            outcomes.append([client.step(token), client.fate()])
    return outcomes


TRIES = [clients_are_who_their_tickets_say, lists_with_names, clients_without_a_ticket, tokens_that_are_no_ticket]


def _lines(server, client, *command):
    """What zkCli prints of one command, in any order, and its exit code."""
    code, text = zkcli.one_shot(server, *command, release=client)
    masks = zkcli.Masks(server)
    return code, sorted(masks.line(line) for line in text.splitlines())


def _starts(report, kind, realm):
    """What stops the start of both."""
    for claim, changes in [
        ("a keytab that is not there", {"keyTab": "/nowhere/zk.keytab"}),
        ("a principal that the keytab does not have", {"principal": "zookeeper/elsewhere"}),
    ]:
        with report.check(NAME, kind, f"no start with {claim}"):
            server = realm.server(kind, file=realm.section_of_server("broken", changes))
            try:
                server.start()
            except ServerError as error:
                assert "ended with code" in str(error), error
            else:
                raise AssertionError("it has started")
            finally:
                server.close()


def _old_ticket(report, kind, realm):
    """The server has another key than the one that the ticket is for."""
    with report.check(NAME, kind, "a ticket for another key is refused"), realm.server(kind) as server:
        realm.change_key(SERVICE)
        _, text = zkcli.one_shot(server, "whoami", release=realm.client("bob"))
        assert "state:AuthFailed" in text and "sasl" not in text, text
