"""Clients that log in by SASL, with the JAAS file that Apache has: every step on both servers side by side, to the letter but
for the nonces.
"""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ironlab import jaas, jute, ops, paths, rundir, wire, zkcli
from ironlab.javaclient import Client
from ironlab.report import equal
from ironlab.server import Server, ServerError

NAME = "logins"
CLIENTS = []
ORACLE = "apache-3.9.5"
SASL = 102
PROVIDER = "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n"
USERS = {"bob": "bobsecret", "super": "adminsecret", "bill@HOME": "billsecret", "zk/h1@HOME": "zksecret", "jörg": "grün",
         "張": "密", 'quo"te': 'back\\slash', "eve": "evesecret"}
_SERVER = jaas.section("Server", jaas.users(USERS))


def run(report, kind):
    home = rundir.new("logins")
    try:
        file = home / "jaas.conf"
        file.write_text(_SERVER)
        for setting in SETTINGS:
            _side_by_side(report, kind, file, setting)
        _starts(report, kind, home)
        _zkcli(report, kind, home, file)
    finally:
        rundir.remove(home)


@dataclass(frozen=True)
class Setting:
    """Lines of zoo.cfg and properties, and what clients try there."""

    claim: str
    lines: str
    tries: list
    properties: dict = field(default_factory=dict)
    has_file: bool = True


def _side_by_side(report, kind, file, setting):
    properties = {**setting.properties, "file.encoding": "UTF-8"}
    if setting.has_file:
        properties["java.security.auth.login.config"] = file
    both = [kind] if kind == ORACLE else [kind, ORACLE]
    with ThreadPoolExecutor() as pool:
        servers = list(pool.map(lambda each: Server(each, f"{setting.lines}", properties).__enter__(), both))
    try:
        for what in setting.tries:
            with report.check(NAME, kind, f"{setting.claim}: {what.__name__.replace('_', ' ')}"):
                outcomes = [what(server.port) for server in servers]
                assert outcomes[0], "it says something"
                _same(*outcomes[::len(outcomes) - 1] if len(outcomes) > 1 else outcomes * 2)
    finally:
        for server in servers:
            server.close()


def _same(ours, theirs):
    """Compares piece by piece, so that a failure is short."""
    for name in ours if isinstance(ours, dict) else range(len(ours)):
        equal(ours[name], theirs[name], str(name))


class Login(wire.Client):
    """A connection that logs in by DIGEST-MD5, step by step."""

    def step(self, token):
        """The next token's answer: (error, token or None), or what became of the connection."""
        self.send_raw(SASL, jute.encode("GetSASLRequest", {"token": token}))
        try:
            reply = self.reply()
        except wire.Closed:
            return "closed", 0, None
        body = jute.Reader(reply.raw).read("SetSASLResponse") if reply.raw else {"token": "no body"}
        return reply.err, reply.zxid, body["token"]

    def challenge(self, first=b""):
        """The first step, its nonce taken out."""
        err, zxid, token = self.step(first)
        token = token or b""
        self.nonce = re.search(rb'nonce="([^"]*)"', token)[1] if token else b""
        return err, zxid, token.replace(self.nonce, b"NONCE") if token else token

    def log_in(self, user, password=None, **changes):
        """Both steps; what the server said, and who the client is then."""
        said = [self.challenge()]
        said += self.answer(user, USERS.get(user, "") if password is None else password, **changes)
        return said + [self.fate()]

    def answer(self, user, password, **changes):
        token, expected = response(self.nonce, user, password, **changes)
        err, zxid, answer = self.step(token)
        if answer == expected:
            answer = "its proof"
        return [err, zxid, answer]

    def fate(self):
        """Who the client is; closed, where it is."""
        try:
            reply = self.call("whoAmI")
            infos = reply.body.get("clientInfo", [])
            return reply.err, sorted(f"{info['authScheme']}:{info['user']}" for info in infos if info["authScheme"] != "ip")
        except wire.Closed:
            return "closed"


