"""What an authority says of the certificates that it has issued, by `openssl ca` and `openssl ocsp`."""

import datetime
import itertools

_CONFIG = """[ca]
default_ca = it
[it]
database = {home}/index.txt
crlnumber = {home}/number
default_md = sha256
unique_subject = no
[plain]
"""
_numbers = itertools.count()


class Register:
    """The certificates of one issuer, each of which is valid or revoked."""

    def __init__(self, maker, issuer):
        self._maker = maker
        self._issuer = issuer
        self._home = maker.directory / f"register-{next(_numbers)}"
        self._home.mkdir()
        (self._home / "index.txt").write_text("")
        (self._home / "number").write_text("01\n")

    def know(self, pair):
        """Its status is good."""
        self._ca("-valid", pair.certificate)
        return pair

    def revoke(self, pair, reason="keyCompromise"):
        self._ca("-revoke", pair.certificate, "-crl_reason", reason)
        return pair

    def list(self, days=(-1, 1), extensions="", digest="sha256", key_of=None, form="DER"):
        """A list, good between two moments, in days from now. `extensions` are lines of openssl's configuration; `key_of` is who
        signs it instead of the issuer."""
        pem, out = self._home / "list.pem", self._home / "list"
        first, last = (_moment(count) for count in days)
        self._ca("-gencrl", "-crl_lastupdate", first, "-crl_nextupdate", last, "-md", digest, "-out", pem,
                 extensions=extensions, signer=key_of or self._issuer)
        self._maker.openssl("crl", "-in", pem, "-outform", form, "-out", out)
        return out.read_bytes()

    def answers(self, signer=None, options=("-ndays", "1")):
        """A responder; `signer` is who signs for it instead of the issuer."""
        signer = signer or self._issuer

        def answer(request):
            number = next(_numbers)
            question, out = self._home / f"{number}.req", self._home / f"{number}.resp"
            question.write_bytes(request)
            self._maker.openssl("ocsp", "-index", self._home / "index.txt", "-CA", self._issuer.certificate, "-rsigner",
                                signer.certificate, "-rkey", signer.key, "-reqin", question, "-respout", out, *options)
            return out.read_bytes()

        return answer

    def _ca(self, *options, extensions="", signer=None):
        signer = signer or self._issuer
        config = self._home / "config"
        config.write_text(_CONFIG.format(home=self._home) + extensions + "\n")
        of_list = ["-crlexts", "plain"] if "-gencrl" in options else []
        self._maker.openssl("ca", "-config", config, "-keyfile", signer.key, "-cert", signer.certificate, *options, *of_list)


def _moment(days):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return moment.strftime("%Y%m%d%H%M%SZ")
