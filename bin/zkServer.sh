#!/usr/bin/env bash
# Starts, stops and asks a server, with the arguments, variables and texts of the script of the same name that comes with Apache
# ZooKeeper:
#
#   zkServer.sh [--config DIR] {start|start-foreground|stop|restart|status|version|print-cmd} [CONFIG]
#
# CONFIG is a file in the directory of zoo.cfg, or a path. zkEnv.sh has the variables; besides:
#
#   ZOOPIDFILE       file of the process id, zookeeper_server.pid in dataDir
#   ZOO_NOEXEC       with any value, start-foreground keeps this shell as the server's parent
#   ZOO_DATADIR_AUTOCREATE_DISABLE
#                    with any value, nothing starts without its data directories

ZOOBINDIR="$(cd "$(dirname "${BASH_SOURCE-$0}")" && pwd)"
if [ -e "$ZOOBINDIR/../libexec/zkEnv.sh" ]; then
    . "$ZOOBINDIR/../libexec/zkEnv.sh"
else
    . "$ZOOBINDIR/zkEnv.sh"
fi

MAIN=org.apache.zookeeper.server.quorum.QuorumPeerMain
JVMFLAGS="$SERVER_JVMFLAGS${SERVER_JVMFLAGS:+ }$JVMFLAGS"

