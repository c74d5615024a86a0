#!/usr/bin/env bash
# What the container begins with: makes zoo.cfg and myid of the variables of the official image, where they are not there, and goes
# on with the command.
#
#   ZOO_MY_ID                       number of the server, 1
#   ZOO_SERVERS                     server lines with spaces between, one for this server alone
#   ZOO_CFG_EXTRA                   more lines of zoo.cfg, with spaces between
#   ZOO_4LW_COMMANDS_WHITELIST, ZOO_STANDALONE_ENABLED, ZOO_ADMINSERVER_ENABLED, ZOO_TICK_TIME, ZOO_INIT_LIMIT, ZOO_SYNC_LIMIT,
#   ZOO_MAX_CLIENT_CNXNS, ZOO_AUTOPURGE_PURGEINTERVAL, ZOO_AUTOPURGE_SNAPRETAINCOUNT
#                                   keys of zoo.cfg
#   ZOO_CONF_DIR, ZOO_DATA_DIR, ZOO_DATA_LOG_DIR, ZOO_LOG_DIR
#                                   directories
set -e

# A container that begins as root gives that up for the server.
if [ "$1" = zkServer.sh ] && [ "$(id -u)" = 0 ]; then
    chown -R zookeeper "$ZOO_DATA_DIR" "$ZOO_DATA_LOG_DIR" "$ZOO_LOG_DIR" "$ZOO_CONF_DIR"
    exec gosu zookeeper "$0" "$@"
fi

zoo_cfg() {
    cat <<TEXT
dataDir=$ZOO_DATA_DIR
dataLogDir=$ZOO_DATA_LOG_DIR
tickTime=$ZOO_TICK_TIME
initLimit=$ZOO_INIT_LIMIT
syncLimit=$ZOO_SYNC_LIMIT
autopurge.snapRetainCount=$ZOO_AUTOPURGE_SNAPRETAINCOUNT
autopurge.purgeInterval=$ZOO_AUTOPURGE_PURGEINTERVAL
maxClientCnxns=$ZOO_MAX_CLIENT_CNXNS
standaloneEnabled=$ZOO_STANDALONE_ENABLED
admin.enableServer=$ZOO_ADMINSERVER_ENABLED
TEXT
    local line
    for line in ${ZOO_SERVERS:-server.1=localhost:2888:3888;2181}; do
        echo "$line"
    done
    [ -z "$ZOO_4LW_COMMANDS_WHITELIST" ] || echo "4lw.commands.whitelist=$ZOO_4LW_COMMANDS_WHITELIST"
    for line in $ZOO_CFG_EXTRA; do
        echo "$line"
    done
}

# In two steps, so that a container that ends in between does not leave half of it.
if [ ! -f "$ZOO_CONF_DIR/zoo.cfg" ]; then
    zoo_cfg >"$ZOO_CONF_DIR/zoo.cfg.new"
    mv "$ZOO_CONF_DIR/zoo.cfg.new" "$ZOO_CONF_DIR/zoo.cfg"
fi
[ -f "$ZOO_DATA_DIR/myid" ] || echo "${ZOO_MY_ID:-1}" >"$ZOO_DATA_DIR/myid"

exec "$@"
