"""bin/zkServer.sh and the scripts beside it, with the texts that Apache's print, in the layouts in which they are found; and a server
that is started by a command line of Java, on both kinds.
"""

import os
import re
import shutil
import signal
import struct
import time
from contextlib import contextmanager
from pathlib import Path

from ironlab import paths, ports, processes, rundir
from ironlab.certificates import Maker
from ironlab.report import equal
from ironlab.secure import World
from ironlab.server import APACHE, four_letters, java

NAME = "launch"
OURS = "ironkeeper"
SCRIPTS = paths.PROJECT / "bin"
DEADLINE_S = 40
GOLDEN = paths.GOLDEN / "apache-3.9.5"
STOPPED = "Error contacting service. It is probably not running.\n"
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

# Variables of who runs the tests must not be those of a script.
ENVIRONMENT = {name: value for name, value in os.environ.items()
               if not name.startswith(("ZOO", "ZK_", "JMX", "IRONKEEPER")) and not name.endswith("JVMFLAGS")}


def run(report, kind):
    with report.check(NAME, kind, "a command line of java starts a server"):
        _by_a_command_line_of_java(kind)
    if kind != OURS:
        return  # the scripts are files of ours; their texts were taken from runs of Apache's
    for layout in LAYOUTS:
        with report.check(NAME, kind, f"{_claim(a_server_is_started_asked_restarted_and_stopped)} {_claim(layout)}"):
            a_server_is_started_asked_restarted_and_stopped(layout)
    report.run(NAME, kind, CHECKS)


def _claim(function):
    return function.__name__.strip("_").replace("_", " ")


class Installation:
    """Scripts and what they need, in a directory of its own."""

    def __init__(self, layout):
        self.home = rundir.new("installation").resolve()
        self.port = ports.free()
        self.data = self.home / "data"
        self.environment = {**ENVIRONMENT, "USER": "operator", "HOSTNAME": "host"}
        self.arguments = []
        self._children = []
        layout(self)
        self.cfg = self.conf / "zoo.cfg"
        self.write(f"clientPort={self.port}")

    def write(self, *lines):
        """A zoo.cfg with these lines, dataDir besides."""
        address = ["clientPortAddress=127.0.0.1"] if any(line.strip().startswith("clientPort") for line in lines) else []
        text = "\n".join([*address, "admin.enableServer=false", f"dataDir={self.data}", *lines])
        self.cfg.write_text(text + "\n")

    def install(self, conf, scripts, binary=None):
        self.conf, self.scripts = conf, scripts
        conf.mkdir(parents=True)
        if scripts != SCRIPTS:
            shutil.copytree(SCRIPTS, scripts, dirs_exist_ok=True)
        if binary:
            binary.parent.mkdir(parents=True, exist_ok=True)
            binary.symlink_to(Path(paths.ironkeeper_binary()).resolve())

    def start(self, script, *arguments, **environment):
        """Begins a script; what it starts lives until the end of the installation."""
        out, err = (open(self.home / f"{name}-{len(self._children)}", "w+", encoding="utf-8") for name in ("out", "err"))
        child = processes.start([self.scripts / script, *self.arguments, *arguments], stdout=out, stderr=err, cwd=self.home,
                                stdin=open(os.devnull, encoding="utf-8"), env={**self.environment, **environment})
        self._children.append((child, out, err))
        return child

    def run(self, script, *arguments, **environment):
        """Exit code, stdout, stderr."""
        child = self.start(script, *arguments, **environment)
        code = child.wait(DEADLINE_S)
        _, *streams = self._children[-1]
        for stream in streams:
            stream.seek(0)
        return (code, *(stream.read() for stream in streams))

    def server(self, *arguments, **environment):
        """zkServer.sh, which says on stderr which configuration it has."""
        code, out, err = self.run("zkServer.sh", *arguments, **environment)
        assert err.startswith("Using config: "), err
        return code, out

    def pid(self):
        return int((self.data / "zookeeper_server.pid").read_text())

    def serves(self, port=None):
        return "\nMode: " in _srvr(port or self.port)

    def wait_until_serving(self, port=None):
        wait_for(lambda: self.serves(port), "the server serves")

    def close(self):
        for child, *streams in self._children:
            processes.signal_group(child, signal.SIGKILL)
            processes.reap(child)
            for stream in streams:
                stream.close()
        rundir.remove(self.home)


def _srvr(port):
    try:
        return four_letters(port, "srvr", 2)
    except OSError:
        return ""


