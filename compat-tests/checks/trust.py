"""Whom a server trusts, as Java does it: certificates of clients of every kind, and whose each is, on both servers alike.

Each is tried on Apache 3.9.5 at the same time, and both must say the same; where they mean not to, the case says so. What comes of
it is the table of docs/trust.md: a whole run compares it, `run.py --write-table` writes it. Those that are revoked are of
`revoked.py`.
"""

from ironlab import paths, rundir
from ironlab.certificates import AUTHORITY, LEAF, Maker, Pair
from ironlab.report import equal, same_lines
from ironlab.secure import RSA, SecureServer, World
from ironlab.site import Site

from . import revoked
from .revoked import Case

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


def run(report, kind):
    directory = rundir.new("certificates")
    try:
        with Site() as site:
            world = Cases(Maker(directory / "made"))
            groups = [("", {}, world.cases), *revoked.groups(world, site)]
            rows = [row for group in groups for row in _judge_all(report, kind, world, *group)]
        if kind != ORACLE:
            _MADE.write_text(HEAD + "".join(rows))
    finally:
        rundir.remove(directory)


def _judge_all(report, kind, world, setting, changes, cases):
    """The rows of cases that are tried on servers with a setting."""
    settings = world.settings(**changes)
    head = [f"| with `{setting}`: | | |\n"] if setting else []
    with SecureServer(kind, settings, world) as subject, SecureServer(ORACLE, settings, world) as oracle:
        return head + [_judge(report, kind, setting, case, subject, oracle) for case in cases]


def check():
    """Raises AssertionError where docs/trust.md is not what the last run has made."""
    same_lines(PAGE.read_text(), _MADE.read_text(), f"{PAGE}: run {paths.COMPAT / 'run.py'} --write-table")


def write():
    """Makes docs/trust.md what the last run has made."""
    PAGE.write_text(_MADE.read_text())


def _judge(report, kind, setting, case, subject, oracle):
    """Who it is to both; the row of the table."""
    theirs = ours = None
    with report.check(NAME, kind, f"{setting} a certificate {case.claim}".strip()):
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
        self._make_constraints()
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
            self.trust_also(twin, is_twin=True)
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

    def _make_constraints(self):
        """Names that the one between may issue certificates for."""
        example = "permitted;DNS:example.com"
        lab = "subjectAltName="
        for constraint, subject, names in [
            (example, "/O=Lab", f"{lab}DNS:a.example.com"),
            (example, "/O=Lab", f"{lab}DNS:example.com"),
            (example, "/O=Lab", f"{lab}DNS:example.org"),
            (example, "/O=Lab", f"{lab}DNS:badexample.com"),
            (example, "/O=Lab", f"{lab}DNS:example.com,DNS:example.org"),
            (example, "/O=Lab", f"{lab}IP:10.0.0.1"),
            (example, "/O=Lab/CN=zk", ""),
            (example, "/O=Lab/CN=zk.example.com", ""),
            (example, "/O=Lab/CN=zk", f"{lab}DNS:zk.example.com"),
            (example, "/O=Lab/CN=no host", ""),
            ("permitted;DNS:.example.com", "/O=Lab", f"{lab}DNS:a.example.com"),
            ("permitted;DNS:.example.com", "/O=Lab", f"{lab}DNS:example.com"),
            ("excluded;DNS:example.com", "/O=Lab", f"{lab}DNS:a.example.com"),
            ("excluded;DNS:example.com", "/O=Lab", f"{lab}DNS:example.org"),
            ("permitted;IP:10.0.0.0/255.0.0.0", "/O=Lab", f"{lab}IP:10.1.2.3"),
            ("permitted;IP:10.0.0.0/255.0.0.0", "/O=Lab", f"{lab}IP:11.1.2.3"),
            ("permitted;IP:10.0.0.0/255.0.0.0", "/O=Lab", f"{lab}IP:::1"),
            ("permitted;IP:10.0.0.0/255.0.0.0", "/O=Lab/CN=11.0.0.1", ""),
            ("excluded;IP:10.0.0.0/255.0.0.0", "/O=Lab", f"{lab}IP:10.1.2.3"),
            ("permitted;dirName:base", "/O=Lab/OU=a", ""),
            ("permitted;dirName:base", "/O=LAB/OU=a", ""),
            ("permitted;dirName:base", "/O=Other/OU=a", ""),
            ("excluded;dirName:base", "/O=Lab/OU=a", ""),
            ("excluded;dirName:base", "/O=Other/OU=a", ""),
            ("permitted;email:jd@example.com", "/O=Lab", f"{lab}email:JD@example.com"),
            ("permitted;email:example.com", "/O=Lab", f"{lab}email:jd@example.com"),
            ("permitted;email:example.com", "/O=Lab", f"{lab}email:jd@a.example.com"),
            ("permitted;email:.example.com", "/O=Lab", f"{lab}email:jd@a.example.com"),
            ("permitted;email:example.com", "/O=Lab/emailAddress=jd@example.com", ""),
            ("permitted;email:example.com", "/O=Lab/emailAddress=jd@example.org", ""),
            ("permitted;URI:example.com", "/O=Lab", f"{lab}URI:spiffe://example.com/zk"),
            ("permitted;URI:example.com", "/O=Lab", f"{lab}URI:spiffe://a.example.com/zk"),
            ("permitted;URI:.example.com", "/O=Lab", f"{lab}URI:spiffe://a.example.com/zk"),
        ]:
            bound = self._bound(constraint)
            pair = self.maker.pair(subject, bound, f"{LEAF}\n{names}", chain=[bound.certificate])
            shown = names.removeprefix(lab) or "no other names"
            self.case(f"of `{subject}` with {shown}, its issuer bound by `{constraint.replace('base', 'O=Lab')}`", pair)
        bound = self._bound(example)
        below = self.maker.pair("/O=Lab/CN=below it", bound, AUTHORITY)
        chain = [below.certificate, bound.certificate]
        for name in ("example.com", "example.org"):
            pair = self.maker.pair("/O=Lab", below, f"{LEAF}\nsubjectAltName=DNS:{name}", chain=chain)
            self.case(f"with DNS:{name}, the issuer of its issuer bound by `{example}`", pair)
        trusted = self.trust_also(self.maker.pair("/O=Lab/CN=bound root", None, f"{AUTHORITY}\nnameConstraints=critical,{example}"))
        pair = self.maker.pair("/O=Lab", trusted, f"{LEAF}\nsubjectAltName=DNS:example.org")
        self.case(f"with DNS:example.org, its issuer trusted and bound by `{example}`", pair)

    def _bound(self, constraint):
        """An authority with a name constraint."""
        base = "\n[base]\nO=Lab" if "base" in constraint else ""
        return self.maker.pair("/O=Lab/CN=bound one", self.root, f"{AUTHORITY}\nnameConstraints=critical,{constraint}{base}")
