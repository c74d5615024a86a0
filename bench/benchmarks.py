"""What is measured, one function a benchmark. Each returns rows; a row has one (Apache, ironkeeper) pair a round.

Knows nothing of how results are shown or judged.
"""

import json
import os
import resource
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "compat-tests"))

from ironlab import paths, ports  # noqa: E402
from ironlab.certificates import AUTHORITY, PASSWORD, Maker  # noqa: E402
from ironlab.ensemble import Ensemble  # noqa: E402
from ironlab.members import Members  # noqa: E402
from ironlab.server import Server  # noqa: E402

APACHE, OURS = KINDS = ("apache-3.9.5", "ironkeeper")

# Apache's own scripts give the server 1000 MiB of heap; a million znodes need more.
HEAP_MIB = 1000
MILLION_HEAP_MIB = 4000

# The limits of Apache's sample configuration.
OF_THREE = "tickTime=2000\ninitLimit=10\nsyncLimit=5\nmaxClientCnxns=0\n"


class BenchError(Exception):
    """A benchmark that cannot be run, with what to do about it."""


@dataclass
class Row:
    """One figure of one benchmark: `pairs` of (Apache, ironkeeper), one a round."""

    name: str
    unit: str
    pairs: list = field(default_factory=list)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    pairs: int
    seconds: float
    warm_up_s: float
    jvm_warm_up_s: float
    sessions: int
    watchers: int
    znodes: int


FULL = Scale(pairs=3, seconds=4, warm_up_s=1, jvm_warm_up_s=12, sessions=10_000, watchers=1000, znodes=1_000_000)
SHORT = Scale(pairs=1, seconds=1, warm_up_s=0.3, jvm_warm_up_s=2, sessions=500, watchers=100, znodes=20_000)


def server(kind, heap_mib=HEAP_MIB):
    """A server as an operator runs it: the JVM's own collector and compilers."""
    return Server(kind, config="maxClientCnxns=0\n", jvm=(f"-Xmx{heap_mib}m",))


NETTY = {"zookeeper.serverCnxnFactory": "org.apache.zookeeper.server.NettyServerCnxnFactory"}


def netty(kind):
    """A plain server whose Apache has the transport that TLS needs there."""
    return Server(kind, config="maxClientCnxns=0\n", jvm=(f"-Xmx{HEAP_MIB}m",), properties=NETTY)


class Secure(Server):
    """A server that is loaded over TLS, with certificates on both sides."""

    def __init__(self, kind):
        self.secure_port = ports.free()
        super().__init__(kind, jvm=(f"-Xmx{HEAP_MIB}m",), properties=NETTY)
        maker = Maker(self.home / "certificates")
        root = maker.pair("/CN=root", extensions=AUTHORITY)
        key = maker.pair("/CN=server", root, "subjectAltName=IP:127.0.0.1", key=("-newkey", "rsa:2048"))
        self.key_store = maker.key_store("key.jks", key, "JKS")
        self.trust_store = maker.trust_store("trust.jks", [root], "JKS")
        self.password = maker.directory / "password"
        self.password.write_text(PASSWORD)
        self.config = f"""maxClientCnxns=0
secureClientPort={self.secure_port}
secureClientPortAddress=127.0.0.1
ssl.keyStore.location={self.key_store}
ssl.keyStore.passwordPath={self.password}
ssl.trustStore.location={self.trust_store}
ssl.trustStore.passwordPath={self.password}
"""

    @property
    def address(self):
        return f"127.0.0.1:{self.secure_port}"

    @property
    def load_options(self):
        """What the load generator has to know."""
        return ("--tls-key-store", self.key_store, "--tls-trust-store", self.trust_store, "--tls-password-file", self.password)


class Three(Ensemble):
    """Three servers that are loaded together, as one. They have no CPU time of one process."""

    pid = None

    def __init__(self, kind):
        super().__init__(kind, Members((1, 2, 3), settings=OF_THREE), jvm=(f"-Xmx{HEAP_MIB}m",))

    @property
    def address(self):
        return ",".join(one.address for one in self.servers.values())

    def log_tail(self, lines):
        return "\n".join(one.log_tail(lines) for one in self.servers.values())


