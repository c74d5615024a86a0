"""ClickHouse of Debian: a replicated table on two servers, deduplicated inserts, merges, mutations, a DDL queue."""

import urllib.error
import urllib.request
from urllib.parse import quote

from ironlab import ports, processes, rundir
from ironlab.report import equal
from ironlab.server import Server

from . import debian, znodes
from .poll import eventually

NAME = "clickhouse"
NEEDS = debian.ROOT
CONFIG = "tickTime=1000\nmaxSessionTimeout=20000"
SESSION_TIMEOUT_MS = 6000
QUERY_TIMEOUT_S = 60
TABLE = "/clickhouse/tables/hits"


class Replica(processes.Daemon):
    """One ClickHouse server, asked over HTTP."""

    stop_deadline_s = 30

    def __init__(self, name, home):
        self.name = name
        self.home = home / name
        self.http, self.tcp, self.interserver = ports.free(), ports.free(), ports.free()
        self.log_path = self.home / "server.log"

    def start(self, cluster):
        """Starts the process and returns once it answers queries."""
        self.home.mkdir(exist_ok=True)
        (self.home / "config.xml").write_text(cluster.config(self))
        (self.home / "users.xml").write_text(_USERS)
        command = [debian.ROOT / "usr/sbin/clickhouse-server", f"--config-file={self.home / 'config.xml'}"]
        with open(self.home / "stdout.log", "ab") as out:
            self._child = processes.start(command, stdout=out, stderr=out, cwd=self.home, env=debian.environment())
        eventually(lambda: self.query("SELECT 1") == "1", f"ClickHouse {self.name} answers")

    def query(self, sql):
        """The answer as text; AssertionError with ClickHouse's reason when it refuses."""
        url = f"http://127.0.0.1:{self.http}/?query={quote(sql)}"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=b""), timeout=QUERY_TIMEOUT_S) as answer:
                return answer.read().decode().rstrip("\n")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{self.name}: {sql}: {error.read().decode()}") from error

    def log(self):
        return self.log_path.read_text(errors="replace")



class Cluster:
    """Two replicas on one ZooKeeper server. Use as a context manager: leaving it kills both."""

    def __init__(self, server):
        self.server = server
        self.home = rundir.new("clickhouse")
        self.replicas = [Replica(name, self.home) for name in ("one", "two")]

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        for replica in self.replicas:
            replica.kill()
        rundir.remove(self.home)

    def config(self, own):
        members = "".join(f"<replica><host>127.0.0.1</host><port>{replica.tcp}</port></replica>" for replica in self.replicas)
        return _CONFIG.format(own=own, members=members, zookeeper_port=self.server.port, timeout=SESSION_TIMEOUT_MS)


_CONFIG = """<yandex>
  <logger><level>information</level><log>{own.log_path}</log><errorlog>{own.home}/errors.log</errorlog></logger>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{own.http}</http_port>
  <tcp_port>{own.tcp}</tcp_port>
  <interserver_http_port>{own.interserver}</interserver_http_port>
  <interserver_http_host>127.0.0.1</interserver_http_host>
  <path>{own.home}/data/</path>
  <tmp_path>{own.home}/tmp/</tmp_path>
  <user_files_path>{own.home}/files/</user_files_path>
  <users_config>users.xml</users_config>
  <default_profile>default</default_profile>
  <default_database>default</default_database>
  <mark_cache_size>67108864</mark_cache_size>
  <remote_servers><both><shard><internal_replication>true</internal_replication>{members}</shard></both></remote_servers>
  <zookeeper>
    <node><host>127.0.0.1</host><port>{zookeeper_port}</port></node>
    <session_timeout_ms>{timeout}</session_timeout_ms>
  </zookeeper>
  <macros><replica>{own.name}</replica></macros>
  <distributed_ddl><path>/clickhouse/ddl</path></distributed_ddl>
</yandex>
"""
_USERS = """<yandex>
  <profiles><default/></profiles>
  <users><default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
  <quotas><default/></quotas>
</yandex>
"""


def run(report, kind):
    with Server(kind, CONFIG) as server, Cluster(server) as cluster:
        report.run(NAME, kind, CHECKS, cluster)


def two_servers_start(cluster):
    for replica in cluster.replicas:
        replica.start(cluster)
        equal(replica.query("SELECT count() > 0 FROM system.zookeeper WHERE path = '/'"), "1", "ClickHouse reads /")


