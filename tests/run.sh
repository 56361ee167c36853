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
echo "== eif-build beside AWS' own library"
tests/oracle-eif/run.sh
echo "== the image: built and compared with the committed measurements (from nothing: a quarter of an hour)"
reproducible/image.sh
cmp build/image/measurements.json reproducible/measurements.json
echo "== inputs that are not as locked"
tests/image/inputs.sh
echo "== what there is to read is what docs/audit.md says"
reproducible/audit.sh
if [ "$(id -u)" = 0 ]; then
    echo "== PID 1's walls, natively"
    CAPELET_WORKER=$(reproducible/binaries.sh)/capelet-worker tests/pid1/run.sh
else
    echo "== PID 1's walls: LEFT OUT, they need root (sudo tests/pid1/run.sh)"
fi
echo "== the kernel, from inside; and two guests joined as on Nitro"
tests/qemu/kernel-test.py
tests/qemu/kernel-test.py joined
echo "== the image, booted and used"
tests/image/run.sh
