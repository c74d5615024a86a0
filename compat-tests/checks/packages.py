"""The Debian package, installed in a copy of this machine's file system, started by its unit's command, removed and purged; and the image's
entry script, run without a container. packages-setup.sh must have been run before.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from ironlab import paths, ports, processes, rundir
from ironlab.members import Members
from ironlab.report import equal
from ironlab.server import four_letters

NAME = "packages"
OURS = "ironkeeper"
DEADLINE_S = 40
CARGO_DEB = paths.WORK / "cargo-deb" / "bin" / "cargo-deb"
UNIT = "/usr/lib/systemd/system/zookeeper.service"
# Where an operator of Debian's package looks.
DEBIANS_PATHS = [
    "/etc/default/zookeeper", "/etc/zookeeper/conf/zoo.cfg", UNIT, "/usr/bin/ironkeeper",
    *[f"/usr/share/zookeeper/bin/{name}.sh" for name in ("zkCleanup", "zkEnv", "zkServer", "zkServer-initialize", "zkSnapShotToolkit",
                                                         "zkSnapshotComparer", "zkSnapshotRecursiveSummaryToolkit", "zkTxnLogToolkit")],
    "/usr/share/man/man1/ironkeeper.1.gz", "/usr/share/bash-completion/completions/ironkeeper",
]


def run(report, kind):
    if kind != OURS:
        return  # Apache publishes no package and its image needs an engine
    report.run(NAME, kind, IMAGE_CHECKS)
    with report.guard(NAME, kind):
        home = rundir.new("package").resolve()
        try:
            deb = _built(home)
            with Machine(home) as machine:
                report.run(NAME, kind, PACKAGE_CHECKS, machine, deb)
        finally:
            rundir.remove(home)


# --- The package

def _binary():
    """The one that the package is made of: with Kerberos, unless another one is under test."""
    try:
        return paths.ironkeeper_binary() if os.environ.get("IRONKEEPER") else paths.kerberos_binary()
    except FileNotFoundError:
        return paths.ironkeeper_binary()


def _built(home):
    if not CARGO_DEB.exists():
        raise FileNotFoundError(f"{CARGO_DEB} is missing: run {paths.COMPAT / 'packages-setup.sh'}")
    script = paths.PROJECT / "packaging" / "build-deb.sh"
    code, out, err = processes.run([script, _binary(), home], 300, env={**os.environ, "CARGO_DEB": str(CARGO_DEB)})
    assert code == 0, f"{out}\n{err}"
    (deb,) = home.glob("*.deb")
    return deb


class Machine:
    """A copy of this machine's files in which anything may be installed: what is written goes to a directory of its own."""

    def __init__(self, home):
        self.home = home
        self.root = home / "root"
        self.port = ports.free()

    def __enter__(self):
        for name in ("upper", "work", "root"):
            (self.home / name).mkdir()
        script = f"""
            mount -t tmpfs none {self.home}/upper && mkdir {self.home}/upper/up {self.home}/upper/work
            mount -t overlay overlay -o lowerdir=/,upperdir={self.home}/upper/up,workdir={self.home}/upper/work {self.root}
            mount --rbind /dev {self.root}/dev && mount -t proc proc {self.root}/proc
            chmod 755 {self.root}
            echo ready; exec cat"""
        command = ["unshare", "--mount", "--propagation", "private", "bash", "-ec", script]
        self._holder = processes.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._holder.stdout.readline()
        assert line == "ready\n", "no file system of its own can be made: this needs root and overlayfs"
        return self

    def __exit__(self, *_failure):
        processes.signal_group(self._holder, signal.SIGKILL)
        processes.reap(self._holder)
        self._holder.stdin.close()
        self._holder.stdout.close()

    def within(self, *command):
        return ["nsenter", "-t", str(self._holder.pid), "--mount", "chroot", self.root, *command]

    def run(self, *command):
        """The output of a command there, which must succeed."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        code, out, err = processes.run(self.within(*command), 120, env=environment)
        assert code == 0, f"{command}: exit code {code}\n{out}\n{err}"
        return out

    def sh(self, script):
        return self.run("bash", "-c", script)

    def write(self, path, text):
        self.run("bash", "-c", 'printf %s "$1" > "$0"', path, text)

    def files(self):
        """Everything that has to do with the package, but for what dpkg and systemd note down themselves."""
        found = self.sh(r"find /etc /usr /var -xdev \( -ipath '*zookeeper*' -o -ipath '*ironkeeper*' \) "
                        r"-not -path '/var/lib/dpkg/*' -not -path '*/compat-tests/*' | sort")
        return found.splitlines()


def the_package_has_the_paths_of_debians_own(_machine, deb):
    out = processes.run(["dpkg-deb", "--contents", deb])[1]
    files = {line.split()[5].lstrip(".") for line in out.splitlines()}
    equal([path for path in DEBIANS_PATHS if path not in files], [], "missing")
    out = processes.run(["dpkg-deb", "--field", deb])[1]
    for line in ("Conflicts: zookeeper, zookeeperd", "Provides: zookeeper, zookeeperd"):
        assert line in out, out
    depends = re.search(r"(?m)^Depends: (.*)$", out)[1]
    assert "libc6" in depends and ("gssapi" not in _binary().name or "libgssapi-krb5-2" in depends), depends


def it_is_installed_with_its_user_and_directories(machine, deb):
    machine.before = machine.files()
    machine.run("cp", deb, "/tmp/ironkeeper.deb")
    machine.run("dpkg", "--install", "/tmp/ironkeeper.deb")
    equal(machine.sh("stat -c '%U %a' /var/lib/zookeeper /var/log/zookeeper"), "zookeeper 750\n" * 2, "directories")
    equal(machine.sh("readlink /etc/systemd/system/multi-user.target.wants/zookeeper.service").strip().endswith("/zookeeper.service"), True,
          "the unit is enabled")


def its_unit_passes_systemds_check(machine, _deb):
    equal(machine.sh(f"systemd-analyze verify --man=no {UNIT} 2>&1"), "", "what systemd-analyze says")


class _Systemd:
    """The socket on which systemd hears of a service, where the machine's processes find it: /dev is the same for all."""

    def __init__(self, machine):
        self.path = f"/dev/shm/ironkeeper-{os.getpid()}-{machine.port}"

    def __enter__(self):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self._socket.settimeout(DEADLINE_S)
        return self

    def hear(self):
        return self._socket.recv(4096).decode()

    def __exit__(self, *_failure):
        self._socket.close()
        os.unlink(self.path)


