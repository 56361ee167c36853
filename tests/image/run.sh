#!/bin/sh
# run.sh [TEST...] [-- ARGUMENT...]: tests the release and the development image. QEMU boots them, and the ordinary
# programs use them. TEST is boot, boots, boundary, development, hardware, isolation, launch or release. Without TEST
# all but boots run. The script first builds what is missing: images (reproducible/build.sh), QEMU (dev/qemu/build.sh), programs.
#
#   run.sh build      builds and does not test
#   run.sh figures    measures and does not test
#   run.sh boots      boots the release BOOTS times (3), AT_A_TIME (3) at once, beside BUSY (0) busy loops
#
# CAPELET_IMAGE and CAPELET_IMAGE_DEVELOPMENT may name folders of existing images, also of another source.
set -eu
cd "$(dirname "$0")/../.."
cargo=${CARGO:-cargo}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tests=''
while [ $# -gt 0 ] && [ "$1" != -- ]; do tests="$tests --test $1"; shift; done
[ $# = 0 ] || shift
[ -n "$tests" ] || tests='--test boot --test boundary --test development --test hardware --test isolation --test launch --test release'

$cargo build --locked --quiet -p capelet -p capelet-parent -p capelet-dev --bins
bin=${CARGO_TARGET_DIR:-target}/debug

# The root of this KMS is compiled into the development image. It is made once, so that the image does not change.
export CAPELET_KMS="${CAPELET_CACHE:-$HOME/.cache/capelet}/development-kms"
if [ ! -e "$CAPELET_KMS/kms-root.der" ]; then
  mkdir -p "$CAPELET_KMS"
  "$bin/capelet-dev-kms" --listen "unix:$work/kms" --state "$CAPELET_KMS" --until-eof < /dev/null > /dev/null
fi
if [ -z "${CAPELET_IMAGE:-}" ]; then
  export CAPELET_IMAGE="$PWD/build/image"
  reproducible/build.sh "$CAPELET_IMAGE" > /dev/null
fi
if [ -z "${CAPELET_IMAGE_DEVELOPMENT:-}" ]; then
  export CAPELET_IMAGE_DEVELOPMENT="$PWD/build/image-development"
  reproducible/build.sh --development "$CAPELET_KMS/kms-root.der" "$CAPELET_IMAGE_DEVELOPMENT" > /dev/null
fi
CAPELET_QEMU=$(dev/qemu/build.sh)
export CAPELET_QEMU
if [ "$tests" = ' --test build' ]; then
  $cargo test --locked --quiet -p capelet-image --test '*' --no-run
  exit
fi
export CAPELET_CHAIN="$work/chain"
dev/qemu/dev-chain.sh "$CAPELET_CHAIN"

if [ "$tests" = ' --test figures' ]; then
  $cargo run --locked --quiet -p capelet-image
  exit
fi
[ "$tests" != ' --test boots' ] || set -- --nocapture "$@"
set -f
# shellcheck disable=SC2086 # a list
$cargo test --locked --quiet -p capelet-image $tests -- --test-threads "$(nproc)" "$@"