def a_ddl_query_makes_the_table_on_both(cluster):
    cluster.replicas[0].query(
        "CREATE TABLE hits ON CLUSTER both (day Date, id UInt32, text String) ENGINE = "
        f"ReplicatedMergeTree('{TABLE}', '{{replica}}') PARTITION BY day ORDER BY id")
    equal(znodes.children(cluster.server, f"{TABLE}/replicas"), ["one", "two"], "replicas in ZooKeeper")


def rows_of_each_reach_the_other(cluster):
    one, two = cluster.replicas
    for number in range(20):
        replica = (one, two)[number % 2]
        replica.query(f"INSERT INTO hits SELECT '2026-01-0{1 + number % 3}', number + {number * 1000}, 'a' FROM numbers(1000)")
    wait_for_rows(cluster, 20_000)


def the_same_block_twice_is_stored_once(cluster):
    for replica in cluster.replicas:
        replica.query("INSERT INTO hits SELECT '2026-01-02', number + 19000, 'a' FROM numbers(1000)")
        replica.query("INSERT INTO hits SELECT '2026-01-09', number + 20000, 'a' FROM numbers(1000)")
    wait_for_rows(cluster, 21_000)


def merges_are_agreed_on(cluster):
    cluster.replicas[1].query("OPTIMIZE TABLE hits PARTITION '2026-01-02' FINAL")

    def holds():
        parts = [replica.query("SELECT name FROM system.parts WHERE active AND table = 'hits' AND partition = '2026-01-02'")
                 for replica in cluster.replicas]
        assert parts[0] == parts[1] and "\n" not in parts[0], parts
        return True
    eventually(holds, "one part, the same on both")
    wait_for_rows(cluster, 21_000)


def columns_are_altered_on_both(cluster):
    cluster.replicas[0].query("ALTER TABLE hits ADD COLUMN size UInt8 DEFAULT 7")
    for replica in cluster.replicas:
        eventually(lambda: replica.query("SELECT sum(size) FROM hits") == str(7 * 21_000), "the new column")


def a_killed_replica_is_noticed_and_catches_up(cluster):
    one, two = cluster.replicas
    two.kill()
    eventually(lambda: znodes.data(cluster.server, f"{TABLE}/replicas/two/is_active") is None, "replica two inactive")
    one.query("INSERT INTO hits (day, id, text) SELECT '2026-01-04', number + 30000, 'b' FROM numbers(1000)")
    two.start(cluster)
    wait_for_rows(cluster, 22_000)


def both_go_on_after_a_restart_of_the_server(cluster):
    cluster.server.stop()
    for replica in cluster.replicas:
        equal(replica.query("SELECT count() FROM hits"), "22000", "rows read without ZooKeeper")
    cluster.server.start()

    def written():
        cluster.replicas[1].query("INSERT INTO hits (day, id, text) SELECT '2026-01-05', number + 40000, 'c' FROM numbers(1000)")
        return True
    eventually(written, "an insert after the restart")
    wait_for_rows(cluster, 23_000)


def a_partition_is_dropped_on_both(cluster):
    cluster.replicas[0].query("ALTER TABLE hits DROP PARTITION '2026-01-05'")
    wait_for_rows(cluster, 22_000)


def the_table_is_dropped_and_its_znodes_with_it(cluster):
    cluster.replicas[0].query("DROP TABLE hits ON CLUSTER both")
    eventually(lambda: znodes.children(cluster.server, TABLE) is None, f"{TABLE} is gone")


def both_end_in_order(cluster):
    for replica in cluster.replicas:
        equal(replica.stop(), 0, f"exit code of {replica.name}")


CHECKS = [
    two_servers_start,
    a_ddl_query_makes_the_table_on_both,
    rows_of_each_reach_the_other,
    the_same_block_twice_is_stored_once,
    merges_are_agreed_on,
    columns_are_altered_on_both,
    a_killed_replica_is_noticed_and_catches_up,
    both_go_on_after_a_restart_of_the_server,
    a_partition_is_dropped_on_both,
    the_table_is_dropped_and_its_znodes_with_it,
    both_end_in_order,
]


def wait_for_rows(cluster, count):
    """Waits until both replicas have that many distinct rows and nothing in their queue."""
    def holds():
        for replica in cluster.replicas:
            equal(replica.query("SELECT count(), uniqExact(id) FROM hits"), f"{count}\t{count}", f"rows of {replica.name}")
            equal(replica.query("SELECT queue_size FROM system.replicas WHERE table = 'hits'"), "0", "queue")
        return True
    eventually(holds, f"{count} rows on both")