def its_server_starts_by_the_units_command_and_tells_systemd(machine, _deb):
    machine.sh(f"sed -i -e 's/^clientPort=.*/clientPort={machine.port}/' -e '$aclientPortAddress=127.0.0.1' "
               "-e '$aadmin.enableServer=false' /etc/zookeeper/conf/zoo.cfg")
    unit = dict(re.findall(r"(?m)^(\w+)=(.*)$", machine.run("cat", UNIT)))
    equal((unit["Type"], unit["User"], unit["EnvironmentFile"]), ("notify", "zookeeper", "-/etc/default/zookeeper"), "the unit")
    machine.write("/etc/default/zookeeper", "SERVER_JVMFLAGS=-Dzookeeper.4lw.commands.whitelist=ruok,srvr\nJAVA_OPTS=-Xmx1g\n")
    with _Systemd(machine) as systemd:
        script = (f"set -a; . /etc/default/zookeeper; NOTIFY_SOCKET={systemd.path}; WATCHDOG_USEC=600000; set +a; "
                  f"exec setpriv --reuid {unit['User']} --regid {unit['Group']} --clear-groups {unit['ExecStart']}")
        server = processes.start(machine.within("bash", "-c", script), stdout=open(machine.home / "log", "w", encoding="utf-8"), stderr=-2)
        try:
            said = systemd.hear()
            assert said.startswith("READY=1\nSTATUS=listens on "), said
            assert "Mode: standalone" in four_letters(machine.port, "srvr"), "it does not serve"
            equal(four_letters(machine.port, "ruok"), "imok", "a word that the file of variables allows")
            equal([systemd.hear() for _ in range(2)], ["WATCHDOG=1\n"] * 2, "what the watchdog hears")
            said = machine.run("/usr/share/zookeeper/bin/zkServer.sh", "status")
            equal(said.splitlines()[-1], "Mode: standalone", "status by the script")
            processes.signal_group(server, signal.SIGTERM)
            while (said := systemd.hear()) == "WATCHDOG=1\n":
                pass
            equal(said, "STOPPING=1\n", "the end")
            equal(server.wait(DEADLINE_S), 0, "exit code")
        finally:
            processes.signal_group(server, signal.SIGKILL)
            processes.reap(server)


def its_manual_and_completions_can_be_read(machine, _deb):
    page = machine.sh("zcat /usr/share/man/man1/ironkeeper.1.gz")
    assert page.count(".TH ") == 1 and ".SH \"EXIT STATUS\"" in page.replace(".SH EXIT STATUS", '.SH "EXIT STATUS"'), page
    completed = machine.sh("""source /usr/share/bash-completion/completions/ironkeeper
        COMP_WORDS=(ironkeeper snapshot-c) COMP_CWORD=1; _ironkeeper ironkeeper snapshot-c ironkeeper; echo "${COMPREPLY[@]}" """)
    equal(completed, "snapshot-compare\n", "what bash completes")


