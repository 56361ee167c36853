#!/bin/sh
# Makes sure that these programs exist: as root it installs their Debian packages, otherwise it names the command to type.
set -eu

packages=
need() { # program, package
    command -v "$1" >/dev/null 2>&1 || packages="$packages $2"
}

need cc gcc
need c++ g++
need make make
need openssl openssl
need python3 python3
need faketime faketime
need mount mount
need unshare util-linux
need cpio cpio
need readelf binutils
need dpkg-deb dpkg
need flock util-linux
need xz xz-utils
need pkg-config pkg-config
[ -e /etc/ssl/certs/ca-certificates.crt ] || packages="$packages ca-certificates"
set -- /usr/share/keyrings/debian-archive-keyring.*
[ -e "$1" ] || packages="$packages debian-archive-keyring"
python3 -m pip --version >/dev/null 2>&1 || packages="$packages python3-pip"
python3 -c 'import cryptography' >/dev/null 2>&1 || packages="$packages python3-cryptography"

if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust is missing: install rustup (https://rustup.rs), then try again." >&2
    exit 1
fi
[ -n "$packages" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing:$packages" >&2
    apt-get update -qq >&2
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages >&2
else
    echo "Missing packages. On Debian: sudo apt-get install$packages" >&2
    exit 1
fi
