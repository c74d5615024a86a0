#!/usr/bin/env bash
# Prints, repairs or cuts a transaction log; -h lists the options.
# Arguments and output are those of the script of the same name that comes with Apache ZooKeeper.

ZOOBINDIR="$(cd "$(dirname "${BASH_SOURCE-$0}")" && pwd)"
if [ -e "$ZOOBINDIR/../libexec/zkEnv.sh" ]; then
    . "$ZOOBINDIR/../libexec/zkEnv.sh"
else
    . "$ZOOBINDIR/zkEnv.sh"
fi

exec "$IRONKEEPER" txnlog "$@"
