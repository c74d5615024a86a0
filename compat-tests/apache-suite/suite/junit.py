"""Runs one test class in a JVM of its own and says what became of each test.

Knows JUnit's console launcher and its reports, and what Apache's own build gives to a test's JVM; nothing of what is
expected of a class.
"""

import queue
import re
import shutil
import signal
import socket
import subprocess
import time
from xml.etree import ElementTree

from ironlab import paths, processes, server

from . import tables

HERE = paths.COMPAT / "apache-suite"
WORK = paths.WORK / "apache-suite"
MODES = ("ironkeeper", "apache", "unmodified")
PACKAGE = "org.apache.zookeeper."

# Apache's PortAssignment divides the ports below 32768 among that many JVMs.
PORT_RANGES = 16

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class PortRanges:
    """Hands out the numbers of port ranges that no other run on this machine holds, by abstract sockets as locks."""

    def __init__(self, count):
        self._free = queue.SimpleQueue()
        self._locks = []
        for number in range(1, PORT_RANGES + 1):
            if len(self._locks) < count:
                self._try(number)
        if not self._locks:
            raise OSError("all port ranges are in use by other runs")

    def __enter__(self):
        return self

    def __exit__(self, *_failure):
        for lock in self._locks:
            lock.close()

    def __len__(self):
        return len(self._locks)

    def _try(self, number):
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0apache-suite-ports-{number}")
        except OSError:
            lock.close()
            return
        self._locks.append(lock)
        self._free.put(number)

    def take(self):
        return self._free.get()

    def give_back(self, number):
        self._free.put(number)


def run(test, mode, ports, limit_s, attempt=""):
    """Runs a class, or with #method behind its name only that, and returns its result as a dict that goes to JSON.

    `method` is empty where the whole class was run. `tests` lists name, outcome, message and seconds of each test; `error`
    says why there may be fewer than there should, else it is None. The directory `home` keeps the log and the servers' files until the class runs again.
    """
    name, _, method = test.partition("#")
    home = home_of(test + attempt, mode)
    shutil.rmtree(home, ignore_errors=True)
    _copy_data(home)
    (home / "tmp").mkdir()
    (home / "servers").mkdir()
    start = time.monotonic()
    error = _launch(_command(name, mode, ports, home, method), home, limit_s)
    tests = [test for report in sorted(home.glob("TEST-*.xml")) for test in _tests(report)]
    return {"class": name, "method": method, "mode": mode, "seconds": round(time.monotonic() - start, 1),
            "error": _what_is_missing(error, tests), "tests": tests}


def _copy_data(home):
    """Every class starts on data of its own. Logs of txns are long and nearly empty: holes stay holes, which is 190 MB less."""
    home.mkdir(parents=True)
    subprocess.run(["cp", "-R", "--sparse=always", f"{WORK / 'data'}/.", home / "data"], check=True)


def home_of(test, mode):
    """The directory of a run."""
    return WORK / "homes" / mode / test.replace("#", "-")


def _command(name, mode, ports, home, method):
    select = f"--select-method={PACKAGE}{name}#{method}" if method else f"--select-class={PACKAGE}{name}"
    return ["java", *_jvm_options(ports, home), *_harness_options(name, mode, home), "-cp", _class_path(mode),
            "org.junit.platform.console.ConsoleLauncher", "--disable-banner", "--disable-ansi-colors", "--details=tree",
            f"--reports-dir={home}", select]


def _jvm_options(ports, home):
    """What Apache's pom gives to a test's JVM, and what makes a JVM start faster."""
    return ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m", "-ea",
            f"-Dtest.junit.threads={PORT_RANGES}", f"-Dzookeeper.junit.threadid={ports}",
            f"-javaagent:{WORK / 'lib' / 'jmockit-1.48.jar'}", f"-Dbuild.test.dir={home / 'tmp'}",
            f"-Djava.io.tmpdir={home / 'tmp'}", f"-Dbasedir={home}", f"-Dtest.data.dir={home / 'data'}",
            f"-Dzookeeper.DigestAuthenticationProvider.superDigest={server.SUPER_DIGEST}",
            f"-Dlogback.configurationFile={HERE / 'logback.xml'}"]


def _harness_options(name, mode, home):
    if mode == "unmodified":
        return []
    options = [f"-Dsuite.server={mode}", f"-Dsuite.workdir={home / 'servers'}",
               f"-Dsuite.apache.classpath={WORK / 'lib'}/*"]
    options += [f"-D{row['property']}={row['value']}" for row in tables.properties() if row["class"] == name]
    if mode == "ironkeeper":
        options.append(f"-Dsuite.ironkeeper={_binary(name)}")
    return options


def _binary(name):
    """Classes that log in with tickets want the build that knows Kerberos."""
    return paths.kerberos_binary() if "Kerberos" in name else paths.ironkeeper_binary()


def _class_path(mode):
    libraries = f"{WORK / 'lib'}/*"
    if not (WORK / "lib").is_dir():
        raise FileNotFoundError(f"{WORK / 'lib'} is missing: run {HERE / 'setup.sh'}")
    return libraries if mode == "unmodified" else f"{WORK / 'classes'}:{libraries}"


def _launch(command, home, limit_s):
    """Runs the JVM to its end and returns what went wrong with it as a whole, or None."""
    with open(home / "test.log", "wb") as log:
        jvm = processes.start(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=home)
        try:
            code = jvm.wait(limit_s)
        except subprocess.TimeoutExpired:
            subprocess.run(["jcmd", str(jvm.pid), "Thread.print"], stdout=log, stderr=log, timeout=20, check=False)
            return f"took longer than {limit_s} s"
        finally:
            processes.signal_group(jvm, signal.SIGKILL)
            processes.reap(jvm)
    return None if code in (0, 1) else f"the JVM ended with code {code}"


def _tests(report):
    """The tests of one engine's report."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        outcome, message = _outcome(case)
        yield {"name": _name(case), "outcome": outcome, "message": message, "seconds": float(case.get("time"))}


def _name(case):
    """`method`, or `method[2]` for the second run of a method with parameters."""
    method, _, rest = case.get("name").partition("(")
    run = re.search(r"\[\d+\]$", rest)
    return method + (run[0] if run else "")


def _outcome(case):
    for tag, outcome in (("failure", FAILED), ("error", FAILED), ("skipped", SKIPPED)):
        found = case.find(tag)
        if found is not None:
            return outcome, _first_line(found)
    return PASSED, ""


def _first_line(element):
    kind = (element.get("type") or "").rpartition(".")[2]
    text = (element.get("message") or element.text or "").strip().splitlines()
    return f"{kind}: {text[0]}" if kind and text else kind or (text[0] if text else "")


def _what_is_missing(error, tests):
    if error is None and not tests:
        return "no test ran"
    return error
