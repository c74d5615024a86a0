#!/usr/bin/env bash
# Removes all snapshots but the newest, and the logs behind them, of the directories that zoo.cfg names: -n COUNT, at least 3.
# Arguments and output are those of the script of the same name that comes with Apache ZooKeeper.

ZOOBINDIR="$(cd "$(dirname "${BASH_SOURCE-$0}")" && pwd)"
if [ -e "$ZOOBINDIR/../libexec/zkEnv.sh" ]; then
    . "$ZOOBINDIR/../libexec/zkEnv.sh"
else
    . "$ZOOBINDIR/zkEnv.sh"
fi

dataDir=$(value dataDir)
dataLogDir=$(value dataLogDir)
exec "$IRONKEEPER" purge ${dataLogDir:+"$dataLogDir"} "$dataDir" "$@"
