#!/bin/sh
# run.sh [TEST...] [-- ARGUMENT...]: boots the release and the development image in QEMU and uses them with the ordinary
# programs. TEST is boot, boundary, development, hardware, launch or release; all of them if none is named. What is not
# there yet is built: the images (reproducible/image.sh), QEMU (tests/qemu/build.sh), the programs. With `figures` in the
# place of the tests it measures and tests nothing.
#
# CAPELET_IMAGE, CAPELET_IMAGE_DEVELOPMENT: folders with images that are there already, and need not be this source's.
set -eu
cd "$(dirname "$0")/../.."
cargo=${CARGO:-cargo}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tests=''
while [ $# -gt 0 ] && [ "$1" != -- ]; do tests="$tests --test $1"; shift; done
[ $# = 0 ] || shift
[ -n "$tests" ] || tests='--test *'

$cargo build --locked --quiet -p capelet -p capelet-parent -p capelet-dev --bins
bin=${CARGO_TARGET_DIR:-target}/debug

# The KMS whose root is compiled into the development image: made once, or that image would be another one each time.
export CAPELET_KMS="${CAPELET_CACHE:-$HOME/.cache/capelet}/development-kms"
if [ ! -e "$CAPELET_KMS/kms-root.der" ]; then
  mkdir -p "$CAPELET_KMS"
  "$bin/capelet-dev-kms" --listen "unix:$work/kms" --state "$CAPELET_KMS" --until-eof < /dev/null > /dev/null
fi
if [ -z "${CAPELET_IMAGE:-}" ]; then
  export CAPELET_IMAGE="$PWD/build/image"
  reproducible/image.sh
fi
if [ -z "${CAPELET_IMAGE_DEVELOPMENT:-}" ]; then
  export CAPELET_IMAGE_DEVELOPMENT="$PWD/build/image-development"
  reproducible/image.sh --development "$CAPELET_KMS/kms-root.der" > /dev/null
fi
tests/qemu/build.sh > /dev/null
export CAPELET_CHAIN="$work/chain"
tests/qemu/dev-chain.sh "$CAPELET_CHAIN"

if [ "$tests" = ' --test figures' ]; then
  $cargo run --locked --quiet -p capelet-image
  exit
fi
# shellcheck disable=SC2086 # a list
set -f
$cargo test --locked --quiet -p capelet-image $tests -- --test-threads "$(nproc)" "$@"
