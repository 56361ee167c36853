#!/bin/sh
# enclave-core links without std; and this build would notice if it did not.
set -eu
cd "$(dirname "$0")"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/../../target}/no-std"

cargo build --locked --quiet
echo "no-std: enclave-core links without std"

if said=$(cargo build --locked --quiet --features with-std 2>&1); then
    echo "no-std: std went unnoticed" >&2
    exit 1
fi
case $said in
*E0152*) echo "no-std: a crate with std is refused (E0152)" ;;
*)
    echo "no-std: the build failed for another reason than std:" >&2
    echo "$said" >&2
    exit 1
    ;;
esac