def wait_for(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)


@contextmanager
def installed(layout=None):
    installation = Installation(layout or _in_the_layout_of_apaches_archive)
    try:
        yield installation
    finally:
        installation.close()


def _in_the_layout_of_apaches_archive(installation):
    home = installation.home
    installation.install(home / "zk" / "conf", home / "zk" / "bin", home / "zk" / "bin" / "ironkeeper")


def _in_the_layout_of_a_package(installation):
    """Scripts in a directory of their own, the binary in PATH, zoo.cfg where --config says."""
    home = installation.home
    installation.install(home / "etc", home / "share" / "bin", home / "usr" / "ironkeeper")
    installation.environment["PATH"] = f"{home / 'usr'}:{os.environ['PATH']}"
    installation.arguments = ["--config", installation.conf]


def _in_the_layout_of_prefix_and_libexec(installation):
    """As `make install` of a distribution: libexec/zkEnv.sh, etc/zookeeper."""
    home = installation.home
    installation.install(home / "etc" / "zookeeper", home / "bin", home / "bin" / "ironkeeper")
    (home / "libexec").mkdir()
    (home / "bin" / "zkEnv.sh").rename(home / "libexec" / "zkEnv.sh")


def _in_the_layout_of_the_repository(installation):
    """The scripts as they are there, the binary where a variable says."""
    installation.install(installation.home / "conf", SCRIPTS)
    installation.environment |= {"IRONKEEPER": paths.ironkeeper_binary(), "ZOOCFGDIR": str(installation.conf),
                                 "ZOO_LOG_DIR": str(installation.home / "logs")}


LAYOUTS = [_in_the_layout_of_apaches_archive, _in_the_layout_of_a_package, _in_the_layout_of_prefix_and_libexec,
           _in_the_layout_of_the_repository]


def a_server_is_started_asked_restarted_and_stopped(layout):
    with installed(layout) as zk:
        found = f"Client port found: {zk.port}. Client address: 127.0.0.1. Client SSL: false.\n"
        equal(zk.server("start"), (0, "Starting zookeeper ... STARTED\n"), "start")
        zk.wait_until_serving()
        pid = zk.pid()
        equal(zk.server("status"), (0, f"{found}Mode: standalone\n"), "status")
        equal(zk.server("start"), (1, f"Starting zookeeper ... already running as process {pid}.\n"), "start again")
        equal(zk.server("restart"), (0, "Stopping zookeeper ... STOPPED\nStarting zookeeper ... STARTED\n"), "restart")
        zk.wait_until_serving()
        assert zk.pid() != pid, "the same process"
        equal(zk.server("stop"), (0, "Stopping zookeeper ... STOPPED\n"), "stop")
        assert not zk.serves(), "it serves"
        missing = f"no zookeeper to stop (could not find file {zk.data}/zookeeper_server.pid)\n"
        equal(zk.server("stop"), (0, f"Stopping zookeeper ... {missing}"), "stop again")
        equal(zk.server("status"), (1, found + STOPPED), "status of none")
        code, out = zk.server("version")
        assert code == 0 and re.match(r"Apache ZooKeeper, version 3\.9\.5-\S+ \d{4}-\d\d-\d\d \d\d:\d\d UTC\n$", out), out


def a_process_shows_its_class_and_the_path_of_its_configuration():
    """For pgrep -f, and for agents that look for zoo.cfg."""
    with installed() as zk:
        zk.server("start", SERVER_JVMFLAGS="-Done=1", JVMFLAGS="-Dtwo=2")
        words = Path(f"/proc/{zk.pid()}/cmdline").read_bytes().decode().split("\0")
        equal(words[1:5], ["-Done=1", "-Dtwo=2", MAIN, f"{zk.scripts}/../conf/zoo.cfg"], "arguments")


def a_start_that_fails_says_so():
    with installed() as zk:
        zk.write(f"clientPort={zk.port}", "tickTime=soon")
        code, out, err = zk.run("zkServer.sh", "start")
        equal((code, out), (1, "Starting zookeeper ... FAILED TO START\n"), "start")
        assert "tickTime=soon" in err, err


def a_left_over_process_id_does_not_stop_a_start():
    with installed() as zk:
        zk.data.mkdir()
        child = processes.start(["true"])
        processes.reap(child)
        (zk.data / "zookeeper_server.pid").write_text(str(child.pid))
        equal(zk.server("start"), (0, "Starting zookeeper ... STARTED\n"), "start")


