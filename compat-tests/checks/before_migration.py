"""`ironkeeper check`: what it says of the zoo.cfg that people have, held against what a start on the same file does.

Directories, hosts, ports and key stores of the fixtures in zoo-cfg/ are replaced by ones of the test's own.
"""

import hashlib
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial

from ironlab import disk, history, paths, ports, processes, rundir
from ironlab.ensemble import Ensemble, mode, three
from ironlab.members import Members
from ironlab.report import equal
from ironlab.server import Server, four_letters
from ironlab.wire import Client

NAME = "before migration"
OURS, ORACLE = "ironkeeper", "apache-3.9.5"
FIXTURES = paths.COMPAT / "zoo-cfg"
START_S = 20
SETTINGS = "tickTime=500\ninitLimit=40\nsyncLimit=40\n"
NOTHING_BLOCKS, BLOCKS = 0, 2

RECONFIG = "a reconfiguration of the ensemble at run time"

# What blocks each fixture: the feature and how many lines ask for it.
BLOCKED_BY = {
    "kafka": {}, "solr": {}, "debian": {}, "docker-library": {}, "docker-library-three": {}, "bitnami-without-metrics": {},
    "dynamic": {}, "clickhouse": {}, "hbase": {},
    "bitnami": {},
    "pravega": {RECONFIG: 1},
    "stackable": {},
    "tls-jks": {},
    "sasl": {},
}


def tasks(report, kind):
    if kind != OURS:
        return []
    return [partial(_all_fixtures, report), partial(report.run, NAME, OURS, CHECKS)]


def _all_fixtures(report):
    with report.check(NAME, OURS, "no fixture without a word on what blocks it"):
        equal(sorted(path.stem for path in FIXTURES.glob("*.cfg")), sorted(BLOCKED_BY), "fixtures")
    for name in BLOCKED_BY:
        with report.check(NAME, OURS, f"what check says of {name}.cfg is what a start does"):
            _says_the_truth(name)


class Deployment:
    """A fixture with its data directory, as the first of its servers would find it."""

    def __init__(self, name):
        self.home = rundir.new("deployment")
        self.client_port, self.secure_port = ports.free(), ports.free()
        text = self._own(self._with_stores((FIXTURES / f"{name}.cfg").read_text()))
        self.cfg = self.home / "zoo.cfg"
        dynamic = FIXTURES / f"{name}.dynamic"
        if dynamic.exists():
            path = self._value(text, "dynamicConfigFile")
            self._write(path, self._own(dynamic.read_text()))
        self.cfg.write_text(text)
        self._write(f"{self._value(text, 'dataDir')}/myid", "1\n")
        self.environment = self._with_logins(name)

    def answer(self):
        """What srvr says; where all clients need TLS, that they can connect. OSError before that."""
        text = self.cfg.read_text()
        if f"secureClientPort={self.secure_port}\n" in text and "\nclientPort=" not in text:
            return socket.create_connection(("127.0.0.1", self.secure_port), 1).close() or "listens"
        return four_letters(self.client_port, "srvr", timeout_s=1)

    def _with_logins(self, name):
        """A JAAS file is named by the environment, not by zoo.cfg."""
        if not (FIXTURES / f"{name}.jaas").exists():
            return dict(os.environ)
        return {**os.environ, "JVMFLAGS": f"-Djava.security.auth.login.config={FIXTURES / f'{name}.jaas'}"}

    def _own(self, text):
        text = re.sub(r"(?m)^(dataDir|dataLogDir|dynamicConfigFile)=", rf"\1={self.home}", text)
        text = re.sub(r"(?m)^(server\.\d+)=[^:\n]+:2888:3888", self._server, text)
        text = re.sub(r"(?m);(0\.0\.0\.0:)?2181$", lambda _: f";127.0.0.1:{self.client_port}", text)
        text = re.sub(r"(?m)^admin\.serverPort=8080$", f"admin.serverPort={ports.free()}", text)
        text = re.sub(r"(?m)^metricsProvider\.httpPort=\d+$", f"metricsProvider.httpPort={ports.free()}", text)
        return re.sub(r"(?m)^clientPort=2181$", f"clientPort={self.client_port}\nclientPortAddress=127.0.0.1", text)

    def _with_stores(self, text):
        """With key stores that are there, of the type that the file names."""
        if "\nssl." not in text:
            return text
        certs = self.home / "certs"
        code, _, err = processes.run([paths.ironkeeper_binary(), "certs", "--out", certs])
        equal(code, 0, f"exit code of certs\n{err}")
        for side, made in (("keyStore", "server"), ("trustStore", "trust")):
            text = re.sub(rf"(?m)^(ssl\.(?:quorum\.)?{side}\.location)=.*(\.\w+)$", rf"\1={certs}/{made}\2", text)
            text = re.sub(rf"(?m)^(ssl\.(?:quorum\.)?{side}\.password)=.*$", rf"\1={(certs / 'password').read_text()}", text)
        return re.sub(r"(?m)^secureClientPort=.*$", f"secureClientPort={self.secure_port}\nsecureClientPortAddress=127.0.0.1", text)

    def _server(self, match):
        return f"{match[1]}=127.0.0.1:{ports.free()}:{ports.free()}"

    def _value(self, text, key):
        return re.search(rf"(?m)^{key}=(.*)$", text)[1]

    def _write(self, path, text):
        path = self.home / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


