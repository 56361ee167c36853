#!/bin/sh
# crates.sh: unpacks every crate of Cargo.lock into a folder that cargo takes instead of a registry, and prints it. cargo
# fetches them; each is checked against Cargo.lock here once more, so that neither the registry nor cargo's cache is
# trusted. Paths inside are the same on every machine.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
# shellcheck source=products.sh
. "$here/products.sh"
begin

rust=$("$here/rust.sh")

unpack() {
  lock=$source/Cargo.lock
  (cd "$source" && "$rust/bin/cargo" fetch -q --locked)
  # [[package]] name, version, source, checksum, in this order; packages of the workspace have no checksum.
  sed -nE 's/^(name|version|checksum) = "(.*)"$/\1 \2/p' "$lock" \
    | awk '$1 == "name" { n = $2 } $1 == "version" { v = $2 } $1 == "checksum" { print n "-" v, $2 }' > "$part/list"
  say "unpacking $(wc -l < "$part/list") crates"
  while read -r crate hash; do
    for file in "${CARGO_HOME:-$HOME/.cargo}"/registry/cache/*/"$crate.crate"; do
      # A copy is checked and unpacked: cargo's file may change in the meantime.
      cp "$file" "$private/crate" 2> /dev/null || continue
      if echo "$hash  $private/crate" | sha256sum -c --status; then
        tar xzf "$private/crate" -C "$part" --no-same-owner
        printf '{"files":{},"package":"%s"}' "$hash" > "$part/$crate/.cargo-checksum.json"
        break
      fi
    done
    [ -e "$part/$crate/.cargo-checksum.json" ] || die "$crate is not as in Cargo.lock (SHA-256 $hash)"
  done < "$part/list"
}

once "$cache/crates-$(key "$source/Cargo.lock" "$here/crates.sh")" unpack