def a_removed_package_leaves_settings_and_data(machine, _deb):
    machine.run("dpkg", "--remove", "ironkeeper")
    left = [path for path in machine.files() if path not in machine.before]
    assert "/etc/zookeeper/conf/zoo.cfg" in left and "/var/lib/zookeeper/version-2/snapshot.0" in left, left
    gone = [path for path in left if path.startswith("/usr/")]
    equal(gone, [], "what is left of it")


def a_purged_package_leaves_data_alone(machine, _deb):
    machine.run("dpkg", "--purge", "ironkeeper")
    left = [path for path in machine.files() if path not in machine.before]
    equal([path for path in left if not path.startswith("/var/lib/zookeeper")], [], "what is left of it")
    assert "/var/lib/zookeeper/version-2/snapshot.0" in left, left
    machine.run("rm", "-r", "/var/lib/zookeeper")
    machine.run("dpkg", "--install", "/tmp/ironkeeper.deb")
    machine.run("dpkg", "--purge", "ironkeeper")
    equal([path for path in machine.files() if path not in machine.before], [], "what is left where there was no data")


PACKAGE_CHECKS = [
    the_package_has_the_paths_of_debians_own, it_is_installed_with_its_user_and_directories, its_unit_passes_systemds_check,
    its_server_starts_by_the_units_command_and_tells_systemd, its_manual_and_completions_can_be_read,
    a_removed_package_leaves_settings_and_data, a_purged_package_leaves_data_alone,
]


# --- The image

DOCKER = paths.PROJECT / "docker"
# The variables of the official image with their defaults, directories left out.
OFFICIAL = {
    "ZOO_TICK_TIME": "2000", "ZOO_INIT_LIMIT": "5", "ZOO_SYNC_LIMIT": "2", "ZOO_AUTOPURGE_PURGEINTERVAL": "0",
    "ZOO_AUTOPURGE_SNAPRETAINCOUNT": "3", "ZOO_MAX_CLIENT_CNXNS": "60", "ZOO_STANDALONE_ENABLED": "true", "ZOO_ADMINSERVER_ENABLED": "true",
}
DIRECTORIES = {"ZOO_CONF_DIR": "conf", "ZOO_DATA_DIR": "data", "ZOO_DATA_LOG_DIR": "datalog", "ZOO_LOG_DIR": "logs"}
USER = 1000


class Container:
    """What the image's command starts with, below a directory instead of /."""

    def __init__(self, **variables):
        self.home = rundir.new("container").resolve()
        places = {name: str(self.home / place) for name, place in DIRECTORIES.items()}
        scripts = self.home / "bin"
        shutil.copytree(paths.PROJECT / "bin", scripts)
        shutil.copy(paths.ironkeeper_binary(), scripts / "ironkeeper")
        for place in places.values():
            Path(place).mkdir()
        self.environment = {**places, **OFFICIAL, "ZOOCFGDIR": places["ZOO_CONF_DIR"], "USER": "zookeeper",
                            "PATH": f"{self.home}/stubs:{scripts}:{os.environ['PATH']}", **variables}
        self._child = None
        for path in [self.home, *self.home.rglob("*")]:
            os.chown(path, USER, USER)

    def start(self, *command, root=False):
        self.log = open(self.home / "container.log", "w", encoding="utf-8")
        shutil.copy(DOCKER / "docker-entrypoint.sh", self.home)
        as_user = [] if root else ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups"]
        self._child = processes.start([*as_user, self.home / "docker-entrypoint.sh", *command], stdout=self.log, stderr=-2,
                                      cwd=self.home, env=self.environment)
        return self._child

    def run(self, *command, **options):
        code = self.start(*command, **options).wait(DEADLINE_S)
        self.log.close()
        return code, (self.home / "container.log").read_text()

    def zoo_cfg(self):
        return (self.home / "conf" / "zoo.cfg").read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        if self._child:
            processes.signal_group(self._child, signal.SIGKILL)
            processes.reap(self._child)
            self.log.close()
        rundir.remove(self.home)


def _wait_for(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_S} s: {what}"
        time.sleep(0.02)


def _mode(port):
    try:
        found = re.search(r"\nMode: (\w+)\n", four_letters(port, "srvr", 2))
    except OSError:
        return None
    return found and found[1]


def an_entry_without_settings_makes_the_official_images_configuration():
    with Container() as container:
        equal(container.run("true"), (0, ""), "the entry")
        home = container.home
        equal(container.zoo_cfg().splitlines(), [
            f"dataDir={home}/data", f"dataLogDir={home}/datalog", "tickTime=2000", "initLimit=5", "syncLimit=2",
            "autopurge.snapRetainCount=3", "autopurge.purgeInterval=0", "maxClientCnxns=60", "standaloneEnabled=true",
            "admin.enableServer=true", "server.1=localhost:2888:3888;2181"], "zoo.cfg")
        equal((home / "data" / "myid").read_text(), "1\n", "myid")


