"""What an application keeps in the server, read by a client of its own for each question."""

from contextlib import contextmanager

from ironlab import ops
from ironlab.wire import Client


@contextmanager
def _client(server):
    with Client(server.port) as client:
        yield client
        client.close_session()


def children(server, path):
    """The sorted names of a znode's children; None when there is no such znode."""
    with _client(server) as client:
        reply = client.call("getChildren", path=path, watch=False)
    return sorted(reply.body["children"]) if reply.err == ops.OK else _absent(reply, path)


def data(server, path):
    """A znode's data as text; None when there is no such znode."""
    with _client(server) as client:
        reply = client.call("getData", path=path, watch=False)
    return (reply.body["data"] or b"").decode() if reply.err == ops.OK else _absent(reply, path)


def owner(server, path):
    """The session that owns an ephemeral znode, 0 for a persistent one; None when there is no such znode."""
    with _client(server) as client:
        reply = client.call("exists", path=path, watch=False)
    return reply.body["stat"]["ephemeralOwner"] if reply.err == ops.OK else _absent(reply, path)


def delete(server, path):
    """Deletes a znode of any version."""
    with _client(server) as client:
        reply = client.call("delete", path=path, version=-1)
    assert reply.err == ops.OK, f"delete {path}: error {reply.err}"


def _absent(reply, path):
    assert reply.err == ops.NO_NODE, f"{path}: error {reply.err}"
    return None