class Page:
    """What `check` printed: the findings below each heading."""

    def __init__(self, cfg, environment=None):
        self.code, self.text, self.error = processes.run([paths.ironkeeper_binary(), "check", cfg], env=environment)
        self.parts = {"Blocks": [], "Differs": [], "Works": []}
        for line in self.text.splitlines():
            if line.startswith("  - "):
                self.parts[part].append(line[4:])
            elif (word := line.split(":")[0].split(",")[0].split(" ")[0]) in self.parts:
                part = word

    @property
    def blocks(self):
        return self.parts["Blocks"]

    @property
    def differs(self):
        return self.parts["Differs"]

    @property
    def works(self):
        return self.parts["Works"]


def _says_the_truth(name):
    deployment = Deployment(name)
    page = Page(deployment.cfg, deployment.environment)
    features = [re.search(r"asks for (.*), which is not built yet", line) for line in page.blocks]
    assert all(features), f"something else blocks:\n{page.text}"
    equal(Counter(feature[1] for feature in features), Counter(BLOCKED_BY[name]), "what blocks")
    equal(page.code, BLOCKS if page.blocks else NOTHING_BLOCKS, "exit code")
    starts, said = _start(deployment)
    equal(starts, not page.blocks, "whether it starts")
    if page.blocks:
        equal(said.splitlines()[0], f"ironkeeper: {page.blocks[0]}", "what a start says")


def _start(deployment):
    """Whether a start gets as far as an answer on the client port; and what was said where it does not."""
    child = processes.start([paths.ironkeeper_binary(), "serve", deployment.cfg], stderr=subprocess.PIPE, text=True,
                            env=deployment.environment)
    try:
        deadline = time.monotonic() + START_S
        while child.poll() is None:
            assert time.monotonic() < deadline, f"neither an answer nor an end within {START_S} s"
            try:
                return bool(deployment.answer()), ""
            except OSError:
                time.sleep(0.02)
        return False, child.stderr.read()
    finally:
        processes.signal_group(child, signal.SIGKILL)
        processes.reap(child)
        child.stderr.close()


def a_key_store_that_does_not_open_blocks_as_it_stops_a_start():
    deployment = Deployment("tls-jks")
    wrong = re.sub(r"(?m)^(ssl\.keyStore\.password)=.*$", r"\1=wrong", deployment.cfg.read_text())
    deployment.cfg.write_text(wrong)
    page = Page(deployment.cfg)
    equal((page.code, len(page.blocks)), (BLOCKS, 1), page.text)
    assert page.blocks[0].endswith("server.jks: its password is wrong, or the file is damaged"), page.blocks[0]
    starts, said = _start(deployment)
    assert not starts and page.blocks[0] in said, said


def a_member_of_a_running_ensemble_is_told_data_epochs_and_peers():
    play = history.History()
    with Ensemble(ORACLE, three(f"{SETTINGS}{history.CONFIG}"), properties=history.PROPERTIES) as ensemble:
        me = ensemble.of("follower")
        play.first_half(me.port)
        ensemble.wait_until_level()
        cfg = _with_client_ports(ensemble, me)
        page = Page(cfg)
        equal(page.blocks, [], "what blocks")
        for what in ("clients", "elections"):
            assert any(f"a server listens for {what} at" in line for line in page.differs), page.text
        for sid, server in ensemble.servers.items():
            told = any(line.startswith(f"server {sid} at ") and f"is of version 3.9.5, {mode(server)}" in line
                       for line in page.works)
            equal(told, server is not me, f"server {sid} in\n{page.text}")
        other = _with_client_ports(ensemble, me, lambda line: line.replace("server.3=", "server.4="))
        equal([line for line in Page(other).blocks if "server 1 has" in line or "server 2 has" in line][:1],
              [f"server {next(sid for sid in (1, 2) if ensemble.servers[sid] is not me)} has other server lines: "
               "it has no server.4; give all servers the same ones"], "what blocks with another server line")
        nodes = me.mntr()["zk_znode_count"]
        ensemble.stop()
        before = _fingerprints(me.data)
        page = Page(cfg)
        equal(page.blocks, [], "what blocks")
        assert any(f" give {nodes} znodes, " in line for line in page.works), f"{nodes} znodes\n{page.text}"
        assert "epochs: 1 accepted, 1 current" in page.works, page.text
        equal(sum("cannot be reached: Connection refused" in line for line in page.differs), 2, f"peers down in\n{page.text}")
        equal(_fingerprints(me.data), before, "files")


