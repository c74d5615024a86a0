"""Clients with TLS: stores, policies and sessions of a secure port, on both servers alike, and the clients that people use.

Whom it trusts is `trust`.
"""

import ssl
from types import SimpleNamespace

from ironlab import ops, paths, processes, rundir, wire, zkcli
from ironlab.certificates import AUTHORITY, EC, Maker, Pair
from ironlab.javaclient import Client
from ironlab.report import equal
from ironlab.secure import HERE, RSA, SecureClient, SecureServer, World
from ironlab.server import ServerError

NAME = "tls"
CLIENTS = []
ORACLE = "apache-3.9.5"
TLS12, TLS13 = VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
_CBC = ("ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:AES256-SHA256:DHE-RSA-AES256-SHA256:ECDHE-ECDSA-AES256-SHA:"
        "ECDHE-RSA-AES256-SHA:AES256-SHA:DHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:AES128-SHA256:"
        "DHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:DHE-RSA-AES128-SHA")
_GCM = ("ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:AES256-GCM-SHA384:"
        "DHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256")
_CHACHA = "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-CHACHA20-POLY1305"
# What each offers where nothing is set, as far as OpenSSL has it; the first has CBC in front, and no TLS 1.3 before 8u261.
# Apache on a JVM with TLS 1.3 takes nothing else where nothing is set; we take both.
BOTH_VERSIONS = {ORACLE: "ssl.enabledProtocols=TLSv1.3,TLSv1.2\n"}
JAVA = {"8": ((TLS12, TLS12), f"{_CBC}:{_GCM}"), "8u261": ((TLS12, TLS13), f"{_GCM}:{_CBC}"),
        "11": ((TLS12, TLS13), f"{_GCM}:{_CBC}"), "17": ((TLS12, TLS13), f"{_GCM}:{_CHACHA}:{_CBC}"),
        "21": ((TLS12, TLS13), f"{_GCM}:{_CHACHA}:{_CBC}")}


def run(report, kind):
    directory = rundir.new("certificates")
    try:
        world = World(Maker(directory / "made"))
        _stores(report, kind, world)
        _policies(report, kind, world)
        _hosts_of_clients(report, kind, world)
        _suites(report, kind, world)
        _sessions(report, kind, world)
        _an_end_without_a_word(report, kind, world)
        _clients(report, kind, world)
        _a_change_of_certificates(report, kind, world)
    finally:
        rundir.remove(directory)


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
        ("an empty password", key(maker.pkcs12("no-password.p12", server, password=""), ssl_keyStore_password="")),
        ("no password for an empty one", key(maker.directory / "no-password.p12", ssl_keyStore_password=None)),
        ("a chain without its root", key(maker.pkcs12("alone.p12", Pair(server.name, server.key, server.certificate)))),
    ]:
        with report.check(NAME, kind, f"a store: {claim}"):
            with SecureServer(kind, world.settings(**changes), world) as subject:
                equal(subject.identity(world.good), ["x509:CN=client,O=Lab"], "who the client is")
    with report.check(NAME, kind, "a trust store: two of one name in JKS"):
        twins, issued = zip(*world.twins())
        store = with_trust(maker.trust_store("twins.jks", twins, "JKS"))
        with SecureServer(kind, world.settings(**store), world) as subject:
            for number, pair in enumerate(issued):
                equal(subject.identity(pair), [f"x509:CN=of twin {number}"], "who the client is")
    _several_keys(report, kind, world)
    _system_roots(report, kind, world)
    if kind == ORACLE:
        return  # it starts with any store, and refuses all that connect
    with report.check(NAME, kind, "a store: PEM with a password, as openssl writes it"):
        newer = _encrypted(maker, server, "newer.pem")
        with SecureServer(kind, world.settings(**key(newer)), world) as subject:
            equal(subject.identity(world.good), ["x509:CN=client,O=Lab"], "who the client is")
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
        ("a password for a key that has none",
         key(server.bundle(maker.directory / "bare.pem"), ssl_keyStore_password="changeit"), "is not encrypted and there is a password"),
        ("PEM that is said to be JKS", key(server.bundle(maker.directory / "s.pem"), ssl_keyStore_type="JKS"), "written as PEM"),
        ("a BCFKS store", key(jks, ssl_keyStore_type="BCFKS"), "BCFKS"),
        ("a trust store without certificates", {"ssl_trustStore_location": jks, "ssl_trustStore_password": "changeit"},
         "no trusted certificate"),
        ("a key that is too short", key(short.bundle(maker.directory / "short.pem"), ssl_keyStore_password=None), "key too short: RSA 1024"),
        ("no key store", {"ssl_keyStore_location": None}, "needs a key store"),
        ("suites that are none", {"ssl_ciphersuites": "TLS_RSA_WITH_AES_128_CBC_SHA"}, "TLS_RSA_WITH_AES_128_CBC_SHA"),
        ("versions that are none", {"ssl_enabledProtocols": "TLSv1.1"}, "TLSv1.1"),
    ]:
        with report.check(NAME, kind, f"a start is refused: {claim}"):
            _is_refused(kind, world.settings(**changes), world, said)


