#!/usr/bin/env bash
# Counts and sizes of a snapshot: SNAPSHOT ZNODE DEPTH.
# Arguments and output are those of the script of the same name that comes with Apache ZooKeeper.

ZOOBINDIR="$(cd "$(dirname "${BASH_SOURCE-$0}")" && pwd)"
if [ -e "$ZOOBINDIR/../libexec/zkEnv.sh" ]; then
    . "$ZOOBINDIR/../libexec/zkEnv.sh"
else
    . "$ZOOBINDIR/zkEnv.sh"
fi

exec "$IRONKEEPER" snapshot-summary "$@"
