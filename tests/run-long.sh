#!/bin/sh
# What `make test-long` runs: the slow rest.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}

echo "== programs compiled here: C by ziglang, Rust"
$cargo test --locked --quiet -p capelet-worker --test examples -- --ignored
echo "== ten thousand simulated sessions"
SEEDS=${SEEDS:-10000} $cargo run --locked --quiet --release -p capelet-sim --bin sim
