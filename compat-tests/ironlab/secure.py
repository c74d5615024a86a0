"""Servers with a secure port, raw clients over TLS, and the certificates that they show each other."""

import socket
import ssl

from . import ports, wire
from .certificates import AUTHORITY
from .server import Server

NETTY = {"zookeeper.serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory"}
RSA = ("-newkey", "rsa:2048")
HERE = "subjectAltName=DNS:localhost,IP:127.0.0.1"


class World:
    """A root whom servers and clients trust, the server's own certificate, one for clients, and all that is trusted beside."""

    def __init__(self, maker):
        self.maker = maker
        self.root = maker.pair("/O=Lab/CN=root", extensions=AUTHORITY)
        self.server = self.issued("/O=Lab/CN=localhost", extensions=HERE, key=RSA, chain=[self.root.certificate])
        self.good = self.issued("/O=Lab/CN=client")
        self._trusted = [self.root]

    def issued(self, subject, **options):
        """A pair that the root has signed."""
        return self.maker.pair(subject, self.root, **options)

    def trust_also(self, pair, is_twin=False):
        """Of two with one name Apache's PEM store keeps the last: only a twin may have the name of another."""
        assert is_twin or pair.name not in {other.name for other in self._trusted}, pair.name
        self._trusted.append(pair)
        return pair

    def twins(self):
        """Two authorities with one name, and what each has signed."""
        authorities = [self.maker.pair("/O=Lab/CN=twin", extensions=AUTHORITY) for _ in range(2)]
        return [(twin, self.maker.pair(f"/CN=of twin {number}", twin)) for number, twin in enumerate(authorities)]

    def settings(self, **changes):
        """The lines of zoo.cfg for a secure port; `_` in their names stands for a dot, None takes a line away."""
        lines = {"ssl.keyStore.location": self.server.bundle(self.maker.directory / "server.pem"),
                 "ssl.trustStore.location": self.maker.pem_trust("trust.pem", self._trusted),
                 **{name.replace("_", "."): value for name, value in changes.items()}}
        return "".join(f"{name}={value}\n" for name, value in lines.items() if value is not None)


class SecureServer(Server):
    """A server with a secure port beside the plain one."""

    def __init__(self, kind, settings, world, properties=None, **options):
        self.secure_port = ports.free()
        self.world = world
        lines = f"secureClientPort={self.secure_port}\nsecureClientPortAddress=127.0.0.1\n{settings}"
        super().__init__(kind, lines, {**NETTY, **(properties or {})}, **options)

    def wait_until_serving(self):
        """Until both ports are open: Apache opens the secure one last."""
        super().wait_until_serving()
        self.wait_for(lambda: ports.is_open(self.secure_port), "the secure port is open")

    def identity(self, pair, port=None, source="127.0.0.1"):
        """Who a client with this certificate is to the server, its address left out; None: it is refused."""
        try:
            with SecureClient(port or self.secure_port, self.world, pair, source=source) as client:
                names = client.names()
                client.close_session()
        except (ssl.SSLError, wire.Closed, OSError):
            return None
        return names


class SecureClient(wire.Client):
    """A raw client over TLS. `changes` is called with its context before it connects, `resumed` is a session of an earlier one."""

    def __init__(self, port, world, pair, changes=lambda context: None, resumed=None, source="127.0.0.1", **options):
        self._context = resumed.context if resumed else self._new_context(world, pair)
        changes(self._context)
        self._resumed = resumed
        self._source = source
        super().__init__(port, **options)

    def names(self):
        """Who it is to the server, its address left out."""
        infos = self.call("whoAmI").body["clientInfo"]
        return sorted(f"{info['authScheme']}:{info['user']}" for info in infos if info["authScheme"] != "ip")

    def subject(self):
        """The common name of the server's certificate."""
        return dict(part[0] for part in self.sock.getpeercert()["subject"])["commonName"]

    @property
    def tls(self):
        """What another one may resume."""
        return Resumable(self._context, self.sock.session)

    def connect(self, address, timeout_s):
        return socket.create_connection(address, timeout_s, (self._source, 0))

    def wrap(self, sock):
        session = self._resumed.session if self._resumed else None
        return self._context.wrap_socket(sock, server_hostname="localhost", session=session)

    @staticmethod
    def asker(world, pair):
        """`server.four_letters` over TLS; several threads may call what is returned."""
        context = SecureClient._new_context(world, pair)

        def ask(port, word):
            with socket.create_connection(("127.0.0.1", port), wire.TIMEOUT_S) as sock, \
                    context.wrap_socket(sock, server_hostname="localhost") as secure:
                secure.sendall(word if isinstance(word, bytes) else word.encode())
                return b"".join(iter(lambda: secure.recv(65536), b"")).decode()
        return ask

    @staticmethod
    def _new_context(world, pair):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_verify_locations(world.root.certificate)
        if pair:
            context.load_cert_chain(pair.bundle(pair.key.with_suffix(".bundle")))
        return context


class Resumable:
    """A session of TLS, and the context that it is of."""

    def __init__(self, context, session):
        self.context = context
        self.session = session
