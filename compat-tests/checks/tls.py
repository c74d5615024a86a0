"""Clients with TLS: whom a server trusts, as whom, and which stores it reads, on both servers alike.

Whatever is tried is tried on Apache 3.9.5 at the same time, and both must say the same; where they mean not to, the case
says so.
"""

import socket
import ssl
from dataclasses import dataclass
from types import SimpleNamespace

from ironlab import ops, paths, ports, processes, rundir, wire, zkcli
from ironlab.certificates import AUTHORITY, LEAF, Maker, Pair
from ironlab.javaclient import Client
from ironlab.report import equal
from ironlab.server import Server, ServerError

NAME = "tls"
CLIENTS = []
ORACLE = "apache-3.9.5"
RSA = ("-newkey", "rsa:2048")
NETTY = {"zookeeper.serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory"}


@dataclass(frozen=True)
class Case:
    """A client's certificate. `ours` is what ironkeeper says where it means to differ from Apache."""

    claim: str
    pair: Pair
    ours: str = ""


def run(report, kind):
    directory = rundir.new("certificates")
    try:
        maker = Maker(directory / "made")
        world = World(maker)
        _certificates(report, kind, world)
        _stores(report, kind, world)
        _policies(report, kind, world)
        _clients(report, kind, world)
        _a_change_of_certificates(report, kind, world)
    finally:
        rundir.remove(directory)


