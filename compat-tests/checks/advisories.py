"""What once was a hole in Apache ZooKeeper, by the number of its advisory. docs/advisories.md says where the others are tried."""

from ironlab import jaas, ops, rundir
from ironlab.certificates import Maker
from ironlab.history import digest_id
from ironlab.report import equal
from ironlab.secure import SecureServer, World
from ironlab.server import Server, ServerError
from ironlab.wire import Client

NAME = "advisories"
CLIENTS = []
OURS = "ironkeeper"
PASSWORDS = ("own-Secret-1", "trust-Secret-2", "jaas-Secret-3", "super-Secret-4", "auth-Secret-5", "session-Secret-6")
STORE, TRUST, JAAS, SUPER, AUTH, DATA = PASSWORDS


def run(report, kind):
    with Server(kind, "4lw.commands.whitelist=srvr,ruok\n") as server:
        report.run(NAME, kind, [cve_2017_5637_costly_words_are_asked_for_by_nobody], server)
    with Server(kind) as server:
        report.run(NAME, kind, [cve_2019_0201_hashes_of_passwords_are_shown_to_those_with_rights_only,
                                cve_2024_23944_a_watch_tells_nothing_of_znodes_that_may_not_be_read], server)
    if kind == OURS:  # Apache's debug level shows some of them
        with report.check(NAME, kind, "cve 2026 24308 no secret is in a log line or an answer"):
            _no_secret_is_told(kind)


def cve_2017_5637_costly_words_are_asked_for_by_nobody(server):
    for word in ("wchp", "wchc"):
        equal(server.ask(word), f"{word} is not executed because it is not in the whitelist.\n", word)


def cve_2019_0201_hashes_of_passwords_are_shown_to_those_with_rights_only(server):
    owner = {"scheme": "digest", "id": digest_id("bob", "secret")}
    acl = [{"perms": 31, "id": owner}, {"perms": 1, "id": {"scheme": "digest", "id": digest_id("eve", "secret")}}]
    with Client(server.port) as bob, Client(server.port) as stranger, Client(server.port) as eve:
        for client, credentials in [(bob, b"bob:secret"), (eve, b"eve:secret")]:
            equal(client.add_auth("digest", credentials).err, ops.OK, "auth")
        equal(bob.create("/hashes", acl=acl).err, ops.OK, "create")
        equal(_ids(bob), [entry["id"]["id"] for entry in acl], "what the owner sees")
        equal(_ids(eve), ["bob:x", "eve:x"], "what a reader sees")
        equal(stranger.call("getACL", path="/hashes").err, ops.NO_AUTH, "what a stranger hears")


def _ids(client):
    return [entry["id"]["id"] for entry in client.call("getACL", path="/hashes").body["acl"]]


def cve_2024_23944_a_watch_tells_nothing_of_znodes_that_may_not_be_read(server):
    """Not those of a parent that is watched with all below it, either."""
    hidden = [{"perms": 31, "id": {"scheme": "digest", "id": digest_id("bob", "secret")}}]
    with Client(server.port) as bob, Client(server.port) as stranger:
        bob.add_auth("digest", b"bob:secret")
        bob.create("/watched")
        equal(stranger.call("addWatch", path="/watched", mode=1).err, ops.OK, "addWatch")
        for path, acl in [("/watched/hidden", hidden), ("/watched/open", None)]:
            equal(bob.create(path, acl=acl).err, ops.OK, path)
            equal(bob.call("setData", path=path, data=b"x", version=-1).err, ops.OK, path)
            equal(bob.call("delete", path=path, version=-1).err, ops.OK, path)
        told = {event.path for event in stranger.take_events()}
        equal(told, {"/watched/open"}, "paths that it hears of")


def _no_secret_is_told(kind):
    """At the most talkative level, of a server that has each kind of secret, and of one that does not start for each."""
    home = rundir.new("secrets")
    try:
        maker = Maker(home / "made")
        world = World(maker)
        key = maker.key_store("own.jks", world.server, "JKS", password=STORE)
        trust = maker.trust_store("trust.jks", [world.root], "JKS", password=TRUST)
        login = home / "jaas.conf"
        login.write_text(jaas.section("Server", jaas.users({"bob": JAAS})))
        stores = world.settings(ssl_keyStore_location=key, ssl_keyStore_password=STORE, ssl_trustStore_location=trust,
                                ssl_trustStore_password=TRUST)
        properties = {"java.security.auth.login.config": login, "zookeeper.SASLAuthenticationProvider.superPassword": SUPER}
        talkative = {"RUST_LOG": "trace"}
        with SecureServer(kind, stores, world, properties=properties, environment=talkative) as server:
            with Client(server.port) as client:
                client.add_auth("digest", f"bob:{AUTH}".encode())
                client.create("/secret", DATA.encode())
                client.close_session()
            _none_in(server.log() + "".join(server.ask(word) for word in ("conf", "envi", "mntr", "dump", "cons", "stat")))
        for secret in (STORE, TRUST):
            _none_in(_refusal(SecureServer(kind, stores.replace(secret, f"{secret}x"), world, properties, environment=talkative)))
    finally:
        rundir.remove(home)


def _refusal(server):
    try:
        with server:
            raise AssertionError("it starts")
    except ServerError as error:
        return str(error)


def _none_in(text):
    found = [secret for secret in PASSWORDS if secret in text]
    equal(found, [], "secrets that are told")