def what_is_there_already_is_left_alone():
    with Container(ZOO_MY_ID="5") as container:
        (container.home / "conf" / "zoo.cfg").write_text("mine\n")
        (container.home / "data" / "myid").write_text("3\n")
        equal(container.run("true"), (0, ""), "the entry")
        equal((container.zoo_cfg(), (container.home / "data" / "myid").read_text()), ("mine\n", "3\n"), "zoo.cfg and myid")


def three_containers_are_an_ensemble():
    members = Members([1, 2, 3])
    clients = {sid: ports.free() for sid in members.sids}
    lines = " ".join(f"server.{sid}=127.0.0.1:{members.quorum_ports[sid]}:{members.election_ports[sid]};127.0.0.1:{port}"
                     for sid, port in clients.items())
    variables = {"ZOO_SERVERS": lines, "ZOO_ADMINSERVER_ENABLED": "false", "ZOO_4LW_COMMANDS_WHITELIST": "srvr, ruok, conf".replace(" ", ""),
                 "ZOO_CFG_EXTRA": "maxSessionTimeout=55000 snapCount=5000", "ZOO_INIT_LIMIT": "20",
                 "JVMFLAGS": "-Dzookeeper.forceSync=no"}
    containers = [Container(ZOO_MY_ID=str(sid), **variables) for sid in clients]
    try:
        children = [container.start("zkServer.sh", "start-foreground") for container in containers]
        _wait_for(lambda: all(_mode(port) for port in clients.values()), "all serve")
        equal(sorted(_mode(port) for port in clients.values()), ["follower", "follower", "leader"], "modes")
        equal({four_letters(port, "ruok") for port in clients.values()}, {"imok"}, "a word that is allowed")
        for sid, port in clients.items():
            conf = four_letters(port, "conf").splitlines()
            equal([line for line in ("maxSessionTimeout=55000", "initLimit=20", f"serverId={sid}", "maxClientCnxns=60") if line not in conf],
                  [], "settings that the servers have not")
        for child in children:
            os.kill(child.pid, signal.SIGTERM)  # as an engine does: to the first process alone
        equal([child.wait(DEADLINE_S) for child in children], [0, 0, 0], "exit codes")
    finally:
        for container in containers:
            container.__exit__()


def root_is_given_up_for_the_server_alone():
    with Container() as container:
        stubs = container.home / "stubs"
        stubs.mkdir()
        for name, script in (("chown", 'echo "chown $*"'), ("gosu", 'echo "gosu $1 $3 $4"')):
            (stubs / name).write_text(f"#!/bin/sh\n{script}\n")
            (stubs / name).chmod(0o755)
        code, out = container.run("zkServer.sh", "start-foreground", root=True)
        equal(code, 0, out)
        home = container.home
        equal(out.splitlines(), [f"chown -R zookeeper {home}/data {home}/datalog {home}/logs {home}/conf",
                                 "gosu zookeeper zkServer.sh start-foreground"], "what is done as root")
        assert not (home / "conf" / "zoo.cfg").exists(), "it went on"
        (home / "container.log").unlink()
        equal(container.run("id", "-u", root=True), (0, "0\n"), "another command")


def the_image_has_the_contract_of_the_official_one():
    dockerfile = (DOCKER / "Dockerfile").read_text()
    variables = dict(re.findall(r"(ZOO\w+)=(\S+)", dockerfile))
    equal(variables, {**OFFICIAL, **{name: f"/{place}" for name, place in DIRECTORIES.items()}, "ZOOCFGDIR": "/conf"}, "variables")
    for line in ('VOLUME ["/data", "/datalog", "/logs"]', "EXPOSE 2181 2888 3888 8080", 'ENTRYPOINT ["/docker-entrypoint.sh"]',
                 'CMD ["zkServer.sh", "start-foreground"]', "--uid=1000", "netcat-openbsd"):
        assert line in dockerfile, f"no {line}"
    read = set(re.findall(r"\$\{?(ZOO_\w+)", (DOCKER / "docker-entrypoint.sh").read_text()))
    compose = (DOCKER / "compose.yaml").read_text()
    equal(set(re.findall(r"(ZOO_\w+):", compose)) - read, set(), "variables of compose.yaml that the entry does not read")
    for source in re.findall(r"(?m)^COPY (?!--from)(\S+) /", dockerfile):
        assert (paths.PROJECT / source).exists(), source


IMAGE_CHECKS = [
    an_entry_without_settings_makes_the_official_images_configuration, what_is_there_already_is_left_alone, three_containers_are_an_ensemble,
    root_is_given_up_for_the_server_alone, the_image_has_the_contract_of_the_official_one,
]