def command(one, workload, *options):
    cpu = ("--server-pid", str(one.pid)) if one.pid else ()
    of_server = getattr(one, "load_options", ())
    return [paths.ironkeeper_binary(), "bench", "--servers", one.address, "--workload", workload, "--json",
            *cpu, *map(str, of_server), *map(str, options)]


def load(one, workload, *options):
    """Runs the load generator to its end; its line of JSON as a dict."""
    done = subprocess.run(command(one, workload, *options), capture_output=True, text=True)
    return result(one, done.returncode, done.stdout, done.stderr)


def result(one, code, out, err):
    if code != 0:
        raise BenchError(f"the load on {one.kind} failed: {err.strip() or out.strip()}\n{one.log_tail(5)}")
    return json.loads(out)


def alternating(scale):
    """The order of each round: A B, then B A, so that a machine that gets slower is fair to both."""
    return [KINDS if round % 2 == 0 else KINDS[::-1] for round in range(scale.pairs)]


class Warm:
    """Both servers, started once and warmed up, for the benchmarks that only put load on them. `start` says what is started
    of a kind."""

    def __init__(self, scale, start=server):
        self.scale = scale
        self.servers = {}
        self._start = start
        self._exit = ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        return self._exit.__exit__(*failure)

    def ready(self):
        """The servers by kind. The JVM compiles what is used much: it gets the time to."""
        if not self.servers:
            self.servers = {kind: self._exit.enter_context(self._start(kind)) for kind in KINDS}
            each = self.scale.jvm_warm_up_s / 3
            for one in self.servers.values():
                for workload in ("get", "set", "create"):
                    load(one, workload, "--connections", 32, "--in-flight", 16, "--seconds", each,
                         "--warm-up-seconds", 0)
        return self.servers

    def rounds(self, workload, *options):
        """The dicts of each round, as (Apache's, ours)."""
        servers, found = self.ready(), []
        for order in alternating(self.scale):
            one_round = {kind: load(servers[kind], workload, *options, "--seconds", self.scale.seconds,
                                    "--warm-up-seconds", self.scale.warm_up_s) for kind in order}
            found.append((one_round[APACHE], one_round[OURS]))
        return found


def rows(title, rounds, **figures):
    """A row for each figure; `figures` are unit texts by key of the generator's JSON."""
    def pairs(key):
        return [tuple(one[key] for one in pair) for pair in rounds]
    return [Row(f"{title}: {what}", unit, pairs(key)) for key, (what, unit) in figures.items()]


def requests(workload, connections, in_flight):
    """A benchmark of requests with a full window."""
    def run(warm):
        rounds = warm.rounds(workload, "--connections", connections, "--in-flight", in_flight)
        return rows(f"{workload}, {connections} x {in_flight}", rounds, per_second=("throughput", "requests/s"),
                    server_cpu_us_each=("server CPU", "us/request"), p50_ms=("p50", "ms"), p99_ms=("p99", "ms"))
    return run


def three(warm):
    """Writes on ensembles of three servers, the connections dealt out to all of them."""
    with Warm(warm.scale, Three) as ensembles:
        rounds = ensembles.rounds("set", "--connections", 100, "--in-flight", 32)
    return rows("three servers, set, 100 x 32", rounds, per_second=("throughput", "requests/s"),
                p50_ms=("p50", "ms"), p99_ms=("p99", "ms"))


def netty_and_tls(warm):
    """Reads and writes, plain and over TLS, next to Apache with Netty."""
    found = []
    for title, start in (("Netty", netty), ("TLS", Secure)):
        with Warm(warm.scale, start) as servers:
            for workload in ("get", "set"):
                rounds = servers.rounds(workload, "--connections", 16, "--in-flight", 32)
                found += rows(f"{workload}, 16 x 32, {title}", rounds, per_second=("throughput", "requests/s"),
                              server_cpu_us_each=("server CPU", "us/request"), p50_ms=("p50", "ms"), p99_ms=("p99", "ms"))
    return found


def watch(warm):
    """Watchers of one znode, one write after the other."""
    rounds = warm.rounds("watch", "--connections", warm.scale.watchers)
    return rows(f"watch, {warm.scale.watchers:,} watchers", rounds, per_second=("throughput", "events/s"),
                server_cpu_us_each=("server CPU", "us/event"), p50_ms=("write to last event, p50", "ms"))