class World:
    """A root whom servers and clients trust, the server's own certificate, and all else that is in the trust store."""

    def __init__(self, maker):
        self.maker = maker
        self.root = maker.pair("/O=Lab/CN=root", extensions=AUTHORITY)
        self.server = maker.pair("/O=Lab/CN=localhost", self.root, "subjectAltName=DNS:localhost,IP:127.0.0.1", key=RSA,
                                 chain=[self.root.certificate])
        self.trusted = [self.root]
        self.cases = []
        self._make_cases()
        self.trust = maker.pem_trust("trust.pem", self.trusted)

    def settings(self, **changes):
        """The lines of zoo.cfg for a secure port."""
        key_store = self.server.bundle(self.maker.directory / "server.pem")
        lines = {"ssl.keyStore.location": key_store, "ssl.trustStore.location": self.trust,
                 **{name.replace("_", "."): value for name, value in changes.items()}}
        return "".join(f"{name}={value}\n" for name, value in lines.items() if value is not None)

    def client(self, subject="/O=Lab/CN=client", **options):
        return self.maker.pair(subject, self.root, **options)

    def trust_also(self, pair):
        self.trusted.append(pair)
        return pair

    def case(self, claim, pair, ours=""):
        self.cases.append(Case(claim, pair, ours))

    def _make_cases(self):
        self._make_paths()
        self._make_anchors()
        self._make_purposes()
        self._make_keys()
        self._make_names()

    def _make_paths(self):
        pair, root = self.maker.pair, self.root
        middle = pair("/O=Lab/CN=middle", root, AUTHORITY)
        deep = pair("/O=Lab/CN=deep", middle, AUTHORITY)
        flat = pair("/O=Lab/CN=flat", root, "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign")
        below_flat = pair("/O=Lab/CN=below flat", flat, AUTHORITY)
        no_authority = pair("/O=Lab/CN=no authority", root)
        signs_nothing = pair("/O=Lab/CN=signs nothing", root, "basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature")
        stranger = pair("/O=Strangers/CN=root", extensions=AUTHORITY)
        impostor = pair("/O=Lab/CN=root", extensions=AUTHORITY)
        of = [part.certificate for part in (middle, deep)]
        self.case("issued by the root", self.client())
        self.case("issued by one between, which is shown", pair("/CN=two steps", middle, chain=of[:1]))
        self.case("issued by one between, which is not shown", pair("/CN=missing step", middle))
        self.case("with the root behind it", pair("/CN=with root", root, chain=[root.certificate]))
        self.case("with two between, in disorder", pair("/CN=disorder", deep, chain=of))
        self.case("with two between, in order", pair("/CN=order", deep, chain=of[::-1]))
        self.case("with one behind it that is not of its chain", pair("/CN=stranger behind", root, chain=[stranger.certificate]))
        self.case("issued by one that is no authority",
                  pair("/CN=no authority above", no_authority, chain=[no_authority.certificate]))
        self.case("issued by an authority that may not sign",
                  pair("/CN=wrong usage above", signs_nothing, chain=[signs_nothing.certificate]))
        self.case("below a path that is at its end",
                  pair("/CN=too deep", below_flat, chain=[below_flat.certificate, flat.certificate]))
        self.case("at the end of a path of limited length", pair("/CN=deep enough", flat, chain=[flat.certificate]))
        self.case("issued by a stranger", pair("/CN=strange", stranger, chain=[stranger.certificate]))
        self.case("issued by a stranger with the root's name", pair("/CN=impostor", impostor))

    def _make_anchors(self):
        pair = self.maker.pair
        self.case("itself trusted", self.trust_also(pair("/O=Lab/CN=trusted itself")))
        self.case("itself trusted, with CA:TRUE", self.trust_also(pair("/O=Lab/CN=trusted authority", extensions=AUTHORITY)))
        self.case("itself trusted, of version 1", self.trust_also(pair("/O=Lab/CN=version 1", version=1)))
        past = ("-days", "-1")
        self.case("itself trusted and expired", self.trust_also(pair("/O=Lab/CN=trusted, expired", days=past)))
        self.case("itself trusted, for servers", self.trust_also(
            pair("/O=Lab/CN=trusted server", extensions="extendedKeyUsage=serverAuth")))
        self.case("expired", self.client("/CN=expired", days=past))
        self.twins = [self.trust_also(pair("/O=Lab/CN=twin", extensions=AUTHORITY)) for _ in range(2)]
        self.of_twins = [pair(f"/CN=of twin {number}", twin) for number, twin in enumerate(self.twins)]
        for number, of_twin in enumerate(self.of_twins):
            self.case(f"issued by one of two with one name in a PEM store, number {number}", of_twin)
        old = self.trust_also(pair("/O=Lab/CN=old root", version=1))
        self.case("issued by a trusted root of version 1", pair("/CN=of old root", old))
        plain = self.trust_also(pair("/O=Lab/CN=no authority, trusted"))
        self.case("issued by a trusted one that is no authority", pair("/CN=of plain", plain))
        stale = self.trust_also(pair("/O=Lab/CN=expired root", extensions=AUTHORITY, days=past))
        self.case("issued by a trusted root that expired", pair("/CN=of stale", stale))
        first = self.trust_also(pair("/O=Lab/CN=renewed", extensions=LEAF))
        again = self._again(first)
        self.case("with the name and key of a trusted one", again)

    def _again(self, first):
        """Another certificate of the same key and name."""
        certificate = self.maker.directory / "again.crt"
        self.maker.openssl("req", "-x509", "-key", first.key, "-subj", first.name, "-days", "10", "-out", certificate)
        return Pair(first.name, first.key, certificate)

    def _make_purposes(self):
        for claim, extensions in [
            ("for clients", "extendedKeyUsage=clientAuth"),
            ("for servers", "extendedKeyUsage=serverAuth"),
            ("for servers and clients", "extendedKeyUsage=serverAuth,clientAuth"),
            ("for any use", "extendedKeyUsage=anyExtendedKeyUsage"),
            ("to sign code", "extendedKeyUsage=codeSigning"),
            ("to sign", "keyUsage=digitalSignature"),
            ("to encipher", "keyUsage=keyEncipherment"),
            ("with a critical extension that nobody knows", "1.2.3.4=critical,ASN1:UTF8String:x"),
            ("with an extension that nobody knows", "1.2.3.4=ASN1:UTF8String:x"),
            ("with a policy, critical", "certificatePolicies=critical,1.2.3.5"),
        ]:
            self.case(claim, self.client(f"/CN={claim}", extensions=extensions))

    def _make_keys(self):
        curve = lambda name: ("-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{name}")  # noqa: E731 - a short name
        self.case("with an RSA key", self.client("/CN=rsa", key=RSA))
        self.case("with RSA-PSS in its signature", self.maker.pair("/CN=pss", self.trust_also(
            self.maker.pair("/O=Lab/CN=rsa root", extensions=AUTHORITY, key=RSA))))
        for name in ("secp384r1", "secp521r1"):
            self.case(f"with a key on {name}", self.client(f"/CN={name}", key=curve(name)))
        self.case("with an Ed25519 key", self.client("/CN=ed25519", key=("-newkey", "ed25519")))
        short = "key too short: RSA 1024"
        self.case("with an RSA key of 1024 bits", self.client("/CN=short", key=("-newkey", "rsa:1024")), short)
        self.case("signed with SHA-1", self.client("/CN=sha1", digest="-sha1"), "signed with an algorithm that is not taken")

    def _make_names(self):
        for number, name in enumerate([
            "/C=DE/ST=Berlin/L=Berlin/O=Example\\, Inc./OU=Ops/CN=zk.example.com",
            "/DC=com/DC=example/UID=jdoe/CN=J. Doe",
            "/CN=J\\+D/emailAddress=jd@example.com",
            "/O=Lab/OU=a+CN=b",
            "/CN=#hash",
            "/CN= blank at both ends ",
            "/CN=quo\"te\\\\back;semi<less>more\\=equal",
            "/CN=Grüße €",
            "/serialNumber=17/street=Main/title=Dr/CN=x",
            "/CN=one/CN=two",
        ]):
            self.case(f"with a name of kind {number}", self.client(name))


