"""A server with its admin server on, and requests to it."""

import http.client
import json
import ssl
from dataclasses import dataclass

from . import paths, ports
from .server import Server

TIMEOUT_S = 30


@dataclass(frozen=True)
class Reply:
    """An HTTP response; the names of headers are in small letters."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def request(port, path, method="GET", headers=None, body=None, context=None):
    """One request on a connection of its own; by HTTPS with a context."""
    connection = (http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_S, context=context) if context
                  else http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S))
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        named = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, named, response.read())
    finally:
        connection.close()


def trusting_anybody(pair=None):
    """A context for HTTPS that shows the certificate of `pair`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if pair:
        context.load_cert_chain(pair.bundle(pair.key.with_suffix(".bundle")))
    return context


class AdminServer(Server):
    """A server whose admin server listens on a port of its own; Apache's with what it loads for that."""

    def __init__(self, kind, config="", properties=None, **options):
        self.admin_port = ports.free()
        lines = f"admin.enableServer=true\nadmin.serverAddress=127.0.0.1\nadmin.serverPort={self.admin_port}\n"
        super().__init__(kind, f"{lines}{config}", properties, **options)

    def get(self, path, headers=None, method="GET", body=None, context=None):
        """The response to a request for a path."""
        return request(self.admin_port, path, method, headers, body, context)

    def command(self, name, **options):
        """The object that a command answers with."""
        return self.get(f"/commands/{name}", **options).json

    def _command(self, cfg):
        command = super()._command(cfg)
        if self.kind != "ironkeeper":
            command[command.index("-cp") + 1] += f":{paths.ADMIN_JARS}/*"
        return command