def response(nonce, user, password, drop=(), count=b"00000001", realm=b"zk-sasl-md5", uri=b"zookeeper/zk-sasl-md5",
              qop=b"auth", authzid=None, extra=b"", charset=b"utf-8", names=lambda name: name):
    """A client's token, and what the server has to answer."""
    cnonce = b"0123456789abcdef"
    latin = [_latin1_or_utf8(part) for part in (user, realm.decode(), password)]
    secret = hashlib.md5(b":".join(latin)).digest()
    start = b":".join([secret, nonce, cnonce] + ([authzid] if authzid is not None else []))
    tail = b":" + b"0" * 32 if qop != b"auth" else b""

    def proof(method):
        end = hashlib.md5(method + b":" + uri + tail).hexdigest().encode()
        middle = b":".join([hashlib.md5(start).hexdigest().encode(), nonce, count, cnonce, qop, end])
        return hashlib.md5(middle).hexdigest().encode()

    quoted = user.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    parts = {b"charset": charset, b"username": b'"' + quoted + b'"', b"realm": b'"' + realm + b'"',
             b"nonce": b'"' + nonce + b'"', b"nc": count, b"cnonce": b'"' + cnonce + b'"', b"digest-uri": b'"' + uri + b'"',
             b"maxbuf": b"65536", b"response": proof(b"AUTHENTICATE"), b"qop": qop}
    if authzid is not None:
        parts[b"authzid"] = b'"' + authzid + b'"'
    token = b",".join(names(name) + b"=" + value for name, value in parts.items() if name.decode() not in drop)
    return token + extra, b"rspauth=" + proof(b"")


def _latin1_or_utf8(text):
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def _log_in(port, *arguments, **options):
    with Login(port) as client:
        return client.log_in(*arguments, **options)


def users_are_who_they_say(port):
    return {user: _log_in(port, user) for user in USERS}


def wrong_passwords_and_strangers(port):
    return [_log_in(port, "bob", "wrong"), _log_in(port, "nobody", "x"), _log_in(port, "bob", ""), _log_in(port, "", "")]


def tokens_that_leave_something_out(port):
    names = ["charset", "username", "realm", "nonce", "nc", "cnonce", "digest-uri", "maxbuf", "response", "qop"]
    return {name: _log_in(port, "bob", drop=[name]) for name in names}


def tokens_that_say_something_else(port):
    changes = {
        "count": {"count": b"00000002"}, "short count": {"count": b"1"}, "no hex": {"count": b"0000000x"},
        "realm": {"realm": b"other"}, "uri": {"uri": b"zookeeper/other"}, "service": {"uri": b"zookeeper/zk-sasl-md5/name"},
        "upper": {"uri": b"ZooKeeper/ZK-SASL-MD5"}, "qop": {"qop": b"auth-int"}, "unknown qop": {"qop": b"x"},
        "charset": {"charset": b"latin1"}, "itself": {"authzid": b"bob"}, "another": {"authzid": b"super"},
        "nobody": {"authzid": b""}, "unknown key": {"extra": b",x=y"}, "twice": {"extra": b",qop=auth"},
        "end": {"extra": b" , ,"}, "key alone": {"extra": b",x"}, "open quote": {"extra": b',x="y'},
        "behind quotes": {"extra": b',x="y"z'}, "no key": {"extra": b",=y"}, "upper keys": {"names": bytes.upper},
        "long": {"extra": b",x=" + b"y" * 4096}}
    return {name: _log_in(port, "bob", **change) for name, change in changes.items()}


def tokens_out_of_turn(port):
    outcomes = {}
    for name, first in [("response first", b"username=bob"), ("long", b"x" * 5000)]:
        with Login(port) as client:
            outcomes[name] = [client.challenge(first), client.fate()]
    with Login(port) as client:
        outcomes["no response"] = [client.challenge(), client.step(b""), client.fate()]
    with Login(port) as client:
        outcomes["again when it is over"] = [*client.log_in("bob"), client.step(b""), client.fate()]
    return outcomes


def another_clients_nonce_is_worth_nothing(port):
    with Login(port) as client, Login(port) as other:
        client.challenge()
        other.challenge()
        other.nonce = client.nonce
        return [other.answer("bob", USERS["bob"]), other.fate(), client.answer("bob", USERS["bob"]), client.fate()]


def lists_with_names(port):
    """Access control lists of the scheme, and what they let whom do."""
    outcomes = []
    with Login(port) as bob, Login(port) as eve, Login(port) as admin:
        for client, name in [(bob, "bob"), (eve, "eve"), (admin, "super")]:
            client.log_in(name)
        for name in ["bob", "anyone", "a@b@c", "zk/h1@HOME", ""]:
            path = f"/of-{len(outcomes)}"
            acl = [{"perms": 31, "id": {"scheme": "sasl", "id": name}}]
            reply = bob.create(path, b"x", acl)
            outcomes.append([name, reply.err, *(_read(client, path) for client in (bob, eve, admin))])
        own = bob.create("/own", b"x", [{"perms": 31, "id": {"scheme": "auth", "id": ""}}])
        outcomes.append([own.err, bob.call("getACL", path="/own").body.get("acl"), _read(eve, "/own")])
    return outcomes


