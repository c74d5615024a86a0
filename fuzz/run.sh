#!/bin/sh
# fuzz/run.sh SECONDS [TARGET...]: runs each target for so long, all of them by default.
set -eu
cd "$(dirname "$0")/.."

seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
    echo "fuzz/run.sh: needs cargo-fuzz and a nightly toolchain:" \
        "cargo install cargo-fuzz && rustup toolchain install nightly" >&2
    exit 1
fi
[ $# -gt 0 ] || set -- frames requests txn_log snapshot transfer
for target in "$@"; do
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -max_len=16384 -rss_limit_mb=2048
done
