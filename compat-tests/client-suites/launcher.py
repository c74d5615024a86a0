"""Starts the server under test in the place where a client's own test suite starts Apache's.

kazoo calls `java ... QuorumPeerMain zoo.cfg`, go-zookeeper `zkServer.sh start-foreground zoo.cfg`; bin/ holds programs of
these names, and both come here. The server takes the place of this process, so that signals and exit codes are its own,
and it dies with the process that asked for it. $CLIENT_SUITES_SERVER says which server: one of `SERVERS`.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from ironlab import paths, server  # noqa: E402 - ironlab is found by the line above

BIN = HERE / "bin"
VARIABLE = "CLIENT_SUITES_SERVER"
REDUCED = "apache-reduced"
SERVERS = ("apache", REDUCED, "ironkeeper")
MAIN_CLASS = "org.apache.zookeeper.server.quorum.QuorumPeerMain"

# Neither suite names an address; each port that a zoo.cfg asks for is bound to this one.
LOOPBACK = "127.0.0.1"
ADDRESS_OF = {
    "clientPort": "clientPortAddress",
    "secureClientPort": "secureClientPortAddress",
    "admin.serverPort": "admin.serverAddress",
}

PR_SET_PDEATHSIG = 1
EXIT_CODE_OF_REFUSAL = 2


def main(flags, cfg):
    """Becomes the server on the file `cfg`, with the -D arguments of `flags`."""
    kind = os.environ[VARIABLE]
    reduced = kind != "apache"
    left_out = set(read_table("left-out.tsv")) if reduced else set()
    lines = [line for line in Path(cfg).read_text().splitlines() if _key(line) not in left_out]
    if kind == REDUCED and sum(_key(line).startswith("server.") for line in lines) > 1:
        print(f"{cfg}: an ensemble, which {kind} does not start", file=sys.stderr)
        sys.exit(EXIT_CODE_OF_REFUSAL)
    # In place: Apache writes the file anew when an ensemble is reconfigured, and is started with it again.
    Path(cfg).write_text("\n".join([*lines, *_missing_addresses(lines)]) + "\n")
    flags = [flag for flag in flags if flag.startswith("-D") and _key(flag[2:]) not in left_out]
    _die_with_parent()
    os.environ["PATH"] = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if Path(p) != BIN)
    command = [str(word) for word in _command(kind, flags, cfg)]
    os.execvp(command[0], command)


def read_table(name):
    """The first two columns of a table of this directory; its first line names the columns."""
    rows = (line.split("\t") for line in (HERE / name).read_text().splitlines()[1:])
    return {row[0]: row[1] for row in rows}


def _command(kind, flags, cfg):
    if kind == "ironkeeper":
        return [paths.ironkeeper_binary(), "serve", *flags, cfg]  # it reads $SERVER_JVMFLAGS itself
    flags = [*os.environ.get("SERVER_JVMFLAGS", "").split(), *flags]
    return [*server.java(paths.APACHE_39, *flags), MAIN_CLASS, cfg]


def _key(line):
    return line.partition("=")[0].strip()


def _missing_addresses(lines):
    keys = {_key(line) for line in lines}
    return [f"{address}={LOOPBACK}" for port, address in ADDRESS_OF.items() if port in keys and address not in keys]


def _die_with_parent():
    """SIGKILL when the parent ends; exec keeps it so."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:-1], sys.argv[-1])
