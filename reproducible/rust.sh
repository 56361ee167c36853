#!/bin/sh
# rust.sh: the Rust toolchain that rust.lock names file by file, taken from where rustup put it, or from CAPELET_RUST.
# Prints its folder, which holds these files and no others.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=products.sh
. "$here/products.sh"
begin

version=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$here/../rust-toolchain.toml")

# locked FOLDER: checks every file of the toolchain there. A manifest says that a product is the one that was built; the lock
# file says what it has to be.
locked() { (cd "$1" && grep -v '^#' "$here/rust.lock" | sha256sum -c --quiet >&2); }
copy() {
  # rustup installs the toolchain on the way, if need be.
  from=${CAPELET_RUST:-$(cd "$source" && rustup run --install "$version" rustc --print sysroot)} || die "rustup has no Rust $version"
  say "checking Rust $version"
  # The copy is checked, not what was copied: its owner may change it in the meantime.
  sed -n 's/^[0-9a-f]\{64\}  //p' "$here/rust.lock" | (cd "$from" && xargs cp --parents --reflink=auto -t "$part") \
    && locked "$part" || die "Rust $version in $from is not as locked"
}

rust=$(once "$cache/rust-$(key "$here/rust.lock" "$here/rust.sh")" copy)
locked "$rust" || die "$rust is not as locked: remove it"
echo "$rust"
