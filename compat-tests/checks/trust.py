"""Whom a server trusts, as Java does it: certificates of clients of every kind, and whose each is, on both servers alike.

Each is tried on Apache 3.9.5 at the same time, and both must say the same; where they mean not to, the case says so. What comes of
it is the table of docs/trust.md: a whole run compares it, `run.py --write-table` writes it.
"""

from dataclasses import dataclass

from ironlab import paths, rundir
from ironlab.certificates import AUTHORITY, LEAF, Maker, Pair
from ironlab.report import equal
from ironlab.secure import RSA, SecureServer, World

NAME = "trust"
CLIENTS = []
ORACLE = "apache-3.9.5"
PAGE = paths.PROJECT / "docs" / "trust.md"
_MADE = paths.WORK / "trust.md"
HEAD = """# Whose certificates are taken

Written by `compat-tests/run.py --write-table`. The certificates are made by openssl, and shown by a client to a secure port that
demands one, of Apache 3.9.5 and of ironkeeper at the same time. A name is who the client is then to the scheme x509.

| a client's certificate | Apache 3.9.5 | ironkeeper |
| --- | --- | --- |
"""


@dataclass(frozen=True)
class Case:
    """A client's certificate. `ours` is what ironkeeper says where it means to differ from Apache."""

    claim: str
    pair: Pair
    ours: str = ""


def run(report, kind):
    directory = rundir.new("certificates")
    try:
        world = Cases(Maker(directory / "made"))
        with SecureServer(kind, world.settings(), world) as subject, SecureServer(ORACLE, world.settings(), world) as oracle:
            rows = [_judge(report, kind, case, subject, oracle) for case in world.cases]
        if kind != ORACLE:
            _MADE.write_text(HEAD + "".join(rows))
    finally:
        rundir.remove(directory)


def check():
    """Raises AssertionError where docs/trust.md is not what the last run has made."""
    equal(PAGE.read_text(), _MADE.read_text(), f"{PAGE}: run {paths.COMPAT / 'run.py'} --write-table")


def write():
    """Makes docs/trust.md what the last run has made."""
    PAGE.write_text(_MADE.read_text())


def _judge(report, kind, case, subject, oracle):
    """Who it is to both; the row of the table."""
    theirs = ours = None
    with report.check(NAME, kind, f"a certificate {case.claim}"):
        theirs, ours = oracle.identity(case.pair), subject.identity(case.pair)
        if case.ours and kind != ORACLE:
            assert theirs is not None, f"{ORACLE} refuses it, too"
            equal(ours, None, "who the client is")
            subject.wait_for(lambda: case.ours in subject.log(), f"{case.ours!r} in the log")
        else:
            equal(ours, theirs, "who the client is")
    return f"| {case.claim} | {_shown(theirs)} | {_shown(ours, case.ours)} |\n"


def _shown(names, why=""):
    if names is None:
        return f"refused: {why}" if why else "refused"
    return ", ".join(f"`{name.removeprefix('x509:')}`" for name in names) or "taken, without a name"


class Cases(World):
    """All that is tried."""

    def __init__(self, maker):
        super().__init__(maker)
        self.cases = []
        self._make_paths()
        self._make_anchors()
        self._make_purposes()
        self._make_keys()
        self._make_names()
        self.case("none", None)

    def case(self, claim, pair, ours=""):
        self.cases.append(Case(claim, pair, ours))

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
        self.case("issued by the root", self.good)
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
        self.case("expired", self.issued("/CN=expired", days=past))
        for number, (twin, issued) in enumerate(self.twins()):
            self.trust_also(twin)
            self.case(f"issued by one of two with one name in a PEM store, number {number}", issued)
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
            self.case(claim, self.issued(f"/CN={claim}", extensions=extensions))

    def _make_keys(self):
        curve = lambda name: ("-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{name}")  # noqa: E731 - a short name
        self.case("with an RSA key", self.issued("/CN=rsa", key=RSA))
        self.case("with RSA-PSS in its signature", self.maker.pair("/CN=pss", self.trust_also(
            self.maker.pair("/O=Lab/CN=rsa root", extensions=AUTHORITY, key=RSA))))
        for name in ("secp384r1", "secp521r1"):
            self.case(f"with a key on {name}", self.issued(f"/CN={name}", key=curve(name)))
        self.case("with an Ed25519 key", self.issued("/CN=ed25519", key=("-newkey", "ed25519")))
        short = "key too short: RSA 1024"
        self.case("with an RSA key of 1024 bits", self.issued("/CN=short", key=("-newkey", "rsa:1024")), short)
        self.case("signed with SHA-1", self.issued("/CN=sha1", digest="-sha1"), "signed with an algorithm that is not taken")

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
            self.case(f"with a name of kind {number}", self.issued(name))