def raise_descriptor_limit(sessions):
    """For this process and all that it starts; the servers hold a descriptor for each session too."""
    needed, (_, hard) = sessions + 500, resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchError(f"{sessions:,} sessions need {needed:,} open files, but the hard limit is {hard:,}; "
                         f"raise it (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(needed, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), hard))


def idle(warm):
    """Sessions that only send heart-beats, on fresh servers."""
    scale = warm.scale
    raise_descriptor_limit(scale.sessions)
    found = {kind: idle_on(kind, scale) for kind in KINDS}
    title = f"idle, {scale.sessions:,} sessions"
    names = (("memory for the sessions", "MB"), ("memory in all", "MB"), ("server CPU", "ms/s"))
    return [Row(f"{title}: {what}", unit, [(found[APACHE][place], found[OURS][place])])
            for place, (what, unit) in enumerate(names)]


def idle_on(kind, scale):
    with server(kind) as one:
        load(one, "ping", "--requests", 1000)
        before = one.memory()
        child = subprocess.Popen(
            command(one, "idle", "--connections", scale.sessions, "--seconds", 3 * scale.seconds, "--warm-up-seconds", 1),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        most = before
        while child.poll() is None:
            most = max(most, one.memory())
            time.sleep(0.1)
        found = result(one, child.returncode, *child.communicate())
    return (most - before) / 1e6, most / 1e6, found["server_cpu_seconds"] / found["seconds"] * 1000


def million(warm):
    """Many znodes of 100 bytes: loaded, then a start from the log, then one from the snapshot that this left."""
    count = warm.scale.znodes
    found = {kind: million_on(kind, count) for kind in KINDS}
    return [Row(f"{count:,} znodes: {what}", unit, [(found[APACHE][what][0], found[OURS][what][0])])
            for what, (_, unit) in found[OURS].items()]


def million_on(kind, count):
    with server(kind, MILLION_HEAP_MIB) as one:
        loaded = load(one, "create", "--connections", 16, "--in-flight", 32, "--requests", count, "--keep")
        row = {"load": (loaded["seconds"], "s"), "server CPU of the load": (loaded["server_cpu_seconds"], "s"),
               "memory after the load": (one.memory() / 1e6, "MB")}
        one.stop()
        row["restart from the log"] = (timed(one.start), "s")
        wait_for_snapshot(one)
        row["memory after that restart"] = (one.memory() / 1e6, "MB")
        one.stop()
        row["restart from the snapshot"] = (timed(one.start), "s")
        there = int(one.mntr()["zk_znode_count"])
        if there < count:
            raise BenchError(f"{kind} has only {there:,} of {count:,} znodes after two restarts")
        row["memory after that one"] = (one.memory() / 1e6, "MB")
    return row


def wait_for_snapshot(one):
    """Until the snapshot of the start is whole: no file of it grows any more, and none is temporary."""
    sizes = None
    while True:
        now = {file.name: file.stat().st_size for file in one.version_2.glob("snapshot.*")}
        if now == sizes and not any(name.endswith(".tmp") for name in now) and max(now.values()) > 10_000:
            return
        sizes = now
        time.sleep(0.5)


def timed(step):
    began = time.monotonic()
    step()
    return time.monotonic() - began


BENCHMARKS = {
    **{f"{workload}-{connections}x{in_flight}": requests(workload, connections, in_flight)
       for workload in ("get", "set", "create") for connections, in_flight in ((16, 1), (100, 32))},
    "mixed-100x32": requests("mixed", 100, 32),
    "three-set-100x32": three,
    "tls-16x32": netty_and_tls,
    "watch": watch,
    "idle": idle,
    "million": million,
}


def machine():
    """What it ran on and with, a text each."""
    java = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr.splitlines()[0]
    ours = subprocess.run([paths.ironkeeper_binary(), "version"], capture_output=True, text=True).stdout.strip()
    cpu = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), "unknown CPU")
    return [ours, f"Apache ZooKeeper {paths.APACHE_39}, {java}, -Xmx{HEAP_MIB}m as Apache's scripts "
                  f"(-Xmx{MILLION_HEAP_MIB}m for the million znodes)", f"{os.cpu_count()} cores, {cpu}"]