def _certificates(report, kind, world):
    """Each case on a server that demands a certificate."""
    with SecureServer(kind, world.settings(), world) as subject, SecureServer(ORACLE, world.settings(), world) as oracle:
        for case in world.cases:
            with report.check(NAME, kind, f"a certificate {case.claim}"):
                theirs, ours = oracle.identity(case.pair), subject.identity(case.pair)
                if not case.ours or kind == ORACLE:
                    equal(ours, theirs, "who the client is")
                    continue
                assert theirs is not None, f"{ORACLE} refuses it, too"
                equal(ours, None, "who the client is")
                subject.wait_for(lambda case=case: case.ours in subject.log(), f"{case.ours!r} in the log")
        with report.check(NAME, kind, "no certificate"):
            equal(subject.identity(None), oracle.identity(None), "who the client is")


def _stores(report, kind, world):
    maker, server = world.maker, world.server
    trust = [world.root]
    password = maker.directory / "password"
    password.write_text("changeit\n")
    key = lambda path, **more: {"ssl_keyStore_location": path, "ssl_keyStore_password": "changeit", **more}  # noqa: E731
    jks = maker.key_store("key.jks", server, "JKS")
    p12 = maker.key_store("key.p12", server, "PKCS12")
    trust_jks = maker.trust_store("trust.jks", trust, "JKS")
    trust_p12 = maker.trust_store("trust.p12", trust, "PKCS12")
    lying = maker.key_store("lying.jks", server, "PKCS12")
    encrypted = _encrypted(maker, server, "encrypted.pem", "-v1", "PBE-SHA1-3DES")
    with_trust = lambda path: {"ssl_trustStore_location": path, "ssl_trustStore_password": "changeit"}  # noqa: E731
    for claim, changes in [
        ("JKS by keytool", key(jks) | with_trust(trust_jks)),
        ("PKCS12 by keytool", key(p12) | with_trust(trust_p12)),
        ("PKCS12 by openssl", key(maker.pkcs12("openssl.p12", server))),
        ("PKCS12 in a file that is called jks", key(lying)),
        ("PKCS12 that is said to be JKS", key(p12, ssl_keyStore_type="JKS")),
        ("PEM with a password, as Java reads it", key(encrypted)),
        ("a password in a file", key(jks, ssl_keyStore_password=None, ssl_keyStore_passwordPath=password)),
        ("a password in a file, and another one beside", key(jks, ssl_keyStore_password="x", ssl_keyStore_passwordPath=password)),
    ]:
        with report.check(NAME, kind, f"a store: {claim}"):
            with SecureServer(kind, world.settings(**changes), world) as subject:
                equal(subject.identity(world.cases[0].pair), ["x509:CN=client,O=Lab"], "who the client is")
    with report.check(NAME, kind, "a trust store: two of one name in JKS"):
        twins = with_trust(maker.trust_store("twins.jks", world.twins, "JKS"))
        with SecureServer(kind, world.settings(**twins), world) as subject:
            for number, pair in enumerate(world.of_twins):
                equal(subject.identity(pair), [f"x509:CN=of twin {number}"], "who the client is")
    if kind == ORACLE:
        return  # it starts with any store, and refuses all that connect
    with report.check(NAME, kind, "a store: PEM with a password, as openssl writes it"):
        newer = _encrypted(maker, server, "newer.pem")
        with SecureServer(kind, world.settings(**key(newer)), world) as subject:
            equal(subject.identity(world.cases[0].pair), ["x509:CN=client,O=Lab"], "who the client is")
    own = maker.key_store("own-password.jks", server, "JKS", key_password="different")
    truncated = maker.directory / "truncated.jks"
    truncated.write_bytes(jks.read_bytes()[:-30])
    empty = maker.directory / "empty.jks"
    empty.write_bytes(b"")
    short = maker.pair("/CN=localhost", world.root, key=("-newkey", "rsa:1024"))
    for claim, changes, said in [
        ("a wrong password", key(jks, ssl_keyStore_password="wrong"), "its password is wrong, or the file is damaged"),
        ("a missing file", key(maker.directory / "none.jks"), "cannot read"),
        ("an empty file", key(empty), "it is empty"),
        ("a file that is cut short", key(truncated), "its password is wrong, or the file is damaged"),
        ("a key with a password of its own", key(own), "does not open with the password of the store"),
        ("PEM that is said to be JKS", key(server.bundle(maker.directory / "s.pem"), ssl_keyStore_type="JKS"), "written as PEM"),
        ("a BCFKS store", key(jks, ssl_keyStore_type="BCFKS"), "BCFKS"),
        ("a trust store without certificates", {"ssl_trustStore_location": jks, "ssl_trustStore_password": "changeit"},
         "no trusted certificate"),
        ("a key that is too short", key(short.bundle(maker.directory / "short.pem")), "key too short: RSA 1024"),
        ("no key store", {"ssl_keyStore_location": None}, "needs a key store"),
        ("suites that are none", {"ssl_ciphersuites": "TLS_RSA_WITH_AES_128_CBC_SHA"}, "TLS_RSA_WITH_AES_128_CBC_SHA"),
        ("versions that are none", {"ssl_enabledProtocols": "TLSv1.1"}, "TLSv1.1"),
        ("revocation", {"ssl_ocsp": "true"}, "ssl.ocsp"),
    ]:
        with report.check(NAME, kind, f"a start is refused: {claim}"):
            _is_refused(kind, world.settings(**changes), world, said)


