#!/bin/sh
# Makes compat-tests/.work: the class paths of Apache ZooKeeper and its metrics provider, of older clients and of Curator; the
# Java, Go, C and Node client programs; a Python venv with kazoo; Prometheus.
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
    [ -f "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))' 2>/dev/null)/Python.h" ] || echo python3-dev
    { command -v java && command -v javac; } >/dev/null 2>&1 || echo default-jdk-headless
    command -v mvn >/dev/null 2>&1 || echo maven
    command -v go >/dev/null 2>&1 || echo golang-go
    command -v npm >/dev/null 2>&1 || echo npm
    command -v cc >/dev/null 2>&1 || echo gcc libc6-dev
    command -v openssl >/dev/null 2>&1 || echo openssl
    nc -h 2>&1 | grep -q OpenBSD || echo netcat-openbsd
    [ -f /usr/include/zookeeper/zookeeper.h ] || echo libzookeeper-mt-dev
    ls /usr/lib/*/libzookeeper_mt.so.2 >/dev/null 2>&1 || echo libzookeeper-mt2
    ls /usr/lib/*/libzookeeper_st.so.2 >/dev/null 2>&1 || echo libzookeeper-st2
    [ -x /usr/lib/zookeeper/bin/cli_mt ] || echo zookeeper-bin
    [ -f /usr/include/openssl/ssl.h ] || echo libssl-dev
    ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || echo libfaketime
    command -v krb5-config >/dev/null 2>&1 || echo libkrb5-dev
    ls /usr/lib/llvm-*/lib/libclang.so* >/dev/null 2>&1 || echo libclang-dev
    { [ -x /usr/sbin/krb5kdc ] && [ -x /usr/sbin/kadmin.local ]; } || echo krb5-kdc krb5-admin-server
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

# class_path NAME POM PROPERTY...: the jars of a pom's dependencies into NAME/lib.
class_path() {
    name=$1; pom=$here/java/$2; shift 2
    unchanged "$name" "$pom" && return 0
    say "fetching $name"
    rm -rf "$work/$name"
    mvn -q -B -f "$pom" dependency:copy-dependencies \
        "-DoutputDirectory=$work/$name/lib" "-DincludeScope=runtime" "$@" >&2
    stamp "$name" "$pom"
}

apache() { class_path "apache-$1" pom.xml "-Dzookeeper.version=$1"; }

# old_client VERSION JLINE COMMONS_CLI: the last two are those of its distribution.
old_client() {
    class_path "client-$1" clients-pom.xml "-Dzookeeper.version=$1" "-Djline.version=$2" "-Dcommons-cli.version=$3"
}

curator() { class_path "curator-$1" curator-pom.xml "-Dcurator.version=$1"; }

# java_program NAME SOURCES...: all Java sources of the directories, compiled anew when one of them changes.
# Sources that need a release's API are compiled against that release: DIRECTORY=CLASS_PATH_NAME.
java_program() {
    name=$1; shift
    # shellcheck disable=SC2046  # no path of the repository's own has a space
    unchanged "$name" $(java_sources harness "$@") && return 0
    say "compiling $name"
    rm -rf "${work:?}/$name"
    harness=$(java_sources harness)
    for part in "$@"; do
        # shellcheck disable=SC2046,SC2086
        javac -Xlint:-options --release 11 -d "$work/$name" -cp "$work/$name:$work/${part#*=}/lib/*" \
            $harness $(java_sources "$part") >&2
        harness=
    done
    # shellcheck disable=SC2046
    stamp "$name" $(java_sources harness "$@")
}

java_sources() {
    for part in "$@"; do find "$here/java/${part%=*}" -name '*.java' | sort; done
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

# Debian builds its C client without TLS: this one is made of the source of the same package, and of records that its own
# compiler makes.
c_tls_client() {
    unchanged c-tls "$here"/c-tls/* && return 0
    say "fetching the source of the C client, and building it with TLS"
    rm -rf "$work/c-tls"
    mkdir -p "$work/c-tls/sources.list.d" "$work/c-tls/lists/partial" "$work/c-tls/records" \
        "$work/c-tls/cache/archives/partial"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
        [ -f "$list" ] || continue
        sed -e 's/^Types: deb$/Types: deb-src/' -e 's/^deb /deb-src /' "$list" >"$work/c-tls/sources.list.d/${list##*/}"
    done
    (
        cd "$work/c-tls"
        set -- -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/c-tls/sources.list.d" \
            -o "Dir::State::lists=$work/c-tls/lists" -o "Dir::Cache=$work/c-tls/cache" -o APT::Sandbox::User=root
        apt-get "$@" update
        apt-get "$@" source --download-only zookeeper
        tar xzf zookeeper_*.orig.tar.gz
        mv apache-zookeeper-* source
        cd records
        java -cp "$work/apache-3.8.6/lib/*" org.apache.jute.compiler.generated.Rcc -l c \
            ../source/zookeeper-jute/src/main/resources/zookeeper.jute
        library=../source/zookeeper-client/zookeeper-client-c
        for part in zookeeper recordio zk_log zk_hashtable addrvec mt_adaptor hashtable/hashtable hashtable/hashtable_itr; do
            set -- "$@" "$library/src/$part.c"
        done
        shift 11
        cc -std=gnu11 -O1 -w -D_GNU_SOURCE -DTHREADED -include "$here/c-tls/config.h" "-I$here/c-tls" -I. "-I$library/include" "-I$library/src" \
            "-I$library/src/hashtable" -o "$work/cclient-tls" "$here/c-tls/secure.c" "$@" zookeeper.jute.c \
            -lssl -lcrypto -lpthread -lm
    ) >&2
    stamp c-tls "$here"/c-tls/*
}

# Debian's Prometheus, unpacked: its package would start a service.
prometheus() {
    [ -x "$work/prometheus/usr/bin/promtool" ] && return 0
    say "fetching Prometheus"
    rm -rf "$work/prometheus"
    mkdir -p "$work/prometheus"
    (cd "$work/prometheus" && apt-get download -q prometheus && dpkg -x prometheus_*.deb .) >&2
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
class_path apache-admin admin-pom.xml
old_client 3.4.14 0.9.94 1.2
old_client 3.5.10 2.14.6 1.2
old_client 3.6.4 2.14.6 1.4
old_client 3.7.2 2.14.6 1.4
class_path jackson jackson-pom.xml # SnapshotFormatter needs it
java_program java-clients clients/v34=client-3.4.14 clients/v35=client-3.5.10 clients/v36=client-3.6.4 \
    clients/v37=client-3.7.2
java_program java-load load=apache-3.8.6 # with the 3.9 client as well: it uses what both have
curator 4.3.0 # the last 4.x
curator 5.9.0
java_program java-curator-4.3.0 curator/recipes=curator-4.3.0
java_program java-curator-5.9.0 curator/recipes=curator-5.9.0 curator/v5=curator-5.9.0
class_path apache-prometheus prometheus-pom.xml
prometheus
go_client
c_client
c_tls_client
node_client
python_venv
