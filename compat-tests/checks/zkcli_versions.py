"""Apache's zkCli of every release says the same to a server as to Apache 3.9.5, over NIO and over Netty.

The sessions of one release follow each other on one server, so that zxids must be equal throughout.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

from checks import zkcli
from ironlab import javaclient, table
from ironlab.server import Server

NAME = "zkcli_versions"
SCRIPT = Path(__file__).with_suffix(".txt")

CLIENTS = [table.Client(f"zkcli {client}", "Java: zkCli", str(client), "`checks/zkcli_versions.txt`, line by line")
           for version in javaclient.VERSIONS for client in javaclient.all_of(version)]


def tasks(report, kind):
    return [partial(_run, report, kind, version) for version in javaclient.VERSIONS]


def _run(report, kind, version):
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(_oracle, version)
        ours = _transcripts(kind, version)
    for client, expected in theirs.result().items():
        zkcli.compare(report, f"zkcli {client}", kind, expected, ours[client])


@cache
def _oracle(version):
    """Played once for all subjects of a run."""
    return _transcripts(zkcli.ORACLE, version)


def _transcripts(kind, version):
    with Server(kind, "tickTime=2000", zkcli.PROPERTIES) as server:
        return {client: zkcli.play(server, SCRIPT, client) for client in javaclient.all_of(version)}
