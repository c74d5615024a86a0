"""Patroni of Debian: two PostgreSQL servers of which one leads, on a lock in ZooKeeper."""

import json
import os
import shutil
import signal
import time
import urllib.error
import urllib.request
from pathlib import Path

from ironlab import ports, processes, rundir
from ironlab.report import equal
from ironlab.server import Server

from . import debian, znodes
from .poll import eventually

NAME = "patroni"
NEEDS = debian.ROOT
CONFIG = "tickTime=1000\nmaxSessionTimeout=30000"
ROOT = "/service/shop"
TTL_S = 10
BINARIES = debian.ROOT / "usr/lib/postgresql/15/bin"

# PostgreSQL refuses to run as root.
USER = "nobody" if os.getuid() == 0 else None


class Member(processes.Daemon):
    """One Patroni with its PostgreSQL. SIGTERM stops PostgreSQL and gives up the lock."""

    stop_deadline_s = 60

    def __init__(self, name, home, connect):
        self.name = name
        self.home = home / name
        self.rest, self.postgres = ports.free(), ports.free()
        self.log_path = home / f"{name}.log"
        self._connect = connect
        processes.at_end(self._kill_postgres)

    def start(self):
        """Starts the process and returns at once."""
        if not self.home.exists():
            self.home.mkdir()
            if USER:
                shutil.chown(self.home, USER)
        config = self.home.parent / f"{self.name}.json"
        config.write_text(json.dumps(self._config()))
        command = ["/usr/bin/python3", "-m", "patroni", config]
        with open(self.log_path, "ab") as log:
            self._child = processes.start(command, stdout=log, stderr=log, cwd=self.home, user=USER,
                                          env=debian.environment(HOME=str(self.home)))

    def kill(self):
        """SIGKILL for Patroni and its PostgreSQL, which is in a process group of its own."""
        code = super().kill()
        self._kill_postgres()
        return code

    def state(self):
        """What Patroni tells of itself; OSError while it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.rest}/patroni", timeout=5) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def role(self):
        state = self.state()
        return state["role"] if state["state"] == "running" else state["state"]

    def has_seen_a_lock(self):
        """Whether a lock was there when Patroni last looked: before it has seen its own, it does not give it up at its end."""
        return "cluster_unlocked" not in self.state()

    def has_reached_the_server_since(self, moment):
        """Whether Patroni has read from the server since then, in seconds since 1970."""
        return self.state().get("dcs_last_seen", 0) > moment

    def switch_over(self, candidate):
        """Asks for another leader."""
        body = json.dumps({"leader": self.name, "candidate": candidate}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest}/switchover", data=body,
                                         headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=60).close()

    def sql(self, statement):
        """Rows as psql prints them; AssertionError with its message when it fails."""
        command = [BINARIES / "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement,
                   f"host=127.0.0.1 port={self.postgres} dbname=postgres user=postgres password=secret connect_timeout=5"]
        code, out, err = processes.run(command, env=debian.environment())
        assert code == 0, f"{self.name}: {statement}: {err}"
        return out.strip()

    def _kill_postgres(self):
        """Kills the postmaster, whose other processes end by themselves then."""
        if pid := self._postmaster():
            os.kill(pid, signal.SIGKILL)

    def _postmaster(self):
        """The pid of a PostgreSQL that runs on this member's data."""
        try:
            pid = int((self.home / "data/postmaster.pid").read_text().split()[0])
            return pid if Path(f"/proc/{pid}/cwd").resolve() == self.home / "data" else None
        except (OSError, ValueError, IndexError):
            return None

    def _config(self):
        return {
            "scope": "shop",
            "name": self.name,
            "restapi": {"listen": f"127.0.0.1:{self.rest}", "connect_address": f"127.0.0.1:{self.rest}"},
            "zookeeper": {"hosts": [self._connect]},
            "bootstrap": {
                "dcs": {"ttl": TTL_S, "loop_wait": 1, "retry_timeout": 3, "maximum_lag_on_failover": 1048576,
                        "postgresql": {"use_pg_rewind": True, "parameters": {"wal_log_hints": "on"}}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, {"auth": "md5"}, "data-checksums"],
                "pg_hba": ["host all all 127.0.0.1/32 md5", "host replication all 127.0.0.1/32 md5",
                           "local all all md5"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.postgres}",
                "connect_address": f"127.0.0.1:{self.postgres}",
                "data_dir": str(self.home / "data"),
                "bin_dir": str(BINARIES),
                "pgpass": str(self.home / "pgpass"),
                "authentication": {"superuser": {"username": "postgres", "password": "secret"},
                                   "replication": {"username": "replica", "password": "secret"},
                                   "rewind": {"username": "rewind", "password": "secret"}},
                "parameters": {"unix_socket_directories": str(self.home), "fsync": "off", "shared_buffers": "16MB",
                               "max_connections": 20},
            },
        }


