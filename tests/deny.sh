#!/bin/sh
# deny.sh [build]: checks bans, licences and sources of every lock file with cargo-deny. It is built once into the cache,
# without optimisation, which would take most of the time. With `build` nothing is checked.
set -eu
cd "$(dirname "$0")/.."
version=0.20.2
root=${CAPELET_CACHE:-$HOME/.cache/capelet}/cargo-deny-$version
if [ ! -x "$root/bin/cargo-deny" ]; then
    echo "building cargo-deny $version (once) …" >&2
    ${CARGO:-cargo} install --quiet --locked --debug --root "$root" --version "$version" cargo-deny >&2
fi
[ "${1:-}" != build ] || exit 0
for manifest in Cargo.toml tests/fuzz/Cargo.toml; do
    # What it reads of every crate, for any platform, has to be here: fetched now, unless it is.
    ${CARGO:-cargo} fetch --quiet --locked --manifest-path "$manifest"
    "$root/bin/cargo-deny" --locked --offline --manifest-path "$manifest" --config deny.toml check \
        --hide-inclusion-graph bans licenses sources
done
