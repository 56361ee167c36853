#!/bin/sh
# rust.sh: the Rust toolchain that rust.lock names file by file, taken from where rustup put it, or from CAPELET_RUST.
# Prints its folder, which holds these files and no others.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"

version=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$here/../rust-toolchain.toml")

copy() {
  # rustup installs the toolchain on the way, if need be.
  from=${CAPELET_RUST:-$(rustup run --install "$version" rustc --print sysroot)} || die "rustup has no Rust $version"
  say "checking Rust $version"
  (cd "$from" && grep -v '^#' "$here/rust.lock" | sha256sum -c --quiet) || die "Rust $version in $from is not as locked"
  sed -n 's/^[0-9a-f]\{64\}  //p' "$here/rust.lock" | (cd "$from" && xargs cp --parents --reflink=auto -t "$part")
}

once "$cache/rust-$(key "$here/rust.lock" "$here/rust.sh")" copy