def _several_keys(report, kind, world):
    """Which of several keys a server shows depends on their names and forms."""
    maker = world.maker
    pairs = {name: world.issued(f"/O=Lab/CN={name}", extensions=HERE, key=form)
             for name, form in [("a", RSA), ("b", RSA), ("c", EC), ("d", EC)]}
    for store_type, suffix, aliases in [(*form, aliases) for form in (("JKS", "jks"), ("PKCS12", "p12"))
                                                for aliases in ("ab", "ba", "ac", "ca", "cd", "abcd", "dcba")]:
        with report.check(NAME, kind, f"a {store_type} store with the keys {', '.join(aliases)}"):
            for alias in aliases:
                store = maker.key_store(f"of-{aliases}.{suffix}", pairs[alias], store_type, alias=alias)
            settings = world.settings(ssl_keyStore_location=store, ssl_keyStore_password="changeit",
                                      ssl_enabledProtocols="TLSv1.2,TLSv1.3")
            with SecureServer(kind, settings, world) as subject, SecureServer(ORACLE, settings, world) as oracle:
                for version in VERSIONS:
                    shown = [_shown(server, world, version) for server in (subject, oracle)]
                    equal(shown[0], shown[1], f"whose certificate is shown by {version.name}")


def _shown(server, world, version):
    with _connect(server, world, version) as client:
        return client.subject()


def _system_roots(report, kind, world):
    """Without a trust store of its own a server trusts whom the system, or Java, trusts, and knows none of them."""
    with report.check(NAME, kind, "no trust store"):
        store = world.maker.trust_store("system.jks", [world.root], "JKS")
        properties = {"javax.net.ssl.trustStore": store, "javax.net.ssl.trustStorePassword": "changeit"}
        options = {"properties": properties} if kind == ORACLE else {"environment": {"SSL_CERT_FILE": world.root.certificate}}
        settings = world.settings(ssl_trustStore_location=None)
        with SecureServer(kind, settings, world, **options) as server:
            equal(server.identity(world.good), None, "who a client with a certificate is")
        with SecureServer(kind, f"{settings}ssl.clientAuth=none\n", world, **options) as server:
            equal(server.identity(None), [], "who a client without one is")


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
    good, bad = world.good, world.maker.pair("/O=Strangers/CN=client")
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


def _hosts_of_clients(report, kind, world):
    """Whom Apache takes is taken. It takes every client for one from its own machine, and in FIPS mode none."""
    shown = {name: world.issued(f"/O=Lab/CN={name}", extensions=f"subjectAltName={name}")
             for name in ("DNS:localhost", "IP:127.0.0.1", "DNS:elsewhere")}
    for fips in ("false", "true"):
        settings = world.settings() + f"ssl.clientHostnameVerification=true\nfips-mode={fips}\n"
        with report.check(NAME, kind, f"clients' hosts, fips-mode={fips}"), \
                SecureServer(kind, settings, world) as subject, SecureServer(ORACLE, settings, world) as oracle:
            for name, pair in shown.items():
                equal(subject.identity(pair), oracle.identity(pair), f"who a client with {name} is")
    settings = world.settings() + "ssl.clientHostnameVerification=true\nfips-mode=false\n"
    own = world.issued("/O=Lab/CN=own", extensions="subjectAltName=IP:127.0.0.5")
    with report.check(NAME, kind, "a client's own host"), SecureServer(kind, settings, world) as server:
        who = None if kind == ORACLE else ["x509:CN=own,O=Lab"]
        equal(server.identity(own, source="127.0.0.5"), who, "who it is at its own address")
        equal(server.identity(own), None, "who it is at another")


