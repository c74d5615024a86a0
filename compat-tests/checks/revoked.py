"""Certificates of clients that are revoked, or about which nobody can tell; `trust` tries them."""

from dataclasses import dataclass

from ironlab.certificates import AUTHORITY, LEAF, Pair
from ironlab.register import Register
from ironlab.secure import RSA

MINUTE = 1 / 24 / 60


@dataclass(frozen=True)
class Case:
    """A client's certificate. `ours` is what ironkeeper says where it means to differ from Apache."""

    claim: str
    pair: Pair
    ours: str = ""


def groups(world, site):
    """A setting, the lines that are it, and what is tried with it."""
    lists, responders = Lists(world, site), Responders(world, site)
    return [("ssl.crl=true", {"ssl_crl": "true"}, lists.cases),
            ("ssl.ocsp=true", {"ssl_ocsp": "true"}, responders.cases)]


class _Cases:
    def __init__(self, world, site):
        self.world = world
        self.maker = world.maker
        self.site = site
        self.register = Register(self.maker, world.root)
        self.cases = []
        self._made = 0

    def case(self, claim, pair, ours=""):
        self.cases.append(Case(claim, pair, ours))

    def place(self, answer=None):
        """An address with this answer, or with none."""
        self._made += 1
        path = f"{type(self).__name__.lower()}-{self._made}"
        return self.site.url(path) if answer is None else self.site.put(path, answer)

    def pair(self, subject, extensions, issuer=None, chain=()):
        return self.maker.pair(subject, issuer or self.world.root, f"{LEAF}\n{extensions}", chain=chain)


def at(*urls):
    """A distribution point with these addresses."""
    return "crlDistributionPoints=" + ",".join(f"URI:{url}" for url in urls)


def asks(url):
    """A responder."""
    return f"authorityInfoAccess=OCSP;URI:{url}"


class Lists(_Cases):
    """Lists only are asked."""

    def __init__(self, world, site):
        super().__init__(world, site)
        self._make_states()
        self._make_places()
        self._make_scopes()
        self._make_chains()

    def of_root(self, claim, list_of_root, ours="", subject="/CN=listed"):
        self.case(claim, self.pair(subject, at(self.place(list_of_root))), ours)

    def _make_states(self):
        register = self.register
        place = self.place()
        pair = register.revoke(self.pair("/CN=revoked", at(place)))
        self.site.put(place.rpartition("/")[2], register.list())
        self.case("in the list that it names", pair)
        self.of_root("not in the list that it names", register.list())
        self.of_root("not in a list in PEM", register.list(form="PEM"))
        self.of_root("whose list was to be renewed 10 minutes ago", register.list((-1, -10 * MINUTE)))
        self.of_root("whose list was to be renewed 20 minutes ago", register.list((-1, -20 * MINUTE)))
        self.of_root("whose list is good in 10 minutes", register.list((10 * MINUTE, 1)))
        self.of_root("whose list is good in 20 minutes", register.list((20 * MINUTE, 1)))
        self._make_old_lists()
        self.of_root("whose list is signed with SHA-1 and a key on a curve", register.list(digest="sha1"), "signed with an algorithm that is not taken")
        stranger = self.maker.pair("/O=Strangers/CN=root", extensions=AUTHORITY)
        impostor = self.maker.pair("/O=Lab/CN=root", extensions=AUTHORITY)
        self.of_root("whose list a stranger has signed", Register(self.maker, stranger).list())
        self.of_root("whose list a stranger with the root's name has signed", Register(self.maker, impostor).list())
        self.of_root("whose list is none", b"list")
        self.case("itself trusted, without a list", self.world.trust_also(self.maker.pair("/CN=trusted, no list")))

    def _make_old_lists(self):
        root = self.world.trust_also(self.maker.pair("/O=Lab/CN=root of old lists", extensions=AUTHORITY, key=RSA))
        place = self.place()
        good = self.pair("/CN=listed", at(place), root)
        register = Register(self.maker, root)
        revoked = register.revoke(self.pair("/CN=revoked", at(place), root))
        self.site.put(place.rpartition("/")[2], register.list(digest="sha1"))
        self.case("not in a list that is signed with SHA-1 and an RSA key", good)
        self.case("in a list that is signed with SHA-1 and an RSA key", revoked)

    def _make_places(self):
        good = self.register.list()
        file = self.maker.directory / "good.crl"
        file.write_bytes(good)
        elsewhere = self.place(good)
        self.case("whose list is a file", self.pair("/CN=file", at(f"file://{file}")))
        self.case("whose list is a file that is not there", self.pair("/CN=no file", at(f"file://{file}.none")))
        self.case("whose list is not there", self.pair("/CN=no list", at(self.place())))
        self.case("that names no list", self.pair("/CN=names no list", ""))
        self.case("that names a responder alone", self.pair("/CN=responder", asks(self.place(self.register.answers()))))
        point = "crlDistributionPoints=point\n[point]\nfullname=URI:{},URI:{}"
        self.case("whose list is not there, with another address", self.pair("/CN=second", point.format(self.place(), elsewhere)))

    def _make_scopes(self):
        for claim, extension in [
            ("that is for certificates of users", "onlyuser:true"),
            ("that is for certificates of authorities", "onlyCA:true"),
            ("that is for certificates of attributes", "onlyAA:true"),
            ("that is for some reasons", "onlysomereasons:keyCompromise"),
            ("that is of several issuers", "indirectCRL:true"),
        ]:
            name = f"issuingDistributionPoint=critical,@scope\n[scope]\n{extension.replace(':', '=')}"
            self.of_root(f"not in a list {claim}", self.register.list(extensions=name))
        self.of_root("not in a list for another place", self.register.list(
            extensions="issuingDistributionPoint=critical,@scope\n[scope]\nfullname=URI:http://127.0.0.1/"))
        place = self.place()
        scope = f"issuingDistributionPoint=critical,@scope\n[scope]\nfullname=URI:{place}"
        self.site.put(place.rpartition("/")[2], self.register.list(extensions=scope))
        self.case("not in a list for its place", self.pair("/CN=its place", at(place)))
        self.of_root("not in a list of differences", self.register.list(extensions="2.5.29.27=critical,DER:020101"))

    def _make_chains(self):
        middles = Register(self.maker, self.world.root)
        signs = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign"
        of_middles = self.place()
        for claim, extensions, is_revoked in [
            ("is good", f"{AUTHORITY}\n{at(of_middles)}", False),
            ("is revoked", f"{AUTHORITY}\n{at(of_middles)}", True),
            ("names no list", AUTHORITY, False),
            ("may not sign lists", f"{signs}\n{at(of_middles)}", False),
            ("says not what its key is for", f"basicConstraints=critical,CA:TRUE\n{at(of_middles)}", False),
        ]:
            middle = self.maker.pair(f"/O=Lab/CN={claim}", self.world.root, extensions)
            if is_revoked:
                middles.revoke(middle)
            list_of_middle = self.place(Register(self.maker, middle).list())
            self.case(f"issued by one between that {claim}",
                      self.pair("/CN=below", at(list_of_middle), middle, [middle.certificate]))
        self.site.put(of_middles.rpartition("/")[2], middles.list())