def a_left_over_process_id_that_is_another_processs_now_harms_nobody():
    with installed() as zk:
        zk.data.mkdir()
        file = zk.data / "zookeeper_server.pid"
        child = processes.start(["sleep", "1000"])
        try:
            file.write_text(str(child.pid))
            nothing = f"Stopping zookeeper ... no zookeeper to stop (could not find file {file})\n"
            equal(zk.server("stop"), (0, nothing), "stop")
            equal((child.poll(), file.exists()), (None, False), "whether the other process has ended, whether the file is there")
            file.write_text(str(child.pid))
            equal(zk.server("start"), (0, "Starting zookeeper ... STARTED\n"), "start")
            zk.wait_until_serving()
            equal(zk.server("stop"), (0, "Stopping zookeeper ... STOPPED\n"), "stop of the server")
            equal(child.poll(), None, "whether the other process has ended")
        finally:
            processes.signal_group(child, signal.SIGKILL)
            processes.reap(child)


def a_server_in_the_foreground_is_the_shell_or_its_child():
    for environment, is_child in (({}, False), ({"ZOO_NOEXEC": "yes"}, True)):
        with installed() as zk:
            shell = zk.start("zkServer.sh", "start-foreground", **environment)
            zk.wait_until_serving()
            pids = [int(pid) for pid in Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split()]
            equal(len(pids), 1 if is_child else 0, "children of the shell")
            os.kill(pids[0] if pids else shell.pid, signal.SIGTERM)
            equal(shell.wait(DEADLINE_S), 0, "exit code")


def the_command_that_is_printed_starts_the_server():
    with installed() as zk:
        code, out = zk.server("print-cmd", JVMFLAGS="-Da=1")
        equal((code, MAIN in out, "-Da=1" in out), (0, True, True), "print-cmd")
        (zk.home / "printed.sh").write_text(f"exec {out}")
        child = processes.start(["bash", zk.home / "printed.sh"], env=zk.environment)
        try:
            zk.wait_until_serving()
        finally:
            processes.signal_group(child, signal.SIGKILL)
            processes.reap(child)


def variables_say_where_the_configuration_is():
    with installed() as zk:
        other = zk.home / "other"
        other.mkdir()
        zk.cfg.rename(other / "mine.cfg")
        named = {"ZOOCFGDIR": str(other), "ZOOCFG": "mine.cfg"}
        for arguments, environment in (([], named), (["mine.cfg"], {"ZOOCFGDIR": str(other)}), ([other / "mine.cfg"], {})):
            code, out, err = zk.run("zkServer.sh", "start", *arguments, **environment)
            equal((code, out), (0, "Starting zookeeper ... STARTED\n"), f"start with {arguments}")
            equal(err, f"Using config: {other}/mine.cfg\n", "which configuration")
            zk.wait_until_serving()
            zk.server("stop", *arguments, **environment)


def variables_say_where_logs_and_the_process_id_go():
    with installed() as zk:
        zk.server("start", ZOO_LOG_DIR=str(zk.home / "log" / "here"), ZOOPIDFILE=str(zk.home / "run" / "zk.pid"))
        zk.wait_until_serving()
        out = zk.home / "log" / "here" / "zookeeper-operator-server-host.out"
        assert " serves clients on " in out.read_text(), out.read_text()
        pid = int((zk.home / "run" / "zk.pid").read_text())
        assert b"zoo.cfg" in Path(f"/proc/{pid}/cmdline").read_bytes()
        equal(zk.server("stop", ZOOPIDFILE=str(zk.home / "run" / "zk.pid")), (0, "Stopping zookeeper ... STOPPED\n"), "stop")


def two_files_of_the_operator_are_read():
    """zookeeper-env.sh may say which configuration, java.env has the options."""
    with installed() as zk:
        zk.cfg.rename(zk.conf / "mine.cfg")
        (zk.conf / "zookeeper-env.sh").write_text("ZOOCFG=mine.cfg\nSERVER_JVMFLAGS=-Dzookeeper.4lw.commands.whitelist=conf\n")
        (zk.conf / "java.env").write_text('JVMFLAGS="$JVMFLAGS -Dzookeeper.4lw.commands.whitelist=srvr,conf,ruok -Xmx64m"\n')
        zk.server("start")
        zk.wait_until_serving()
        equal(four_letters(zk.port, "ruok"), "imok", "a word that JVMFLAGS allows")
        words = Path(f"/proc/{zk.pid()}/cmdline").read_bytes().decode().split("\0")
        equal(words.count("-Xmx64m"), 1, f"times that -Xmx64m stands in {words}")


