#!/bin/sh
# Makes compat-tests/.work: Apache ZooKeeper's class paths, the Go and C client programs, a Python venv with kazoo, the
# Node client.
# A part is made again only when its inputs change, so a second run takes no time.
# Missing tools are installed by apt-get where the user is root or has sudo without a password.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$here/.work
mkdir -p "$work"

say() { echo "setup: $*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"
    else sudo -n env DEBIAN_FRONTEND=noninteractive "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
}

# Prints the Debian packages whose tools are not here.
missing_packages() {
    command -v python3 >/dev/null 2>&1 || echo python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    { command -v java && command -v javac; } >/dev/null 2>&1 || echo default-jdk-headless
    command -v mvn >/dev/null 2>&1 || echo maven
    command -v go >/dev/null 2>&1 || echo golang-go
    command -v npm >/dev/null 2>&1 || echo npm
    command -v cc >/dev/null 2>&1 || echo gcc libc6-dev
    [ -f /usr/include/zookeeper/zookeeper.h ] || echo libzookeeper-mt-dev
    ls /usr/lib/*/libzookeeper_mt.so.2 >/dev/null 2>&1 || echo libzookeeper-mt2
    ls /usr/lib/*/libzookeeper_st.so.2 >/dev/null 2>&1 || echo libzookeeper-st2
    [ -x /usr/lib/zookeeper/bin/cli_mt ] || echo zookeeper-bin
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

# unchanged NAME FILE...: true when NAME was made from exactly these files.
unchanged() {
    name=$1; shift
    [ -f "$work/$name.stamp" ] && [ "$(cat "$@" | cksum)" = "$(cat "$work/$name.stamp")" ]
}

stamp() {
    name=$1; shift
    cat "$@" | cksum >"$work/$name.stamp"
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

# The two libraries' headers are the same, and their -dev packages cannot be installed side by side: hence -l:.
c_client() {
    unchanged c "$here"/c/* && return 0
    say "building the C client programs"
    cc -std=gnu11 -O1 -Wall -Wextra -DTHREADED -o "$work/cclient-mt" "$here"/c/*.c -l:libzookeeper_mt.so.2 -lpthread >&2
    cc -std=gnu11 -O1 -Wall -Wextra -o "$work/cclient-st" "$here"/c/*.c -l:libzookeeper_st.so.2 >&2
    stamp c "$here"/c/*
}

node_client() {
    unchanged node "$here"/node/package*.json && return 0
    say "fetching the Node client"
    rm -rf "$work/node"
    mkdir "$work/node"
    cp "$here"/node/package*.json "$work/node"
    (cd "$work/node" && npm ci --no-audit --no-fund --loglevel error) >&2
    stamp node "$here"/node/package*.json
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
c_client
node_client
python_venv