def _read(client, path):
    try:
        return client.call("getData", path=path, watch=False).err
    except wire.Closed:
        return "closed"


def an_auth_packet_of_the_scheme(port):
    with Login(port) as client:
        return [client.call("auth", xid=ops.XID_AUTH, type=0, scheme="sasl", auth=b"bob").err, client.fate()]


def who_has_not_logged_in(port):
    with Login(port) as client:
        return [client.fate(), client.fate()]


ALL = [users_are_who_they_say, wrong_passwords_and_strangers, tokens_that_leave_something_out, tokens_that_say_something_else,
       tokens_out_of_turn, another_clients_nonce_is_worth_nothing, lists_with_names, an_auth_packet_of_the_scheme,
       who_has_not_logged_in]
FEW = [users_are_who_they_say, wrong_passwords_and_strangers, who_has_not_logged_in, lists_with_names]
RULES = r"RULE:[1:$1@$0](.*@HOME)s/@.*// RULE:[2:$1;$2](zk;.*)s/zk;(.*)/$1/g DEFAULT"
REMOVE = {f"zookeeper.kerberos.remove{part}FromPrincipal": "true" for part in ("Host", "Realm")}
SETTINGS = [
    Setting("plain settings", PROVIDER, ALL),
    Setting("required", f"{PROVIDER}sessionRequireClientSASLAuth=true\n", FEW),
    Setting("required, failures allowed", f"{PROVIDER}sessionRequireClientSASLAuth=true\nallowSaslFailedClients=true\n", FEW),
    Setting("enforced beside others", f"{PROVIDER}enforce.auth.enabled=true\nenforce.auth.schemes=digest,sasl\n", FEW),
    Setting("failures allowed", f"{PROVIDER}allowSaslFailedClients=true\n", FEW + [tokens_out_of_turn]),
    Setting("super users", f"{PROVIDER}superUser=bob\nsuperUser.2=zk/h1@HOME\nletAnySaslUserDoX=anyone\n", FEW,
            {"zookeeper.SASLAuthenticationProvider.superPassword": "other"}),
    Setting("rules", PROVIDER, FEW, {"zookeeper.security.auth_to_local": RULES}),
    Setting("rules, short names", PROVIDER, FEW, {"zookeeper.security.auth_to_local": RULES, **REMOVE}),
    Setting("no provider", "", FEW),
    Setting("no file", PROVIDER, [wrong_passwords_and_strangers, tokens_out_of_turn, who_has_not_logged_in], has_file=False),
    Setting("a section that is not there", f"{PROVIDER}sasl.serverconfig=Other\n",
            [wrong_passwords_and_strangers, who_has_not_logged_in]),
]


def _starts(report, kind, home):
    """What stops the start of both."""
    for claim, text, lines in [
        ("a file that is not there", None, ""),
        ("a file that ends early", "Server {", ""),
        ("a class that is not there", jaas.section("Server", jaas.users(USERS), module="com.example.Login"), ""),
        ("a flag that is none", jaas.section("Server", jaas.users(USERS), flag="needed"), ""),
        ("a number without quotes", _SERVER.replace('"bobsecret"', "1"), ""),
        ("required without the scheme", _SERVER, "sessionRequireClientSASLAuth=true\n"),
    ]:
        with report.check(NAME, kind, f"no start with {claim}"):
            path = home / "broken.conf"
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
            equal(_stops(kind, path, lines), True, "it ends at start")


def _stops(kind, path, lines):
    server = Server(kind, lines, {"java.security.auth.login.config": path})
    try:
        server.start()
    except ServerError as error:
        assert "ended with code" in str(error), error
        return True
    finally:
        server.close()
    return False


def _zkcli(report, kind, home, file):
    """Apache's own client, with its own section."""
    client_file = home / "client.conf"
    client_file.write_text(jaas.section("Client", {"username": "bob", "password": USERS["bob"]}))
    release = Client(paths.APACHE_39, properties=(f"-Djava.security.auth.login.config={client_file}",
                                                   "-Dzookeeper.fips-mode=false"))
    with report.check(NAME, kind, "zkCli with a JAAS file"), \
            Server(kind, f"{PROVIDER}sessionRequireClientSASLAuth=true\n", {"java.security.auth.login.config": file}) as server:
        for command, expected in [(("create", "/cli", "data", "sasl:bob:cdrwa"), "Created /cli"), (("get", "/cli"), "data"),
                                  (("getAcl", "/cli"), "'sasl,'bob")]:
            code, text = zkcli.one_shot(server, *command, release=release)
            assert code == 0 and expected in text, f"{command}: exit code {code}\n{text}\n{server.log_tail()}"