def status_finds_the_port_in_all_places():
    with installed() as zk:
        quorum, election = ports.free(), ports.free()
        dynamic = zk.home / "zoo.cfg.dynamic"
        line = f"server.1=127.0.0.1:{quorum}:{election};"
        zk.data.mkdir()
        (zk.data / "myid").write_text("1\n")
        dynamic.write_text(f"{line}127.0.0.1:{zk.port}\n")
        looks = "Client port not found in static config file. Looking in dynamic config file.\n"
        for setting, said in (
                (f"{line}127.0.0.1:{zk.port}", ""), (f"dynamicConfigFile={dynamic}", looks), (f" clientPort = {zk.port} ", "")):
            zk.write("tickTime=500", "initLimit=10", "syncLimit=5", setting)
            zk.server("start")
            zk.wait_until_serving()
            found = f"Client port found: {zk.port}. Client address: 127.0.0.1. Client SSL: false.\n"
            equal(zk.server("status"), (0, f"{said}{found}Mode: standalone\n"), f"status with {setting}")
            zk.server("stop")
        for setting, address in ((zk.port, "localhost"), (f"[::1]:{zk.port}", "::1")):
            zk.write(f"{line}{setting}")
            found = f"Client port found: {zk.port}. Client address: {address}. Client SSL: false.\n"
            equal(zk.server("status"), (1, found + STOPPED), f"status with {setting}, without a server")


def status_says_what_it_has_not_found():
    with installed() as zk:
        looks = "Client port not found. Looking for secureClientPort in the static config.\n"
        ends = "Unable to find either secure or unsecure client port in any configs. Terminating.\n"
        zk.write()
        no_myid = "myid could not be determined, will not able to locate clientPort in the server configs.\n"
        equal(zk.server("status"), (1, no_myid + looks + ends), "without myid")
        zk.data.mkdir()
        (zk.data / "myid").write_text("1\n")
        dynamic = "Client port not found in static config file. Looking in dynamic config file.\n"
        equal(zk.server("status"), (1, f"{dynamic}Client port not found in the server configs\n{looks}{ends}"), "without a line")


def a_word_is_asked_as_apaches_program_asks_it():
    with installed() as zk:
        zk.write(f"clientPort={zk.port}", "4lw.commands.whitelist=conf,ruok")
        zk.server("start")
        zk.wait_until_serving()
        main = "org.apache.zookeeper.client.FourLetterWordMain"
        for word in ("ruok", "conf", "nope"):
            arguments = [main, "127.0.0.1", zk.port, word]
            code, theirs, _ = processes.run([*java(APACHE["apache-3.9.5"]), *arguments])
            equal(processes.run([paths.ironkeeper_binary(), *arguments])[:2], (code, theirs), word)
            equal(processes.run([paths.ironkeeper_binary(), "word", *arguments[1:]])[:2], (code, theirs), word)
        zk.server("stop")
        code, out, err = processes.run([paths.ironkeeper_binary(), "word", "127.0.0.1", zk.port, "ruok"])
        assert code == 1 and not out and f"127.0.0.1:{zk.port}" in err, (code, out, err)


def status_asks_a_secure_port_as_the_client_that_is_set():
    with installed() as zk:
        world = World(Maker(zk.home / "made"))
        secure = ports.free()
        zk.data.mkdir()
        (zk.data / "myid").write_text("1\n")
        zk.write(f"secureClientPort={secure}", "secureClientPortAddress=127.0.0.1", world.settings())
        zk.server("start")
        wait_for(lambda: ports.is_open(secure), "the secure port is open")
        code, out = zk.server("status")
        assert code == 1 and "CLIENT_JVMFLAGS" in out and out.endswith(STOPPED), out
        key, trust = world.good.bundle(zk.home / "client.pem"), world.maker.directory / "trust.pem"
        flags = f"-Dzookeeper.ssl.keyStore.location={key} -Dzookeeper.ssl.trustStore.location={trust}"
        code, out = zk.server("status", CLIENT_JVMFLAGS=flags)
        equal((code, out.splitlines()[-2:]),
              (0, [f"Client port found: {secure}. Client address: 127.0.0.1. Client SSL: true.", "Mode: standalone"]), "status")
        other = World(Maker(zk.home / "other"))
        other.settings()
        flags = f"-Dzookeeper.ssl.keyStore.location={key} -Dzookeeper.ssl.trustStore.location={other.maker.directory / 'trust.pem'}"
        code, out = zk.server("status", CLIENT_JVMFLAGS=flags)
        assert code == 1 and out.endswith(STOPPED), out


