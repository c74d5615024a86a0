"""Reads a plain or gzip snapshot and computes its tree digest anew, from the nodes alone."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from . import jute

SNAPSHOT_MAGIC = 0x5A4B534E


@dataclass
class Snapshot:
    """What a snapshot holds. `digest` is the recorded one, None where the file has none."""

    sessions: dict
    acls: dict
    nodes: dict
    digest: int


def read(path):
    """Reads one file and verifies the seal behind its nodes; a damaged file raises ValueError or EOFError."""
    data = Path(path).read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    reader = jute.Reader(data)
    if reader.read("FileHeader")["magic"] != SNAPSHOT_MAGIC:
        raise ValueError(f"{path} has no snapshot header")
    sessions, acls, nodes = contents(reader)
    _check_seal(path, data, reader)
    return Snapshot(sessions, acls, nodes, _digest(reader))


def contents(reader):
    """Sessions, access control lists and nodes: what files and the stream to a learner have in common."""
    sessions = {reader.read("long"): reader.read("int") for _ in range(reader.read("int"))}
    acls = {reader.read("long"): reader.read("vector<ACL>") for _ in range(reader.read("int"))}
    return sessions, acls, _nodes(reader)


def tree_digest(nodes):
    """The digest of a tree as a signed 64-bit number."""
    total = sum(_node_digest(path, node) for path, node in nodes.items()) & (2 ** 64 - 1)
    return total - 2 ** 64 if total >> 63 else total


def _nodes(reader):
    nodes = {}
    while (path := reader.read("ustring")) != "/":
        nodes[path] = {"data": reader.read("buffer"), "acl": reader.read("long"),
                       "stat": reader.read("StatPersisted")}
    return nodes


def _check_seal(path, data, reader):
    expected = zlib.adler32(data[:reader.at])
    found = reader.read("long")
    if found != expected or reader.read("ustring") != "/":
        raise ValueError(f"{path}: the seal is {found:#x}, the bytes give {expected:#x}")


def _digest(reader):
    """zxid, digest version, digest and a seal: 33 bytes. A last zxid with its seal is 21."""
    if len(reader.data) - reader.at < 33:
        return None
    reader.read("long")
    reader.read("int")
    return reader.read("long")


_DIGEST_FIELDS = (("czxid", "long"), ("mzxid", "long"), ("pzxid", "long"), ("ctime", "long"), ("mtime", "long"),
                  ("version", "int"), ("cversion", "int"), ("aversion", "int"), ("ephemeralOwner", "long"))


def _node_digest(path, node):
    if path.startswith("/zookeeper/"):
        return 0
    stat = b"".join(jute.encode(kind, node["stat"][name]) for name, kind in _DIGEST_FIELDS)
    return zlib.crc32(path.encode() + (node["data"] or b"") + stat)
