#!/usr/bin/env bash
# Read by the scripts beside it: where zoo.cfg, the logs and the server's binary are, by the rules of the file of the same name
# that comes with Apache ZooKeeper. No Java is looked for.
#
#   ZOOCFGDIR        directory of zoo.cfg: `--config DIR`, this variable, ../conf, ../etc/zookeeper or /etc/zookeeper/conf
#   ZOOCFG           name of the configuration file there, zoo.cfg; or a path
#   ZOO_LOG_DIR      directory of logs, ../logs or a package's /var/log/zookeeper
#   SERVER_JVMFLAGS, JVMFLAGS, CLIENT_JVMFLAGS
#                    options, of which -Dname=value count
#   IRONKEEPER       the binary, where it is neither beside the scripts nor in PATH
#
# Two files in ZOOCFGDIR may set them: zookeeper-env.sh, which is read first, and java.env.

ZOOBINDIR="${ZOOBINDIR:-/usr/bin}"
ZOOKEEPER_PREFIX="$ZOOBINDIR/.."

if [ $# -gt 1 ] && [ "$1" = --config ]; then
    ZOOCFGDIR=$2
    shift 2
fi

if [ -z "$ZOOCFGDIR" ]; then
    if [ -e "$ZOOKEEPER_PREFIX/conf" ]; then
        ZOOCFGDIR="$ZOOBINDIR/../conf"
    elif [ ! -e "$ZOOKEEPER_PREFIX/etc/zookeeper" ] && [ -e /etc/zookeeper/conf ]; then
        ZOOCFGDIR=/etc/zookeeper/conf
    else
        ZOOCFGDIR="$ZOOBINDIR/../etc/zookeeper"
    fi
fi

# shellcheck disable=SC1091  # files of the operator
[ ! -f "$ZOOCFGDIR/zookeeper-env.sh" ] || . "$ZOOCFGDIR/zookeeper-env.sh"
case "${ZOOCFG:=zoo.cfg}" in
    */*) ;;
    *) ZOOCFG="$ZOOCFGDIR/$ZOOCFG" ;;
esac
# shellcheck disable=SC1091
[ ! -f "$ZOOCFGDIR/java.env" ] || . "$ZOOCFGDIR/java.env"
if [ -z "$ZOO_LOG_DIR" ]; then
    ZOO_LOG_DIR="$ZOOKEEPER_PREFIX/logs"
    [ "$ZOOCFGDIR" != /etc/zookeeper/conf ] || [ ! -d /var/log/zookeeper ] || ZOO_LOG_DIR=/var/log/zookeeper
fi
export SERVER_JVMFLAGS JVMFLAGS CLIENT_JVMFLAGS

if [ -z "$IRONKEEPER" ]; then
    for candidate in "$ZOOBINDIR/ironkeeper" "$ZOOKEEPER_PREFIX/target/release/ironkeeper" "$(type -P ironkeeper)"; do
        [ ! -x "$candidate" ] || { IRONKEEPER=$candidate; break; }
    done
fi
if [ ! -x "$IRONKEEPER" ]; then
    echo "Error: there is no ironkeeper beside this script or in PATH; set IRONKEEPER to the binary" >&2
    exit 1
fi

# The scripts give these to the binary on its command line, where an operator sees them; it would read them again.
unset_jvm_flags() {
    unset SERVER_JVMFLAGS JVMFLAGS
}

# value KEY [FILE]: what a configuration file sets, the last of equal keys; nothing where it is not set.
value() {
    sed -n "s/^[[:space:]]*$1[[:space:]]*[=:][[:space:]]*//p" "${2:-$ZOOCFG}" 2>/dev/null | sed -e 's/[[:space:]]*$//' | tail -n 1
}
