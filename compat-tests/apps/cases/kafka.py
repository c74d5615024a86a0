"""Kafka 3.9 in ZooKeeper mode: three brokers through an operator's work, broken brokers, and restarts of the server."""

from ironlab import processes
from ironlab.report import equal
from ironlab.server import Server

from . import logs, znodes
from .kafkacluster import HOME, ROOT, Cluster, java
from .poll import eventually

NAME = "kafka"
NEEDS = HOME
CONFIG = "tickTime=1000\nmaxSessionTimeout=20000"
ALL = [1, 2, 3]
TOPIC = "orders"
BATCH = 500


class Lab:
    """The server, the cluster on it, the numbers sent so far, and the brokers whose session has expired."""

    def __init__(self, server, cluster):
        self.server = server
        self.cluster = cluster
        self.sent = 0
        self.expired = set()

    def do(self, *words):
        return self.cluster.operator.do(*words)

    def exchange_messages(self):
        """A batch in with all acknowledgements, and exactly that batch out to the consumer group."""
        self.do("produce", TOPIC, self.sent, BATCH)
        expected = sum(range(self.sent, self.sent + BATCH))
        self.sent += BATCH
        equal(self.cluster.operator.one("consume", TOPIC, BATCH), f"{BATCH}\t{expected}", "numbers consumed, their sum")
        equal(self.do("committed"), [[TOPIC, str(self.sent)]], "offsets committed")

    def create(self, topic):
        """A new topic with three replicas, known to the administrator and to ZooKeeper."""
        self.do("create", topic, 2, 3)
        self.cluster.wait_for_isr(topic, ALL)
        assert topic in znodes.children(self.server, f"{ROOT}/brokers/topics"), f"no znode of {topic}"


def run(report, kind):
    with Server(kind, CONFIG) as server, Cluster(server) as cluster:
        lab = Lab(server, cluster)
        report.run(NAME, kind, CHECKS, lab)


def three_brokers_register_and_one_is_the_controller(lab):
    cluster = lab.cluster
    cluster.wait_until_ready()
    assert all(cluster.sessions().values()), "a registration that is not ephemeral"
    equal(len(set(cluster.sessions().values())), 3, "sessions")
    equal(cluster.epoch(), 1, "controller epoch")


def a_topic_is_made_and_all_its_replicas_are_in_sync(lab):
    lab.do("create", TOPIC, 4, 3)
    lab.cluster.wait_for_isr(TOPIC, ALL)
    equal(znodes.children(lab.server, f"{ROOT}/brokers/topics/{TOPIC}/partitions"), list("0123"), "partitions' znodes")


def messages_go_in_and_out(lab):
    lab.exchange_messages()


def a_topic_grows(lab):
    lab.do("grow", TOPIC, 6)
    eventually(lambda: len(lab.cluster.partitions(TOPIC)) == 6, "six partitions")
    lab.cluster.wait_for_isr(TOPIC, ALL)


def changed_settings_reach_the_brokers(lab):
    lab.do("set-config", "TOPIC", TOPIC, "retention.ms", "7200000")
    lab.do("set-config", "BROKER", "2", "log.cleaner.threads", "2")
    for kind, name, key, value in (("TOPIC", TOPIC, "retention.ms", "7200000"), ("BROKER", "2", "log.cleaner.threads", "2")):
        eventually(lambda: lab.cluster.operator.one("config", kind, name, key) == value, f"{key} is {value}")
    assert '"7200000"' in znodes.data(lab.server, f"{ROOT}/config/topics/{TOPIC}")


def quotas_and_scram_users_are_kept(lab):
    lab.do("set-quota", "loader", 1048576)
    lab.do("set-scram", "alice")
    eventually(lambda: lab.do("quotas") == [["loader", "{producer_byte_rate=1048576.0}"]], "the quota")
    equal(lab.do("scram"), [["alice"]], "SCRAM users")


