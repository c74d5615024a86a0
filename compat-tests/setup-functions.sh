# What setup.sh and apps/setup.sh share; they set $work, the directory of what is made and of its stamps.

say() { echo "setup: $*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then env DEBIAN_FRONTEND=noninteractive "$@"
    else sudo -n env DEBIAN_FRONTEND=noninteractive "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null
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
