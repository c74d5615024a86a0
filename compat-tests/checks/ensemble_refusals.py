"""Members that do not belong together, or have lost something: ironkeeper refuses with one line that says what to do, and
neither side's files change. The test plays the other server."""

import re
from contextlib import closing

from ironlab import disk
from ironlab.members import Members
from ironlab.played import Followed, Led
from ironlab.quorum import zxid
from ironlab.report import equal
from ironlab.wire import Closed

NAME = "ensemble refusals"
OURS = "ironkeeper"
UNABLE_TO_BIND_QUORUM_PORT = 14


def run(report, kind):
    """What Apache does with the same is in `behaviour`: it takes most of it."""
    if kind == OURS:
        report.run(NAME, kind, CHECKS)


def _is_told_once(server, *texts):
    """One line of the log has all these texts."""
    server.wait_for(lambda: _lines(server, texts), f"a line with {texts}")
    equal(len(_lines(server, texts)), 1, f"lines with {texts}")


def _lines(server, texts):
    return [line for line in server.log().splitlines() if all(text in line for text in texts)]


def _zxids(server):
    return [record.header["zxid"] for record in disk.records(server.version_2)]


def _refuses(learner, call):
    try:
        call()
        while True:
            learner.read()
    except Closed:
        pass


def a_leader_that_leaves_txns_out_of_a_diff():
    """ZOOKEEPER-4925: 0x100000001, then 0x100000003."""
    with Followed(OURS) as followed:
        learner = followed.elected()
        learner.admit(2)
        learner.send("DIFF", zxid(1, 3))
        followed.create(learner, zxid(1, 1))
        learner.send("COMMIT", zxid(1, 1))
        followed.create(learner, zxid(1, 3))
        _refuses(learner, lambda: learner.send("COMMIT", zxid(1, 3)))
        _is_told_once(followed.server, "txns between them are missing", "restart the leader")
        followed.server.stop()
        assert zxid(1, 3) not in _zxids(followed.server), "what comes behind a gap was logged"


def a_leader_of_an_older_epoch_than_the_data():
    """The data directory of an ensemble that is further on was put into this one."""
    with Followed(OURS) as followed:
        followed.with_history(3, epoch=5)
        learner = followed.elected()
        _refuses(learner, lambda: learner.admit(2))
        _is_told_once(followed.server, "epoch 2 is offered, 5 is accepted here", "is the dataDir that of another ensemble?")
        followed.server.stop()
        equal(_zxids(followed.server), [zxid(5, counter) for counter in (1, 2, 3)], "the log")


def a_learner_of_a_newer_epoch_and_an_older_log():
    """It has accepted what this leader never had: with it there is no quorum, and neither has to give way."""
    with Led(OURS) as led:
        learner = led.learner(1)
        _refuses(learner, lambda: learner.accept(zxid(1, 7), 7))
        _is_told_once(led.server, "newer than this leader's", "Look at both before one of them loses its data")


def a_number_that_another_server_has():
    members = Members((1, 2, 3))
    with closing(members.server(OURS, 2)) as first, closing(members.server(OURS, 2)) as second:
        first.launch()
        first.wait_for(lambda: "is LOOKING now" in first.log(), "it looks for a leader")
        second.launch()
        equal(second.wait(), UNABLE_TO_BIND_QUORUM_PORT, "exit code")
        port = members.election_ports[2]
        found = re.search(rf"cannot listen for other servers on .*:{port}.*Stop what listens there", second.log())
        assert found, second.log()


CHECKS = [
    a_leader_that_leaves_txns_out_of_a_diff,
    a_leader_of_an_older_epoch_than_the_data,
    a_learner_of_a_newer_epoch_and_an_older_log,
    a_number_that_another_server_has,
]
