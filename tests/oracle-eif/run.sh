#!/bin/sh
# Compares eif-build with AWS's aws-nitro-enclaves-image-format, GNU cpio and GNU gzip.
#
#   run.sh [KERNEL]      compares, with this bzImage or with a stand-in that only declares its length as a bzImage does
#   run.sh build         builds the oracle and does not compare
#
# The oracle has its own lock file and its own target folder: EIF_ORACLE_TARGET, or a folder in the cache.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${EIF_ORACLE_TARGET:-${CAPELET_CACHE:-$HOME/.cache/capelet}/oracle-eif}

missing=
command -v cpio >/dev/null || missing="$missing cpio"
command -v openssl >/dev/null || missing="$missing openssl"
command -v pkg-config >/dev/null || missing="$missing pkg-config"
{ command -v pkg-config >/dev/null && pkg-config --exists openssl; } || missing="$missing libssl-dev"
if [ -n "$missing" ]; then
    [ "$(id -u)" = 0 ] || { echo "Error: run this as root first: apt-get install$missing" >&2; exit 1; }
    apt-get update -q >&2
    # shellcheck disable=SC2086 # a list of names
    apt-get install -y -q --no-install-recommends $missing >&2
fi

oracle() { CARGO_TARGET_DIR=$target ${CARGO:-cargo} "$1" --locked -q --manifest-path "$here/Cargo.toml"; }
if [ "${1:-}" = build ]; then
    oracle build
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ $# -gt 0 ]; then
    cp "$1" "$work/kernel"
else
    # Two sectors of setup code, no paragraph after them, the magic (Linux, Documentation/arch/x86/boot.rst).
    head -c 1024 /dev/zero >"$work/kernel"
    printf '\001' | dd of="$work/kernel" bs=1 seek=497 conv=notrunc status=none
    printf 'HdrS' | dd of="$work/kernel" bs=1 seek=514 conv=notrunc status=none
fi

messages=$(cd "$root" && ${CARGO:-cargo} build --locked -q -p eif-build --message-format=json)
eif_build=$(printf '%s\n' "$messages" | sed -n 's/.*"executable":"\([^"]*eif-build\)".*/\1/p')
CARGO_TARGET_DIR=$target cargo run --locked -q --manifest-path "$here/Cargo.toml" -- "$eif_build" "$work"
