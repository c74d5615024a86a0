#!/bin/sh
# go-zookeeper's harness: SERVER_JVMFLAGS=... zkServer.sh start-foreground zoo.cfg
# It reads srvr with an old build date only: see old_build_date.c.
here=$(dirname "$0")
export LD_PRELOAD="$here/../../.work/client-suites/old_build_date.so"
exec python3 "$here/../launcher.py" "$@"
