"""kazoo's tests under pytest, a process for each of its files."""

import xml.etree.ElementTree as ElementTree

from ironlab import paths, ports, processes

from . import FAILED, PASSED, SKIPPED, Outcome, run_process

NAME = "kazoo"
LIBRARY = "kazoo"
VERSION = "2.11.0"

PYTHON = paths.WORK / "client-suites" / "venv" / "bin" / "python"
# As in kazoo's own pyproject.toml, which is not published with its tests.
TEST_TIMEOUT_S = 180
TIMEOUT_S = 1500

# The client itself; its recipes have tests of ours, and the other files start the same client in other libraries' threads.
QUICK = {"test_client.py", "test_connection.py", "test_watchers.py", "test_lock.py"}

# kazoo starts its servers on ports from an offset upwards, ten for each.
SERVERS_OF = {"apache": 3, "apache-reduced": 1, "ironkeeper": 1}
PORTS_OF_SERVER = 10


def tests():
    """All tests as FILE::CLASS::METHOD."""
    code, out, err = processes.run([*_pytest(), "--collect-only", "-q", _directory()], cwd=paths.WORK,
                                   env=_environment("apache", 0))
    if code:
        raise RuntimeError(f"pytest does not find kazoo's tests: {out[-2000:]}{err[-2000:]}")
    return [line.strip() for line in out.splitlines() if "::" in line]


def group(test):
    """The file."""
    return test.partition("::")[0]


def is_quick(test):
    """Is it part of make test?"""
    return group(test) in QUICK


def run(_file, names, server, home):
    """Runs tests of one file."""
    results = home / "results.xml"
    argv = [*_pytest(), "-ra", "-v", f"--timeout={TEST_TIMEOUT_S}", f"--junitxml={results}",
            *(f"{_directory()}/{name}" for name in names)]
    count = SERVERS_OF[server] * PORTS_OF_SERVER
    code = run_process(argv, server, home, TIMEOUT_S, _environment(server, ports.free_block(count)))
    found = _outcomes(results) if results.exists() else {}
    return {name: found.get(name, Outcome(FAILED, 0, f"no verdict, exit code {code}")) for name in names}


def _directory():
    (directory,) = (PYTHON.parent.parent / "lib").glob("python3.*/site-packages/kazoo/tests")
    return directory


def _pytest():
    return [PYTHON, "-W", "ignore", "-m", "pytest", "-p", "no:cacheprovider", f"--rootdir={_directory()}"]


def _environment(server, port):
    """CI is what kazoo's own runs have: it makes one more test run, and another wait until a write is everywhere."""
    return {"CI": "true", "ZOOKEEPER_VERSION": paths.APACHE_39, "ZOOKEEPER_CLASSPATH": paths.class_path(paths.APACHE_39),
            "ZOOKEEPER_CLUSTER_SIZE": str(SERVERS_OF[server]), "ZOOKEEPER_PORT_OFFSET": str(port)}


def _outcomes(results):
    """Of JUnit's file. A test that fails and whose tearDown then breaks stands there twice: the worse counts."""
    outcomes = {}
    for case in ElementTree.parse(results).iter("testcase"):
        file, *classes = case.get("classname").split(".")
        name = "::".join([f"{file}.py", *classes, case.get("name")])
        outcome = _outcome(case)
        if name not in outcomes or outcome.outcome == FAILED:
            outcomes[name] = outcome
    return outcomes


def _outcome(case):
    seconds = float(case.get("time"))
    for tag, outcome in (("failure", FAILED), ("error", FAILED), ("skipped", SKIPPED)):
        if (found := case.find(tag)) is not None:
            return Outcome(outcome, seconds, " ".join(found.get("message", "").split()))
    return Outcome(PASSED, seconds)
