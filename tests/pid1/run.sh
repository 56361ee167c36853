#!/bin/sh
# run.sh [WORD...]: PID 1's loop with hostile cores and workers, natively. Needs root, util-linux' unshare and cc.
# CAPELET_WORKER names a static capelet-worker; without it one is built. WORDs choose among the cases.
set -eu
cd "$(dirname "$0")/../.."
cargo=${CARGO:-cargo}
[ "$(id -u)" = 0 ] || { echo 'run.sh: needs root: a worker has a user of its own' >&2; exit 1; }

if [ -z "${CAPELET_WORKER:-}" ]; then
  target=x86_64-unknown-linux-gnu
  RUSTFLAGS='-C target-feature=+crt-static' $cargo build --locked --quiet --target $target -p capelet-worker
  CAPELET_WORKER=${CARGO_TARGET_DIR:-$PWD/target}/$target/debug/capelet-worker
  export CAPELET_WORKER
fi
$cargo test --locked --quiet -p capelet-pid1 --test native -- "$@"
