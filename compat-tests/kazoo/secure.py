"""kazoo over TLS: a session, a znode and a watch. Arguments: host:port, the CA's file, the client's certificate, its key."""

import sys
import threading

from kazoo.client import KazooClient

address, ca, certificate, key = sys.argv[1:]
client = KazooClient(address, use_ssl=True, verify_certs=True, ca=ca, certfile=certificate, keyfile=key, timeout=10)
client.start(timeout=20)
client.create("/kazoo", b"over TLS")
seen = threading.Event()
assert client.get("/kazoo", watch=lambda event: seen.set())[0] == b"over TLS"
client.set("/kazoo", b"x" * 900_000)
assert seen.wait(20), "no event"
assert client.get("/kazoo")[0] == b"x" * 900_000
client.delete("/kazoo")
client.stop()
print("kazoo: done")