class Responders(_Cases):
    """Responders are asked, then lists."""

    def __init__(self, world, site):
        super().__init__(world, site)
        self._make_answers()
        self._make_signers()
        self._make_lists()

    def known(self, extensions):
        return self.register.know(self.pair("/CN=known", extensions))

    def _make_answers(self):
        answers = self.register.answers()
        self.case("whose responder says that it is good", self.known(asks(self.place(answers))))
        revoked = self.register.revoke(self.pair("/CN=revoked", asks(self.place(answers))))
        self.case("whose responder says that it is revoked", revoked)
        self.case("whose responder does not know it", self.pair("/CN=unknown", asks(self.place(answers))))
        self.case("whose responder is not there", self.known(asks(self.place())))
        self.case("whose responder says nonsense", self.known(asks(self.place(b"nonsense"))))
        self.case("whose responder wants to be asked later", self.known(asks(self.place(bytes.fromhex("30030a0103")))))
        self.case("whose responder does not say for how long", self.known(asks(self.place(self.register.answers(options=())))))
        self.case("that names no responder and no list", self.known(""))
        self.case("itself trusted, without a responder", self.world.trust_also(self.maker.pair("/CN=trusted, no responder")))

    def _make_signers(self):
        good = "extendedKeyUsage=OCSPSigning"
        for claim, issuer, extensions, days in [
            ("that the issuer lets", self.world.root, good, ("-days", "10")),
            ("that the issuer does not let", self.world.root, LEAF, ("-days", "10")),
            ("that the issuer has let until yesterday", self.world.root, good, ("-days", "-1")),
            ("that a stranger lets", self.maker.pair("/O=Strangers/CN=root", extensions=AUTHORITY), good, ("-days", "10")),
        ]:
            signer = self.maker.pair("/O=Lab/CN=responder", issuer, extensions, days=days)
            by_name, by_key = (self.register.answers(signer, options) for options in (("-ndays", "1"), ("-ndays", "1", "-resp_key_id")))
            self.case(f"whose answer is signed by one {claim}", self.known(asks(self.place(by_name))))
            self.case(f"whose answer is signed by one {claim}, known by its key", self.known(asks(self.place(by_key))))

    def _make_lists(self):
        answers = self.register.answers()
        good = self.place(self.register.list())
        both = lambda responder, place: f"{asks(responder)}\n{at(place)}"  # noqa: E731 - a short name
        self.case("with a list and no responder", self.known(at(good)))
        self.case("with a list, whose responder is not there", self.known(both(self.place(), good)))
        self.case("with a list, whose responder does not know it", self.pair("/CN=unknown", both(self.place(answers), good)))
        place = self.place()
        of_lists = Register(self.maker, self.world.root)
        for claim, responder in [("says that it is good", self.place(answers)), ("is not there", self.place())]:
            pair = of_lists.revoke(self.known(both(responder, place)))
            self.case(f"in its list, whose responder {claim}", pair)
        self.site.put(place.rpartition("/")[2], of_lists.list())
