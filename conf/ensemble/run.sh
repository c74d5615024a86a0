#!/usr/bin/env bash
# Runs the three servers of this directory with the binary that is named, data below ./data/ensemble, until Ctrl-C.
set -eu
cd "$(dirname "$0")/../.."
binary=$1

servers=()
stop() {
    trap - EXIT
    for server in "${servers[@]}"; do
        kill "$server" 2>/dev/null || true
    done
    wait
}
trap stop EXIT
trap 'exit 0' INT TERM

for id in 1 2 3; do
    mkdir -p "data/ensemble/$id"
    echo "$id" >"data/ensemble/$id/myid"
    "$binary" serve "conf/ensemble/zoo$id.cfg" 2> >(sed -u "s/^/server $id: /" >&2) &
    servers+=($!)
    echo "server $id: clients on 127.0.0.1:$(sed -n 's/^clientPort=//p' "conf/ensemble/zoo$id.cfg"), process $!"
done
echo "Ctrl-C ends all three"
wait "${servers[@]}"