def acls_written_by_kafka_acls_reach_the_brokers(lab):
    code, out, err = processes.run(java(
        "128m", "kafka.admin.AclCommand", "--authorizer-properties", f"zookeeper.connect={lab.server.address}{ROOT}",
        "--add", "--allow-principal", "User:alice", "--operation", "Read", "--topic", TOPIC, level="WARN"))
    equal(code, 0, f"exit code of kafka-acls\n{out}{err}")
    expected = [["TOPIC", TOPIC, "User:alice", "READ", "ALLOW"]]
    eventually(lambda: lab.do("acls") == expected, f"the ACL {expected}")


def partitions_are_reassigned(lab):
    for partition in lab.cluster.partitions(TOPIC):
        lab.do("reassign", TOPIC, partition, "1,2")
    eventually(lambda: not lab.do("reassignments"), "no reassignment under way")
    lab.cluster.wait_for_isr(TOPIC, [1, 2])
    for partition in lab.cluster.partitions(TOPIC):
        order = ALL[partition % 3:] + ALL[:partition % 3]
        lab.do("reassign", TOPIC, partition, ",".join(map(str, order)))
    eventually(lambda: not lab.do("reassignments"), "no reassignment under way")
    lab.cluster.wait_for_isr(TOPIC, ALL)
    equal(znodes.data(lab.server, f"{ROOT}/admin/reassign_partitions"), None, "the reassignment's znode")


def preferred_leaders_are_elected(lab):
    elect_preferred_leaders(lab)
    lab.exchange_messages()


def a_killed_broker_is_noticed_and_comes_back(lab):
    victim = next(number for number in ALL if number != lab.cluster.controller())
    kill_and_bring_back(lab, victim)
    equal(lab.cluster.epoch(), 1, "controller epoch")


def a_killed_controller_is_replaced(lab):
    old, epoch = lab.cluster.controller(), lab.cluster.epoch()
    kill_and_bring_back(lab, old)
    assert lab.cluster.epoch() > epoch, f"controller epoch {lab.cluster.epoch()}"
    assert lab.cluster.controller() != old, f"broker {old} is the controller again"


def the_controller_moves_when_its_znode_is_deleted(lab):
    epoch = lab.cluster.epoch()
    znodes.delete(lab.server, f"{ROOT}/controller")
    eventually(lambda: lab.cluster.epoch() == epoch + 1, f"controller epoch {epoch + 1}")
    eventually(lambda: znodes.owner(lab.server, f"{ROOT}/controller") in lab.cluster.sessions().values(),
               "a controller whose session is a broker's")
    lab.create("after-controller-move")
    lab.exchange_messages()


def a_paused_broker_loses_its_session_and_registers_with_a_new_one(lab):
    number = next(number for number in ALL if number != lab.cluster.controller())
    session = lab.cluster.sessions()[number]
    lab.cluster.brokers[number].pause()
    lab.cluster.wait_for_ids([other for other in ALL if other != number])
    lab.cluster.brokers[number].resume()
    lab.expired.add(number)
    lab.cluster.wait_for_ids(ALL)
    assert lab.cluster.sessions()[number] != session, "the expired session is back"
    lab.cluster.wait_for_isr(TOPIC, ALL)
    lab.exchange_messages()


def a_broker_stopped_in_order_leaves_at_once(lab):
    broker = lab.cluster.brokers[3]
    equal(broker.stop(), 143, "exit code")
    equal(lab.cluster.ids(), [1, 2], "registered brokers")
    lab.exchange_messages()
    broker.start()
    lab.cluster.wait_for_ids(ALL)
    lab.cluster.wait_for_isr(TOPIC, ALL)


def sessions_outlive_a_restart_of_the_server(lab):
    replace_server(lab, lab.server.stop, lab.server.start, "after-restart")


def sessions_outlive_a_killed_server(lab):
    replace_server(lab, lab.server.kill, lab.server.start, "after-kill")