def without_its_directories_nothing_starts_where_that_is_set():
    with installed() as zk:
        never = {"ZOO_DATADIR_AUTOCREATE_DISABLE": "1"}
        missing = f"ZooKeeper data directory is missing at {zk.data} fix the path or run initialize\n"
        equal(zk.server("start", **never), (1, missing), "start")
        zk.write(f"clientPort={zk.port}", f"dataLogDir={zk.home / 'logs-of-txns'}")
        equal(zk.run("zkServer-initialize.sh")[0], 0, "initialize")
        (zk.home / "logs-of-txns" / "version-2").rmdir()
        missing = f"ZooKeeper txnlog directory is missing at {zk.home / 'logs-of-txns'} fix the path or run initialize\n"
        equal(zk.server("start", **never), (1, missing), "start without logs")
        (zk.home / "logs-of-txns" / "version-2").mkdir()
        equal(zk.server("start", **never), (0, "Starting zookeeper ... STARTED\n"), "start")


def who_asks_leaves_nothing_behind():
    """Asked as root, a directory that is made would be root's."""
    with installed() as zk:
        for verb in ("status", "stop", "version"):
            zk.server(verb)
        equal([path for path in (zk.data, zk.home / "zk" / "logs") if path.exists()], [], "what was made")


def an_unknown_verb_is_answered_with_the_usage():
    with installed() as zk:
        code, out, err = zk.run("zkServer.sh", "begin")
        usage = f"Usage: {zk.scripts}/zkServer.sh [--config <conf-dir>] {{start|start-foreground|stop|version|restart|status|print-cmd}}\n"
        equal((code, out, err), (0, "", usage), "usage")


def directories_are_initialised_once():
    with installed() as zk:
        logs = zk.home / "txns"
        zk.write(f"clientPort={zk.port}", f"dataLogDir={logs}")
        code, out, _ = zk.run("zkServer-initialize.sh", "--myid=7")
        equal((code, out), (0, "Using myid of 7\n"), "initialize")
        made = sorted(str(path.relative_to(zk.home)) for path in [*zk.data.iterdir(), *logs.iterdir()])
        equal(made, ["data/initialize", "data/myid", "data/version-2", "txns/version-2"], "files")
        equal((zk.data / "myid").read_text(), "7\n", "myid")
        there = f"ZooKeeper data directory already exists at {zk.data} (or use --force to force re-initialization)\n"
        equal(zk.run("zkServer-initialize.sh")[:2], (1, there), "initialize again")
        (zk.data / "version-2" / "snapshot.0").touch()
        code, out, _ = zk.run("zkServer-initialize.sh", "--force", "--configfile", zk.cfg)
        equal(out.splitlines(), ["Force enabled, data/txnlog directories will be re-initialized",
                                 f"No myid provided, be sure to specify it in {zk.data}/myid if using non-standalone"], "initialize by force")
        equal([*(zk.data / "version-2").iterdir()], [], "what is left")
        for arguments, said in ((["-x"], "Unknown option: -x"), (["--help"], "usage: "), (["--configfile=none"], "Unable to find config")):
            code, out, _ = zk.run("zkServer-initialize.sh", *arguments)
            assert code == 1 and out.startswith(said), (arguments, out)


def old_files_are_removed_from_the_directories_of_the_configuration():
    with installed() as zk:
        logs = zk.home / "txns"
        zk.write(f"clientPort={zk.port}", f"dataLogDir={logs}")
        for directory, name in ((zk.data, "snapshot"), (logs, "log")):
            (directory / "version-2").mkdir(parents=True)
            for zxid in range(1, 6):
                shutil.copyfile(GOLDEN / "version-2" / "snapshot.0", directory / "version-2" / f"{name}.{zxid}")
        code, out, err = zk.run("zkCleanup.sh", "-n", "3")
        equal((code, out.count("Removing file: "), err), (0, 4, ""), f"cleanup said {out}")
        equal(sorted(path.name for path in (zk.data / "version-2").iterdir()), ["snapshot.3", "snapshot.4", "snapshot.5"], "snapshots")
        code, out, _ = zk.run("zkCleanup.sh")
        assert code == 1 and out.startswith("Usage:\nPurgeTxnLog"), out