def _encrypted(maker, pair, name, *form):
    """A PEM key store whose key has a password."""
    path = maker.directory / name
    maker.openssl("pkcs8", "-topk8", *form, "-in", pair.key, "-passout", "pass:changeit", "-out", path)
    path.write_text(path.read_text() + pair.certificate.read_text())
    return path


def _is_refused(kind, settings, world, said):
    try:
        with SecureServer(kind, settings, world):
            raise AssertionError("the server starts")
    except ServerError as error:
        lines = [line for line in str(error).splitlines() if said in line]
        equal(len(lines), 1, f"lines with {said!r} in\n{error}")
        assert "changeit" not in str(error), error


def _policies(report, kind, world):
    good, bad = world.cases[0].pair, next(case.pair for case in world.cases if case.claim == "issued by a stranger")
    for auth in ("none", "want", "need"):
        with report.check(NAME, kind, f"clientAuth={auth}"):
            settings = world.settings(ssl_clientAuth=auth)
            with SecureServer(kind, settings, world) as subject, SecureServer(ORACLE, settings, world) as oracle:
                for pair, who in [(None, "none"), (good, "a good one"), (bad, "a bad one")]:
                    equal(subject.identity(pair), oracle.identity(pair), f"who a client with {who} is")
    with report.check(NAME, kind, "the super user's certificate"):
        settings = world.settings() + "X509AuthenticationProvider.superUser=CN=client,O=Lab\n"
        with SecureServer(kind, settings, world) as subject, SecureServer(ORACLE, settings, world) as oracle:
            equal(subject.identity(good), oracle.identity(good), "who the client is")
    with report.check(NAME, kind, "one port for both"):
        settings = world.settings() + "client.portUnification=true\n"
        with SecureServer(kind, settings, world) as subject:
            equal(subject.identity(good, subject.port), ["x509:CN=client,O=Lab"], "who a client with TLS is")
            with wire.Client(subject.port) as client:
                client.close_session()


def _clients(report, kind, world):
    """What people use, with their own options; zkCli with each type of store."""
    maker, client = world.maker, world.cases[0].pair
    stores = {
        "JKS": (maker.key_store("client.jks", client, "JKS"), maker.trust_store("ca.jks", [world.root], "JKS")),
        "PKCS12": (maker.key_store("client.p12", client, "PKCS12"), maker.trust_store("ca.p12", [world.root], "PKCS12")),
        "PEM": (client.bundle(maker.directory / "client.pem"), world.root.certificate),
    }
    with SecureServer(kind, world.settings(), world) as server:
        for store_type, (key_store, trust_store) in stores.items():
            with report.check(NAME, kind, f"zkCli with {store_type} stores"):
                _zkcli(server, _java(store_type, key_store, trust_store), f"/{store_type}")
        for name, command in [("kazoo", [paths.VENV_PYTHON, paths.COMPAT / "kazoo" / "secure.py"]),
                              ("go-zookeeper", [paths.GO_CLIENT, "secure"])]:
            with report.check(NAME, kind, f"{name} with its own options"):
                code, out, err = processes.run([str(word) for word in (
                    *command, f"127.0.0.1:{server.secure_port}", world.root.certificate, client.certificate, client.key)])
                equal(code, 0, f"exit code\n{out}{err}")