def topics_are_deleted(lab):
    # Of ZooKeeper, not of the broker that is asked: it may not have heard of the newest yet.
    topics = znodes.children(lab.server, f"{ROOT}/brokers/topics")
    doomed = [name for name in topics if name.startswith("after-")]
    assert doomed, f"nothing to delete among {topics}"
    for name in doomed:
        lab.do("delete", name)
    eventually(lambda: not set(doomed) & set(znodes.children(lab.server, f"{ROOT}/brokers/topics")), "their znodes gone")
    eventually(lambda: znodes.children(lab.server, f"{ROOT}/admin/delete_topics") == [], "no deletion under way")
    eventually(lambda: [name for name, in lab.do("topics")] == [TOPIC], "the brokers list what is left")


def brokers_end_in_order(lab):
    for number, broker in lab.cluster.brokers.items():
        equal(broker.stop(), 143, f"exit code of broker {number}")
    equal(lab.cluster.ids(), [], "registered brokers")
    equal(znodes.data(lab.server, f"{ROOT}/controller"), None, "the controller's znode")


def no_broker_logged_an_error_about_zookeeper(lab):
    for number, broker in lab.cluster.brokers.items():
        text = broker.log()
        assert "ZooKeeperClient" in text, f"broker {number} has logged nothing of ZooKeeper"
        found = logs.zookeeper_errors(text)
        assert not found, f"broker {number}:\n" + "\n".join(found)


def only_paused_brokers_were_told_of_an_expired_session(lab):
    told = {number for number, broker in lab.cluster.brokers.items() if logs.expiries(broker.log())}
    equal(told, lab.expired, "brokers told of an expired session")


CHECKS = [
    three_brokers_register_and_one_is_the_controller,
    a_topic_is_made_and_all_its_replicas_are_in_sync,
    messages_go_in_and_out,
    a_topic_grows,
    changed_settings_reach_the_brokers,
    quotas_and_scram_users_are_kept,
    acls_written_by_kafka_acls_reach_the_brokers,
    partitions_are_reassigned,
    preferred_leaders_are_elected,
    a_killed_broker_is_noticed_and_comes_back,
    a_killed_controller_is_replaced,
    the_controller_moves_when_its_znode_is_deleted,
    a_paused_broker_loses_its_session_and_registers_with_a_new_one,
    a_broker_stopped_in_order_leaves_at_once,
    sessions_outlive_a_restart_of_the_server,
    sessions_outlive_a_killed_server,
    topics_are_deleted,
    brokers_end_in_order,
    no_broker_logged_an_error_about_zookeeper,
    only_paused_brokers_were_told_of_an_expired_session,
]


def elect_preferred_leaders(lab):
    def holds():
        lab.do("elect", TOPIC)  # again until the administrator has heard who the controller is
        found = lab.cluster.partitions(TOPIC)
        return all(leader == replicas[0] for leader, replicas, _ in found.values())
    eventually(holds, "each partition led by its first replica")


def kill_and_bring_back(lab, number):
    """SIGKILL: the registration goes, others lead, messages flow; then the broker is back and leads again."""
    others = [other for other in ALL if other != number]
    lab.cluster.brokers[number].kill()
    lab.cluster.wait_for_ids(others)
    lab.cluster.wait_for_isr(TOPIC, others)
    lab.exchange_messages()
    lab.cluster.brokers[number].start()
    lab.cluster.wait_for_ids(ALL)
    lab.cluster.wait_for_isr(TOPIC, ALL)
    elect_preferred_leaders(lab)
    lab.exchange_messages()


def replace_server(lab, end, begin, topic):
    """Ends the server and begins one again under running brokers: no session is lost, and all goes on."""
    before = lab.cluster.sessions()
    equal(sorted(before), ALL, "registered brokers before")
    end()
    lab.exchange_messages()  # brokers serve without ZooKeeper
    begin()
    lab.create(topic)
    equal(lab.cluster.sessions(), before, "the brokers' sessions")
    lab.exchange_messages()