def the_scripts_of_tools_start_their_tools():
    with installed() as zk:
        log, snapshot = GOLDEN / "version-2" / "log.1", GOLDEN / "version-2" / "snapshot.40"
        for script, arguments, said in (
                ("zkTxnLogToolkit.sh", ["-d", log], "ZooKeeper Transactional Log File with dbid "),
                ("zkSnapShotToolkit.sh", ["-d", snapshot], "ZNode Details (count="),
                ("zkSnapshotComparer.sh", ["-l", snapshot, "-r", snapshot, "-b", "1", "-n", "1"], "Successfully parsed options!"),
                ("zkSnapshotRecursiveSummaryToolkit.sh", [snapshot, "/", "0"], " /\n   children: ")):
            code, out, err = zk.run(script, *arguments)
            assert code == 0 and out.startswith(said) and not err, (script, code, out[:200], err)
        content = log.read_bytes()
        long = zk.home / "log.1"
        long.write_bytes(content[:16] + struct.pack(">qi", 0, 3_000_000))
        code, _, err = zk.run("zkTxnLogToolkit.sh", long)
        assert code == 1 and "Unreasonable length" in err, err
        code, out, _ = zk.run("zkTxnLogToolkit.sh", long, JVMFLAGS="-Djute.maxbuffer=2000000")
        assert code == 0 and out.endswith("EOF reached after 0 txns.\n"), out


def without_a_binary_the_scripts_say_what_to_do():
    with installed() as zk:
        (zk.scripts / "ironkeeper").unlink()
        code, out, err = zk.run("zkServer.sh", "start", PATH="/usr/bin:/bin")
        assert code == 1 and not out and "IRONKEEPER" in err, (code, out, err)


# Options as Kafka's zookeeper-server-start.sh gives them.
KAFKA = ["-Xmx128M", "-server", "-XX:+UseSerialGC", "-Djava.awt.headless=true", "-Dcom.sun.management.jmxremote=true",
         "-Dzookeeper.4lw.commands.whitelist=srvr,ruok"]


def _by_a_command_line_of_java(kind):
    home = rundir.new("java")
    if kind == OURS:
        program = home / "java"
        program.symlink_to(Path(paths.ironkeeper_binary()).resolve())
        start = [program, "-cp", "/kafka/libs/a.jar:/kafka/libs/b.jar"]
        code, out, err = processes.run([program, "-version"])
        assert code == 0 and not out and re.search(r' version "(\d+)', err), err
    else:
        start = java(APACHE[kind])
    port = ports.free()
    cfg = home / "zookeeper.properties"
    cfg.write_text(f"dataDir={home / 'data'}\nclientPort={port}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\nadmin.enableServer=false\n")
    child = processes.start([*start[:1], *KAFKA, *start[1:], MAIN, cfg], stdout=open(home / "log", "w", encoding="utf-8"), stderr=-2)
    try:
        wait_for(lambda: "\nMode: standalone" in _srvr(port), "the server serves")
        equal(four_letters(port, "ruok"), "imok", "a word that -D allows")
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(DEADLINE_S) in (0, 128 + signal.SIGTERM), child.returncode
    finally:
        processes.signal_group(child, signal.SIGKILL)
        processes.reap(child)
        rundir.remove(home)


CHECKS = [
    a_process_shows_its_class_and_the_path_of_its_configuration, a_start_that_fails_says_so, a_left_over_process_id_does_not_stop_a_start,
    a_left_over_process_id_that_is_another_processs_now_harms_nobody,
    a_server_in_the_foreground_is_the_shell_or_its_child, the_command_that_is_printed_starts_the_server,
    variables_say_where_the_configuration_is, variables_say_where_logs_and_the_process_id_go, two_files_of_the_operator_are_read,
    status_finds_the_port_in_all_places, status_says_what_it_has_not_found,
    a_word_is_asked_as_apaches_program_asks_it, status_asks_a_secure_port_as_the_client_that_is_set,
    without_its_directories_nothing_starts_where_that_is_set, who_asks_leaves_nothing_behind,
    an_unknown_verb_is_answered_with_the_usage, directories_are_initialised_once,
    old_files_are_removed_from_the_directories_of_the_configuration, the_scripts_of_tools_start_their_tools,
    without_a_binary_the_scripts_say_what_to_do,
]
