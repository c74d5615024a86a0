#!/bin/sh
# Makes compat-tests/.work/apps: Kafka and Curator's discovery from Maven Central with our programs on them, and Debian's
# packages, which are unpacked and not installed: no service starts, nothing outside .work changes. ../setup.sh goes first.
# Arguments choose parts (kafka, discovery, debian); without any all are made. A part is made again when its inputs change.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$here/../.work/apps
mkdir -p "$work"
# shellcheck source=../setup-functions.sh
. "$here/../setup-functions.sh"

# java_app NAME: the class path in lib, our program in classes.
java_app() {
    name=$1
    unchanged "$name" "$here/java/$name"/* && return 0
    say "fetching $name"
    rm -rf "${work:?}/$name"
    mvn -q -B -f "$here/java/$name/pom.xml" dependency:copy-dependencies \
        "-DoutputDirectory=$work/$name/lib" "-DincludeScope=runtime" >&2
    javac -d "$work/$name/classes" -cp "$work/$name/lib/*" "$here/java/$name"/*.java >&2
    stamp "$name" "$here/java/$name"/*
}

# The packages named are always fetched, of their dependencies those that this machine does not have.
debian() {
    unchanged debian "$here/debian-packages" && return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        say "no apt-get here: patroni and clickhouse run on Debian 12 only; $0 kafka discovery makes the others"
        exit 1
    fi
    say "fetching Debian packages"
    if may_install; then as_root apt-get update -q >&2; fi
    rm -rf "$work/debian" "$work/archives"
    mkdir -p "$work/debian" "$work/archives/partial"
    # shellcheck disable=SC2046  # one word per package
    apt-get install -y -q --reinstall --download-only --no-install-recommends -o Debug::NoLocking=1 \
        -o "Dir::Cache::archives=$work/archives" -o APT::Sandbox::User=root $(cat "$here/debian-packages") >&2
    for package in "$work/archives"/*.deb; do dpkg -x "$package" "$work/debian"; done
    rm -rf "$work/archives"
    stamp debian "$here/debian-packages"
}

for part in "${@:-all}"; do
    case $part in
        kafka|discovery) java_app "$part" ;;
        debian) debian ;;
        all) java_app kafka; java_app discovery; debian ;;
        *) say "no part $part: choose from kafka, discovery, debian"; exit 1 ;;
    esac
done
