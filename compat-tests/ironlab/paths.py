"""Where things are in the project's tree. Knows nothing of what is done with them."""

import os
from pathlib import Path

COMPAT = Path(__file__).resolve().parent.parent
PROJECT = COMPAT.parent
WORK = COMPAT / ".work"
LOGBACK = COMPAT / "java" / "logback.xml"
GOLDEN = COMPAT / "golden"
GO_CLIENT = WORK / "goclient"
C_CLIENTS = {library: WORK / f"cclient-{library}" for library in ("mt", "st")}
NODE_MODULES = WORK / "node" / "node_modules"
PROMETHEUS = WORK / "prometheus" / "usr" / "bin"
C_TLS_CLIENT = WORK / "cclient-tls"
CLI_MT = Path("/usr/lib/zookeeper/bin/cli_mt")
JAVA_CLIENTS = WORK / "java-clients"
ADMIN_JARS = WORK / "apache-admin" / "lib"
JAVA_LOAD = WORK / "java-load"
JACKSON = WORK / "jackson" / "lib"
VENV_PYTHON = WORK / "venv" / "bin" / "python"

APACHE_39 = "3.9.5"
APACHE_38 = "3.8.6"

# Releases that are here as clients, and run as servers too: with what Apache ships beside them.
OLDER_SERVERS = {"apache-3.7": "3.7.2", "apache-3.6": "3.6.4", "apache-3.5": "3.5.10"}
_SHIPPED_BESIDE = ("metrics-core", "snappy-java")


def class_path(version):
    """The Java class path of one Apache release, as setup.sh has laid it out."""
    lib = WORK / f"apache-{version}" / "lib"
    if not lib.is_dir():
        raise FileNotFoundError(f"{lib} is missing: run {COMPAT / 'setup.sh'}")
    return f"{lib}/*"


def prometheus_class_path():
    """What Apache's metrics provider for Prometheus needs beside the server."""
    return f"{WORK / 'apache-prometheus' / 'lib'}/*"


def older_server_class_path(version):
    """The Java class path of a server of one of OLDER_SERVERS."""
    beside = [jar for name in _SHIPPED_BESIDE for jar in (WORK / f"apache-{APACHE_39}" / "lib").glob(f"{name}-*.jar")]
    return ":".join([client_class_path(version), *map(str, beside)])


def client_class_path(version):
    """The Java class path of a release of the ZooKeeper client; of those that are servers too, the server's."""
    own = WORK / f"client-{version}" / "lib"
    return f"{own}/*" if own.is_dir() else class_path(version)


def curator_class_path(version):
    """The Java class path of a release of Curator, behind that of the program compiled against it."""
    return f"{WORK / f'java-curator-{version}'}:{WORK / f'curator-{version}' / 'lib'}/*"


def ironkeeper_binary():
    """The binary under test: $IRONKEEPER, else the release build of this checkout."""
    return _built("ironkeeper", "IRONKEEPER")


def kerberos_binary():
    """The one with the feature gssapi: $IRONKEEPER_GSSAPI, else what `make kerberos` has built."""
    return _built("ironkeeper-gssapi", "IRONKEEPER_GSSAPI")


def histories_binary():
    """The program that drives and checks many sessions: $HISTORIES, else the release build of this checkout."""
    return _built("histories", "HISTORIES")


def _built(name, variable):
    target = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
    binary = Path(os.environ.get(variable, target / "release" / name))
    if not binary.is_file():
        raise FileNotFoundError(f"{binary} is missing: run cargo build --release")
    return binary
