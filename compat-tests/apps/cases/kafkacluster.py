"""A Kafka cluster in ZooKeeper mode on loopback, and an operator who works on it. Decides nothing."""

import signal
import subprocess
import threading

from ironlab import paths, ports, processes, rundir

from . import znodes
from .poll import eventually

HOME = paths.WORK / "apps" / "kafka"
LOGBACK = paths.COMPAT / "apps" / "java" / "logback.xml"
JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
ROOT = "/kafka"

# Kafka's own default. Shorter ones can end while Apache starts: it counts from createSessionTracker, but refuses clients until
# it is RUNNING (ZooKeeperServer).
SESSION_TIMEOUT_MS = 18_000
COMMAND_DEADLINE_S = 120


def java(heap, *arguments, level="INFO"):
    """A Java command line on Kafka's class path."""
    return ["java", *JVM, f"-Xmx{heap}", f"-Dlogback.configurationFile={LOGBACK}", f"-Dlog.level={level}",
            "-cp", f"{HOME}/classes:{HOME}/lib/*", *arguments]


class Broker(processes.Daemon):
    """One broker with a directory and a port of its own. SIGTERM is a controlled shutdown; after SIGKILL its session stays."""

    stop_deadline_s = 60

    def __init__(self, number, connect, home):
        self.number = number
        self.connect = connect
        self.port = ports.free()
        self.home = home / f"broker-{number}"
        self.log_path = home / f"broker-{number}.log"

    def start(self):
        """Starts the process and returns at once."""
        self.home.mkdir(exist_ok=True)
        properties = self.home / "server.properties"
        properties.write_text(self._properties())
        with open(self.log_path, "ab") as log:
            self._child = processes.start(java("320m", "kafka.Kafka", properties), stdout=log, stderr=log)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def _properties(self):
        return "\n".join([
            f"broker.id={self.number}",
            f"listeners=PLAINTEXT://127.0.0.1:{self.port}",
            f"log.dirs={self.home}/data",
            f"zookeeper.connect={self.connect}{ROOT}",
            f"zookeeper.session.timeout.ms={SESSION_TIMEOUT_MS}",
            "authorizer.class.name=kafka.security.authorizer.AclAuthorizer",
            "super.users=User:ANONYMOUS",
            "auto.create.topics.enable=false",
            "controlled.shutdown.retry.backoff.ms=500",
            "auto.leader.rebalance.enable=false",
            "min.insync.replicas=2",
            "offsets.topic.replication.factor=3",
            "offsets.topic.num.partitions=3",
            "group.initial.rebalance.delay.ms=0",
            "replica.lag.time.max.ms=5000",
            "log.cleaner.enable=false",
            "num.io.threads=2",
            "num.network.threads=2",
            "background.threads=2",
        ]) + "\n"


class Operator:
    """The Java program KafkaOperator: one command, one answer."""

    def __init__(self, cluster):
        command = java("128m", "KafkaOperator", cluster.bootstrap, level="WARN")
        with open(cluster.home / "operator.log", "ab") as log:
            self._child = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)

    def close(self):
        processes.signal_group(self._child, signal.SIGKILL)
        processes.reap(self._child)

    def do(self, *words):
        """The lines of the answer, each a list of words; AssertionError with Kafka's reason when it was refused."""
        self._child.stdin.write("\t".join(str(word) for word in words) + "\n")
        self._child.stdin.flush()
        watchdog = threading.Timer(COMMAND_DEADLINE_S, lambda: processes.signal_group(self._child, signal.SIGKILL))
        watchdog.start()
        try:
            return self._answer(words)
        finally:
            watchdog.cancel()

    def one(self, *words):
        """The single line of an answer, as text."""
        lines = self.do(*words)
        assert len(lines) == 1, f"{words}: {lines}"
        return "\t".join(lines[0])

    def _answer(self, words):
        lines = []
        for line in self._child.stdout:
            line = line.rstrip("\n")
            if line == ".":
                return lines
            assert not line.startswith("!\t"), f"{' '.join(map(str, words))}: {line[2:]}"
            lines.append(line.split("\t"))
        raise AssertionError(f"the operator ended at {words}")


class Cluster:
    """Three brokers on one ZooKeeper server. Use as a context manager: leaving it kills them all."""

    def __init__(self, server):
        self.server = server
        self.home = rundir.new("kafka")
        # Apache never answers nor closes a connection whose first frame comes before ZooKeeperServer.startdata has made
        # zkDb (NIOServerCnxn.close, a NullPointerException). The client waits for its session timeout divided by the
        # number of addresses: with one address it comes back too late, on Apache after Apache too.
        connect = f"{server.address},{server.address}"
        self.brokers = {number: Broker(number, connect, self.home) for number in (1, 2, 3)}
        self.operator = None

    def __enter__(self):
        for broker in self.brokers.values():
            broker.start()
        self.operator = Operator(self)
        return self

    def __exit__(self, *_failure):
        if self.operator:
            self.operator.close()
        for broker in self.brokers.values():
            broker.kill()
        rundir.remove(self.home)

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers.values())

    # What ZooKeeper holds.

    def ids(self):
        """The brokers that are registered."""
        return [int(name) for name in znodes.children(self.server, f"{ROOT}/brokers/ids") or []]

    def sessions(self):
        """{broker: session that owns its registration}."""
        return {number: znodes.owner(self.server, f"{ROOT}/brokers/ids/{number}") for number in self.ids()}

    def epoch(self):
        """How many controllers there have been."""
        return int(znodes.data(self.server, f"{ROOT}/controller_epoch") or 0)

    def wait_for_ids(self, expected):
        eventually(lambda: self.ids() == sorted(expected), f"brokers {expected} in {ROOT}/brokers/ids")

    # What Kafka's administrator sees.

    def wait_until_ready(self):
        """Waits until all brokers are registered and the administrator knows them and a controller."""
        self.wait_for_ids(list(self.brokers))

        def holds():
            (controller,), (known,) = self.operator.do("brokers")
            return _numbers(known) == list(self.brokers) and int(controller) in self.brokers
        eventually(holds, "all brokers and a controller in the administrator's eyes")

    def controller(self):
        return int(self.operator.do("brokers")[0][0])

    def partitions(self, topic):
        """{partition: (leader, replicas, in-sync replicas)}."""
        return {int(number): (int(leader), _numbers(replicas), _numbers(isr))
                for number, leader, replicas, isr in self.operator.do("partitions", topic)}

    def wait_for_isr(self, topic, expected):
        """Waits until each partition's in-sync replicas are those, with one of them as the leader."""
        def holds():
            found = self.partitions(topic)
            assert all(isr == expected and leader in isr for leader, _, isr in found.values()), found
            return True
        eventually(holds, f"in-sync replicas {expected} of {topic}")


def _numbers(text):
    return [int(number) for number in text.split(",") if number]
