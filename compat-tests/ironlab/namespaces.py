"""A network for each server of an ensemble, on one bridge, where one server can be made deaf to another, one way only.

It is made in the network namespace of this process, which must be one of its own with the rights of root in it:
`apart.NETWORKS` begins the command line of such a process. All of it is gone with the processes in it.
"""

import subprocess

from . import processes

# Nobody has it: the bridge carries what is sent to it to all, and none takes it.
_NOBODY = "02:00:00:00:00:ff"


class Networks:
    """Networks by sids; a context manager. Neighbours are set by hand, so that nothing is asked or learnt by itself."""

    def __init__(self, sids):
        self.hosts = {sid: f"10.9.0.{sid}" for sid in sids}
        self._holders = {}

    def __enter__(self):
        _ip("link", "set", "lo", "up")
        _ip("link", "add", "bridge", "type", "bridge")
        _ip("address", "add", "10.9.0.254/24", "dev", "bridge")
        _ip("link", "set", "bridge", "up")
        for sid in self.hosts:
            self._add(sid)
        for sid in self.hosts:
            for other in self.hosts.keys() - {sid}:
                self.join(sid, other)
        return self

    def __exit__(self, *_failure):
        for holder in self._holders.values():
            processes.signal_group(holder, 9)
            processes.reap(holder)
        _ip("link", "delete", "bridge")

    def within(self, sid):
        """The start of a command line that runs in this network, and ends with the thread that runs it."""
        return ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/proc/{self._holders[sid].pid}/ns/net"]

    def part(self, sender, receiver):
        """From now on nothing that the one sends reaches the other."""
        self._neighbour(sender, receiver, _NOBODY)

    def join(self, sender, receiver):
        """What the one sends reaches the other again."""
        self._neighbour(sender, receiver, _mac(receiver))

    def join_all(self):
        for sid in self.hosts:
            for other in self.hosts.keys() - {sid}:
                self.join(sid, other)

    def _neighbour(self, at, host, mac):
        self._ip_at(at, "neighbour", "replace", self.hosts[host], "lladdr", mac, "dev", "inner", "nud", "permanent")

    def _add(self, sid):
        holder = processes.start(["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c", "echo; exec sleep 3600"],
                                 stdout=subprocess.PIPE)
        holder.stdout.read(1)  # its network is there now
        self._holders[sid] = holder
        _ip("link", "add", f"outer{sid}", "type", "veth", "peer", "name", f"inner{sid}")
        _ip("link", "set", f"outer{sid}", "master", "bridge", "up")
        _ip("link", "set", f"inner{sid}", "netns", str(holder.pid), "name", "inner")
        self._ip_at(sid, "link", "set", "lo", "up")
        self._ip_at(sid, "link", "set", "inner", "address", _mac(sid))
        self._ip_at(sid, "address", "add", f"{self.hosts[sid]}/24", "dev", "inner")
        self._ip_at(sid, "link", "set", "inner", "up")

    def _ip_at(self, sid, *words):
        _run([*self.within(sid), "ip", *words])


def _mac(sid):
    return f"02:00:00:00:00:{sid:02x}"


def _ip(*words):
    _run(["ip", *words])


def _run(argv):
    code, out, err = processes.run(argv)
    if code:
        raise OSError(f"{' '.join(argv)} ended with {code}: {out}{err}")
