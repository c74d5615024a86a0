"""Who asks four letter words: probes of images and operators, monitors, clients' helpers, and many callers at once, none of whom is
left without an answer. $WORDS_ASKED says how many words the many callers ask the subject.
"""

import os
import re
import socket
from concurrent.futures import ThreadPoolExecutor

from ironlab import driven, paths, processes, rundir
from ironlab.certificates import Maker
from ironlab.report import equal
from ironlab.secure import SecureClient, SecureServer, World
from ironlab.server import four_letters, java
from ironlab.wire import Client

NAME = "word callers"
CALLERS = 8
ASKED = int(os.environ.get("WORDS_ASKED", "4000"))
# Apache's Netty takes most of a second for some of them.
ASKED_OF_APACHE = 200
WATCHES = 20000


def run(report, kind):
    directory = rundir.new("certificates")
    try:
        world = World(Maker(directory / "made"))
        lines = world.settings(client_portUnification="true")
        with SecureServer(kind, f"{lines}tickTime=2000\n", world) as server:
            report.run(NAME, kind, CHECKS, server)
            driven.run(report, NAME, server, [paths.GO_CLIENT, "words", server.address])
    finally:
        rundir.remove(directory)


def many_callers_at_once_all_get_their_answer(server):
    plain, secure = four_letters, SecureClient.asker(server.world, server.world.good)
    forms = [(plain, server.port, "ruok"), (_like_netcat, server.port, "ruok\n"), (plain, server.port, "ruok\n"),
             (_like_netcat, server.port, "ruok"), (secure, server.port, "ruok\n"), (secure, server.secure_port, "ruok"),
             (secure, server.secure_port, "ruok\n"), (secure, server.secure_port, "ruok\r\n")]
    count = ASKED if server.kind == "ironkeeper" else ASKED_OF_APACHE
    with ThreadPoolExecutor(CALLERS) as pool:
        calls = [pool.submit(_asks, *forms[number % len(forms)]) for number in range(count)]
        answers = [call.result() for call in calls]
    equal([answer for answer in answers if answer != "imok"], [], f"of {count} answers")


def _asks(ask, port, word):
    """The answer, or why there is none."""
    try:
        return ask(port, word)
    except OSError as error:
        return repr(error)


def _like_netcat(port, word):
    """The answer to who ends his side at once, as netcat does where its input ends."""
    with socket.create_connection(("127.0.0.1", port), 5) as sock:
        sock.sendall(word.encode())
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()


def a_long_answer_is_whole_for_who_has_ended_his_side(server):
    paths_ = [f"/watched-{number:06}" + "x" * 100 for number in range(WATCHES)]
    with Client(server.port) as client:
        for at in range(0, WATCHES, 1000):
            client.send("setWatches", relativeZxid=1 << 40, dataWatches=[], existWatches=paths_[at:at + 1000], childWatches=[])
            client.reply()
        session = hex(client.session[0])
        for ask in (_like_netcat, four_letters):
            lines = ask(server.port, "wchp").splitlines()
            equal(sorted(lines), sorted([*paths_, *[f"\t{session}"] * WATCHES, ""]), "lines of wchp")
            equal(ask(server.port, "wchc").splitlines()[0], session, "wchc")
        client.close_session()


def netcat_gets_its_answer(server):
    for options in ("-w 2", "-N", "-N -w 2", "-q 0"):
        equal(_shell(f"echo ruok | timeout 2 nc {options} 127.0.0.1 {server.port}"), "imok", f"nc {options}")
    equal(_shell(f"printf ruok | nc -N 127.0.0.1 {server.port}"), "imok", "nc -N, without a newline")


def a_probe_by_netcat_and_grep_succeeds(server):
    """As Bitnami's image does it."""
    equal(_shell(f"echo ruok | timeout 2 nc -w 2 127.0.0.1 {server.port} | grep imok"), "imok\n", "the probe")


def a_probe_by_openssl_and_grep_succeeds(server):
    """As Bitnami's image does it on its TLS port."""
    good = server.world.good
    for port in (server.secure_port, server.port):
        equal(_shell(f"echo ruok | timeout 5 openssl s_client -quiet -crlf -connect localhost:{port} -cert {good.certificate} "
                     f"-key {good.key} 2>/dev/null | grep imok"), "imok\n", "the probe")


def a_probe_by_the_shell_alone_succeeds(server):
    """As Stackable's operator does it."""
    equal(_shell(f"exec 3<>/dev/tcp/127.0.0.1/{server.port} && echo srvr >&3 && grep '^Mode: ' <&3"), "Mode: standalone\n", "the probe")
    equal(_shell(f"exec 3<>/dev/tcp/127.0.0.1/{server.port} && printf ruok >&3 && cat <&3"), "imok", "the probe")


def _shell(script):
    """What a script of bash says; its exit code has to be 0."""
    code, out, err = processes.run(["bash", "-c", script])
    equal(code, 0, f"exit code of {script}\n{out}{err}")
    return out


def apaches_own_program_prints_the_answer(server):
    world = server.world
    stores = [f"-Dzookeeper.ssl.keyStore.location={world.good.bundle(world.maker.directory / 'client.pem')}",
              f"-Dzookeeper.ssl.trustStore.location={world.maker.pem_trust('roots.pem', [world.root])}"]
    for port, options, secure in ((server.port, [], []), (server.port, stores, ["true"]), (server.secure_port, stores, ["true"])):
        program = [*java(paths.APACHE_39, *options), "org.apache.zookeeper.client.FourLetterWordMain"]
        code, out, err = processes.run([*program, "localhost", str(port), "ruok", *secure])
        equal((code, out), (0, "imok\n\n"), f"port {port}\n{err}")


def kazoo_asks_over_its_own_sockets(server):
    program = paths.COMPAT / "kazoo" / "words.py"
    code, out, err = processes.run([str(word) for word in (paths.VENV_PYTHON, program, server.address)])
    equal((code, out), (0, "kazoo: done\n"), err)


def every_line_of_mntr_is_one_that_telegraf_reads(server):
    """Its plugin gives up at the first line of another form; a value that is no number becomes a text."""
    texts = {}
    for line in four_letters(server.port, "mntr\n").splitlines():
        found = re.match(r"^zk_(\w[\w.\-]*)\s+([\w.\-]+)", line)
        assert found, f"unexpected line in mntr: {line!r}"
        key, value = found.groups()
        if not re.fullmatch(r"-?\d+(\.\d+)?(E-?\d+)?", value):
            texts[key] = value
    assert texts.pop("version").startswith("3.9.5-"), "the version"
    equal(texts, {"server_state": "standalone"}, "what is no number")


CHECKS = [
    many_callers_at_once_all_get_their_answer,
    a_long_answer_is_whole_for_who_has_ended_his_side,
    netcat_gets_its_answer,
    a_probe_by_netcat_and_grep_succeeds,
    a_probe_by_openssl_and_grep_succeeds,
    a_probe_by_the_shell_alone_succeeds,
    apaches_own_program_prints_the_answer,
    kazoo_asks_over_its_own_sockets,
    every_line_of_mntr_is_one_that_telegraf_reads,
]
