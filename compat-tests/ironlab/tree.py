"""Dumps what a server holds, through a client that no ACL stops, in a form that two servers' dumps can be compared in.

A dump is {"tree": {path: {"stat", "data", "acl", "children"}}}; data is base64 or None, children are sorted because
their order is no promise.
"""

import base64

from . import ops
from .server import SUPER_AUTH
from .wire import Client


def dump(server):
    """The whole tree of a running server. It uses a session of its own and closes it."""
    with Client(server.port) as client:
        assert client.add_auth("digest", SUPER_AUTH).err == ops.OK, "the server does not know the super user"
        tree = {}
        _visit(client, "/", tree)
        client.close_session()
    return tree


def _visit(client, path, tree):
    data = client.call("getData", path=path, watch=False)
    listing = client.call("getChildren2", path=path, watch=False)
    acl = client.call("getACL", path=path)
    if ops.NO_NODE in (data.err, listing.err, acl.err):
        return  # reaped between two requests: a container or TTL node
    tree[path] = {"stat": data.body["stat"], "data": _text(data.body["data"]), "acl": _acl_texts(acl.body["acl"]),
                  "children": sorted(listing.body["children"])}
    for child in tree[path]["children"]:
        _visit(client, f"{path.rstrip('/')}/{child}", tree)


def _text(data):
    return None if data is None else base64.b64encode(data).decode()


def _acl_texts(acl):
    return [f"{entry['perms']}:{entry['id']['scheme']}:{entry['id']['id']}" for entry in acl]


def differences(left, right):
    """Lines that say where two dumps differ; none when they are equal."""
    lines = [f"{path} is only in the first" for path in sorted(left.keys() - right.keys())]
    lines += [f"{path} is only in the second" for path in sorted(right.keys() - left.keys())]
    for path in sorted(left.keys() & right.keys()):
        lines += [f"{path}: {key} is {left[path][key]} in the first, {right[path][key]} in the second"
                  for key in left[path] if left[path][key] != right[path][key]]
    return lines


def alive(server, session):
    """Whether a session (id, password) can be come back to. The connection is then cut, so the session stays."""
    client = Client(server.port, session)
    client.cut()
    return client.alive
