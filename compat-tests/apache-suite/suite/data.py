"""Makes data directories that some tests start a server on: the published artifact has only the classes.

Run as a program it makes them anew with Apache 3.9.5. BufferSizeTest needs txns and a snapshot with a znode's data that is
longer than the limit of 100 bytes that it sets; tests of TLS need a key and trust in its certificate.
"""

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from ironlab import paths, processes  # noqa: E402 - ironlab is found by the line above
from ironlab.server import Server  # noqa: E402
from ironlab.wire import Client  # noqa: E402

PATH = paths.WORK / "apache-suite" / "data"
_LONG = bytes(5000)
_PASSWORD = "testpass"  # the one that the tests know


def _create(server):
    with Client(server.port) as client:
        client.create("/node", _LONG)


def _set(server):
    with Client(server.port) as client:
        client.create("/node", b"x")
        client.call("setData", path="/node", data=_LONG, version=-1)


def _snapshot(server):
    _create(server)
    server.restart()  # a start writes a snapshot


def _key_and_trust(directory):
    directory.mkdir(parents=True)
    certificate = directory / "certificate.pem"
    _keytool(directory / "testKeyStore.jks", "-genkeypair", "-keyalg", "RSA", "-validity", "3650", "-dname", "CN=localhost",
             "-ext", "san=dns:localhost,ip:127.0.0.1", "-keypass", _PASSWORD)
    _keytool(directory / "testKeyStore.jks", "-exportcert", "-rfc", "-file", certificate)
    _keytool(directory / "testTrustStore.jks", "-importcert", "-noprompt", "-file", certificate)


def _keytool(store, *arguments):
    code, _, error = processes.run(["keytool", *arguments, "-keystore", store, "-storetype", "JKS", "-storepass", _PASSWORD,
                                    "-alias", "test"])
    if code != 0:
        raise OSError(f"keytool {arguments[0]} on {store} ended with code {code}: {error}")


def main():
    processes.install_handlers()
    shutil.rmtree(PATH, ignore_errors=True)
    _key_and_trust(PATH / "ssl")
    for change in (_create, _set, _snapshot):
        data = PATH / "buffersize" / change.__name__[1:]
        with Server("apache-3.9.5", data=data) as server:
            change(server)
            server.stop()


if __name__ == "__main__":
    main()
