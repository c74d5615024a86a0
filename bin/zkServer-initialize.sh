#!/usr/bin/env bash
# Makes the data directories that zoo.cfg names, myid, and the file initialize, which lets a server begin without data.
# Arguments and texts are those of the script of the same name that comes with Apache ZooKeeper.

ZOOBINDIR="$(cd "$(dirname "${BASH_SOURCE-$0}")" && pwd)"
if [ -e "$ZOOBINDIR/../libexec/zkEnv.sh" ]; then
    . "$ZOOBINDIR/../libexec/zkEnv.sh"
else
    . "$ZOOBINDIR/zkEnv.sh"
fi

usage() {
    cat <<TEXT
usage: $0 <parameters>
  Optional parameters:
     -h                                                    Print this text
     --help                                                Print this text
     --configfile=$(printf %-40s "$ZOOCFG") Configuration file
     --myid=#                                              Number of the server, if it is one of several (1-255)
     --force                                               Remove what is there and begin anew
TEXT
    exit 1
}

while [ -n "$1" ]; do
    case "$1" in
        --configfile) ZOOCFG=$2; shift ;;
        --configfile=?*) ZOOCFG=${1#*=} ;;
        --myid) MYID=$2; shift ;;
        --myid=?*) MYID=${1#*=} ;;
        --force) FORCE=1 ;;
        -h | --help) usage ;;
        *)
            echo "Unknown option: $1"
            usage
            ;;
    esac
    shift
done

if [ ! -e "$ZOOCFG" ]; then
    echo "Unable to find config file at $ZOOCFG"
    exit 1
fi
dataDir=$(value dataDir)
dataLogDir=$(value dataLogDir)
if [ -z "$dataDir" ]; then
    echo "Unable to determine dataDir from $ZOOCFG"
    exit 1
fi

# refuse_data KIND DIRECTORY
refuse_data() {
    if [ -n "$2" ] && [ -d "$2/version-2" ]; then
        echo "ZooKeeper $1 directory already exists at $2 (or use --force to force re-initialization)"
        exit 1
    fi
}

if [ -n "$FORCE" ]; then
    echo "Force enabled, data/txnlog directories will be re-initialized"
else
    refuse_data data "$dataDir"
    refuse_data txnlog "$dataLogDir"
fi

# Only what is a server's goes: the directories may be mounts, with permissions of their own.
for directory in "$dataDir" ${dataLogDir:+"$dataLogDir"}; do
    rm -rf "$directory/myid" "$directory/version-2" 2>/dev/null
    mkdir -p "$directory/version-2" || exit 1
done
if [ -n "$MYID" ]; then
    echo "Using myid of $MYID"
    echo "$MYID" >"$dataDir/myid"
else
    echo "No myid provided, be sure to specify it in $dataDir/myid if using non-standalone"
fi
touch "$dataDir/initialize"
