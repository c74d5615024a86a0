#!/bin/sh
# Makes compat-tests/.work/cargo-deb, with which the suite `packages` builds the Debian package: minutes on a machine that has none, which
# is why it is not part of setup.sh. A second run takes no time.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$here/.work
mkdir -p "$work"
# shellcheck source=setup-functions.sh
. "$here/setup-functions.sh"

missing=
command -v systemd-analyze >/dev/null 2>&1 || missing="$missing systemd"
command -v deb-systemd-helper >/dev/null 2>&1 || missing="$missing init-system-helpers"
command -v adduser >/dev/null 2>&1 || missing="$missing adduser"
command -v dpkg-shlibdeps >/dev/null 2>&1 || missing="$missing dpkg-dev"
command -v strip >/dev/null 2>&1 || missing="$missing binutils"
if [ -n "$missing" ]; then
    may_install || { say "these packages are missing:$missing"; exit 1; }
    say "installing$missing"
    as_root apt-get update -q >&2
    # shellcheck disable=SC2086  # one word per package
    as_root apt-get install -y -q --no-install-recommends $missing >&2
fi

version=3.8.0
if ! "$work/cargo-deb/bin/cargo-deb" --version 2>/dev/null | grep -qxF "cargo-deb $version"; then
    say "building cargo-deb $version"
    cargo install --quiet --locked "cargo-deb@$version" --root "$work/cargo-deb" --target-dir "$work/cargo-deb-target"
    rm -rf "$work/cargo-deb-target"
fi