case "$2" in
    '') ;;
    */*) ZOOCFG=$2 ;;
    *) ZOOCFG="$ZOOCFGDIR/$2" ;;
esac
case "$1" in
    start | start-foreground | stop | restart | status | version | print-cmd) echo "Using config: $ZOOCFG" >&2 ;;
    *)
        echo "Usage: $0 [--config <conf-dir>] {start|start-foreground|stop|version|restart|status|print-cmd}" >&2
        exit 0
        ;;
esac

dataDir=$(value dataDir)
dataLogDir=$(value dataLogDir)

# Without them there is no place for the process id either.
check_directories() {
    [ -n "$ZOO_DATADIR_AUTOCREATE_DISABLE" ] || return 0
    if [ ! -d "$dataDir/version-2" ]; then
        echo "ZooKeeper data directory is missing at $dataDir fix the path or run initialize"
        exit 1
    fi
    if [ -n "$dataLogDir" ] && [ ! -d "$dataLogDir/version-2" ]; then
        echo "ZooKeeper txnlog directory is missing at $dataLogDir fix the path or run initialize"
        exit 1
    fi
}

check_directories
ZOOPIDFILE=${ZOOPIDFILE:-$dataDir/zookeeper_server.pid}
out="$ZOO_LOG_DIR/zookeeper-$USER-server-$HOSTNAME.out"

# The class in it is what `pgrep -f QuorumPeerMain` and its like look for; the binary takes the line as Java would.
# shellcheck disable=SC2206  # flags are split at white space, as Apache's script does
command=("$IRONKEEPER" ${ZOO_DATADIR_AUTOCREATE_DISABLE:+-Dzookeeper.datadir.autocreate=false}
    $JVMFLAGS "$MAIN" "$ZOOCFG")

# is_running PID: a process that has ended and was not waited for is not.
is_running() {
    kill -0 "$1" 2>/dev/null && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# is_foreign PID: a process that is no server has the number that is left in the file, after a crash or a reboot. Whose command
# line cannot be read is taken for a server.
is_foreign() {
    grep -q QuorumPeerMain "/proc/$1/cmdline" 2>/dev/null
    [ $? = 1 ]
}

start() {
    echo -n "Starting zookeeper ... "
    local pid
    if [ -f "$ZOOPIDFILE" ] && pid=$(cat "$ZOOPIDFILE") && is_running "$pid" && ! is_foreign "$pid"; then
        echo "already running as process $pid."
        exit 1
    fi
    # Only here: who asks, perhaps as root, leaves nothing behind.
    mkdir -p "$(dirname "$ZOOPIDFILE")" "$ZOO_LOG_DIR"
    if ! : >"$out"; then
        echo SERVER DID NOT START
        exit 1
    fi
    unset_jvm_flags
    nohup "${command[@]}" >"$out" 2>&1 </dev/null &
    pid=$!
    if ! echo -n "$pid" >"$ZOOPIDFILE"; then
        kill "$pid"
        echo FAILED TO WRITE PID
        exit 1
    fi
    # What is wrong with a configuration is known within the second.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        sleep 0.1
        is_running "$pid" || break
    done
    if is_running "$pid"; then
        echo STARTED
        disown
    else
        echo FAILED TO START
        tail -n 3 "$out" >&2
        exit 1
    fi
}

stop() {
    echo -n "Stopping zookeeper ... "
    local pid
    if [ -f "$ZOOPIDFILE" ] && pid=$(cat "$ZOOPIDFILE") && is_foreign "$pid"; then
        rm "$ZOOPIDFILE"
    fi
    if [ ! -f "$ZOOPIDFILE" ]; then
        echo "no zookeeper to stop (could not find file $ZOOPIDFILE)"
        return
    fi
    kill "$pid"
    rm "$ZOOPIDFILE"
    # At most 30 s: then it hangs, and the next start says that the data directory is in use.
    for _ in $(seq 300); do
        is_running "$pid" || break
        sleep 0.1
    done
    echo STOPPED
}

# Sets port, address and secure: where to ask. What is looked for and not found is said.
find_client_port() {
    local id line
    secure=false
    address=$(value clientPortAddress)
    port=$(value clientPort)
    if ! [[ $port =~ ^[0-9]+$ ]]; then
        port=
        id=$(cat "$dataDir/myid" 2>/dev/null)
        if [[ $id =~ ^[0-9]+$ ]]; then
            find_in_server_lines "$id"
        else
            echo "myid could not be determined, will not able to locate clientPort in the server configs."
        fi
    fi
    if [ -z "$port" ]; then
        echo "Client port not found. Looking for secureClientPort in the static config."
        secure=true
        address=$(value secureClientPortAddress)
        port=$(value secureClientPort)
    fi
    address=${address:-localhost}
    [ -n "$port" ]
}

# What stands behind the semicolon of a server's line: a port, or an address and a port.
find_in_server_lines() {
    local line dynamic
    line=$(value "server\.$1" | grep ';')
    if [ -z "$line" ]; then
        echo "Client port not found in static config file. Looking in dynamic config file."
        dynamic=$(value dynamicConfigFile)
        line=$(value "server\.$1" "${dynamic:-/dev/null}" | grep ';')
    fi
    if [ -z "$line" ]; then
        echo "Client port not found in the server configs"
        return
    fi
    line=${line##*;}
    port=${line##*:}
    if [ "$port" != "$line" ]; then
        address=${line%:*}
        address=${address#[}
        address=${address%]}
    fi
}

status() {
    local port address secure mode
    if ! find_client_port; then
        echo "Unable to find either secure or unsecure client port in any configs. Terminating."
        exit 1
    fi
    echo "Client port found: $port. Client address: $address. Client SSL: $secure."
    # shellcheck disable=SC2086
    mode=$("$IRONKEEPER" word $CLIENT_JVMFLAGS $JVMFLAGS "$address" "$port" srvr "$secure" 2>/dev/null | grep Mode)
    if [ -n "$mode" ]; then
        echo "$mode"
        exit 0
    fi
    if [ "$secure" = true ]; then
        echo
        echo "Note: the secureClientPort ($port) was asked, with TLS. For that, CLIENT_JVMFLAGS has to name the stores of a client:"
        echo "  CLIENT_JVMFLAGS=\"-Dzookeeper.ssl.trustStore.location=/tmp/clienttrust.jks -Dzookeeper.ssl.trustStore.password=password"
        echo "  -Dzookeeper.ssl.keyStore.location=/tmp/client.jks -Dzookeeper.ssl.keyStore.password=password\" ./zkServer.sh status"
        echo
    fi
    echo "Error contacting service. It is probably not running."
    exit 1
}

case "$1" in
    start) start ;;
    start-foreground)
        unset_jvm_flags
        [ -n "$ZOO_NOEXEC" ] || exec "${command[@]}"
        "${command[@]}"
        ;;
    print-cmd)
        mkdir -p "$ZOO_LOG_DIR" # what is printed writes there
        printf '"%s"' "${command[0]}"
        printf ' %q' "${command[@]:1:${#command[@]}-2}"
        echo " \"$ZOOCFG\" > \"$out\" 2>&1 < /dev/null"
        ;;
    stop)
        stop
        exit 0
        ;;
    version) "$IRONKEEPER" org.apache.zookeeper.version.VersionInfoMain ;;
    restart)
        stop
        start
        ;;
    status) status ;;
esac
