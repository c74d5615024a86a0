"""Do all servers have one tree, by what each of them tells of it?

hash, mntr and the logs of 3.6 and later say it. Two things are Apache's own, and passed over:

- A leader of Apache's sends a snapshot of a tree that goes on changing, and a learner of Apache's that applies the txns behind it
  counts digests that do not match yet, and tells of them in hash, up to the snapshot that it then takes itself. An ensemble of
  3.9.5 alone did so in 2 of 2 runs of `the_leader_stands_still`.
- Learners before 3.9.4 lose their way when a COMMIT comes behind NEWLEADER, come again, and apply txns twice or not
  (ZOOKEEPER-4394). Only a leader of Apache's sends one there. An ensemble of 3.7.2 alone had two trees after 5 of 6 runs of
  `the_two_lead`: digests of 3.7 and before are not asked for. 3.8 does so now and then, and says it: from there until it gets
  a snapshot its digests are not judged.
"""

import re

from ironlab.report import equal

OURS = "ironkeeper"
LOSE_THEIR_WAY = ("apache-3.5", "apache-3.6", "apache-3.7")
MISMATCHES = ("Digests are not matching", "digest mismatch", "Digest mismatch", "digests in the data do not fit")
_LEADER = re.compile(r"Successfully connected to leader, using address: .*:(\d+)")
_SNAPSHOT = re.compile(r"Getting a snapshot from leader 0x([0-9a-f]+)")
_OWN_SNAPSHOT = re.compile(r"Snapshotting: 0x([0-9a-f]+)")
_IN_SYNC = "- broadcast"
_LOST_ITS_WAY = '"pif" is null'
_AT = re.compile(r"Value is Zxid\. (?:Last v|V)alue:(\d+)")
_RIGHT_NOW = "and the newest one does"
_REPEATED = re.compile(r"\[\d+ times\]")  # told late, of a line that was judged


class Digests:
    """What the servers of an ensemble have told so far."""

    def __init__(self, ensemble):
        self._ensemble = ensemble
        self._read = {sid: _Reading() for sid in ensemble.servers}

    def check(self):
        """AssertionError where two servers have two digests at one zxid, or one says that its tree is wrong."""
        newest = {}
        for sid, server in self._ensemble.servers.items():
            if server.kind in LOSE_THEIR_WAY:
                continue
            self._check_told(sid, server)
            for zxid, digest in _log_of(server).items():
                if not self._read[sid].has_lost_its_way and not self._read[sid].was_fuzzy_at(int(zxid, 16)):
                    equal(digest, newest.setdefault(zxid, digest), f"digest of server {sid} at {zxid}")

    def _check_told(self, sid, server):
        reading = self._read[sid]
        sids = {str(port): of for of, port in self._ensemble.members.quorum_ports.items()}
        for line in reading.new_lines(server):
            if leader := _LEADER.search(line):
                reading.follows(self._ensemble.servers[sids[leader[1]]].kind)
            elif snapshot := _SNAPSHOT.search(line):
                reading.gets_a_snapshot(int(snapshot[1], 16))
            elif snapshot := _OWN_SNAPSHOT.search(line):
                reading.writes_a_snapshot(int(snapshot[1], 16))
            elif _IN_SYNC in line:
                reading.is_in_sync()
            elif _LOST_ITS_WAY in line:
                assert reading.leader != OURS, f"server {sid} had a COMMIT behind NEWLEADER from ironkeeper: {line}"
                reading.loses_its_way()
            elif any(text in line for text in MISMATCHES):
                repeats = reading.counts_mismatches and _REPEATED.search(line)
                is_its_own = reading.is_apaches_own_way or reading.has_lost_its_way or reading.is_of_fuzzy_files(line)
                assert repeats or is_its_own, f"server {sid}: {line}"
                reading.counts_mismatches = True
        if not reading.counts_mismatches:
            equal(int(server.mntr().get("zk_digest_mismatches_count", 0)), 0, f"digest mismatches of server {sid}")


class _Reading:
    """How far the log of a server was read, and in what state that is."""

    def __init__(self):
        self._at = 0
        self.leader = None
        self._snapshot = None
        self._fuzzy = []
        self.has_lost_its_way = False
        self.counts_mismatches = False

    def new_lines(self, server):
        text = server.log_path.read_bytes()[self._at:]
        whole = text[:text.rfind(b"\n") + 1]
        self._at += len(whole)
        return whole.decode(errors="replace").splitlines()

    def follows(self, leader):
        self.leader = leader
        self._snapshot = None

    def gets_a_snapshot(self, zxid):
        self._snapshot = zxid
        self.has_lost_its_way = False

    def loses_its_way(self):
        self.has_lost_its_way = True

    def writes_a_snapshot(self, zxid):
        if self.is_apaches_own_way:
            self._fuzzy.append(range(self._snapshot, zxid + 1))

    def is_in_sync(self):
        self._snapshot = None

    def is_of_fuzzy_files(self, line):
        """The snapshot that Apache's learner wrote has a digest of its own from before it was right: whoever starts on it says so,
        of a zxid before it."""
        found = _AT.search(line)
        return self.was_fuzzy_at(int(found[1])) if found else bool(self._fuzzy) and _RIGHT_NOW in line

    def was_fuzzy_at(self, zxid):
        return any(zxid in zxids for zxids in self._fuzzy)

    @property
    def is_apaches_own_way(self):
        return self._snapshot is not None and self.leader != OURS


def _log_of(server):
    """What a server has logged of its tree, by zxid; {} of one that has no digests, as before 3.6."""
    answer = server.ask("hash")
    lines = (line.split(": ") for line in answer.splitlines())
    return {parts[0]: int(parts[1]) for parts in lines if len(parts) == 2}
