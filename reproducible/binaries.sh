#!/bin/sh
# binaries.sh: builds the programs of the image, and eif-build, which puts it together, inside the locked root with the
# locked toolchain. Prints a folder that holds them, and for each NAME.tree, the crates it is made of.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=lib.sh
. "$here/lib.sh"
source=$(dirname "$here")

root=$("$here/root.sh")
rust=$("$here/rust.sh")
crates=$("$here/crates.sh")

build() {
  work=$part/work
  mkdir -p "$work/cargo" "$work/out"
  printf '[source.crates-io]\nreplace-with = "locked"\n[source.locked]\ndirectory = "/vendor"\n' > "$work/cargo/config.toml"
  say 'building the programs'
  # Each package by itself, or cargo would merge the features of what they share. --target keeps the flags from what
  # runs during the build. Paths are the same in every such root; remapping them keeps the root's layout out as well.
  # shellcheck disable=SC2016 # the inner shell expands
  in_root "$root" "$work" "$rust:/rust" "$crates:/vendor" "$source:/src" -- sh -euc '
    target=x86_64-unknown-linux-gnu
    export CARGO_HOME=/build/cargo CARGO_TARGET_DIR=/build/target CFLAGS="-ffile-prefix-map=/vendor=. -ffile-prefix-map=/build=."
    export RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,--build-id=none \
      --remap-path-prefix=/vendor=. --remap-path-prefix=/src=. --remap-path-prefix=/build=."
    cd /src
    for package in capelet-pid1 capelet-core capelet-worker eif-build; do
      cargo build -q --release --locked --offline --target $target -p $package
      cargo tree --locked --offline --target $target -p $package -e normal --prefix none > /build/out/$package.tree
    done
    find /build/target/$target/release -maxdepth 1 -type f -perm /111 -exec cp {} /build/out/ \;
  '
  mv "$work"/out/* "$part/"
  rm -rf "$work"
}

# What the compiler can read: the workspace's manifests, and the packages that go in with all that they hold.
files=$(cd "$source" && { find Cargo.toml rust-toolchain.toml enclave-core init eif-build -type f; find . -name Cargo.toml \
  -not -path './target*'; } | LC_ALL=C sort -u)
# shellcheck disable=SC2086 # a list of paths without spaces
code=$(cd "$source" && sha256sum $files | sha256sum | cut -c1-16)
for part in "$root" "$rust" "$crates"; do code=$code-${part##*-}; done
once "$cache/binaries-$(echo "$code" | cat - "$here/binaries.sh" "$here/lib.sh" | sha256sum | cut -c1-16)" build