def _java(store_type, key_store, trust_store):
    """Apache's client over TLS."""
    passwords = [] if store_type == "PEM" else [f"-Dzookeeper.ssl.{side}Store.password=changeit" for side in ("key", "trust")]
    suffixed = trust_store if trust_store.suffix != ".crt" else trust_store.with_suffix(".pem")
    suffixed.write_bytes(trust_store.read_bytes())
    return Client(paths.APACHE_39, "netty", (
        "-Dzookeeper.client.secure=true", f"-Dzookeeper.ssl.keyStore.location={key_store}",
        f"-Dzookeeper.ssl.trustStore.location={suffixed}", *passwords))


def _zkcli(server, release, path):
    secure = SimpleNamespace(address=f"localhost:{server.secure_port}")
    for command, expected in [(("create", path, "data"), f"Created {path}"), (("get", path), "data"),
                              (("set", path, "more"), ""), (("get", path), "more"), (("ls", "/"), path[1:])]:
        code, text = zkcli.one_shot(secure, *command, release=release)
        assert code == 0 and expected in text, f"{command}: exit code {code}\n{text}\n{server.log_tail()}"


def _a_change_of_certificates(report, kind, world):
    """New connections see the new certificate; those that are there go on."""
    maker = world.maker
    other = maker.pair("/O=Lab/CN=other", world.root, "subjectAltName=DNS:localhost,IP:127.0.0.1", key=RSA)
    path = world.server.bundle(maker.directory / "changing.pem")
    settings = world.settings(ssl_keyStore_location=path) + "client.certReload=true\nmaxClientCnxns=0\n"
    with report.check(NAME, kind, "a certificate that changes under 100 connections"):
        with SecureServer(kind, settings, world) as server:
            clients = [SecureClient(server.secure_port, world, world.cases[0].pair) for _ in range(100)]
            equal(clients[0].subject(), "localhost", "the first certificate")
            fresh = other.bundle(maker.directory / "fresh.pem")
            fresh.rename(path)
            server.wait_for(lambda: _subject_now(server, world) == "other", "the new certificate is shown")
            for client in clients:
                equal(client.call("ping", xid=ops.XID_PING).err, 0, "ping")
                client.close()


def _subject_now(server, world):
    with SecureClient(server.secure_port, world, world.cases[0].pair) as client:
        subject = client.subject()
        client.close_session()
        return subject


class SecureServer(Server):
    """A server with a secure port beside the plain one."""

    def __init__(self, kind, settings, world):
        self.secure_port = ports.free()
        self.world = world
        super().__init__(kind, f"secureClientPort={self.secure_port}\nsecureClientPortAddress=127.0.0.1\n{settings}", NETTY)

    def wait_until_serving(self):
        """Until both ports are open: Apache opens the secure one last."""
        super().wait_until_serving()
        self.wait_for(self._secure_port_is_open, "the secure port is open")

    def _secure_port_is_open(self):
        try:
            socket.create_connection(("127.0.0.1", self.secure_port), 1).close()
        except ConnectionRefusedError:
            return False
        return True

    def identity(self, pair, port=None):
        """Who a client with this certificate is to the server, its address left out; None: it is refused."""
        try:
            with SecureClient(port or self.secure_port, self.world, pair) as client:
                infos = client.call("whoAmI").body["clientInfo"]
                client.close_session()
        except (ssl.SSLError, wire.Closed, OSError):
            return None
        return sorted(f"{info['authScheme']}:{info['user']}" for info in infos if info["authScheme"] != "ip")


class SecureClient(wire.Client):
    """A raw client over TLS."""

    def __init__(self, port, world, pair, version=None):
        self._world, self._pair, self._version = world, pair, version
        super().__init__(port)

    def subject(self):
        """The common name of the server's certificate."""
        return dict(part[0] for part in self.sock.getpeercert()["subject"])["commonName"]

    def wrap(self, sock):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_verify_locations(self._world.root.certificate)
        if self._version:
            context.minimum_version = context.maximum_version = self._version
        if self._pair:
            bundle = self._pair.bundle(self._pair.key.with_suffix(".bundle"))
            context.load_cert_chain(bundle)
        return context.wrap_socket(sock, server_hostname="localhost")
