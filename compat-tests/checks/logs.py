"""What a server writes to its log: lines that what reads Apache's can read, levels from Apache's files, nothing without bound.

Apache has the pattern of its own conf/logback.xml here, which the checks of other suites do not use.
"""

import json
import re
import socket
import time
from contextlib import contextmanager

from ironlab import ports, rundir
from ironlab.certificates import Maker
from ironlab.report import equal
from ironlab.secure import SecureServer, World
from ironlab.server import Server, four_letters
from ironlab.wire import Client

NAME = "logs"
OURS = "ironkeeper"
ENSEMBLE = "initLimit=10\nsyncLimit=5\nstandaloneEnabled=false\nserver.7=127.0.0.1:{}:{}\n"
PATTERN = "%d{ISO8601} [myid:%X{myid}] - %-5p [%t:%C{1}@%L] - %m%n"
LINE = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \[myid:(\d*)\] - (ERROR|WARN |INFO |DEBUG|TRACE) "
                  r"\[(.+):([\w.$?]+)@(\d+|\?)\] - (.*)")
# Java's stack traces, and the lines of its banner, stand on lines of their own.
FURTHER = re.compile(r"\s|at |Caused by|[\w.]+(Exception|Error)\b|.* - $")
MOST, SPAN_S = 100, 10


def run(report, kind):
    checks = CHECKS + (CHECKS_OF_OURS if kind == OURS else [])
    report.run(NAME, kind, checks, kind)


@contextmanager
def _configured(kind, files, properties=(), config="", **options):
    """A server that does not run yet, with files beside its zoo.cfg; `{home}` in properties is their directory."""
    server = Server(kind, config, **options)
    try:
        for name, text in files.items():
            (server.home / name).write_text(text)
        server.properties |= {name: value.format(home=server.home) for name, value in dict(properties).items()}
        yield server
    finally:
        server.close()


def _logback(root="INFO", more="", threshold="TRACE"):
    return (f"<configuration><property name='threshold' value='{threshold}'/>"
            f"<appender name='CONSOLE' class='ch.qos.logback.core.ConsoleAppender'><encoder><pattern>{PATTERN}</pattern></encoder>"
            "<filter class='ch.qos.logback.classic.filter.ThresholdFilter'><level>${threshold}</level></filter></appender>"
            f"{more}<root level='{root}'><appender-ref ref='CONSOLE'/></root></configuration>")


LOGBACK = {"logback.configurationFile": "{home}/logback.xml"}


def _parsed(server):
    """(level, myid, text) of each line; one that does not read like Apache's is an error."""
    lines = [line for line in server.log().splitlines() if line]
    found = [(line, LINE.fullmatch(line)) for line in lines]
    strange = [line for line, match in found if not match and (server.kind == OURS or not FURTHER.match(line))]
    equal(strange, [], "lines that do not read like Apache's")
    return [(match[3].strip(), match[2], match[7]) for _, match in found if match]


def lines_read_like_apaches(kind):
    """Those of a start, of a client that is refused, of a stop."""
    with _configured(kind, {"logback.xml": _logback()}, LOGBACK, "noSuchKey=1\n") as server:
        server.start()
        with Client(server.port) as client:
            session = client.session[0]
            client.create("/a")
        with Client(server.port, (session, b"x" * 16)):
            pass
        server.stop()
        parsed = _parsed(server)
        assert {"INFO", "WARN"} <= {level for level, _, _ in parsed}, parsed
        equal({myid for _, myid, _ in parsed}, {""}, "myid of a server on its own")


def lines_of_a_member_have_its_number(kind):
    config = ENSEMBLE.format(ports.free(), ports.free())
    with _configured(kind, {"logback.xml": _logback()}, LOGBACK, config, sid=7) as server:
        server.start()
        server.stop()
        # Apache reads myid after it has logged some lines.
        equal({myid for _, myid, _ in _parsed(server)} - ({""} if kind != OURS else set()), {"7"}, "myid")


def levels_are_those_of_log4j_and_logback(kind):
    logger = "<logger name='org.apache.zookeeper.audit.Slf4jAuditLogger' level='{}'/>"
    audited = "audit.enable=true\n"
    for logback, wanted in [(_logback("WARN"), set()), (_logback("DEBUG", threshold="ERROR"), set()),
                            (_logback("ERROR", logger.format("INFO")), {"INFO"}),
                            (_logback("INFO", logger.format("OFF")), {"INFO"}), (_logback("DEBUG"), {"INFO", "DEBUG"})]:
        with _configured(kind, {"logback.xml": logback}, LOGBACK, audited) as server:
            _levels(server, wanted)
            heard = "operation=serverStart" in server.log()
            equal(heard, "INFO" in wanted and "level='OFF'" not in logback, f"the audit is heard with {logback}")
    if kind != OURS:
        return
    log4j = "log4j.rootLogger=${zookeeper.root.logger}\nzookeeper.root.logger=INFO, CONSOLE\n"
    for files, properties, wanted in [
            ({"log4j.properties": log4j}, {"zookeeper.root.logger": "WARN,CONSOLE"}, set()),
            ({"log4j.properties": log4j}, {}, {"INFO"}),
            ({"log4j.properties": log4j.replace("=INFO", "=DEBUG")}, {}, {"INFO", "DEBUG"}),
            ({"of-others": log4j.replace("=INFO", "=WARN")}, {"log4j.configuration": "file:{home}/of-others"}, set()),
            ({"logback.xml": _logback("WARN"), "log4j.properties": log4j}, {}, set())]:
        with _configured(kind, files, properties) as server:
            _levels(server, wanted)


