#!/bin/sh
# What `make test` runs after the lints.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}

echo "== licences, sources, bans"
tests/deny.sh
echo "== the core links without std"
tests/no-std/run.sh
echo "== every parser, two seconds of fuzzing each"
tests/fuzz.sh 2
echo "== all binaries, for the end-to-end tests"
$cargo build --locked --quiet --workspace --bins
echo "== tests"
$cargo test --locked --quiet --workspace
