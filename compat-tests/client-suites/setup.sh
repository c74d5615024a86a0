#!/bin/sh
# Makes compat-tests/.work/client-suites: go-zookeeper's tests as a program, a library that they need below a server, and a
# Python venv with kazoo and its tests. The suites come as they were published, by Go's module proxy and by PyPI.
# ../setup.sh goes first.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$here/../.work/client-suites
mkdir -p "$work"
# shellcheck source=../setup-functions.sh
. "$here/../setup-functions.sh"

# The version is that of the Go client program.
go_suite() {
    unchanged go "$here"/../go/go.* && return 0
    say "building go-zookeeper's tests"
    (cd "$here/../go" && go test -c -o "$work/zk.test" github.com/go-zookeeper/zk) >&2
    stamp go "$here"/../go/go.*
}

old_build_date() {
    unchanged old_build_date "$here/old_build_date.c" && return 0
    say "building old_build_date.so"
    cc -std=gnu11 -O1 -Wall -Wextra -shared -fPIC -o "$work/old_build_date.so" "$here/old_build_date.c" >&2
    stamp old_build_date "$here/old_build_date.c"
}

kazoo_suite() {
    unchanged kazoo "$here/requirements.txt" && return 0
    say "making a Python venv with kazoo's tests"
    rm -rf "$work/venv"
    python3 -m venv "$work/venv" >&2
    "$work/venv/bin/pip" install -q -r "$here/requirements.txt" >&2
    stamp kazoo "$here/requirements.txt"
}

go_suite
old_build_date
kazoo_suite
