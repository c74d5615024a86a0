"""kazoo's four letter words. Its argument: host:port. Over TLS its `command` fails by itself."""

import sys

from kazoo.client import KazooClient

from harness import equal

client = KazooClient(sys.argv[1], timeout=10)
client.start(timeout=20)
equal(client.command(b"ruok"), "imok", "ruok")
equal(client.server_version(), (3, 9, 5), "the version that envi tells")
session = hex(client.client_id[0])
assert session in client.command(b"cons"), f"{session} is not in cons"
lines = [line.split("\t") for line in client.command(b"mntr").splitlines()]
assert ["zk_server_state", "standalone"] in lines, lines
client.stop()
print("kazoo: done")
