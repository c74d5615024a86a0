"""What a generator believes to be in the tree, so that its requests meet znodes, versions and suffixes that exist.

A belief may be wrong, as where an access control list refused a write: a history needs hits, not certainty.
"""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ironlab import ops
from ironlab.cases import BAD_ACLS, BAD_PATHS

_FLAGS = range(7)
_SEQUENTIAL = (ops.SEQUENTIAL, ops.EPHEMERAL_SEQUENTIAL, ops.TTL_SEQUENTIAL)
_EPHEMERAL = (ops.EPHEMERAL, ops.EPHEMERAL_SEQUENTIAL)


@dataclass
class _Znode:
    version: int = 0
    aversion: int = 0
    creates: int = 0
    children: set = field(default_factory=set)
    owner: str = None


def parent_of(path):
    return path.rpartition("/")[0] or "/"


def below(path, name):
    return f"{path.rstrip('/')}/{name}"


class Beliefs:
    """Paths and versions that should exist."""

    def __init__(self):
        self._znodes = {"/": _Znode()}

    def paths(self):
        """All paths but the root, oldest first."""
        return list(self._znodes)[1:]

    def leaves(self):
        """The paths without children."""
        return [path for path in self.paths() if not self._znodes[path].children]

    def version(self, path):
        found = self._znodes.get(path)
        return found.version if found else 0

    def aversion(self, path):
        found = self._znodes.get(path)
        return found.aversion if found else 0

    def next_suffix(self, parent):
        """The number that a sequential child would get."""
        found = self._znodes.get(parent)
        return found.creates if found else 0

    def end_session(self, owner):
        """The owner's ephemerals are gone."""
        for path in [path for path, znode in self._znodes.items() if znode.owner == owner]:
            self._delete(path, -1)

    def apply(self, op, fields, owner):
        """Makes the change that a write should make; False where it should be refused. A read changes nothing."""
        path, version = fields.get("path"), fields.get("version", -1)
        if op in ("create", "create2", "createContainer", "createTTL"):
            return fields["acl"] not in BAD_ACLS and self._create(path, fields["flags"], owner)
        if op in ("delete", "deleteContainer"):
            return self._delete(path, version)
        if op in ("setData", "setACL", "check"):
            return self._change(op, path, version)
        return True

    @contextmanager
    def all_or_nothing(self):
        """For a multi: what is changed in the block is taken back when the yielded list has a False at its end."""
        before = {path: replace(znode, children=set(znode.children)) for path, znode in self._znodes.items()}
        outcomes = []
        yield outcomes
        if not all(outcomes):
            self._znodes = before

    def _create(self, path, flags, owner):
        parent = self._znodes.get(parent_of(path or ""))
        if path in BAD_PATHS or parent is None or parent.owner or flags not in _FLAGS:
            return False
        if flags in _SEQUENTIAL:
            path = f"{path}{parent.creates:010d}"
        if path in self._znodes:
            return False
        parent.creates += 1
        parent.children.add(path)
        self._znodes[path] = _Znode(owner=owner if flags in _EPHEMERAL else None)
        return True

    def _delete(self, path, version):
        found = self._znodes.get(path)
        if not found or path == "/" or found.children or version not in (-1, found.version):
            return False
        del self._znodes[path]
        self._znodes[parent_of(path)].children.discard(path)
        return True

    def _change(self, op, path, version):
        found = self._znodes.get(path)
        now = found and (found.aversion if op == "setACL" else found.version)
        if not found or version not in (-1, now):
            return False
        found.version += op == "setData"
        found.aversion += op == "setACL"
        return True