def the_data_of_another_ensemble_blocks():
    with Ensemble(ORACLE, three(SETTINGS)) as ensemble:
        with Client(ensemble.leader.port) as client:
            client.create("/a")
            client.close_session()
        server = ensemble.leader
        ensemble.stop()
        moved = server.home / "moved.cfg"
        moved.write_text((server.home / "zoo.cfg").read_text().replace("=127.0.0.1:", "=localhost:"))
        page = Page(moved)
        equal(page.code, BLOCKS, "exit code")
        assert any("the data is of another ensemble" in line for line in page.blocks), page.text


def a_torn_log_is_told_and_left_as_it_is():
    with _stopped_server() as server:
        log = disk.logs(server.version_2)[-1]
        length = disk.length_without_padding(log)
        with open(log, "r+b") as file:
            file.truncate(length - 3)
        before = _fingerprints(server.data)
        page = Page(server.home / "zoo.cfg")
        equal((page.code, page.blocks), (NOTHING_BLOCKS, []), "verdict")
        assert any("torn end" in line for line in page.differs), page.text
        equal(_fingerprints(server.data), before, "files")


def damage_in_the_middle_of_a_log_blocks():
    with _stopped_server() as server:
        log = disk.logs(server.version_2)[-1]
        with open(log, "r+b") as file:
            file.seek(disk.length_without_padding(log) // 2)
            file.write(b"damage")
        page = Page(server.home / "zoo.cfg")
        equal(page.code, BLOCKS, "exit code")
        assert page.blocks and log.name in page.blocks[0], page.text


def a_digest_that_does_not_fit_blocks():
    with _stopped_server() as server:
        disk.change_last_record(disk.logs(server.version_2)[-1], _other_digest)
        page = Page(server.home / "zoo.cfg")
        equal(page.code, BLOCKS, "exit code")
        assert any("1 digests in the data do not fit" in line for line in page.blocks), page.text


def a_number_of_another_machine_blocks():
    members = Members([1, 2, 3], settings=SETTINGS, hosts={1: "192.0.2.1"})
    server = members.server(OURS, 1)
    server.data.mkdir(parents=True)
    (server.data / "myid").write_text("1\n")
    cfg = server.home / "zoo.cfg"
    cfg.write_text(f"clientPort={server.port}\nclientPortAddress=127.0.0.1\ndataDir={server.data}\n{members.config}\n")
    page = Page(cfg)
    equal(page.code, BLOCKS, "exit code")
    assert any("server.1: 192.0.2.1 is not an address of this machine" in line for line in page.blocks), page.text


def a_file_that_is_not_there_blocks():
    page = Page("/nowhere/zoo.cfg")
    equal(page.code, BLOCKS, "exit code")
    assert "/nowhere/zoo.cfg" in page.blocks[0] and "name a zoo.cfg that can be read" in page.blocks[0], page.text


CHECKS = [
    a_key_store_that_does_not_open_blocks_as_it_stops_a_start,
    a_member_of_a_running_ensemble_is_told_data_epochs_and_peers,
    the_data_of_another_ensemble_blocks,
    a_torn_log_is_told_and_left_as_it_is,
    damage_in_the_middle_of_a_log_blocks,
    a_digest_that_does_not_fit_blocks,
    a_number_of_another_machine_blocks,
    a_file_that_is_not_there_blocks,
]


def _with_client_ports(ensemble, server, change=lambda line: line):
    """The server's zoo.cfg, with each one's client port in its server line; `change` gets each line."""
    lines = [line for line in (server.home / "zoo.cfg").read_text().splitlines() if not line.startswith("clientPort")]
    for sid, other in ensemble.servers.items():
        lines = [f"{line};{other.address}" if line.startswith(f"server.{sid}=") else line for line in lines]
    cfg = server.home / "with-client-ports.cfg"
    cfg.write_text("\n".join(map(change, lines)) + "\n")
    return cfg


@contextmanager
def _stopped_server():
    """A standalone server of Apache's that has written a log."""
    with Server(ORACLE, "tickTime=500\n") as server:
        with Client(server.port) as client:
            for number in range(20):
                client.create(f"/n{number}", b"x" * 100)
            client.close_session()
        server.stop()
        yield server


def _other_digest(record):
    return record[:-1] + bytes([record[-1] ^ 1])


def _fingerprints(directory):
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
