#!/bin/sh
# Bans, licences and sources of everything in the lock file, by cargo-deny, which is built once into the cache.
set -eu
cd "$(dirname "$0")/.."
version=0.20.2
root=${CAPELET_CACHE:-$HOME/.cache/capelet}/cargo-deny-$version
if [ ! -x "$root/bin/cargo-deny" ]; then
    echo "building cargo-deny $version (once) …" >&2
    ${CARGO:-cargo} install --quiet --locked --root "$root" --version "$version" cargo-deny >&2
fi
"$root/bin/cargo-deny" --locked --offline check --hide-inclusion-graph bans licenses sources
