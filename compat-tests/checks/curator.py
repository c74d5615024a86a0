"""The programs of `java/curator/`: Curator's recipes, also over a restart of the server."""

from functools import partial

from ironlab import driven, javaclient, paths, table
from ironlab.server import Server

NAME = "curator"
PROPERTIES = {"zookeeper.extendedTypesEnabled": "true", "znode.container.checkIntervalMs": "100"}

# The main class for each release; 5.9.0 runs all that 4.3.0 does.
MAIN_CLASSES = {"4.3.0": "Recipes", "5.9.0": "RecipesOf5"}

CLIENTS = [table.Client(f"curator {version}", "Java: Curator", version, "`java/curator/`: its recipes, restarts amid them")
           for version in MAIN_CLASSES]


def tasks(report, kind):
    return [partial(_run, report, kind, version) for version in MAIN_CLASSES]


def _run(report, kind, version):
    with Server(kind, "tickTime=2000", PROPERTIES) as server:
        driven.run(report, f"curator {version}", server, _command(server, version))


def _command(server, version):
    return [*javaclient.quiet_java(), "-cp", paths.curator_class_path(version), f"compat.{MAIN_CLASSES[version]}",
            server.address, f"/curator-{version}"]
