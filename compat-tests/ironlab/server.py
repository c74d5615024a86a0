"""Starts and stops one ZooKeeper server of a chosen kind on a free loopback port.

The kinds take the same zoo.cfg and the same -Dname=value properties, so a test never asks which one it has.
"""

import os
import socket
import time
from pathlib import Path

from . import paths, ports, processes, rundir

# Apache's releases by their kinds; the last of each line.
APACHE = {"apache-3.9.5": paths.APACHE_39, "apache-3.8": paths.APACHE_38, **paths.OLDER_SERVERS}
KINDS = (*APACHE, "ironkeeper")

# Start-up dominates a test run: the cheapest collector and compiler of the JVM are enough here.
JAVA_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m")

# A user of the scheme super, for dumps that no ACL stops. The digest is user:base64(sha1(user:password)).
SUPER_AUTH = b"super:test"
SUPER_DIGEST = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="

START_DEADLINE_S = 40


class ServerError(Exception):
    """A server that did not start or stop; the message ends with its last log lines."""


def java(version, *options, jvm=JAVA_OPTIONS, beside=()):
    """The start of a Java command line for one Apache release, up to the main class. `beside` are further class paths."""
    older = version in paths.OLDER_SERVERS.values()
    own = paths.older_server_class_path(version) if older else paths.class_path(version)
    return ["java", *jvm, f"-Dlogback.configurationFile={paths.LOGBACK}", *options, "-cp", ":".join([own, *beside])]


def four_letters(port, word, timeout_s=5, host="127.0.0.1"):
    """The whole answer to a four letter word, as text."""
    with socket.create_connection((host, port), timeout_s) as sock:
        sock.sendall(word if isinstance(word, bytes) else word.encode())
        answer = b""
        while chunk := sock.recv(65536):
            answer += chunk
    return answer.decode()


class Server(processes.Scoped, processes.Daemon):
    """One server with a directory of its own. Use as a context manager: leaving it kills the process.

    `config` are lines added to zoo.cfg; `properties` become -D arguments. `data` is taken over as dataDir where given,
    else an empty directory is made. A server stopped with `stop` may be started again on the same port. `jvm` are the
    options of the JVM, for measurements that need other ones than tests do. `limits` are shell commands that come
    before the server's, such as ulimit. With `address` None it listens on all addresses. `environment` are variables added
    to its own, `binary` another ironkeeper than the one under test. `sid` is its number in an ensemble, whose server lines
    are part of `config`. `within` is the start of a command line that runs the rest of it, such as nsenter's.
    """

    def __init__(self, kind, config="", properties=None, data=None, jvm=JAVA_OPTIONS, limits="", address="127.0.0.1",
                 environment=None, binary=None, sid=None, within=()):
        if kind not in KINDS:
            raise ValueError(f"unknown server kind {kind}: choose one of {', '.join(KINDS)}")
        self.kind = kind
        self.port = ports.free()
        self.config = config
        self.jvm = jvm
        self.limits = limits
        self.within = within
        self.host = address or "127.0.0.1"
        self.address_line = f"clientPortAddress={address}\n" if address else ""
        self.properties = dict(properties or {})
        self.environment = {**os.environ, **(environment or {})}
        self.binary = binary
        self.sid = sid
        self.home = rundir.new(kind)
        self.data = Path(data) if data else self.home / "data"
        self.log_path = self.home / "server.log"

    def close(self):
        """Kills the process where it runs and removes the server's directory."""
        self.kill()
        rundir.remove(self.home)

    @property
    def version_2(self):
        """The directory of logs and snapshots."""
        return self.data / "version-2"

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start(self):
        """Starts the process and returns once it answers srvr as a server that serves."""
        self.launch()
        self.wait_until_serving()

    def launch(self):
        """Starts the process and returns at once. Several servers can so start side by side."""
        self.data.mkdir(parents=True, exist_ok=True)
        if self.sid is not None:
            (self.data / "myid").write_text(f"{self.sid}\n")
        cfg = self.home / "zoo.cfg"
        cfg.write_text(self._zoo_cfg())
        with open(self.log_path, "ab") as log:
            argv = [*self.within, *self._limited(self._command(cfg))]
            self._child = processes.start(argv, stdout=log, stderr=log, cwd=self.home, env=self.environment)

    def wait_until_serving(self):
        """Polls srvr until the server says its mode; raises ServerError when it ends or takes too long."""
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                code = self._child.returncode
                processes.reap(self._child)
                self._child = None
                raise ServerError(f"{self.kind} ended with code {code} at start\n{self.log_tail()}")
            if "\nMode: " in self._try_srvr():
                return
            time.sleep(0.02)
        raise ServerError(f"{self.kind} did not serve within {START_DEADLINE_S} s\n{self.log_tail()}")

    def wait_for(self, condition, what):
        """Polls a condition; ServerError with the log's end when it does not come true in time."""
        deadline = time.monotonic() + START_DEADLINE_S
        while not condition():
            if time.monotonic() > deadline:
                raise ServerError(f"{self.kind}: not within {START_DEADLINE_S} s: {what}\n{self.log_tail()}")
            time.sleep(0.02)

    def restart(self):
        """Stops the server and starts it again on the same port and files."""
        self.stop()
        self.start()

    @property
    def pid(self):
        """The process id; for /proc."""
        return self._child.pid

    def memory(self, what="VmRSS"):
        """Resident memory now, in bytes; VmHWM is the most there was."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith(f"{what}:"))

    def cpu_seconds(self):
        """Processor time used so far, of user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number):
        """Sends a signal to the process."""
        os.kill(self.pid, number)

    def wait(self, timeout_s=processes.Daemon.stop_deadline_s):
        """Waits for the process to end by itself and returns its exit code; it is killed when it takes longer."""
        code = processes.reap(self._child, timeout_s)
        self._child = None
        return code

    def ask(self, word):
        """The answer to a four letter word."""
        return four_letters(self.port, word, host=self.host)

    def mntr(self):
        """mntr as a dict of texts, keys with their zk_ in front."""
        lines = (line.split("\t", 1) for line in self.ask("mntr").splitlines())
        return {parts[0]: parts[1] for parts in lines if len(parts) == 2}

    def log(self):
        """All that the server has written to stdout and stderr."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines=25):
        return "\n".join(self.log().splitlines()[-lines:])

    def _try_srvr(self):
        try:
            return four_letters(self.port, "srvr", timeout_s=0.5, host=self.host)
        except OSError:
            return ""

    def _zoo_cfg(self):
        return (f"clientPort={self.port}\n{self.address_line}dataDir={self.data}\n"
                f"admin.enableServer=false\n4lw.commands.whitelist=*\n{self.config}\n")

    def _limited(self, command):
        """The command, below a shell that sets the limits and is then replaced by it."""
        return ["sh", "-c", f'{self.limits} && exec "$0" "$@"', *command] if self.limits else command

    def _command(self, cfg):
        properties = {"zookeeper.DigestAuthenticationProvider.superDigest": SUPER_DIGEST, **self.properties}
        flags = [f"-D{name}={value}" for name, value in properties.items()]
        if self.kind == "ironkeeper":
            return [self.binary or paths.ironkeeper_binary(), "serve", *flags, cfg]
        beside = [paths.prometheus_class_path()] if "PrometheusMetricsProvider" in self.config else []
        return [*java(APACHE[self.kind], *flags, jvm=self.jvm, beside=beside), "org.apache.zookeeper.server.quorum.QuorumPeerMain", cfg]