class Cluster:
    """Two members on one ZooKeeper server. Use as a context manager: leaving it kills both."""

    def __init__(self, server):
        self.server = server
        self.home = rundir.new("patroni")
        self.home.chmod(0o755)
        self.members = {name: Member(name, self.home, server.address) for name in ("anna", "bert")}

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        for member in self.members.values():
            member.kill()
        rundir.remove(self.home)

    def leader(self):
        """The member whose name the lock holds; None without a lock."""
        return self.members.get(znodes.data(self.server, f"{ROOT}/leader"))

    def other(self, member):
        return next(one for one in self.members.values() if one is not member)

    def wait_for(self, leader):
        """Waits until this member leads and the other one follows it."""
        def holds():
            assert self.leader() is leader, f"the lock is of {self.leader() and self.leader().name}"
            equal(leader.role(), "master", leader.name)
            equal(self.other(leader).role(), "replica", self.other(leader).name)
            equal(leader.sql("SELECT count(*) FROM pg_stat_replication"), "1", "followers")
            return True
        eventually(holds, f"{leader.name} leads, the other one follows")


def run(report, kind):
    with Server(kind, CONFIG) as server, Cluster(server) as cluster:
        report.run(NAME, kind, CHECKS, cluster)


def the_first_member_takes_the_lock(cluster):
    first = cluster.members["anna"]
    first.start()
    eventually(lambda: cluster.leader() is first and first.role() == "master", "anna leads")
    assert znodes.owner(cluster.server, f"{ROOT}/leader"), "a lock that is not ephemeral"


def the_second_member_follows(cluster):
    cluster.members["bert"].start()
    cluster.wait_for(cluster.members["anna"])
    equal(znodes.children(cluster.server, f"{ROOT}/members"), ["anna", "bert"], "members")


def rows_reach_the_follower(cluster):
    cluster.leader().sql("CREATE TABLE orders (id int PRIMARY KEY)")
    add_rows(cluster, 0, 1000)


def a_switchover_moves_the_lock(cluster):
    old = cluster.leader()
    new = cluster.other(old)
    eventually(lambda: accepted(old, new), "the switchover is taken")
    cluster.wait_for(new)
    add_rows(cluster, 1000, 2000)


def a_killed_leader_is_replaced_and_follows_when_it_is_back(cluster):
    old = cluster.leader()
    new = cluster.other(old)
    old.kill()
    eventually(lambda: cluster.leader() is new and new.role() == "master", f"{new.name} leads")
    new.sql("INSERT INTO orders SELECT generate_series(2000, 2999)")
    old.start()
    cluster.wait_for(new)
    add_rows(cluster, 3000, 4000)


def the_leader_stays_over_a_restart_of_the_server(cluster):
    leader = cluster.leader()
    session = znodes.owner(cluster.server, f"{ROOT}/leader")
    restarted = time.time() + 1  # dcs_last_seen has whole seconds
    cluster.server.restart()
    equal(znodes.owner(cluster.server, f"{ROOT}/leader"), session, "the session of the lock")
    # What it is asked before that, such as to give up its lock, it cannot do.
    eventually(lambda: leader.has_reached_the_server_since(restarted), f"{leader.name} has reached the server again")
    cluster.wait_for(leader)
    add_rows(cluster, 4000, 5000)


def a_member_stopped_in_order_gives_up_its_lock_at_once(cluster):
    old = cluster.leader()
    new = cluster.other(old)
    equal(old.stop(), 0, "exit code")
    assert cluster.leader() is not old, "the lock is still there"
    eventually(lambda: cluster.leader() is new and new.role() == "master", f"{new.name} leads")
    equal(new.sql("SELECT count(*) FROM orders"), "5000", "rows")
    eventually(new.has_seen_a_lock, f"{new.name} has seen its lock")
    equal(new.stop(), 0, "exit code")
    equal(cluster.leader(), None, "the lock")


CHECKS = [
    the_first_member_takes_the_lock,
    the_second_member_follows,
    rows_reach_the_follower,
    a_switchover_moves_the_lock,
    a_killed_leader_is_replaced_and_follows_when_it_is_back,
    the_leader_stays_over_a_restart_of_the_server,
    a_member_stopped_in_order_gives_up_its_lock_at_once,
]


def accepted(leader, candidate):
    try:
        leader.switch_over(candidate.name)
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{error.code}: {error.read().decode()}") from error
    return True


def add_rows(cluster, first, end):
    """Rows written to the leader are read from the follower."""
    leader = cluster.leader()
    leader.sql(f"INSERT INTO orders SELECT generate_series({first}, {end - 1})")
    follower = cluster.other(leader)
    eventually(lambda: follower.sql("SELECT count(*) FROM orders") == str(end), f"{end} rows at {follower.name}")
