"""Kafka under which the server is exchanged: Apache first, the subject on its data and port, and back."""

from contextlib import ExitStack

from ironlab.server import Server

from . import kafka
from .kafkacluster import Cluster

NAME = "kafka-handover"
NEEDS = kafka.NEEDS
ORACLE = "apache-3.9.5"


def run(report, kind):
    with ExitStack() as stack:
        first = stack.enter_context(Server(ORACLE, kafka.CONFIG))
        second = Server(kind, kafka.CONFIG, data=first.data)
        second.port = first.port
        stack.callback(second.close)
        cluster = stack.enter_context(Cluster(first))
        report.run(NAME, kind, CHECKS, Handover(first, second, cluster))


class Handover(kafka.Lab):
    """A lab with two servers, of which one runs."""

    def __init__(self, first, second, cluster):
        super().__init__(first, cluster)
        self.first = first
        self.second = second

    def hand_over(self, old, new, topic):
        kafka.replace_server(self, old.stop, new.start, topic)


def apache_serves_first(lab):
    lab.cluster.wait_until_ready()
    kafka.a_topic_is_made_and_all_its_replicas_are_in_sync(lab)
    lab.exchange_messages()


def the_subject_goes_on_with_its_data_and_sessions(lab):
    lab.hand_over(lab.first, lab.second, "after-apache")


def a_broker_killed_on_the_subject_is_noticed_and_comes_back(lab):
    kafka.kill_and_bring_back(lab, lab.cluster.controller())


def apache_goes_on_with_the_data_and_sessions_of_the_subject(lab):
    lab.hand_over(lab.second, lab.first, "after-the-subject")


def a_broker_killed_on_apache_is_noticed_and_comes_back(lab):
    kafka.kill_and_bring_back(lab, lab.cluster.controller())


CHECKS = [
    apache_serves_first,
    the_subject_goes_on_with_its_data_and_sessions,
    a_broker_killed_on_the_subject_is_noticed_and_comes_back,
    apache_goes_on_with_the_data_and_sessions_of_the_subject,
    a_broker_killed_on_apache_is_noticed_and_comes_back,
    kafka.topics_are_deleted,
    kafka.brokers_end_in_order,
    kafka.no_broker_logged_an_error_about_zookeeper,
    kafka.only_paused_brokers_were_told_of_an_expired_session,
]