def _suites(report, kind, world):
    """Clients with the suites that releases of Java offer by themselves."""
    of_curve = world.issued("/O=Lab/CN=localhost", extensions=HERE, key=EC, chain=[world.root.certificate])
    for form, pair in [("an RSA", world.server), ("an EC", of_curve)]:
        settings = world.settings(ssl_keyStore_location=pair.bundle(world.maker.directory / "suites.pem"))
        with SecureServer(kind, settings + BOTH_VERSIONS.get(kind, ""), world) as server:
            for release, (versions, suites) in JAVA.items():
                with report.check(NAME, kind, f"a client with the suites of Java {release}, and {form} key"):
                    def as_java(context, versions=versions, suites=suites):
                        context.minimum_version, context.maximum_version = versions
                        context.set_ciphers(suites)
                    with SecureClient(server.secure_port, world, world.good, changes=as_java) as client:
                        equal(client.names(), ["x509:CN=client,O=Lab"], "who the client is")


def _an_end_without_a_word(report, kind, world):
    """Many clients close their connections without TLS' own goodbye: nobody has to hear of it."""
    with report.check(NAME, kind, "a connection that ends without close_notify"), \
            SecureServer(kind, world.settings(), world) as server:
        client = SecureClient(server.secure_port, world, world.good)
        port = client.sock.getsockname()[1]
        client.close()  # of the socket below: no close_notify
        equal(server.identity(world.good), ["x509:CN=client,O=Lab"], "who the next client is")
        if kind != ORACLE:
            of_it = [line for line in server.log().splitlines() if f":{port}" in line]
            equal([line for line in of_it if " WARN " in line or " ERROR " in line], [], "what the server says")


def _sessions(report, kind, world):
    """What is resumed is who it was, until the stores are read again."""
    for version in VERSIONS:
        with report.check(NAME, kind, f"a session of {version.name} that is resumed"):
            trust = world.maker.pem_trust("changing-trust.pem", [world.root])
            settings = world.settings(ssl_trustStore_location=trust) + "client.certReload=true\n"
            with SecureServer(kind, settings + BOTH_VERSIONS.get(kind, ""), world) as server:
                known = ["x509:CN=client,O=Lab"]
                first = _connect(server, world, version)
                equal(first.names(), known, "who the client is")
                with SecureClient(server.secure_port, world, world.good, resumed=first.tls) as second:
                    equal(second.names(), known, "who the client is that resumes")
                    if kind != ORACLE:
                        equal(second.sock.session_reused, True, "it is resumed")
                stranger = world.maker.pair("/O=Strangers/CN=root", extensions=AUTHORITY)
                world.maker.pem_trust("fresh-trust.pem", [stranger]).rename(trust)
                server.wait_for(lambda: server.identity(world.good) is None, "the client is not trusted any more")
                equal(_resumes(server, world, first.tls), False, "the old session is taken")
                first.close()


def _connect(server, world, version):
    def only(context):
        context.minimum_version = context.maximum_version = version
    return SecureClient(server.secure_port, world, world.good, changes=only)


def _resumes(server, world, session):
    try:
        with SecureClient(server.secure_port, world, world.good, resumed=session) as client:
            return bool(client.names())
    except (ssl.SSLError, wire.Closed, OSError):
        return False


def _clients(report, kind, world):
    """What people use, with their own options; zkCli with each type of store."""
    maker, client = world.maker, world.good
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
        with report.check(NAME, kind, "the C client with its own options"):
            # It wants a password of the key, which has none.
            files = ",".join(map(str, (world.root.certificate, client.certificate, client.key, "none")))
            code, out, err = processes.run([paths.C_TLS_CLIENT, f"127.0.0.1:{server.secure_port}", files])
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
    other = world.issued("/O=Lab/CN=other", extensions=HERE, key=RSA)
    path = world.server.bundle(maker.directory / "changing.pem")
    settings = world.settings(ssl_keyStore_location=path) + "client.certReload=true\nmaxClientCnxns=0\n"
    with report.check(NAME, kind, "a certificate that changes under 100 connections"):
        with SecureServer(kind, settings, world) as server:
            clients = [SecureClient(server.secure_port, world, world.good) for _ in range(100)]
            equal(clients[0].subject(), "localhost", "the first certificate")
            fresh = other.bundle(maker.directory / "fresh.pem")
            fresh.rename(path)
            server.wait_for(lambda: _subject_now(server, world) == "other", "the new certificate is shown")
            for client in clients:
                equal(client.call("ping", xid=ops.XID_PING).err, 0, "ping")
                client.close()


def _subject_now(server, world):
    with SecureClient(server.secure_port, world, world.good) as client:
        subject = client.subject()
        client.close_session()
        return subject
