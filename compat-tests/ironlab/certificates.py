"""Certificates and the stores that hold them, made by openssl and keytool.

A `Maker` works in one directory. What it makes is a PEM file with a key, its certificate and what follows it; stores are
made of such files.
"""

from dataclasses import dataclass
from pathlib import Path

from . import processes

PASSWORD = "changeit"
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
LEAF = "basicConstraints=CA:FALSE"
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


@dataclass(frozen=True)
class Pair:
    """A key and its certificate; `chain` are PEM files that a peer is shown behind the certificate."""

    name: str
    key: Path
    certificate: Path
    chain: tuple = ()

    def bundle(self, path):
        """One file of all, as OpenSSL reads a chain."""
        parts = [self.key, self.certificate, *self.chain]
        path.write_text("".join(part.read_text() for part in parts))
        return path


class Maker:
    """Makes keys and certificates in a directory."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._made = 0

    def pair(self, subject, issuer=None, extensions=LEAF, key=EC, days=("-days", "3650"), digest="-sha256", version=3, chain=()):
        """A key whose certificate `issuer` has signed, else the key itself. `extensions` are lines of openssl's
        configuration; `days` are options that say how long it is valid."""
        self._made += 1
        name = f"{self._made:03}"
        own = Pair(subject, self.directory / f"{name}.key", self.directory / f"{name}.crt", tuple(chain))
        request, extfile = self.directory / f"{name}.csr", self.directory / f"{name}.ext"
        self.openssl("req", "-new", *key, "-nodes", "-keyout", own.key, "-out", request, "-subj", subject, "-utf8",
                     "-multivalue-rdn")
        extfile.write_text(extensions + "\n")
        signer = ["-signkey", own.key] if issuer is None else ["-CA", issuer.certificate, "-CAkey", issuer.key,
                                                                "-CAcreateserial"]
        with_extensions = ["-extfile", extfile] if version == 3 else []
        self.openssl("x509", "-req", "-in", request, *signer, *days, digest, *with_extensions, "-out", own.certificate)
        return own

    def pem_trust(self, name, pairs):
        """A trust store of the pairs' certificates, with words between them."""
        path = self.directory / name
        path.write_text("".join(f"The certificate of {pair.name}:\n{pair.certificate.read_text()}\n" for pair in pairs))
        return path

    def pkcs12(self, name, pair, alias="server", password=PASSWORD, options=()):
        """A key store by openssl."""
        path = self.directory / name
        chain = self.directory / f"{name}.chain"
        chain.write_text("".join(part.read_text() for part in pair.chain))
        more = ["-certfile", chain] if pair.chain else []
        self.openssl("pkcs12", "-export", "-inkey", pair.key, "-in", pair.certificate, *more, "-name", alias, "-out", path,
                     "-passout", f"pass:{password}", *options)
        return path

    def key_store(self, name, pair, store_type, alias="server", password=PASSWORD, key_password=None):
        """A key store by keytool, of what openssl made."""
        path = self.directory / name
        source = self.pkcs12(f"{name}.source.p12", pair, alias)
        self.keytool("-importkeystore", "-noprompt", "-srckeystore", source, "-srcstorepass", PASSWORD, "-srcalias", alias,
                     "-destkeystore", path, "-deststoretype", store_type, "-deststorepass", password, "-destkeypass",
                     key_password or password)
        return path

    def trust_store(self, name, pairs, store_type, password=PASSWORD):
        """A trust store by keytool."""
        path = self.directory / name
        for number, pair in enumerate(pairs):
            self.keytool("-importcert", "-noprompt", "-keystore", path, "-storetype", store_type, "-storepass", password,
                         "-alias", f"trusted-{number}", "-file", pair.certificate)
        return path

    def openssl(self, *arguments):
        self._run("openssl", *arguments)

    def keytool(self, *arguments):
        self._run("keytool", "-J-Xshare:auto", "-J-XX:TieredStopAtLevel=1", *arguments)

    @staticmethod
    def _run(*command):
        code, out, err = processes.run([str(word) for word in command])
        assert code == 0, f"{' '.join(map(str, command))}\n{out}{err}"
