#!/bin/sh
# run.sh [WORD...]: PID 1's loop with hostile cores and workers, natively. Needs root, util-linux' unshare and cc.
# CAPELET_WORKER names the worker of an image; without it the release's is used. The filter is made for the C library of
# the image, so that a worker that is linked with another one may not start. WORDs choose among the cases.
set -eu
cd "$(dirname "$0")/../.."
cargo=${CARGO:-cargo}
[ "$(id -u)" = 0 ] || { echo 'run.sh: needs root: a worker has a user of its own' >&2; exit 1; }

CAPELET_WORKER=${CAPELET_WORKER:-$(reproducible/binaries.sh)/capelet-worker}
export CAPELET_WORKER
$cargo test --locked --quiet -p capelet-pid1 --test native -- "$@"
