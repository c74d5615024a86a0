#!/bin/sh
# Makes compat-tests/.work: Apache ZooKeeper's class paths, the Go client program, a Python venv with kazoo.
# A part is made again only when its inputs change, so a second run takes no time.
# Missing tools are installed by apt-get where the user is root or has sudo without a password.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$here/.work
mkdir -p "$work"
# shellcheck source=setup-functions.sh
. "$here/setup-functions.sh"

# Prints the Debian packages whose tools are not here.
missing_packages() {
    command -v python3 >/dev/null 2>&1 || echo python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    { command -v java && command -v javac; } >/dev/null 2>&1 || echo default-jdk-headless
    command -v mvn >/dev/null 2>&1 || echo maven
    command -v go >/dev/null 2>&1 || echo golang-go
}

install_tools() {
    packages=$(missing_packages | tr '\n' ' ')
    [ -n "$packages" ] || return 0
    if ! may_install; then
        say "these tools are missing: $packages"
        say "install the packages of these names (Debian: apt-get install $packages) and run this again"
        exit 1
    fi
    say "installing $packages"
    as_root apt-get update -q >&2
    # shellcheck disable=SC2086  # one word per package
    as_root apt-get install -y -q --no-install-recommends $packages >&2
}

apache() {
    version=$1
    name=apache-$version
    unchanged "$name" "$here/java/pom.xml" && return 0
    say "fetching Apache ZooKeeper $version"
    rm -rf "$work/$name"
    mvn -q -B -f "$here/java/pom.xml" dependency:copy-dependencies \
        "-Dzookeeper.version=$version" "-DoutputDirectory=$work/$name/lib" "-DincludeScope=runtime" >&2
    stamp "$name" "$here/java/pom.xml"
}

go_client() {
    [ -f "$here/go/go.mod" ] || return 0
    unchanged go "$here"/go/* && return 0
    say "building the Go client program"
    (cd "$here/go" && go build -o "$work/goclient" .) >&2
    stamp go "$here"/go/*
}

python_venv() {
    unchanged venv "$here/kazoo/requirements.txt" && return 0
    say "making a Python venv with kazoo"
    rm -rf "$work/venv"
    python3 -m venv "$work/venv" >&2
    "$work/venv/bin/pip" install -q -r "$here/kazoo/requirements.txt" >&2
    stamp venv "$here/kazoo/requirements.txt"
}

install_tools
apache 3.9.5
apache 3.8.6 # the last 3.8 release whose poms are complete on Maven Central
go_client
python_venv