def _levels(server, wanted):
    server.start()
    _knock(server)
    server.stop()
    found = {level for level, _, _ in _parsed(server)}
    equal(found & {"INFO", "DEBUG", "TRACE"}, wanted, "levels")


def _knock(server):
    server.ask("ruok")
    with Client(server.port) as client:
        client.close_session()


def rust_log_goes_before_the_files(kind):
    with _configured(kind, {"logback.xml": _logback("DEBUG")}, environment={"RUST_LOG": "warn"}) as server:
        _levels(server, set())


def a_file_of_levels_that_cannot_be_read_is_told(kind):
    with _configured(kind, {"logback.xml": "<configuration>"}, LOGBACK) as server:
        server.start()
        assert any(level == "WARN" and "logback.xml: " in text for level, _, text in _parsed(server)), server.log_tail()


def json_is_one_object_a_line(kind):
    with Server(kind, "ironkeeper.log.format=json\nnoSuchKey=1\naudit.enable=true\n") as server:
        with Client(server.port) as client:
            client.create("/a")
            client.close_session()
        server.stop()
        objects = [json.loads(line) for line in server.log().splitlines()]
        keys = {"timestamp", "level", "myid", "thread", "logger", "line", "message"}
        assert objects and all(keys <= one.keys() for one in objects), objects
        assert {"INFO", "WARN"} <= {one["level"] for one in objects}, objects
        assert any(one["message"].endswith("operation=create\tznode=/a\tznode_type=persistent\tresult=success")
                   and one["logger"] == "o.a.z.a.Slf4jAuditLogger" for one in objects), objects


def probes_leave_no_line(kind):
    """Words, connections that end at once, on both ports."""
    directory = rundir.new("certificates")
    try:
        world = World(Maker(directory / "made"))
        with SecureServer(kind, world.settings(client_portUnification="true"), world) as server:
            before = server.log()
            for port in (server.port, server.secure_port):
                for _ in range(20):
                    socket.create_connection(("127.0.0.1", port)).close()
            for _ in range(20):
                equal(four_letters(server.port, "ruok"), "imok", "ruok")
                assert "Mode: " in four_letters(server.port, "srvr\n"), "srvr"
            equal(server.log()[len(before):], "", "new lines")
    finally:
        rundir.remove(directory)


def no_line_repeats_without_bound(kind):
    """The first ones are there, and later how many were left out."""
    count = 4 * MOST
    with Server(kind, "maxClientCnxns=0\n") as server:
        with Client(server.port) as client:
            session = client.session[0]
        began = time.monotonic()
        for _ in range(count):
            with Client(server.port, (session, b"x" * 16)) as refused:
                assert not refused.alive
        spans = 1 + (time.monotonic() - began) // SPAN_S
        server.wait_for(lambda: "left out " in server.log(), "the number of lines that were left out is told")
        said = server.log().count("wrong session password")
        assert MOST <= said <= MOST * spans, f"{said} lines in {spans} spans"
        left_out = sum(int(line.split("left out ")[1].split()[0]) for line in server.log().splitlines() if "left out " in line)
        assert said + left_out <= count, f"{said} and {left_out} of {count}"


def what_clients_send_stays_on_one_line(kind):
    """No client makes a line that looks like another's."""
    with Server(kind, "audit.enable=true\n") as server:
        with Client(server.port) as client:
            client.add_auth("digest", b"x\n2026-01-01 00:00:00,000 [myid:] - INFO  [a:b@1] - forged:y")
            client.create("/a")
            client.add_auth("no\nsuch", b"")
        server.stop()
        assert "operation=create" in server.log(), server.log_tail()
        assert not [text for _, _, text in _parsed(server) if text == "forged"], server.log_tail()


CHECKS = [lines_read_like_apaches, lines_of_a_member_have_its_number, levels_are_those_of_log4j_and_logback]

# Apache has no JSON, logs what it is asked, and repeats itself.
CHECKS_OF_OURS = [
    rust_log_goes_before_the_files,
    a_file_of_levels_that_cannot_be_read_is_told,
    json_is_one_object_a_line,
    probes_leave_no_line,
    no_line_repeats_without_bound,
    what_clients_send_stays_on_one_line,
]
