#!/usr/bin/env bash
# Makes a Debian package of a binary that was built: packaging/build-deb.sh BINARY DIRECTORY
# Needs cargo-deb, in PATH or named by $CARGO_DEB. What is staged is in packaging/.staged.
set -euo pipefail

[ $# = 2 ] || { echo "usage: $0 BINARY DIRECTORY" >&2; exit 2; }
binary=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
cd "$(dirname "$0")/.."
staged=packaging/.staged
rm -rf "$staged"
mkdir -p "$staged/man" "$staged/completions"

cp "$binary" "$staged/ironkeeper"
strip "$staged/ironkeeper" # the copy only
"$staged/ironkeeper" man "$staged/man"
gzip -9n "$staged"/man/*
for shell in bash fish zsh; do
    "$staged/ironkeeper" completions "$shell" >"$staged/completions/$shell"
done
"${CARGO_DEB:-cargo-deb}" --no-build --no-strip --package server --output "$out/"
